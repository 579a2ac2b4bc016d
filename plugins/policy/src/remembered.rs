//! What a worker has found out about names: who somebody is in the store takes a hash, which costs more than all else that is done with it.

use std::cell::RefCell;
use std::collections::HashMap;

/// Most names that are remembered. Protects a worker's memory: some come from the policy's keys, models and addresses from anywhere.
pub const NAMES_MAX: usize = 1024;

/// Longest name that is remembered. Protects it likewise.
pub const NAME_BYTES_MAX: usize = 128;

/// Answers by name. When there are too many, all are forgotten.
#[derive(Debug)]
pub struct Remembered<T> {
    known: RefCell<HashMap<Box<[u8]>, T>>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            known: RefCell::default(),
        }
    }
}

impl<T: Clone> Remembered<T> {
    /// The answer for a name, found out when it is not known. It must always be the same.
    pub fn of(&self, name: &[u8], find: impl FnOnce(&[u8]) -> T) -> T {
        let mut known = self.known.borrow_mut();
        if let Some(answer) = known.get(name) {
            return answer.clone();
        }
        let answer = find(name);
        if name.len() <= NAME_BYTES_MAX {
            if known.len() >= NAMES_MAX {
                known.clear();
            }
            known.insert(name.into(), answer.clone());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_right_and_memory_is_bounded() {
        let remembered = Remembered::default();
        let double = |name: &[u8]| [name, name].concat();
        for _ in 0..2 {
            for n in 0..3000 {
                let name = format!("name-{n}").into_bytes();
                assert_eq!(remembered.of(&name, double), double(&name));
            }
        }
        remembered.of(&vec![0; 1 << 20], double);
        let known = remembered.known.borrow();
        assert!(known.len() <= NAMES_MAX);
        assert!(known.keys().all(|name| name.len() <= NAME_BYTES_MAX));
    }
}
