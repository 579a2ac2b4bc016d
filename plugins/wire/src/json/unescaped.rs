//! What a string with escapes means, put together as it is read: looking for the next escape and copying what stands before it is one pass.

use super::scan::{LANES, special_in, special_position};
use super::unescape::unit_of_valid;

/// A text in the making. Its room is kept for the next one.
#[derive(Debug, Default)]
pub(crate) struct Unescaped {
    /// Of these, the first `len` are the text; all others only are room.
    bytes: Vec<u8>,
    len: usize,
}

impl Unescaped {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
        }
    }

    /// Begins anew.
    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// What it means so far.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        // Made of whole characters, so it always is one.
        simdutf8::basic::from_utf8(bytes).unwrap_or_default()
    }

    /// What the inside of a string means that the tokenizer let pass, not cut within an escape.
    pub(crate) fn of(&mut self, raw: &str) -> &str {
        self.clear();
        // Never longer than it is written.
        if let Some(more) = (raw.len() + LANES).checked_sub(self.bytes.len()) {
            self.bytes.reserve_exact(more);
            self.bytes.resize(raw.len() + LANES, 0);
        }
        let mut rest = raw.as_bytes();
        while let Some(at) = self.extend(rest) {
            let escape = rest.get(at..).unwrap_or_default();
            // Quotation marks and control characters do not occur.
            let (len, meaning) = unit_of_valid(escape);
            self.push(meaning);
            rest = escape.get(len..).unwrap_or_default();
        }
        self.text()
    }

    /// As [`Self::of`], of about as many bytes as it is said, and what is left of `raw` then.
    pub(crate) fn some_of<'a>(&mut self, raw: &'a str, bytes: usize) -> &'a str {
        self.clear();
        let mut rest = raw;
        while !rest.is_empty() && self.len < bytes {
            let portion = rest.ceil_char_boundary(bytes - self.len);
            let portion = rest.get(..portion).unwrap_or(rest);
            let Some(at) = self.extend(portion.as_bytes()) else {
                rest = rest.get(portion.len()..).unwrap_or_default();
                continue;
            };
            let escape = rest.get(at..).unwrap_or_default();
            let (len, meaning) = unit_of_valid(escape.as_bytes());
            self.push(meaning);
            rest = escape.get(len..).unwrap_or_default();
        }
        rest
    }

    /// Appends whole characters up to the first byte that ends or escapes a string; the index of that byte.
    #[inline]
    pub(super) fn extend(&mut self, from: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(chunk) = from.get(at..).and_then(<[u8]>::first_chunk::<LANES>) {
            let room = self.bytes.get_mut(self.len..);
            let Some(room) = room.and_then(<[u8]>::first_chunk_mut::<LANES>) else {
                self.grow();
                continue;
            };
            *room = *chunk;
            if let Some(plain) = special_in(chunk) {
                self.len += plain;
                return Some(at + plain);
            }
            self.len += LANES;
            at += LANES;
        }
        let rest = from.get(at..).unwrap_or_default();
        let special = special_position(rest);
        self.append(rest.get(..special.unwrap_or(rest.len())).unwrap_or(rest));
        special.map(|plain| at + plain)
    }

    /// Appends a character.
    #[inline]
    pub(super) fn push(&mut self, character: char) {
        if character.is_ascii()
            && let Some(room) = self.bytes.get_mut(self.len)
        {
            *room = character as u8;
            self.len += 1;
            return;
        }
        self.append(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        while self.bytes.len() < end {
            self.grow();
        }
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.bytes.resize(self.bytes.len() * 2 + 4 * LANES, 0);
    }
}

#[cfg(test)]
mod tests {
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
