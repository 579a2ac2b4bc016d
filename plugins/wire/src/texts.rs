//! Strings of a document on their way to the sink, and the sink's wishes on their way back.

mod changed;
mod given;

pub(crate) use changed::{change_number, change_piece, change_string};
pub(crate) use given::{NestedIds, give, give_inner, give_nested, not_at_hand};

use crate::TextSink;
use crate::document::reborrow;
use crate::edits::{Change, carry_out, merge};
use crate::include_usage::Patch;
use crate::json::{self, NESTED_DEPTH_MAX, Portions, Raw, Unescaped};
use crate::payload::{self, DECODED_BYTES_MAX};
use crate::places::{Claim, Ground, Look};
use portcullis_policy::sort::sort_by_key;
use portcullis_policy::{Batch, Edit, Part, Place, Placed, Refusal, Role, Text, TextId};
use std::ops::Range;

/// How much of a string that came in pieces is unescaped at once to be read as a document.
const PORTION_BYTES: usize = 16 * 1024;

/// Longest text that waits for others: a longer one costs so much that it may as well come alone.
const WAITING_BYTES_MAX: usize = 512;

/// So many bytes of a document are looked at in one go.
const STRETCH_BYTES_MAX: usize = 4096;

/// Texts of a document that is kept until its end. A string's id is where its inside begins.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    changes: Vec<(usize, Change)>,
    /// Whole texts that are not told yet: what many of them have in common is done once.
    waiting: Vec<Placed>,
    nested: NestedIds,
    /// A portion of a string that came in pieces, once more.
    portion: Unescaped,
    batch: Vec<Edit>,
    /// The string that has begun.
    open: Option<Open>,
    /// Where the string at hand begins.
    at: usize,
    /// How it stands to the one before.
    part: Part,
    /// Bytes of files that were decoded.
    decoded: usize,
    /// Bytes that were given as opaque ones.
    opaque: u64,
}

/// The inside of a string that has come.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    range: Range<usize>,
    role: Role,
}

/// A piece of a string of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// The document as far as it came.
    pub body: &'a str,
    /// The piece as it is written.
    pub raw: Raw<'a>,
    /// What it means.
    pub text: &'a str,
    /// It is the string's last.
    pub last: bool,
    /// What is said of where the string stands.
    pub ground: Ground,
    /// How it stands to the string before.
    pub part: Part,
    /// The key whose value it is, see [`Text::key`].
    pub key: &'a str,
}

/// A number of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    /// The document as far as it came.
    pub body: &'a str,
    /// As it is written.
    pub raw: Raw<'a>,
    /// What is said of where it stands.
    pub ground: Ground,
    /// The key whose value it is, see [`Text::key`].
    pub key: &'a str,
}

