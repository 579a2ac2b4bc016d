//! Properties of streams that say everything again: however texts are cut and mixed, the repetitions say what the deltas said, and nobody is told twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

use portcullis_policy::{Edit, Endpoint, Place, Refusal, Text, TextId};
use portcullis_wire::{BodyKind, Released, ResponseReader, TextSink};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::written::{NEEDLE, style, text, write};
use support::{MARK, Sink, response};

/// Texts of an answer: two parts of a message, a thought, a tool's arguments.
const KINDS: [(&str, &str); 4] = [
    ("response.output_text", "text"),
    ("response.output_text", "text"),
    ("response.reasoning_summary_text", "text"),
    ("response.function_call_arguments", "arguments"),
];

fn place(channel: usize) -> Value {
    match channel {
        0 | 1 => json!({ "output_index": 0, "content_index": channel, "item_id": "msg" }),
        2 => json!({ "output_index": 1, "summary_index": 0, "item_id": "rs" }),
        _ => json!({ "output_index": 2, "item_id": "fc" }),
    }
}

#[derive(Debug, Clone)]
struct Answer {
    texts: Vec<String>,
    /// Which text's next delta comes, and how many characters it has.
    order: Vec<(usize, usize)>,
    style: Vec<u8>,
    /// What of the repetitions is not sent.
    left_out: u8,
}

fn answers() -> impl Strategy<Value = Answer> {
    let order = proptest::collection::vec((0usize..4, 1usize..5), 1..40);
    (
        proptest::collection::vec(text(), 4),
        order,
        style(),
        any::<u8>(),
    )
        .prop_map(|(texts, order, style, left_out)| Answer {
            // No document, so that any change is carried out as it was wished.
            texts: texts.iter().map(|text| format!("t{text}")).collect(),
            order,
            style,
            left_out,
        })
}

impl Answer {
    fn events(&self) -> Vec<Value> {
        let mut rest: Vec<Vec<char>> = self
            .texts
            .iter()
            .map(|text| text.chars().collect())
            .collect();
        let mut events = Vec::new();
        let all = (0..4).map(|channel| (channel, usize::MAX));
        for (channel, len) in self.order.iter().copied().chain(all) {
            let len = len.min(rest[channel].len());
            let delta: String = rest[channel].drain(..len).collect();
            let mut event = place(channel);
            event["type"] = format!("{}.delta", KINDS[channel].0).into();
            event["delta"] = delta.into();
            events.push(event);
        }
        for (channel, text) in self.texts.iter().enumerate() {
            if self.left_out & 1 << channel != 0 {
                continue;
            }
            let mut event = place(channel);
            event["type"] = format!("{}.done", KINDS[channel].0).into();
            event[KINDS[channel].1] = text.as_str().into();
            events.push(event);
        }
        let part = |channel: usize| json!({ "type": "output_text", "text": self.texts[channel] });
        let items = [
            json!({ "type": "message", "id": "msg", "content": [part(0), part(1)] }),
            json!({ "type": "reasoning", "id": "rs", "summary": [part(2)] }),
            json!({ "type": "function_call", "id": "fc", "arguments": self.texts[3] }),
        ];
        for (index, item) in items.iter().enumerate() {
            events.push(
                json!({ "type": "response.output_item.done", "output_index": index, "item": item }),
            );
        }
        let whole = json!({ "output": items, "usage": { "input_tokens": 3, "output_tokens": 4 } });
        events.push(json!({ "type": "response.completed", "response": whole }));
        for (number, event) in events.iter_mut().enumerate() {
            event["sequence_number"] = number.into();
        }
        events
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        for event in self.events() {
            let data = write(&event, &self.style).replace(['\r', '\n'], " ");
            let kind = event["type"].as_str().unwrap();
            out.push_str(&format!("event: {kind}\ndata: {data}\n\n"));
        }
        out.into_bytes()
    }
}

