//! Finding the one credential of a request.

use crate::digest::Digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use portcullis_policy::RequestHead;
use std::borrow::Cow;

/// Header fields that are taken off every request, because they may hold a credential of the client: those that are read as keys, the
/// client's credential for a proxy, and cookies, which are sessions with somebody else's site or left over from a provider's.
pub const CREDENTIAL_HEADERS: &[&str] = &[
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "proxy-authorization",
    "cookie",
];

/// Longest key. Protects a worker from hashing what cannot be a key; the longest in use, signed tokens, have about 2 KiB.
const KEY_BYTES_MAX: usize = 8192;

/// Longest `Basic` credentials: of the longest key and a user's name, in base64.
const BASIC_BYTES_MAX: usize = KEY_BYTES_MAX * 2;

/// How a header field carries a key.
#[derive(Clone, Copy)]
enum Form {
    /// `Bearer <key>` (RFC 6750, section 2.1), or `Basic` with the key as the password of any user (RFC 7617), as clients send it that
    /// know nothing but a URL.
    Scheme,
    /// The value is the key.
    Plain,
}

/// Where keys are looked for: OpenAI's and everybody's way, Anthropic's, Azure's, Google's.
const FORMS: [(&str, Form); 4] = [
    ("authorization", Form::Scheme),
    ("x-api-key", Form::Plain),
    ("api-key", Form::Plain),
    ("x-goog-api-key", Form::Plain),
];

/// What a request brings.
pub(crate) enum Credential {
    /// Nothing. A field without a value is nothing, too.
    Missing,
    /// Something that cannot be a key, one field twice, or two different keys: what another reader of the same request would make of
    /// those is anybody's guess.
    Invalid,
    /// One key, in one or several fields.
    Key(Digest),
}

/// Reads the credential of a request.
pub(crate) fn read(head: &RequestHead<'_>) -> Credential {
    let mut found: Option<Digest> = None;
    for (name, form) in FORMS {
        let mut values = head.values(name);
        let Some(value) = values.next() else { continue };
        let key = if values.next().is_some() {
            None
        } else {
            key(value, form)
        };
        let Some(key) = key else {
            return Credential::Invalid;
        };
        if key.is_empty() {
            continue;
        }
        let digest = Digest::of(&key);
        if found.replace(digest).is_some_and(|other| other != digest) {
            return Credential::Invalid;
        }
    }
    found.map_or(Credential::Missing, Credential::Key)
}

/// The key in a field's value, empty when there is none; `None` for what cannot be one.
fn key(value: &[u8], form: Form) -> Option<Cow<'_, [u8]>> {
    let value = value.trim_ascii();
    let key = match form {
        Form::Plain => Cow::Borrowed(value),
        Form::Scheme if value.is_empty() => Cow::Borrowed(value),
        Form::Scheme => {
            let mut parts = value.splitn(2, u8::is_ascii_whitespace);
            let scheme = parts.next()?;
            let rest = parts.next().unwrap_or_default().trim_ascii_start();
            if scheme.eq_ignore_ascii_case(b"bearer") {
                Cow::Borrowed(rest)
            } else if scheme.eq_ignore_ascii_case(b"basic") {
                Cow::Owned(password(rest)?)
            } else {
                return None;
            }
        }
    };
    (key.len() <= KEY_BYTES_MAX && key.iter().all(u8::is_ascii_graphic)).then_some(key)
}

