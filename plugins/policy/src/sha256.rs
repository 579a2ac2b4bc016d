//! SHA-256 in one place: padding and buffering are half a kilobyte wherever they are written out.

use sha2::{Digest, Sha256};

/// The digest (FIPS 180-4) of bytes, in parts.
#[inline(never)]
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}