fn read(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// What the deltas say, and what is said again.
fn said(events: &[Value], channel: usize) -> (String, Vec<String>) {
    let own = place(channel);
    let (kind, key) = KINDS[channel];
    let is = |event: &Value, end: &str| {
        event["type"] == format!("{kind}{end}")
            && own
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, value)| event[key] == *value)
    };
    let deltas = events.iter().filter(|event| is(event, ".delta"));
    let deltas = deltas
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    let mut again = Vec::new();
    for event in events {
        let item = match channel {
            0 | 1 => format!("/content/{channel}/text"),
            2 => "/summary/0/text".to_owned(),
            _ => "/arguments".to_owned(),
        };
        let index = own["output_index"].as_u64().unwrap();
        let is_item = event["output_index"] == index;
        let places = [
            event.get(key).filter(|_| is(event, ".done")),
            event["item"].pointer(&item).filter(|_| is_item),
            event["response"]["output"][usize::try_from(index).unwrap()].pointer(&item),
        ];
        again.extend(
            places
                .into_iter()
                .flatten()
                .map(|text| text.as_str().unwrap().to_owned()),
        );
    }
    (deltas, again)
}

fn reader() -> ResponseReader {
    ResponseReader::new(
        Endpoint::OpenAiResponses,
        200,
        BodyKind::EventStream,
        0,
        true,
    )
}

/// Takes characters out of texts when it is late to do so: some have left.
#[derive(Debug, Default, PartialEq)]
struct Late {
    ends: Vec<(TextId, usize)>,
    told: Vec<(String, Place)>,
}

impl TextSink for Late {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let known = self.ends.iter_mut().find(|(id, _)| *id == text.id);
        let start = known.as_ref().map_or(0, |(_, end)| *end);
        let end = start + text.piece.len();
        match known {
            Some((_, known)) => *known = end,
            None => self.ends.push((text.id, end)),
        }
        if text.last && text.piece.len() > 1 {
            self.told.push((text.piece.to_owned(), text.place));
        }
        for (at, _) in text.piece.match_indices('-') {
            edits.push(Edit {
                text: text.id,
                range: (start + at).saturating_sub(2)..start + at + 1,
                replacement: MARK.to_owned(),
            });
        }
        Ok(None)
    }
}

/// Remembers whole texts with all that tells them apart.
#[derive(Debug, Default)]
struct Heard(Vec<(Place, String, String)>);

impl TextSink for Heard {
    fn numbers_from(&self) -> Option<usize> {
        Some(1)
    }

    fn text(&mut self, text: Text<'_>, _edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        self.0
            .push((text.place, text.key.to_owned(), text.piece.to_owned()));
        Ok(None)
    }
}

/// Random enough to be an id that is kept.
const ID: &str = "resp_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// An event, and what is to be heard of it. Keys and texts are such that one could be taken for another, were they only put together.
fn heard() -> impl Strategy<Value = (String, (Place, String, String))> {
    let small = || "[lokn\\n]{1,4}";
    let member = |key: &str, value: Value| format!("data: {}\n\n", json!({ key: value }));
    prop_oneof![
        (
            small(),
            prop_oneof![small(), Just(ID.to_owned()), Just("1".to_owned())]
        )
            .prop_map(move |(key, text)| {
                let event = member(&key, text.as_str().into());
                (event, (Place::Prose, key, text))
            }),
        small().prop_map(move |key| (member(&key, 1.into()), (Place::Number, key, "1".to_owned()))),
        small().prop_map(move |key| (member(&key, json!({})), (Place::Key, String::new(), key))),
        "[lokn]{1,4}".prop_map(|name| {
            let event = format!("event: {name}\ndata: {{}}\n\n");
            (event, (Place::Prose, String::new(), name))
        }),
        Just((
            member("response", json!({ "id": ID })),
            (Place::Opaque, String::new(), ID.to_owned())
        )),
    ]
}

