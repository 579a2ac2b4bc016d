//! The folded view of a text: what a reader takes it for, byte by byte, with the way back to its positions.
//!
//! Whoever hides a number from a scanner writes it so that a model still reads it: with characters of no width between its digits, in fullwidth
//! or Arabic digits, with dashes and spaces of other kinds, with letters of other scripts that look the same. The view drops the former and
//! writes ASCII for the latter ([`fold`]); all else stands in it byte for byte. A text of ASCII is its own view, at no cost.

mod fold;
mod map;

use crate::drive::padded;
use fold::{Fold, fold};
use map::Map;
use std::ops::Range;
use wide::u8x16;

/// Most bytes of a piece that are folded at once. Protects memory: each folded character takes an entry in the map.
const FOLDED_BYTES_MAX: usize = 16 * 1024;

/// The view of one text, and how much of it was given out.
#[derive(Debug, Default)]
pub(crate) struct View {
    map: Map,
    /// Bytes of the view so far.
    len: usize,
    /// Bytes of the text so far.
    text_len: usize,
}

/// Index of the first character that does not stand in the view as it is.
pub(crate) fn first_folded(text: &str) -> Option<usize> {
    if is_ascii(text.as_bytes()) {
        return None;
    }
    let folded = |(_, character): &(usize, char)| fold(*character) != Fold::Keep;
    Foreign(text, 0).find(folded).map(|(at, _)| at)
}

/// What stands behind the last character that does not stand in the view as it is, if there is one.
pub(crate) fn behind_folded(text: &str) -> Option<&str> {
    if is_ascii(text.as_bytes()) {
        return None;
    }
    let folded = |character: char| !character.is_ascii() && fold(character) != Fold::Keep;
    text.rsplit_once(folded).map(|(_, behind)| behind)
}

impl View {
    /// Of a text that is its own view up to a position.
    pub(crate) fn at(position: usize) -> Self {
        Self {
            len: position,
            text_len: position,
            ..Self::default()
        }
    }

    /// How much of a piece can be folded in one go.
    pub(crate) fn portion(piece: &str) -> usize {
        if piece.len() <= FOLDED_BYTES_MAX || is_ascii(piece.as_bytes()) {
            piece.len()
        } else {
            piece.floor_char_boundary(FOLDED_BYTES_MAX)
        }
    }

    /// Ready for a text's beginning.
    pub(crate) fn reset(&mut self) {
        self.map.clear();
        (self.len, self.text_len) = (0, 0);
    }

    /// Takes so many bytes of a text that is its own view.
    pub(crate) const fn pass(&mut self, bytes: usize) {
        self.len += bytes;
        self.text_len += bytes;
    }

    /// Takes the next piece of the text. Its view is `None` when it is the piece itself, else it is appended to `out`.
    pub(crate) fn push(&mut self, piece: &str, out: &mut Vec<u8>) -> bool {
        if is_ascii(piece.as_bytes()) {
            self.pass(piece.len());
            return false;
        }
        let bytes = piece.as_bytes();
        let mut copied = 0;
        let before = out.len();
        let mut folded_any = false;
        for (at, character) in Foreign(piece, 0) {
            let folded = fold(character);
            if let Fold::Keep = folded {
                continue;
            }
            folded_any = true;
            out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
            copied = at + character.len_utf8();
            let position = self.len + (out.len() - before);
            match folded {
                Fold::Keep => {}
                Fold::Drop => self.map.dropped(position, self.text_len + copied),
                Fold::To(byte) => {
                    out.push(byte);
                    self.map.folded(position + 1, self.text_len + copied);
                }
            }
        }
        self.text_len += bytes.len();
        if !folded_any {
            self.len += bytes.len();
            return false;
        }
        out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        self.len += out.len() - before;
        true
    }

    /// Bytes of the view so far.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Whether it is the text so far: what folds takes fewer bytes.
    pub(crate) const fn is_text(&self) -> bool {
        self.len == self.text_len
    }

    /// The bytes of the text that a range of the view stands for.
    pub(crate) fn text_range(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.map.begin(range.start);
        start..self.map.end(range.end).max(start)
    }

    /// The position in the text of a position in the view.
    pub(crate) fn text_position(&self, position: usize) -> usize {
        self.map.end(position)
    }

    /// Forgets the way back from what lies before a position of the view.
    pub(crate) fn forget(&mut self, position: usize) {
        self.map.forget(position);
    }
}

/// The characters beyond ASCII, each with its position.
struct Foreign<'a>(&'a str, usize);

impl Iterator for Foreign<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<(usize, char)> {
        let Self(text, from) = self;
        let rest = text.as_bytes().get(*from..)?;
        let skip = first_foreign(rest)?;
        let at = *from + skip;
        let character = text.get(at..)?.chars().next()?;
        *from = at + character.len_utf8();
        Some((at, character))
    }
}

