//! A JSON body on its way through: bytes in, texts to the sink, meanings to an observer.

mod ahead;
mod amount;
mod head;
mod key;
mod observe;
mod reader;

pub(crate) use ahead::{Ahead, Lookahead};
pub(crate) use observe::{Observe, Payload, Value};

use crate::TextSink;
use crate::formats::Meaning;
use crate::include_usage::{self, Patch, Stated};
use crate::json::{Malformed, Trie};
use portcullis_policy::{Refusal, Role};
use reader::Reader;

/// Room for a body that was announced: so many times what came of it. Protects memory from who announces much and sends little.
const ROOM_PER_BYTE: usize = 8;

/// Why a document could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is not what it should be.
    Malformed(Malformed),
    /// The sink refused.
    Refused(Refusal),
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A body and how far it was read.
#[derive(Debug)]
pub(crate) struct Document {
    body: String,
    /// How long it is said to be.
    announced: usize,
    /// The beginning of a character that is not complete.
    cut_character: Vec<u8>,
    /// What follows is not UTF-8.
    not_utf8: bool,
    reader: Reader,
    patch: Option<Patch>,
}

impl Document {
    /// Texts are `role`'s where nothing else is said. With `object_only`, the document must be an object.
    pub(crate) fn new(object_only: bool, role: Role) -> Self {
        Self {
            body: String::new(),
            announced: 0,
            cut_character: Vec::new(),
            not_utf8: false,
            reader: Reader::new(object_only, role),
            patch: None,
        }
    }

    /// The body is said to have so many bytes: room is made for just them, as far as they come.
    pub(crate) const fn announce(&mut self, bytes: usize) {
        self.announced = bytes;
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.body.len() + self.cut_character.len()
    }

    /// Adds bytes; [`Document::read`] looks at them.
    pub(crate) fn extend(&mut self, mut chunk: &[u8]) {
        while !self.cut_character.is_empty() && !self.not_utf8 {
            let Some((byte, rest)) = chunk.split_first() else {
                return;
            };
            chunk = rest;
            self.cut_character.push(*byte);
            let cut = std::mem::take(&mut self.cut_character);
            self.append(&cut);
        }
        self.append(chunk);
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.not_utf8 {
            return;
        }
        let (text, rest) = match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                self.not_utf8 = error.error_len().is_some();
                let (valid, rest) = bytes
                    .split_at_checked(error.valid_up_to())
                    .unwrap_or_default();
                (str::from_utf8(valid).unwrap_or_default(), rest)
            }
        };
        self.make_room(text.len());
        self.body.push_str(text);
        self.cut_character.extend_from_slice(rest);
    }

    /// Doubling, as strings do by themselves, would leave up to half of a large body's room unused, and what it had before behind.
    fn make_room(&mut self, more: usize) {
        let needed = self.body.len() + more;
        let room = self.announced.min(needed.saturating_mul(ROOM_PER_BYTE));
        if needed > self.body.capacity() && room >= needed {
            self.body.reserve_exact(room - self.body.len());
        }
    }

    /// Bytes of all string values so far, unescaped.
    pub(crate) fn text_bytes(&self) -> u64 {
        self.reader.amount.text
    }

    /// How many of them are no text, see [`Texts::file_bytes`].
    pub(crate) const fn file_bytes(&self) -> u64 {
        self.reader.texts.file_bytes()
    }

    /// The same, of those below [`Meaning::Completion`].
    pub(crate) fn completion_bytes(&self) -> u64 {
        self.reader.amount.completion
    }

    /// Reads what can be read; with `end`, the document must be complete.
    pub(crate) fn read(
        &mut self,
        trie: &Trie<Meaning>,
        end: bool,
        sink: Option<&mut dyn TextSink>,
        observer: &mut dyn Observe,
    ) -> Result<(), Failure> {
        self.reader.read((&self.body, end), trie, sink, observer)?;
        if self.not_utf8 || (end && !self.cut_character.is_empty()) {
            return Err(Malformed::Syntax.into());
        }
        Ok(())
    }

    /// Whether the body leaves as it came.
    pub(crate) fn unchanged(&self) -> bool {
        self.reader.texts.unchanged() && self.patch.is_none()
    }

    /// Has the body ask for the usage of its stream; false when it does already, or cannot.
    pub(crate) fn ask_usage(&mut self, stated: Stated, table: &Trie<Meaning>) -> bool {
        self.patch = include_usage::patch(&self.body, stated, table);
        self.patch.is_some()
    }

    /// The body with all changes carried out.
    pub(crate) fn render(&mut self) -> Vec<u8> {
        self.reader.texts.render(&self.body, self.patch.as_ref())
    }
}

/// The same sink once more, for one call.
pub(crate) fn reborrow<'a>(
    sink: &'a mut Option<&mut dyn TextSink>,
) -> Option<&'a mut dyn TextSink> {
    match sink {
        Some(sink) => Some(&mut **sink),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_body_gets_the_room_it_needs_as_it_comes() {
        let body = "x".repeat(100_000);
        for announced in [0, 7, 99_999, 100_000, 100_001, usize::MAX] {
            let mut document = Document::new(false, Role::User);
            document.announce(announced);
            for chunk in body.as_bytes().chunks(1000) {
                document.extend(chunk);
                let most = announced.min(ROOM_PER_BYTE * document.len());
                assert!(document.body.capacity() <= most.max(2 * document.len()));
            }
            assert_eq!(document.body, body);
            if announced == body.len() {
                assert_eq!(document.body.capacity(), body.len());
            }
        }
    }
}
