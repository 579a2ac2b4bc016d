//! Numbers.

use super::scan::{LANES, PAIR};
use super::unescaped::Unescaped;
use wide::u8x16;

/// Most digits that an exponent makes of a number. What is larger is no number of anything, and its digits stand as they are written.
const DIGITS_MAX: usize = 64;

/// Whether the first `len` of these bytes are a number. RFC 8259, section 6: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
pub(super) fn is_number(bytes: &[u8], len: usize) -> bool {
    let number = bytes.get(..len).unwrap_or(bytes);
    // Of most numbers one look tells where the digits are.
    if len < PAIR
        && let ([one, other, ..], _) = bytes.as_chunks::<LANES>()
    {
        let lanes = |chunk: &[u8; LANES]| digit_lanes(u8x16::new(*chunk)).to_bitmask();
        let digits = (lanes(one) | lanes(other) << LANES) & ((1 << len) - 1);
        return is_grammar(number, |from| {
            (digits >> from.min(len)).trailing_ones() as usize
        });
    }
    is_grammar(number, |from| {
        let rest = number.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    })
}

/// How long the number is that these bytes begin with, and how many of its digits stand before the point, if it is one of a few digits and perhaps a point.
#[inline]
pub(super) fn simple_number(bytes: &[u8]) -> Option<(usize, usize)> {
    let ([one, other], _) = bytes.first_chunk::<PAIR>()?.as_chunks::<LANES>() else {
        return None;
    };
    let lanes = |chunk: &[u8; LANES]| digit_lanes(u8x16::new(*chunk)).to_bitmask();
    let digits = lanes(one) | lanes(other) << LANES;
    let len = digits.trailing_ones() as usize;
    let mut end = len;
    if bytes.get(len) == Some(&b'.') {
        let fraction = u64::from(digits) >> (len + 1);
        end += 1 + fraction.trailing_ones() as usize;
    }
    let ends = matches!(bytes.get(end), Some(b',' | b'}' | b' ')) && end != len + 1;
    (ends && (len == 1 || len > 1 && bytes.first() != Some(&b'0'))).then_some((end, len))
}

/// The number that `text` begins with. For what the tokenizer let pass.
pub(crate) fn number_inside(text: &str) -> &str {
    text.get(..reach(text.as_bytes())).unwrap_or_default()
}

/// Whether a number can have so many digits before the point, as far as its length tells.
#[inline]
pub(crate) fn may_have(number: &str, digits: usize) -> bool {
    number.len() >= digits || has_exponent(number)
}

#[inline]
fn has_exponent(number: &str) -> bool {
    number.bytes().any(|byte| byte | 0x20 == b'e')
}

/// The digits of a number's integer part, if there are at least so many, without a sign and, where an exponent moves digits before the point,
/// without zeros in front: `4.2e3` is `4200`. What is not written in one run is put together in `room`.
pub(crate) fn integer<'a>(
    number: &'a str,
    least: usize,
    room: &'a mut Unescaped,
) -> Option<&'a str> {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let len = unsigned.bytes().take_while(|byte| is_digit(byte)).count();
    let (written, rest) = unsigned.split_at_checked(len)?;
    let digits = if has_exponent(rest) {
        moved(written, rest, room)
    } else {
        written
    };
    (digits.len() >= least).then_some(digits)
}

/// As [`integer`], of a number with an exponent.
#[inline(never)]
fn moved<'a>(written: &'a str, rest: &str, room: &'a mut Unescaped) -> &'a str {
    let (mut exponent, mut is_exponent) = (0_usize, false);
    for byte in rest.bytes() {
        match byte {
            b'e' | b'E' => is_exponent = true,
            b'-' => return written,
            b'0'..=b'9' if is_exponent => {
                exponent = (exponent * 10 + usize::from(byte & 0xF)).min(DIGITS_MAX);
            }
            _ => {}
        }
    }
    if exponent == 0 || exponent + written.len() > DIGITS_MAX {
        return written;
    }
    let mut fraction = rest.as_bytes();
    if let [b'.', behind @ ..] = fraction {
        fraction = behind;
    }
    room.clear();
    let mut add = |digit: u8| {
        if digit != b'0' || !room.is_empty() {
            room.push(char::from(digit));
        }
    };
    written.bytes().for_each(&mut add);
    for _ in 0..exponent {
        let mut digit = b'0';
        if let [first @ b'0'..=b'9', behind @ ..] = fraction {
            (digit, fraction) = (*first, behind);
        }
        add(digit);
    }
    room.text()
}

