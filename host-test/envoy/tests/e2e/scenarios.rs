//! The configurations themselves, and what runs them.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use portcullis_envoy_test::Scenario;
use portcullis_envoy_test::http1::Request;
use portcullis_provider::Provider;
use serde_json::{Value, json};

use crate::common::{PROMPT, SECRET, SSN, World, binary, chat, checkout, eventually, messages};
use crate::in_every_variant;

in_every_variant! {
    usual from World::new: [each_provider_gets_its_own_key_and_no_other, the_client_learns_its_request_id_and_limits];
    counted from World::new: [metrics_have_their_names_and_labels];
}

/// Without any module: what a configuration is worth by itself.
fn bare(name: &str) -> Scenario {
    let mut scenario = Scenario::load(checkout(), name).unwrap();
    scenario.no_modules().unwrap();
    scenario
}

#[test]
fn envoy_accepts_all_but_the_policies() {
    for name in ["local", "chain"] {
        let (accepted, log) = bare(name).validate(binary()).unwrap();
        assert!(accepted, "{name}: {log}");
        for deprecated in ["deprecated", "[warning]"] {
            assert!(!log.contains(deprecated), "{name}: {log}");
        }
    }
}

/// As an operator runs them, from the root of a clone with the modules in `target/`.
#[test]
fn the_files_are_valid_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(checkout().target(), folder.path().join("target")).unwrap();
    for name in ["local", "chain"] {
        let output = Command::new(binary().path())
            .args(["--mode", "validate", "-c"])
            .arg(
                checkout()
                    .root()
                    .join("envoy")
                    .join(name)
                    .join("envoy.yaml"),
            )
            .current_dir(folder.path())
            .env("LITELLM_MASTER_KEY", "a")
            .env("PORTCULLIS_AUDIT_KEY", "at least sixteen characters")
            .env("OPENAI_API_KEY", "c")
            .env("ANTHROPIC_API_KEY", "d")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_provider_key_that_is_not_there_is_refused() {
    let log = bare("local")
        .env("ANTHROPIC_API_KEY", None)
        .refusal(binary())
        .unwrap();
    assert!(log.contains("ANTHROPIC_API_KEY"), "{log}");
}

/// As envoy/README.md says: from a file, and the new one as soon as it is moved over the old one.
#[test]
fn a_provider_key_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anthropic.yaml");
    let write = |key: &str| {
        let secret = json!({ "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": "anthropic_api_key", "generic_secret": { "secret": { "inline_string": key } } }] });
        let partial = folder.path().join("partial");
        std::fs::write(&partial, secret.to_string()).unwrap();
        std::fs::rename(partial, &file).unwrap();
    };
    write("key-of-the-file");
    let provider = Provider::start(([127, 0, 0, 1], 0).into()).unwrap();
    let mut scenario = bare("local");
    scenario.provider(provider.addr()).unwrap().edit(|bootstrap| {
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut().unwrap();
        let anthropic = clusters.iter_mut().find(|cluster| cluster["name"] == "anthropic").unwrap();
        let options = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let injector = &mut anthropic.pointer_mut(options).unwrap()["http_filters"][0]["typed_config"];
        injector["credential"]["typed_config"]["credential"]["sds_config"] =
            json!({ "path_config_source": { "path": file } });
    });
    let envoy = scenario.start(binary()).unwrap();
    let key = || {
        assert_eq!(messages(PROMPT).send(envoy.address()).unwrap().status, 200);
        let received = provider.received().pop().unwrap();
        String::from_utf8(received.header("x-api-key").concat()).unwrap()
    };
    assert_eq!(key(), "key-of-the-file");
    write("the-next-key");
    eventually("the new key", Duration::from_secs(5), || {
        key() == "the-next-key"
    });
}

#[test]
fn the_two_scenarios_have_one_policy() {
    let policies = ["local", "chain"].map(|name| {
        let mut seen: Vec<Value> = Vec::new();
        Scenario::load(checkout(), name)
            .unwrap()
            .edit_policy(|policy| seen.push(policy.clone()))
            .unwrap();
        seen
    });
    for policy in policies.iter().flatten() {
        assert_eq!(as_numbers(policy), as_numbers(&policies[0][0]));
    }
    assert_eq!(policies.map(|policies| policies.len()), [1, 4]);
}

