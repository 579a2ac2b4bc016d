//! Texts as JSON strings: `serde_json` looks at each byte of them, which is more than most need.

/// Appends a text as a JSON string.
pub fn push_text(text: &str, out: &mut String) {
    let (words, rest) = text.as_bytes().as_chunks();
    let mut last = [b' '; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let escapes = words.iter().chain([&last]).any(|word| needs_escapes(*word));
    if !escapes {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // A text always serializes.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// Whether JSON has to write one of these bytes in another way: a quotation mark, a backslash, one below the space.
const fn needs_escapes(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGHEST: u64 = ONES << 7;
    /// The highest bit of some byte, when one is below `bound`.
    const fn below(bytes: u64, bound: u8) -> u64 {
        bytes.wrapping_sub(ONES * bound as u64) & !bytes & HIGHEST
    }
    let bytes = u64::from_le_bytes(bytes);
    let quotes = below(bytes ^ (ONES * b'"' as u64), 1);
    let backslashes = below(bytes ^ (ONES * b'\\' as u64), 1);
    below(bytes, b' ') | quotes | backslashes != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_written_as_serde_json_writes_it(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
            let mut json = String::new();
            push_text(&text, &mut json);
            prop_assert_eq!(json, serde_json::to_string(&text).unwrap());
        }
    }
}
