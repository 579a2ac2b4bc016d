//! `portcullis render` as a process: what it refuses, and that what it writes is the policy and nothing else. (In the real Envoy:
//! `host-test/envoy/tests/render`.)

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use common::{Output, Run};
use portcullis_policy::config::Value;
use proptest::prelude::*;
use std::fs;

const POLICY: &str = r#"version: 1
auth:
  master_key: { env: LITELLM_MASTER_KEY }
limits:
  user: { rpm: 100 }
dlp:
  rules: [{ detector: email, action: mask }]
audit:
  hmac_key: { env: PORTCULLIS_AUDIT_KEY }
"#;

fn render(target: &str, policy: &str, options: &[&str]) -> Output {
    let all = [&["render", target, "-"], options].concat();
    Run::new(&all).stdin(policy).output()
}

/// The policy in a rendered configuration, as `check` finds it.
fn policy_of(text: &str) -> Value {
    let yaml: serde_json::Value = serde_yaml_ng::from_str(text).unwrap();
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let policy =
        yaml.pointer(filters).unwrap()[0]["typed_config"]["config"]["configuration"]["value"]
            .clone();
    Value::from_json(policy.as_str().unwrap()).unwrap()
}

#[test]
fn what_is_rendered_is_right() {
    let output = render("envoy", POLICY, &[]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    let checked = Run::new(&["check", "-"]).stdin(&output.stdout).output();
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked.stdout.contains("1 policy, 0 mistakes"),
        "{checked:?}"
    );
    // What another module would need is not handed to this one, and a key in the place of another is.
    let chain = render("envoy", POLICY, &["--chain"]).stdout;
    for keys in [
        r#"["LITELLM_MASTER_KEY"]"#,
        r#"["PORTCULLIS_AUDIT_KEY","PORTCULLIS_MASK_KEY"]"#,
        r#"["PORTCULLIS_AUDIT_KEY"]"#,
    ] {
        let line = format!("host_env_keys: {keys} }}");
        assert_eq!(chain.matches(&line).count(), 1, "{line}");
    }
    assert_eq!(chain.matches("host_env_keys").count(), 3);
}

#[test]
fn the_policy_is_written_as_it_is_but_for_the_proxys_own_section() {
    let rendered = policy_of(&render("envoy", POLICY, &[]).stdout);
    assert_eq!(
        rendered.get("envoy"),
        Some(&Value::from_json(r#"{"hold_headers":true,"filter_state":[]}"#).unwrap())
    );
    let said =
        format!("{POLICY}envoy: {{ hold_headers: false, filter_state: [portcullis.user] }}\n");
    let output = render("envoy", &said, &[]).stdout;
    assert_eq!(
        policy_of(&output).get("envoy"),
        Some(
            &Value::from_json(r#"{"hold_headers":false,"filter_state":["portcullis.user"]}"#)
                .unwrap()
        )
    );
    assert!(output.contains("allow_on_headers_stop_iteration: false"));
}

#[test]
fn rendering_again_changes_nothing_of_the_policy() {
    let first = render("envoy", POLICY, &["--chain"]).stdout;
    let second = render("envoy", &first, &["--chain"]).stdout;
    assert_eq!(policy_of(&first), policy_of(&second));
}

/// A policy with which the checklist is content, and nothing that is rendered around it gives `check` a reason to warn.
#[test]
fn the_checklist_has_nothing_against_what_is_rendered() {
    let policy = r#"version: 1
auth:
  master_key: { env: LITELLM_MASTER_KEY }
  allow_sources: [10.0.0.0/8]
  lockout: { failures: 10, window: 5m, block: 1h }
limits: { user: { rpm: 100, tpm: 50000, max_parallel_requests: 10 } }
dlp: { rules: [{ detector: email, action: mask }] }
audit: { hmac_key: { env: PORTCULLIS_AUDIT_KEY }, sink: { cluster: collector } }
alerts: [{ name: a, condition: "auth_failures > 10 in 5min", action: "block IP for 1 hour" }]
notify: { cluster: alertmanager }
"#;
    let services = [
        "--cluster=collector=https://collector.company.com:4318",
        "--cluster=alertmanager=http://127.0.0.1:9093",
    ];
    let digest = format!("--sha256={}", "0".repeat(64));
    let tls = ["--listen=0.0.0.0:443", "--tls-cert=/a", "--tls-key=/b"];
    for (target, options) in [
        ("envoy", &[][..]),
        ("envoy", &["--chain"]),
        ("envoy", &["--filter"]),
        ("envoy", &["--secrets-dir=/etc/portcullis"]),
        (
            "envoy",
            &[
                "--egress-proxy=10.0.0.1:3128",
                "--provider=openai=https://a,https://b",
            ],
        ),
        ("envoy", &tls),
        (
            "envoy",
            &[
                tls[0],
                "--tls-secret=/etc/portcullis/tls.yaml",
                "--trusted-hops=1",
            ],
        ),
        (
            "istio",
            &["--url=oci://a/b:1", &digest, "--host=llm.company.com"],
        ),
    ] {
        let options = [&services[..], options].concat();
        let output = render(target, policy, &options);
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (0, ""),
            "{options:?}"
        );
        let checked = Run::new(&["check", "--strict", "-"])
            .stdin(&output.stdout)
            .output();
        assert_eq!(checked.code, 0, "{options:?} {}", checked.stdout);
    }
}

#[test]
fn what_check_refuses_is_not_rendered() {
    let wrong = POLICY.replace("rpm: 100", "rpm: many");
    let output = render("envoy", &wrong, &[]);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""));
    assert_eq!(
        output.stderr,
        "-:5: error: limits.user.rpm: expected a positive integer, found \"many\"\n"
    );
    let checked = Run::new(&["check", "-"]).stdin(&wrong).output();
    assert!(checked.stdout.starts_with(&output.stderr), "{checked:?}");
}

