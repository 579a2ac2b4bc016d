//! What a worker has found out about names: who somebody is in the store takes a hash, which costs more than all else that is done with it.

use crate::spread::spread;
use std::cell::RefCell;

/// Most names that are remembered. Protects a worker's memory: some come from the policy's keys, models and addresses from anywhere.
pub const NAMES_MAX: usize = 1024;

/// Longest name that is remembered. Protects it likewise.
pub const NAME_BYTES_MAX: usize = 128;

/// Answers by name. Each name has one place, where it takes another's: who chooses names that share one has their answers found out again,
/// and no more.
#[derive(Debug)]
pub struct Remembered<T> {
    places: RefCell<Vec<Known<T>>>,
}

/// A name and the answer, where there is one.
type Known<T> = Option<(Box<[u8]>, T)>;

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            places: RefCell::default(),
        }
    }
}

impl<T: Clone> Remembered<T> {
    /// The answer for a name, found out when it is not known. It must always be the same.
    pub fn of(&self, name: &[u8], find: impl FnOnce(&[u8]) -> T) -> T {
        if name.len() > NAME_BYTES_MAX {
            return find(name);
        }
        let mut places = self.places.borrow_mut();
        if places.is_empty() {
            places.resize_with(NAMES_MAX, || None);
        }
        let place = usize::try_from(spread(name) % NAMES_MAX as u64).unwrap_or(0);
        let Some(place) = places.get_mut(place) else {
            return find(name);
        };
        match place {
            Some((known, answer)) if **known == *name => answer.clone(),
            _ => {
                let answer = find(name);
                *place = Some((name.into(), answer.clone()));
                answer
            }
        }
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
        let places = remembered.places.borrow();
        assert_eq!(places.len(), NAMES_MAX);
        let mut names = places.iter().flatten().map(|(name, _)| name);
        assert!(names.all(|name| name.len() <= NAME_BYTES_MAX));
    }

    #[test]
    fn what_is_known_is_not_found_out_again() {
        let remembered = Remembered::default();
        assert_eq!(remembered.of(b"a", |_| 1), 1);
        assert_eq!(remembered.of(b"a", |_| 2), 1);
    }
}
