//! Properties of bodies that are read whole: against a naive reading with `serde_json`, and under any cut.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

use portcullis_policy::{Edit, Endpoint, Refusal, RequestMeaning, Text, TextId};
use portcullis_wire::{BodyKind, RequestReader, ResponseReader, TextSink};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::written::{
    NEEDLE, nesting_value, normal, redacted, strings, style, text, value, write,
};
use support::{MARK, Sink, request, response};

type Outcome = (Result<(RequestMeaning, Vec<u8>), Refusal>, Vec<String>);

fn read(endpoint: Endpoint, body: &[u8], sizes: &[usize]) -> Outcome {
    let mut sink = Sink::redacting(&[NEEDLE]);
    let result = request(RequestReader::new(endpoint, 4000), body, sizes, &mut sink);
    let texts = sink.texts().into_iter().map(str::to_owned).collect();
    (result, texts)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1usize..9, 1..6)
}

/// A request as clients write them, with anything in it.
fn chat() -> impl Strategy<Value = String> {
    (text(), nesting_value(), value(), style(), 0u64..9).prop_map(|(content, any, other, style, n)| {
        let body = json!({
            "model": "m", "n": n, "max_tokens": 5, "stream": n % 2 == 0, "any": any, "other": other,
            "messages": [{"role": "user", "content": content}, {"role": "user", "content": [{"type": "text", "text": content}]}],
        });
        write(&body, &style)
    })
}

/// How many cases where each is long; more by `PROPTEST_CASES`.
fn few() -> ProptestConfig {
    let config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config
    } else {
        ProptestConfig {
            cases: 96,
            ..config
        }
    }
}

