//! What is kept of a secret.

use portcullis_policy::sha256;
use std::hash::{Hash, Hasher};
use subtle::ConstantTimeEq as _;

/// The SHA-256 digest of a key's secret. It has no `Debug`: nothing prints it. Two are compared in a time that does not tell where they
/// differ.
#[derive(Clone, Copy, Eq)]
pub(crate) struct Digest([u8; 32]);

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        let words = self.words().zip(other.words());
        let different = words.fold(0, |all, (one, other)| all | (one ^ other));
        different.ct_eq(&0).into()
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words().for_each(|word| state.write_u64(word));
    }
}

impl Digest {
    /// Of a secret's bytes as the client sends them.
    pub fn of(secret: &[u8]) -> Self {
        Self(sha256(&[secret]))
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.0.as_chunks();
        words.iter().map(|word| u64::from_le_bytes(*word))
    }

    /// From 64 hex digits of either case, as `sha256sum` writes them; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in digits {
                let digit = char::from(*digit)
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())?;
                *byte = (*byte << 4) | digit;
            }
        }
        Some(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_as_sha256sum_writes_it() {
        let hex = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d";
        let with = |last: &str| Digest::from_hex(&format!("{hex}{last}"));
        assert!(with("8").is_some_and(|digest| digest == Digest::of(b"password")));
        assert!(
            Digest::from_hex(&format!("{hex}8").to_uppercase())
                .is_some_and(|digest| digest == Digest::of(b"password"))
        );
        for last in ["", "88", "g", "é", "+"] {
            assert!(with(last).is_none(), "{last}");
        }
    }
}
