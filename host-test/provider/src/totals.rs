//! The stub's own accounting, to compare with what a gateway's records say.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The stub's accounting since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests of any kind but `/_stub`.
    pub requests: u64,
    /// Answers generated and delivered to their end.
    pub answers: u64,
    /// Answers generated and not delivered to their end: cancelled, aborted, or ended by an error event.
    pub cut: u64,
    /// Errors answered.
    pub errors: u64,
    /// Prompt tokens of `answers` and `cut`.
    pub prompt_tokens: u64,
    /// Completion tokens of `answers`.
    pub completion_tokens: u64,
}

/// The totals while they are counted; whoever reads them sees all of one change or none.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Totals>);

impl Counters {
    pub(crate) fn totals(&self) -> Totals {
        *self.lock()
    }

    pub(crate) fn reset(&self) {
        *self.lock() = Totals::default();
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
