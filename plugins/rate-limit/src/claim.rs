//! Whose limits apply to a request.

use crate::bucket::{Kind, Rate};
use crate::slot::{SLOTS, key};
use portcullis_policy::config::Limits;
use portcullis_policy::sha256;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::rc::Rc;

/// Bytes that stand for a subject in the store.
pub(crate) const SUBJECT_BYTES: usize = 16;

/// What has buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope<'a> {
    /// The person or service that calls.
    User(&'a str),
    /// One of the keys, by its id.
    Key(&'a str),
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
    /// The key of the slot it lives in.
    pub slot: Rc<str>,
    /// Who it is.
    pub id: [u8; SUBJECT_BYTES],
}

impl Scope<'_> {
    /// Bytes that no other scope has, whatever the names in them.
    pub fn name(self) -> Vec<u8> {
        match self {
            Self::User(name) => [b"user/", name.as_bytes()].concat(),
            Self::Key(id) => [b"key/", id.as_bytes()].concat(),
            Self::Team(id) => [b"team/", id.as_bytes()].concat(),
            Self::Model(pattern) => [b"model/", pattern.as_bytes()].concat(),
            Self::Global => b"global/".to_vec(),
            Self::Source(address) => match address.to_canonical() {
                IpAddr::V4(address) => [&b"source/"[..], &address.octets()].concat(),
                // A single subscriber has a /64 to choose addresses from.
                IpAddr::V6(address) => {
                    [&b"source/"[..], &(address.to_bits() >> 64).to_be_bytes()].concat()
                }
            },
        }
    }
}

impl Subject {
    /// The subject of a scope. Different scopes never share a subject, whatever the names in them.
    pub fn of(scope: Scope<'_>) -> Self {
        Self::named(&scope.name())
    }

    /// The subject of a scope by its [`Scope::name`].
    pub fn named(name: &[u8]) -> Self {
        let digest = sha256(&[name]);
        let mut id = [0; SUBJECT_BYTES];
        let mut slot = [0; 2];
        id.iter_mut()
            .chain(&mut slot)
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Self {
            slot: key(u16::from_le_bytes(slot) % SLOTS).into(),
            id,
        }
    }
}

/// Limits, ready to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Of each kind of bucket, in the order of [`crate::bucket::Kind::ALL`].
    pub rates: [Option<Rate>; 4],
    /// Requests that may run at the same time.
    pub parallel: Option<NonZeroU64>,
}

impl Quota {
    /// The quota that limits mean; `None` when they limit nothing.
    pub fn of(limits: &Limits) -> Option<Rc<Self>> {
        let quota = Self {
            rates: Rate::all(limits),
            parallel: limits.max_parallel_requests,
        };
        quota.limits_something().then(|| Rc::new(quota))
    }

    /// What of it holds for calls that only count tokens: the requests. Not how many may run at once: Claude Code asks some twenty at a time,
    /// and where it is refused it sends real requests instead.
    fn counting(&self) -> Option<Rc<Self>> {
        let mut quota = Self {
            parallel: None,
            ..self.clone()
        };
        for (kind, rate) in Kind::ALL.into_iter().zip(&mut quota.rates) {
            if kind.counts_tokens() {
                *rate = None;
            }
        }
        quota.limits_something().then(|| Rc::new(quota))
    }

    fn limits_something(&self) -> bool {
        self.parallel.is_some() || self.rates.iter().any(Option::is_some)
    }

    /// Whether tokens are limited.
    pub fn counts_tokens(&self) -> bool {
        let mut rates = Kind::ALL.into_iter().zip(self.rates);
        rates.any(|(kind, rate)| kind.counts_tokens() && rate.is_some())
    }
}

/// A subject and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Who.
    pub subject: Subject,
    /// How much.
    pub quota: Rc<Quota>,
}

impl Claim {
    /// The claim that a call which only counts tokens makes in place of this one: as many requests, from a bucket of its own, since Anthropic
    /// limits them apart from messages, too (<https://platform.claude.com/docs/en/build-with-claude/token-counting>). `None` where requests are not limited.
    pub fn counting(self) -> Option<Self> {
        let quota = self.quota.counting()?;
        let name = [&b"counting/"[..], &self.subject.id].concat();
        Some(Self {
            subject: Subject::named(&name),
            quota,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_told_apart() {
        let source = |text: &str| Subject::of(Scope::Source(text.parse().unwrap()));
        let all = [
            Subject::of(Scope::User("a")),
            Subject::of(Scope::Key("a")),
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
