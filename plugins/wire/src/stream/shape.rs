//! Events that differ in a few strings alone, as nearly all of a stream do: what was read of one holds for the next.
//!
//! The strings that differ stand in holes; all between them is the same, byte for byte, so that a document goes on behind a hole as the other
//! did. Reading is spared, and the telling of what nobody had anything to say to; every other string is told again with every event.

use super::event::Said;
use crate::json::{self, Unescaped, string_end};
use portcullis_policy::TextId;
use std::ops::Range;

/// Largest event that is remembered. Protects memory: what is larger comes seldom.
const BYTES_MAX: usize = 4 << 10;

/// Most strings of an event that is remembered. Protects memory, as [`BYTES_MAX`] does.
const SPOTS_MAX: usize = 64;

/// An event that was read.
#[derive(Debug)]
pub(super) struct Shape {
    event: String,
    /// All of its strings, in order.
    spots: Vec<Spot>,
}

/// A string of an event.
#[derive(Debug)]
pub(super) struct Spot {
    /// Its inside, in the event that was read…
    place: Range<usize>,
    /// …and in the one at hand.
    pub now: Range<usize>,
    /// There are escapes in it.
    pub escaped: bool,
    /// What is known of it.
    pub said: Said,
    /// Where it goes on.
    pub channel: Option<TextId>,
    hole: bool,
    /// It need not be told again.
    pub dismissed: bool,
}

impl Spot {
    /// Of an event that is being read.
    pub(super) const fn new(place: Range<usize>, escaped: bool, said: Said) -> Self {
        Self {
            now: place.start..place.end,
            place,
            escaped,
            said,
            channel: None,
            hole: said.completion || said.sequence,
            dismissed: false,
        }
    }

    /// What it says in the event at hand.
    pub(super) fn text<'a>(&self, event: &'a str, scratch: &'a mut Unescaped) -> &'a str {
        let raw = event.get(self.now.clone()).unwrap_or_default();
        if self.said.number {
            return json::integer(raw, 0, scratch).unwrap_or_default();
        }
        if self.escaped { scratch.of(raw) } else { raw }
    }

    /// The event's own number, if it is that.
    pub(super) fn sequence(&self, event: &str) -> Option<u64> {
        let raw = event.get(self.now.clone()).filter(|_| self.said.sequence)?;
        raw.parse().ok()
    }

    /// The key whose value it is, `before` being the string before it; empty when there is none, or a table knows it.
    pub(super) fn key<'a>(
        &self,
        before: Option<&Self>,
        event: &'a str,
        scratch: &'a mut Unescaped,
    ) -> &'a str {
        let key = before.filter(|before| self.said.of_key && before.said.key);
        key.map_or("", |key| key.text(event, scratch))
    }

    /// Bytes of the completion, as they are written.
    pub(super) fn completion_bytes(&self) -> u64 {
        if self.said.completion {
            self.now.len() as u64
        } else {
            0
        }
    }
}

impl Shape {
    /// Of an event that was read, `before` being the one that was read before it: what differs from that may differ from the next, too.
    pub(super) fn new(event: &str, mut spots: Vec<Spot>, before: Option<Self>) -> Option<Self> {
        if event.len() > BYTES_MAX || spots.len() > SPOTS_MAX {
            return None;
        }
        let mut kept = String::new();
        if let Some(before) = before
            && before.spots.len() == spots.len()
        {
            for (spot, other) in spots.iter_mut().zip(&before.spots) {
                let differs =
                    || event.get(spot.place.clone()) != before.event.get(other.place.clone());
                spot.hole |= !spot.said.steers && (other.hole || differs());
            }
            kept = before.event;
            kept.clear();
        }
        for spot in &mut spots {
            spot.dismissed &= !spot.hole;
        }
        kept.push_str(event);
        Some(Self { event: kept, spots })
    }

