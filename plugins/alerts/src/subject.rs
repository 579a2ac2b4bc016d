//! Who is counted.

use portcullis_policy::config::alerts::SubjectKind;
use portcullis_policy::{Facts, Remembered, sha256};
use std::net::IpAddr;

/// Bytes that stand for a subject in the store.
pub(crate) const SUBJECT_BYTES: usize = 16;

/// A subject as the store knows it: a hash of a name, so that names of people do not lie in the proxy's memory, or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Who it is.
    pub id: [u8; SUBJECT_BYTES],
    /// Where it lives: to be divided by the number of slots.
    pub place: u16,
}

impl Subject {
    /// The subject of an exchange; `None` when it has none of that kind. A user that nobody names is known by its address.
    pub fn of(kind: SubjectKind, facts: &Facts, known: &Remembered<Self>) -> Option<Self> {
        let named =
            |kind: &str, name: &str| known.of(&[kind, name].concat().into_bytes(), Self::named);
        let identity = facts.identity.as_ref();
        match kind {
            SubjectKind::User => identity.map_or_else(
                || facts.source.map(Self::source),
                |identity| Some(named("user/", &identity.user)),
            ),
            SubjectKind::Key => identity.map(|identity| named("key/", &identity.key_id)),
            SubjectKind::Team => identity
                .and_then(|identity| identity.team.as_deref())
                .map(|team| named("team/", team)),
            SubjectKind::Source => facts.source.map(Self::source),
            SubjectKind::All => Some(Self::everybody()),
        }
    }

    /// An address; of IPv6 its /64, of which a single subscriber has all.
    pub fn source(address: IpAddr) -> Self {
        let (family, bits) = match address.to_canonical() {
            IpAddr::V4(address) => (4, u64::from(address.to_bits())),
            IpAddr::V6(address) => {
                let prefix = address.to_bits() >> 64;
                (6, u64::try_from(prefix).unwrap_or_default())
            }
        };
        let mut id = [family; SUBJECT_BYTES];
        id.iter_mut()
            .zip(bits.to_le_bytes())
            .for_each(|(to, from)| *to = from);
        // The finalizer of MurmurHash3, so that neighbouring addresses do not share an entry.
        let mut mixed = bits ^ u64::from(family);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        let [low, high, ..] = (mixed ^ (mixed >> 33)).to_le_bytes();
        Self {
            id,
            place: u16::from_le_bytes([low, high]),
        }
    }

    /// All together: the same on every worker, and needs no hash.
    pub const fn everybody() -> Self {
        Self {
            id: [0; SUBJECT_BYTES],
            place: 0,
        }
    }

    /// By kind and name, with a slash between.
    fn named(name: &[u8]) -> Self {
        let digest = sha256(&[name]);
        let (mut id, mut place) = ([0; SUBJECT_BYTES], [0; 2]);
        id.iter_mut()
            .chain(&mut place)
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Self {
            id,
            place: u16::from_le_bytes(place),
        }
    }
}

/// A subject as people know it, empty for everybody together: personal data, unless it is a team.
pub(crate) fn name(kind: SubjectKind, facts: &Facts) -> String {
    let source = || facts.source.map(|source| source.to_canonical().to_string());
    let identity = facts.identity.as_ref();
    let name = match kind {
        SubjectKind::User => identity
            .map(|identity| identity.user.clone())
            .or_else(source),
        SubjectKind::Key => identity.map(|identity| identity.key_id.clone()),
        SubjectKind::Team => identity.and_then(|identity| identity.team.clone()),
        SubjectKind::Source => source(),
        SubjectKind::All => None,
    };
    name.unwrap_or_default()
}
