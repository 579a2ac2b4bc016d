//! What a plain scalar means.

use portcullis_policy::config::Value;

/// Reads a scalar written without quotes.
pub(super) fn plain(text: &str) -> Value {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Value::Null;
    }
    if let Some(flag) = boolean(text) {
        return Value::Bool(flag);
    }
    if let Some(number) = integer(text) {
        return i32::try_from(number).map_or_else(
            |_| Value::String(text.to_owned()),
            |number| Value::Number(f64::from(number)),
        );
    }
    match float(text) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

/// yaml-cpp's words for truth: in lower case, capitalized, or in upper case.
fn boolean(text: &str) -> Option<bool> {
    const WORDS: [(&str, bool); 8] = [
        ("y", true),
        ("yes", true),
        ("true", true),
        ("on", true),
        ("n", false),
        ("no", false),
        ("false", false),
        ("off", false),
    ];
    let lower = text.to_ascii_lowercase();
    let (_, flag) = WORDS.iter().find(|(word, _)| *word == lower)?;
    let rest = text.get(1..)?;
    let consistent =
        text == lower || text == text.to_ascii_uppercase() || rest == lower.get(1..)?;
    consistent.then_some(*flag)
}

/// A whole number: decimal, `0x` hexadecimal or `0` octal, with a sign.
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let magnitude = match hexadecimal {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => {
            i64::from_str_radix(digits, 8).ok()?
        }
        None => digits.parse().ok()?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// A number with a fraction or an exponent.
fn float(text: &str) -> Option<f64> {
    // Rust would also read `inf`, `nan` and `infinity`, which YAML writes otherwise and no policy uses.
    let numeric = |b: u8| b.is_ascii_digit() || b"+-.eE".contains(&b);
    let number: f64 = text.bytes().all(numeric).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_they_mean_to_envoy() {
        let string = |text: &str| Value::String(text.into());
        for (text, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("yes", Value::Bool(true)),
            ("Off", Value::Bool(false)),
            ("oFF", string("oFF")),
            ("n", Value::Bool(false)),
            ("100", Value::Number(100.0)),
            ("-7", Value::Number(-7.0)),
            ("0x10", Value::Number(16.0)),
            ("010", Value::Number(8.0)),
            ("09", Value::Number(9.0)),
            ("5000000000", string("5000000000")),
            ("0.5", Value::Number(0.5)),
            ("1e3", Value::Number(1000.0)),
            ("inf", string("inf")),
            ("é", string("é")),
            ("2026-01-01T00:00:00Z", string("2026-01-01T00:00:00Z")),
            ("10.0.0.0/8", string("10.0.0.0/8")),
            ("90d", string("90d")),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
