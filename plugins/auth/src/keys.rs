//! All keys, by digest.

use crate::digest::Digest;
use crate::holder::Holder;
use portcullis_policy::{Spread, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

/// One key and whose it is.
pub(crate) struct Key {
    /// Whose.
    pub holder: Rc<Holder>,
    /// Not valid before.
    pub not_before: Option<Timestamp>,
    /// Not valid from then on: the earlier of its `expires_at` and the end of `max_age`.
    pub ends_at: Option<Timestamp>,
    /// Not valid any more.
    pub revoked: bool,
}

/// The keys of a policy. A look-up costs the same whatever their number.
#[derive(Default)]
pub(crate) struct Keys {
    by_digest: HashMap<Digest, Key, Spread>,
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
            .any(|key| key.holder.models.restrict())
    }
}
