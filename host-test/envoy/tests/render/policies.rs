//! Every policy of the repository, rendered in both ways, is one that the real Envoy accepts with the real modules.

use std::fs;
use std::path::Path;

use portcullis_envoy_test::Scenario;
use serde_json::json;

use crate::common::{binary, checkout};
use crate::{file, policy};

/// All that a policy can say and that shows in what stands around it.
const EVERYTHING: &str = r#"
version: 1
envoy: { filter_state: [portcullis.user] }
auth:
  mode: shadow
  master_key: { sha256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8" }
  identities:
    - { id: work, certificate: { uri: "spiffe://company.com/*" }, team: eng-team }
    - { id: sso, jwt: { payload: claims, claims: { groups: "llm-*" } }, user: { claim: email } }
  deny_sources: [10.6.6.0/24]
  lockout: { failures: 10, window: 5m, block: 1h }
  public_paths: [/healthz, "/ready: {yes}"]
  on_upgrade: pass
teams:
  - { team_id: eng-team, team_name: "quotes ' \" # and — dashes\u2028\u0085", models: [claude-3-5-sonnet] }
limits:
  model: { claude-3-opus: { tpm: 100000 } }
  global: { rpm: 10000 }
  lease: 10m
dlp:
  rules:
    - { detector: all, action: flag }
    - { detector: email, action: mask }
  mask_key: { env: SOME_MASK_KEY }
  max_body_bytes: 1048576
audit:
  hmac_key: { env: PORTCULLIS_AUDIT_KEY }
  user: pseudonym
  sink: { cluster: audit-collector, path: /v1/logs, format: otlp, batch: 100, flush: 1s }
alerts:
  - { name: Authentication failures, condition: "auth_failures > 10 in 5min", action: "block IP for 1 hour" }
notify: { cluster: audit-collector }
"#;

fn is_accepted(name: &str, words: &[&str]) {
    for chain in [false, true] {
        let plugins = checkout().plugins();
        let mut words = [words, &["--modules", plugins.to_str().unwrap()]].concat();
        if chain {
            words.push("--chain");
        }
        let text = portcullis_cli::rendered(words).unwrap();
        let mut scenario = Scenario::parse(checkout(), &text).unwrap();
        scenario.env("SOME_MASK_KEY", Some("a key of the masks alone"));
        let (accepted, log) = scenario.validate(binary()).unwrap();
        assert!(accepted, "{name} (chain: {chain}): {log}");
        for bad in ["deprecated", "[warning]", "[error]"] {
            assert!(!log.contains(bad), "{name} (chain: {chain}): {log}");
        }
    }
}

#[test]
fn of_this_test() {
    is_accepted("policy.yaml", &["envoy", policy().to_str().unwrap()]);
}

#[test]
fn of_every_scenario() {
    let mut seen = 0;
    for folder in fs::read_dir(checkout().root().join("envoy")).unwrap() {
        let file = folder.unwrap().path().join("envoy.yaml");
        if !file.is_file() {
            continue;
        }
        seen += 1;
        let file = file.to_str().unwrap();
        let sink = "--cluster=audit-collector=http://127.0.0.1:4318";
        let asks_for_it = fs::read_to_string(file).unwrap().contains("sink:");
        let words = ["envoy", file, sink];
        is_accepted(file, &words[..if asks_for_it { 3 } else { 2 }]);
    }
    assert!(seen >= 4, "{seen} scenarios");
}

#[test]
fn of_everything_there_is() {
    let authority = tempfile::tempdir().unwrap();
    let path = |name: &str| authority.path().join(name).to_str().unwrap().to_owned();
    certificate(authority.path());
    let key =
        json!({ "kty": "oct", "alg": "HS256", "k": "YS1zaGFyZWQtc2VjcmV0LW9mLXRoZS10ZXN0LW9ubHk" });
    fs::write(path("jwks.json"), json!({ "keys": [key] }).to_string()).unwrap();
    let policy = file(EVERYTHING);
    let (key, certificate, keys) = (path("key.pem"), path("certificate.pem"), path("jwks.json"));
    is_accepted(
        "everything",
        &[
            "envoy",
            policy.path().to_str().unwrap(),
            "--listen",
            "0.0.0.0:4000",
            "--tls-cert",
            &certificate,
            "--tls-key",
            &key,
            "--client-ca",
            &certificate,
            "--trusted-hops",
            "1",
            "--inbound",
            "10.0.0.0/8,2001:db8::/32,192.0.2.1",
            "--jwt-issuer",
            "https://sso.company.com",
            "--jwks",
            &keys,
            "--jwt-audience",
            "llm,gateway",
            "--provider",
            "anthropic=https://api.anthropic.com,https://backup.company.com:8443",
            "--provider",
            "openai",
            "--egress-proxy",
            "127.0.0.1:3128",
            "--cluster",
            "audit-collector=https://collector.company.com:4318",
            "--admin-port",
            "0",
        ],
    );
    let folder = path("");
    let secret = json!({ "resources": [{
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "openai_api_key", "generic_secret": { "secret": { "inline_string": "key" } } }] });
    fs::write(path("openai_api_key.yaml"), secret.to_string()).unwrap();
    is_accepted(
        "everything, in clear and with secrets in files",
        &[
            "envoy",
            self::policy().to_str().unwrap(),
            "--listen",
            "[::]:4000",
            "--plaintext",
            "--provider",
            "openai=http://10.0.0.1,http://models.company.com:81",
            "--secrets-dir",
            folder.trim_end_matches('/'),
        ],
    );
}

fn certificate(folder: &Path) {
    let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key.pem -out certificate.pem -subj /CN=a";
    let output = std::process::Command::new("openssl")
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl");
    assert!(output.status.success(), "{output:?}");
}
