//! Plain text: the body is one text.

use crate::TextSink;
use crate::edits::{Change, carry_out};
use crate::response::unreadable;
use crate::texts::give;
use portcullis_policy::{Edit, Part, Place, Refusal, Role, Text, TextId};
use std::str;

/// The one text's id.
const ID: TextId = TextId(0);

/// A body of plain text, kept until its end.
#[derive(Debug, Default)]
pub(crate) struct PlainText {
    body: Vec<u8>,
    /// How much of it was given to the sink.
    given: usize,
    changes: Vec<Change>,
    batch: Vec<Edit>,
}

impl PlainText {
    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// How many bytes of text were given to the sink.
    pub(crate) const fn given(&self) -> usize {
        self.given
    }

    /// Takes bytes and gives what is complete in characters to the sink.
    pub(crate) fn push(&mut self, chunk: &[u8], sink: &mut dyn TextSink) -> Result<(), Refusal> {
        self.body.extend_from_slice(chunk);
        let rest = self.body.get(self.given..).unwrap_or_default();
        let (piece, broken) = match str::from_utf8(rest) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                (
                    str::from_utf8(valid).unwrap_or_default(),
                    error.error_len().is_some(),
                )
            }
        };
        if !piece.is_empty() {
            self.given += piece.len();
            let text = Text {
                id: ID,
                piece,
                last: false,
                role: Role::Assistant,
                place: Place::Prose,
                part: Part::Alone,
                key: "",
            };
            give(text, sink, &mut self.batch, &mut self.changes)?;
        }
        if broken { Err(unreadable()) } else { Ok(()) }
    }

    /// The body is complete.
    pub(crate) fn finish(&mut self, sink: &mut dyn TextSink) -> Result<(), Refusal> {
        if self.given < self.body.len() {
            return Err(unreadable());
        }
        if self.body.is_empty() {
            return Ok(());
        }
        let text = Text {
            id: ID,
            piece: "",
            last: true,
            role: Role::Assistant,
            place: Place::Prose,
            part: Part::Alone,
            key: "",
        };
        give(text, sink, &mut self.batch, &mut self.changes)?;
        Ok(())
    }

    /// The body with all changes carried out; `None` when there are none.
    pub(crate) fn render(&mut self) -> Option<Vec<u8>> {
        if self.changes.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(self.body.len());
        carry_out(
            str::from_utf8(&self.body).unwrap_or_default(),
            std::mem::take(&mut self.changes),
            &mut out,
        );
        Some(out)
    }
}
