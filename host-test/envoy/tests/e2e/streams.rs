//! Streams: they flow, they end, and they can be left.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{PROMPT, SSN, World, chat_with, events, messages_with, streamed_text};
use crate::in_every_variant;

in_every_variant! {
    usual from World::new: [flow_as_they_come, stop_half_way, broken_streams, large_streams];
}

fn flow_as_they_come(world: &World) {
    // 20 deltas of two characters, 50 ms apart: a second. The first must be there long before the last.
    world.answer(
        &json!({ "text": "an answer that comes in small parts..", "delta": 2, "delay": 50 }),
    );
    let stream = json!({ "stream": true });
    for request in [chat_with(PROMPT, &stream), messages_with(PROMPT, &stream)] {
        let begin = Instant::now();
        let mut exchange = request.open(world.envoy.address()).unwrap();
        exchange.read_until("an").unwrap();
        let first = begin.elapsed();
        let response = exchange.finish().unwrap();
        assert!(
            begin.elapsed() > first + Duration::from_millis(400),
            "{first:?} of {:?}",
            begin.elapsed()
        );
        assert_eq!(
            streamed_text(&response),
            "an answer that comes in small parts.."
        );
        assert_eq!(
            response.header("content-type").as_deref(),
            Some("text/event-stream; charset=utf-8")
        );
        assert_eq!(response.header("content-length"), None);
    }
}

/// What a rule blocks cannot be taken back from a stream, so the stream ends with an error in the words of its API.
fn stop_half_way(world: &World) {
    let stream = json!({ "stream": true });
    for delta in [1, 4, 100] {
        world.answer(&json!({ "text": format!("before {SSN} after"), "delta": delta }));
        for request in [chat_with(PROMPT, &stream), messages_with(PROMPT, &stream)] {
            let response = world.send(&request);
            assert_eq!(response.status, 200);
            let text = response.text();
            assert!(
                !streamed_text(&response).contains(&SSN[..7]) && !text.contains("after"),
                "{text}"
            );
            // The code too, where the API has a place for it.
            let last = events(&response).pop().unwrap();
            assert!(last["error"]["message"].is_string(), "{last}");
            assert!(
                last["type"] == "error" || last["error"]["code"] == "response_blocked",
                "{last}"
            );
        }
    }
}

/// A provider that breaks off, or sends what is no JSON: the client gets no more than was fit to pass, and the worker lives on.
fn broken_streams(world: &World) {
    let stream = json!({ "stream": true });
    for script in [
        json!({ "text": "some words to be cut", "abort": 300 }),
        json!({ "malformed": true }),
        json!({ "error-after": 2, "text": "some words and an error" }),
        json!({ "drop": true }),
        json!({ "usage": false }),
        json!({ "body": "data: {\"choices\":[{\"delta\":{\"content\":\"no end", "header": "content-type: text/event-stream" }),
        json!({ "body": "", "header": "content-type: text/event-stream" }),
        json!({ "body": "base64:/v8A/w==", "header": "content-type: text/event-stream" }),
        json!({ "gzip": true }),
    ] {
        world.answer(&script);
        for request in [chat_with(PROMPT, &stream), messages_with(PROMPT, &stream)] {
            if let Ok(response) = request.send(world.envoy.address()) {
                assert!(
                    [200, 502, 503].contains(&response.status),
                    "{script}: {}",
                    response.text()
                );
            }
        }
    }
    world.provider.clear_scripts();
}

fn large_streams(world: &World) {
    let words = 20_000;
    world.answer(&json!({ "tokens": words, "chunk": 4000, "delta": 40 }));
    let response = world.send(&messages_with(
        PROMPT,
        &json!({ "stream": true, "max_tokens": words }),
    ));
    assert_eq!((response.status, response.complete), (200, true));
    assert_eq!(streamed_text(&response).len(), words * 4);
}
