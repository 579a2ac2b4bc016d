//! Ranges of one text that go, of all rules together, until they can be handed over as edits that never touch each other.

use crate::candidates::UNDECIDED_BYTES_MAX;
use crate::window::Window;
use std::collections::VecDeque;
use std::ops::Range;

/// A range, and what stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redaction {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// The rule; `None` when nothing stands for it, because it continues the redaction before.
    pub(crate) rule: Option<u16>,
    /// It is masked: what it holds comes back.
    pub(crate) masks: bool,
}

/// Redactions that wait: a candidate of another rule could still become a match that overlaps.
#[derive(Debug, Default)]
pub(crate) struct Redactions(VecDeque<Redaction>);

impl Redactions {
    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Where the first one begins.
    pub(crate) fn start(&self) -> Option<usize> {
        self.0.front().map(|redaction| redaction.range.start)
    }

    /// Adds one. What overlaps becomes one range, for which the rule stands whose match began first (of several, the first in the policy); where
    /// that is the continuation of a redaction before, nothing stands for it. Where a mask and a redaction meet it is the redaction's: what
    /// is redacted never comes back.
    pub(crate) fn add(&mut self, mut new: Redaction) {
        let rank = |redaction: &Redaction| (redaction.masks, redaction.range.start, redaction.rule);
        let first = self
            .0
            .partition_point(|other| other.range.end <= new.range.start);
        let behind = self
            .0
            .partition_point(|other| other.range.start < new.range.end);
        for other in self.0.range(first..behind.max(first)) {
            if rank(other) < rank(&new) {
                (new.rule, new.masks) = (other.rule, other.masks);
            }
            new.range = new.range.start.min(other.range.start)..new.range.end.max(other.range.end);
        }
        self.0.drain(first..behind.max(first));
        self.0.insert(first, new);
    }

    /// The next edit, every match that begins before `decided` being known. No edit is longer than [`UNDECIDED_BYTES_MAX`], so that none waits
    /// for long: a longer range becomes several, of which all but the first put nothing in the place.
    pub(crate) fn next(&mut self, decided: usize, window: Window<'_>) -> Option<Redaction> {
        let first = self.0.front_mut()?;
        let whole = first.range.end;
        let cut = if whole - first.range.start > UNDECIDED_BYTES_MAX {
            window.character(first.range.start + UNDECIDED_BYTES_MAX)
        } else {
            whole
        };
        if cut > decided {
            return None;
        }
        if cut == whole {
            return self.0.pop_front();
        }
        let begun = Redaction {
            range: first.range.start..cut,
            rule: first.rule,
            masks: false,
        };
        *first = Redaction {
            range: cut..whole,
            rule: None,
            masks: false,
        };
        Some(begun)
    }
}
