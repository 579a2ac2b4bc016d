//! Strings of a request: what they mean and where edits of their meaning go, against `serde_json` and plain string replacement.
//!
//! Input: a choice, then the inside of a JSON string as it is written. The target puts it into a request.

use portcullis_policy::Endpoint;
use portcullis_wire::RequestReader;
use serde_json::Value;

use crate::input::{Input, pieces};
use crate::sink::{MARK, NEEDLE, Redact};

const BEFORE: &str = r#"{"model":"m","messages":[{"role":"user","content":""#;
const AFTER: &str = r#""}],"x" : [1.50, true]}"#;

/// Panics when a string is read or edited otherwise than `serde_json` and `str::replace` have it.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let sizes = input.sizes();
    let Ok(raw) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let body = format!("{BEFORE}{raw}{AFTER}");
    // A quotation mark in the middle makes another document of it, which target `request` is for; a lone surrogate is a mistake there.
    let Ok(text) = serde_json::from_str::<String>(&format!("\"{raw}\"")) else {
        return;
    };
    let mut sink = Redact::default();
    let mut reader = RequestReader::new(Endpoint::OpenAiChat, usize::MAX);
    for piece in pieces(body.as_bytes(), &sizes) {
        reader.push(piece, &mut sink).expect("valid JSON");
    }
    reader.finish(&mut sink).expect("valid JSON");
    let given = sink.texts.values().any(|(given, _)| *given == text);
    assert!(given || text.is_empty(), "{text:?} was not given");

    let edited = reader.edited();
    let Some(edited) = edited else {
        assert_eq!(sink.found, 0, "what was found is still there");
        return;
    };
    let edited = String::from_utf8(edited).expect("UTF-8");
    assert!(
        edited.starts_with(BEFORE) && edited.ends_with(AFTER),
        "{edited}"
    );
    let after: Value = serde_json::from_str(&edited).expect("still JSON");
    let after = after["messages"][0]["content"]
        .as_str()
        .expect("still a string");
    let nests = text.trim_start().starts_with(['{', '[']);
    if nests {
        // A document within the string: its own strings are edited, and it stays what it was.
        let was = serde_json::from_str::<Value>(&text).is_ok();
        assert!(
            !was || serde_json::from_str::<Value>(after).is_ok(),
            "{text} became {after}"
        );
    } else {
        assert_eq!(after, text.replace(NEEDLE, MARK));
    }
}
