//! What stands for a masked value, and how it is found again.
//!
//! A placeholder is `[EMAIL-HKDQRBFNLCGTMJPSBQKC]`: a label for the model's sake and letters of a keyed digest of the value, always
//! [`LENGTH`] bytes. Nothing in it needs an escape in JSON, in a shell or in Markdown; its letters are consonants without digits, so that it
//! spells no word and sets off no detector. The same value has the same placeholder in every turn of a conversation and in every worker, so
//! a provider's prompt cache still works, and nobody without the key can say which value it stands for, not even by trying them all.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a placeholder.
pub(crate) const LENGTH: usize = 28;

/// Most letters of the label. Leaves 16 letters, 64 bits, for the digest: no two values of a request share them.
const LABEL_MAX: usize = LENGTH - 3 - 16;

/// The digest's digits.
const DIGITS: &[u8; 16] = b"BCDFGHJKLMNPQRST";

/// A placeholder, in capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placeholder([u8; LENGTH]);

impl Placeholder {
    /// As it stands in a text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// As bytes.
    pub(crate) const fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The first in their order that begins so.
    pub(crate) const fn lowest(begun: [u8; LENGTH]) -> Self {
        Self(begun)
    }

    fn has_shape(&self) -> bool {
        let inside = self.0.get(1..LENGTH - 1).unwrap_or_default();
        let Some(dash) = inside.iter().position(|byte| *byte == b'-') else {
            return false;
        };
        let (label, digest) = inside.split_at(dash);
        (1..=LABEL_MAX).contains(&label.len())
            && label.iter().all(u8::is_ascii_uppercase)
            && digest.iter().skip(1).all(|byte| DIGITS.contains(byte))
    }
}

/// What a placeholder stands for. Digests of different kinds have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value that a rule found.
    Value,
    /// Text of the client's that looks like a placeholder.
    LookAlike,
}

/// Makes placeholders.
#[derive(Clone)]
pub(crate) struct Masker(Hmac<Sha256>);

impl std::fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Masker")
    }
}

impl Masker {
    /// With a key of any length; `None` when it cannot be used.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// With a key made of one that is for something else, so that neither tells of the other.
    pub(crate) fn derived(key: &[u8]) -> Option<Self> {
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(key).ok()?;
        mac.update(b"portcullis dlp mask key");
        Self::new(&mac.finalize().into_bytes())
    }

    /// The placeholder of a value: HMAC-SHA256 (RFC 2104) of its kind and the value, four bits a letter.
    pub(crate) fn placeholder(&self, kind: Kind, label: &str, value: &str) -> Placeholder {
        let mut mac = self.0.clone();
        mac.update(match kind {
            Kind::Value => b"value\0",
            Kind::LookAlike => b"look-alike\0",
        });
        mac.update(value.as_bytes());
        let digest = mac.finalize().into_bytes();
        let letters = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let letters = letters.map(|digit| DIGITS.get(usize::from(digit)).copied().unwrap_or(b'B'));
        let label = label.bytes().take(LABEL_MAX);
        let mut text = [b']'; LENGTH];
        let inside = [b'['].into_iter().chain(label).chain([b'-']).chain(letters);
        for (place, byte) in text.iter_mut().take(LENGTH - 1).zip(inside) {
            *place = byte;
        }
        Placeholder(text)
    }
}

/// A label for a rule's values: as many words of its name as fit, in capital letters.
pub(crate) fn label(rule: &str) -> String {
    let mut label = String::new();
    for word in rule.split(|letter: char| !letter.is_ascii_alphabetic()) {
        if !label.is_empty() && label.len() + word.len() > LABEL_MAX {
            break;
        }
        label.extend(word.chars().map(|letter| letter.to_ascii_uppercase()));
    }
    label.truncate(LABEL_MAX);
    if label.is_empty() {
        label.push_str("VALUE");
    }
    label
}

/// Finds what has the shape of a placeholder in a text, wherever the text is cut and whatever case its letters have.
#[derive(Debug, Default)]
pub(crate) struct Search {
    begun: [u8; LENGTH],
    len: usize,
    position: usize,
}

