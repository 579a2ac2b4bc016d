//! Reads the section `limits`, and the limits in `teams` beside it.

use crate::claim::{Claim, Scope, Subject};
use crate::{RateLimit, Rules};
use portcullis_policy::config::{Document, Glob, LIMIT_MAX, Limits, Section};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Tokens reserved for the completion of a request that names no cap, where the policy does not say.
pub const COMPLETION_TOKENS_DEFAULT: u64 = 1024;

/// After which time a parallel slot gives itself back, where the policy does not say.
pub const LEASE_DEFAULT: Duration = Duration::from_secs(600);

/// Shortest lease. Protects from one that is over before any answer could have come, which would be no limit at all.
pub const LEASE_MIN: Duration = Duration::from_secs(1);

/// Reads the policy; `None` when neither a section `limits` nor a team's own limits are there. Mistakes are noted in the document.
pub fn configure(document: &Document) -> Option<RateLimit> {
    let section = document.section("limits");
    let teams = document.teams();
    if section.is_none() && teams.iter().all(|team| team.limits.is_empty()) {
        return None;
    }
    if let Some(section) = &section {
        section.only(&[
            "user",
            "team",
            "model",
            "global",
            "default_completion_tokens",
            "lease",
        ]);
    }
    let field = |name: &str| section.as_ref().and_then(|section| section.field(name));
    let limits = |name: &str| {
        field(name)
            .map(|field| Limits::read(&field))
            .unwrap_or_default()
    };
    let team = limits("team");
    let model = field("model");
    let models = model
        .iter()
        .flat_map(Section::entries)
        .map(|(pattern, section)| {
            let subject = Subject::of(Scope::Model(pattern));
            (
                Glob::new(pattern),
                Claim {
                    subject,
                    limits: Limits::read(&section),
                },
            )
        });
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
    let rules = Rules {
        user: limits("user"),
        team,
        teams: teams
            .iter()
            .map(|own| (own.id.clone(), own.limits.or(team)))
            .collect::<HashMap<_, _>>(),
        models: models.collect(),
        global: Claim {
            subject: Subject::of(Scope::Global),
            limits: limits("global"),
        },
        completion_tokens: completion_tokens.unwrap_or(COMPLETION_TOKENS_DEFAULT),
        lease: lease.unwrap_or(LEASE_DEFAULT),
    };
    Some(RateLimit {
        rules: Rc::new(rules),
    })
}