/// `1` and `1.0` are one number to us, as they are to a protobuf `Struct`.
fn as_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(as_numbers).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), as_numbers(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn a_dropped_envoy_is_gone() {
    let envoy = bare("local").start(binary()).unwrap();
    let process = PathBuf::from(format!("/proc/{}", envoy.pid()));
    assert!(process.exists() && envoy.ready_after() < Duration::from_secs(10));
    drop(envoy);
    assert!(!process.exists());
}

fn each_provider_gets_its_own_key_and_no_other(world: &World) {
    let with_both = |request: Request| {
        let request = request
            .header("anthropic-beta", "a,b")
            .header("x-mine", "kept")
            .header("accept-encoding", "gzip, br");
        assert_eq!(world.send(&request).status, 200);
        world.take_one()
    };
    let received = with_both(chat(PROMPT));
    assert_eq!(
        received.header("authorization"),
        [b"Bearer openai-provider-key-of-the-test"]
    );
    assert!(received.header("x-api-key").is_empty());
    let received = with_both(messages(PROMPT));
    assert_eq!(
        received.header("x-api-key"),
        [b"anthropic-provider-key-of-the-test"]
    );
    assert!(received.header("authorization").is_empty());

    assert_eq!(received.header("anthropic-version"), [b"2023-06-01"]);
    assert_eq!(received.header("anthropic-beta"), [b"a,b"]);
    assert_eq!(received.header("x-mine"), [b"kept"]);
    assert_eq!(received.header("accept-encoding"), [b"identity"]);
    for name in received.headers.iter().map(|(name, _)| name) {
        for ours in ["x-portcullis", "x-envoy", "x-forwarded"] {
            assert!(
                !name.starts_with(ours),
                "{name} is not the provider's business"
            );
        }
    }
}

fn the_client_learns_its_request_id_and_limits(world: &World) {
    let response = world.send(&chat(PROMPT));
    let id = response.header("x-request-id").unwrap();
    assert_eq!(id.len(), 36, "Envoy's own, not the provider's: {id}");
    assert_eq!(
        response.header("x-ratelimit-limit-requests").as_deref(),
        Some("100000")
    );
    assert_eq!(
        response
            .header("x-upstream-x-ratelimit-limit-requests")
            .as_deref(),
        Some("70001")
    );
    let response = world.send(&messages(PROMPT));
    assert_eq!(
        response
            .header("anthropic-ratelimit-requests-limit")
            .as_deref(),
        Some("100000")
    );
    assert_eq!(
        response
            .header("x-upstream-anthropic-ratelimit-requests-limit")
            .as_deref(),
        Some("70001")
    );
    assert_eq!(
        response
            .headers
            .iter()
            .filter(|(name, _)| name == b"x-request-id")
            .count(),
        1
    );
}

fn metrics_have_their_names_and_labels(world: &World) {
    world.send(&messages(PROMPT));
    world.send(&messages(SSN));
    world.send(&messages(SECRET));
    world.send(&Request::get("/v1/models"));
    let metrics = world.envoy.admin_text("/stats?format=prometheus").unwrap();
    for expected in [
        r#"portcullis_requests_total{decision="allow",reason="none"} 1"#,
        r#"portcullis_requests_total{decision="refuse",reason="dlp_blocked"} 1"#,
        r#"portcullis_requests_total{decision="refuse",reason="missing_api_key"} 1"#,
        r#"portcullis_dlp_findings_total{rule="ssn",action="block"} 1"#,
        r#"portcullis_dlp_findings_total{rule="anthropic-key",action="redact"} 1"#,
        r"portcullis_auth_failures_total{} 1",
        r#"portcullis_tokens_total{direction="input"}"#,
        r#"portcullis_tokens_total{direction="output"}"#,
    ] {
        let ours: Vec<&str> = metrics
            .lines()
            .filter(|line| line.starts_with("portcullis_"))
            .collect();
        assert!(
            ours.iter().any(|line| line.starts_with(expected)),
            "no {expected} in\n{}",
            ours.join("\n")
        );
    }
}