impl Search {
    /// Takes the next piece; tells where each begins, what it is in capital letters and how it is written. Looks at each byte
    /// once.
    pub(crate) fn push(&mut self, piece: &str, mut found: impl FnMut(usize, &Placeholder, &str)) {
        let bytes = piece.as_bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.len == 0 {
                let Some(skipped) = memchr::memchr(b'[', rest) else {
                    break;
                };
                at += skipped;
            }
            let byte = bytes.get(at).copied().unwrap_or_default();
            at += 1;
            let fits = match self.len {
                0 => true,
                last if last == LENGTH - 1 => byte == b']',
                _ => byte.is_ascii_alphabetic() || byte == b'-',
            };
            if !fits {
                // None of its bytes but the first is a bracket, so the next one can only begin here.
                self.len = 0;
                if byte != b'[' {
                    continue;
                }
            }
            if let Some(place) = self.begun.get_mut(self.len) {
                *place = byte;
            }
            self.len += 1;
            if self.len == LENGTH {
                self.len = 0;
                let placeholder = Placeholder(self.begun.map(|byte| byte.to_ascii_uppercase()));
                if placeholder.has_shape() {
                    let written = std::str::from_utf8(&self.begun).unwrap_or_default();
                    found(self.position + at - LENGTH, &placeholder, written);
                }
            }
        }
        self.position += bytes.len();
    }

    /// The beginning of one that may follow, and where it stands.
    pub(crate) fn begun(&self) -> Option<(usize, &[u8])> {
        let begun = self
            .begun
            .get(..self.len)
            .filter(|begun| !begun.is_empty())?;
        Some((self.position - self.len, begun))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masker() -> Masker {
        Masker::new(b"0123456789abcdef").unwrap()
    }

    fn found(pieces: &[&str]) -> Vec<(usize, String)> {
        let (mut search, mut all) = (Search::default(), Vec::new());
        for piece in pieces {
            search.push(piece, |at, placeholder, _| {
                all.push((at, placeholder.as_str().to_owned()))
            });
        }
        all
    }

    #[test]
    fn placeholders_are_stable_and_tell_values_apart() {
        let one = masker().placeholder(Kind::Value, "EMAIL", "jane@corp.com");
        assert_eq!(
            one,
            masker().placeholder(Kind::Value, "EMAIL", "jane@corp.com")
        );
        assert_ne!(
            one,
            masker().placeholder(Kind::Value, "EMAIL", "june@corp.com")
        );
        assert_ne!(
            one,
            masker().placeholder(Kind::LookAlike, "EMAIL", "jane@corp.com")
        );
        let other_key = Masker::new(b"0123456789abcdeg").unwrap();
        assert_ne!(
            one,
            other_key.placeholder(Kind::Value, "EMAIL", "jane@corp.com")
        );
        assert!(one.has_shape() && one.as_str().starts_with("[EMAIL-"));
        assert!(one.as_str().ends_with(']') && one.as_str().len() == LENGTH);
    }

    #[test]
    fn labels() {
        for (rule, expected) in [
            ("email", "EMAIL"),
            ("payment_card", "PAYMENT"),
            ("us ssn", "USSSN"),
            ("rule-1", "RULE"),
            ("42", "VALUE"),
            ("extraordinary", "EXTRAORDI"),
        ] {
            assert_eq!(label(rule), expected);
        }
    }

    #[test]
    fn shapes() {
        let text = masker()
            .placeholder(Kind::Value, "SSN", "x")
            .as_str()
            .to_owned();
        assert_eq!(found(&[&text]), [(0, text.clone())]);
        assert_eq!(found(&[&format!("[[{text}]")]), [(2, text.clone())]);
        assert_eq!(found(&[&text.to_lowercase()]), [(0, text.clone())]);
        assert_eq!(found(&[&text.replace('-', "B")]), []);
        assert_eq!(found(&[&text.replace(']', "B]")]), []);
        let mut search = Search::default();
        search.push("see [SS", |_, _, _| {});
        assert_eq!(search.begun(), Some((4, &b"[SS"[..])));
        search.push(" ", |_, _, _| {});
        assert_eq!(search.begun(), None);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(parts in prop::collection::vec(prop::sample::select(vec![0, 1, 2, 3, 4, 5]), 1..8), cut in 0_usize..200) {
            let placeholder = masker().placeholder(Kind::Value, "SSN", "x");
            let half = placeholder.as_str().split_at(13).0;
            let words = [placeholder.as_str(), half, "[", "]", "word ", "é"];
            let text: String = parts.iter().map(|part| words[*part]).collect();
            let cut = text.floor_char_boundary(cut);
            let whole = found(&[&text]);
            let (before, behind) = text.split_at(cut);
            prop_assert_eq!(found(&[before, behind]), whole.clone());
            let expected: Vec<_> = text.match_indices(placeholder.as_str()).map(|(at, found)| (at, found.to_owned())).collect();
            prop_assert_eq!(whole, expected);
        }
    }
}
