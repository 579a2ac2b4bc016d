//! Properties of streams: any cut into chunks, any cut of texts into deltas, any sink.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

use portcullis_policy::{Edit, Endpoint, Reason, Refusal, Text, TextId};
use portcullis_wire::{BodyKind, ResponseReader, TextSink};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Range;
use support::written::{NEEDLE, nesting_value, normal, redacted, style, text, write};
use support::{MARK, Sink, response};

/// How events are framed.
#[derive(Debug, Clone)]
struct Framing {
    end: &'static str,
    style: Vec<u8>,
    /// Data over several lines where white space allows.
    folded: bool,
    /// The last event lacks its end.
    open: bool,
}

fn framing() -> impl Strategy<Value = Framing> {
    (
        prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        style(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(end, style, folded, open)| Framing {
            end,
            style,
            folded,
            open,
        })
}

/// Texts of channels, cut into deltas and mixed.
#[derive(Debug, Clone)]
struct Stream {
    events: Vec<(u64, String)>,
    framing: Framing,
}

fn streams() -> impl Strategy<Value = Stream> {
    let deltas = (
        text(),
        text(),
        proptest::collection::vec((0usize..2, 1usize..4), 1..40),
    );
    (deltas, framing()).prop_map(|((first, second, order), framing)| {
        // No document, so that any change is carried out as it was wished.
        let mut rest = [first, second].map(|text| format!("t{text}").chars().collect::<Vec<_>>());
        let mut events = Vec::new();
        for (channel, len) in order.into_iter().chain([(0, usize::MAX), (1, usize::MAX)]) {
            let len = len.min(rest[channel].len());
            let piece: String = rest[channel].drain(..len).collect();
            events.push((channel as u64, piece));
        }
        Stream { events, framing }
    })
}

impl Stream {
    fn text(&self, channel: u64) -> String {
        self.events
            .iter()
            .filter(|(of, _)| *of == channel)
            .map(|(_, piece)| piece.as_str())
            .collect()
    }

    fn bytes(&self, anthropic: bool) -> Vec<u8> {
        let mut out = String::new();
        let end = self.framing.end;
        for (index, piece) in &self.events {
            let data = if anthropic {
                json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}, "index": index})
            } else {
                json!({"id": "x", "choices": [{"delta": {"content": piece}, "index": index}]})
            };
            let data = write(&data, &self.framing.style);
            // White space between tokens may be a line end; within strings there is none.
            let data = if self.framing.folded {
                data.replace("\r\n", "\n")
                    .replace('\n', &format!("{end}data: "))
            } else {
                data.replace(['\r', '\n'], " ")
            };
            out.push_str(&format!(
                "event: content_block_delta{end}data: {data}{end}{end}"
            ));
        }
        if self.framing.open {
            let len = out.trim_end_matches(['\r', '\n']).len();
            out.truncate(len);
        }
        out.into_bytes()
    }
}

/// The data of each event, as a client reads it.
fn events_of(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream)
        .unwrap()
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    let data = blocks.map(|block| {
        let lines: Vec<_> = block
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        serde_json::from_str(&lines.join("\n")).unwrap()
    });
    data.collect()
}

/// A channel's text, put together from the events.
fn joined(events: &[Value], channel: u64) -> String {
    let pieces = events.iter().filter_map(|event| {
        if event["type"] == "content_block_delta" {
            return (event["index"] == channel).then(|| event["delta"]["text"].as_str().unwrap());
        }
        let choice = &event["choices"][0];
        (choice["index"] == channel).then(|| choice["delta"]["content"].as_str().unwrap())
    });
    pieces.collect()
}

fn reader(anthropic: bool) -> ResponseReader {
    let endpoint = if anthropic {
        Endpoint::AnthropicMessages
    } else {
        Endpoint::OpenAiChat
    };
    ResponseReader::new(endpoint, 200, BodyKind::EventStream, 0, true)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1usize..40, 1..6)
}

