//! A policy with a mistake is refused at start, by Envoy, with the path of the mistake in its log.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::common::{Variant, binary, scenario};

/// Sets the value at a path, making what is missing on the way.
fn set(policy: &mut Value, path: &str, value: Value) {
    let mut at = policy;
    for key in path.split('.') {
        at = match key.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[key],
        };
    }
    *at = value;
}

/// What is set, to what, and what the message must name.
struct Mistake {
    path: &'static str,
    value: Value,
    named: &'static str,
}

fn mistakes() -> Vec<Mistake> {
    let mistakes = vec![
        ("version", json!(2), "version"),
        ("version", json!("one"), "version"),
        ("nonsense", json!({}), "nonsense"),
        ("auth", json!([]), "auth"),
        ("auth.kees", json!([]), "auth.kees"),
        ("auth.master_key", json!("a literal key"), "auth.master_key"),
        (
            "auth.master_key",
            json!({ "env": "NOT_SET_ANYWHERE" }),
            "auth.master_key.env",
        ),
        (
            "auth.keys.0.sha256",
            json!("a literal key"),
            "auth.keys[0].sha256",
        ),
        ("auth.keys.0.sha256", json!("02c4"), "auth.keys[0].sha256"),
        (
            "auth.keys.0.team",
            json!("no-such-team"),
            "auth.keys[0].team",
        ),
        ("auth.keys.0.colour", json!("red"), "auth.keys[0].colour"),
        (
            "auth.keys.0.expires_at",
            json!("tomorrow"),
            "auth.keys[0].expires_at",
        ),
        ("auth.keys.1.id", json!("demo"), "auth.keys[1].id"),
        (
            "auth.allow_sources",
            json!(["10.0.0.0/33"]),
            "auth.allow_sources[0]",
        ),
        (
            "auth.deny_sources",
            json!(["localhost"]),
            "auth.deny_sources[0]",
        ),
        ("teams.0.models", json!("all"), "teams[0].models"),
        ("teams.1.team_id", json!("eng-team"), "teams[1].team_id"),
        ("limits.user.rpm", json!("many"), "limits.user.rpm"),
        ("limits.user.rpm", json!(0), "limits.user.rpm"),
        ("limits.user.rpm", json!(-5), "limits.user.rpm"),
        ("limits.user.tpm", json!(1.5), "limits.user.tpm"),
        ("limits.user.rpd_", json!(1), "limits.user.rpd_"),
        (
            "limits.default_completion_tokens",
            json!("x"),
            "limits.default_completion_tokens",
        ),
        ("dlp.rules", json!({}), "dlp.rules"),
        (
            "dlp.rules.0.pattern",
            json!("(unclosed"),
            "dlp.rules[0].pattern",
        ),
        (
            "dlp.rules.0.action",
            json!("explode"),
            "dlp.rules[0].action",
        ),
        (
            "dlp.rules.0",
            json!({ "name": "x", "action": "block" }),
            "dlp.rules[0]",
        ),
        ("dlp.max_body_bytes", json!(0), "dlp.max_body_bytes"),
        ("dlp.request", json!("yes"), "dlp.request"),
        ("audit.hmac_key", json!("a literal key"), "audit.hmac_key"),
        (
            "audit.hmac_key",
            json!({ "env": "NOT_SET_ANYWHERE" }),
            "audit.hmac_key.env",
        ),
        ("audit.user", json!("anonymous"), "audit.user"),
        ("envoy.hold_headers", json!("yes"), "envoy.hold_headers"),
    ];
    let mistake = |(path, value, named)| Mistake { path, value, named };
    mistakes.into_iter().map(mistake).collect()
}

/// Mistakes that can stand in one policy: a module tells all it finds at once, and Envoy ends with the first module that finds
/// one, so a group has the mistakes of one section, none of them inside another.
fn groups() -> Vec<Vec<Mistake>> {
    let reader = |path: &str| match path {
        // Read by every module.
        "dlp.max_body_bytes" => "all".to_owned(),
        _ => path.split('.').next().unwrap_or_default().to_owned(),
    };
    let hides =
        |outer: &str, inner: &str| inner == outer || inner.starts_with(&format!("{outer}."));
    let mut groups: Vec<Vec<Mistake>> = Vec::new();
    for mistake in mistakes() {
        let path = mistake.path;
        let fits = |group: &&mut Vec<Mistake>| {
            group.iter().all(|other| {
                reader(other.path) == reader(path)
                    && !hides(other.path, path)
                    && !hides(path, other.path)
            })
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(mistake),
            None => groups.push(vec![mistake]),
        }
    }
    groups
}

fn every_mistake_is_refused_by_its_path(name: &'static str) {
    let variant = Variant {
        scenario: name,
        hold_headers: true,
    };
    let mut report = String::new();
    for group in groups() {
        let mut scenario = scenario(variant);
        scenario
            .edit_policy(|policy| {
                for mistake in &group {
                    set(policy, mistake.path, mistake.value.clone());
                }
            })
            .unwrap();
        let log = scenario
            .refusal(binary())
            .unwrap_or_else(|error| format!("{error:#}"));
        assert!(
            !log.contains("literal key"),
            "the log holds a secret: {log}"
        );
        for Mistake { path, value, named } in group {
            // The path stands before a colon, and what is wrong after it.
            if !log.contains(&format!(" {named}: ")) {
                writeln!(report, "{path} = {value}: nothing about {named} in\n{log}").unwrap();
            }
        }
    }
    for text in [
        "",
        "{",
        "[]",
        "null",
        "not JSON",
        "{\"version\":1,\"version\":1}",
    ] {
        if let Err(error) = scenario(variant)
            .policy_text(text)
            .unwrap()
            .refusal(binary())
        {
            writeln!(report, "the policy {text:?}: {error:#}").unwrap();
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn local() {
    every_mistake_is_refused_by_its_path("local");
}

#[test]
fn chain() {
    every_mistake_is_refused_by_its_path("chain");
}

/// What validation refuses must not come to serve either.
#[test]
fn envoy_does_not_start() {
    for name in ["local", "chain"] {
        let mut scenario = scenario(Variant {
            scenario: name,
            hold_headers: true,
        });
        scenario
            .edit_policy(|policy| policy["limits"]["user"]["rpm"] = json!("many"))
            .unwrap();
        let error = scenario.start(binary()).unwrap_err();
        assert!(
            format!("{error:#}").contains("limits.user.rpm"),
            "{error:#}"
        );
    }
}
