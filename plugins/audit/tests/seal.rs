//! What is sealed, by the words of `docs/audit.md` alone: an auditor's own program, written without a look at how records are made.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use hmac::{Hmac, KeyInit, Mac};
use portcullis_audit::{configure, hex, unhex};
use portcullis_policy::config::Document;
use portcullis_policy::{
    Effects, Event, Facts, Identity, MemoryStore, Policy, RequestMeaning, Timestamp,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

const KEY: &str = "a key of more than sixteen bytes";

/// The lines of three requests: one by a person, one by nobody known, one by a person again.
fn lines(policy: &str) -> Vec<String> {
    let document = Document::parse(policy.as_bytes()).unwrap();
    let audit = configure(&document, &|_: &str| Some(KEY.to_owned())).unwrap();
    let mut store = MemoryStore::default();
    let mut lines = Vec::new();
    for (at, user) in [(1, Some("jane \"j\" roe")), (2, None), (3, Some("joe"))] {
        let mut facts = Facts {
            identity: user.map(|user| {
                let (user, key_id) = (user.to_owned(), "k".to_owned());
                let team = None;
                Identity { user, team, key_id }.into()
            }),
            source: user.and(Some("10.0.0.1".parse().unwrap())),
            ..Facts::default()
        };
        let mut exchange = audit.open();
        for event in [
            Event::RequestEnd(&RequestMeaning::default()),
            Event::End { status: 200 },
        ] {
            let mut out = Effects::new(&mut store);
            exchange.handle(Timestamp::from_secs(at), &event, &mut facts, &mut out);
        }
        lines.extend(facts.record.unwrap().lines().map(str::to_owned));
    }
    lines
}

/// The text of a top-level member's value in the line.
fn value<'l>(line: &'l str, name: &str) -> &'l str {
    let (_, rest) = line.split_once(&format!("\"{name}\":")).unwrap();
    let mut escaped = false;
    let end = match rest.strip_prefix('"') {
        None => rest.find([',', '}']).unwrap(),
        Some(text) => {
            let closes = |c: char| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            };
            text.find(closes).unwrap() + 2
        }
    };
    &rest[..end]
}

/// What is sealed of a line.
fn sealed(line: &str) -> String {
    let (before, mac) = line.split_once(",\"mac\":\"").unwrap();
    let mut text = format!("{before}{}", &mac[mac.find('"').unwrap() + 1..]);
    let Some((_, salt)) = line.split_once(",\"salt\":\"") else {
        return text;
    };
    let salt = &salt[..32];
    let mut personal = Sha256::new();
    personal.update(unhex::<16>(salt).unwrap());
    for name in ["user", "source_ip", "key_id"] {
        let value = value(line, name);
        personal.update(format!("{value}\n"));
        text = text.replacen(
            &format!("\"{name}\":{value}"),
            &format!("\"{name}\":null"),
            1,
        );
    }
    let digest = format!("\"personal\":\"{}\"", hex(&personal.finalize()));
    text.replacen(&format!("\"salt\":\"{salt}\""), &digest, 1)
}

fn check(lines: &[String], mac: impl Fn(&[u8]) -> String) {
    let mut before = "0".repeat(64);
    for (seq, line) in lines.iter().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["chain"]["seq"], seq, "{line}");
        assert_eq!(record["chain"]["prev"], *before, "{line}");
        assert_eq!(
            record["chain"]["mac"],
            mac(sealed(line).as_bytes()),
            "{line}"
        );
        before = record["chain"]["mac"].as_str().unwrap().to_owned();
    }
}

#[test]
fn a_seal_with_a_key_is_as_the_page_says() {
    let lines = lines(r#"{"audit": {"hmac_key": {"env": "K"}}}"#);
    // The first one's policy, and three requests.
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("\"salt\""))
            .count(),
        2
    );
    check(&lines, |text| {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(text);
        hex(&mac.finalize().into_bytes())
    });
}

#[test]
fn a_seal_without_a_key_is_as_the_page_says() {
    check(&lines(r#"{"audit": {}}"#), |text| {
        hex(&Sha256::digest(text))
    });
}
