//! A rendered gateway in front of the stub provider: answers, refusals, records, metrics.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use portcullis_envoy_test::http1::Request;
use serde_json::{Value, json};

use crate::common::{
    CLAUDE, GPT, KEY, PROMPT, RESEARCH_KEY, SSN, WRONG_KEY, assert_refused, binary, chat,
    eventually, messages, messages_with,
};
use crate::{Gateway, rendered, scenario, stub};

fn with_key(key: &str, model: &str) -> Request {
    let body = json!({ "model": model, "max_tokens": 5, "messages": [{ "role": "user", "content": PROMPT }] });
    Request::post("/v1/messages")
        .header("x-api-key", key)
        .header("anthropic-version", "2023-06-01")
        .json(&body)
}

#[test]
fn one_module() {
    serves(&[]);
}

#[test]
fn four_modules() {
    serves(&["--chain"]);
}

fn serves(options: &[&str]) {
    let mut gateway = Gateway::start(options);
    let send = |request: &Request| request.send(gateway.envoy.address()).unwrap();

    // Each provider with its own key, told nothing of the client.
    let asked = chat(PROMPT)
        .header("x-envoy-upstream-rq-timeout-ms", "1")
        .header("x-forwarded-for", "9.9.9.9");
    assert_eq!(send(&asked).status, 200);
    assert_eq!(send(&messages(PROMPT)).status, 200);
    let received = gateway.provider.received();
    assert_eq!(
        received[0].header("authorization"),
        [b"Bearer openai-provider-key-of-the-test"]
    );
    assert_eq!(
        received[1].header("x-api-key"),
        [b"anthropic-provider-key-of-the-test"]
    );
    for (name, _) in received.iter().flat_map(|request| &request.headers) {
        let ours = ["x-portcullis", "x-envoy", "x-forwarded"];
        assert!(!ours.iter().any(|ours| name.starts_with(ours)), "{name}");
    }
    gateway.provider.clear();

    // What OpenAI alone has goes to OpenAI, with its key.
    for path in ["/v1/responses", "/v1/embeddings"] {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {KEY}"))
            .json(&json!({ "model": GPT, "input": PROMPT }));
        assert_eq!(send(&request).status, 200, "{path}");
        let received = gateway.provider.received().pop().unwrap();
        let key = received.header("authorization");
        assert_eq!(key, [b"Bearer openai-provider-key-of-the-test"], "{path}");
    }
    gateway.provider.clear();

    // Refused, and the provider hears nothing.
    assert_refused(&send(&messages(SSN)), 400, "dlp_blocked");
    assert_refused(&send(&with_key(WRONG_KEY, CLAUDE)), 401, "invalid_api_key");
    assert_refused(
        &send(&with_key(KEY, "gemini-2.5-pro")),
        403,
        "model_not_allowed",
    );
    let smuggled = chat(PROMPT).header("has_underscore", "1");
    assert_eq!(send(&smuggled).status, 400);
    assert!(gateway.provider.received().is_empty());
    assert_eq!(send(&with_key(RESEARCH_KEY, "claude-3-opus")).status, 200);
    assert_refused(
        &send(&with_key(RESEARCH_KEY, "claude-3-opus")),
        429,
        "rate_limit_requests",
    );

    // A mask comes back as what it was, and only there.
    gateway.provider.clear();
    let masked = send(&messages_with("Write to jane@company.com.", &json!({})));
    assert!(
        masked.text().contains("jane@company.com"),
        "{}",
        masked.text()
    );
    assert!(
        !gateway.provider.received()[0]
            .text()
            .contains("jane@company.com")
    );
    gateway.provider.clear();

    // What load balancers ask is answered here.
    assert_eq!(send(&Request::get("/healthz")).text(), "ok\n");
    assert!(gateway.provider.received().is_empty());

    let metrics = gateway
        .envoy
        .admin_text("/stats?format=prometheus")
        .unwrap();
    let counted = r#"portcullis_requests_total{decision="refuse",reason="dlp_blocked"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");

    gateway.envoy.stop().unwrap();
    let complaints = gateway.envoy.complaints().unwrap();
    assert!(!complaints.contains("portcullis"), "{complaints}");
    records_are_whole(&gateway);
}