/// How many bytes of a number's alphabet (digits, signs, the point, the exponent's letter) these begin with.
pub(super) fn reach(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<LANES>) {
        let bytes = u8x16::new(*chunk);
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let exponent = (bytes | u8x16::splat(0x20)).simd_eq(u8x16::splat(b'e'));
        let signs = is(b'+') | is(b'-') | is(b'.');
        let lanes = (digit_lanes(bytes) | exponent | signs).to_bitmask() & 0xFFFF;
        at += lanes.trailing_ones() as usize;
        if lanes != 0xFFFF {
            return at;
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let other = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    at + rest.iter().position(other).unwrap_or(rest.len())
}

#[inline]
fn digit_lanes(bytes: u8x16) -> u8x16 {
    let offset = bytes - u8x16::splat(b'0');
    offset.min(u8x16::splat(9)).simd_eq(offset)
}

/// `run` says how many digits begin at an index.
fn is_grammar(text: &[u8], run: impl Fn(usize) -> usize) -> bool {
    let mut at = usize::from(text.first() == Some(&b'-'));
    let digits = |at: &mut usize, most: usize| {
        let count = run(*at).min(most);
        *at += count;
        count > 0
    };
    let most = if text.get(at) == Some(&b'0') {
        1
    } else {
        usize::MAX
    };
    if !digits(&mut at, most) {
        return false;
    }
    if text.get(at) == Some(&b'.') {
        at += 1;
        if !digits(&mut at, usize::MAX) {
            return false;
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        if !digits(&mut at, usize::MAX) {
            return false;
        }
    }
    at == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(text: &str) -> bool {
        let alone = is_number(text.as_bytes(), text.len());
        for behind in [",\"a\": [1, 23, 456789]}", "}                  "] {
            let all = format!("{text}{behind}");
            assert_eq!(is_number(all.as_bytes(), text.len()), alone, "{all}");
        }
        alone
    }

    #[test]
    fn numbers_are_told_from_what_looks_like_one() {
        for text in [
            "0",
            "-0",
            "10",
            "-1.5",
            "1e3",
            "1E+3",
            "0.0e-0",
            "123456789012345678901234567890",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "", "-", "00", "01", "+1", "1.", ".5", "1e", "1e+", "--1", "1-", "1.e3", "e3", "0x1",
        ] {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn digits_are_those_of_the_integer() {
        for (number, digits) in [
            ("4111111111111111", "4111111111111111"),
            ("-4111111111111111", "4111111111111111"),
            ("4111111111111111.0", "4111111111111111"),
            ("4111111111111111e0", "4111111111111111"),
            ("4.111111111111111e15", "4111111111111111"),
            ("-4.111111111111111E+15", "4111111111111111"),
            ("0.00411e18", "4110000000000000"),
            ("41111.1e3", "41111100"),
            ("4111111111111111e-3", "4111111111111111"),
            ("4111111111111111e99999999999999999999", "4111111111111111"),
            ("1.7976931348623157e308", "1"),
            ("0.4111111111111111", "0"),
            ("0e9", ""),
            ("0", "0"),
        ] {
            let mut room = Unescaped::new();
            assert_eq!(integer(number, 0, &mut room), Some(digits), "{number}");
            let len = digits.len();
            assert_eq!(integer(number, len, &mut room), Some(digits), "{number}");
            assert_eq!(integer(number, len + 1, &mut room), None, "{number}");
        }
    }

    proptest! {
        /// Whatever is written before and behind the point, an exponent says where it is.
        #[test]
        fn an_exponent_moves_the_point(before in "[1-9][0-9]{0,20}", behind in "[0-9]{1,20}", more in 0usize..8) {
            let mut room = Unescaped::new();
            let number = format!("{before}.{behind}e{}", behind.len() + more);
            let digits = format!("{before}{behind}{}", "0".repeat(more));
            prop_assert_eq!(integer(&number, 1, &mut room), Some(digits.as_str()));
        }

        #[test]
        fn others_agree(text in "[-+0-9.eE]{0,8}|-?[0-9]{0,20}\\.?[0-9]{0,20}[eE]?[-+]?[0-9]{0,4}") {
            let others = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(is(&text), others);
        }

        #[test]
        fn it_reaches_as_far_as_its_alphabet(text in "[-+0-9.eE]{0,40}", behind in "[,\\]} a/:]?[-+0-9.eE]{0,20}") {
            let all = format!("{text}{behind}");
            let other = all.find(|c: char| !"0123456789+-.eE".contains(c));
            prop_assert_eq!(reach(all.as_bytes()), other.unwrap_or(all.len()));
        }
    }
}