proptest! {
    #[test]
    fn a_needle_is_redacted_however_it_is_split(stream in streams(), anthropic in any::<bool>(), sizes in sizes()) {
        let bytes = stream.bytes(anthropic);
        let run = |sizes: &[usize]| {
            let mut sink = Sink::redacting(&[NEEDLE]);
            let out = response(&mut reader(anthropic), &bytes, sizes, &mut sink).unwrap();
            (out, sink.texts)
        };
        let (out, texts) = run(&sizes);
        prop_assert_eq!(&run(&[]), &(out.clone(), texts));
        let (before, after) = (events_of(&bytes), events_of(&out));
        prop_assert_eq!(before.len(), after.len());
        for channel in [0, 1] {
            prop_assert_eq!(joined(&after, channel), stream.text(channel).replace(NEEDLE, MARK));
        }
    }

    #[test]
    fn without_a_match_a_stream_is_the_same_bytes(stream in streams(), anthropic in any::<bool>(), sizes in sizes()) {
        let bytes = stream.bytes(anthropic);
        let mut sink = Sink::redacting(&["never there"]);
        prop_assert_eq!(response(&mut reader(anthropic), &bytes, &sizes, &mut sink).unwrap(), bytes);
    }

    #[test]
    fn any_holds_and_wishes_keep_order_and_framing(
        stream in streams(),
        anthropic in any::<bool>(),
        sizes in sizes(),
        script in proptest::collection::vec((0usize..9, 0usize..6, 0usize..6, any::<bool>()), 1..20),
    ) {
        let bytes = stream.bytes(anthropic);
        let mut sink = Scripted { script: script.clone(), at: 0, channels: BTreeMap::new() };
        let out = {
            let mut reader = reader(anthropic);
            let mut out = Vec::new();
            for chunk in support::cut(&bytes, &sizes) {
                match reader.push(chunk, &mut sink).unwrap() {
                    portcullis_wire::Released::AsIs => out.extend_from_slice(chunk),
                    portcullis_wire::Released::Bytes(bytes) => out.extend(bytes),
                }
            }
            match reader.finish(&mut sink).unwrap() {
                portcullis_wire::Released::AsIs => panic!("a stream has no whole"),
                portcullis_wire::Released::Bytes(bytes) => out.extend(bytes),
            }
            out
        };
        let (before, after) = (events_of(&bytes), events_of(&out));
        prop_assert_eq!(before.len(), after.len());
        for channel in [0, 1] {
            let text = stream.text(channel);
            let wished = sink.channels.values().find(|wished| wished.text == text && !text.is_empty());
            if let Some(wished) = wished && stream.text(0) != stream.text(1) {
                prop_assert_eq!(joined(&after, channel), wished.carried_out());
            }
        }
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(&before["index"], &after["index"]);
            prop_assert_eq!(&before["choices"][0]["index"], &after["choices"][0]["index"]);
        }
    }

    #[test]
    fn broken_streams_never_panic_and_cuts_do_not_matter(
        stream in streams(),
        anthropic in any::<bool>(),
        sizes in sizes(),
        changes in proptest::collection::vec((any::<usize>(), prop_oneof![Just(b'"'), Just(b'{'), Just(b'\n'), Just(b'\r'), Just(0xff), Just(b'\\'), Just(b':')]), 0..4),
    ) {
        let mut bytes = stream.bytes(anthropic);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let run = |sizes: &[usize]| {
            let mut reader = reader(anthropic);
            let mut sink = Sink::redacting(&[NEEDLE]);
            let mut out = Vec::new();
            let mut failed = None;
            for chunk in support::cut(&bytes, sizes) {
                match reader.push(chunk, &mut sink) {
                    Ok(portcullis_wire::Released::AsIs) => out.extend_from_slice(chunk),
                    Ok(portcullis_wire::Released::Bytes(bytes)) => out.extend(bytes),
                    Err(refusal) => {
                        out.extend(reader.stop(&refusal));
                        failed = Some(refusal);
                    }
                }
            }
            match reader.finish(&mut sink) {
                Ok(portcullis_wire::Released::AsIs) => panic!("a stream has no whole"),
                Ok(portcullis_wire::Released::Bytes(bytes)) => out.extend(bytes),
                Err(refusal) => {
                    out.extend(reader.stop(&refusal));
                    failed = Some(refusal);
                }
            }
            (out, failed, reader.meaning(), sink.texts)
        };
        prop_assert_eq!(run(&sizes), run(&[]));
    }
}

