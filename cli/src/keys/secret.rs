//! Secrets: made, and digested.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;

/// Random bytes of a secret: as many as its digest has, so that guessing the one is as hopeless as guessing the other.
const RANDOM_BYTES: usize = 32;

/// What a secret begins with, so that scanners of repositories and logs find it.
const PREFIX: &str = "sk-portcullis-";

/// A secret. It has no `Debug`.
pub(super) struct Secret(String);

impl Secret {
    /// A new one, from the operating system's random numbers.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes).context("the operating system gives no random numbers")?;
        Ok(Self(
            PREFIX.to_owned() + &BASE64_URL_SAFE_NO_PAD.encode(bytes),
        ))
    }

    /// What the policy keeps of it.
    pub fn digest(&self) -> String {
        hex_digest(self.0.as_bytes())
    }

    /// Shows it, for the first and last time.
    pub fn print(&self) -> Result<()> {
        writeln!(std::io::stdout(), "{}", self.0)?;
        Ok(())
    }
}

/// The SHA-256 digest, 64 hex digits.
pub(super) fn hex_digest(secret: &[u8]) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(secret) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_different() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one.0, other.0);
        assert_eq!(one.0.len(), PREFIX.len() + 43);
        assert!(one.0.bytes().all(|b| b.is_ascii_graphic()));
        assert_eq!(
            hex_digest(b"password"),
            "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
        );
    }
}
