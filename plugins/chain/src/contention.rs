//! How often workers came between each other in the store.

use portcullis_policy::{Metric, Store, StoreError};

/// A store that counts the writes which somebody else's came before.
pub(crate) struct Watched<'a> {
    store: &'a mut dyn Store,
    lost: u64,
}

impl<'a> Watched<'a> {
    pub const fn new(store: &'a mut dyn Store) -> Self {
        Self { store, lost: 0 }
    }

    /// The metric, when there is something to count.
    pub fn contention(&self) -> Option<(Metric, u64)> {
        (self.lost > 0).then_some((Metric::StoreContention, self.lost))
    }
}

impl Store for Watched<'_> {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.store.load(key)
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        let swapped = self.store.swap(key, value, version)?;
        self.lost += u64::from(!swapped);
        Ok(swapped)
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.store.put(key, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::MemoryStore;

    #[test]
    fn only_lost_writes_count() {
        let mut inner = MemoryStore::default();
        let mut store = Watched::new(&mut inner);
        assert_eq!(store.swap("k", b"1", None), Ok(true));
        assert_eq!(store.contention(), None);
        assert_eq!(store.swap("k", b"2", None), Ok(false));
        assert_eq!(store.swap("k", b"2", Some(99)), Ok(false));
        assert_eq!(store.contention(), Some((Metric::StoreContention, 2)));
        assert_eq!(store.load("k"), Ok(Some((b"1".to_vec(), 1))));
    }
}
