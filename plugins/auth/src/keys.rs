//! All keys, by digest.

use crate::digest::Digest;
use portcullis_policy::config::Team;
use portcullis_policy::{Identity, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

/// One key and whose it is.
pub(crate) struct Key {
    /// Whose.
    pub identity: Identity,
    /// The team of that id; without one the holder may use every model.
    pub team: Option<Rc<Team>>,
    /// Not valid before.
    pub not_before: Option<Timestamp>,
    /// Not valid from then on.
    pub expires_at: Option<Timestamp>,
    /// Not valid any more.
    pub revoked: bool,
}

/// The keys of a policy. A look-up costs the same whatever their number.
#[derive(Default)]
pub(crate) struct Keys {
    by_digest: HashMap<Digest, Key>,
}

impl Keys {
    /// The key with this digest.
    pub fn find(&self, digest: &Digest) -> Option<&Key> {
        self.by_digest.get(digest)
    }

    /// Adds a key; false, and nothing is changed, when one with this digest is there.
    pub fn add(&mut self, digest: Digest, key: Key) -> bool {
        match self.by_digest.entry(digest) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(key);
                true
            }
        }
    }

    /// Whether some holder may not use every model, so that bodies have to be read.
    pub fn restrict_models(&self) -> bool {
        self.by_digest
            .values()
            .any(|key| key.team.as_ref().is_some_and(|team| team.models.is_some()))
    }
}
