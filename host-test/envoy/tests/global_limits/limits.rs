//! What several Envoys count together.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_envoy_test::http1::{Request, Response};
use serde_json::{Value, json};

use crate::common::{
    CLAUDE, GPT, KEY, MASTER_KEY, PROMPT, RESEARCH_KEY, SSN, World, assert_refused, chat,
    chat_with, eventually, messages, messages_with,
};
use crate::service::shipped_config;
use crate::shared::Shared;

const JOHN: &str = "john.doe@company.com";
const JANE: &str = "jane.roe@company.com";
const TEAM: &str = "eng-team";

/// A request of Jane, who is in another team.
fn by_jane() -> Request {
    let body = json!({ "model": "claude-3-opus", "max_tokens": 10, "messages": [{ "role": "user", "content": PROMPT }] });
    Request::post("/v1/messages")
        .header("x-api-key", RESEARCH_KEY)
        .json(&body)
}

/// A refusal by Envoy's own filter, which must look as one of the module's does.
#[track_caller]
fn assert_limited(gateway: &World, request: &Request, code: &str) {
    let response = gateway.send(request);
    assert_refused(&response, 429, code);
    let retry_after: u64 = response.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");
    assert_eq!(response.header("x-should-retry").as_deref(), Some("true"));
    assert_eq!(
        response.header("content-type").as_deref(),
        Some("application/json")
    );
    assert_no_foreign_limits(&response);
    let body = response.json();
    if body["type"] == "error" {
        assert_eq!(body["error"]["type"], "rate_limit_error");
        assert_eq!(
            body["request_id"].as_str(),
            response.header("x-request-id").as_deref()
        );
    }
    let record = gateway.record_of(&response);
    assert_eq!(
        (&record["decision"], &record["reason"], &record["status"]),
        (&json!("refuse"), &json!(code), &json!(429)),
        "{record}"
    );
    assert_eq!(record["user"], JOHN, "{record}");
}

/// Envoy's own headers of what is left belong neither to the provider nor to the API.
fn assert_no_foreign_limits(response: &Response) {
    for name in ["limit", "remaining", "reset"] {
        for prefix in [
            "x-ratelimit",
            "x-upstream-x-ratelimit",
            "x-upstream-ratelimit",
        ] {
            assert_eq!(response.header(&format!("{prefix}-{name}")), None);
        }
    }
}

pub fn requests_are_shared(shared: &mut Shared) {
    shared.reset(&[("requests_of_user", 6)]);
    for nth in 0..6 {
        let gateway = &shared.gateways[nth % 2];
        // What the module refuses is counted nowhere.
        assert_refused(&gateway.send(&chat(SSN)), 400, "dlp_blocked");
        let fields = json!({ "stream": nth % 4 < 2 });
        let request = if nth < 3 {
            chat_with(PROMPT, &fields)
        } else {
            messages_with(PROMPT, &fields)
        };
        let response = gateway.send(&request);
        assert_eq!(response.status, 200, "{nth}: {}", response.text());
        assert_no_foreign_limits(&response);
    }
    for gateway in &shared.gateways {
        for request in [
            chat(PROMPT),
            messages(PROMPT),
            chat_with(PROMPT, &json!({ "stream": true })),
            messages_with(PROMPT, &json!({ "stream": true })),
        ] {
            assert_limited(gateway, &request, "rate_limit_requests");
        }
        let metrics = gateway.envoy.admin_text("/stats?format=prometheus");
        let refused =
            r#"portcullis_requests_total{decision="refuse",reason="rate_limit_requests"} 4"#;
        assert!(metrics.unwrap().contains(refused));
        // Somebody else has a limit of their own.
        assert_eq!(gateway.send(&by_jane()).status, 200);
    }
    assert_eq!(shared.received(), 6 + 2);
    assert_eq!(shared.redis.counter("requests_of_user", JOHN), 6);
    assert_eq!(shared.redis.counter("requests_of_user", JANE), 2);
}

