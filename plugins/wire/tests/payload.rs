//! Files in requests: read where they are text, changed by encoding them again, named where they are not read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portcullis_policy::Endpoint;
use portcullis_wire::RequestReader;
use serde_json::{Value, json};
use support::{MARK, Sink};

const NEEDLE: &str = "open sesame";

fn sent(endpoint: Endpoint, body: &Value, sizes: &[usize]) -> (Vec<String>, Value) {
    let mut sink = Sink::redacting(&[NEEDLE]);
    let reader = RequestReader::new(endpoint, 8 << 20);
    let body = body.to_string();
    let (meaning, left) = support::request(reader, body.as_bytes(), sizes, &mut sink).unwrap();
    assert!(sink.all_ended());
    (meaning.unscanned, serde_json::from_slice(&left).unwrap())
}

fn document(source: Value) -> Value {
    json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "document", "source": source}]}]})
}

fn data(body: &Value) -> &str {
    body["messages"][0]["content"][0]["source"]["data"]
        .as_str()
        .unwrap()
}

#[test]
fn a_text_document_is_read_and_changed() {
    let text = format!("The word is {NEEDLE}, éa.");
    for (encoded, media_type) in [
        (STANDARD.encode(&text), "text/plain"),
        (URL_SAFE_NO_PAD.encode(&text), "text/plain"),
        // What it claims to be does not matter.
        (STANDARD.encode(&text), "image/png"),
    ] {
        let body = document(json!({"type": "base64", "media_type": media_type, "data": encoded}));
        for size in [1, 7, usize::MAX] {
            let (unscanned, left) = sent(Endpoint::AnthropicMessages, &body, &[size]);
            assert_eq!(unscanned, Vec::<String>::new());
            let changed = STANDARD.decode(data(&left)).unwrap();
            let expected = text.replace(NEEDLE, MARK);
            assert_eq!(String::from_utf8(changed).unwrap(), expected);
        }
    }
}

#[test]
fn a_document_of_json_stays_one() {
    let text = json!({"a": "open\u{20}sesame", "b": {"c": 1}}).to_string();
    let text = text.replace("open sesame", "\\u006fpen sesame");
    let encoded = STANDARD.encode(&text);
    let source = json!({"data": encoded, "type": "base64", "media_type": "application/json"});
    let (_, left) = sent(Endpoint::AnthropicMessages, &document(source), &[9]);
    let changed: Value = serde_json::from_slice(&STANDARD.decode(data(&left)).unwrap()).unwrap();
    assert_eq!(changed, json!({"a": MARK, "b": {"c": 1}}));
}

#[test]
fn a_url_keeps_its_head() {
    let part = |url: String| {
        json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "file", "file": {"file_data": url}}]}]})
    };
    let url = format!("data:text/markdown;base64,{}", STANDARD.encode(NEEDLE));
    let (unscanned, left) = sent(Endpoint::OpenAiChat, &part(url), &[3]);
    assert_eq!(unscanned, Vec::<String>::new());
    let expected = format!("data:text/markdown;base64,{}", STANDARD.encode(MARK));
    assert_eq!(
        left["messages"][0]["content"][0]["file"]["file_data"],
        expected
    );
    // Bare base64, as some clients send it.
    let (_, left) = sent(Endpoint::OpenAiChat, &part(STANDARD.encode(NEEDLE)), &[3]);
    assert_eq!(
        left["messages"][0]["content"][0]["file"]["file_data"],
        STANDARD.encode(MARK)
    );
}

#[test]
fn what_is_not_read_is_named() {
    let words = "word ".repeat(300_000);
    for (bytes, named) in [
        (&b"\x89PNG\r\n\x1a\n\0\0"[..], true),
        (&b"%PDF-1.7\n%\xe2\xe3"[..], true),
        (&[b'a', 0xFF, b'b'][..], true),
        (words.as_bytes(), true),
        (&words.as_bytes()[..1_000_000], false),
    ] {
        let source =
            json!({"type": "base64", "media_type": "text/plain", "data": STANDARD.encode(bytes)});
        let body = document(source);
        let (unscanned, left) = sent(Endpoint::AnthropicMessages, &body, &[65_536]);
        assert_eq!(unscanned == ["text/plain"], named, "{}", bytes.len());
        assert_eq!(left, body);
    }
}
