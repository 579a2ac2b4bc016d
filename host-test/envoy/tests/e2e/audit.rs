//! One record for every request, with the names of the contract and nothing that must not be there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{
    CLAUDE, GPT, KEY, PROMPT, SECRET, SSN, WRONG_KEY, World, chat, chat_with, eventually, messages,
    messages_with,
};
use crate::in_every_variant;
use portcullis_envoy_test::http1::Request;

in_every_variant! {
    usual from World::new: [records, record_of_what_never_was_a_request];
}

/// The fields that the security guide names, and ours.
const NAMES: [&str; 21] = [
    "timestamp",
    "event_type",
    "user",
    "source_ip",
    "model",
    "tokens_in",
    "tokens_out",
    "latency_ms",
    "status",
    "request_id",
    "team",
    "key_id",
    "method",
    "path",
    "stream",
    "decision",
    "reason",
    "auth",
    "findings",
    "unscanned",
    "alerts",
];

struct Case {
    request: Request,
    status: u16,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let case = |request, status, expected| Case {
        request,
        status,
        expected,
    };
    let demo = |more: Value| {
        let mut fields = json!({ "event_type": "api_request", "user": "john.doe@company.com", "team": "eng-team", "key_id": "demo",
            "auth": "success", "source_ip": "127.0.0.1", "method": "POST" });
        for (name, value) in more.as_object().unwrap() {
            fields[name] = value.clone();
        }
        fields
    };
    let stream = json!({ "stream": true });
    let counted = json!({ "stream": true, "stream_options": { "include_usage": true } });
    vec![
        case(
            messages(PROMPT),
            200,
            demo(
                json!({ "path": "/v1/messages", "model": CLAUDE, "decision": "allow", "stream": false }),
            ),
        ),
        case(
            chat(PROMPT),
            200,
            demo(json!({ "path": "/v1/chat/completions", "model": GPT, "decision": "allow" })),
        ),
        case(
            messages_with(PROMPT, &stream),
            200,
            demo(json!({ "stream": true, "decision": "allow" })),
        ),
        case(
            chat_with(PROMPT, &counted),
            200,
            demo(json!({ "stream": true, "decision": "allow" })),
        ),
        case(
            messages(SSN),
            400,
            demo(json!({ "decision": "refuse", "reason": "dlp_blocked",
                "findings": [{ "rule": "ssn", "action": "block", "count": 1, "where": "request" }] })),
        ),
        case(
            messages(&format!("{SECRET} {SECRET}")),
            200,
            demo(json!({ "decision": "redact",
                "findings": [{ "rule": "anthropic-key", "action": "redact", "count": 2, "where": "request" }] })),
        ),
        case(
            chat_with(PROMPT, &json!({ "model": "other" })),
            403,
            demo(json!({ "decision": "refuse", "reason": "model_not_allowed", "model": "other" })),
        ),
        case(
            Request::post("/v1/messages?a=secret")
                .header("x-api-key", WRONG_KEY)
                .json(&json!({ "model": CLAUDE })),
            401,
            json!({ "event_type": "auth_failure", "auth": "failure", "decision": "refuse", "reason": "invalid_api_key",
                "path": "/v1/messages", "source_ip": "127.0.0.1" }),
        ),
        case(
            Request::get("/v1/models"),
            401,
            json!({ "event_type": "auth_failure", "decision": "refuse", "reason": "missing_api_key", "method": "GET" }),
        ),
        case(
            Request::get("/unknown").header("x-api-key", KEY),
            404,
            json!({ "event_type": "api_request", "decision": "refuse", "reason": "unknown_endpoint", "path": "/unknown" }),
        ),
    ]
}

fn records(world: &World) {
    world.answer(&json!({ "tokens": 12, "prompt-tokens": 34 }));
    for case in cases() {
        let response = world.send(&case.request);
        assert_eq!(response.status, case.status, "{}", response.text());
        let record = world.record_of(&response);
        for name in NAMES
            .iter()
            .filter(|name| !["user", "team", "key_id", "model", "reason"].contains(name))
        {
            assert!(record.get(name).is_some(), "{name} is missing in {record}");
        }
        for (name, value) in case.expected.as_object().unwrap() {
            assert_eq!(&record[name], value, "{name} in {record}");
        }
        assert_eq!(record["status"], case.status, "{record}");
        assert_eq!(
            record["request_id"].as_str().map(str::to_owned),
            response.header("x-request-id"),
            "{record}"
        );
        if case.status == 200 {
            assert_eq!(
                (&record["tokens_in"], &record["tokens_out"]),
                (&json!(34), &json!(12)),
                "{record}"
            );
        }
        let timestamp = record["timestamp"].as_str().unwrap();
        assert!(
            timestamp.len() >= "2025-12-01T10:30:45.123Z".len() && timestamp.ends_with('Z'),
            "{timestamp}"
        );
        assert!(
            record["latency_ms"]
                .as_u64()
                .is_some_and(|latency| latency < 10_000),
            "{record}"
        );
    }
}

/// Also what Envoy refuses by itself leaves a line.
fn record_of_what_never_was_a_request(world: &World) {
    let refused = messages(PROMPT).header("x_underscore", "1");
    assert_eq!(world.send(&refused).status, 400);
    eventually("a record of it", Duration::from_secs(5), || {
        let records = world.envoy.audit_records(0).unwrap();
        records
            .iter()
            .any(|record| record["status"] == 400 && record["model"].is_null())
    });
}
