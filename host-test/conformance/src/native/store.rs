//! A store in memory that gives no answer when it is told to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use portcullis_policy::{MemoryStore, Store, StoreError};

/// See the module.
pub(super) struct FailingStore {
    inner: MemoryStore,
    fails: Rc<Cell<bool>>,
}

impl FailingStore {
    /// One that answers, and what makes it fail.
    pub fn new() -> (Rc<RefCell<Self>>, Rc<Cell<bool>>) {
        let fails = Rc::new(Cell::new(false));
        let store = Self {
            inner: MemoryStore::default(),
            fails: Rc::clone(&fails),
        };
        (Rc::new(RefCell::new(store)), fails)
    }

    fn answer(&mut self) -> Result<&mut MemoryStore, StoreError> {
        if self.fails.get() {
            return Err(StoreError::Unavailable);
        }
        Ok(&mut self.inner)
    }
}

impl Store for FailingStore {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.answer()?.load(key)
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        self.answer()?.swap(key, value, version)
    }
}
