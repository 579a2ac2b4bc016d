//! Whose limits apply to a request.

use crate::slot::SLOTS;
use portcullis_policy::config::Limits;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Bytes that stand for a subject in the store.
pub(crate) const SUBJECT_BYTES: usize = 16;

/// What has buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope<'a> {
    /// The person or service that calls.
    User(&'a str),
    /// An address, where nobody says who calls.
    Source(IpAddr),
    /// All members of a team together.
    Team(&'a str),
    /// All callers of the models that one pattern covers.
    Model(&'a str),
    /// All callers.
    Global,
}

/// A subject as the store knows it: a hash, so that names of people do not lie in the proxy's memory, and all have one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The slot it lives in.
    pub slot: u16,
    /// Who it is.
    pub id: [u8; SUBJECT_BYTES],
}

impl Subject {
    /// The subject of a scope. Different scopes never share a subject, whatever the names in them.
    pub fn of(scope: Scope<'_>) -> Self {
        let mut hash = Sha256::new();
        match scope {
            Scope::User(name) => hash.update([b"user/", name.as_bytes()].concat()),
            Scope::Team(id) => hash.update([b"team/", id.as_bytes()].concat()),
            Scope::Model(pattern) => hash.update([b"model/", pattern.as_bytes()].concat()),
            Scope::Global => hash.update(b"global/"),
            Scope::Source(address) => match address.to_canonical() {
                IpAddr::V4(address) => hash.update([&b"source/"[..], &address.octets()].concat()),
                // A single subscriber has a /64 to choose addresses from.
                IpAddr::V6(address) => hash
                    .update([&b"source/"[..], &(address.to_bits() >> 64).to_be_bytes()].concat()),
            },
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; SUBJECT_BYTES];
        let mut slot = [0; 2];
        id.iter_mut()
            .chain(&mut slot)
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Self {
            slot: u16::from_le_bytes(slot) % SLOTS,
            id,
        }
    }
}

/// A subject and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Who.
    pub subject: Subject,
    /// How much.
    pub limits: Limits,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_told_apart() {
        let source = |text: &str| Subject::of(Scope::Source(text.parse().unwrap()));
        let all = [
            Subject::of(Scope::User("a")),
            Subject::of(Scope::Team("a")),
            Subject::of(Scope::Model("a")),
            Subject::of(Scope::Global),
            source("10.0.0.1"),
            source("10.0.0.2"),
            source("2001:db8::1"),
            source("2001:db8:0:1::1"),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all.iter().skip(n + 1).all(|other| one.id != other.id));
        }
        assert_eq!(source("10.0.0.1"), source("::ffff:10.0.0.1"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::2"));
    }
}
