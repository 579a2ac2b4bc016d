//! No body costs more than its length. Each of these would take minutes, not moments, were any step quadratic: so that they end is
//! the assertion, and no clock is asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use portcullis_policy::{Edit, Endpoint, Refusal, Text};
use portcullis_wire::{BodyKind, RequestReader, ResponseReader, TextSink};
use serde_json::json;

/// Byte by byte.
const SMALL: usize = 1 << 17;
/// In one chunk.
const LARGE: usize = 1 << 20;

/// Wishes to change every `x`; holds nothing, or all.
struct Eager {
    hold: bool,
    at: usize,
}

impl TextSink for Eager {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        // One long text at a time is all that these tests have: positions go on until it ends.
        for (at, _) in text.piece.match_indices('x') {
            let range = self.at + at..self.at + at + 1;
            edits.push(Edit {
                text: text.id,
                range,
                replacement: "yy".to_owned(),
            });
        }
        self.at = if text.last {
            0
        } else {
            self.at + text.piece.len()
        };
        Ok(self.hold.then_some(0))
    }
}

fn request(body: &str, chunk: usize) -> Option<Vec<u8>> {
    let mut reader = RequestReader::new(Endpoint::Public, usize::MAX);
    let mut sink = Eager { hold: false, at: 0 };
    for chunk in body.as_bytes().chunks(chunk) {
        reader.push(chunk, &mut sink).unwrap();
    }
    reader.finish(&mut sink).unwrap();
    reader.edited()
}

#[test]
fn long_tokens_byte_by_byte() {
    for (open, unit, close) in [
        ("\"", "a", "\""),
        ("\"", "\\n", "\""),
        ("\"", "\\ud83d\\ude00", "\""),
        ("\"", "é", "\""),
        ("{\"", "k", "\":1}"),
        ("{\"", "\\t", "\":1}"),
        ("", "7", ""),
        ("1.", "7", ""),
        (" ", " ", "1"),
        ("[1", ",1", "]"),
        ("{\"a\":0", ",\"a\":0", "}"),
    ] {
        let body = [open, &unit.repeat(SMALL / unit.len()), close].concat();
        assert_eq!(request(&body, 1), None);
    }
}

#[test]
fn documents_full_of_escapes_and_matches() {
    let x = "x".repeat(LARGE / 8);
    let escaped = "\\u0078\\n".repeat(LARGE / 8);
    let strings = "[".to_owned() + &"\"\\u0078\",".repeat(LARGE / 16) + "0]";
    for text in [
        x,
        json!([escaped]).to_string(),
        json!([json!([escaped]).to_string()]).to_string(),
        strings,
    ] {
        let body = json!({"model": "m", "x": text}).to_string();
        let once = request(&body, usize::MAX).expect("there is much to change");
        assert_eq!(request(&body, 4096).as_ref(), Some(&once));
        serde_json::from_slice::<serde_json::Value>(&once).unwrap();
    }
}

#[test]
fn deep_documents_in_documents() {
    let mut text = "[\"x\\\\n\"]".to_owned();
    for _ in 0..12 {
        text = json!([text, "x\n"]).to_string();
    }
    let body = json!({"model": "m", "x": text}).to_string();
    assert!(request(&body, usize::MAX).is_some());
}

fn stream(events: impl Iterator<Item = String>, hold: bool, chunk: usize) {
    let body: String = events.collect();
    let mut reader = ResponseReader::new(
        Endpoint::AnthropicMessages,
        200,
        BodyKind::EventStream,
        0,
        true,
    );
    let mut sink = Eager { hold, at: 0 };
    for chunk in body.as_bytes().chunks(chunk) {
        reader.push(chunk, &mut sink).unwrap();
    }
    reader.finish(&mut sink).unwrap();
}

fn delta(piece: &str) -> String {
    let piece = json!({"index": 0, "delta": {"partial_json": piece}});
    format!("data: {piece}\n\n")
}

#[test]
fn streams_of_tiny_deltas() {
    let event = |piece: &'static str| (0..SMALL / 8).map(move |_| delta(piece));
    for hold in [false, true] {
        stream(event("x"), hold, usize::MAX);
        let start = std::iter::once(delta("[\"\\n"));
        stream(start.chain(event("x")), hold, usize::MAX);
    }
    stream(
        std::iter::once(delta("[")).chain(event("\"\\u0078\",")),
        true,
        usize::MAX,
    );
    stream(std::iter::once(delta(&"x".repeat(SMALL))), false, 1);
    stream(
        std::iter::once(format!(
            "data: [{}]\n\n",
            "1,\ndata:".repeat(SMALL / 8) + "1"
        )),
        false,
        1,
    );
}
