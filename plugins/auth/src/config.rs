//! Reads the section `auth`, and `teams` beside it.

use crate::digest::Digest;
use crate::keys::{Key, Keys};
use crate::lockout::{FAILURES_MAX, Lockout};
use crate::source::{Network, Sources};
use crate::{Auth, Rules};
use portcullis_policy::Identity;
use portcullis_policy::config::{Document, Environment, Section, Team};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// User and key id of whoever holds the master key. No other key may have this id.
const MASTER: &str = "master";

const LITERAL: &str = "a key must not stand in the policy: write its SHA-256 digest as `sha256`";
const LITERAL_MASTER: &str = "a key must not stand in the policy: write { env: <name of an environment variable> }, or its SHA-256 digest as \
                              { sha256: <64 hex digits> }";

/// Reads the policy; `None` without a section `auth`. Mistakes are noted in the document.
pub fn configure(document: &Document, environment: &dyn Environment) -> Option<Auth> {
    let section = document.section("auth")?;
    section.only(&[
        "mode",
        "master_key",
        "keys",
        "allow_sources",
        "deny_sources",
        "lockout",
        "public_paths",
        "on_upgrade",
    ]);
    let sources = Sources {
        allow: section.field("allow_sources").map(|field| networks(&field)),
        deny: section
            .field("deny_sources")
            .map(|field| networks(&field))
            .unwrap_or_default(),
    };
    let lockout = section.field("lockout").and_then(|field| lockout(&field));
    let mut keys = Keys::default();
    if let Some(field) = section.field("master_key")
        && let Some(digest) = master_digest(&field.secret(), environment)
    {
        let identity = Identity {
            user: MASTER.to_owned(),
            team: None,
            key_id: MASTER.to_owned(),
        };
        keys.add(
            digest,
            Key {
                identity,
                team: None,
                not_before: None,
                expires_at: None,
                revoked: false,
            },
        );
    }
    let teams: HashMap<&str, Rc<Team>> = document
        .teams()
        .iter()
        .map(|team| (team.id.as_str(), Rc::new(team.clone())))
        .collect();
    let mut ids = HashSet::from([MASTER]);
    for item in section.field("keys").iter().flat_map(Section::items) {
        let item = item.secret();
        let Some((digest, key)) = key(&item, &teams, &mut ids) else {
            continue;
        };
        if !keys.add(digest, key) {
            item.mistake("has the same digest as another key");
        }
    }
    Some(Auth {
        rules: Rc::new(Rules {
            mode: section.mode(),
            sources,
            lockout,
            keys,
        }),
    })
}

fn networks(section: &Section<'_>) -> Vec<Network> {
    let network = |item: &Section<'_>| {
        Network::parse(item.string()?).map_or_else(|expected| item.expected(expected), Some)
    };
    section.items().iter().filter_map(network).collect()
}

fn lockout(section: &Section<'_>) -> Option<Lockout> {
    section.only(&["failures", "window", "block"]);
    let failures = section.required("failures").and_then(|field| {
        let failures = field.positive()?;
        if failures > FAILURES_MAX {
            field.expected(&format!("at most {FAILURES_MAX}"))
        } else {
            Some(failures)
        }
    });
    let window = section
        .required("window")
        .and_then(|field| field.duration());
    let block = section.required("block").and_then(|field| field.duration());
    Some(Lockout {
        failures: failures?,
        window: window?,
        block: block?,
    })
}

fn master_digest(section: &Section<'_>, environment: &dyn Environment) -> Option<Digest> {
    if section.refuse_literal(LITERAL_MASTER) {
        return None;
    }
    section.only(&["env", "sha256"]);
    match (section.field("env"), section.field("sha256")) {
        (Some(variable), None) => digest_of(&variable, environment),
        (None, Some(digest)) => digest_in(&digest.secret()),
        (Some(_), Some(_)) | (None, None) => section.expected("either `env` or `sha256`"),
    }
}

/// The digest of the secret that an environment variable holds.
fn digest_of(variable: &Section<'_>, environment: &dyn Environment) -> Option<Digest> {
    let secret = variable.variable(environment)?;
    if !secret.bytes().all(|b| b.is_ascii_graphic()) {
        variable.mistake("the environment variable of this name holds characters that cannot stand in a header field");
        return None;
    }
    Some(Digest::of(secret.as_bytes()))
}

fn digest_in(section: &Section<'_>) -> Option<Digest> {
    Digest::from_hex(section.string()?)
        .map_or_else(|| section.expected("a SHA-256 digest, 64 hex digits"), Some)
}

fn key<'a>(
    section: &Section<'a>,
    teams: &HashMap<&str, Rc<Team>>,
    ids: &mut HashSet<&'a str>,
) -> Option<(Digest, Key)> {
    let literal = section.refuse_literal(LITERAL);
    if !literal {
        section.only(&[
            "id",
            "sha256",
            "user",
            "team",
            "not_before",
            "expires_at",
            "revoked",
            // Read by `limits`.
            "limits",
        ]);
    }
    let not_before = section
        .field("not_before")
        .and_then(|field| field.timestamp());
    let end = section.field("expires_at");
    let expires_at = end.as_ref().and_then(Section::timestamp);
    if let (Some(start), Some(last), Some(end)) = (not_before, expires_at, &end)
        && last <= start
    {
        end.mistake("is not after not_before");
    }
    let revoked = section
        .field("revoked")
        .and_then(|field| field.boolean())
        .unwrap_or(false);
    let team = section.field("team").and_then(|field| {
        let team = teams.get(field.string()?).map(Rc::clone);
        if team.is_none() {
            field.expected("the team_id of a team in `teams`")
        } else {
            team
        }
    });
    let id = section.required("id").and_then(|field| {
        let id = field.string()?;
        if !ids.insert(id) {
            field.mistake(if id == MASTER {
                "this id is kept for the master key"
            } else {
                "another key has this id"
            });
        }
        Some(id)
    });
    let user = section.required("user").and_then(|field| field.string());
    let digest = if literal {
        None
    } else {
        section.required("sha256")
    };
    let digest = digest.and_then(|field| digest_in(&field.secret()))?;
    let identity = Identity {
        user: user?.to_owned(),
        team: team.as_ref().map(|team| team.id.clone()),
        key_id: id?.to_owned(),
    };
    Some((
        digest,
        Key {
            identity,
            team,
            not_before,
            expires_at,
            revoked,
        },
    ))
}
