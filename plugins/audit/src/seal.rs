//! What is sealed of a record, and with what: the form that `docs/audit.md` describes, for those who write it and those who check it.
//!
//! A record in a log is its *body*, one JSON object, with the member `chain` put behind its last one:
//!
//! ```text
//! {…,"chain":{"id":"<32 hex>","seq":<number>,"prev":"<64 hex>","salt":"<32 hex>","mac":"<64 hex>"}}
//! ```
//!
//! Sealed is that text without `,"mac":"…"`, with `null` for the values of the [`PERSONAL`] members, and with their digest,
//! `"personal":"<64 hex>"`, in place of the salt. The digest is SHA-256 over the salt's 16 bytes and the three values as JSON text, each
//! followed by a line feed. So a person is erased by writing `null` for the values and `"erased":"<digest>"` for the salt: what is sealed stays the
//! same, and nobody can try names against the digest without the salt. A record that names nobody has neither salt nor digest.

use crate::hex::hex_into;
use hmac::{Hmac, KeyInit, Mac};
use portcullis_policy::sha256;
use sha2::Sha256;

/// The members that name a person, in the order in which they are digested.
pub const PERSONAL: [&str; 3] = ["user", "source_ip", "key_id"];

/// `prev` of a chain that follows none.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Bytes of a salt: nobody tries 2^128 of them.
pub const SALT_BYTES: usize = 16;

/// What seals records: HMAC-SHA256 (RFC 2104) with a key, SHA-256 without one.
#[derive(Clone)]
pub enum Seal {
    /// Whoever can write the log can also write a chain that holds; only heads kept elsewhere show it.
    Plain,
    /// Only who has the key can.
    Keyed(Box<Hmac<Sha256>>),
}

impl Seal {
    /// With this key, or without one.
    #[must_use]
    pub fn new(key: Option<&[u8]>) -> Self {
        // HMAC takes keys of any length.
        key.and_then(|key| Hmac::new_from_slice(key).ok())
            .map_or(Self::Plain, |keyed| Self::Keyed(Box::new(keyed)))
    }

    /// The seal of a text, in parts.
    #[must_use]
    pub fn of(&self, parts: &[&str]) -> [u8; 32] {
        match self {
            Self::Plain => {
                let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
                sha256(&parts)
            }
            Self::Keyed(keyed) => {
                let mut mac = keyed.as_ref().clone();
                parts.iter().for_each(|part| mac.update(part.as_bytes()));
                mac.finalize().into_bytes().into()
            }
        }
    }
}

/// The digest of personal values, each as JSON text.
#[must_use]
pub fn personal_digest(salt: &[u8; SALT_BYTES], values: [&str; 3]) -> [u8; 32] {
    let [user, source_ip, key_id] = values.map(str::as_bytes);
    sha256(&[salt, user, b"\n", source_ip, b"\n", key_id, b"\n"])
}

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The chain's id.
    pub id: &'a str,
    /// The record's number in it, from 0.
    pub seq: u64,
    /// The seal of the record before it; of a chain's first, that of its predecessor's last, or [`NOTHING`].
    pub prev: &'a str,
}

/// How the persons of a record stand in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persons<'a> {
    /// There are none.
    None,
    /// By name: the salt's digits.
    Salted(&'a str),
    /// Erased: the digest's digits.
    Erased(&'a str),
}

/// Text that stands before the seal in a record's line, and after it.
pub const BEFORE_MAC: &str = ",\"mac\":\"";
/// See [`BEFORE_MAC`].
pub const AFTER_MAC: &str = "\"}}";

/// The line's end, from the comma before `chain` to the last value before the seal.
#[must_use]
pub fn tail(link: Link<'_>, persons: Persons<'_>) -> String {
    let mut text = String::new();
    push_link(link, &mut text);
    push_persons(persons, &mut text);
    text
}

/// What stands in a line's end for the persons.
pub(crate) fn push_persons(persons: Persons<'_>, text: &mut String) {
    let (before, digits) = match persons {
        Persons::None => return,
        Persons::Salted(salt) => (",\"salt\":\"", salt),
        Persons::Erased(digest) => (",\"erased\":\"", digest),
    };
    text.push_str(before);
    text.push_str(digits);
    text.push('"');
}

/// The same as it is sealed: with the persons' digest, and closed.
#[must_use]
pub fn sealed_tail(link: Link<'_>, personal: Option<&[u8; 32]>) -> String {
    let mut text = String::new();
    push_link(link, &mut text);
    push_sealed(personal, &mut text);
    text
}

/// What is sealed in place of what [`push_persons`] says, and the end.
pub(crate) fn push_sealed(personal: Option<&[u8; 32]>, text: &mut String) {
    if let Some(digest) = personal {
        text.push_str(",\"personal\":\"");
        hex_into(digest, text);
        text.push('"');
    }
    text.push_str("}}");
}

/// What both have in common.
pub(crate) fn push_link(link: Link<'_>, text: &mut String) {
    for part in [
        ",\"chain\":{\"id\":\"",
        link.id,
        "\",\"seq\":",
        itoa::Buffer::new().format(link.seq),
        ",\"prev\":\"",
        link.prev,
        "\"",
    ] {
        text.push_str(part);
    }
}
