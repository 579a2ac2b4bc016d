//! Just enough of base64 (RFC 4648, both alphabets) to look into what begins like a known text.

/// How many characters are decoded. What a detector looks for stands at the beginning of what was encoded.
const CHARACTERS_MAX: usize = 4096;

/// The first bytes that these characters stand for, up to what is no such character, of at most [`CHARACTERS_MAX`].
pub(super) fn decode(characters: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(characters.len().min(CHARACTERS_MAX) / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for character in characters.iter().take(CHARACTERS_MAX) {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_a_prefix() {
        assert_eq!(decode(b"eyJhbGciOiJIUzI1NiJ9.x"), b"{\"alg\":\"HS256\"}");
        assert_eq!(decode(b"_-8="), [0xFF, 0xEF]);
        assert_eq!(decode(b"!"), b"");
    }
}
