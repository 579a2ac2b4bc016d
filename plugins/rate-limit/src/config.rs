//! Reads the section `limits`, and the limits in `teams` and of keys beside it.

use crate::claim::{Claim, Quota, Scope, Subject};
use crate::{RateLimit, Rules};
use portcullis_policy::config::{Document, Glob, LIMIT_MAX, Limits, Section, Value};
use std::collections::HashMap;
use std::time::Duration;

/// Tokens reserved for the completion of a request that names no cap, where the policy does not say.
pub const COMPLETION_TOKENS_DEFAULT: u64 = 1024;

/// After which time a parallel slot gives itself back, where the policy does not say.
pub const LEASE_DEFAULT: Duration = Duration::from_secs(600);

/// Shortest lease. Protects from one that is over before any answer could have come, which would be no limit at all.
pub const LEASE_MIN: Duration = Duration::from_secs(1);

/// Reads the policy; `None` when neither a section `limits` nor a team's or a key's own limits are there. Mistakes are noted in the
/// document.
#[inline(never)]
pub fn configure(document: &Document) -> Option<RateLimit> {
    let section = document.section("limits");
    let teams = document.teams();
    let keys = key_limits(document);
    if section.is_none() && teams.iter().all(|team| team.limits.is_empty()) && keys.is_empty() {
        return None;
    }
    if let Some(section) = &section {
        section.only(&[
            "mode",
            "user",
            "key",
            "team",
            "model",
            "global",
            "default_completion_tokens",
            "include_usage",
            "lease",
        ]);
    }
    let field = |name: &str| section.as_ref().and_then(|section| section.field(name));
    let limits = |name: &str| field(name).map(|field| read(&field)).unwrap_or_default();
    let (key, team) = (limits("key"), limits("team"));
    let model = field("model");
    let models = model
        .iter()
        .flat_map(Section::entries)
        .filter_map(|(pattern, section)| {
            let claim = Claim {
                subject: Subject::of(Scope::Model(pattern)),
                quota: Quota::of(&read(&section))?,
            };
            Some((Glob::new(pattern), claim))
        });
    let models: Vec<_> = models.collect();
    let completion_tokens = field("default_completion_tokens").and_then(|field| {
        let tokens = field.positive()?;
        if tokens > LIMIT_MAX {
            field.mistake(format!("is larger than {LIMIT_MAX}"));
        }
        Some(tokens)
    });
    let lease = field("lease").and_then(|field| {
        let lease = field.duration()?;
        if lease < LEASE_MIN {
            field.expected("at least 1s")
        } else {
            Some(lease)
        }
    });
    let global = Quota::of(&limits("global")).map(|quota| Claim {
        subject: Subject::of(Scope::Global),
        quota,
    });
    Some(RateLimit::new(Rules {
        mode: section.as_ref().map(Section::mode).unwrap_or_default(),
        user: Quota::of(&limits("user")),
        key: Quota::of(&key),
        keys: keys
            .into_iter()
            .map(|(id, own)| (id, Quota::of(&own.or(key))))
            .collect(),
        team: Quota::of(&team),
        teams: teams
            .iter()
            .map(|own| (own.id.clone(), Quota::of(&own.limits.or(team))))
            .collect(),
        models,
        global,
        completion_tokens: completion_tokens.unwrap_or(COMPLETION_TOKENS_DEFAULT),
        lease: lease.unwrap_or(LEASE_DEFAULT),
    }))
}

/// Limits of which none depends on what another place says.
fn read(section: &Section<'_>) -> Limits {
    let limits = Limits::read(section);
    limits.check(section);
    limits
}

/// What keys say of themselves, by their ids. All else about keys is for `auth` to judge.
#[inline(never)]
fn key_limits(document: &Document) -> HashMap<String, Limits> {
    let keys = document.section("auth").and_then(|auth| auth.field("keys"));
    let keys = keys.filter(|keys| matches!(keys.value(), Value::List(_)));
    let own = |key: &Section<'_>| {
        let limits = Limits::read(&key.field("limits")?);
        match key.field("id")?.value() {
            Value::String(id) => Some((id.clone(), limits)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                None
            }
        }
    };
    keys.iter()
        .flat_map(Section::items)
        .filter_map(|key| own(&key))
        .collect()
}
