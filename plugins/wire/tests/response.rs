//! Responses that do not stream.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

use portcullis_policy::{Endpoint, Reason, Refusal, Usage};
use portcullis_wire::{BodyKind, Released, ResponseReader};
use serde_json::Value;
use support::{MARK, Sink, response};

const CHAT: &str = r#"{"id":"c-1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi SECRET","tool_calls":[{"function":{"name":"f","arguments":"{\"k\":\"SE\\u0043RET\"}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":7}}"#;

fn run(
    reader: &mut ResponseReader,
    body: &[u8],
    sizes: &[usize],
    sink: &mut Sink,
) -> Result<String, Reason> {
    response(reader, body, sizes, sink)
        .map(|out| String::from_utf8(out).unwrap())
        .map_err(|refusal| refusal.reason)
}

fn json(endpoint: Endpoint, status: u16, want_text: bool) -> ResponseReader {
    ResponseReader::new(endpoint, status, BodyKind::Json, 10_000, want_text)
}

#[test]
fn a_chat_response_is_read_and_edited() {
    for sizes in [&[][..], &[1], &[7, 2]] {
        let mut reader = json(Endpoint::OpenAiChat, 200, true);
        assert!(!reader.streams());
        let mut sink = Sink::redacting(&["SECRET"]);
        let out = run(&mut reader, CHAT.as_bytes(), sizes, &mut sink).unwrap();
        let out: Value = serde_json::from_str(&out).unwrap();
        let message = &out["choices"][0]["message"];
        assert_eq!(message["content"], format!("Hi {MARK}"));
        let arguments = message["tool_calls"][0]["function"]["arguments"]
            .as_str()
            .unwrap();
        assert_eq!(serde_json::from_str::<Value>(arguments).unwrap()["k"], MARK);
        let meaning = reader.meaning();
        assert_eq!(
            meaning.usage,
            Some(Usage {
                input: 12,
                output: 7
            })
        );
        assert_eq!(
            meaning.text_bytes,
            "assistantHi SECRETf{'k':'SE.u0043RET'}".len() as u64
        );
        assert!(meaning.complete);
        assert!(sink.all_ended());
    }
}

#[test]
fn clean_and_uninspected_bodies_leave_as_they_came() {
    for want_text in [true, false] {
        let mut reader = json(Endpoint::OpenAiChat, 200, want_text);
        let mut sink = Sink::default();
        assert_eq!(
            reader.push(CHAT.as_bytes(), &mut sink),
            Ok(Released::Bytes(Vec::new()))
        );
        assert!(!reader.meaning().complete);
        assert_eq!(reader.finish(&mut sink), Ok(Released::AsIs));
        assert_eq!(
            reader.meaning().usage,
            Some(Usage {
                input: 12,
                output: 7
            })
        );
        assert_eq!(sink.texts().is_empty(), !want_text);
    }
}

#[test]
fn anthropic_usage_adds_up() {
    let body = br#"{"content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":1,"cache_creation_input_tokens":20,"cache_read_input_tokens":300,"output_tokens":4,"service_tier":"standard"}}"#;
    let mut reader = json(Endpoint::AnthropicMessages, 200, true);
    run(&mut reader, body, &[], &mut Sink::default()).unwrap();
    assert_eq!(
        reader.meaning().usage,
        Some(Usage {
            input: 321,
            output: 4
        })
    );
    let mut error = json(Endpoint::AnthropicMessages, 529, true);
    run(&mut error, body, &[], &mut Sink::default()).unwrap();
    assert_eq!(error.meaning().usage, None);
    let mut count = json(Endpoint::AnthropicCountTokens, 200, true);
    run(
        &mut count,
        br#"{"input_tokens":14}"#,
        &[],
        &mut Sink::default(),
    )
    .unwrap();
    assert_eq!(count.meaning().usage, None);
}