    /// The strings of an event that has this shape; `None` when it has another.
    pub(super) fn fit(&mut self, event: &str, scratch: &mut Unescaped) -> Option<&[Spot]> {
        let (event, known) = (event.as_bytes(), self.event.as_bytes());
        // How far both are compared.
        let (mut at, mut from) = (0, 0);
        for spot in &mut self.spots {
            if spot.hole {
                let between = known.get(from..spot.place.start)?;
                let rest = event.get(at..)?.strip_prefix(between)?;
                let (len, escaped) = if spot.said.sequence {
                    (
                        rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
                        false,
                    )
                } else {
                    string_end(rest, scratch)?
                };
                let start = at + between.len();
                spot.now = start..start + len;
                spot.escaped = escaped;
                (at, from) = (spot.now.end, spot.place.end);
            } else {
                let start = at + (spot.place.start - from);
                spot.now = start..start + spot.place.len();
            }
        }
        (event.get(at..)? == known.get(from..)?).then_some(&self.spots)
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventStream;
    use crate::TextSink;
    use crate::formats::Compiled;
    use portcullis_policy::{Edit, Endpoint, Reason, Refusal, Text, TextId};
    use proptest::prelude::*;

    /// Notes every text, takes out what is told of `x`, waits after an `h`, refuses at a `q`.
    #[derive(Debug, Default, PartialEq)]
    struct Notes {
        /// Of all that is told, or of what is not nothing.
        told: Vec<String>,
        dismisses: Option<bool>,
        ends: Vec<(TextId, usize)>,
    }

    impl TextSink for Notes {
        fn text(
            &mut self,
            text: Text<'_>,
            edits: &mut Vec<Edit>,
        ) -> Result<Option<usize>, Refusal> {
            let nothing = text.last && !text.piece.contains(['x', 'q', 'c']);
            if let Some(dismissed) = &mut self.dismisses {
                *dismissed = nothing;
                // Ids are counted as texts are told.
                if !nothing {
                    self.told.push(format!("{:?}", (text.piece, text.last)));
                }
            } else {
                self.told.push(format!("{text:?}"));
            }
            if text.piece.contains('q') {
                return Err(Refusal::new(Reason::ResponseBlocked, "q"));
            }
            let known = self.ends.iter().find(|(id, _)| *id == text.id);
            let start = known.map_or(0, |(_, end)| *end);
            self.ends.retain(|(id, _)| *id != text.id);
            self.ends.push((text.id, start + text.piece.len()));
            edits.extend(text.piece.match_indices('x').map(|(at, _)| Edit {
                text: text.id,
                range: start + at..start + at + 1,
                replacement: "\"y\n".to_owned(),
            }));
            let waits = !text.last && text.piece.ends_with('h');
            Ok(waits.then(|| start + text.piece.len() - 1))
        }

        fn dismisses(&self) -> bool {
            self.dismisses == Some(true)
        }
    }

    type Outcome = (Notes, Vec<u8>, Result<(), Refusal>, u64, String);

    fn read(events: &[String], endpoint: Endpoint, remembers: bool, dismisses: bool) -> Outcome {
        let mut stream = EventStream::new(Compiled::of(endpoint));
        stream.hide_usage();
        let (mut notes, mut out, mut result) = (Notes::default(), Vec::new(), Ok(()));
        notes.dismisses = dismisses.then_some(false);
        for event in events {
            if !remembers {
                stream.shape = None;
            }
            if result.is_ok() {
                result = stream.push(event.as_bytes(), &mut notes);
                out.extend(stream.take());
            } else {
                stream.skim(event.as_bytes());
            }
        }
        if result.is_ok() {
            result = stream.finish(&mut notes);
            out.extend(stream.take());
        }
        let usage = format!("{:?}", stream.usage());
        (notes, out, result, stream.completion_bytes(), usage)
    }

    const OPENAI: [&str; 9] = [
        r#"data: {"id":"$","choices":[{"index":0,"delta":{"content":"$"},"finish_reason":null}],"obfuscation":"$"}"#,
        r#"data: {"id":"c1","choices":[{"index":0,"delta":{"content":"$"},"finish_reason":null}],"odd":"$"}"#,
        r#"data: {"id":"c1","choices":[{"index":1,"delta":{"content":"$","role":"$"},"finish_reason":null}]}"#,
        r#"data: {"id":"c1","choices":[{"index":0,"delta":{"content":"$"},"finish_reason":"$"}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"a\":\"$\"}"}}]}}]}"#,
        r#"data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":7}}"#,
        r#"data: {"choices":[{"index":0,"delta":{"$":"$"}}],"usage":{"prompt_tokens":5}}"#,
        "data: [DONE]",
        ": $",
    ];

    const ANTHROPIC: [&str; 6] = [
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"$\"}}",
        "event: $\r\ndata: {\"type\":\"content_block_delta\",\ndata:\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"$\"}}",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"$"}}"#,
        r#"data: {"type":"content_block_stop","index":0}"#,
        r#"data: {"type":"$","usage":{"output_tokens":9}}"#,
        r#"data: {"type":"message_stop"}"#,
    ];

    const RESPONSES: [&str; 8] = [
        "event: response.refusal.delta\ndata: {\"type\":\"response.refusal.delta\",\"sequence_number\":#,\"output_index\":0,\"content_index\":0,\"delta\":\"$\",\"odd\":\"$\"}",
        r#"data: {"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"a\":\"$\"}","sequence_number":#}"#,
        r#"data: {"type":"response.refusal.done","sequence_number":#,"output_index":0,"content_index":0,"refusal":"$"}"#,
        r#"data: {"sequence_number":#,"type":"response.$","delta":"$","password":"$"}"#,
        r#"data: {"type":"response.output_item.done","sequence_number":#,"output_index":0,"item":{"content":[{"refusal":"$"}]}}"#,
        r#"data: {"type":"response.refusal.delta","sequence_number":"$","output_index":0,"content_index":1,"delta":"$"}"#,
        r#"data: {"type":"response.completed","sequence_number":#,"response":{"output":[{"arguments":"$"}],"usage":{"output_tokens":3}}}"#,
        "event: $\n: $",
    ];

    fn event(rows: &'static [&'static str]) -> impl Strategy<Value = String> {
        let said = prop_oneof![
            6 => "[a-c ]{0,6}",
            2 => "[ahx{é]{0,4}",
            2 => r#"(a|\\n|\\"|\\\\|\\u0078|\\ud83d\\ude00|\\ud83d){0,4}"#,
            1 => Just("content_block_stop".to_owned()),
            1 => "[q\"\\\\\n]{1,2}",
        ];
        // The first rows are the likely ones.
        let row = prop_oneof![6 => 0..2usize, 3 => 0..rows.len()];
        let number = prop_oneof![6 => 0u64..300, 1 => any::<u64>()];
        (row, proptest::collection::vec(said, 4), number).prop_map(|(row, said, number)| {
            let mut said = said.iter();
            let mut event = String::new();
            let row = rows[row].replace('#', &number.to_string());
            for part in row.split_inclusive('$') {
                event.push_str(part.trim_end_matches('$'));
                if part.ends_with('$') {
                    event.push_str(said.next().unwrap());
                }
            }
            event + "\n\n"
        })
    }

    fn agrees(events: &[String], endpoint: Endpoint) -> Result<(), TestCaseError> {
        for dismisses in [false, true] {
            let [mut one, mut other] =
                [true, false].map(|remembers| read(events, endpoint, remembers, dismisses));
            if dismisses {
                for (notes, ..) in [&mut one, &mut other] {
                    notes.ends.clear();
                    notes.dismisses = None;
                }
            }
            prop_assert_eq!(one, other);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn what_is_remembered_changes_nothing(events in proptest::collection::vec(event(&OPENAI), 0..12)) {
            agrees(&events, Endpoint::OpenAiChat)?;
        }

        #[test]
        fn nor_elsewhere(events in proptest::collection::vec(event(&ANTHROPIC), 0..12)) {
            agrees(&events, Endpoint::AnthropicMessages)?;
        }

        #[test]
        fn nor_where_events_are_numbered(events in proptest::collection::vec(event(&RESPONSES), 0..12)) {
            agrees(&events, Endpoint::OpenAiResponses)?;
        }
    }

    #[test]
    fn numbered_events_have_one_shape() {
        let mut stream = EventStream::new(Compiled::of(Endpoint::OpenAiResponses));
        let mut notes = Notes {
            dismisses: Some(false),
            ..Notes::default()
        };
        for index in 0..99 {
            let event = RESPONSES[0].replace('#', &index.to_string());
            let event = event.replace('$', &format!("w{index}")) + "\n\n";
            stream.push(event.as_bytes(), &mut notes).unwrap();
            assert_eq!(stream.take(), event.as_bytes());
        }
        let shape = stream.shape.unwrap();
        assert!(shape.event.contains("w1"), "{}", shape.event);
        assert_eq!(stream.sequence, Some(98));
    }

    #[test]
    fn a_stream_has_one_shape() {
        let events: Vec<_> = (0..9)
            .map(|index| {
                OPENAI[0]
                    .replacen("\"id\":\"$\"", "\"id\":\"c1\"", 1)
                    .replace('$', &format!("w{index}"))
                    + "\n\n"
            })
            .collect();
        let mut stream = EventStream::new(Compiled::of(Endpoint::OpenAiChat));
        let mut notes = Notes::default();
        for event in events {
            stream.push(event.as_bytes(), &mut notes).unwrap();
        }
        let shape = stream.shape.unwrap();
        // It was kept since what fills the second hole had come twice.
        assert!(shape.event.contains("w1"), "{}", shape.event);
    }
}