#[test]
fn what_would_be_unsafe_or_incomplete_is_refused() {
    let sink = format!("{POLICY}  sink: {{ cluster: collector }}\n");
    let by = |how: &str| {
        POLICY.replace(
            "auth:\n",
            &format!("auth:\n  identities: [{{ id: a, user: b, {how} }}]\n"),
        )
    };
    let (certificate, token) = (
        by("certificate: { subject: x }"),
        by("jwt: { claims: { iss: x } }"),
    );
    let payloads = POLICY.replace(
        "auth:\n",
        "auth:\n  identities: [{ id: a, user: b, jwt: { payload: one, claims: { iss: x } } }, { id: c, user: d, jwt: { payload: two, claims: { iss: x } } }]\n",
    );
    let twice = format!("{POLICY}---\nversion: 1\n");
    for (policy, options, said) in [
        (
            POLICY,
            &["--listen", "0.0.0.0:4000"][..],
            "--tls-cert and --tls-key, or --tls-secret, or --plaintext",
        ),
        (
            POLICY,
            &["--provider", "openai=http://10.0.0.1"],
            "without TLS: use https, or say --plaintext",
        ),
        (
            POLICY,
            &["--provider", "openai=https://10.0.0.1"],
            "TLS needs the name",
        ),
        (
            POLICY,
            &["--provider", "openai=https://u:p@a"],
            "expected https://host[:port]",
        ),
        (
            POLICY,
            &["--provider", "gemini"],
            "expected one of anthropic, openai",
        ),
        (
            POLICY,
            &["--provider", "openai", "--provider", "openai=https://a"],
            "stands twice",
        ),
        (
            POLICY,
            &["--inbound", "10.0.0.1/8"],
            "without bits behind its prefix",
        ),
        (
            POLICY,
            &["--cluster", "collector=https://a"],
            "the policy names no such cluster",
        ),
        (
            POLICY,
            &["--firewall", "envoy accept"],
            "expected the name or number of a user",
        ),
        (POLICY, &["--tls-cert", "a"], "--tls-key"),
        (
            &sink,
            &[],
            "audit.sink.cluster names a cluster that Envoy has to know: --cluster collector=https://host:port",
        ),
        (&sink, &["--cluster", "collector=http://a"], "without TLS"),
        (&certificate, &[], "which Envoy has to verify: --client-ca"),
        (
            &token,
            &[],
            "which Envoy has to verify: --jwt-issuer and --jwks",
        ),
        (
            POLICY,
            &["--provider", "openai=https://a,http://127.0.0.1:1"],
            "all have TLS, or none has",
        ),
        (
            POLICY,
            &["--client-ca", "ca.pem"],
            "--client-ca needs a listener with TLS",
        ),
        (
            POLICY,
            &["--follow", "filter.yaml"],
            "expected a file in a folder",
        ),
        (
            POLICY,
            &["--follow", "/filter.yaml"],
            "expected a file in a folder",
        ),
        (
            &payloads,
            &["--jwt-issuer", "https://a", "--jwks", "keys.json"],
            "the claims of several payloads",
        ),
        (&twice, &[], "several policies in it that differ"),
        ("a: [\n", &[], "line "),
    ] {
        let output = render("envoy", policy, options);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (2, ""),
            "{options:?}"
        );
        assert!(output.stderr.contains(said), "{said}: {}", output.stderr);
    }
    assert_eq!(
        Run::new(&["render", "envoy", "/no/such/file"])
            .output()
            .code,
        2
    );
}

