//! What of a client's own text may stand in a record or in filter state.
//!
//! A client chooses the path, the model, the method and the id of its request, so a key, a prompt or a megabyte of noise may be in any
//! of them, by mistake or to spoil the log. What does not look like what it should be is left out as a whole, since a part of a
//! secret is a secret, too; [`OMITTED`] stands in its place.

use crate::Endpoint;
use std::borrow::Cow;

/// Longest text of a record's field. Protects the log from being filled by one request.
pub const WORD_BYTES_MAX: usize = 256;

/// Longest part of an unknown path between two slashes that is written. Names of API methods are shorter, secrets are longer.
const SEGMENT_BYTES_MAX: usize = 16;

/// Fewest digits of a number that names a person, an account or a card: a social security number has nine.
const PERSONAL_DIGITS_MIN: u32 = 9;

/// Longest method: those of HTTP have at most 17 letters.
const METHOD_BYTES_MAX: usize = 20;

/// Most items of a list in a record. Protects the log from a request with thousands of parts.
pub const LIST_ITEMS_MAX: usize = 32;

/// Stands where something was left out.
pub const OMITTED: &str = "…";

/// The path of [`Endpoint::Model`], without the model that a client put into it.
const MODEL_PATH: &str = "/v1/models/…";

/// A name such as a media type's: no white space, nothing but letters, digits and the marks that such names
/// are made with.
#[must_use]
pub fn name(text: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || is_mark(byte);
    if text.len() <= WORD_BYTES_MAX && text.bytes().all(fits) {
        text
    } else {
        OMITTED
    }
}

/// What such names hold beside letters and digits.
const fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'-' | b'_' | b'.' | b':' | b'/' | b'@' | b'+' | b'=' | b',' | b';' | b'~'
    )
}

/// A name that is no secret and no number of a person: of words that are shorter than secrets are, and without the nine digits in a
/// row that the shortest such number has, be they grouped or not. Models' names, with their versions and dates, are like that.
#[must_use]
pub fn plain_name(text: &str) -> &str {
    if text.len() > WORD_BYTES_MAX || text.starts_with("sk-") {
        return OMITTED;
    }
    // One pass: it is made for every request.
    let (mut digits, mut word) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => (digits, word) = (digits + 1, word + 1),
            b'a'..=b'z' | b'A'..=b'Z' => (digits, word) = (0, word + 1),
            _ if is_mark(byte) => word = 0,
            _ => return OMITTED,
        }
        if digits >= PERSONAL_DIGITS_MIN || word > SEGMENT_BYTES_MAX {
            return OMITTED;
        }
    }
    text
}

/// The id of a request: a UUID or 128 bits in hexadecimal, as proxies and tracers make them, or a plain name. A client whom the proxy takes for
/// an internal one chooses its own.
#[must_use]
pub fn request_id(text: &str) -> &str {
    let is_generated = match text.len() {
        32 => text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        36 => text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        }),
        _ => false,
    };
    if is_generated { text } else { plain_name(text) }
}

/// A request method.
#[must_use]
pub fn method(text: &str) -> &str {
    if text.len() <= METHOD_BYTES_MAX && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        text
    } else {
        OMITTED
    }
}

/// A path without its query. Of an endpoint that the gateway knows the path is known, too; of any other, a part stands only when it is a
/// short word in lower case or an API's version.
#[must_use]
pub fn path(endpoint: Option<Endpoint>, path: &str) -> Cow<'_, str> {
    match endpoint {
        // The record names the model where it may be told.
        Some(Endpoint::Model) => return Cow::Borrowed(MODEL_PATH),
        Some(Endpoint::Unknown) | None => {}
        Some(_) => return Cow::Borrowed(bounded(path)),
    }
    let mut parts: Vec<&str> = path
        .split('/')
        .take(LIST_ITEMS_MAX)
        .map(|part| if is_plain(part) { part } else { OMITTED })
        .collect();
    if path.split('/').nth(LIST_ITEMS_MAX).is_some() {
        parts.push(OMITTED);
    }
    let plain = parts.join("/");
    Cow::Owned(bounded(&plain).to_owned())
}

/// As much of a text from the policy document as may stand in a field.
#[must_use]
pub fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(WORD_BYTES_MAX))
        .unwrap_or(OMITTED)
}

