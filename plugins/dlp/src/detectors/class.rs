//! Sets of ASCII characters.

use wide::u8x16;

/// Bytes that are looked at together.
pub(super) const LANES: usize = 16;

/// A set of ASCII characters: the alphabet of a key. By the lower half of a byte, the upper halves with which it is in it: a bit for each, none for
/// those beyond ASCII.
#[derive(Debug, Clone, Copy, Eq)]
pub(crate) struct Class([u8; LANES]);

impl PartialEq for Class {
    /// As a number: arrays are compared by a call.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

pub(super) const DIGIT: Class = Class::of("0-9");
pub(super) const LOWER_HEX: Class = Class::of("0-9a-f");
pub(super) const HEX: Class = Class::of("0-9a-fA-F");
pub(super) const LOWER: Class = Class::of("0-9a-z");
pub(super) const UPPER: Class = Class::of("0-9A-Z");
pub(super) const ALNUM: Class = Class::of("0-9A-Za-z");
/// `\w` of regular expressions.
pub(super) const WORD: Class = Class::of("0-9A-Za-z_");
/// The alphabet of base64url (RFC 4648, section 5), without padding.
pub(super) const URL: Class = Class::of("0-9A-Za-z_\\-");
/// [`URL`] and what test data and some vendors put beside it.
pub(super) const URL_PADDED: Class = Class::of("0-9A-Za-z_=\\-");
/// The alphabet of base64 (RFC 4648, section 4), padding too.
pub(crate) const BASE64: Class = Class::of("0-9A-Za-z+/=");

impl Class {
    /// Characters and ranges of them (`a-z`); a backslash takes the special meaning from what follows it.
    pub(crate) const fn of(characters: &str) -> Self {
        let mut rest = characters.as_bytes();
        let mut set = Self([0; LANES]);
        loop {
            let (first, last, behind) = match rest {
                [] => return set,
                [b'\\', one, behind @ ..] => (*one, *one, behind),
                [first, b'-', last, behind @ ..] => (*first, *last, behind),
                [one, behind @ ..] => (*one, *one, behind),
            };
            let mut byte = first;
            while byte <= last {
                set.add(byte);
                byte += 1;
            }
            rest = behind;
        }
    }

    // Evaluated when a class is compiled.
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    const fn add(&mut self, byte: u8) {
        assert!(byte.is_ascii());
        self.0[(byte & 15) as usize] |= 1 << (byte >> 4);
    }

    /// Whether both have the same characters; what is derived is a call.
    #[inline]
    pub(super) const fn is(&self, other: &Self) -> bool {
        u128::from_le_bytes(self.0) == u128::from_le_bytes(other.0)
    }

    /// A number of so many bits that few others have: hardly two of those with which long runs are looked at.
    pub(super) const fn mixed(&self, bits: u32) -> u32 {
        let set = u128::from_le_bytes(self.0);
        let (low, high) = (set as u64, (set >> 64) as u64);
        let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9F07_8AD9_7ADB_CC8F);
        (mixed >> (u64::BITS - bits)) as u32
    }

    /// Whether it has this byte.
    #[inline]
    pub(crate) fn has(&self, byte: u8) -> bool {
        // Always at hand, so this is a plain load.
        let halves = self.0.get(usize::from(byte & 15)).copied();
        u32::from(halves.unwrap_or_default()) >> (byte >> 4) & 1 == 1
    }

    /// How many of the bytes that a text begins with it has.
    #[inline(never)]
    pub(crate) fn span(&self, bytes: &[u8]) -> usize {
        #[cfg(any(target_feature = "simd128", target_feature = "ssse3"))]
        let known = self.whole(bytes);
        #[cfg(not(any(target_feature = "simd128", target_feature = "ssse3")))]
        let known = (0, bytes);
        let (inside, rest) = known;
        inside + rest.iter().take_while(|byte| self.has(**byte)).count()
    }

    /// The same, sixteen bytes at a time, and what is left to look at.
    #[cfg(any(target_feature = "simd128", target_feature = "ssse3", test))]
    #[inline]
    fn whole<'a>(&self, bytes: &'a [u8]) -> (usize, &'a [u8]) {
        let (mut at, mut rest) = (0, bytes);
        while let Some(part) = rest.first_chunk::<LANES>() {
            let inside = self.lanes(u8x16::new(*part)).trailing_ones() as usize;
            at += inside;
            if inside < LANES {
                return (at, &[]);
            }
            rest = rest.get(LANES..).unwrap_or_default();
        }
        (at, rest)
    }

    /// Which of sixteen bytes it has.
    #[cfg(any(target_feature = "simd128", target_feature = "ssse3", test))]
    #[inline]
    fn lanes(&self, bytes: u8x16) -> u32 {
        self.members(bytes).to_bitmask()
    }

    /// The same, as lanes all of whose bits are set.
    #[inline(always)]
    pub(crate) fn members(&self, bytes: u8x16) -> u8x16 {
        const HALVES: [u8; LANES] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
        let low = u8x16::new(self.0).shuffle(bytes & u8x16::splat(15));
        let high = u8x16::new(HALVES).shuffle(bytes >> 4);
        !(low & high).simd_eq(u8x16::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_escapes() {
        let set: String = (0..=255_u8)
            .filter(|byte| Class::of("0-3x\\-_").has(*byte))
            .map(char::from)
            .collect();
        assert_eq!(set, "-0123_x");
        assert!(URL.has(b'-') && !URL.has(b'+') && !ALNUM.has(0xC3));
    }

    #[test]
    fn spans_end_where_a_byte_is_outside() {
        for class in [ALNUM, URL, BASE64, DIGIT, Class::of("!-~"), Class::of("")] {
            for byte in 0..=u8::MAX {
                for at in [0, 3, 15, 16, 17, 40] {
                    let mut text = [b'A'; 41];
                    text[at] = byte;
                    let expected = text.iter().take_while(|byte| class.has(**byte)).count();
                    assert_eq!(class.span(&text), expected, "{byte} {at}");
                    let (inside, rest) = class.whole(&text);
                    let more = rest.iter().take_while(|byte| class.has(**byte)).count();
                    assert_eq!(inside + more, expected, "{byte} {at}");
                    assert_eq!(class.span(&text[..at]), expected.min(at));
                }
            }
        }
    }
}