/// Every request has its record, in a chain that verifies, and none tells a secret.
fn records_are_whole(gateway: &Gateway) {
    let log = gateway.envoy.audit_log();
    let text = fs::read_to_string(log).unwrap();
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |status: u16, reason: &str| {
        let is = |record: &&Value| record["status"] == status && record["reason"] == reason;
        records.iter().filter(is).count()
    };
    assert_eq!(of(400, "dlp_blocked"), 1, "{text}");
    assert_eq!(of(401, "invalid_api_key"), 1, "{text}");
    assert_eq!(of(429, "rate_limit_requests"), 1, "{text}");
    let john = records
        .iter()
        .find(|record| record["user"] == "john.doe@company.com");
    assert!(john.unwrap()["tokens_in"].as_u64().unwrap() > 0, "{text}");
    for planted in [
        KEY,
        SSN,
        PROMPT,
        "jane@company.com",
        "provider-key-of-the-test",
    ] {
        assert!(!text.contains(planted), "{planted}");
    }
    let verify = std::process::Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "portcullis-cli", "--"])
        .args(["audit", "verify"])
        .arg(log)
        .env("PORTCULLIS_AUDIT_KEY", "audit-key-of-the-test")
        .output()
        .unwrap();
    assert!(verify.status.success(), "{verify:?}");
}

/// Where no provider speaks an API, its callers are told so in its own words, and the record says it.
#[test]
fn an_api_without_a_provider() {
    for (there, absent) in [("openai", messages(PROMPT)), ("anthropic", chat(PROMPT))] {
        let provider = stub();
        let mut gateway = Gateway {
            envoy: scenario(&["--provider", &format!("{there}=http://{}", provider.addr())])
                .start(binary())
                .unwrap(),
            provider,
        };
        let response = absent.send(gateway.envoy.address()).unwrap();
        assert_refused(&response, 404, "unknown_endpoint");
        let present = if there == "openai" {
            chat(PROMPT)
        } else {
            messages(PROMPT)
        };
        assert_eq!(present.send(gateway.envoy.address()).unwrap().status, 200);
        let records = gateway.envoy.audit_records(2).unwrap();
        let refused = records
            .iter()
            .find(|record| record["status"] == 404)
            .unwrap();
        assert_eq!(refused["reason"], "unknown_endpoint", "{refused}");
        assert_eq!(gateway.provider.received().len(), 1);
        gateway.envoy.stop().unwrap();
    }
}

/// Keys of providers in files: none is in the configuration, and a new one counts as soon as it has been moved there.
#[test]
fn provider_keys_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |provider: &str, key: &str| {
        let secret = json!({ "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": format!("{provider}_api_key"), "generic_secret": { "secret": { "inline_string": key } } }] });
        let partial = folder.path().join("partial");
        fs::write(&partial, secret.to_string()).unwrap();
        fs::rename(
            partial,
            folder.path().join(format!("{provider}_api_key.yaml")),
        )
        .unwrap();
    };
    write("anthropic", "the-first-key");
    write("openai", "another-key");
    let gateway = Gateway::start(&["--secrets-dir", folder.path().to_str().unwrap()]);
    let key = || {
        let response = messages(PROMPT).send(gateway.envoy.address()).unwrap();
        assert_eq!(response.status, 200);
        let received = gateway.provider.received().pop().unwrap();
        String::from_utf8(received.header("x-api-key").concat()).unwrap()
    };
    assert_eq!(key(), "the-first-key");
    write("anthropic", "the-next-key");
    eventually("the new key", Duration::from_secs(5), || {
        key() == "the-next-key"
    });
}

/// The filter in a file of its own: a key that is revoked there is refused at once, without a restart.
#[test]
fn a_policy_that_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("filter.yaml");
    let follow = ["--follow", file.to_str().unwrap()];
    let write = |text: &str| {
        let partial = folder.path().join("partial");
        fs::write(&partial, text).unwrap();
        fs::rename(partial, &file).unwrap();
    };
    let filter = rendered(&[&follow[..], &["--filter"]].concat());
    write(&filter);
    let mut gateway = Gateway::start(&follow);
    let status = || {
        let response = messages(PROMPT).send(gateway.envoy.address()).unwrap();
        let reason = response.header("x-portcullis-reason");
        (response.status, reason.unwrap_or_default())
    };
    assert_eq!(status(), (200, String::new()));
    // A policy with a mistake changes nothing.
    write(&filter.replace("\"rpm\": 100000", "\"rpm\": \"many\""));
    eventually("the refusal", Duration::from_secs(5), || {
        let complaints = gateway.envoy.complaints().unwrap();
        complaints.contains("limits.user.rpm: expected a positive integer")
    });
    assert_eq!(status(), (200, String::new()));
    write(&filter);
    let revoke = [
        "portcullis",
        "keys",
        "revoke",
        file.to_str().unwrap(),
        "--id",
        "demo",
    ];
    assert_eq!(portcullis_cli::run_with(revoke), ExitCode::SUCCESS);
    eventually("the revocation", Duration::from_secs(5), || {
        status() == (401, "revoked_api_key".to_owned())
    });
    gateway.envoy.stop().unwrap();
}
