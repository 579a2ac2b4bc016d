//! What a string with escapes means, put together as it is read: looking for the next escape and copying what stands before it is one pass.

use super::scan::{PAIR, find_special, special, special_in_pair};
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

    /// Whether it means nothing so far.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Begins anew.
    pub(crate) const fn clear(&mut self) {
        self.len = 0;
        self.backslashes = false;
    }

    /// Makes room for what so many more bytes mean.
    pub(super) fn reserve(&mut self, bytes: usize) {
        // Never longer than it is written.
        let room = (self.len + bytes + PAIR).next_multiple_of(ROOM_STEP);
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
            let rest = from.get(at..).unwrap_or_default();
            if self.bytes.len() - self.len < PAIR {
                self.reserve(rest.len().min(self.bytes.len().max(ROOM_STEP)));
            }
            let room = self.bytes.get_mut(self.len..).unwrap_or_default();
            let (read, written, backslashes) = read_plain(rest, room);
            at += read;
            self.len += written;
            self.backslashes |= backslashes;
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
                // More room is needed.
                Some(_) => {}
            }
        }
    }

    /// Appends a character.
    pub(super) fn push(&mut self, character: char) {
        self.backslashes |= character == '\\';
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).as_bytes();
        if self.bytes.len() - self.len < bytes.len() {
            self.reserve(bytes.len());
        }
        for (space, byte) in self.bytes.iter_mut().skip(self.len).zip(bytes) {
            *space = *byte;
        }
        self.len += bytes.len();
    }
}

/// What [`Unescaped::read`] does for all that nearly all strings are made of, as long as there is room for two registers: bytes read and
/// written, and whether there are backslashes among these.
#[inline]
fn read_plain(from: &[u8], room: &mut [u8]) -> (usize, usize, bool) {
    let (mut at, mut end, mut backslashes) = (0, 0, false);
    while let Some(pair) = from.get(at..).and_then(<[u8]>::first_chunk::<PAIR>)
        && let Some(space) = room.get_mut(end..).and_then(<[u8]>::first_chunk_mut)
    {
        *space = *pair;
        let Some(plain) = special_in_pair(pair) else {
            end += PAIR;
            at += PAIR;
            continue;
        };
        end += plain;
        at += plain;
        let escape = from.get(at..).and_then(<[u8]>::first_chunk);
        let Some([b'\\', kind]) = escape else { break };
        let meaning = SIMPLE.get(usize::from(*kind)).copied().unwrap_or(0);
        if meaning == 0 {
            break;
        }
        // There was room for the pair.
        if let Some(room) = room.get_mut(end) {
            *room = meaning;
        }
        backslashes |= meaning == b'\\';
        end += 1;
        at += 2;
    }
    // Too few are left for registers.
    while let (Some(byte), Some(space)) = (from.get(at), room.get_mut(end))
        && !special(*byte)
    {
        *space = *byte;
        end += 1;
        at += 1;
    }
    (at, end, backslashes)
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
