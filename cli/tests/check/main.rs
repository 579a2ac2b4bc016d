//! `portcullis check` as a process: what it prints and how it exits.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod surroundings;

use common::Run;
use serde_json::Value;
use surroundings::around;

/// A policy with which the checklist is content.
const GOOD: &str = r#"# Who may do what.
version: 1
auth:
  master_key: { env: LITELLM_MASTER_KEY }
  keys:
    - id: john-laptop
      sha256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
      user: john.doe@company.com
      team: eng-team
      not_before: 2026-01-01T00:00:00Z
      expires_at: 2026-04-01T00:00:00Z
  allow_sources: [10.0.0.0/8]
  lockout: { failures: 10, window: 5m, block: 1h }
teams:
  - { team_name: engineering, team_id: eng-team, models: [claude-3-5-sonnet] }
limits:
  user: { rpm: 100, tpm: 50000, max_parallel_requests: 10 }
dlp:
  rules:
    - { name: ssn, pattern: '\b\d{3}-\d{2}-\d{4}\b', action: block }
audit:
  hmac_key: { env: PORTCULLIS_AUDIT_KEY }
alerts:
  - { name: Busy, condition: "rpm > 1000", action: "flag for review" }
"#;

fn check(policy: &str, arguments: &[&str]) -> common::Output {
    let mut all = vec!["check", "-", "--at", "2026-02-01T00:00:00Z"];
    all.extend(arguments);
    Run::new(&all).stdin(policy).output()
}

/// `docs/check.md` says what the warning is that a line names.
fn assert_documented(line: &str) {
    let documented = std::fs::read_to_string(common::root().join("docs/check.md")).unwrap();
    let (_, name) = line.split_once(' ').unwrap();
    assert!(
        documented.contains(&format!("`{name}`")),
        "{name} is not in docs/check.md"
    );
}

/// The lines for mistakes and warnings, without the file's name.
fn lines(output: &common::Output) -> Vec<&str> {
    output
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("-:"))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .collect()
}

#[test]
fn a_right_policy_is_right() {
    let output = check(GOOD, &[]);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(lines(&output), Vec::<&str>::new());
    assert!(
        output.stdout.contains("-: 1 policy, 0 mistakes"),
        "{output:?}"
    );
    assert!(
        output.stdout.contains("not visible in it: TLS"),
        "{output:?}"
    );
}

#[test]
fn every_mistake_is_told_at_once_with_path_and_line() {
    let policy = GOOD
        .replace("5e884898", "5e88489")
        .replace("team: eng-team", "team: eng")
        .replace("rpm: 100,", "rpm: many,")
        .replace("action: block", "actoin: block")
        .replace("lockout:", "lock_out:");
    let output = check(&policy, &[]);
    assert_eq!(output.code, 1, "{output:?}");
    let errors: Vec<&str> = lines(&output)
        .into_iter()
        .filter(|line| line.contains(" error: "))
        .collect();
    for (line, path) in [
        (13, "auth.lock_out: unknown field"),
        (7, "auth.keys[0].sha256: expected a SHA-256 digest"),
        (9, "auth.keys[0].team: expected the team_id of a team"),
        (
            17,
            "limits.user.rpm: expected a positive integer, found \"many\"",
        ),
        (20, "dlp.rules[0].actoin: unknown field"),
    ] {
        let start = format!("{line}: error: {path}");
        assert!(
            errors.iter().any(|error| error.starts_with(&start)),
            "{start}\n{errors:#?}"
        );
    }
}

#[test]
fn what_is_missing_has_the_line_of_what_it_is_missing_in() {
    let policy = GOOD.replace("      user: john.doe@company.com\n", "");
    let output = check(&policy, &[]);
    assert!(
        lines(&output).contains(&"6: error: auth.keys[0].user: is required"),
        "{output:?}"
    );
}

