//! Which detectors a run of digits concerns: most runs concern none, as its length and its neighbors show.

use super::Entry;
use crate::detectors::{Lengths, Trigger};
use crate::window::Window;
use std::ops::Range;

/// What stands before a run of digits, as far as it is told apart.
const NEIGHBORS: [Option<u8>; 3] = [Some(b'a'), Some(b'_'), None];

/// Entries that are called at runs of one kind.
#[derive(Debug, Default)]
pub(super) struct Called {
    pub(super) all: Vec<u16>,
    /// Those that look at the dense view, too.
    pub(super) dense: Vec<u16>,
}

/// Entries by the runs of digits that they are called at.
#[derive(Debug)]
pub(super) struct Numbers(Vec<[Called; NEIGHBORS.len()]>);

impl Numbers {
    /// Of all entries, those that are called at runs of digits.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let mut table: Vec<[Called; NEIGHBORS.len()]> = Vec::new();
        table.resize_with(Lengths::LONGEST + 1, Default::default);
        for (entry, index) in entries.iter().zip(0..) {
            let Trigger::Digits(lengths, before) = entry.detector.trigger else {
                continue;
            };
            for (length, row) in table.iter_mut().enumerate() {
                for (neighbor, called) in NEIGHBORS.into_iter().zip(row) {
                    if !lengths.has(length) || !before.fits(neighbor) {
                        continue;
                    }
                    called.all.push(index);
                    if entry.detector.dense {
                        called.dense.push(index);
                    }
                }
            }
        }
        Self(table)
    }

    /// Those that a run concerns, if any.
    #[inline]
    pub(super) fn called(&self, run: &Range<usize>, window: Window<'_>) -> Option<&Called> {
        let before = run.start.checked_sub(1).and_then(|at| window.byte(at));
        let neighbor = match before {
            Some(byte) if byte.is_ascii_alphabetic() => 0,
            Some(b'_') => 1,
            Some(_) | None => 2,
        };
        let row = self.0.get(run.len().min(Lengths::LONGEST))?;
        row.get(neighbor).filter(|called| !called.all.is_empty())
    }
}