/// The password of `Basic` credentials; `None` when there is none. An empty one is no key, though the client did send something.
fn password(credentials: &[u8]) -> Option<Vec<u8>> {
    if credentials.len() > BASIC_BYTES_MAX {
        return None;
    }
    let pair = BASE64.decode(credentials).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let password = pair.get(colon + 1..)?;
    (!password.is_empty()).then(|| password.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::Endpoint;
    use proptest::prelude::*;

    fn outcome(headers: &[(&str, &[u8])]) -> &'static str {
        let head = RequestHead {
            endpoint: Endpoint::Models,
            method: "GET",
            path: "/v1/models",
            source: None,
            attributes: &[],
            headers,
            upgrade: false,
        };
        match read(&head) {
            Credential::Missing => "missing",
            Credential::Invalid => "invalid",
            Credential::Key(digest) if digest == Digest::of(b"k") => "k",
            Credential::Key(_) => "other",
        }
    }

    #[test]
    fn forms() {
        let long = [b'a'; KEY_BYTES_MAX + 1];
        for (headers, expected) in [
            (&[][..], "missing"),
            (&[("authorization", &b"Bearer k"[..])], "k"),
            (&[("authorization", b" bEARER \t k\t")], "k"),
            (&[("authorization", b"Bearer\tk")], "k"),
            (&[("authorization", b"Bearer")], "missing"),
            (&[("authorization", b"")], "missing"),
            (&[("authorization", b"k")], "invalid"),
            // `any:k`, `:k`, `a:b:k`
            (&[("authorization", b"Basic YW55Oms=")], "k"),
            (&[("authorization", b"bASIC  Oms= ")], "k"),
            (&[("authorization", b"Basic YTpiOms=")], "other"),
            // `k`, `k:`, nothing, no base64, without its padding, not ASCII, with a space
            (&[("authorization", b"Basic aw==")], "invalid"),
            (&[("authorization", b"Basic azo=")], "invalid"),
            (&[("authorization", b"Basic")], "invalid"),
            (&[("authorization", b"Basic any:k")], "invalid"),
            (&[("authorization", b"Basic YW55Oms")], "invalid"),
            (&[("authorization", b"Basic YTrDqQ==")], "invalid"),
            (&[("authorization", b"Basic YTprIGs=")], "invalid"),
            (&[("authorization", b"Digest azpr")], "invalid"),
            (&[("authorization", b"Bearer k k")], "invalid"),
            (&[("authorization", b"Bearer k,Bearer k")], "invalid"),
            (&[("authorization", b"Bearer \xc3\xa9")], "invalid"),
            (&[("authorization", b"Bearer k\0")], "invalid"),
            (&[("x-api-key", b" k ")], "k"),
            (&[("x-api-key", b"Bearer k")], "invalid"),
            (&[("x-api-key", b"k2")], "other"),
            (&[("x-api-key", &long)], "invalid"),
            (&[("api-key", b"k")], "k"),
            (&[("x-goog-api-key", b"k")], "k"),
            (&[("cookie", b"k")], "missing"),
        ] {
            assert_eq!(outcome(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn several_fields_must_agree() {
        for (headers, expected) in [
            (
                &[
                    ("authorization", &b"Bearer k"[..]),
                    ("x-api-key", &b"k"[..]),
                ][..],
                "k",
            ),
            (&[("authorization", b"Bearer k"), ("x-api-key", b"")], "k"),
            (
                &[("authorization", b"Bearer k"), ("x-api-key", b"other")],
                "invalid",
            ),
            (
                &[("x-api-key", b"k"), ("authorization", b"Basic azpr")],
                "k",
            ),
            (
                &[("x-api-key", b"k"), ("authorization", b"Basic azpy")],
                "invalid",
            ),
            (
                &[("x-api-key", b"k"), ("authorization", b"Digest azpr")],
                "invalid",
            ),
            (&[("x-api-key", b"k"), ("x-api-key", b"k")], "invalid"),
            (&[("x-api-key", b"k"), ("x-api-key", b"")], "invalid"),
            (
                &[
                    ("authorization", b"Bearer k"),
                    ("authorization", b"Bearer other"),
                ],
                "invalid",
            ),
        ] {
            assert_eq!(outcome(headers), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bearer in proptest::collection::vec(any::<u8>(), 0..40),
            plain in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = outcome(&[("authorization", &bearer), ("x-api-key", &plain)]);
        }
    }
}
