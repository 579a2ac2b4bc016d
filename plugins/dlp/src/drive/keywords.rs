//! Finds keywords: at every position a look at three bytes in a table of bits, and at the keywords themselves where a bit is set.
//!
//! An Aho-Corasick automaton waits for each state before it can look up the next. Here no look depends on the one before, so a processor does
//! several at once; and of each keyword the three bytes are looked for that text has least often, so that few looks find a bit.

use crate::window::Window;
use portcullis_policy::sort::sort_by;
use std::ops::Range;

/// Bytes that are looked at together.
const LOOK: usize = 3;

/// Bytes that are read at once: two words of eight, which share two.
const STRIDE: usize = 14;

/// Bits of the table, as a power of two: 8 KiB, so that table and text stay in the first-level cache.
const TABLE_BITS: u32 = 16;

/// The bytes of a look, in four that are read at once.
const LOOK_MASK: u32 = 0xFF_FFFF;

/// Bits of a hash by which looks are found.
const BUCKET_BITS: u32 = 12;

/// Fewest bytes of a keyword: a shorter one would be found everywhere.
pub(crate) const KEYWORD_BYTES_MIN: usize = LOOK;

/// A byte string that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keyword {
    /// As it is written; in lower case when any case will do.
    bytes: Vec<u8>,
    any_case: bool,
    /// Which detectors it concerns.
    pub(super) entries: Vec<u16>,
    /// Where in it the look is taken.
    look_at: usize,
}

impl Keyword {
    /// Whether it stands at the beginning of the bytes, as far as they go.
    fn begins(&self, bytes: &[u8]) -> bool {
        let len = bytes.len().min(self.bytes.len());
        let (Some(found), Some(wanted)) = (bytes.get(..len), self.bytes.get(..len)) else {
            return false;
        };
        if self.any_case {
            found.eq_ignore_ascii_case(wanted)
        } else {
            found == wanted
        }
    }
}

/// All keywords.
#[derive(Debug)]
pub(super) struct Keywords {
    table: Box<[u32; 1 << (TABLE_BITS - 5)]>,
    keywords: Vec<Keyword>,
    /// Where a look with a bit leads: hash, what was looked at, keyword. Sorted.
    looks: Vec<(u16, u32, u16)>,
    /// Where those begin that have so high a hash.
    buckets: Box<[u16; (1 << BUCKET_BITS) + 1]>,
}

/// A keyword where it stands.
pub(super) struct Hit<'k> {
    pub(super) keyword: &'k Keyword,
    pub(super) at: Range<usize>,
}

