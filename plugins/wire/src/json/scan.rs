//! Finding the bytes that mean something inside a JSON string.

use wide::u8x16;

/// Bytes looked at together: four registers of sixteen lanes (SSE2, wasm simd128), so that it is asked once for all of them.
const BLOCK: usize = 64;

/// Strings are mostly short: this many words are tried before blocks are worth their set-up.
const HEAD_WORDS: usize = 4;

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES * 0x80;

/// Where the first byte stands that ends or escapes a JSON string, or must not be in one: `"`, `\`, and everything below a space
/// (RFC 8259, section 7).
pub(super) fn find_special(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().take(HEAD_WORDS).enumerate() {
        if let Some(at) = in_word(*word) {
            return Some(index * 8 + at);
        }
    }
    let mut at = words.len().min(HEAD_WORDS) * 8;
    let (blocks, _) = bytes.get(at..)?.as_chunks::<BLOCK>();
    for block in blocks {
        if any_special(block) {
            break;
        }
        at += BLOCK;
    }
    let (words, tail) = bytes.get(at..)?.as_chunks::<8>();
    for word in words {
        if let Some(in_it) = in_word(*word) {
            return Some(at + in_it);
        }
        at += 8;
    }
    tail.iter()
        .position(|byte| special(*byte))
        .map(|in_it| at + in_it)
}

/// The inside of the string that `text` begins with (behind its quotation mark). For what the tokenizer let pass.
pub(crate) fn string_inside(text: &str) -> &str {
    let mut end = 0;
    while let Some(at) = text.as_bytes().get(end..).and_then(find_special) {
        end += at;
        if text.as_bytes().get(end) != Some(&b'\\') {
            break;
        }
        end += 2;
    }
    text.get(..end).unwrap_or_default()
}

#[inline]
const fn special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[inline]
fn any_special(block: &[u8; BLOCK]) -> bool {
    let special = |sixteen: &[u8; 16]| {
        let bytes = u8x16::new(*sixteen);
        let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        control | bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'))
    };
    let registers = block.as_chunks::<16>().0.iter();
    registers
        .fold(u8x16::splat(0), |any, sixteen| any | special(sixteen))
        .any()
}

/// Eight bytes at once: "determine if a word has a byte less than n" (Hacker's Delight). A borrow can only spoil lanes above the
/// first hit, and only the first hit is asked for.
#[inline]
const fn in_word(word: [u8; 8]) -> Option<usize> {
    let word = u64::from_le_bytes(word);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let hits = ((word.wrapping_sub(ONES * 0x20) & !word)
        | (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash))
        & HIGHS;
    if hits == 0 {
        None
    } else {
        Some(hits.trailing_zeros() as usize / 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(clean in 0usize..300, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut all = vec![b'a'; clean];
            all.extend(bytes);
            prop_assert_eq!(find_special(&all), all.iter().position(|byte| special(*byte)));
        }

        #[test]
        fn every_byte_value_in_every_lane(byte in any::<u8>(), lane in 0usize..130) {
            let mut all = vec![0xffu8; 130];
            all[lane] = byte;
            prop_assert_eq!(find_special(&all), special(byte).then_some(lane));
        }
    }
}
