//! Just enough of base64 (RFC 4648, both alphabets) to look into what begins like a known text.

/// How many characters are decoded. What a detector looks for stands at the beginning of what was encoded.
const CHARACTERS_MAX: usize = 4096;

/// What is no character of base64.
const NONE: u8 = 64;

/// What each byte stands for in either alphabet.
static SEXTETS: [u8; 256] = {
    let mut all = [NONE; 256];
    let mut rest: &mut [u8] = &mut all;
    let mut byte = 0_u8;
    while let [place, behind @ ..] = rest {
        *place = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => NONE,
        };
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    all
};

fn sextet(byte: u8) -> u32 {
    SEXTETS
        .get(usize::from(byte))
        .map_or(0, |sextet| u32::from(*sextet))
}

/// The bytes that four characters stand for, or fewer, one less than they are.
#[inline]
pub(crate) fn unit(characters: &[u8]) -> Option<[u8; 3]> {
    let (sextets, known) = match characters {
        [a, b, c, d] => ([sextet(*a), sextet(*b), sextet(*c), sextet(*d)], true),
        [a, b, c] => ([sextet(*a), sextet(*b), sextet(*c), 0], true),
        [a, b] => ([sextet(*a), sextet(*b), 0, 0], true),
        _ => ([0; 4], false),
    };
    let [a, b, c, d] = sextets;
    let [_, bytes @ ..] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    (known && (a | b | c | d) & u32::from(NONE) == 0).then_some(bytes)
}

/// The first bytes that these characters stand for, up to what is no such character, of at most [`CHARACTERS_MAX`].
pub(super) fn decode(characters: &[u8]) -> Vec<u8> {
    let most = characters.get(..CHARACTERS_MAX).unwrap_or(characters);
    let mut bytes = Vec::with_capacity(most.len() / 4 * 3 + 2);
    let (units, _) = most.as_chunks::<4>();
    for decoded in units.iter().map_while(|characters| unit(characters)) {
        bytes.extend_from_slice(&decoded);
    }
    // What is left of one.
    let rest = most.get(bytes.len() / 3 * 4..).unwrap_or_default().iter();
    let known = rest.take(3).map(|byte| sextet(*byte));
    let (mut bits, mut count) = (0, 0);
    for sextet in known.take_while(|sextet| *sextet != u32::from(NONE)) {
        (bits, count) = (bits << 6 | sextet, count + 6);
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
        for (characters, bytes) in [
            ("YQ", "a"),
            ("YWI", "ab"),
            ("YWJj", "abc"),
            ("YWJjZ", "abc"),
            ("YW=", "a"),
            ("YWJ.", "ab"),
        ] {
            assert_eq!(decode(characters.as_bytes()), bytes.as_bytes());
        }
    }
}
