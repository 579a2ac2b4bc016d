//! The part of a text that is at hand.

use portcullis_pattern::Neighbor;
use std::ops::Range;

/// Neighboring bytes of a text. Positions are bytes from the beginning of the whole text, not of the window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    bytes: &'a [u8],
    base: usize,
}

impl<'a> Window<'a> {
    /// `bytes` stand at `base` of the text.
    pub(crate) const fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, base }
    }

    /// The position of its first byte.
    pub(crate) const fn base(&self) -> usize {
        self.base
    }

    /// The position behind its last byte.
    pub(crate) const fn end(&self) -> usize {
        self.base + self.bytes.len()
    }

    /// The byte at a position; `None` when it is not at hand.
    #[inline(always)]
    pub(crate) fn byte(&self, position: usize) -> Option<u8> {
        // Before the first one there is no byte of so high an index.
        self.bytes.get(position.wrapping_sub(self.base)).copied()
    }

    /// All bytes from a position on.
    pub(crate) fn from(&self, position: usize) -> &'a [u8] {
        self.bytes
            .get(position.saturating_sub(self.base)..)
            .unwrap_or_default()
    }

    /// What stands in a range; `None` when it is longer than `bytes_max` or not at hand in whole characters.
    pub(crate) fn text(&self, range: &Range<usize>, bytes_max: usize) -> Option<&'a str> {
        let start = range.start.checked_sub(self.base)?;
        let bytes = self.bytes.get(start..range.end.checked_sub(self.base)?)?;
        std::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.len() <= bytes_max)
    }

    /// All bytes from a position on; `None` when the first is not at hand.
    pub(crate) fn slice(&self, position: usize) -> Option<&'a [u8]> {
        self.bytes.get(position.checked_sub(self.base)?..)
    }

    /// The bytes of a range, as far as they are at hand.
    pub(crate) fn range(&self, range: Range<usize>) -> &'a [u8] {
        let start = range.start.max(self.base) - self.base;
        let end = range.end.min(self.end()).saturating_sub(self.base);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// What stands before a position.
    pub(crate) fn before(&self, position: usize) -> Neighbor {
        Neighbor::of(position.checked_sub(1).and_then(|before| self.byte(before)))
    }

    /// The beginning of the character that a position lies in; the position itself when a character begins there.
    pub(crate) fn character(&self, position: usize) -> usize {
        const CONTINUES: std::ops::RangeInclusive<u8> = 0x80..=0xBF;
        let mut start = position;
        while start > self.base
            && self
                .byte(start)
                .is_some_and(|byte| CONTINUES.contains(&byte))
        {
            start -= 1;
        }
        start
    }
}
