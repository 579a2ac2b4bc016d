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
    // Without a table, sixteen digits are made at once.
    let digit = |nibble: u8| nibble + b'0' + if nibble > 9 { b'a' - b'9' - 1 } else { 0 };
    for bytes in bytes.chunks(BYTES_AT_ONCE) {
        let mut whole = [0; BYTES_AT_ONCE];
        whole
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let pairs = whole.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        let digits = pairs.as_flattened().get(..2 * bytes.len());
        // Digits are ASCII.
        text.push_str(std::str::from_utf8(digits.unwrap_or_default()).unwrap_or_default());
    }
}

/// Those of a digest.
const BYTES_AT_ONCE: usize = 32;

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
