//! Numbers.

/// RFC 8259, section 6: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
pub(super) fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 { None } else { text.get(count..) }
    }
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let after = match text {
        [b'0', rest @ ..] => Some(rest),
        _ => digits(text),
    };
    let Some(mut rest) = after else { return false };
    if let [b'.', fraction @ ..] = rest {
        let Some(after) = digits(fraction) else {
            return false;
        };
        rest = after;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let unsigned = match exponent {
            [b'+' | b'-', unsigned @ ..] => unsigned,
            _ => exponent,
        };
        let Some(after) = digits(unsigned) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for text in [
            "", "-", "00", "01", "+1", "1.", ".5", "1e", "1e+", "--1", "1-", "1.e3", "e3", "0x1",
        ] {
            assert!(!is_number(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn others_agree(text in "[-+0-9.eE]{0,8}") {
            let others = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(is_number(text.as_bytes()), others);
        }
    }
}
