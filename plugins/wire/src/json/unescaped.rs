//! What a string with escapes means, put together as it is read: looking for the next escape and copying what stands before it is one pass.

use super::scan::{LANES, find_special, special, special_in};
use super::unescape::{SIMPLE, Unit, unit, unit_of_valid};

/// Room is made in steps of so many bytes, so that a little more costs nothing.
const ROOM_STEP: usize = 1 << 10;

/// A text in the making. Its room is kept for the next one.
#[derive(Debug, Default)]
pub(crate) struct Unescaped {
    /// Of these, the first `len` are the text; all others only are room.
    bytes: Vec<u8>,
    len: usize,
    /// There are backslashes in the text.
    backslashes: bool,
}

/// What ended the reading of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A quotation mark.
    Quote,
    /// What was there of it.
    Unfinished,
    /// What no string has.
    Invalid,
}

impl Unescaped {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
            backslashes: false,
        }
    }

    /// Begins anew.
    pub(crate) const fn clear(&mut self) {
        self.len = 0;
        self.backslashes = false;
    }

    /// Makes room for what so many more bytes mean.
    pub(super) fn reserve(&mut self, bytes: usize) {
        // Never longer than it is written.
        let room = (self.len + bytes + LANES).next_multiple_of(ROOM_STEP);
        if let Some(more) = room.checked_sub(self.bytes.len()) {
            self.bytes.reserve_exact(more);
            self.bytes.resize(room, 0);
        }
    }

    /// What it means so far.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        // Made of whole characters, so it always is one.
        simdutf8::basic::from_utf8(bytes).unwrap_or_default()
    }

    /// Whether there are backslashes in it.
    pub(super) const fn has_backslashes(&self) -> bool {
        self.backslashes
    }

    /// What the inside of a string means that the tokenizer let pass, not cut within an escape.
    pub(crate) fn of(&mut self, raw: &str) -> &str {
        self.clear();
        self.reserve(raw.len());
        let mut rest = raw;
        while !rest.is_empty() {
            rest = self.read_valid(rest, rest);
        }
        self.text()
    }

    /// As [`Self::of`], of about as many bytes as it is said, and what is left of `raw` then.
    pub(crate) fn some_of<'a>(&mut self, raw: &'a str, bytes: usize) -> &'a str {
        self.clear();
        let mut rest = raw;
        while !rest.is_empty() && self.len < bytes {
            let portion = rest.ceil_char_boundary(bytes - self.len);
            rest = self.read_valid(rest.get(..portion).unwrap_or(rest), rest);
        }
        rest
    }

    /// Reads a portion that `rest` begins with, and all of an escape that the portion ends in.
    fn read_valid<'a>(&mut self, portion: &str, rest: &'a str) -> &'a str {
        let (read, _) = self.read(portion.as_bytes());
        let rest = rest.get(read..).unwrap_or_default();
        if read == portion.len() {
            return rest;
        }
        // Quotation marks and control characters do not occur.
        let (len, meaning) = unit_of_valid(rest.as_bytes());
        self.push(meaning);
        rest.get(len..).unwrap_or_default()
    }

    /// Appends whole characters of a string's inside and what its escapes mean, up to what ends it; how many bytes that are, and why it ended.
    pub(super) fn read(&mut self, from: &[u8]) -> (usize, Stop) {
        let mut at = 0;
        loop {
            at = self.read_plain(from, at);
            let rest = from.get(at..).unwrap_or_default();
            match rest.first() {
                None => return (at, Stop::Unfinished),
                Some(b'"') => return (at, Stop::Quote),
                Some(b'\\') => match unit(rest) {
                    Unit::Escape(len, meaning) => {
                        self.push(meaning);
                        at += len;
                    }
                    Unit::Unfinished => return (at, Stop::Unfinished),
                    Unit::Invalid => return (at, Stop::Invalid),
                },
                Some(byte) if special(*byte) => return (at, Stop::Invalid),
                Some(byte) => {
                    // Too few are left for a register.
                    self.push_byte(*byte);
                    at += 1;
                }
            }
        }
    }

    /// The same for all that nearly all strings are made of; where it stopped.
    #[inline]
    fn read_plain(&mut self, from: &[u8], mut at: usize) -> usize {
        let mut end = self.len;
        while let Some(chunk) = from.get(at..).and_then(<[u8]>::first_chunk::<LANES>) {
            let room = self.bytes.get_mut(end..);
            let Some(room) = room.and_then(<[u8]>::first_chunk_mut::<LANES>) else {
                self.grow();
                continue;
            };
            *room = *chunk;
            let Some(plain) = special_in(chunk) else {
                end += LANES;
                at += LANES;
                continue;
            };
            end += plain;
            at += plain;
            let meaning = match from.get(at..) {
                Some([b'\\', kind, ..]) => SIMPLE.get(usize::from(*kind)).copied(),
                _ => None,
            };
            let Some(meaning) = meaning.filter(|meaning| *meaning != 0) else {
                break;
            };
            // There was room for all of the register.
            if let Some(room) = self.bytes.get_mut(end) {
                *room = meaning;
            }
            self.backslashes |= meaning == b'\\';
            end += 1;
            at += 2;
        }
        self.len = end;
        at
    }

    /// Appends a character.
    fn push(&mut self, character: char) {
        self.backslashes |= character == '\\';
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            self.push_byte(byte);
        }
    }

    fn push_byte(&mut self, byte: u8) {
        if self.len == self.bytes.len() {
            self.grow();
        }
        if let Some(room) = self.bytes.get_mut(self.len) {
            *room = byte;
            self.len += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.bytes.resize(self.bytes.len() * 2 + 4 * LANES, 0);
    }
}