pub fn tokens_are_shared(shared: &mut Shared) {
    shared.reset(&[("tokens_of_user", 500)]);
    shared.answer(&json!({ "prompt-tokens": 100, "completion-tokens": 150 }));
    let [first, second] = shared.gateways.as_slice() else {
        panic!("two gateways");
    };
    let stream = json!({ "stream": true });
    assert_eq!(first.send(&chat(PROMPT)).status, 200);
    shared.await_counter("tokens_of_user", JOHN, 250);
    assert_eq!(second.send(&messages_with(PROMPT, &stream)).status, 200);
    shared.await_counter("tokens_of_user", JOHN, 500);
    // All of the limit is spent and no more: the next may still pass, as with envoyproxy/ratelimit.
    let last = chat_with(
        PROMPT,
        &json!({ "stream": true, "stream_options": { "include_usage": true } }),
    );
    assert_eq!(second.send(&last).status, 200);
    shared.await_counter("tokens_of_user", JOHN, 750);
    for gateway in &shared.gateways {
        for request in [chat(PROMPT), messages(PROMPT)] {
            assert_limited(gateway, &request, "rate_limit_tokens");
        }
        assert_eq!(gateway.send(&by_jane()).status, 200);
    }
    assert_eq!(shared.received(), 3 + 2);
    // Neither what was refused for its tokens is a request, nor does it cost tokens.
    assert_eq!(shared.redis.counter("requests_of_user", JOHN), 3);
    shared.await_counter("tokens_of_user", JANE, 500);
    assert_eq!(shared.redis.counter("tokens_of_user", JOHN), 750);
}

/// Each descriptor refuses when it is the one that is exhausted.
pub fn every_kind_of_limit(shared: &mut Shared) {
    let opus = by_jane().header("anthropic-version", "2023-06-01");
    for (limit, request) in [
        ("requests_of_user", chat(PROMPT)),
        ("tokens_of_user", chat(PROMPT)),
        ("requests_of_team", messages(PROMPT)),
        ("tokens_of_team", messages(PROMPT)),
        ("requests_of_model=claude-3-opus", opus.clone()),
        ("tokens_of_model=claude-3-opus", opus),
    ] {
        shared.reset(&[(limit, 1)]);
        let [first, second] = shared.gateways.as_slice() else {
            panic!("two gateways");
        };
        assert_eq!(first.send(&request).status, 200, "{limit}");
        let code = if limit.starts_with("tokens") {
            "rate_limit_tokens"
        } else {
            "rate_limit_requests"
        };
        eventually(limit, Duration::from_secs(5), || {
            second.send(&request).status == 429
        });
        assert_refused(&second.send(&request), 429, code);
        // A model that has no limit of its own has no counter either.
        let models = |counters: BTreeMap<(String, String), u64>| {
            let of_models = counters
                .into_keys()
                .filter(|(key, _)| key.ends_with("_of_model"));
            of_models.map(|(_, model)| model).collect::<Vec<_>>()
        };
        let models = models(shared.redis.counters());
        assert!(
            models.iter().all(|model| model == "claude-3-opus"),
            "{models:?}"
        );
    }
}

