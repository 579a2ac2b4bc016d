//! Names for persons that only the holder of a key can find out: where a policy says `audit.user: pseudonym`, nothing that leaves the gateway
//! about an exchange names anybody.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write as _;

/// Hex digits of a pseudonym: 128 bits, so that no two persons get the same one.
const HEX_DIGITS: usize = 32;

/// Turns names into pseudonyms: HMAC-SHA256 (RFC 2104) of the name. The same name always gets the same pseudonym, so that a log can still
/// be searched for a person by whoever holds the key.
#[derive(Clone)]
pub struct Pseudonyms {
    keyed: Hmac<Sha256>,
}

impl Pseudonyms {
    /// With a key of any length; `None` when the key cannot be used.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(|keyed| Self { keyed })
    }

    /// The pseudonym of a name. `kind` keeps a user and a key of the same name apart.
    #[must_use]
    pub fn of(&self, kind: &str, name: &str) -> String {
        let mut mac = self.keyed.clone();
        mac.update(kind.as_bytes());
        mac.update(b"/");
        mac.update(name.as_bytes());
        let mut text = String::with_capacity(HEX_DIGITS);
        for byte in mac.finalize().into_bytes().iter().take(HEX_DIGITS / 2) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Pseudonyms")
    }
}