proptest! {
    #[test]
    fn what_differs_in_place_or_key_is_told(events in proptest::collection::vec(heard(), 1..12)) {
        let (stream, expected): (String, Vec<_>) = events.into_iter().unzip();
        let mut sink = Heard::default();
        response(&mut reader(), stream.as_bytes(), &[], &mut sink).unwrap();
        for told in expected {
            prop_assert!(sink.0.contains(&told), "{:?} is not among {:?}", told, sink.0);
        }
    }

    #[test]
    fn repetitions_say_what_deltas_said(answer in answers(), sizes in proptest::collection::vec(1usize..60, 1..6)) {
        let bytes = answer.bytes();
        let run = |sizes: &[usize]| {
            let mut sink = Sink::redacting(&[NEEDLE]);
            let mut reader = reader();
            let out = response(&mut reader, &bytes, sizes, &mut sink).unwrap();
            (out, sink.texts, sink.matches, reader.meaning())
        };
        let (out, texts, matches, meaning) = run(&sizes);
        prop_assert_eq!(meaning.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)));
        let mut different = answer.texts.clone();
        different.sort_unstable();
        different.dedup();
        let events = read(&out);
        prop_assert_eq!(events.len(), answer.events().len());
        let mut needles = 0;
        for (channel, text) in answer.texts.iter().enumerate() {
            let (deltas, again) = said(&events, channel);
            let redacted = text.replace(NEEDLE, MARK);
            prop_assert_eq!(&deltas, &redacted);
            let expected = 3 - usize::from(answer.left_out & 1 << channel != 0);
            prop_assert_eq!(again, vec![redacted; expected]);
            needles += text.matches(NEEDLE).count();
        }
        // Each is told once, where its end is told before it comes again.
        if answer.left_out & 15 == 0 {
            prop_assert_eq!(matches, needles);
        }
        prop_assert_eq!(run(&[]), (out, texts, matches, meaning));
    }

    #[test]
    fn also_where_some_had_left(answer in answers()) {
        let mut answer = answer;
        answer.left_out = 0;
        let mut sink = Late::default();
        let out = response(&mut reader(), &answer.bytes(), &[], &mut sink).unwrap();
        let events = read(&out);
        let mut different = answer.texts.clone();
        different.sort_unstable();
        different.dedup();
        for channel in 0..4 {
            let (deltas, again) = said(&events, channel);
            // Of two texts that are the same, what becomes of the first holds for what repeats either.
            if different.len() == 4 {
                prop_assert_eq!(again, vec![deltas; 3]);
            }
        }
    }

    #[test]
    fn a_stream_that_is_stopped_is_whole_up_to_there(answer in answers(), sizes in proptest::collection::vec(1usize..60, 1..6)) {
        let bytes = answer.bytes();
        let run = |sizes: &[usize]| {
            let (mut reader, mut sink, mut out) = (reader(), Sink::refusing(NEEDLE), Vec::new());
            let mut stopped = false;
            for chunk in support::cut(&bytes, sizes) {
                match reader.push(chunk, &mut sink) {
                    Ok(Released::AsIs) => out.extend_from_slice(chunk),
                    Ok(Released::Bytes(bytes)) => out.extend(bytes),
                    Err(refusal) => {
                        out.extend(reader.stop(&refusal));
                        stopped = true;
                    }
                }
            }
            (out, stopped)
        };
        let (out, stopped) = run(&sizes);
        prop_assert_eq!(&run(&[]), &(out.clone(), stopped));
        let events = read(&out);
        for (number, event) in events.iter().enumerate() {
            prop_assert_eq!(&event["sequence_number"], number);
        }
        prop_assert_eq!(stopped, answer.texts.iter().any(|text| text.contains(NEEDLE)));
        prop_assert_eq!(events.last().unwrap()["type"] == "error", stopped);
        let stream = String::from_utf8(out).unwrap();
        prop_assert!(!stream.contains(NEEDLE));
    }
}

#[test]
fn more_than_is_kept_is_read_again() {
    let text = "a KEY-1 in much text, ".repeat(60_000);
    let answer = Answer {
        texts: vec![text, "t".into(), "u KEY-1".into(), "v".into()],
        order: vec![(2, 3), (0, 600_000), (1, 1)],
        style: vec![u8::MAX],
        left_out: 0,
    };
    let mut sink = Sink::redacting(&[NEEDLE]);
    let out = response(&mut reader(), &answer.bytes(), &[5000], &mut sink).unwrap();
    let events = read(&out);
    for channel in 0..4 {
        let (deltas, again) = said(&events, channel);
        assert_eq!(deltas, answer.texts[channel].replace(NEEDLE, MARK));
        assert!(again.iter().all(|text| *text == deltas));
    }
}
