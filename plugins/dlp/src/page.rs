//! Whole texts, each behind its key as in `"key": "text"`, one after the other: detectors look over all of them in one go, and at each trigger at the
//! text alone that it stands in. What a short text costs beside its bytes is shared by all that stand on a page.

use crate::drive::copy;
use crate::view::is_ascii;
use crate::window::Window;
use std::cell::Cell;
use std::ops::Range;

/// Longest text that is put on a page: one look instead of two.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;

/// What stands behind each text: as if nothing did.
const BORDER: [u8; 2] = [0; 2];

/// More room than what is put there: of a key's signs, of a border, and of a register behind all.
const MORE_ROOM: usize = 32;

/// Bytes that are looked at together.
const BLOCK: usize = u64::BITS as usize;

/// Whole texts.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Of these, the first `len` are the page; all others only are room.
    bytes: Vec<u8>,
    len: usize,
    texts: Vec<Line>,
    /// Which bytes are of borders: a bit for each, the lowest one first.
    borders: Vec<u64>,
    /// All of it is ASCII, and so its own view.
    plain: bool,
    /// The text that was asked for last: mostly it is the same again, or the next.
    asked: Cell<usize>,
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
    /// Takes all texts away.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.texts.clear();
        self.asked.set(0);
        self.borders.clear();
        self.plain = true;
    }

    /// Puts a text on a page of its own; `None` when it is too long. Whether it is ASCII.
    pub(crate) fn put_alone(&mut self, key: &str, text: &str) -> Option<bool> {
        self.clear();
        self.plain = false;
        self.put(key, text, 0)
    }

    /// Puts a text behind its key, if there is one, at the end of the page; `None` when it is too long. Whether it is ASCII: one that is not
    /// must stand alone.
    pub(crate) fn put(&mut self, key: &str, text: &str, bit: u32) -> Option<bool> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let start = self.len;
        let room = start + key.len() + text.len() + MORE_ROOM;
        if self.bytes.len() < room {
            self.bytes.resize(room.next_multiple_of(TEXT_BYTES_MAX), 0);
        }
        let bytes = &mut self.bytes;
        let mut end = start;
        if !key.is_empty() {
            copy(bytes, start + 1, key.as_bytes())?;
            *bytes.get_mut(start)? = b'"';
            end += 1 + key.len();
            *bytes.get_mut(end..)?.first_chunk_mut()? = *b"\": \"";
            end += 4;
        }
        let begins = end;
        copy(bytes, begins, text.as_bytes())?;
        end += text.len();
        *bytes.get_mut(end..)?.first_chunk_mut()? = BORDER;
        let plain = is_ascii(bytes.get(start..end)?);
        if plain || !self.plain {
            self.len = end + BORDER.len();
            self.plain = plain;
            self.texts.push(Line {
                range: start..end,
                text: begins,
                bit,
            });
            self.borders.resize(self.len / BLOCK + 1, 0);
            for at in end..self.len {
                if let Some(borders) = self.borders.get_mut(at / BLOCK) {
                    *borders |= 1 << (at % BLOCK);
                }
            }
        }
        Some(plain)
    }

    /// Whether all of it is ASCII. If not, one text stands there.
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// All of it; without borders where one text stands there alone that is not ASCII.
    pub(crate) fn bytes(&self) -> &[u8] {
        let border = if self.plain { 0 } else { BORDER.len() };
        self.bytes
            .get(..self.len.saturating_sub(border))
            .unwrap_or_default()
    }

    /// Which of the bytes from a position on, which begins a block, are of borders.
    #[inline]
    pub(crate) fn borders(&self, position: usize) -> u64 {
        self.borders
            .get(position / BLOCK)
            .copied()
            .unwrap_or_default()
    }

    /// The text that a position lies in: where it begins behind its key, its bit, and all that detectors see of it.
    pub(crate) fn text(&self, position: usize) -> (usize, u64, Window<'_>) {
        let mut index = self.asked.get();
        let ends = |line: &Line| line.range.end <= position;
        match self.texts.get(index..) {
            Some([line, ..]) if line.range.contains(&position) => {}
            Some([_, line, ..]) if line.range.contains(&position) => index += 1,
            _ => index = self.texts.partition_point(ends),
        }
        self.asked.set(index);
        let Some(Line { range, text, bit }) = self.texts.get(index) else {
            return (0, 0, Window::new(&[], position));
        };
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        (*text, 1 << bit, Window::new(bytes, range.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_behind_their_keys_whatever_stood_there_before() {
        let mut page = Page::default();
        let long = "x".repeat(TEXT_BYTES_MAX);
        for _ in 0..2 {
            page.clear();
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
            let mut at = 0;
            for ((key, text, expected), bit) in texts.into_iter().zip(0..) {
                assert_eq!(page.put(key, text, bit), Some(true));
                let range = at..at + expected.len();
                for position in [range.start, range.end - 1] {
                    let (begins, bits, window) = page.text(position);
                    assert_eq!(window.range(range.clone()), expected.as_bytes());
                    assert_eq!(
                        (window.base(), window.end(), bits),
                        (range.start, range.end, 1 << bit)
                    );
                    assert_eq!(begins, range.end - text.len());
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
            assert_eq!(page.put("k", "schlüssel", 9), Some(false));
            assert_eq!(page.put("k", &"x".repeat(TEXT_BYTES_MAX + 1), 9), None);
            assert!(page.bytes().len() == at && page.is_plain());
        }
        assert_eq!(page.put_alone("k", "schlüssel"), Some(false));
        assert_eq!(page.bytes(), "\"k\": \"schlüssel".as_bytes());
        assert!(!page.is_plain());
    }
}
