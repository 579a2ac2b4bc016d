//! Whole short texts wait for others: what many of them have in common is done once.

use super::{Piece, Texts};
use crate::TextSink;
use crate::document::reborrow;
use crate::json::Raw;
use crate::places::Ground;
use portcullis_policy::{Batch, Part, Place, Placed, Refusal, Role};
use std::ops::Range;

/// Longest text that waits for others: a longer one costs so much that it may as well come alone.
const WAITING_BYTES_MAX: usize = 512;

/// So many bytes of a document are looked at in one go.
const STRETCH_BYTES_MAX: usize = 4096;

impl Texts {
    /// Tells what waits, of which `body` is the document.
    #[inline(never)]
    pub(crate) fn settle(
        &mut self,
        body: &str,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<(), Refusal> {
        let Some(sink) = sink.filter(|_| !self.waiting.is_empty()) else {
            return Ok(());
        };
        let texts = std::mem::take(&mut self.waiting);
        let batch = Batch {
            body,
            texts: &texts,
        };
        let mut told = sink.sift(batch);
        let at_hand = (self.at, self.part);
        self.part = Part::Alone;
        for placed in &texts {
            if told == 0 {
                break;
            }
            if told & 1 == 1 {
                let text = batch.text(placed);
                self.at = text.id.0 as usize;
                self.give(text.piece, true, (text.role, text.place), text.key, sink)?;
            }
            told >>= 1;
        }
        (self.at, self.part) = at_hand;
        self.waiting = texts;
        self.waiting.clear();
        Ok(())
    }

    /// Takes a whole string without escapes, the value of a key.
    #[inline(never)]
    pub(crate) fn member(
        &mut self,
        body: &str,
        key: Raw<'_>,
        raw: Raw<'_>,
        ground: Ground,
        mut sink: Option<&mut dyn TextSink>,
    ) -> Result<(), Refusal> {
        let key_at = key.at..key.at + key.text.len();
        if let (Some(sink), Some(place)) = (reborrow(&mut sink), ground.place_of(raw.text))
            && !raw.text.is_empty()
            && self.waits(body, raw, key_at.clone(), (ground.role, place), sink)?
        {
            return Ok(());
        }
        let piece = Piece {
            body,
            raw,
            text: raw.text,
            last: true,
            ground,
            part: Part::Alone,
            key: key.text,
            key_at: Some(key_at),
        };
        self.piece(piece, sink)
    }

    /// Whether a whole string without escapes, that stands alone, waits for others.
    pub(super) fn waits(
        &mut self,
        body: &str,
        raw: Raw<'_>,
        key: Range<usize>,
        (role, place): (Role, Place),
        sink: &mut dyn TextSink,
    ) -> Result<bool, Refusal> {
        if raw.text.len() > WAITING_BYTES_MAX {
            return Ok(false);
        }
        let first = self
            .waiting
            .first()
            .map_or(raw.at, |first| first.text.start);
        if self.waiting.len() >= Batch::TEXTS_MAX || raw.at - first > STRETCH_BYTES_MAX {
            self.settle(body, Some(sink))?;
        }
        if place == Place::Opaque {
            self.opaque += raw.text.len() as u64;
        }
        self.waiting.push(Placed {
            text: raw.at..raw.at + raw.text.len(),
            key,
            role,
            place,
        });
        Ok(true)
    }
}
