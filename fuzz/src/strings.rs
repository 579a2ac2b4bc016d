//! Strings of a request: what they mean and where edits of their meaning go, against `serde_json`, a slow reading of escapes and plain string
//! replacement.
//!
//! Input: sizes of pieces and of what is edited, then the inside of a JSON string as it is written. The target puts it into a request.

use std::ops::Range;

use portcullis_policy::{Edit, Endpoint, Refusal, Text, TextId};
use portcullis_wire::{RequestReader, TextSink};
use serde_json::Value;

use crate::documents::{begins, replaced};
use crate::input::{Input, pieces};
use crate::sink::{MARK, NEEDLE, Redact};

const BEFORE: &str = r#"{"model":"m","messages":[{"role":"user","content":""#;
const AFTER: &str = r#""}],"x" : [1.50, true]}"#;

/// Panics when a string is read or edited otherwise than the references have it.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let sizes = input.sizes();
    let Ok(raw) = std::str::from_utf8(input.rest()) else {
        return;
    };
    // A quotation mark in the middle makes another document of it, which target `request` is for; a lone surrogate is a mistake there.
    let Ok(text) = serde_json::from_str::<String>(&format!("\"{raw}\"")) else {
        return;
    };
    let body = format!("{BEFORE}{raw}{AFTER}");
    let mut sink = Redact::default();
    let edited = read(&body, &sizes, &mut sink);
    let given = sink.texts.values().any(|(given, _)| *given == text);
    assert!(given || text.is_empty(), "{text:?} was not given");
    match edited {
        None => assert_eq!(sink.found, 0, "what was found is still there"),
        Some(edited) => needles(&text, &edited),
    }
    positions(raw, &text, &body, &sizes);
}

fn read(body: &str, sizes: &[usize], sink: &mut dyn TextSink) -> Option<Vec<u8>> {
    let mut reader = RequestReader::new(Endpoint::OpenAiChat, usize::MAX);
    for piece in pieces(body.as_bytes(), sizes) {
        reader.push(piece, sink).expect("valid JSON");
    }
    reader.finish(sink).expect("valid JSON");
    reader.edited()
}

/// Every needle was replaced, and nothing else.
fn needles(text: &str, edited: &[u8]) {
    let edited = std::str::from_utf8(edited).expect("UTF-8");
    assert!(
        edited.starts_with(BEFORE) && edited.ends_with(AFTER),
        "{edited}"
    );
    let after: Value = serde_json::from_str(edited).expect("still JSON");
    let after = after["messages"][0]["content"]
        .as_str()
        .expect("still a string");
    if !begins(text) {
        assert_eq!(after, text.replace(NEEDLE, MARK));
    } else if let Some(expected) = replaced(text) {
        assert_eq!(replaced(after), Some(expected), "{text} became {after}");
    }
}

/// Edits anywhere change the bytes that the edited characters were written with, and no others.
fn positions(raw: &str, text: &str, body: &str, sizes: &[usize]) {
    if begins(text) {
        return;
    }
    let units = units(raw);
    let mut expected = String::from(BEFORE);
    let mut edits = Vec::new();
    let (mut index, mut at) = (0, 0);
    for (turn, size) in (0..).zip(sizes.iter().cycle()) {
        if index >= units.len() {
            break;
        }
        let some = &units[index..(index + size).min(units.len())];
        index += some.len();
        let start = at;
        at += some.iter().map(|(_, meaning)| meaning).sum::<usize>();
        if turn % 2 == 0 {
            expected.extend(some.iter().map(|(written, _)| *written));
        } else {
            let mark = serde_json::to_string(MARK).expect("a string");
            expected.push_str(&mark[1..mark.len() - 1]);
            edits.push(start..at);
        }
    }
    expected.push_str(AFTER);
    let anything = !edits.is_empty();
    let edited = read(body, sizes, &mut Chosen(edits));
    assert_eq!(edited.is_some(), anything);
    if let Some(edited) = edited {
        assert_eq!(String::from_utf8(edited).expect("UTF-8"), expected);
    }
}

/// Wishes for these ranges of the string at hand to be changed.
struct Chosen(Vec<Range<usize>>);

impl TextSink for Chosen {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        if text.id == TextId(BEFORE.len() as u64) && text.last {
            edits.extend(self.0.drain(..).map(|range| Edit {
                text: text.id,
                range,
                replacement: MARK.to_owned(),
            }));
        }
        Ok(None)
    }
}

/// How each character is written, and how many bytes it has.
fn units(raw: &str) -> Vec<(&str, usize)> {
    let mut units = Vec::new();
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let code = |text: &str| u32::from_str_radix(text.get(2..6)?, 16).ok();
        let len = match rest.as_bytes() {
            [b'\\', b'u', ..] => match code(rest) {
                Some(0xd800..0xdc00) => 12,
                _ => 6,
            },
            [b'\\', ..] => 2,
            _ => first.len_utf8(),
        };
        let (written, behind) = rest.split_at(len);
        let meaning: String = serde_json::from_str(&format!("\"{written}\"")).expect("one");
        units.push((written, meaning.len()));
        rest = behind;
    }
    units
}
