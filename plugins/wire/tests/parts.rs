//! Parts of one message are told as such, and can be changed together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use portcullis_policy::Part::{Alone, First, Next};
use portcullis_policy::{Edit, Endpoint, Part, Reason, Refusal, Text, TextId};
use portcullis_wire::{RequestReader, TextSink};

/// Takes the first letter of every part before, and the part at hand, when it ends.
#[derive(Debug, Default)]
struct Parts {
    seen: Vec<(Part, String)>,
    row: Vec<TextId>,
    alone: bool,
}

impl TextSink for Parts {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        if self.row.last() != Some(&text.id) || text.part == Alone {
            if text.part == First {
                self.row.clear();
            }
            if text.part != Alone {
                self.row.push(text.id);
            }
            self.seen.push((text.part, String::new()));
        }
        self.seen.last_mut().unwrap().1.push_str(text.piece);
        if text.last && (text.part == Next || self.alone) {
            edits.extend(self.row.iter().map(|id| Edit {
                text: *id,
                range: 0..1,
                replacement: "_".to_owned(),
            }));
        }
        Ok(None)
    }
}

fn read(body: &str, size: usize, sink: &mut Parts) -> Result<Option<String>, Refusal> {
    let mut reader = RequestReader::new(Endpoint::AnthropicMessages, 1 << 20);
    for chunk in support::cut(body.as_bytes(), &[size]) {
        reader.push(chunk, sink)?;
    }
    reader.finish(sink)?;
    Ok(reader.edited().map(|body| String::from_utf8(body).unwrap()))
}

const BODY: &str = r#"{"model":"m","system":[{"type":"text","text":"a1"},{"text":"a2","type":"text"}],"messages":[
    {"role":"user","content":[{"type":"text","text":"b1"},{"type":"image"},{"type":"text","text":"b2"},
        {"type":"tool_result","content":[{"type":"text","text":"c1"}]},{"type":"text","text":"d1"}]},
    {"role":"user","content":"e"},{"role":"user","content":[{"type":"text","text":"f1"}]}]}"#;

#[test]
fn parts_of_a_message_are_changed_together() {
    for size in [1, 5, usize::MAX] {
        let mut sink = Parts::default();
        let left = read(BODY, size, &mut sink).unwrap().unwrap();
        let parts: Vec<_> = sink
            .seen
            .iter()
            .filter(|(part, _)| *part != Alone)
            .map(|(part, text)| (*part, text.as_str()))
            .collect();
        let said = [
            (First, "a1"),
            (Next, "a2"),
            (First, "b1"),
            (Next, "b2"),
            (First, "c1"),
            (First, "d1"),
            (First, "f1"),
        ];
        assert_eq!(parts, said, "{size}");
        let expected = BODY
            .replace("a1", "_1")
            .replace("a2", "_2")
            .replace("b1", "_1")
            .replace("b2", "_2");
        assert_eq!(left, expected);
    }
}

#[test]
fn what_is_no_part_changes_nothing_but_itself() {
    let mut sink = Parts {
        alone: true,
        ..Parts::default()
    };
    let refusal = read(BODY, usize::MAX, &mut sink).unwrap_err();
    assert_eq!(refusal.reason, Reason::PolicyUnavailable);
}