/// A document in a channel, as tool arguments are.
fn documents() -> impl Strategy<Value = (Value, Stream)> {
    let cuts = proptest::collection::vec(1usize..9, 1..12);
    (nesting_value(), style(), cuts, framing()).prop_map(|(value, style, cuts, framing)| {
        let text = write(&value, &style);
        let mut events = Vec::new();
        let mut rest = text.as_str();
        for len in cuts.into_iter().cycle() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(len.min(rest.len())));
            events.push((0, piece.to_owned()));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        (value, Stream { events, framing })
    })
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn a_streamed_document_is_read_in_depth_and_stays_one((value, stream) in documents(), anthropic in any::<bool>(), sizes in sizes()) {
        let bytes = stream.bytes(anthropic);
        let run = |sizes: &[usize]| {
            let mut sink = Sink::redacting(&[NEEDLE]);
            let out = response(&mut reader(anthropic), &bytes, sizes, &mut sink).unwrap();
            assert!(sink.all_ended());
            (out, sink.texts)
        };
        let (out, texts) = run(&sizes);
        prop_assert_eq!(&run(&[]), &(out.clone(), texts));
        let after = events_of(&out);
        prop_assert_eq!(after.len(), events_of(&bytes).len());
        let after: Value = serde_json::from_str(&joined(&after, 0)).unwrap();
        prop_assert_eq!(normal(&after), normal(&redacted(&value, MARK)));
    }

    #[test]
    fn a_streamed_document_may_break_off(
        (_, stream) in documents(),
        anthropic in any::<bool>(),
        sizes in sizes(),
        left in 1usize..20,
        rest in text(),
        script in proptest::collection::vec((0usize..9, 0usize..6, 0usize..6, any::<bool>()), 1..20),
    ) {
        let mut stream = stream;
        stream.events.truncate(left);
        stream.events.push((0, rest));
        let bytes = stream.bytes(anthropic);
        let mut sink = Sink::redacting(&[NEEDLE]);
        let out = response(&mut reader(anthropic), &bytes, &sizes, &mut sink).unwrap();
        prop_assert!(sink.all_ended());
        prop_assert!(!joined(&events_of(&out), 0).contains(NEEDLE));
        let mut sink = Scripted { script, at: 0, channels: BTreeMap::new() };
        let out = response(&mut reader(anthropic), &bytes, &sizes, &mut sink).unwrap();
        prop_assert_eq!(events_of(&out).len(), events_of(&bytes).len());
    }
}

proptest! {
    #![proptest_config(few())]

    /// Wishes anywhere, in the middle of an escape or a number too, that one event begins and another ends.
    #[test]
    fn any_wishes_leave_a_streamed_document_a_document(
        (value, stream) in documents(),
        anthropic in any::<bool>(),
        sizes in sizes(),
        script in proptest::collection::vec((0usize..9, 0usize..6, 0usize..6, any::<bool>()), 1..20),
    ) {
        // White space alone is no document yet, and is changed as wished.
        prop_assume!(stream.text(0).starts_with('['));
        let bytes = stream.bytes(anthropic);
        let mut sink = Scripted { script, at: 0, channels: BTreeMap::new() };
        let out = match response(&mut reader(anthropic), &bytes, &sizes, &mut sink) {
            Ok(out) => out,
            // Scripts wish for what they have let go, too: then nothing more leaves.
            Err(refusal) => {
                prop_assert_eq!(refusal.reason, Reason::PolicyUnavailable);
                return Ok(());
            }
        };
        let text = joined(&events_of(&out), 0);
        let after = serde_json::from_str::<Value>(&text);
        prop_assert!(after.is_ok_and(|after| same_shape(&value, &after)), "{} became {text}", stream.text(0));
    }
}

/// Whether two documents have the same arrays and objects.
fn same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            let same = |(before, after)| same_shape(before, after);
            before.len() == after.len() && before.iter().zip(after).all(same)
        }
        // Keys may have been changed, and two of them into one.
        (Value::Object(before), Value::Object(after)) => after.len() <= before.len(),
        (before, after) => {
            let scalar = |value: &Value| !value.is_array() && !value.is_object();
            scalar(before) && scalar(after)
        }
    }
}

/// Holds and wishes by a script, but within what a policy may: it never changes what it has let go.
struct Scripted {
    script: Vec<(usize, usize, usize, bool)>,
    at: usize,
    channels: BTreeMap<TextId, Wished>,
}

