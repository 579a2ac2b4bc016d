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
    /// Space.
    pub(super) spaces: u64,
    /// `@`.
    pub(super) at: u64,
    /// What can begin an escape: `%`, `\` and `&`.
    pub(super) escapes: u64,
}

impl Kinds {
    /// Of up to sixty-four bytes; what is missing is of no kind.
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Self {
        if let Some(block) = bytes.first_chunk::<BLOCK>() {
            return Self::of_block(block);
        }
        let mut block = [0; BLOCK];
        for (place, byte) in block.iter_mut().zip(bytes) {
            *place = *byte;
        }
        Self::of_block(&block)
    }

    #[inline]
    fn of_block(block: &[u8; BLOCK]) -> Self {
        let mut kinds = Self::default();
        for (quarter, shift) in block.as_chunks::<16>().0.iter().zip([0, 16, 32, 48]) {
            let bytes = u8x16::new(*quarter);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            let within = |bytes: u8x16, first: u8, last: u8| {
                let offset = bytes - u8x16::splat(first);
                offset.min(u8x16::splat(last - first)).simd_eq(offset)
            };
            let digits = within(bytes, b'0', b'9');
            let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
            let signs = (bytes | u8x16::splat(2)).simd_eq(u8x16::splat(b'/')) | is(b'+') | is(b'_');
            // `%` and `&` differ in two bits from each other only.
            let escapes = is(b'%') | is(b'&') | is(b'\\');
            let bits = |mask: u8x16| u64::from(mask.to_bitmask()) << shift;
            kinds.digits |= bits(digits);
            kinds.word |= bits(digits | letters | signs);
            kinds.spaces |= bits(is(b' '));
            kinds.at |= bits(is(b'@'));
            kinds.escapes |= bits(escapes);
        }
        kinds
    }
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
    fn every_byte_is_of_its_kinds() {
        for byte in 0..=u8::MAX {
            for at in [0, 15, 16, 63] {
                let mut block = [b'.'; BLOCK];
                block[at] = byte;
                let is = |kind: bool| u64::from(kind) << at;
                let expected = Kinds {
                    digits: is(byte.is_ascii_digit()),
                    word: is(byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)),
                    spaces: is(byte == b' '),
                    at: is(byte == b'@'),
                    escapes: is(b"%&\\".contains(&byte)),
                };
                assert_eq!(Kinds::of(&block), expected, "{byte} {at}");
                assert_eq!(Kinds::of(&block[..=at]), expected, "{byte} {at}");
            }
        }
    }
}