/// What the records say was spent is what is charged, however an answer came and ended, and at whichever gateway.
pub fn what_was_spent_is_charged(shared: &mut Shared) {
    shared.reset(&[]);
    let before: Vec<usize> = shared
        .gateways
        .iter()
        .map(|gateway| records(gateway).len())
        .collect();
    let stream = json!({ "stream": true });
    for gateway in &shared.gateways {
        for script in [
            json!({}),
            json!({ "prompt-tokens": 1000, "completion-tokens": 10 }),
            json!({ "cache-read-tokens": 30 }),
            json!({ "usage": "off" }),
            json!({ "status": 500 }),
            json!({ "text": SSN }),
            json!({ "abort": 200 }),
            json!({ "drop": true }),
            json!({ "error-after": 2 }),
        ] {
            gateway.answer(&script);
            for request in [
                chat(PROMPT),
                chat_with(PROMPT, &stream),
                messages(PROMPT),
                messages_with(PROMPT, &stream),
                messages(SSN),
            ] {
                request.send(gateway.envoy.address()).ok();
            }
        }
        // Left by the client half way.
        gateway.answer(&json!({ "text": "one two three four five", "delta": 3, "delay": 30 }));
        for request in [chat_with(PROMPT, &stream), messages_with(PROMPT, &stream)] {
            let mut exchange = request.open(gateway.envoy.address()).unwrap();
            exchange.read_until("\"one\"").unwrap();
        }
    }
    let mut spent = 0;
    for (gateway, before) in shared.gateways.iter().zip(before) {
        let records = gateway.envoy.audit_records(before + 9 * 5 + 2).unwrap();
        for record in records.get(before..).unwrap() {
            let tokens = |name: &str| record[name].as_u64().unwrap_or(0);
            let tokens = tokens("tokens_in") + tokens("tokens_out");
            assert!(record["reason"] != "dlp_blocked" || tokens == 0, "{record}");
            spent += tokens;
        }
    }
    // The three answers of each gateway that said 1010, at least.
    assert!(spent > 2 * 3 * 1010, "{spent}");
    shared.await_counter("tokens_of_user", JOHN, spent);
    shared.await_counter("tokens_of_team", TEAM, spent);
}

/// The records so far.
fn records(gateway: &World) -> Vec<Value> {
    let begin = gateway.send(&Request::get("/no-such-path"));
    gateway.record_of(&begin);
    gateway.envoy.audit_records(0).unwrap()
}

/// Redis is somebody else's machine, maybe: it learns who asked for which model, and how much it was.
pub fn redis_learns_names_only(shared: &mut Shared) {
    shared.reset(&[]);
    for gateway in &shared.gateways {
        gateway.send(&chat(PROMPT));
        gateway.send(&messages_with(
            PROMPT,
            &json!({ "stream": true, "metadata": { "user_id": PROMPT } }),
        ));
        gateway.send(&by_jane());
        gateway.send(&chat(PROMPT).header("x-mine", "something-of-the-client"));
        let by_master = Request::post("/v1/chat/completions")
            .header("authorization", format!("Bearer {MASTER_KEY}"))
            .json(&json!({ "model": GPT, "messages": [{ "role": "user", "content": PROMPT }] }));
        assert_eq!(gateway.send(&by_master).status, 200);
        gateway.send(&Request::get("/v1/models").header("x-api-key", KEY));
    }
    shared.await_counter("requests_of_team", "research-team", 2);
    let master = shared.gateways[0]
        .envoy
        .audit_records(1)
        .unwrap()
        .iter()
        .find_map(|record| {
            (record["team"].is_null() && record["auth"] == "success")
                .then(|| record["user"].clone())
        })
        .unwrap();
    let values = [
        JOHN,
        JANE,
        TEAM,
        "research-team",
        "claude-3-opus",
        CLAUDE,
        GPT,
        master.as_str().unwrap(),
    ];
    let descriptors: Vec<String> = shipped_config()["descriptors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|descriptor| descriptor["key"].as_str().unwrap().to_owned())
        .collect();
    let counters = shared.redis.counters();
    assert!(counters.len() >= 8, "{counters:?}");
    for (descriptor, value) in counters.keys() {
        assert!(descriptors.contains(descriptor), "{descriptor}");
        assert!(values.contains(&value.as_str()), "{descriptor} {value}");
    }
    // Who has no team has no counter of one.
    let teams: Vec<_> = counters
        .keys()
        .filter(|(descriptor, _)| descriptor == "requests_of_team")
        .map(|(_, team)| team.as_str())
        .collect();
    assert_eq!(teams, [TEAM, "research-team"]);
    for key in shared.redis.keys() {
        let names = key.contains(",counter:") || key.contains(",counters_of_limit:");
        assert!(names, "what is {key}?");
    }
}