#[test]
fn what_is_no_json_is_refused_when_it_matters() {
    for body in ["<html>", "{", "{\"a\":1}x", "{\"a\":\"\\x\"}"] {
        let mut reader = json(Endpoint::OpenAiChat, 200, true);
        assert_eq!(
            run(&mut reader, body.as_bytes(), &[2], &mut Sink::default()),
            Err(Reason::UnreadableResponse)
        );
        let mut blind = json(Endpoint::OpenAiChat, 200, false);
        assert_eq!(
            run(&mut blind, body.as_bytes(), &[2], &mut Sink::default()),
            Ok(body.to_owned())
        );
    }
    let mut small = ResponseReader::new(
        Endpoint::OpenAiChat,
        200,
        BodyKind::Json,
        CHAT.len() - 1,
        true,
    );
    assert_eq!(
        run(&mut small, CHAT.as_bytes(), &[50], &mut Sink::default()),
        Err(Reason::UnreadableResponse)
    );
    let mut empty = json(Endpoint::OpenAiChat, 200, true);
    assert_eq!(
        run(&mut empty, b"", &[], &mut Sink::default()),
        Ok(String::new())
    );
}

#[test]
fn plain_text_is_one_text() {
    let body = "né SECRET ü";
    for sizes in [&[][..], &[1], &[2]] {
        let mut reader =
            ResponseReader::new(Endpoint::OpenAiChat, 500, BodyKind::Plain, 1000, true);
        let mut sink = Sink::redacting(&["SECRET"]);
        assert_eq!(
            run(&mut reader, body.as_bytes(), sizes, &mut sink),
            Ok(format!("né {MARK} ü"))
        );
        assert_eq!(sink.texts(), [body]);
        let mut broken =
            ResponseReader::new(Endpoint::OpenAiChat, 500, BodyKind::Plain, 1000, true);
        let refused = run(&mut broken, b"ab\xc3", sizes, &mut Sink::default());
        assert_eq!(refused, Err(Reason::UnreadableResponse));
        let mut small = ResponseReader::new(Endpoint::OpenAiChat, 500, BodyKind::Plain, 5, true);
        assert_eq!(
            run(&mut small, body.as_bytes(), sizes, &mut Sink::default()),
            Err(Reason::UnreadableResponse)
        );
    }
}

#[test]
fn a_stopped_body_is_replaced_by_an_error() {
    for kind in [BodyKind::Json, BodyKind::Plain] {
        let mut reader = ResponseReader::new(Endpoint::OpenAiChat, 200, kind, 1000, true);
        let mut sink = Sink::refusing("SECRET");
        let refused = reader.push(CHAT.as_bytes(), &mut sink).unwrap_err();
        let body: Value = serde_json::from_slice(&reader.stop(&refused)).unwrap();
        assert_eq!(body["error"]["code"], "response_blocked");
        assert_eq!(
            reader.push(b"more", &mut sink),
            Ok(Released::Bytes(Vec::new()))
        );
        assert_eq!(reader.finish(&mut sink), Ok(Released::Bytes(Vec::new())));
    }
    let mut reader = json(Endpoint::AnthropicMessages, 200, true);
    let body: Value =
        serde_json::from_slice(&reader.stop(&Refusal::new(Reason::ResponseBlocked, "no"))).unwrap();
    assert_eq!(body["error"]["type"], "api_error");
}

#[test]
fn kinds_of_bodies() {
    for (content_type, kind) in [
        ("application/json", Some(BodyKind::Json)),
        ("Application/JSON; charset=UTF-8", Some(BodyKind::Json)),
        ("application/problem+json", Some(BodyKind::Json)),
        (
            "text/event-stream; charset=utf-8",
            Some(BodyKind::EventStream),
        ),
        ("text/html", Some(BodyKind::Plain)),
        ("text/plain; charset=\"utf-16\"", None),
        ("application/octet-stream", None),
        ("", None),
        ("image/png", None),
    ] {
        assert_eq!(BodyKind::of(content_type), kind, "{content_type}");
    }
}
