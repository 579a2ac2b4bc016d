//! Sets of ASCII characters.

/// A set of ASCII characters: the alphabet of a key.
#[derive(Debug, Clone, Copy, Eq)]
pub(crate) struct Class([u32; 4]);

impl PartialEq for Class {
    /// By words: arrays are compared by a call.
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
pub(super) const BASE64: Class = Class::of("0-9A-Za-z+/=");

impl Class {
    /// Characters and ranges of them (`a-z`); a backslash takes the special meaning from what follows it.
    pub(crate) const fn of(characters: &str) -> Self {
        let mut rest = characters.as_bytes();
        let mut set = 0_u128;
        loop {
            let (first, last, behind) = match rest {
                [] => {
                    return Self([
                        set as u32,
                        (set >> 32) as u32,
                        (set >> 64) as u32,
                        (set >> 96) as u32,
                    ]);
                }
                [b'\\', one, behind @ ..] => (*one, *one, behind),
                [first, b'-', last, behind @ ..] => (*first, *last, behind),
                [one, behind @ ..] => (*one, *one, behind),
            };
            let mut byte = first;
            while byte <= last {
                set |= 1 << byte;
                byte += 1;
            }
            rest = behind;
        }
    }

    /// Whether both have the same characters; what is derived is a call.
    #[inline]
    pub(super) const fn is(&self, other: &Self) -> bool {
        let (Self([a, b, c, d]), Self([e, f, g, h])) = (*self, *other);
        a == e && b == f && c == g && d == h
    }

    /// A number in whose lower bits few others are the same.
    pub(super) const fn mixed(&self) -> u32 {
        let Self([a, b, c, d]) = *self;
        let sum = (a ^ b.rotate_left(7) ^ c.rotate_left(13)).wrapping_add(d);
        sum.wrapping_mul(0x9E37_79B1) >> 24
    }

    /// Whether it has this byte.
    #[inline]
    pub(crate) fn has(&self, byte: u8) -> bool {
        // Words of 32 bits: a shift of 128 is a call in wasm.
        self.0
            .get(usize::from(byte >> 5))
            .is_some_and(|word| word >> (byte & 31) & 1 == 1)
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
}
