//! State shared by all workers of a proxy.

use std::collections::HashMap;

/// Why the store gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// Others kept writing first; [`CAS_ATTEMPTS_MAX`] attempts were made.
    Contended,
    /// The host refused.
    Unavailable,
}

/// How often [`update`] tries before it gives up: protects a worker from spinning. With `w` workers an attempt fails only when
/// one of `w - 1` others succeeded meanwhile, so this many in a row is a host at fault.
pub const CAS_ATTEMPTS_MAX: u32 = 64;

/// A key-value store with compare and swap. Entries cannot be deleted, so keys must be bounded in number.
pub trait Store {
    /// The value and its version, or `None` when the key was never written.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the host gives no answer.
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError>;

    /// Writes when the entry is still at `version`; with `None`, when the key was never written. `Ok(false)` when somebody else was
    /// first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the host gives no answer.
    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError>;

    /// Writes whatever stands there: for an entry that only one writes.
    ///
    /// # Errors
    /// As [`update`].
    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        for _ in 0..CAS_ATTEMPTS_MAX {
            let version = self.load(key)?.map(|(_, version)| version);
            if self.swap(key, value, version)? {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }
}

/// Reads, changes and writes one entry, again and again until nobody came between. `change` gets the old bytes (empty at first)
/// and returns what to write (`None`: leave as it is) and what to answer.
///
/// # Errors
/// [`StoreError`] when the host gives no answer or others kept winning.
pub fn update<T>(
    store: &mut dyn Store,
    key: &str,
    mut change: impl FnMut(&[u8]) -> (Option<Vec<u8>>, T),
) -> Result<T, StoreError> {
    for _ in 0..CAS_ATTEMPTS_MAX {
        let (old, version) = store
            .load(key)?
            .map_or((Vec::new(), None), |(bytes, version)| {
                (bytes, Some(version))
            });
        let (new, answer) = change(&old);
        let Some(bytes) = new else { return Ok(answer) };
        if store.swap(key, &bytes, version)? {
            return Ok(answer);
        }
    }
    Err(StoreError::Contended)
}

/// A store that gives no answer: for tests of what becomes of a request then.
#[derive(Debug, Clone, Copy)]
pub struct NoStore;

impl Store for NoStore {
    fn load(&mut self, _: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        Err(StoreError::Unavailable)
    }

    fn swap(&mut self, _: &str, _: &[u8], _: Option<u32>) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable)
    }
}

/// A store in memory: for tests, simulations and native runs.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    entries: HashMap<String, (Vec<u8>, u32)>,
    clock: u32,
}

impl MemoryStore {
    /// Number of keys ever written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was ever written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held, keys included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries
            .iter()
            .map(|(key, (value, _))| key.len() + value.len())
            .sum()
    }
}

impl Store for MemoryStore {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        Ok(self.entries.get(key).cloned())
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        if self.entries.get(key).map(|(_, held)| *held) != version {
            return Ok(false);
        }
        self.clock += 1;
        self.entries
            .insert(key.to_owned(), (value.to_vec(), self.clock));
        Ok(true)
    }
}
