//! Whole texts, each behind its key as in `"key": "text"`, one after the other: detectors look over all of them in one go, and at each trigger at the
//! text alone that it stands in. What a short text costs beside its bytes is shared by all that stand on a page.

use crate::drive::copy;
use crate::view::is_ascii;
use crate::window::Window;
use std::ops::Range;
use wide::u8x16;

/// Longest text that is put on a page: one look instead of two.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;

/// Room that is kept for the next message.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// What stands behind each text: as if nothing did.
const BORDER: [u8; 2] = [0; 2];

/// More room than what is put there: of a key's signs, of a border, and of a register behind all.
const MORE_ROOM: usize = 32;

/// Bytes that are looked at together.
const BLOCK: usize = u64::BITS as usize;

/// Bytes of a register.
const LANES: usize = 16;

/// Whole texts.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Of these, the first `len` are the page; all others only are room.
    bytes: Vec<u8>,
    len: usize,
    texts: Vec<Line>,
    blocks: Vec<Block>,
    /// All of it is ASCII, and so its own view.
    plain: bool,
}

/// Bytes that are looked at together.
#[derive(Debug, Clone)]
struct Block {
    /// Which are of borders: a bit for each, the lowest one first.
    borders: u64,
    /// The first text that may reach into it.
    text: usize,
}

/// A text on a page.
#[derive(Debug, Clone)]
struct Line {
    /// The text and its key.
    range: Range<usize>,
    /// Where the text begins.
    text: usize,
    /// Its bit.
    bit: u32,
}

impl Page {
    /// Whether the room that it has is what a short message needs.
    pub(crate) const fn is_small(&self) -> bool {
        self.bytes.capacity() <= SMALL_BYTES_MAX
    }

