//! Strings of a document on their way to the sink, and the sink's wishes on their way back.

mod changed;
mod file;
mod given;
mod waiting;

pub(crate) use changed::{change_number, change_piece, change_string};
pub(crate) use file::Inside;
pub(crate) use given::{NestedIds, give, give_inner, give_nested, not_at_hand};

use crate::TextSink;
use crate::document::reborrow;
use crate::edits::Change;
use crate::include_usage::Patch;
use crate::json::{self, NESTED_DEPTH_MAX, Portions, Raw, Unescaped};
use crate::places::{Claim, Ground, Look};
use portcullis_policy::sort::sort_by_key;
use portcullis_policy::{Edit, Part, Place, Placed, Refusal, Role, Text, TextId};
use std::ops::Range;

/// How much of a string that came in pieces is unescaped at once to be read as a document.
const PORTION_BYTES: usize = 16 * 1024;

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

/// A piece of a string of a document.
#[derive(Debug, Clone)]
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
    /// The key whose value it is, see [`Text::key`]…
    pub key: &'a str,
    /// …and where it stands, if what is written there is what it means.
    pub key_at: Option<Range<usize>>,
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
    /// Takes a key of an object; whether it is nothing to anybody, which is not known of one that may wait.
    pub(crate) fn key(
        &mut self,
        body: &str,
        raw: Raw<'_>,
        key: &str,
        (role, may_wait): (Role, bool),
        sink: Option<&mut dyn TextSink>,
    ) -> Result<bool, Refusal> {
        let Some(sink) = sink.filter(|_| !key.is_empty()) else {
            return Ok(false);
        };
        if may_wait && !raw.escaped && self.waits(body, raw, 0..0, (role, Place::Key), sink)? {
            return Ok(false);
        }
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
        if last && !raw.escaped && self.open.is_none() {
            (self.at, self.part) = (raw.at, piece.part);
            let Some(sink) = reborrow(&mut sink).filter(|_| !meaning.is_empty()) else {
                return Ok(());
            };
            let place = ground.place_of(meaning);
            if let (Part::Alone, Some(key), Some(place)) = (piece.part, &piece.key_at, place)
                && self.waits(body, raw, key.clone(), (ground.role, place), sink)?
            {
                return Ok(());
            }
            if ground.claim.look() == Look::Plain {
                self.settle(body, Some(&mut *sink))?;
                return self.give(meaning, last, of, key, sink);
            }
        }
        self.settle(body, reborrow(&mut sink))?;
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
                            self.opaque += good.len() as u64;
                            self.give(good, false, opaque, key, sink)?;
                        }
                        self.give(other, last, plain, key, sink)
                    }
                    _ => {
                        self.opaque += text.len() as u64;
                        self.give(text, last, opaque, key, sink)
                    }
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
