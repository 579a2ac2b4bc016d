//! Sixty-four bytes at a time: which of them are of a kind.

use wide::u8x16;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// For each kind a bit for each byte of a block, the first byte's being the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    /// `0` to `9`.
    pub(super) digits: u64,
    /// Letters and digits of ASCII, `+`, `/`, `-` and `_`: both alphabets of base64.
    pub(super) word: u64,
    /// `@`.
    pub(super) at: u64,
    /// What can begin an escape: `%`, `\` and `&`.
    pub(super) escapes: u64,
}

/// Bytes of a register.
pub(super) const LANES: usize = 16;

impl Kinds {
    /// Of up to sixty-four bytes; what is missing is of no kind.
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut seldom = u8x16::ZERO;
        let mut look = |bytes: u8x16| {
            let classes = classes(bytes);
            seldom |= classes.simd_eq(u8x16::splat(SELDOM));
            // A mask is made of the highest bits: what is more than that gets one.
            let word = classes.saturating_add(u8x16::splat(0x7F - NO_WORD_MAX));
            [classes, word]
        };
        let [digits, word] = match bytes.as_array() {
            Some(block) => whole(block, look),
            None => masks(bytes, &mut look),
        };
        let mut kinds = Self {
            digits,
            word,
            ..Self::default()
        };
        if seldom.any() {
            [kinds.at, kinds.escapes] = masks(bytes, |bytes| {
                let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
                [is(b'@'), is(b'%') | is(b'&') | is(b'\\')]
            });
        }
        kinds
    }
}

/// Which of up to sixty-four bytes are letters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letters {
    pub(crate) ascii: u64,
    /// Those of them that are small.
    pub(crate) small: u64,
    /// Bytes beyond ASCII, of letters as a rule.
    pub(crate) others: u64,
}

impl Letters {
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let [ascii, small, others] = masks(bytes, |bytes| {
            let small = within(bytes, b'a', b'z');
            [within(bytes | u8x16::splat(0x20), b'a', b'z'), small, bytes]
        });
        Self {
            ascii,
            small,
            others,
        }
    }

    /// Either.
    #[inline]
    pub(crate) const fn any(self) -> u64 {
        self.ascii | self.others
    }
}

/// What words are made of, as classes that are bits of a byte. The highest is a digit's.
#[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
const WORD: u8 = DIGIT | 0x3c;
#[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
const DIGIT: u8 = 0x80;

/// What has no more is of no word.
const NO_WORD_MAX: u8 = 3;

/// All bits of what is looked at more closely: `@`, and what can begin an escape.
const SELDOM: u8 = 1;

/// Which classes each byte has, by its halves: what is of a class has a bit of it in both tables.
#[cfg(any(target_feature = "simd128", target_feature = "ssse3", test))]
#[inline]
fn classes_by_halves(bytes: u8x16) -> u8x16 {
    // Bits of words: `A` to `O` with `a` to `o`, `P` to `Z` with `p` to `z`, `+-/`, `_`; the second tells a comma from an escape, and a space.
    const LOW: [u8; 16] = *b"\x93\xb0\xb0\xb0\xb0\xb1\xb1\xb0\xb0\xb0\x30\x28\x23\x28\x20\x2c";
    const HIGH: [u8; 16] = *b"\0\0\x0b\x80\x21\x15\x20\x10\0\0\0\0\0\0\0\0";
    let low = u8x16::new(LOW).shuffle(bytes & u8x16::splat(15));
    let high = u8x16::new(HIGH).shuffle(bytes >> 4);
    low & high
}

/// The same where there is no swizzle.
#[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
#[inline]
fn classes_by_ranges(bytes: u8x16) -> u8x16 {
    let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
    let of = |lanes: u8x16, class: u8| lanes & u8x16::splat(class);
    let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
    let signs = (bytes | u8x16::splat(2)).simd_eq(u8x16::splat(b'/')) | is(b'+') | is(b'_');
    let seldom = is(b'@') | is(b'%') | is(b'&') | is(b'\\');
    of(within(bytes, b'0', b'9'), DIGIT) | of(letters | signs, WORD & !DIGIT) | of(seldom, SELDOM)
}

#[cfg(any(target_feature = "simd128", target_feature = "ssse3"))]
use classes_by_halves as classes;
#[cfg(not(any(target_feature = "simd128", target_feature = "ssse3")))]
use classes_by_ranges as classes;

/// Which bytes lie between two, both included.
#[inline]
pub(crate) fn within(bytes: u8x16, first: u8, last: u8) -> u8x16 {
    let offset = bytes - u8x16::splat(first);
    offset.min(u8x16::splat(last - first)).simd_eq(offset)
}

/// As [`masks`], of sixty-four bytes.
#[inline(always)]
fn whole<const KINDS: usize>(
    block: &[u8; BLOCK],
    mut look: impl FnMut(u8x16) -> [u8x16; KINDS],
) -> [u64; KINDS] {
    let mut masks = [0; KINDS];
    let ([one, two, three, four], _) = block.as_chunks::<LANES>() else {
        return masks;
    };
    let mut both = |one: &[u8; LANES], other: &[u8; LANES], at: usize| {
        let (one, other) = (look(u8x16::new(*one)), look(u8x16::new(*other)));
        for (mask, (one, other)) in masks.iter_mut().zip(one.into_iter().zip(other)) {
            let both = one.to_bitmask() | other.to_bitmask() << LANES;
            *mask |= u64::from(both) << at;
        }
    };
    both(one, two, 0);
    both(three, four, 2 * LANES);
    masks
}