    /// Takes all texts away.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.texts.clear();
        self.blocks.clear();
        self.plain = true;
    }

    /// Puts a text behind its key, if there is one, on a page of its own; `None` when it is too long. Whether it is ASCII.
    pub(crate) fn put_alone(&mut self, key: &str, text: &str) -> Option<bool> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        self.clear();
        self.make_room(key.len() + text.len());
        let bytes = &mut self.bytes;
        let mut begins = 0;
        if !key.is_empty() {
            copy(bytes, 1, key.as_bytes())?;
            *bytes.first_mut()? = b'"';
            begins = 1 + key.len();
            *bytes.get_mut(begins..)?.first_chunk_mut()? = *b"\": \"";
            begins += 4;
        }
        copy(bytes, begins, text.as_bytes())?;
        let end = begins + text.len();
        self.plain = is_ascii(bytes.get(..end)?);
        self.end(begins, end, 0);
        Some(self.plain)
    }

    /// Puts a text at the end of the page whose key, with its quotation marks and colon, `key` begins with, and itself with the first of its own `text`,
    /// each of so many bytes; without a key, the text alone. `None` when they cannot be copied in registers, or are not ASCII, nor what follows them.
    pub(crate) fn put(
        &mut self,
        (key, key_len): (&[u8], usize),
        (text, text_len): (&[u8], usize),
        bit: u32,
    ) -> Option<()> {
        let start = self.len;
        self.make_room(key_len + text_len);
        let mut any = u8x16::ZERO;
        let mut put = |at: usize, from: &[u8], len: usize| {
            let (from, _) = from.as_chunks::<LANES>();
            let from = from.get(..len.div_ceil(LANES))?;
            let (to, _) = self.bytes.get_mut(at..)?.as_chunks_mut::<LANES>();
            for (to, from) in to.iter_mut().zip(from) {
                any |= u8x16::new(*from);
                *to = *from;
            }
            Some(at + len)
        };
        let blank = put(start, key, key_len)?;
        let quote = blank + usize::from(key_len > 0);
        let end = put(quote, text, text_len)?;
        if key_len > 0 {
            *self.bytes.get_mut(blank)? = b' ';
        }
        let begins = quote + usize::from(key_len > 0);
        (any.to_bitmask() == 0).then(|| self.end(begins, end, bit))
    }

    /// Makes room for so many bytes more, and what belongs to them.
    fn make_room(&mut self, bytes: usize) {
        let room = self.len + bytes + MORE_ROOM;
        if self.bytes.len() < room {
            self.bytes.resize(room.next_multiple_of(TEXT_BYTES_MAX), 0);
        }
    }

    /// A text ends.
    fn end(&mut self, text: usize, end: usize, bit: u32) {
        let range = self.len..end;
        let block = Block {
            borders: 0,
            text: self.texts.len(),
        };
        self.texts.push(Line { range, text, bit });
        self.len = end + BORDER.len();
        if let Some(border) = self.bytes.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
            *border = BORDER;
        }
        let blocks = self.len / BLOCK + 1;
        if self.blocks.len() < blocks {
            self.blocks.resize(blocks, block);
        }
        for at in end..self.len {
            if let Some(block) = self.blocks.get_mut(at / BLOCK) {
                block.borders |= 1 << (at % BLOCK);
            }
        }
    }

    /// Whether all of it is ASCII. If not, one text stands there.
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// All of it; without borders where one text stands there alone that is not ASCII.
    pub(crate) fn bytes(&self) -> &[u8] {
        let border = if self.plain { 0 } else { BORDER.len() };
        let bytes = self.bytes.get(..self.len.saturating_sub(border));
        bytes.unwrap_or_default()
    }

    /// Which of the bytes from a position on, which begins a block, are of borders.
    #[inline]
    pub(crate) fn borders(&self, position: usize) -> u64 {
        let block = self.blocks.get(position / BLOCK);
        block.map_or(0, |block| block.borders)
    }

    /// All that detectors see of the text that a position lies in, as if nothing stood beside it.
    #[inline(never)]
    pub(crate) fn window(&self, position: usize) -> Window<'_> {
        let line = self.line(position);
        let range = line.map_or(position..position, |line| line.range.clone());
        let start = range.start;
        Window::new(self.bytes.get(range).unwrap_or_default(), start)
    }

    /// Where the text that a position lies in begins behind its key, and its bit.
    #[inline(never)]
    pub(crate) fn text(&self, position: usize) -> (usize, u64) {
        let line = self.line(position);
        line.map_or((position, 0), |line| (line.text, 1 << line.bit))
    }

    #[inline]
    fn line(&self, position: usize) -> Option<&Line> {
        let first = self.blocks.get(position / BLOCK)?.text;
        let mut rest = self.texts.get(first..)?.iter();
        rest.find(|line| position < line.range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_behind_their_keys_whatever_stood_there_before() {
        const BEHIND: &str = "\", and more than a register";
        let mut page = Page::default();
        let long = "x".repeat(TEXT_BYTES_MAX);
        let texts = [
            ("api_key", "abc", "\"api_key\": \"abc"),
            ("", "abc", "abc"),
            ("k", "", "\"k\": \""),
            (
                "a-key-of-17-bytes",
                &long,
                &format!("\"a-key-of-17-bytes\": \"{long}"),
            ),
            ("k", "fifteen bytes..", "\"k\": \"fifteen bytes.."),
        ];
        for _ in 0..2 {
            page.clear();
            let mut at = 0;
            for ((key, text, expected), bit) in texts.into_iter().zip(0..) {
                let (name, rest) = (format!("\"{key}\":{BEHIND}"), format!("\"{text}{BEHIND}"));
                let (name, rest) = (name.as_bytes(), rest.as_bytes());
                match key {
                    "" => page.put((&[], 0), (&rest[1..], text.len()), bit),
                    _ => page.put((name, key.len() + 3), (rest, text.len() + 1), bit),
                }
                .unwrap();
                let range = at..at + expected.len();
                for position in [range.start, range.end - 1] {
                    let ((begins, bits), window) = (page.text(position), page.window(position));
                    assert_eq!(window.range(range.clone()), expected.as_bytes());
                    assert_eq!((window.base(), window.end()), (range.start, range.end));
                    assert_eq!((begins, bits), (range.end - text.len(), 1 << bit));
                }
                for position in range.clone() {
                    assert_eq!(page.borders(position / 64 * 64) >> (position % 64) & 1, 0);
                }
                for position in range.end..range.end + 2 {
                    assert_eq!(page.borders(position / 64 * 64) >> (position % 64) & 1, 1);
                    assert_eq!(page.bytes()[position], 0);
                }
                at = range.end + 2;
            }
            let key = b"\"k\": and more than a register";
            for text in ["\"schlüssel\", and more than a register", "\"the end"] {
                let text = (text.as_bytes(), 8);
                assert_eq!(page.put((key, 4), text, 9), None);
            }
            assert!(page.bytes().len() == at && page.is_plain());
        }
        for (key, text, expected) in texts {
            assert_eq!(page.put_alone(key, text), Some(true));
            assert_eq!(page.bytes(), [expected.as_bytes(), &BORDER].concat());
            assert_eq!(page.text(0), (expected.len() - text.len(), 1));
        }
        assert_eq!(page.put_alone("k", "schlüssel"), Some(false));
        assert_eq!(page.bytes(), "\"k\": \"schlüssel".as_bytes());
        assert!(!page.is_plain());
        assert_eq!(page.put_alone("k", &"x".repeat(TEXT_BYTES_MAX + 1)), None);
    }
}