/// A string that has begun.
#[derive(Debug, Clone, Copy)]
struct Open {
    start: usize,
    /// There were escapes in what is gone.
    escaped: bool,
    /// Of a string in pieces: its text has backslashes. Only then can a document in it hide something.
    backslashes: bool,
    /// Of a string that claims to be opaque: whether it looks so. While that is not known, nothing of it was given.
    look: Look,
}

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

    /// Takes a key of an object; whether it is nothing to anybody.
    pub(crate) fn key(
        &mut self,
        body: &str,
        raw: Raw<'_>,
        key: &str,
        role: Role,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<bool, Refusal> {
        let Some(sink) = sink.filter(|_| !key.is_empty()) else {
            return Ok(false);
        };
        self.settle(body, Some(&mut *sink))?;
        (self.at, self.part) = (raw.at, Part::Alone);
        self.give(key, true, (role, Place::Key), "", sink)?;
        let dismissed = sink.dismisses();
        if raw.escaped {
            self.give_nested(key, (role, Place::Key), sink)?;
        }
        Ok(dismissed)
    }

    /// Takes a number; it is a text if its integer part has at least so many digits and it is none of the API's own. Whether it was told.
    pub(crate) fn number(
        &mut self,
        number: Number<'_>,
        least: usize,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<bool, Refusal> {
        let Number {
            body,
            raw,
            ground,
            key,
        } = number;
        let mut room = Unescaped::new();
        let digits = json::integer(raw.text, least, &mut room);
        match (sink, digits) {
            (Some(sink), Some(digits)) if !ground.claim.is_own_number(key) => {
                self.settle(body, Some(&mut *sink))?;
                (self.at, self.part) = (raw.at, Part::Alone);
                self.give(digits, true, (ground.role, Place::Number), key, sink)?;
                Ok(true)
            }
            _ => Ok(false),
        }
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
        if self.waits(body, raw, key_at, ground, reborrow(&mut sink))? {
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
        };
        self.piece(piece, sink)
    }

    /// Whether a whole string without escapes, that stands alone, is none or waits for others.
    #[inline(never)]
    fn waits(
        &mut self,
        body: &str,
        raw: Raw<'_>,
        key: Range<usize>,
        ground: Ground,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<bool, Refusal> {
        if sink.is_none() || raw.text.is_empty() {
            return Ok(true);
        }
        if raw.text.len() > WAITING_BYTES_MAX || ground.claim.look() != Look::Plain {
            return Ok(false);
        }
        let first = self
            .waiting
            .first()
            .map_or(raw.at, |first| first.text.start);
        if self.waiting.len() >= Batch::TEXTS_MAX || raw.at - first > STRETCH_BYTES_MAX {
            self.settle(body, sink)?;
        }
        self.waiting.push(Placed {
            text: raw.at..raw.at + raw.text.len(),
            key,
            role: ground.role,
            place: ground.place(),
        });
        Ok(true)
    }

    /// Takes a piece of a string.
    pub(crate) fn piece(
        &mut self,
        piece: Piece<'_>,
        mut sink: Option<&mut dyn TextSink>,
    ) -> Result<(), Refusal> {
        let Piece {
            body,
            raw,
            text: meaning,
            last,
            ground,
            key,
            ..
        } = piece;
        let of = (ground.role, ground.place());
        let whole = last && !raw.escaped && self.open.is_none();
        if whole
            && piece.part == Part::Alone
            && key.is_empty()
            && self.waits(body, raw, 0..0, ground, reborrow(&mut sink))?
        {
            (self.at, self.part) = (raw.at, piece.part);
            return Ok(());
        }
        self.settle(body, reborrow(&mut sink))?;
        if whole && ground.claim.look() == Look::Plain {
            (self.at, self.part) = (raw.at, piece.part);
            return match sink {
                Some(sink) if !meaning.is_empty() => self.give(meaning, last, of, key, sink),
                _ => Ok(()),
            };
        }
        let before = self.open.take();
        let mut open = before.unwrap_or(Open {
            start: raw.at,
            escaped: false,
            backslashes: false,
            look: ground.claim.look(),
        });
        (self.at, self.part) = (open.start, piece.part);
        let Some(sink) = sink else {
            self.open = (!last).then_some(open);
            return Ok(());
        };
        open.escaped |= raw.escaped;
        if open.look == Look::Plain {
            if before.is_some() || !meaning.is_empty() || !last {
                self.give(meaning, last, of, key, sink)?;
            }
        } else {
            self.claimed(piece, &mut open, sink)?;
        }
        open.backslashes |= raw.backslashes;
        if !last {
            self.open = Some(open);
            return Ok(());
        }
        if !open.escaped {
            return Ok(());
        }
        if before.is_none() {
            return self.give_nested(meaning, of, sink);
        }
        let end = raw.at + raw.text.len();
        let raw = body.get(open.start..end).unwrap_or_default();
        if !open.backslashes || !json::starts_document(raw) {
            return Ok(());
        }
        self.give_portions(raw, of, sink)
    }

    /// As [`Self::give_nested`], of a string that came in pieces, as it is written.
    fn give_portions(
        &mut self,
        mut raw: &str,
        (role, place): (Role, Place),
        sink: &mut dyn TextSink,
    ) -> Result<(), Refusal> {
        let mut portions = Portions::new();
        while !raw.is_empty() {
            raw = self.portion.some_of(raw, PORTION_BYTES);
            let portion = self.portion.text();
            let (ids, batch) = (&mut self.nested, &mut self.batch);
            let changes = portions.read(
                portion,
                raw.is_empty(),
                NESTED_DEPTH_MAX,
                &mut |inner: &str| give_inner(inner, "", (role, place), ids, &mut *sink, batch),
            )?;
            let at = self.at;
            self.changes
                .extend(changes.into_iter().map(|change| (at, change)));
        }
        Ok(())
    }

    /// Takes a piece of a string that claims to be opaque and has not shown to be something else.
    fn claimed(
        &mut self,
        piece: Piece<'_>,
        open: &mut Open,
        sink: &mut dyn TextSink,
    ) -> Result<(), Refusal> {
        let Piece {
            body,
            raw,
            text,
            last,
            ground,
            key,
            ..
        } = piece;
        let (claim, opaque) = (ground.claim, (ground.role, Place::Opaque));
        let plain = (ground.role, ground.place());
        let unsure = open.look == Look::Unsure;
        let mut whole = Unescaped::new();
        let mut text = text;
        if unsure {
            let end = raw.at + raw.text.len();
            text = body.get(open.start..end).unwrap_or_default();
            if open.escaped {
                text = whole.of(text);
            }
            open.look = claim.judge(text, last);
        }
        match open.look {
            Look::Unsure => Ok(()),
            Look::Plain => self.give(text, last, plain, key, sink),
            Look::Opaque => {
                let begun = unsure || raw.at == open.start;
                let still = if begun { claim } else { Claim::Base64 }.still(text);
                match text.split_at_checked(still) {
                    Some((good, other)) if !other.is_empty() => {
                        open.look = Look::Plain;
                        if !good.is_empty() {
                            self.give(good, false, opaque, key, sink)?;
                        }
                        self.give(other, last, plain, key, sink)
                    }
                    _ => self.give(text, last, opaque, key, sink),
                }
            }
        }
    }

    /// Gives a piece of the string at hand to the sink.
    fn give(
        &mut self,
        piece: &str,
        last: bool,
        (role, place): (Role, Place),
        key: &str,
        sink: &mut dyn TextSink,
    ) -> Result<(), Refusal> {
        if place == Place::Opaque {
            self.opaque += piece.len() as u64;
        }
        let text = Text {
            id: TextId(self.at as u64),
            piece,
            last,
            role,
            place,
            part: self.part,
            key,
        };
        self.batch.clear();
        sink.text(text, &mut self.batch)?;
        if self.batch.is_empty() {
            return Ok(());
        }
        for edit in self.batch.drain(..) {
            // A part may be changed together with those before it: all of them are still here.
            let at = usize::try_from(edit.text.0).unwrap_or(usize::MAX);
            if at > self.at || (at < self.at && self.part != Part::Next) {
                return Err(not_at_hand());
            }
            let change = Change {
                range: edit.range,
                replacement: edit.replacement,
            };
            self.changes.push((at, change));
        }
        Ok(())
    }

    /// Bytes of files that are no text, and of what looks like them; none when some of the files are text.
    pub(crate) const fn file_bytes(&self) -> u64 {
        if self.decoded == 0 { self.opaque } else { 0 }
    }

    /// Reads the string at hand again, when it is a document that hides something behind escapes.
    fn give_nested(
        &mut self,
        whole: &str,
        of: (Role, Place),
        sink: &mut dyn TextSink,
    ) -> Result<(), Refusal> {
        if json::hides_text(whole) {
            let nested = give_nested(whole, of, &mut self.nested, sink, &mut self.batch)?;
            let at = self.at;
            self.changes
                .extend(nested.into_iter().map(|change| (at, change)));
        }
        Ok(())
    }

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

    /// Whether anything is to be changed in the string at hand.
    #[inline(never)]
    pub(crate) fn at_hand_changes(
        &mut self,
        body: &str,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<bool, Refusal> {
        self.settle(body, sink)?;
        let last = self.changes.last();
        Ok(last.is_some_and(|(start, _)| *start == self.at))
    }

    /// Whether anything is to be changed.
    pub(crate) fn unchanged(&self) -> bool {
        self.changes.is_empty()
    }

    /// The body with all changes carried out; untouched bytes are copied as they are.
    pub(crate) fn render(&mut self, body: &str, patch: Option<&Patch>) -> Vec<u8> {
        sort_by_key(&mut self.changes, |(start, _)| *start);
        let mut out = Vec::with_capacity(body.len());
        let mut copied = 0;
        for group in self.changes.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((start, _)) = group.first() else {
                continue;
            };
            let (before, behind) = body.split_at_checked(*start).unwrap_or_default();
            let changes = group.iter().map(|(_, change)| change.clone()).collect();
            Patch::copy(patch, body, copied..*start, &mut out);
            let raw = if before.ends_with('"') {
                let raw = json::string_inside(behind);
                change_string(raw, changes, &mut out);
                raw
            } else {
                let raw = json::number_inside(behind);
                change_number(raw, changes, &mut out);
                raw
            };
            copied = start + raw.len();
        }
        Patch::copy(patch, body, copied..body.len(), &mut out);
        out
    }
}