/// Bytes changed, taken out, put in, doubled.
fn mutated(body: &str, mutations: &[(usize, u8, u8)]) -> Vec<u8> {
    const INTERESTING: &[u8] = b"\"\\{}[],:u0-.eE \n\x00\x1f\x80\xc3\xe2\xff1tfn/";
    let mut bytes = body.as_bytes().to_vec();
    for (at, kind, byte) in mutations {
        let at = at % (bytes.len() + 1);
        let byte = INTERESTING[usize::from(*byte) % INTERESTING.len()];
        match kind % 4 {
            0 => bytes.insert(at, byte),
            1 if at < bytes.len() => bytes[at] = byte,
            2 if at < bytes.len() => {
                bytes.remove(at);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn mutations() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    proptest::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..4)
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn how_a_body_is_cut_means_nothing(body in chat(), mutations in mutations(), sizes in sizes()) {
        let body = mutated(&body, &mutations);
        for endpoint in [Endpoint::OpenAiChat, Endpoint::AnthropicMessages, Endpoint::Public] {
            let whole = read(endpoint, &body, &[]);
            prop_assert_eq!(&read(endpoint, &body, &sizes), &whole);
            prop_assert_eq!(&read(endpoint, &body, &[1]), &whole);
        }
    }

    #[test]
    fn how_a_response_is_cut_means_nothing(body in chat(), mutations in mutations(), sizes in sizes(), plain in any::<bool>()) {
        let body = mutated(&body, &mutations);
        let kind = if plain { BodyKind::Plain } else { BodyKind::Json };
        let run = |sizes: &[usize]| {
            let mut reader = ResponseReader::new(Endpoint::OpenAiChat, 200, kind, 4000, true);
            let mut sink = Sink::redacting(&[NEEDLE]);
            let out = response(&mut reader, &body, sizes, &mut sink);
            (out, reader.meaning(), sink.texts)
        };
        prop_assert_eq!(run(&sizes), run(&[]));
    }

    #[test]
    fn what_is_json_is_what_others_take_for_json(value in value(), style in style(), mutations in mutations()) {
        let body = mutated(&write(&value, &style), &mutations);
        let valid = std::str::from_utf8(&body).is_ok() && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
        let (result, _) = read(Endpoint::Public, &body, &[]);
        prop_assert_eq!(result.is_ok(), valid || body.is_empty(), "{}", String::from_utf8_lossy(&body));
    }

    #[test]
    fn every_string_is_a_text(value in nesting_value(), style in style(), sizes in sizes()) {
        let body = write(&value, &style);
        let mut sink = Sink::default();
        request(RequestReader::new(Endpoint::Public, 1 << 20), body.as_bytes(), &sizes, &mut sink).unwrap();
        prop_assert!(sink.all_ended());
        let mut expected = Vec::new();
        strings(&value, &mut expected);
        expected.retain(|text| !text.is_empty());
        expected.sort_unstable();
        let mut seen: Vec<_> = sink.texts.iter().filter(|(id, _)| id.0 >> 63 == 0).map(|(_, given)| given.text.clone()).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn editing_the_bytes_is_editing_the_value(value in nesting_value(), style in style(), sizes in sizes()) {
        let body = json!({"model": "m", "any": value});
        let written = write(&body, &style);
        let (result, _) = read(Endpoint::OpenAiChat, written.as_bytes(), &sizes);
        if let Ok((_, out)) = result {
            let out: Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(normal(&out), normal(&redacted(&body, MARK)));
        }
    }

    #[test]
    fn without_a_match_nothing_changes(body in chat(), sizes in sizes()) {
        let mut reader = RequestReader::new(Endpoint::OpenAiChat, 1 << 20);
        let mut sink = Sink::redacting(&["never there"]);
        for chunk in support::cut(body.as_bytes(), &sizes) {
            reader.push(chunk, &mut sink).unwrap();
        }
        let meaning = reader.finish(&mut sink).unwrap();
        prop_assert_eq!(reader.edited(), None);
        let value: Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(meaning.completion_tokens_max, Some(5 * value["n"].as_u64().unwrap().max(1)));
        prop_assert_eq!(meaning.stream, value["stream"].as_bool().unwrap());
    }

    #[test]
    fn any_wishes_leave_json(body in chat(), sizes in sizes(), wishes in wishes(), inner in nesting_value(), style in style()) {
        let body = [body, write(&json!({"model": "m", "any": inner}), &style)];
        for body in body {
            let run = |sizes: &[usize]| {
                let mut sink = Wishing { wishes: wishes.clone(), at: 0, spared: BTreeSet::new() };
                let mut reader = RequestReader::new(Endpoint::OpenAiChat, 1 << 20);
                for chunk in support::cut(body.as_bytes(), sizes) {
                    reader.push(chunk, &mut sink).unwrap();
                }
                reader.finish(&mut sink).unwrap();
                reader.edited()
            };
            for out in [run(&[]), run(&sizes)].into_iter().flatten() {
                let text = String::from_utf8(out).unwrap();
                let out: Value = serde_json::from_str(&text).unwrap();
                let before: Value = serde_json::from_str(&body).unwrap();
                still_documents(&before, &out);
            }
        }
    }
}

/// Every string that was a document still is one.
fn still_documents(before: &Value, after: &Value) {
    match (before, after) {
        (Value::String(before), Value::String(after)) => {
            if let Ok(before) = serde_json::from_str::<Value>(before)
                && (before.is_array() || before.is_object())
            {
                let after = serde_json::from_str::<Value>(after).expect(after);
                still_documents(&before, &after);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before
                .iter()
                .zip(after)
                .for_each(|(before, after)| still_documents(before, after));
        }
        // Keys may have become the same; what is left of them is compared by nobody.
        (Value::Object(_), Value::Object(_)) => {}
        (
            Value::Null | Value::Bool(_) | Value::Number(_),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_),
        ) => {}
        (before, after) => panic!("{before} became {after}"),
    }
}

fn wishes() -> impl Strategy<Value = Vec<(usize, usize, &'static str)>> {
    let replacement = prop_oneof![Just(""), Just("x"), Just("\"\\\n"), Just("é{[")];
    proptest::collection::vec((0usize..40, 0usize..40, replacement), 1..12)
}

/// Wishes whatever it is told to, but nothing of the model (which would be refused), also where there is nothing.
struct Wishing {
    wishes: Vec<(usize, usize, &'static str)>,
    at: usize,
    spared: BTreeSet<TextId>,
}

impl TextSink for Wishing {
    fn numbers_from(&self) -> Option<usize> {
        Some(3)
    }

    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        self.at += 1;
        if text.piece == "m" {
            self.spared.insert(text.id);
        }
        if self.spared.contains(&text.id) {
            return Ok(None);
        }
        for (start, end, replacement) in self.wishes.iter().skip(self.at % 7).step_by(3) {
            let range = *start..*end;
            edits.push(Edit {
                text: text.id,
                range,
                replacement: (*replacement).to_owned(),
            });
        }
        Ok(None)
    }
}
