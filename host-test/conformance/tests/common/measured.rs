//! Exchanges whose cost is recorded: what `instructions` and `calls` measure.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_conformance::case::{Api, Body, BodyForm, Request, Upstream};
use portcullis_conformance::engine::Setup;
use portcullis_conformance::load::Suite;
use portcullis_conformance::resolve;
use portcullis_conformance::wasm::{Chain, Modules, Wasm};
use portcullis_host_test::World;
use serde_json::json;

/// An exchange to be measured.
pub struct Exchange {
    pub name: &'static str,
    pub request: Request,
    pub upstream: Upstream,
}

pub fn prompt(bytes: usize) -> Request {
    let text = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"{}"}]}"#.to_owned();
    let body = Body::Other(BodyForm::Filled { text, bytes });
    Request {
        body: Some(body),
        ..Request::default()
    }
}

pub fn streamed(deltas: usize) -> Exchange {
    let request = Request {
        api: Some(Api::Anthropic),
        fields: json!({ "stream": true }),
        ..Request::default()
    };
    let upstream = Upstream {
        deltas: Some(vec!["some ".to_owned(); deltas]),
        ..Upstream::default()
    };
    Exchange {
        name: "",
        request,
        upstream,
    }
}

/// Each event in a piece of its own, as providers send them.
fn by_events(reply: &mut resolve::Reply) {
    let Some(response) = &mut reply.response else {
        return;
    };
    let body = String::from_utf8(response.body()).unwrap();
    response.pieces = body
        .split_inclusive("\n\n")
        .map(|event| event.as_bytes().to_vec())
        .collect();
}

pub fn exchanges() -> Vec<Exchange> {
    let ordinary = |name, request| Exchange {
        name,
        request,
        upstream: Upstream::default(),
    };
    let stranger = Request {
        key: Some("stranger".into()),
        ..Request::default()
    };
    let blocked = Request {
        prompt: Some("my number is 123-45-6789".into()),
        ..Request::default()
    };
    let redacted = Request {
        prompt: Some("my key is sk-ant-api03Zq9Xw8Vu7".into()),
        ..Request::default()
    };
    let models = Request {
        method: Some("GET".into()),
        path: Some("/v1/models".into()),
        ..Request::default()
    };
    vec![
        ordinary("small chat, 150 bytes", prompt(150)),
        ordinary("chat, 1 KiB", prompt(1 << 10)),
        ordinary("chat, 62 KiB", prompt(62 << 10)),
        ordinary("refused: nobody's key", stranger),
        ordinary("refused: a number that must not leave", blocked),
        ordinary("a key redacted", redacted),
        ordinary("list of models", models),
        Exchange {
            name: "stream of 1 delta",
            ..streamed(1)
        },
        Exchange {
            name: "stream of 101 deltas",
            ..streamed(101)
        },
    ]
}

/// What an exchange took.
pub struct Cost {
    /// Instructions of all callbacks.
    pub instructions: u64,
    /// Calls of each host function.
    pub calls: BTreeMap<&'static str, u64>,
}

/// What an exchange takes after so many of the same: the first defines metrics and fills tables.
pub fn cost(
    (suite, modules): (&Suite, &Modules),
    chain: Chain,
    setup: &Setup,
    exchange: &Exchange,
    warm_up: usize,
) -> Cost {
    let world = World::new().counting_instructions();
    let mut wasm = Wasm::in_world(world.clone(), modules, chain, setup, 1).unwrap();
    let call = resolve::call(&exchange.request, &suite.people).unwrap();
    let mut reply = resolve::reply(&exchange.upstream, &call).unwrap();
    by_events(&mut reply);
    let mut cost = Cost {
        instructions: 0,
        calls: BTreeMap::new(),
    };
    for _ in 0..=warm_up {
        let before = world.host_calls();
        let stream = wasm.stream(0, &call);
        stream.request(&call);
        stream.answer(&reply);
        cost.instructions = wasm.instructions(&stream);
        cost.calls = world.host_calls();
        for (function, count) in before {
            *cost.calls.entry(function).or_default() -= count;
        }
        cost.calls.retain(|_, count| *count > 0);
        // So that what is done once a second is not counted with every exchange.
        world.advance(Duration::from_millis(100));
    }
    cost
}