/// Which of up to sixty-four bytes are of a kind: `look` says it of a register's.
#[inline(always)]
pub(crate) fn masks<const KINDS: usize>(
    bytes: &[u8],
    mut look: impl FnMut(u8x16) -> [u8x16; KINDS],
) -> [u64; KINDS] {
    let mut masks = [0; KINDS];
    // A register without its first few bytes, the next of which stands at `first`.
    let mut add = |bytes: &[u8; LANES], skipped: usize, first: usize| {
        for (mask, found) in masks.iter_mut().zip(look(u8x16::new(*bytes))) {
            *mask |= u64::from(found.to_bitmask() >> skipped) << first;
        }
    };
    let (quarters, rest) = bytes.as_chunks::<LANES>();
    let mut first = 0;
    for quarter in quarters {
        add(quarter, 0, first);
        first += LANES;
    }
    if !rest.is_empty() {
        // What is left is looked at together with what stands before it, or with nothing behind it.
        match bytes.last_chunk::<LANES>() {
            Some(quarter) => add(quarter, LANES - rest.len(), first),
            None => {
                add(&padded(rest), 0, 0);
                return masks.map(|mask| mask & !(u64::MAX << rest.len()));
            }
        }
    }
    masks
}

/// Up to so many bytes with nothing behind them; put together of whole words, for a copy of few bytes is a call.
#[inline]
pub(crate) fn padded(bytes: &[u8]) -> [u8; LANES] {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let len = bytes.len();
    let words = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        match len {
            8 => [word(first), 0],
            _ => [word(first), word(last) >> (8 * (16 - len.min(15)))],
        }
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        [half(first) | half(last) << (8 * (len - 4)), 0]
    } else {
        let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte) << (8 * at));
        [byte(0) | byte(1) | byte(2), 0]
    };
    let mut padded = [0; LANES];
    for (place, word) in padded.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    padded
}

/// Copies bytes in registers, for a copy of few bytes is a call. What stands behind them is overwritten.
pub(crate) fn copy(room: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    let room = room.get_mut(at..at + bytes.len() + LANES)?;
    let (places, _) = room.as_chunks_mut();
    let (chunks, rest) = bytes.as_chunks::<LANES>();
    let mut places = places.iter_mut();
    for (chunk, place) in chunks.iter().zip(places.by_ref()) {
        *place = *chunk;
    }
    *places.next()? = padded(rest);
    Some(())
}

/// Whether each byte is the one so many before it.
pub(crate) fn repeats(bytes: &[u8], period: usize) -> bool {
    let from = bytes.get(period..).unwrap_or_default();
    same(bytes, from) == from.len()
}

/// With how many bytes both begin. What the core library compares goes byte by byte in wasm.
#[inline(never)]
pub(super) fn same(one: &[u8], other: &[u8]) -> usize {
    let mut parts = one.as_chunks::<LANES>().0.iter().zip(other.as_chunks().0);
    let is_same = |(one, other): &(&[u8; LANES], &[u8; LANES])| {
        u8x16::new(**one).simd_eq(u8x16::new(**other)).all()
    };
    let whole = LANES * parts.by_ref().take_while(is_same).count();
    let [one, other] = [one, other].map(|bytes| bytes.get(whole..).unwrap_or_default());
    let rest = one
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other);
    whole + rest.count()
}

/// The positions of set bits, from the lowest.
pub(crate) fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_nothing() {
        let bytes: Vec<u8> = (1..=15).collect();
        for len in 0..=15 {
            let mut expected = [0; LANES];
            expected[..len].copy_from_slice(&bytes[..len]);
            assert_eq!(padded(&bytes[..len]), expected);
        }
    }

    #[test]
    fn what_repeats_does_to_its_end() {
        for (text, period) in [
            ("abcabcabcabcabcabcab", 3),
            ("aaaaaaaaaaaaaaaa", 1),
            ("", 1),
        ] {
            assert!(repeats(text.as_bytes(), period));
        }
        for text in [
            "abcabcabcabcabcabcaa",
            "abcabdabcabcabcabcab",
            "abcabcabcabcabcabdab",
        ] {
            assert!(!repeats(text.as_bytes(), 3));
        }
    }

    #[test]
    fn both_ways_tell_the_same_classes() {
        for byte in 0..=u8::MAX {
            let one = classes_by_halves(u8x16::splat(byte)).to_array()[0];
            let other = classes_by_ranges(u8x16::splat(byte)).to_array()[0];
            for class in [DIGIT, WORD] {
                assert_eq!(one & class == 0, other & class == 0, "{byte}");
            }
            assert_eq!(one > NO_WORD_MAX, one & WORD != 0, "{byte}");
            assert_eq!(other > NO_WORD_MAX, other & WORD != 0, "{byte}");
            assert_eq!(one == SELDOM, other == SELDOM, "{byte}");
        }
    }

    #[test]
    fn every_byte_is_of_its_kinds() {
        for byte in 0..=u8::MAX {
            for at in [0, 15, 16, 63] {
                let mut block = [b'.'; BLOCK];
                block[at] = byte;
                let is = |kind: bool| u64::from(kind) << at;
                let expected = Kinds {
                    digits: is(byte.is_ascii_digit()),
                    word: is(byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)),
                    at: is(byte == b'@'),
                    escapes: is(b"%&\\".contains(&byte)),
                };
                assert_eq!(Kinds::of(&block), expected, "{byte} {at}");
                assert_eq!(Kinds::of(&block[..=at]), expected, "{byte} {at}");
            }
        }
    }
}
