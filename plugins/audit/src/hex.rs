//! Bytes as lower-case hexadecimal digits.

/// The digits of bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    hex_into(bytes, &mut text);
    text
}

/// Appends the digits of bytes.
pub(crate) fn hex_into(bytes: &[u8], text: &mut String) {
    for bytes in bytes.chunks(BYTES_AT_ONCE) {
        let mut whole = [0; BYTES_AT_ONCE];
        whole
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let (words, _) = whole.as_chunks();
        let mut all = [[0; 8]; BYTES_AT_ONCE / 4];
        all.iter_mut()
            .zip(words)
            .for_each(|(to, word)| *to = digits(*word));
        let digits = all.as_flattened().get(..2 * bytes.len());
        // Digits are ASCII.
        text.push_str(std::str::from_utf8(digits.unwrap_or_default()).unwrap_or_default());
    }
}

/// Those of a digest.
const BYTES_AT_ONCE: usize = 32;

/// The digits of four bytes, all at once.
fn digits(bytes: [u8; 4]) -> [u8; 8] {
    const EACH: u64 = u64::MAX / 255;
    let spread = u64::from(u32::from_le_bytes(bytes));
    let spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF;
    let spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF;
    let numbers = (spread >> 4 | spread << 8) & (EACH * 0x0F);
    // 16 and more once 6 is added.
    let letters = (numbers + EACH * 6) >> 4 & EACH;
    let to_letters = u64::from(b'a' - b'0' - 10);
    (numbers + EACH * u64::from(b'0') + letters * to_letters).to_le_bytes()
}

/// The bytes of so many digits; `None` for any other text.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_formatting(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(hex(&bytes), expected);
        }
    }
}