#[derive(Default)]
struct Wished {
    text: String,
    decided: usize,
    edits: Vec<(Range<usize>, &'static str)>,
}

impl Wished {
    fn carried_out(&self) -> String {
        let mut out = String::new();
        let mut at = 0;
        for (range, replacement) in &self.edits {
            out.push_str(&self.text[at..range.start]);
            out.push_str(replacement);
            at = range.end;
        }
        out.push_str(&self.text[at..]);
        out
    }
}

impl TextSink for Scripted {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        if text.last && !self.channels.contains_key(&text.id) {
            return Ok(None); // a text of one event: the test reads events by those
        }
        let wished = self.channels.entry(text.id).or_default();
        wished.text.push_str(text.piece);
        self.at += 1;
        let (hold, skip, len, wish) = self.script[self.at % self.script.len()];
        let floor = wished
            .edits
            .last()
            .map_or(0, |(range, _)| range.end)
            .max(wished.decided);
        let start = wished
            .text
            .ceil_char_boundary((floor + skip).min(wished.text.len()));
        let end = wished
            .text
            .ceil_char_boundary((start + len + 1).min(wished.text.len()));
        if wish && start < end {
            wished.edits.push((start..end, MARK));
            edits.push(Edit {
                text: text.id,
                range: start..end,
                replacement: MARK.to_owned(),
            });
        }
        wished.decided = wished.decided.max(wished.text.len().saturating_sub(hold));
        Ok((hold > 0).then_some(wished.decided))
    }
}

/// How many cases where each is long; more by `PROPTEST_CASES`.
fn few() -> ProptestConfig {
    let config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config
    } else {
        ProptestConfig {
            cases: 48,
            ..config
        }
    }
}

#[test]
fn numbers_and_escapes_are_changed_as_a_whole_wherever_events_cut_them() {
    let text = r#"{"n":12345,"s":"a\u0041b","t":true}"#;
    for (needle, expected) in [
        ("234", json!({"n": MARK, "s": "aAb", "t": true})),
        (
            "u004",
            json!({"n": 12345, "s": format!("a{MARK}b"), "t": true}),
        ),
        ("ru", json!({"n": 12345, "s": "aAb", "t": MARK})),
        // What begins in a number that an event before began: the key between goes, too.
        (r#"45,"s":"a"#, json!({"n": MARK, "": "Ab", "t": true})),
    ] {
        for cut in 1..text.len() {
            for second in cut..text.len() {
                let pieces = [&text[..cut], &text[cut..second], &text[second..]];
                let events = pieces.map(|piece| (0, piece.to_owned())).into();
                let framing = Framing {
                    end: "\n",
                    style: vec![200],
                    folded: false,
                    open: false,
                };
                let bytes = Stream { events, framing }.bytes(false);
                let mut sink = Sink::redacting(&[needle]);
                let out = response(&mut reader(false), &bytes, &[], &mut sink).unwrap();
                let after = joined(&events_of(&out), 0);
                let parsed: Value = serde_json::from_str(&after).expect(&after);
                assert_eq!(parsed, expected, "{pieces:?} became {after}");
            }
        }
    }
}

#[test]
fn every_level_of_escapes_is_seen_through_at_every_cut() {
    for inner in ["aKEY-1", "KKEY-1", "KEY-KEY-1", "aKEY-1KEY-1"] {
        for (style, levels) in [
            (&[0u8][..], 2),
            (&[0, 200], 2),
            (&[1, 200, 100], 3),
            (&[200], 3),
        ] {
            let mut value = json!([inner]);
            for _ in 0..levels {
                value = json!([write(&value, style)]);
            }
            let text: Vec<char> = write(&value, style).chars().collect();
            for len in [1, 2, 3, 5, 7, usize::MAX] {
                let events = text
                    .chunks(len.min(text.len()))
                    .map(|piece| (0, piece.iter().collect()))
                    .collect();
                let framing = Framing {
                    end: "\n",
                    style: vec![200],
                    folded: false,
                    open: false,
                };
                let bytes = Stream { events, framing }.bytes(false);
                let out = response(
                    &mut reader(false),
                    &bytes,
                    &[],
                    &mut Sink::redacting(&[NEEDLE]),
                )
                .unwrap();
                let after: Value = serde_json::from_str(&joined(&events_of(&out), 0)).unwrap();
                assert_eq!(normal(&after), normal(&redacted(&value, MARK)));
            }
        }
    }
}
