//! When the service does not answer.

use std::time::{Duration, Instant};

use portcullis_envoy_test::Scenario;
use portcullis_envoy_test::http1::Request;
use serde_json::json;

use crate::common::{PROMPT, World, assert_refused, chat, eventually, messages, messages_with};
use crate::shared::{NOTICE_MAX, Shared};

/// How long a refusal may take when the service hangs: both filters' `timeout` and what a busy machine adds.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

/// `failure_mode_deny: false` in both filters.
pub fn allow(scenario: &mut Scenario) {
    let mut changed = 0;
    scenario.edit(|bootstrap| {
        let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        let filters = bootstrap.pointer_mut(manager).unwrap()["http_filters"].as_array_mut();
        for filter in filters.unwrap() {
            if let Some(deny) = filter.pointer_mut("/typed_config/failure_mode_deny") {
                assert_eq!(*deny, json!(true), "as it stands");
                *deny = json!(false);
                changed += 1;
            }
        }
    });
    assert_eq!(changed, 2);
    scenario
        .edit_policy(|policy| policy["limits"]["user"]["rpm"] = json!(5))
        .unwrap();
}

/// In both APIs, and nothing has reached the provider.
fn assert_unavailable(gateway: &World) {
    for request in [chat(PROMPT), messages(PROMPT)] {
        let begin = Instant::now();
        let response = gateway.send(&request);
        assert!(begin.elapsed() < REFUSED_WITHIN, "{:?}", begin.elapsed());
        assert_refused(&response, 503, "policy_unavailable");
        assert_eq!(response.header("x-should-retry").as_deref(), Some("true"));
        let record = gateway.record_of(&response);
        assert_eq!(
            (&record["decision"], &record["reason"]),
            (&json!("refuse"), &json!("policy_unavailable")),
            "{record}"
        );
    }
    gateway.assert_nothing_received(PROMPT);
}

fn assert_recovers(gateway: &World) {
    eventually("the service is found again", NOTICE_MAX, || {
        gateway.send(&messages(PROMPT)).status == 200
    });
}

pub fn a_service_that_is_down(shared: &mut Shared) {
    shared.reset(&[]);
    for _ in 0..2 {
        shared.service.stop();
        for gateway in &shared.gateways {
            assert_unavailable(gateway);
            // What needs no limit needs no service: the module has refused it.
            assert_refused(
                &gateway.send(&Request::get("/nothing")),
                401,
                "missing_api_key",
            );
        }
        shared.service.restart(&[]);
        for gateway in &shared.gateways {
            assert_recovers(gateway);
        }
        shared.received();
    }
}

pub fn a_service_that_hangs(shared: &mut Shared) {
    shared.reset(&[]);
    shared.service.suspend();
    for gateway in &shared.gateways {
        assert_unavailable(gateway);
    }
    shared.service.resume();
    for gateway in &shared.gateways {
        assert_recovers(gateway);
    }
}

pub fn a_redis_that_is_down(shared: &mut Shared) {
    shared.reset(&[]);
    shared.redis.stop();
    for gateway in &shared.gateways {
        assert_unavailable(gateway);
    }
    shared.restart_redis();
    for gateway in &shared.gateways {
        assert_recovers(gateway);
    }
}

/// A stream that is under way goes on, and that its cost cannot be reported harms nobody.
pub fn a_service_that_dies_meanwhile(shared: &mut Shared) {
    shared.reset(&[]);
    let text = "a stream that takes its time to end";
    shared.answer(&json!({ "text": text, "delta": 1, "delay": 10 }));
    let stream = messages_with(PROMPT, &json!({ "stream": true }));
    let open: Vec<_> = shared
        .gateways
        .iter()
        .map(|gateway| {
            let mut exchange = stream.open(gateway.envoy.address()).unwrap();
            exchange.read_until("content_block_delta").unwrap();
            exchange
        })
        .collect();
    shared.service.stop();
    for exchange in open {
        let response = exchange.finish().unwrap();
        assert!(response.complete && response.text().contains("message_stop"));
    }
    for gateway in &shared.gateways {
        assert_refused(&gateway.send(&messages(PROMPT)), 503, "policy_unavailable");
    }
    shared.service.restart(&[]);
    for gateway in &shared.gateways {
        assert_recovers(gateway);
    }
}

/// With `failure_mode_deny: false`.
pub fn own_limits_still_hold(shared: &mut Shared) {
    shared.reset(&[("requests_of_user", 2)]);
    let gateway = &shared.gateways[0];
    for _ in 0..2 {
        assert_eq!(gateway.send(&chat(PROMPT)).status, 200);
    }
    // Both limits are as long as the service is there.
    assert_refused(&gateway.send(&chat(PROMPT)), 429, "rate_limit_requests");
    shared.service.stop();
    let gateway = &shared.gateways[0];
    for request in [
        chat(PROMPT),
        messages(PROMPT),
        messages_with(PROMPT, &json!({ "stream": true })),
    ] {
        assert_eq!(gateway.send(&request).status, 200);
    }
    // Five a minute by the module's own: what the filter refused was not one of them.
    let refused = gateway.send(&chat(PROMPT));
    assert_refused(&refused, 429, "rate_limit_requests");
    assert_eq!(shared.received(), 5);
}
