//! Runs of digits: which detectors are asked about one.

use super::{Lane, TooCostly, Work};
use crate::detectors::Outcome;
use crate::drive::broken::{Broken, NUMBER_KNOWN_BY, Tokens};
use crate::drive::candidate::{Candidate, FIRST_REACH};
use crate::drive::dense;
use std::ops::Range;

impl Lane {
    /// A run of digits that is complete.
    #[inline]
    pub(super) fn number(&mut self, at: Range<usize>, work: Work<'_>) -> Result<(), TooCostly> {
        let Some(called) = work.driver.numbers.called(&at, work.window) else {
            return Ok(());
        };
        let after = self.numbers_answered;
        self.numbers_answered = after.max(at.end + NUMBER_KNOWN_BY);
        let shown = Candidate::shown(&at, work.window, work.last);
        let mut dense = called.dense.as_slice();
        for index in &called.all {
            let Some(entry) = work.driver.entry(*index) else {
                continue;
            };
            let mark = self.marked(*index);
            let quick = mark.waiting == 0 && !self.opaque && mark.covered <= at.start;
            // Nearly always it is nothing, as one look shows.
            if quick
                && let Some(shown) = &shown
                && entry.detector.find(shown) == Outcome::None
            {
                self.steps += FIRST_REACH;
                continue;
            }
            // Whoever is no candidate at once is asked about the dense view by itself.
            if let Some(place) = dense.iter().position(|other| other == index) {
                self.dense_numbers(dense.get(..place).unwrap_or_default(), &at, after, work)?;
                dense = dense.get(place + 1..).unwrap_or_default();
            }
            let candidate = Candidate::new(*index, at.clone(), false, after);
            self.start(candidate, mark.waiting, work)?;
        }
        self.dense_numbers(dense, &at, after, work)
    }

    /// Has detectors look at the dense view of a run of digits, if there is one.
    fn dense_numbers(
        &mut self,
        entries: &[u16],
        at: &Range<usize>,
        after: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        if entries.is_empty() {
            return Ok(());
        }
        let broken = self.broken(Tokens::Numbers, at.end, work);
        if let Broken::No(_) = broken {
            return Ok(());
        }
        let known = (broken == Broken::Yes)
            .then(|| dense::digits(work.window, at, work.last))
            .flatten();
        for index in entries {
            if let Some((digits, by)) = known
                && let Some(entry) = work.driver.entry(*index)
                && !entry.detector.takes_digits(digits)
            {
                self.answered(*index, at.end + by.next_power_of_two());
                continue;
            }
            let waiting = self.marked(*index).waiting;
            self.start(
                Candidate::new(*index, at.clone(), true, after),
                waiting,
                work,
            )?;
        }
        Ok(())
    }
}
