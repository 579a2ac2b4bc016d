//! What may leave, and what may come back.

use portcullis_envoy_test::http1::Request;
use serde_json::{Value, json};

use crate::common::{
    PROMPT, SECRET, SSN, Variant, World, assert_refused, chat, chat_with, messages, messages_with,
    streamed_text,
};
use crate::in_every_variant;

in_every_variant! {
    guide from World::new: [blocks, redacts_requests, redacts_answers, redacts_streams, flags];
    other from other_rules: [rules_in_force];
}

/// The same text in every place of a request that text can be in, for each API.
fn everywhere(text: &str) -> Vec<Request> {
    let arguments = json!({ "note": text }).to_string();
    let user = |content: Value| json!([{ "role": "user", "content": content }]);
    let hello = json!({ "role": "user", "content": "Hello" });
    let chats = [
        json!({ "messages": user(json!(text)) }),
        json!({ "messages": user(json!([{ "type": "text", "text": text }])) }),
        json!({ "messages": [{ "role": "system", "content": text }, hello] }),
        json!({ "messages": [hello, { "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_1", "type": "function", "function": { "name": "note", "arguments": arguments } }] },
            { "role": "tool", "tool_call_id": "call_1", "content": "done" }] }),
        json!({ "messages": [hello, { "role": "tool", "tool_call_id": "call_1", "content": text }] }),
        json!({ "tools": [{ "type": "function", "function": { "name": "note", "description": text } }] }),
        json!({ "a_field_nobody_has_heard_of": { "deep": [[{ "down": text }]] } }),
        json!({ "stop": [text] }),
    ];
    let messages = [
        json!({ "messages": user(json!(text)) }),
        json!({ "messages": user(json!([{ "type": "text", "text": text }])) }),
        json!({ "system": text }),
        json!({ "system": [{ "type": "text", "text": text }] }),
        json!({ "messages": [hello, { "role": "assistant", "content": [
            { "type": "tool_use", "id": "toolu_1", "name": "note", "input": { "note": text } }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "toolu_1", "content": "ok" }] }] }),
        json!({ "messages": user(json!([{ "type": "tool_result", "tool_use_id": "toolu_1",
            "content": [{ "type": "text", "text": text }] }])) }),
        json!({ "metadata": { "nobody_has_heard_of": text } }),
    ];
    let chats = chats.iter().map(|fields| chat_with("Hello", fields));
    chats
        .chain(messages.iter().map(|fields| messages_with("Hello", fields)))
        .collect()
}

/// A prompt whose JSON is written by hand.
fn raw_prompts(json_string: &str) -> [Request; 2] {
    let body = |model: &str| {
        format!(
            r#"{{"model":"{model}","max_tokens":10,"messages":[{{"role":"user","content":"{json_string}"}}]}}"#
        )
    };
    [
        chat("").body(body("gpt-4o-mini")),
        messages("").body(body("claude-3-5-sonnet")),
    ]
}

fn blocks(world: &World) {
    for request in everywhere(&format!("{PROMPT} {SSN}.")) {
        assert_refused(&world.send(&request), 400, "dlp_blocked");
        world.assert_nothing_received(SSN);
    }
    for escaped in [
        r"\u0031\u0032\u0033-45-6789",
        r"123\u002d45\u002D6789",
        r"\n123-45-6789\t",
        r"\\\\ 123-45-6789",
        "x 4111111111111111 y",
    ] {
        for request in raw_prompts(escaped) {
            assert_refused(&world.send(&request), 400, "dlp_blocked");
            world.assert_nothing_received("6789");
        }
    }
    // Near misses pass.
    for fine in [
        "1123-45-67890",
        "123-456-789",
        "123456789",
        "41111111111111112",
    ] {
        assert_eq!(world.send(&chat(fine)).status, 200, "{fine}");
    }
}

fn redacts_requests(world: &World) {
    for request in everywhere(&format!("before {SECRET} after")) {
        assert_eq!(world.send(&request).status, 200);
        let received = world.take_one();
        let body: Value = serde_json::from_slice(&received.body).expect("still JSON");
        assert!(
            !received.text().contains(SECRET) && !body.to_string().contains(SECRET),
            "{}",
            received.text()
        );
        assert!(
            received.text().contains("before ") && received.text().contains(" after"),
            "{}",
            received.text()
        );
    }
    for escaped in [
        r"before \u0073k-ant-api03Zq9Xw8Vu7 after",
        r"before sk\u002dant\u002dapi03\u005aq9Xw8Vu7 after",
    ] {
        for request in raw_prompts(escaped) {
            assert_eq!(world.send(&request).status, 200);
            let text = world.take_one().text();
            assert!(
                !text.contains("q9Xw8Vu7") && text.contains("before ") && text.contains(" after"),
                "{text}"
            );
        }
    }
}

