//! Finding the bytes that mean something inside a JSON string.

use wide::u8x16;

/// Bytes looked at together: a register (SSE2, wasm simd128).
pub(super) const LANES: usize = 16;

/// Two registers.
pub(super) const PAIR: usize = 2 * LANES;

/// Four registers, so that it is asked once for all of them.
const BLOCK: usize = 4 * LANES;

/// Strings are mostly short, and so are the ways between escapes: so many registers come before blocks.
const HEAD: usize = 3;

/// Where the first byte stands that ends or escapes a JSON string, or must not be in one: `"`, `\`, and everything below a space
/// (RFC 8259, section 7).
#[inline(never)]
pub(super) fn find_special(bytes: &[u8]) -> Option<usize> {
    let (chunks, _) = bytes.as_chunks::<LANES>();
    for (index, chunk) in chunks.iter().take(HEAD).enumerate() {
        if let Some(at) = special_in(chunk) {
            return Some(index * LANES + at);
        }
    }
    let at = chunks.len().min(HEAD) * LANES;
    find_far(bytes.get(at..)?).map(|far| at + far)
}

fn find_far(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let plain = |block: &&[u8; BLOCK]| {
        // By name: as a loop it takes several times as long where LLVM unrolls none.
        let ([a, b, c, d], _) = block.as_chunks::<LANES>() else {
            return false;
        };
        !(special_lanes(a) | special_lanes(b) | special_lanes(c) | special_lanes(d)).any()
    };
    let mut at = blocks.iter().take_while(plain).count() * BLOCK;
    let (chunks, _) = bytes.get(at..)?.as_chunks::<LANES>();
    for chunk in chunks {
        if let Some(lane) = special_in(chunk) {
            return Some(at + lane);
        }
        at += LANES;
    }
    let mut rest = bytes.get(at..)?.iter();
    let behind = rest.position(|byte| special(*byte))?;
    Some(at + behind)
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
pub(super) const fn special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[inline]
fn special_lanes(bytes: &[u8; LANES]) -> u8x16 {
    let bytes = u8x16::new(*bytes);
    // With this bit turned, a quotation mark stands behind the control characters.
    let turned = bytes ^ u8x16::splat(b'"' ^ b' ');
    let others = turned.min(u8x16::splat(b' ')).simd_eq(turned);
    others | bytes.simd_eq(u8x16::splat(b'\\'))
}

/// As [`find_special`], of one register.
#[inline]
fn special_in(bytes: &[u8; LANES]) -> Option<usize> {
    let lanes = special_lanes(bytes).to_bitmask();
    (lanes != 0).then(|| lanes.trailing_zeros() as usize)
}

/// As [`find_special`], of two registers.
#[inline]
pub(super) fn special_in_pair(bytes: &[u8; PAIR]) -> Option<usize> {
    let ([one, other], _) = bytes.as_chunks::<LANES>() else {
        return None;
    };
    let (one, other) = (special_lanes(one), special_lanes(other));
    if !(one | other).any() {
        return None;
    }
    let lanes = one.to_bitmask() | other.to_bitmask() << LANES;
    Some(lanes.trailing_zeros() as usize)
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
