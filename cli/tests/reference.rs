//! `docs/policy.md` against what the policies read: every field stands there, and no other.

#![allow(clippy::unwrap_used)]

mod common;

use common::Run;
use std::collections::BTreeSet;

/// A field `zz` in every place that has fields, so that `check` says which are known there.
const UNKNOWN_EVERYWHERE: &str = r"
version: 1
zz: 1
envoy: { zz: 1 }
auth:
  zz: 1
  master_key: { zz: 1 }
  keys: [{ zz: 1 }]
  lockout: { zz: 1 }
  identities: [{ id: a, zz: 1, certificate: { zz: 1 } }, { id: b, jwt: { zz: 1 }, user: { zz: 1 } }]
teams: [{ zz: 1, limits: { zz: 1 } }]
limits: { zz: 1, user: { zz: 1 } }
dlp: { zz: 1, mask_key: { zz: 1 }, rules: [{ zz: 1, contains: x, action: flag, allow: [{ zz: 1 }] }] }
audit: { zz: 1, hmac_key: { zz: 1 }, sink: { zz: 1 } }
alerts: [{ zz: 1 }]
notify: { zz: 1 }
";

/// Words in backticks that are values, types or names of other programs' fields.
const NO_FIELDS: [&str; 25] = [
    "true",
    "false",
    "enforce",
    "shadow",
    "refuse",
    "pass",
    "drop",
    "plain",
    "pseudonym",
    "otlp",
    "alertmanager",
    "webhook",
    "key_or_identity",
    "key_and_identity",
    "jwt_payload",
    "jwt_authn",
    "1m",
    "1s",
    "5s",
    "1h",
    "5m",
    "10m",
    "14d",
    "60s",
    "90d",
];

fn fields_that_are_read() -> BTreeSet<String> {
    let checked = Run::new(&["check", "-"]).stdin(UNKNOWN_EVERYWHERE).output();
    let places: Vec<&str> = checked
        .stdout
        .lines()
        .filter_map(|line| Some(line.split_once("zz: unknown field; known here: ")?.1))
        .collect();
    let asked = UNKNOWN_EVERYWHERE.matches("zz: 1").count();
    assert_eq!(places.len(), asked, "{}", checked.stdout);
    let names = places.iter().flat_map(|names| names.split(", "));
    names.map(str::to_owned).collect()
}

fn fields_that_are_documented() -> BTreeSet<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| {
            word.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        })
        .filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter(|word| !NO_FIELDS.contains(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_field_is_documented_and_no_other() {
    let (read, documented) = (fields_that_are_read(), fields_that_are_documented());
    let missing: Vec<_> = read.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&read).collect();
    assert!(missing.is_empty(), "not in docs/policy.md: {missing:?}");
    assert!(
        invented.is_empty(),
        "docs/policy.md names what nothing reads: {invented:?}"
    );
}
