//! Text that is written in base64 (RFC 4648, sections 4 and 5) or hexadecimal, within other text.
//!
//! A run of such characters is decoded when what comes out can be text. Random keys, hashes and names are told from it by their first few
//! characters: of text, every fourth character of base64 and every second of hexadecimal begins a byte below 128.

/// Fewest characters that are decoded: eleven bytes, an SSN.
pub(super) const RUN_BYTES_MIN: usize = 15;

/// Most characters that are decoded at once. A longer run is decoded in portions.
pub(super) const RUN_BYTES_MAX: usize = 4096;

/// By how much portions overlap: a multiple of four, so that bytes begin where they began before; three quarters of it is the longest match
/// that is found wherever portions end.
pub(super) const OVERLAP_BYTES: usize = 1024;

/// Fewest bytes that are worth a look: the shortest number with a checksum.
const TEXT_BYTES_MIN: usize = 9;

/// Calls `found` with each text that a part of a run can stand for.
pub(super) fn decode(run: &[u8], mut found: impl FnMut(String)) {
    if run.len() < RUN_BYTES_MIN {
        return;
    }
    let (pairs_can_be, quads_can_be) = plausible(run);
    // Where the first byte begins is not known when something stands before it that is no part of it.
    for skipped in (0..2).filter(|skipped| pairs_can_be >> skipped & 1 == 1) {
        let pairs = run.get(skipped..).unwrap_or_default().as_chunks::<2>().0;
        texts(pairs.iter().map(|pair| pair.as_slice()), byte, &mut found);
    }
    for skipped in (0..4).filter(|skipped| quads_can_be >> skipped & 1 == 1) {
        let quads = run.get(skipped..).unwrap_or_default().chunks(4);
        texts(quads, bytes, &mut found);
    }
}

/// A bit for each place at which hexadecimal digits, and characters of base64, can begin to be read as text: where enough units in a row
/// begin as text does.
fn plausible(run: &[u8]) -> (u8, u8) {
    let (mut pairs, mut quads) = ([0_u16; 2], [0_u16; 4]);
    let (mut pairs_can_be, mut quads_can_be) = (0, 0);
    for (index, byte) in run.iter().enumerate() {
        if let Some(row) = quads.get_mut(index % 4) {
            *row = if begins_text(*byte) { *row + 1 } else { 0 };
            quads_can_be |= u8::from(usize::from(*row) * 3 >= TEXT_BYTES_MIN) << (index % 4);
        }
        if let Some(row) = pairs.get_mut(index % 2) {
            let begins = matches!(byte, b'2'..=b'7' | b'0');
            *row = if begins { *row + 1 } else { 0 };
            pairs_can_be |= u8::from(usize::from(*row) >= TEXT_BYTES_MIN) << (index % 2);
        }
    }
    (pairs_can_be, quads_can_be)
}

/// Decodes unit by unit, and hands over what is text in a row.
fn texts<'a, const N: usize>(
    units: impl Iterator<Item = &'a [u8]>,
    decode: impl Fn(&[u8]) -> Option<([u8; N], usize)>,
    found: &mut impl FnMut(String),
) {
    let mut text = Vec::new();
    let mut flush = |text: &mut Vec<u8>| {
        if text.len() >= TEXT_BYTES_MIN {
            found(String::from_utf8_lossy(text).into_owned());
        }
        text.clear();
    };
    for unit in units {
        let Some((bytes, len)) = decode(unit) else {
            flush(&mut text);
            continue;
        };
        for byte in bytes.into_iter().take(len) {
            if is_text(byte) {
                text.push(byte);
            } else {
                flush(&mut text);
            }
        }
    }
    flush(&mut text);
}

const fn is_text(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7F || matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Two digits of hexadecimal that are text.
fn byte(pair: &[u8]) -> Option<([u8; 1], usize)> {
    let [high @ (b'2'..=b'7' | b'0'), low] = pair else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    Some(([byte], 1))
}

/// Up to four characters of base64, of which the first begins a byte below 128.
fn bytes(quad: &[u8]) -> Option<([u8; 3], usize)> {
    let first = quad.first()?;
    if !begins_text(*first) {
        return None;
    }
    let mut bits = 0_u32;
    for byte in quad {
        bits = bits << 6 | u32::from(sextet(*byte)?);
    }
    bits <<= 6 * (4 - quad.len());
    let [_, a, b, c] = bits.to_be_bytes();
    Some(([a, b, c], quad.len().saturating_sub(1)))
}

/// The first sextet of a printable byte below 128 is 8 to 31, of a line break or a tab 2 or 3.
const fn begins_text(byte: u8) -> bool {
    matches!(byte, b'I'..=b'Z' | b'a'..=b'f' | b'C' | b'D')
}

/// Whether what has begun can be such a run: so that no text is held back for a long word.
pub(super) fn can_be(run: &[u8]) -> bool {
    let upper = run.iter().any(u8::is_ascii_uppercase);
    let lower = run.iter().any(u8::is_ascii_lowercase);
    let digit = run.iter().any(u8::is_ascii_digit);
    // A long name can have both cases, and seldom a digit between them.
    (run.len() >= 8 && digit || run.len() >= 20)
        && (upper && lower || digit)
        && (0..4).any(|skipped| {
            let row = |step: usize, is: fn(&u8) -> bool| {
                let units = run.iter().skip(skipped).step_by(step);
                units.take(3).all(is)
            };
            row(4, |byte| begins_text(*byte)) || row(2, |byte| matches!(byte, b'2'..=b'7'))
        })
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(run: &str) -> Vec<String> {
        let mut all = Vec::new();
        decode(run.as_bytes(), |text| all.push(text));
        all
    }

    #[test]
    fn text_comes_out_and_nothing_else() {
        for (run, text) in [
            ("NTM2LTkwLTQzOTk", "536-90-4399"),
            ("KzEgMjEyLTU1NS0wMTg3", "+1 212-555-0187"),
            ("xNTM2LTkwLTQzOTk", "536-90-4399"),
            ("3533362d39302d34333939", "536-90-4399"),
            (
                "44453839333730343030343430353332303133303030",
                "DE89370400440532013000",
            ),
        ] {
            assert!(
                decoded(run).contains(&text.to_owned()),
                "{run} {:?}",
                decoded(run)
            );
        }
        for run in [
            "7c85c0639f778e481d9489ee3e59e443",
            "ty_before_projection",
            "PlaceWithOriginPacked",
            "A1A1A1A1A1A1A1A1A1A1",
            "chatcmpl-9xZqW3LmN8vKp2RtYbHc5Jd7Fg",
        ] {
            assert_eq!(decoded(run), [""; 0], "{run}");
        }
    }
}