fn is_plain(part: &str) -> bool {
    part.len() <= SEGMENT_BYTES_MAX
        && (part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
            || is_version(part))
}

/// `v1`, `v1beta2`.
fn is_version(part: &str) -> bool {
    let Some(version) = part.strip_prefix('v') else {
        return false;
    };
    let (number, stage) = version
        .split_at_checked(version.bytes().take_while(u8::is_ascii_digit).count())
        .unwrap_or_default();
    let stage = stage.trim_end_matches(|last: char| last.is_ascii_digit());
    (1..=2).contains(&number.len()) && ["", "alpha", "beta"].contains(&stage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn request_ids() {
        for text in [
            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "build-17.step-2",
            "",
        ] {
            assert_eq!(request_id(text), text);
        }
        for text in [
            "sk-ant-api03-abcdefghijk",
            "ghp_f3ven3lw41kpcoumvq604tsx2k17nn30rkvo",
            "123-45-6789",
            "4111-1111-1111-1111",
            "7c9e6679-7425-40de-944b-e07fc1f90ae7-x-0123456789",
            "jane roe",
        ] {
            assert_eq!(request_id(text), OMITTED);
        }
    }

    #[test]
    fn paths() {
        for (text, expected) in [
            ("/v1/embeddings", "/v1/embeddings"),
            ("/v1beta/models", "/v1beta/models"),
            ("/v1/audio/transcriptions", "/v1/audio/transcriptions"),
            ("/", "/"),
            ("", ""),
            ("*", "…"),
            ("/v1/sk-ant-api03-abcdefghijk", "/v1/…"),
            ("/v1/sk-1234", "/v1/…"),
            ("/users/john.doe@company.com/x", "/users/…/x"),
            ("/v1/My%20name", "/v1/…"),
            ("/v123/x", "/…/x"),
            ("/é", "/…"),
        ] {
            assert_eq!(path(Some(Endpoint::Unknown), text), expected);
            assert_eq!(path(None, text), expected);
        }
        assert_eq!(path(Some(Endpoint::Public), "/healthz-2.0"), "/healthz-2.0");
        assert!(path(None, &"/a".repeat(100_000)).len() <= WORD_BYTES_MAX);
    }

    #[test]
    fn names() {
        for text in [
            "gemini-2.0-flash",
            "us.anthropic.claude-3:0",
            "org/model@7",
            "image/png",
            "0f8f-44",
            "",
        ] {
            assert_eq!(name(text), text);
        }
        for text in ["what is my ssn", "a\nb", "\"", "modèle", "{x}", "%20"] {
            assert_eq!(name(text), OMITTED);
        }
        for text in [
            "claude-3-5-sonnet-20241022",
            "us.anthropic.claude-3-5-haiku-20241022-v1:0",
            "gpt-4o-2024-08-06",
            "o3",
        ] {
            assert_eq!(plain_name(text), text);
        }
        for text in [
            "078-05-1120",
            "078051120",
            "sk-ant-api03",
            "sk-proj-4f9a",
            "x-4111.1111.1111.1111",
            "AKIAIOSFODNN7EXAMPLE",
            "a b",
        ] {
            assert_eq!(plain_name(text), OMITTED, "{text}");
        }
        assert_eq!(name(&"a".repeat(WORD_BYTES_MAX + 1)), OMITTED);
        assert_eq!(
            [
                method("POST"),
                method("M-SEARCH"),
                method("get"),
                method("POST X")
            ],
            ["POST", "M-SEARCH", OMITTED, OMITTED]
        );
    }

    proptest! {
        #[test]
        fn nothing_gets_longer_than_allowed(text in "\\PC{0,600}") {
            for endpoint in [None, Some(Endpoint::Public), Some(Endpoint::Unknown)] {
                prop_assert!(path(endpoint, &text).len() <= WORD_BYTES_MAX);
            }
            prop_assert!(name(&text).len() <= WORD_BYTES_MAX && method(&text).len() <= WORD_BYTES_MAX);
            prop_assert!(text.starts_with(bounded(&text)) && bounded(&text).len() <= WORD_BYTES_MAX);
        }

        #[test]
        fn what_looks_like_a_key_is_left_out(key in "[A-Za-z0-9_-]{17,80}", rest in "[a-z]{0,5}") {
            let found = path(None, &format!("/v1/{key}/{rest}")).contains(&key);
            prop_assert!(!found);
        }
    }
}
