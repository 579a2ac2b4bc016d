//! How much each may take.

use std::thread;
use std::time::{Duration, Instant};

use portcullis_envoy_test::http1::{Request, Response};
use serde_json::{Value, json};

use crate::common::{
    PROMPT, RESEARCH_KEY, SSN, Variant, World, assert_refused, chat, chat_with, count_by_status,
    eventually, messages, messages_with,
};
use crate::in_every_variant;

in_every_variant! {
    five_requests from five_requests_a_minute: [requests];
    settled from ten_thousand_tokens_a_minute: [tokens_are_settled];
    crowded from six_thousand_tokens_a_minute: [no_overshoot];
    two_at_once from two_at_once: [parallel_slots_come_back];
}

fn with_limits(variant: Variant, user: &Value) -> World {
    World::with(variant, |scenario| {
        scenario
            .concurrency(2)
            .edit_policy(|policy| policy["limits"]["user"] = user.clone())
            .unwrap();
    })
}

fn five_requests_a_minute(variant: Variant) -> World {
    with_limits(variant, &json!({ "rpm": 5 }))
}

fn requests(world: &World) {
    // What is refused for another reason costs nothing.
    for _ in 0..8 {
        assert_refused(&world.send(&chat(SSN)), 400, "dlp_blocked");
        assert_refused(
            &world.send(&chat_with(PROMPT, &json!({ "model": "other" }))),
            403,
            "model_not_allowed",
        );
    }
    for left in (0..5).rev() {
        let response = world.send(&chat(PROMPT));
        assert_eq!(response.status, 200);
        assert_eq!(
            response.header("x-ratelimit-limit-requests").as_deref(),
            Some("5")
        );
        assert_eq!(
            response.header("x-ratelimit-remaining-requests"),
            Some(left.to_string())
        );
    }
    let refused = world.send(&chat(PROMPT));
    assert_refused(&refused, 429, "rate_limit_requests");
    // One in twelve seconds: a minute by five.
    let retry_after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=12).contains(&retry_after), "{retry_after}");
    assert_refused(&world.send(&messages(PROMPT)), 429, "rate_limit_requests");
    assert_eq!(world.take_received().len(), 5);

    // Somebody else's bucket is full.
    let body = json!({ "model": "claude-3-opus", "max_tokens": 10, "messages": [{ "role": "user", "content": PROMPT }] });
    let other = Request::post("/v1/messages")
        .header("x-api-key", RESEARCH_KEY)
        .json(&body);
    assert_eq!(world.send(&other).status, 200);
}

fn ten_thousand_tokens_a_minute(variant: Variant) -> World {
    with_limits(variant, &json!({ "tpm": 10_000 }))
}

/// A cap is reserved, and what was not used of it is given back.
fn tokens_are_settled(world: &World) {
    let with_cap = |cap: u64, stream: bool| {
        world.send(&messages_with(
            PROMPT,
            &json!({ "max_tokens": cap, "stream": stream }),
        ))
    };
    assert_refused(&with_cap(10_001, false), 429, "request_exceeds_limit");
    for stream in [false, true] {
        world.answer(&json!({ "text": "short", "delta": 2 }));
        for _ in 0..4 {
            assert_eq!(with_cap(9_000, stream).status, 200);
        }
    }
    // The provider tells that it has cost more.
    world.answer(&json!({ "completion-tokens": 8_000 }));
    assert_eq!(with_cap(9_000, true).status, 200);
    let refused = with_cap(9_000, true);
    assert_refused(&refused, 429, "rate_limit_tokens");
    assert_eq!(refused.header("x-should-retry").as_deref(), Some("true"));
}

fn six_thousand_tokens_a_minute(variant: Variant) -> World {
    with_limits(variant, &json!({ "tpm": 6_000 }))
}

