//! Files that a request carries as base64: what is text is read as text, whatever type it claims to have.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Bytes that all files of a request may decode to and still be read: protects a worker's time. What is beyond is not scanned, and named.
pub(crate) const DECODED_BYTES_MAX: usize = 1 << 20;

/// Characters of base64 by which a file is known to be no text, before all of it is decoded: pictures, sounds and archives show it in
/// their first bytes.
const BEGINNING_CHARACTERS: usize = 512;

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);

/// The alphabet that a payload is written in.
fn engine(encoded: &str) -> &'static GeneralPurpose {
    if encoded.contains(['-', '_']) {
        &FOR_URLS
    } else {
        &PLAIN
    }
}

/// The text that a payload holds; `None` when it is no text in UTF-8, or larger than what is left of `budget`. What is decoded is taken
/// from it.
pub(crate) fn decode(encoded: &str, budget: &mut usize) -> Option<String> {
    // RFC 2045 wraps lines.
    let joined: String;
    let encoded = if encoded.contains([' ', '\t', '\r', '\n']) {
        joined = encoded.split_ascii_whitespace().collect();
        joined.as_str()
    } else {
        encoded
    };
    let engine = engine(encoded);
    if encoded.is_empty() {
        return None;
    }
    if encoded.len() > BEGINNING_CHARACTERS {
        let beginning = engine.decode(encoded.get(..BEGINNING_CHARACTERS)?).ok()?;
        if !may_be_text(&beginning) {
            return None;
        }
    }
    if encoded.len() / 4 * 3 > *budget {
        return None;
    }
    let decoded = engine.decode(encoded).ok()?;
    *budget = budget.saturating_sub(decoded.len());
    String::from_utf8(decoded)
        .ok()
        .filter(|text| may_be_text(text.as_bytes()))
}

/// The payload for a text, in the alphabet of the one that it replaces.
pub(crate) fn encode(text: &[u8], like: &str) -> String {
    engine(like).encode(text)
}

/// Whether bytes are, or begin, a text: UTF-8 without characters that no text has.
fn may_be_text(bytes: &[u8]) -> bool {
    let whole = match str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let printed = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    whole && bytes.iter().all(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_other_files() {
        let decoded = |encoded: &str| decode(encoded, &mut 1000);
        assert_eq!(decoded("aGVsbG8="), Some("hello".to_owned()));
        assert_eq!(decoded("aGVsbG8"), Some("hello".to_owned()));
        assert_eq!(decoded("aGVs\r\nbG8="), Some("hello".to_owned()));
        assert_eq!(decoded("w7_Dvw"), Some("ÿÿ".to_owned()));
        assert_eq!(decoded("iVBORw0KGgo="), None);
        assert_eq!(decoded("not base64!"), None);
        assert_eq!(decoded("AAAA"), None);
        let long = PLAIN.encode("word ".repeat(300));
        assert_eq!(decoded(&long), None, "beyond the budget");
        let mut budget = 2000;
        assert_eq!(
            decode(&long, &mut budget).map(|text| text.len()),
            Some(1500)
        );
        assert_eq!(budget, 500);
        let broken = PLAIN.encode([b"word ".repeat(300).as_slice(), b"\xFF"].concat());
        assert_eq!(decode(&broken, &mut 2000), None);
        assert_eq!(encode("ÿÿ".as_bytes(), "w7_D"), "w7_Dvw==");
    }
}