/// Bytes of which one look tells whether any is beyond ASCII: four registers of sixteen lanes (SSE2, wasm simd128).
const STRIDE: usize = 64;

/// Whether a text is nothing but ASCII. Asked of every text, some of which come in megabytes.
#[inline]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<STRIDE>();
    chunks.iter().all(all_ascii) && few_ascii(rest)
}

/// The same of fewer bytes than a stride: most texts are that short.
#[inline]
fn few_ascii(bytes: &[u8]) -> bool {
    let (lanes, few) = bytes.as_chunks::<16>();
    let mut any = match bytes.last_chunk() {
        Some(last) => u8x16::new(*last),
        None => u8x16::new(padded(few)),
    };
    for sixteen in lanes {
        any |= u8x16::new(*sixteen);
    }
    any.to_bitmask() == 0
}

#[inline]
fn all_ascii(chunk: &[u8; STRIDE]) -> bool {
    // By name: as a loop it takes several times as long where LLVM unrolls none.
    let ([a, b, c, d], _) = chunk.as_chunks::<16>() else {
        return false;
    };
    let any = u8x16::new(*a) | u8x16::new(*b) | u8x16::new(*c) | u8x16::new(*d);
    any.to_bitmask() == 0
}

/// Index of the first byte beyond ASCII.
fn first_foreign(bytes: &[u8]) -> Option<usize> {
    let (chunks, _) = bytes.as_chunks::<STRIDE>();
    let mut at = chunks.iter().take_while(|chunk| all_ascii(chunk)).count() * STRIDE;
    let (lanes, rest) = bytes.get(at..)?.as_chunks::<16>();
    for sixteen in lanes {
        let foreign = u8x16::new(*sixteen).to_bitmask();
        if foreign != 0 {
            return Some(at + foreign.trailing_zeros() as usize);
        }
        at += 16;
    }
    Some(at + rest.iter().position(|byte| !byte.is_ascii())?)
}

#[cfg(test)]
#[allow(clippy::string_slice, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn viewed(pieces: &[&str]) -> (Vec<u8>, View) {
        let (mut view, mut out) = (View::default(), Vec::new());
        for piece in pieces {
            if !view.push(piece, &mut out) {
                out.extend_from_slice(piece.as_bytes());
            }
        }
        assert_eq!(view.len(), out.len());
        (out, view)
    }

    #[test]
    fn disguises_are_read_as_what_they_look_like() {
        for (text, view) in [
            ("536-\u{200b}90-4\u{ad}399", "536-90-4399"),
            ("５３６－９０－４３９９", "536-90-4399"),
            ("٥٣٦-٩٠-٤٣٩٩", "536-90-4399"),
            ("536\u{a0}90\u{2009}4399", "536 90 4399"),
            ("sk–ant—api‑03", "sk-ant-api-03"),
            ("ghp_2zbJYАxyL1аCc", "ghp_2zbJYAxyL1aCc"),
            ("ｇｈｐ＿２ｚ", "ghp_2z"),
            ("𝟓𝟑𝟔 𝐀𝐊𝐈𝐀 ⓐ①", "536 AKIA a1"),
            ("4\u{336}1\u{336}", "41"),
            ("naïve café 日本 ✅", "naïve café 日本 ✅"),
        ] {
            let (bytes, _) = viewed(&[text]);
            assert_eq!(std::str::from_utf8(&bytes).unwrap(), view);
        }
    }

    #[test]
    fn positions_lead_back() {
        let text = "a\u{200b}\u{200b}５b\u{200b}６\u{200b}éc";
        let (bytes, view) = viewed(&[text]);
        assert_eq!(bytes, "a5b6éc".as_bytes());
        let back = |range: Range<usize>| &text[view.text_range(&range)];
        assert_eq!(back(0..1), "a");
        assert_eq!(back(1..2), "５");
        assert_eq!(back(2..3), "b");
        assert_eq!(back(3..4), "６");
        assert_eq!(back(1..4), "５b\u{200b}６");
        assert_eq!(back(4..6), "é");
        assert_eq!(back(6..7), "c");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[a5é\u{200b}５А🚧 -]{0,24}", cut in 0usize..24) {
            let cut = text.floor_char_boundary(cut);
            let (whole, one) = viewed(&[&text]);
            let (parts, two) = viewed(&[&text[..cut], &text[cut..]]);
            prop_assert_eq!(&whole, &parts);
            for start in 0..whole.len() {
                for end in start + 1..=whole.len() {
                    let range = one.text_range(&(start..end));
                    prop_assert_eq!(&range, &two.text_range(&(start..end)));
                    if let Ok(piece) = std::str::from_utf8(&whole[start..end]) && text.is_char_boundary(range.start) {
                        let (again, _) = viewed(&[&text[range]]);
                        prop_assert_eq!(again, piece.as_bytes());
                    }
                }
            }
        }
    }
}