impl Keywords {
    /// Of keywords with the detectors they concern and whether their case matters.
    pub(super) fn new(words: impl IntoIterator<Item = (&'static str, bool, u16)>) -> Self {
        let mut keywords: Vec<Keyword> = Vec::new();
        for (word, any_case, entry) in words {
            let bytes = word.as_bytes().to_vec();
            let known = keywords
                .iter_mut()
                .find(|known| known.bytes == bytes && known.any_case == any_case);
            match known {
                Some(known) if known.entries.contains(&entry) => {}
                Some(known) => known.entries.push(entry),
                None => keywords.push(Keyword {
                    look_at: rarest(&bytes),
                    bytes,
                    any_case,
                    entries: vec![entry],
                }),
            }
        }
        let mut looks = Vec::new();
        for (keyword, index) in keywords.iter().zip(0..) {
            let look = keyword.bytes.get(keyword.look_at..).unwrap_or_default();
            let cases = if keyword.any_case { 1 << LOOK } else { 1 };
            for upper in 0..cases {
                let mut bytes = [0; 4];
                for (index, (place, byte)) in bytes.iter_mut().zip(look).take(LOOK).enumerate() {
                    *place = if upper >> index & 1 == 1 {
                        byte.to_ascii_uppercase()
                    } else {
                        *byte
                    };
                }
                looks.push((u32::from_le_bytes(bytes), index));
            }
        }
        let mut looks: Vec<_> = looks
            .into_iter()
            .map(|(look, index)| (hash(look), look, index))
            .collect();
        sort_by(&mut looks, Ord::cmp);
        looks.dedup();
        let mut table = Box::new([0; 1 << (TABLE_BITS - 5)]);
        for (hash, _, _) in &looks {
            if let Some(word) = table.get_mut(usize::from(*hash) / 32) {
                *word |= 1_u32 << (hash % 32);
            }
        }
        let mut buckets = Box::new([0; (1 << BUCKET_BITS) + 1]);
        for (bucket, first) in buckets.iter_mut().enumerate() {
            let before = looks.partition_point(|(hash, _, _)| bucket_of(*hash) < bucket);
            *first = u16::try_from(before).unwrap_or(u16::MAX);
        }
        Self {
            table,
            keywords,
            looks,
            buckets,
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.table) + self.looks.capacity() * size_of::<(u16, u32, u16)>()
    }

    #[inline]
    fn bit(&self, look: u32) -> bool {
        let hash = hash(look & LOOK_MASK);
        let word = self.table.get(usize::from(hash) / 32).copied();
        word.unwrap_or_default() >> (hash % 32) & 1 == 1
    }

    /// Whether a bit is set for any look that begins and ends in these bytes.
    #[inline]
    fn any(&self, bytes: &[u8; STRIDE]) -> bool {
        // Words of eight bytes have six looks each.
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = *bytes;
        let words = [
            u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            u64::from_le_bytes([g, h, i, j, k, l, m, n]),
        ];
        let mut any = 0;
        for word in words {
            for shift in [0, 8, 16, 24, 32, 40] {
                let hash = hash((word >> shift) as u32 & LOOK_MASK);
                let bits = self.table.get(usize::from(hash) / 32).copied();
                any |= bits.unwrap_or_default() >> (hash % 32);
            }
        }
        any & 1 == 1
    }

    /// Calls `found` for every keyword whose look is taken at `from` or behind. Returns from where on to go on when more bytes are known: what
    /// is cut off by the end of the window is found then. With `last` nothing is.
    pub(super) fn find(
        &self,
        window: Window<'_>,
        from: usize,
        last: bool,
        mut found: impl FnMut(Hit<'_>),
    ) -> usize {
        if self.keywords.is_empty() {
            return window.end();
        }
        let bytes = window.from(from);
        let mut index = 0;
        while let Some(stretch) = bytes.get(index..).and_then(<[u8]>::first_chunk::<STRIDE>) {
            if self.any(stretch) {
                for offset in 0..STRIDE - LOOK + 1 {
                    let look = bytes.get(index + offset..).unwrap_or_default();
                    let [a, b, c] = look.first_chunk::<LOOK>().copied().unwrap_or_default();
                    if self.bit(u32::from_le_bytes([a, b, c, 0]))
                        && !self.at(window, from + index + offset, last, &mut found)
                    {
                        return from + index + offset;
                    }
                }
            }
            index += STRIDE - LOOK + 1;
        }
        while let Some([a, b, c]) = bytes.get(index..).and_then(<[u8]>::first_chunk::<LOOK>) {
            if self.bit(u32::from_le_bytes([*a, *b, *c, 0]))
                && !self.at(window, from + index, last, &mut found)
            {
                return from + index;
            }
            index += 1;
        }
        from + index
    }

    /// The keywords whose look is taken at a position; false when one of them may be cut off.
    #[inline(never)]
    fn at(
        &self,
        window: Window<'_>,
        position: usize,
        last: bool,
        found: &mut impl FnMut(Hit<'_>),
    ) -> bool {
        let mut look = [0; 4];
        for (place, byte) in look.iter_mut().zip(window.from(position)).take(LOOK) {
            *place = *byte;
        }
        let look = u32::from_le_bytes(look);
        let bucket = bucket_of(hash(look));
        let bound = |bucket: usize| self.buckets.get(bucket).map_or(0, |at| usize::from(*at));
        let here = self.looks.get(bound(bucket)..bound(bucket + 1));
        let here = here
            .unwrap_or_default()
            .iter()
            .filter(|(_, seen, _)| *seen == look)
            .filter_map(|(_, _, index)| {
                let keyword = self.keywords.get(usize::from(*index))?;
                let start = position.checked_sub(keyword.look_at)?;
                let bytes = window.slice(start)?;
                keyword.begins(bytes).then_some((keyword, start))
            });
        let end = window.end();
        let cut = |(keyword, start): &(&Keyword, usize)| start + keyword.bytes.len() > end;
        if !last && here.clone().any(|hit| cut(&hit)) {
            return false;
        }
        for (keyword, start) in here.filter(|hit| !cut(hit)) {
            found(Hit {
                keyword,
                at: start..start + keyword.bytes.len(),
            });
        }
        true
    }
}

#[inline]
fn hash(look: u32) -> u16 {
    (look.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_BITS)) as u16
}

const fn bucket_of(hash: u16) -> usize {
    (hash >> (TABLE_BITS - BUCKET_BITS)) as usize
}

/// Where the bytes of a keyword begin that text has least often, as prose, code and JSON have them.
fn rarest(bytes: &[u8]) -> usize {
    let rarity = |window: &[u8]| -> u32 {
        window
            .iter()
            .map(|byte| match byte.to_ascii_lowercase() {
                b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 1,
                b'l' | b'c' | b'd' | b'u' | b'p' | b'm' | b'-' | b'"' | b':' => 2,
                b'h' | b'f' | b'g' | b'b' | b'y' | b'v' | b'0'..=b'9' => 3,
                b'_' | b'/' | b'.' | b'\'' => 3,
                b'j' | b'z' => 5,
                _ => 4,
            })
            .sum()
    };
    let windows = bytes.windows(LOOK).enumerate();
    let best = windows.max_by_key(|(at, window)| (rarity(window), usize::MAX - at));
    best.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: [(&str, bool); 6] = [
        ("sk-", false),
        ("sk-ant-", false),
        ("AKIA", false),
        ("password", true),
        ("-----BEGIN", false),
        ("ghp_", false),
    ];

    fn keywords() -> Keywords {
        Keywords::new(
            WORDS
                .iter()
                .zip(0..)
                .map(|((word, any_case), entry)| (*word, *any_case, entry)),
        )
    }

    fn found(text: &str, cuts: &[usize]) -> Vec<(u16, Range<usize>)> {
        let (keywords, mut found, mut from) = (keywords(), Vec::new(), 0);
        for end in cuts.iter().copied().chain([text.len()]) {
            let (end, last) = (end.min(text.len()), end == text.len());
            let window = Window::new(&text.as_bytes()[..end], 0);
            from = keywords.find(window, from, last, |hit| {
                found.push((hit.keyword.entries[0], hit.at));
            });
        }
        found.sort_by_key(|(entry, at)| (at.start, *entry));
        found
    }

    fn expected(text: &str) -> Vec<(u16, Range<usize>)> {
        let mut found = Vec::new();
        for ((word, any_case), entry) in WORDS.iter().zip(0..) {
            for at in 0..(text.len() + 1).saturating_sub(word.len()) {
                let here = &text.as_bytes()[at..at + word.len()];
                if here == word.as_bytes()
                    || *any_case && here.eq_ignore_ascii_case(word.as_bytes())
                {
                    found.push((entry, at..at + word.len()));
                }
            }
        }
        found.sort_by_key(|(entry, at)| (at.start, *entry));
        found
    }

    proptest! {
        #[test]
        fn all_are_found_wherever_the_text_is_cut(
            parts in prop::collection::vec("sk-|sk-ant-|AKIA|PassWord|-----BEGIN|ghp_|[sk-]{1,3}|[a-z ]{1,9}", 0..8),
            mut cuts in prop::collection::vec(0usize..60, 0..4),
        ) {
            let text = parts.concat();
            cuts.sort_unstable();
            cuts.retain(|cut| *cut < text.len());
            prop_assert_eq!(found(&text, &cuts), expected(&text));
        }
    }
}