/// 50 clients at once, two workers: what the provider has counted is never more than the bucket held.
fn no_overshoot(world: &World) {
    let tpm = 6_000_u64;
    // Each takes its whole cap and tells so; the prompt is a token for each of its bytes by four.
    world.answer(&json!({ "tokens": 100, "delta": 100, "delay-headers": 20 }));
    let begin = Instant::now();
    let address = world.envoy.address();
    let clients: Vec<_> = (0..50)
        .map(|nth| {
            thread::spawn(move || -> Vec<Response> {
                let fields = json!({ "max_tokens": 100, "stream": nth % 2 == 0 });
                let request = if nth % 4 < 2 {
                    messages_with(PROMPT, &fields)
                } else {
                    chat_with(PROMPT, &fields)
                };
                (0..4).map(|_| request.send(address).unwrap()).collect()
            })
        })
        .collect();
    let responses: Vec<Response> = clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect();
    let refilled = tpm as f64 / 60.0 * begin.elapsed().as_secs_f64();
    let totals = world.provider.totals();
    let taken = totals.prompt_tokens + totals.completion_tokens;
    assert!(
        taken as f64 <= tpm as f64 + refilled,
        "{taken} tokens of {tpm} + {refilled}"
    );
    // And not far less: the bucket is emptied, but for what the estimates are too high.
    assert!(taken >= tpm * 8 / 10, "only {taken} tokens of {tpm}");
    let counts = count_by_status(&responses);
    assert_eq!(
        counts.get(&200).copied().unwrap_or(0) + counts.get(&429).copied().unwrap_or(0),
        200,
        "{counts:?}"
    );
    for refused in responses.iter().filter(|response| response.status == 429) {
        assert_refused(refused, 429, "rate_limit_tokens");
    }
}

fn two_at_once(variant: Variant) -> World {
    with_limits(variant, &json!({ "max_parallel_requests": 2 }))
}

fn parallel_slots_come_back(world: &World) {
    let slow = json!({ "text": "slow and steady wins the race", "delta": 1, "delay": 200 });
    let stream = messages_with(PROMPT, &json!({ "stream": true }));
    // Two streams under way; what ended before them has given its slot back by then.
    let both = || {
        let mut open = None;
        eventually("both slots", Duration::from_secs(3), || {
            let two = [0, 1].map(|_| stream.open(world.envoy.address()).unwrap());
            let admitted = two.iter().all(|exchange| exchange.response().status == 200);
            open = admitted.then_some(two);
            admitted
        });
        open.unwrap()
    };
    world.answer(&slow);
    for _ in 0..5 {
        let [first, second] = both();
        for _ in 0..3 {
            assert_refused(&world.send(&messages(PROMPT)), 429, "rate_limit_parallel");
        }
        // Cancelled by the client, which frees one slot and no more.
        drop(first);
        let mut third = None;
        eventually(
            "a slot after a cancelled stream",
            Duration::from_secs(3),
            || {
                let exchange = stream.open(world.envoy.address()).unwrap();
                let admitted = exchange.response().status == 200;
                third = admitted.then_some(exchange);
                admitted
            },
        );
        assert_refused(&world.send(&messages(PROMPT)), 429, "rate_limit_parallel");
        drop((second, third));
    }
    // Ended in every other way: refused, answered, with an error, cut by the provider, left before any answer.
    for script in [
        json!({}),
        json!({ "status": 500 }),
        json!({ "abort": 100 }),
        json!({ "drop": true }),
        json!({ "body": "{" }),
    ] {
        world.answer(&script);
        for _ in 0..3 {
            messages(PROMPT).send(world.envoy.address()).ok();
            messages(SSN).send(world.envoy.address()).ok();
        }
    }
    world.answer(&json!({ "delay-headers": 30_000 }));
    for _ in 0..3 {
        messages(PROMPT)
            .send_and_leave(world.envoy.address(), Duration::from_millis(50))
            .unwrap();
    }
    world.answer(&slow);
    drop(both());
}
