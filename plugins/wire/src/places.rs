//! Whose a text is and what can be expected of it, by where it stands.
//!
//! A format's table says it of a path, and it holds for all below. Most texts are prose. Some places are for random strings only (ids,
//! signatures, pictures): a policy may spare them what only random strings set off. A place is a claim, not a proof, so a text is called
//! opaque only as far as it looks like what it claims to be ([`Look`]); whatever else a client puts there is prose.

use portcullis_policy::{Place, Role};
use wide::u8x16;

/// Longest id, in bytes. The APIs' own have 64 at most, those of other providers behind the same formats are longer; a text is not hidden
/// in so few.
const ID_BYTES_MAX: usize = 256;

/// Longest beginning of a `data:` URL, up to its comma, in bytes: a media type and its parameters.
const URL_HEAD_BYTES_MAX: usize = 256;

/// What a table says of the texts at a path and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Whose they are.
    Whose(Role),
    /// What they claim to be.
    Are(Claim),
}

/// What a text claims to be by its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Anything.
    #[default]
    Prose,
    /// What a tool is called with.
    Arguments,
    /// An id that the API or a client library made.
    Id,
    /// Base64: a signature, encrypted reasoning, a picture.
    Base64,
    /// A `data:` URL that holds base64 (RFC 2397), or another URL.
    DataUrl,
    /// A number that the API itself sets, counts or measures, whatever stands here besides.
    Count,
    /// What a tool takes or an answer is like (<https://json-schema.org>): what limits numbers there is none that anybody has.
    Schema,
}

/// Keys of JSON Schema whose numbers limit values (Validation, section 6). Generators write the largest integer that a double tells apart, 16 digits,
/// into every other one.
const LIMITS: [&str; 13] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
];

/// Role and claim of a place: its own, or that of what is around it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ground {
    /// Whose texts are here.
    pub role: Role,
    /// What they claim to be.
    pub claim: Claim,
}

impl Ground {
    /// Where nothing is said but whose it is.
    pub(crate) const fn of(role: Role) -> Self {
        Self {
            role,
            claim: Claim::Prose,
        }
    }

    /// The same, of a place that is known to be no opaque one.
    pub(crate) const fn place(self) -> Place {
        match self.claim {
            Claim::Arguments => Place::Arguments,
            Claim::Prose
            | Claim::Id
            | Claim::Base64
            | Claim::DataUrl
            | Claim::Count
            | Claim::Schema => Place::Prose,
        }
    }

    /// Where a whole text stands here; `None` when pieces of it may stand differently.
    pub(crate) fn place_of(self, whole: &str) -> Option<Place> {
        match (self.claim, self.claim.judge(whole, true)) {
            (_, Look::Plain) => Some(self.place()),
            (Claim::Id, Look::Opaque) => Some(Place::Opaque),
            (_, Look::Opaque | Look::Unsure) => None,
        }
    }
}

/// The role that a message names. One that no API knows is nobody's, and nobody's text is spared anything.
pub(crate) fn role(name: &str) -> Role {
    match name {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" | "model" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => Role::Unknown,
    }
}

/// The role that an item of a conversation has by its type; `None` where that says nothing, as a message's does not.
pub(crate) fn role_of_item(kind: &str) -> Option<Role> {
    if kind.ends_with("_output") {
        Some(Role::Tool)
    } else if kind.ends_with("_call") || kind == "reasoning" {
        Some(Role::Assistant)
    } else {
        None
    }
}

/// Whether a text still looks like what it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is too little of it to say.
    Unsure,
    /// It does.
    Opaque,
    /// It never claimed to be opaque, or does not look like it.
    Plain,
}

impl Claim {
    /// Whether a number is the API's own, `key` being that whose value it is, if no table knows it.
    pub(crate) fn is_own_number(self, key: &str) -> bool {
        match self {
            Self::Count => true,
            Self::Schema => LIMITS.contains(&key),
            Self::Prose | Self::Arguments | Self::Id | Self::Base64 | Self::DataUrl => false,
        }
    }

    /// Before anything of the text is known.
    pub(crate) const fn look(self) -> Look {
        match self {
            Self::Prose | Self::Arguments | Self::Count | Self::Schema => Look::Plain,
            Self::Id | Self::DataUrl => Look::Unsure,
            Self::Base64 => Look::Opaque,
        }
    }

    /// Looks at the text from its beginning, while there was too little of it; `last`: this is all of it.
    pub(crate) fn judge(self, text: &str, last: bool) -> Look {
        match self {
            Self::Prose | Self::Arguments | Self::Count | Self::Schema => Look::Plain,
            Self::Base64 => Look::Opaque,
            Self::Id if text.len() > ID_BYTES_MAX || !is_id(text) => Look::Plain,
            Self::Id if last => Look::Opaque,
            Self::Id => Look::Unsure,
            Self::DataUrl => judge_url(text, last),
        }
    }