#[test]
fn what_follows_from_an_option_is_written() {
    let large = POLICY.replace("dlp:\n", "dlp:\n  max_body_bytes: 1073741824\n");
    let networks = "--inbound=10.0.0.0/8,2001:db8::/32";
    for (policy, options, written) in [
        (
            POLICY,
            &["--provider=anthropic"][..],
            "type: \"LOGICAL_DNS\"",
        ),
        (
            POLICY,
            &["--provider=anthropic"],
            "direct_response: { status: 404",
        ),
        (
            POLICY,
            &["--provider=anthropic=https://a.example,https://b.example"],
            "type: \"STRICT_DNS\"",
        ),
        (
            POLICY,
            &["--provider=anthropic=https://a.example,https://b.example"],
            "num_retries: 1\n",
        ),
        (POLICY, &[], "per_connection_buffer_limit_bytes: 34603008\n"),
        (POLICY, &[], "max_heap_size_bytes: 2147483648\n"),
        (&large, &[], "max_heap_size_bytes: 17179869184\n"),
        (
            POLICY,
            &["--firewall=envoy", networks],
            "ip saddr { 10.0.0.0/8 } accept",
        ),
        (
            POLICY,
            &["--firewall=envoy", networks],
            "ip6 saddr { 2001:db8::/32 } accept",
        ),
        (
            POLICY,
            &["--firewall=envoy", "--egress-proxy=[2001:db8::1]:3128"],
            "ip6 daddr 2001:db8::1 tcp dport 3128 accept",
        ),
        (
            POLICY,
            &["--firewall=envoy", "--egress-proxy=10.0.0.1:3128"],
            " ip daddr 10.0.0.1 tcp dport 3128 accept",
        ),
    ] {
        let output = render("envoy", policy, options);
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (0, ""),
            "{options:?}"
        );
        assert!(output.stdout.contains(written), "{options:?}: {written}");
    }
}

#[test]
fn no_secret_of_the_environment_is_read() {
    let mut run = Run::new(&["render", "envoy", "-"]);
    for name in [
        "LITELLM_MASTER_KEY",
        "PORTCULLIS_AUDIT_KEY",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
    ] {
        run = run.env(name, "a-secret-of-the-environment");
    }
    let output = run.stdin(POLICY).output();
    assert_eq!(output.stdout, render("envoy", POLICY, &[]).stdout);
    assert!(!output.stdout.contains("a-secret"));
}

/// The bootstrap without the policy and the comments.
fn around(text: &str) -> serde_json::Value {
    let mut yaml: serde_json::Value = serde_yaml_ng::from_str(text).unwrap();
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    yaml.pointer_mut(filters).unwrap()[0]["typed_config"]["config"]["configuration"]["value"]
        .take();
    yaml
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// No text of a policy becomes structure, and all of it arrives.
    #[test]
    fn texts_stay_texts(name in "[\\PC\n\t\u{85}\u{2028}\u{feff}\"'{}%#:&*|>\\\\-]{0,40}", path in "/[ -~]{0,20}") {
        let mut policy: serde_json::Value = serde_yaml_ng::from_str(POLICY).unwrap();
        policy["teams"] = serde_json::json!([{ "team_id": "a", "team_name": name }]);
        policy["auth"]["public_paths"] = serde_json::json!([path]);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), policy.to_string()).unwrap();
        let output = Run::new(&["render", "envoy", file.path().to_str().unwrap()]).output();
        prop_assume!(output.code == 0); // a path may be none
        let written = policy_of(&output.stdout);
        let Some(Value::List(teams)) = written.get("teams") else { panic!("{written:?}") };
        prop_assert_eq!(teams[0].get("team_name"), Some(&Value::String(name)));
        let routes = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
        let mut rest = around(&output.stdout);
        let public = rest.pointer_mut(routes).unwrap().as_array_mut().unwrap().remove(0);
        prop_assert_eq!(public["match"]["path"].as_str(), Some(path.as_str()));
        prop_assert_eq!(rest, around(&render("envoy", POLICY, &[]).stdout));
    }
}