/// Where the string ends whose inside `bytes` begin with, and whether there are escapes in it; `None` when it is none, or cut off.
pub(crate) fn string_end(bytes: &[u8], scratch: &mut Unescaped) -> Option<(usize, bool)> {
    let plain = find_special(bytes)?;
    if bytes.get(plain) == Some(&b'"') {
        return Some((plain, false));
    }
    scratch.clear();
    let (read, stop) = scratch.read(bytes.get(plain..)?);
    (stop == Stop::Quote).then_some((plain + read, true))
}

#[cfg(test)]
mod tests {
    use super::super::token::Token;
    use super::super::tokenizer::{PIECE_BYTES, Tokenizer};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn surrogates() {
        let mut unescaped = Unescaped::new();
        for (raw, text) in [
            (r"\ud83d\ude00", "😀"),
            (r"\uD83D\uDE00x", "😀x"),
            (r"a\ud83db", "a\u{fffd}b"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
        ] {
            assert_eq!(unescaped.of(raw), text, "{raw}");
        }
    }

    #[test]
    fn long_strings_come_in_pieces() {
        let units = [
            "a",
            "é",
            "😀",
            "\\n",
            "\\u00e9",
            "\\ud83d\\ude00",
            "plain text of some length ",
        ];
        for skipped in 0..units.len() {
            for plain in [0, 3, 40_000] {
                let mut raw = "x".repeat(plain);
                let mut next = units.iter().cycle().skip(skipped);
                while raw.len() < plain + 50_000 {
                    raw.push_str(next.next().unwrap());
                    next.nth(skipped);
                }
                let document = format!("\"{raw}\"");
                let mut tokenizer = Tokenizer::new();
                let (mut text, mut longest) = (String::new(), 0);
                while let Some(token) = tokenizer.next(&document, false).unwrap() {
                    let Token::Piece { raw, last, .. } = token else {
                        panic!("{token:?}")
                    };
                    text.push_str(tokenizer.meaning(raw));
                    longest = longest.max(if raw.escaped { raw.text.len() } else { 0 });
                    assert_eq!(last, raw.at + raw.text.len() + 1 == document.len());
                }
                assert_eq!(text, serde_json::from_str::<String>(&document).unwrap());
                assert!(longest <= 2 * PIECE_BYTES, "{longest}");
                let mut tokenizer = Tokenizer::new();
                let token = tokenizer.next(&document, true).unwrap().unwrap();
                assert!(matches!(token, Token::Piece { last: true, .. }));
            }
        }
    }

    proptest! {
        #[test]
        fn others_agree(pieces in proptest::collection::vec("[^\"\\\\\u{0}-\u{1f}]{0,40}|\\\\[nrtbf/\\\\\"]|\\\\u[0-9a-cA-C][0-9a-fA-F]{3}|\\\\ud83d\\\\ude00", 0..12)) {
            let raw = pieces.concat();
            let meaning: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            let mut unescaped = Unescaped::new();
            prop_assert_eq!(unescaped.of("\\u00e9 and more than that \\n"), "é and more than that \n");
            prop_assert_eq!(unescaped.of(&raw), meaning.as_str());
            for bytes in [1, 3, 20, 1000] {
                let (mut rest, mut all) = (raw.as_str(), String::new());
                while !rest.is_empty() {
                    rest = unescaped.some_of(rest, bytes);
                    prop_assert!(unescaped.text().len() < bytes + 4);
                    all.push_str(unescaped.text());
                }
                prop_assert_eq!(&all, &meaning);
            }
        }
    }
}
