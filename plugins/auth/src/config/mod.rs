//! Reads the section `auth`, and `teams` beside it.

mod identity;
mod key;

use crate::digest::Digest;
use crate::holder::Holder;
use crate::identities::{Identities, Require, TeamModels};
use crate::keys::{Key, Keys};
use crate::lockout::{FAILURES_MAX, Lockout};
use crate::source::{Network, Sources};
use crate::{Auth, Rules};
use portcullis_policy::config::{Document, Environment, Glob, Section};
use portcullis_policy::{AllowedModels, Identity};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

/// How long before its end a key is warned of, where the policy does not say.
pub const WARN_BEFORE_DEFAULT: Duration = Duration::from_secs(14 * 86_400);

/// User and key id of whoever holds the master key. No other key may have this id.
const MASTER: &str = "master";

const LITERAL: &str = "a key must not stand in the policy: write its SHA-256 digest as `sha256`";
const LITERAL_MASTER: &str = "a key must not stand in the policy: write { env: <name of an environment variable> }, or its SHA-256 digest as \
                              { sha256: <64 hex digits> }";

/// Reads the policy; `None` without a section `auth`. Mistakes are noted in the document.
#[inline(never)]
pub fn configure(document: &Document, environment: &dyn Environment) -> Option<Auth> {
    let section = document.section("auth")?;
    section.only(&[
        "mode",
        "master_key",
        "keys",
        "max_age",
        "warn_before",
        "identities",
        "require",
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
    let teams: TeamModels = document
        .teams()
        .iter()
        .map(|team| (team.id.clone(), team.models.clone().map(Rc::from)))
        .collect();
    let mut ids = HashSet::from([MASTER]);
    let keys = keys(&section, environment, &teams, &mut ids);
    let identities = identity::read(&section, teams, &mut ids);
    Some(Auth {
        rules: Rc::new(Rules {
            mode: section.mode(),
            sources,
            lockout,
            keys,
            warn_before: section
                .field("warn_before")
                .and_then(|field| field.duration())
                .unwrap_or(WARN_BEFORE_DEFAULT),
            require: require(&section, &identities),
            identities,
        }),
    })
}

#[inline(never)]
fn keys<'a>(
    section: &Section<'a>,
    environment: &dyn Environment,
    teams: &TeamModels,
    ids: &mut HashSet<&'a str>,
) -> Keys {
    let mut keys = Keys::default();
    if let Some(field) = section.field("master_key")
        && let Some(digest) = master_digest(&field.secret(), environment)
    {
        keys.add(digest, master());
    }
    let max_age = section.field("max_age").and_then(|field| field.duration());
    for item in section.field("keys").iter().flat_map(Section::items) {
        let item = item.secret();
        let Some((digest, key)) = key::read(&item, teams, max_age, ids) else {
            continue;
        };
        if !keys.add(digest, key) {
            item.mistake("has the same digest as another key");
        }
    }
    keys
}

/// The operator's own key: of no team, without an end, since nobody knows when its secret was made.
fn master() -> Key {
    let identity = Identity {
        user: MASTER.to_owned(),
        team: None,
        key_id: MASTER.to_owned(),
    };
    Key {
        holder: Rc::new(Holder {
            identity: Rc::new(identity),
            models: AllowedModels::default(),
        }),
        not_before: None,
        ends_at: None,
        revoked: false,
    }
}

fn require(section: &Section<'_>, identities: &Identities) -> Require {
    let Some(field) = section.field("require") else {
        return Require::default();
    };
    let words = &[
        ("key_or_identity", Require::KeyOrIdentity),
        ("key_and_identity", Require::KeyAndIdentity),
    ];
    let require = field.one_of(words).unwrap_or_default();
    if require == Require::KeyAndIdentity && identities.rules.is_empty() {
        field.mistake("nobody could get in: there are no `identities`");
    }
    require
}

/// An id of a key or a rule: records tell them apart by it.
fn id<'a>(section: &Section<'a>, ids: &mut HashSet<&'a str>) -> Option<&'a str> {
    let field = section.required("id")?;
    let id = field.string()?;
    if !ids.insert(id) {
        field.mistake(if id == MASTER {
            "this id is kept for the master key"
        } else {
            "another key has this id"
        });
    }
    Some(id)
}

/// The field `models`: `None` where there is none.
fn models(section: &Section<'_>) -> Option<Rc<[Glob]>> {
    let list = section.field("models")?;
    Some(
        list.items()
            .iter()
            .filter_map(|item| item.string().map(Glob::new))
            .collect(),
    )
}

/// A field that names a team.
fn team<'t>(field: &Section<'_>, teams: &'t TeamModels) -> Option<(&'t str, Option<Rc<[Glob]>>)> {
    match teams.get_key_value(field.string()?) {
        Some((id, models)) => Some((id, models.clone())),
        None => field.expected("the team_id of a team in `teams`"),
    }
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

#[cfg(test)]
mod tests;
