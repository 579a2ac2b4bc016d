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
fn mistakes() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("version", json!(2), "version"),
        ("version", json!("one"), "version"),
        ("nonsense", json!({}), "nonsense"),
        ("auth", json!([]), "auth"),
        ("auth.kees", json!([]), "auth.kees"),
        ("auth.master_key", json!("a literal key"), "auth.master_key"),
        (
            "auth.master_key",
            json!({ "env": "NOT_SET_ANYWHERE" }),
            "auth.master_key",
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
        ("dlp.rules.1.name", json!("ssn"), "dlp.rules[1].name"),
        ("dlp.max_body_bytes", json!(0), "dlp.max_body_bytes"),
        ("dlp.request", json!("yes"), "dlp.request"),
        ("audit.hmac_key", json!("a literal key"), "audit.hmac_key"),
        (
            "audit.hmac_key",
            json!({ "env": "NOT_SET_ANYWHERE" }),
            "audit.hmac_key",
        ),
        ("audit.user", json!("anonymous"), "audit.user"),
        ("envoy.hold_headers", json!("yes"), "envoy.hold_headers"),
    ]
}

fn every_mistake_is_refused_by_its_path(name: &'static str) {
    let variant = Variant {
        scenario: name,
        hold_headers: true,
    };
    let mut report = String::new();
    for (path, value, named) in mistakes() {
        let mut scenario = scenario(variant);
        scenario
            .edit_policy(|policy| set(policy, path, value.clone()))
            .unwrap();
        match scenario.refusal(binary()) {
            Ok(log) if log.contains(named) => {
                if let Some(text) = value.as_str().filter(|text| text.contains("literal")) {
                    assert!(!log.contains(text), "the log holds a secret: {log}");
                }
            }
            Ok(log) => writeln!(
                report,
                "{path} = {value}: the log does not name {named}:\n{log}"
            )
            .unwrap(),
            Err(error) => writeln!(report, "{path} = {value}: {error:#}").unwrap(),
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