    /// How much of `piece` still looks so, of a text that did so far.
    pub(crate) fn still(self, piece: &str) -> usize {
        match self {
            // Judged as a whole.
            Self::Prose | Self::Arguments | Self::Count | Self::Schema | Self::Id => piece.len(),
            Self::Base64 => looks_base64(piece),
            // The head was judged; what is behind its comma is base64.
            Self::DataUrl => {
                let body = piece.find(',').map_or(0, |comma| comma + 1);
                body + piece.get(body..).map_or(0, looks_base64)
            }
        }
    }
}

fn judge_url(text: &str, last: bool) -> Look {
    const SCHEME: &[u8] = b"data:";
    // As bytes: a character may lie across where the scheme would end.
    let begins = text
        .bytes()
        .zip(SCHEME)
        .all(|(byte, of_scheme)| byte.eq_ignore_ascii_case(of_scheme));
    if !begins {
        return Look::Plain;
    }
    match text.split_once(',') {
        Some((head, _)) if head.len() > URL_HEAD_BYTES_MAX => Look::Plain,
        Some((head, _)) if head.ends_with(";base64") && head.bytes().all(is_url_head) => {
            Look::Opaque
        }
        Some(_) => Look::Plain,
        None if last || text.len() > URL_HEAD_BYTES_MAX => Look::Plain,
        None => Look::Unsure,
    }
}

/// Whether a text is made of what ids are made of: letters, digits and a few signs.
fn is_id(text: &str) -> bool {
    let (chunks, rest) = text.as_bytes().as_chunks::<16>();
    let of_ids = |chunk: &[u8; 16]| {
        let bytes = u8x16::new(*chunk);
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let within = |bytes: u8x16, first: u8, last: u8| {
            let offset = bytes - u8x16::splat(first);
            offset.min(u8x16::splat(last - first)).simd_eq(offset)
        };
        let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
        // `-`, `.`, `/`, digits and `:` stand in a row.
        let others = within(bytes, b'-', b':') | is(b'_') | is(b'+') | is(b'=');
        (letters | others).all()
    };
    chunks.iter().all(of_ids) && rest.iter().all(|byte| is_of_id(*byte))
}

const fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/' | b'+' | b'=')
}

const fn is_url_head(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b':' | b'/' | b'+' | b'-' | b'.' | b';' | b'=' | b'_')
}

/// How many bytes of a text are base64 of either alphabet, or its padding.
fn looks_base64(text: &str) -> usize {
    const IS_BASE64: [bool; 256] = {
        let mut table = [false; 256];
        let alphabet = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=";
        let mut at = 0;
        while at < alphabet.len() {
            #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
            {
                table[alphabet[at] as usize] = true;
            }
            at += 1;
        }
        table
    };
    let other = |byte: &u8| !IS_BASE64.get(usize::from(*byte)).copied().unwrap_or(false);
    text.as_bytes().iter().position(other).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_claim() {
        for (claim, text, look) in [
            (Claim::Id, "call_9pMkZ8", Look::Opaque),
            (Claim::Id, "my number is 123-45-6789", Look::Plain),
            (Claim::Id, "", Look::Opaque),
            (Claim::DataUrl, "data:image/png;base64,iVBOR", Look::Opaque),
            (Claim::DataUrl, "DATA:;base64,iVBOR", Look::Opaque),
            (Claim::DataUrl, "data:text/plain,hello", Look::Plain),
            (Claim::DataUrl, "data:my words;base64,hello", Look::Plain),
            (Claim::DataUrl, "https://example.com/x.png", Look::Plain),
            (Claim::DataUrl, "data:image/png;base64", Look::Plain),
            (Claim::DataUrl, "dat\u{1ab}\u{1ab}", Look::Plain),
            (Claim::Prose, "call_9pMkZ8", Look::Plain),
        ] {
            assert_eq!(claim.judge(text, true), look, "{claim:?} {text}");
        }
        for character in (0..=u8::MAX).map(char::from) {
            let text = format!("call_9pMk{character}Z8xYw");
            let is = text.bytes().all(is_of_id);
            assert_eq!(is_id(&text), is, "{text}");
            assert_eq!(is_id(&format!("{text}{text}")), is, "{text}");
        }
        assert!(LIMITS.is_sorted());
        assert_eq!(Claim::Id.judge(&"a".repeat(257), false), Look::Plain);
        assert_eq!(Claim::DataUrl.judge("da", false), Look::Unsure);
        assert_eq!(Claim::DataUrl.judge("dx", false), Look::Plain);
        for text in [
            "\u{1ab}\u{1ab}\u{1ab}",
            "dtaa\u{1ab}",
            "d\u{1f600}\u{1f600}",
        ] {
            assert_eq!(Claim::DataUrl.judge(text, false), Look::Plain, "{text}");
        }
        assert_eq!(Claim::Base64.still("iVBORw0KGgo= and words"), 12);
        assert_eq!(Claim::DataUrl.still("data:image/png;base64,iVB ORw"), 25);
    }
}