fn redacts_answers(world: &World) {
    for chunk in [1, 7, 100_000] {
        world.answer(&json!({ "text": format!("before {SECRET} after"), "chunk": chunk, "content-length": chunk % 2 == 0 }));
        for request in [chat(PROMPT), messages(PROMPT)] {
            let response = world.send(&request);
            assert_eq!(response.status, 200);
            assert!(response.complete, "the length fits the body");
            let body = response.json();
            let text = body
                .pointer("/choices/0/message/content")
                .or(body.pointer("/content/0/text"))
                .unwrap();
            let text = text.as_str().unwrap();
            assert!(
                text.starts_with("before ")
                    && text.ends_with(" after")
                    && !response.text().contains(SECRET),
                "{text}"
            );
        }
    }
    // In the arguments of a tool, which are JSON in a string.
    world.answer(&json!({ "tool": { "note": format!("before {SECRET} after") } }));
    for request in [chat(PROMPT), messages(PROMPT)] {
        let response = world.send(&request);
        let body = response.json();
        assert!(!response.text().contains(SECRET), "{body}");
        if let Some(arguments) = body.pointer("/choices/0/message/tool_calls/0/function/arguments")
        {
            let arguments: Value =
                serde_json::from_str(arguments.as_str().unwrap()).expect("still JSON");
            assert!(
                arguments["note"].as_str().unwrap().starts_with("before "),
                "{arguments}"
            );
        }
    }
    // A rule that blocks, in an answer.
    world.answer(&json!({ "text": format!("The number is {SSN}.") }));
    for request in [chat(PROMPT), messages(PROMPT)] {
        world.assert_response_refused(&world.send(&request), "response_blocked");
    }
}

/// However the key is split over deltas, and these over writes.
fn redacts_streams(world: &World) {
    let text = format!("before {SECRET} after");
    let deltas = 1..=text.len();
    let chunks = [
        None,
        Some(1),
        Some(2),
        Some(3),
        Some(11),
        Some(64),
        Some(1000),
    ];
    for (nth, delta) in deltas.enumerate() {
        for line_end in ["lf", "crlf"] {
            let mut script = json!({ "text": text, "delta": delta, "line-end": line_end, "pings": nth % 2 == 0 });
            if let Some(chunk) = chunks[nth % chunks.len()] {
                script["chunk"] = json!(chunk);
            }
            world.answer(&script);
            for request in [
                chat_with(PROMPT, &json!({ "stream": true })),
                messages_with(PROMPT, &json!({ "stream": true })),
            ] {
                let response = world.send(&request);
                assert_eq!(
                    (response.status, response.complete),
                    (200, true),
                    "{script}"
                );
                let streamed = streamed_text(&response);
                assert!(!streamed.contains(&SECRET[..12]), "{script}: {streamed}");
                assert!(
                    streamed.starts_with("before ") && streamed.ends_with(" after"),
                    "{script}: {streamed}"
                );
                assert!(
                    response.text().contains("[DONE]") || response.text().contains("message_stop"),
                    "{script}"
                );
            }
        }
    }
}

fn flags(world: &World) {
    world.answer(&json!({ "text": "no" }));
    let prompt = format!("{PROMPT}: a jailbreak");
    let request = messages(&prompt);
    let response = world.send(&request);
    assert_eq!(response.status, 200);
    assert!(
        world.take_one().text().contains(&prompt),
        "flagged, not changed"
    );
    let record = world.record_of(&response);
    assert_eq!(
        record["findings"],
        json!([{ "rule": "jailbreak", "action": "flag", "count": 1, "where": "request" }])
    );
    assert_eq!(record["decision"], "flag");
}

fn other_rules(variant: Variant) -> World {
    World::with_policy(variant, |policy| {
        policy["dlp"]["rules"] =
            json!([{ "name": "word", "contains": "forbidden", "action": "block" }]);
        policy["dlp"]["response"] = json!(false);
    })
}

fn rules_in_force(world: &World) {
    assert_eq!(
        world.send(&chat(&format!("{PROMPT} 999-99-9999"))).status,
        200,
        "rule ssn is gone"
    );
    assert_refused(&world.send(&chat("a forbidden word")), 400, "dlp_blocked");
    world.answer(&json!({ "text": "a forbidden word" }));
    assert_eq!(
        world.send(&chat(PROMPT)).status,
        200,
        "answers are not scanned"
    );
}
