//! Subjects that a worker has met: finding out who somebody is in the store takes a hash, which costs more than all else that a claim does.

use crate::claim::{Scope, Subject};
use std::cell::RefCell;
use std::collections::HashMap;

/// Most subjects that a worker remembers. Protects its memory; names come from the policy's keys, addresses from anywhere.
const SUBJECTS_MAX: usize = 1024;

/// Longest name that is remembered. Protects its memory likewise.
const NAME_BYTES_MAX: usize = 128;

/// Subjects by the bytes that are hashed for them.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    known: RefCell<HashMap<Vec<u8>, Subject>>,
}

impl Subjects {
    /// The subject of a scope.
    pub fn of(&self, scope: Scope<'_>) -> Subject {
        let name = scope.name();
        let mut known = self.known.borrow_mut();
        if let Some(subject) = known.get(&name) {
            return subject.clone();
        }
        let subject = Subject::named(&name);
        if name.len() <= NAME_BYTES_MAX {
            if known.len() >= SUBJECTS_MAX {
                known.clear();
            }
            known.insert(name, subject.clone());
        }
        subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_is_found_out_and_is_bounded() {
        let subjects = Subjects::default();
        for round in 0..2 {
            for n in 0..3000 {
                let name = format!("user-{n}");
                let found = subjects.of(Scope::User(&name));
                assert_eq!(found, Subject::of(Scope::User(&name)), "{round}");
                assert_ne!(found, subjects.of(Scope::Key(&name)));
            }
        }
        subjects.of(Scope::User(&"x".repeat(1 << 20)));
        let known = subjects.known.borrow();
        assert!(known.len() <= SUBJECTS_MAX);
        assert!(known.keys().all(|name| name.len() <= NAME_BYTES_MAX));
    }
}