#[test]
fn each_thing_that_is_left_open_has_a_name() {
    let seen = |policy: &str| -> Vec<String> {
        let report: Value = serde_json::from_str(&check(policy, &["--json"]).stdout).unwrap();
        let warnings = report["warnings"].as_array().unwrap().iter();
        warnings
            .map(|warning| format!("{} {}", warning["line"], warning["check"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(seen(GOOD), Vec::<String>::new());
    let key_ends = "      expires_at: 2026-04-01T00:00:00Z\n";
    for (what, instead, expected) in [
        (key_ends, "", &["6 key_never_ends"][..]),
        (
            "2026-04-01T00:00:00Z",
            "2026-02-15T00:00:00Z",
            &["6 key_ends_soon"],
        ),
        ("2026-04-01T00:00:00Z", "2026-02-16T00:00:00Z", &[]),
        (
            "2026-04-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
            &["6 key_expired"],
        ),
        (
            "2026-04-01T00:00:00Z",
            "2026-04-02T00:00:00Z",
            &["6 key_lives_long"],
        ),
        (
            "      not_before: 2026-01-01T00:00:00Z\n",
            "",
            &["6 key_age_unknown"],
        ),
        (key_ends, "      revoked: true\n", &[]),
        (
            "  lockout:",
            "  max_age: 91d\n  lockout:",
            &["13 keys_live_long"],
        ),
        (key_ends, "  max_age: 90d\n", &[]),
        (
            "  lockout: { failures: 10, window: 5m, block: 1h }\n",
            "",
            &["3 lockout_missing"],
        ),
        ("  allow_sources: [10.0.0.0/8]\n", "", &["3 sources_open"]),
        (
            "  lockout:",
            "  on_upgrade: pass\n  lockout:",
            &["13 upgrades_pass"],
        ),
        (
            ", models: [claude-3-5-sonnet]",
            "",
            &["15 team_unrestricted"],
        ),
        (", tpm: 50000", "", &["17 user_limits_missing"]),
        (
            "user: { rpm: 100, tpm: 50000, max_parallel_requests: 10 }",
            "global: { rpm: 1 }",
            &["16 user_limits_missing"],
        ),
        ("dlp:\n", "dlp:\n  response: false\n", &["19 dlp_off"]),
        ("dlp:\n", "dlp:\n  request: false\n", &["19 dlp_off"]),
        ("dlp:\n", "dlp:\n  mode: shadow\n", &["19 shadow"]),
        ("limits:\n", "limits:\n  mode: shadow\n", &["17 shadow"]),
        (
            "audit:\n  hmac_key: { env: PORTCULLIS_AUDIT_KEY }\n",
            "",
            &["2 audit_missing"],
        ),
        (
            "  hmac_key: { env: PORTCULLIS_AUDIT_KEY }\n",
            "  service: a\n",
            &["21 audit_key_missing"],
        ),
        (
            "alerts:\n  - { name: Busy, condition: \"rpm > 1000\", action: \"flag for review\" }\n",
            "",
            &["2 alerts_missing"],
        ),
    ] {
        assert_eq!(GOOD.matches(what).count(), 1, "{what}");
        assert_eq!(
            seen(&GOOD.replace(what, instead)),
            expected,
            "{what} -> {instead}"
        );
        for line in expected {
            assert_documented(line);
        }
    }
}

#[test]
fn the_guide_has_a_word_on_what_is_left_open() {
    let output = check(
        "version: 1\nauth:\n  keys:\n    - { id: a, user: a, sha256: \"5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8\" }\n",
        &["--json"],
    );
    assert_eq!(output.code, 0, "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let found: Vec<(&str, u64)> = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| {
            (
                warning["check"].as_str().unwrap(),
                warning["line"].as_u64().unwrap(),
            )
        })
        .collect();
    for expected in [
        ("key_never_ends", 4),
        ("lockout_missing", 2),
        ("sources_open", 2),
        ("limits_missing", 1),
        ("dlp_missing", 1),
        ("audit_missing", 1),
        ("alerts_missing", 1),
    ] {
        assert!(found.contains(&expected), "{expected:?} {found:?}");
    }
    assert_eq!(check("version: 1\n", &["--strict"]).code, 1);
}

#[test]
fn rules_that_take_the_beginning_of_a_key_are_told_from_those_that_take_it() {
    const SSN: &str = r"    - { name: ssn, pattern: '\b\d{3}-\d{2}-\d{4}\b', action: block }";
    const CUT: &str = "key_cut_short";
    assert_documented(&format!("0 {CUT}"));
    for (rules, expected) in [
        // The guide's own, which ends at the first dash.
        (
            &["pattern: 'sk-ant-api[0-9a-zA-Z]+', action: redact"][..],
            &["anthropic_key"][..],
        ),
        (
            &["pattern: 'sk-ant-(api|admin|oat)[0-9a-zA-Z_-]+', action: redact"],
            &[],
        ),
        (&["detector: anthropic_key, action: redact"], &[]),
        // What another rule takes, or refuses, does not go on.
        (
            &[
                "pattern: 'sk-ant-api[0-9a-zA-Z]+', action: redact",
                "detector: secrets, action: redact",
            ],
            &[],
        ),
        (
            &[
                "pattern: 'sk-ant-api[0-9a-zA-Z]+', action: redact",
                "contains: sk-ant-api03-, action: block",
            ],
            &[],
        ),
        (
            &[
                "pattern: 'sk-ant-api[0-9a-zA-Z]+', action: redact",
                "detector: anthropic_key, action: flag",
            ],
            &["anthropic_key"],
        ),
        (&["pattern: 'sk-ant-api[0-9a-zA-Z]+', action: flag"], &[]),
        // The head of a private key, the name of a token.
        (
            &["pattern: '-----BEGIN [A-Z ]*PRIVATE KEY-----', action: redact"],
            &["private_key"],
        ),
        (
            &["contains: github_pat_, action: redact"],
            &["github_token"],
        ),
        (&["pattern: 'eyJ[0-9a-zA-Z_-]+', action: redact"], &["jwt"]),
        // Numbers and names that stand in a key by chance.
        (&["pattern: '[0-9]{4}', action: redact"], &[]),
        (&["pattern: '[A-Z]{2}[0-9]{6}', action: redact"], &[]),
        (&["contains: pineapple, action: redact"], &[]),
    ] {
        let rules: Vec<String> = rules
            .iter()
            .enumerate()
            .map(|(at, rule)| format!("    - {{ name: own-{at}, {rule} }}"))
            .collect();
        let policy = GOOD.replace(SSN, &rules.join("\n"));
        let output = check(&policy, &["--json"]);
        assert_eq!(output.code, 0, "{output:?}");
        let report: Value = serde_json::from_str(&output.stdout).unwrap();
        let warnings = report["warnings"].as_array().unwrap();
        assert_eq!(
            warnings.len(),
            usize::from(!expected.is_empty()),
            "{rules:?} {warnings:?}"
        );
        for warning in warnings {
            assert_eq!(warning["check"], CUT);
            assert_eq!(warning["line"], 20, "{warning}");
            let message = warning["message"].as_str().unwrap();
            for detector in expected {
                assert!(message.contains(&format!("`{detector}`")), "{message}");
            }
        }
    }
    // One that cuts keys of many kinds has all of them looked for.
    let many = GOOD.replace(
        SSN,
        "    - { name: own, pattern: 'eyJ[0-9a-zA-Z_-]+', action: redact }",
    );
    let output = check(&many, &[]);
    assert!(output.stdout.contains(" more would find"), "{output:?}");
    assert!(output.stdout.contains("`detector: secrets`"), "{output:?}");
}

#[test]
fn keys_are_judged_as_of_the_day_that_is_asked_for() {
    let at = |time: &str| {
        let output = Run::new(&["check", "-", "--at", time]).stdin(GOOD).output();
        output.stdout
    };
    assert!(!at("2026-03-01T00:00:00Z").contains("auth.keys[0]"));
    assert!(
        at("2026-03-28T00:00:00Z").contains("-:6: warning: auth.keys[0]: the key ends in 4 days")
    );
    assert!(at("2026-04-01T00:00:00Z").contains("the key's time is over"));
}

#[test]
fn no_message_repeats_what_might_be_a_key() {
    for policy in [
        GOOD.replace("{ env: LITELLM_MASTER_KEY }", "sk-live-secret-0123456789"),
        GOOD.replace(
            "{ env: LITELLM_MASTER_KEY }",
            "{ env: sk-live-secret-0123456789 }",
        ),
        GOOD.replace(
            "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            "sk-live-secret-0123456789",
        ),
        GOOD.replace("sha256:", "key: sk-live-secret-0123456789\n      sha256:"),
    ] {
        let output = check(&policy, &[]);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(!format!("{output:?}").contains("secret-0123"), "{output:?}");
    }
}

#[test]
fn variables_are_asked_for_only_when_told_to() {
    assert_eq!(check(GOOD, &[]).code, 0);
    let unset = Run::new(&["check", "-", "--env"]).stdin(GOOD).output();
    assert_eq!(unset.code, 1);
    assert!(
        unset
            .stdout
            .contains("auth.master_key.env: the environment variable of this name is not set"),
        "{unset:?}"
    );
    let set = Run::new(&["check", "-", "--env"])
        .env("LITELLM_MASTER_KEY", "a-master-key-of-a-test")
        .env("PORTCULLIS_AUDIT_KEY", "an-audit-key-of-a-test")
        .stdin(GOOD)
        .output();
    assert_eq!(set.code, 0, "{set:?}");
}

#[test]
fn policies_in_an_envoy_configuration_are_found() {
    for scenario in ["local", "chain"] {
        let file = common::root()
            .join("envoy")
            .join(scenario)
            .join("envoy.yaml");
        let output = Run::new(&["check", file.to_str().unwrap()]).output();
        assert_eq!(output.code, 0, "{output:?}");
        let text = std::fs::read_to_string(file).unwrap();
        let left: Vec<_> = around(&text)
            .into_iter()
            .filter(|line| !line.contains("key_"))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "{scenario}");
    }
    let file = common::root().join("envoy/local/envoy.yaml");
    let text = std::fs::read_to_string(file)
        .unwrap()
        .replace("rpm: 100,", "rpm: many,");
    let line = 1 + text
        .lines()
        .position(|line| line.contains("rpm: many"))
        .unwrap();
    let output = check(&text, &[]);
    assert!(
        output
            .stdout
            .contains(&format!("-:{line}: error: limits.user.rpm: ")),
        "{output:?}"
    );
}

#[test]
fn a_policy_as_text_in_a_configuration_keeps_its_lines() {
    let text = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nspec:\n  pluginConfig:\n    version: 1\n    limits: { user: { rpm: 0 } }\n";
    assert!(
        check(text, &[])
            .stdout
            .contains("-:6: error: limits.user.rpm: ")
    );
    let text = "static_resources:\n  x:\n    vm_config: {}\n    configuration:\n      \"@type\": type.googleapis.com/google.protobuf.StringValue\n      value: |\n        {\"version\": 1,\n         \"limits\": {\"user\": {\"rpm\": 0}}}\n";
    assert!(
        check(text, &[])
            .stdout
            .contains("-:8: error: limits.user.rpm: "),
        "{}",
        check(text, &[]).stdout
    );
}

#[test]
fn what_cannot_be_read_is_another_exit_code() {
    for (policy, said) in [
        ("a: [1\n", "-: line 2: "),
        (
            "a: 1\na: 2\n",
            "-: line 2: this name stands twice in its mapping",
        ),
        ("static_resources: {}\n", "-: there is no policy in it"),
    ] {
        let output = check(policy, &[]);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.contains(said), "{output:?}");
    }
    assert_eq!(Run::new(&["check", "/no/such/file"]).output().code, 2);
    assert_eq!(Run::new(&["check"]).output().code, 2);
    assert_eq!(Run::new(&["no-such-command"]).output().code, 2);
}
