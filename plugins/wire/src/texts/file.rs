//! Files within a document: what their base64 holds is a text, too.

use super::{Texts, give, give_nested};
use crate::TextSink;
use crate::edits::{Change, carry_out, merge};
use crate::json::{self, NESTED_DEPTH_MAX, Raw, Unescaped};
use crate::payload::{self, DECODED_BYTES_MAX};
use portcullis_policy::{Part, Place, Refusal, Role, Text};
use std::ops::Range;

/// The inside of a string that has come.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    range: Range<usize>,
    role: Role,
}

impl Texts {
    /// The inside of the string whose last piece this is.
    pub(crate) fn inside(&self, raw: Raw<'_>, role: Role) -> Inside {
        Inside {
            range: self.at..raw.at + raw.text.len(),
            role,
        }
    }

    /// Reads the file that a string holds as base64, bare or as a `data:` URL, when it is a text. What is changed in it is encoded again.
    pub(crate) fn payload(
        &mut self,
        body: &str,
        inside: Inside,
        sink: &mut dyn TextSink,
    ) -> Result<bool, Refusal> {
        self.settle(body, Some(&mut *sink))?;
        let Inside { range, role } = inside;
        let start = range.start;
        let raw = body.get(range).unwrap_or_default();
        let mut unescaped = Unescaped::new();
        let whole = if raw.contains('\\') {
            unescaped.of(raw)
        } else {
            raw
        };
        let encoded = match whole.split_once(',') {
            Some((_, encoded)) => encoded,
            None => whole,
        };
        let mut budget = DECODED_BYTES_MAX.saturating_sub(self.decoded);
        let text = payload::decode(encoded, &mut budget);
        self.decoded = DECODED_BYTES_MAX - budget;
        let Some(text) = text else {
            return Ok(false);
        };
        let (id, mut changes) = (self.nested.fresh(), Vec::new());
        let piece = Text {
            id,
            piece: &text,
            last: true,
            role,
            place: Place::Prose,
            part: Part::Alone,
            key: "",
        };
        give(piece, sink, &mut self.batch, &mut changes)?;
        if json::hides_text(&text) {
            let of = (role, Place::Prose);
            let nested = give_nested(&text, of, &mut self.nested, sink, &mut self.batch)?;
            changes.extend(nested);
        }
        if changes.is_empty() {
            return Ok(true);
        }
        merge(&mut changes);
        let changes = json::fit(&text, changes, NESTED_DEPTH_MAX);
        let mut changed = Vec::with_capacity(text.len());
        carry_out(&text, changes, &mut changed);
        let is_changed = self.changes.iter().any(|(at, _)| *at == start);
        // What is to be changed in its letters too cannot be both: then nothing of the file leaves.
        let replacement = if is_changed {
            String::new()
        } else {
            payload::encode(&changed, encoded)
        };
        let range = whole.len() - encoded.len()..whole.len();
        self.changes.push((start, Change { range, replacement }));
        Ok(true)
    }
}
