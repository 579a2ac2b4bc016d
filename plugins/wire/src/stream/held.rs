//! Events that have not left, and how they are changed when they do.

use super::repeats::Repeats;
use crate::edits::{Change, carry_out};
use crate::texts::{change_number, change_piece, change_string};
use portcullis_policy::TextId;
use portcullis_policy::sort::sort_by_key;
use std::ops::Range;

/// An event that has not left.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// UTF-8.
    pub bytes: Vec<u8>,
    /// Pieces of channels in it.
    pub pieces: Vec<Piece>,
    /// Changes of texts that are in this event only.
    pub rewrites: Vec<Rewrite>,
    /// Its number in the stream.
    pub sequence: Option<u64>,
}

/// A piece of a channel within an event.
#[derive(Debug)]
pub(super) struct Piece {
    /// Where the inside of the string stands in the event.
    pub place: Range<usize>,
    pub channel: TextId,
    /// Which part of the channel's text it is.
    pub text: Range<usize>,
}

/// What is to be changed at a place of an event.
#[derive(Debug)]
pub(super) struct Rewrite {
    pub place: Range<usize>,
    pub what: What,
    pub changes: Vec<Change>,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum What {
    /// Part of a line.
    Line,
    /// The inside of a JSON string.
    String,
    /// A number.
    Number,
    /// The inside of a JSON string that is a piece of a channel.
    #[default]
    Piece,
    /// What was said before, as that text of [`Repeats`].
    Again(usize),
}

impl Held {
    pub(super) fn rewrite(&mut self, place: Range<usize>, what: What, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.rewrites.push(Rewrite {
                place,
                what,
                changes,
            });
        }
    }

    #[inline(never)]
    pub(super) fn render(mut self, repeats: Option<&Repeats>, out: &mut Vec<u8>) {
        if self.rewrites.is_empty() {
            if out.is_empty() {
                *out = self.bytes;
            } else {
                out.extend_from_slice(&self.bytes);
            }
            return;
        }
        sort_by_key(&mut self.rewrites, |rewrite| rewrite.place.start);
        let event = simdutf8::basic::from_utf8(&self.bytes).unwrap_or_default();
        let mut copied = 0;
        for Rewrite {
            place,
            mut what,
            mut changes,
        } in self.rewrites
        {
            if let (What::Again(at), Some(repeats)) = (what, repeats) {
                (what, changes) = repeats.changes(at);
            }
            let between = event.get(copied..place.start).unwrap_or_default();
            out.extend_from_slice(between.as_bytes());
            copied = place.end;
            let text = event.get(place).unwrap_or_default();
            match what {
                What::Line => change_line(text, changes, out),
                What::String => change_string(text, changes, out),
                What::Number => change_number(text, changes, out),
                What::Piece | What::Again(_) => change_piece(text, changes, out),
            }
        }
        out.extend_from_slice(event.get(copied..).unwrap_or_default().as_bytes());
    }
}

/// Carries out changes of a line's text; what would end the line becomes a space.
fn change_line(text: &str, changes: Vec<Change>, out: &mut Vec<u8>) {
    let changes = changes.into_iter().map(|change| Change {
        replacement: change.replacement.replace(['\r', '\n'], " "),
        ..change
    });
    carry_out(text, changes.collect(), out);
}
