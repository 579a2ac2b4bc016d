//! Runs of digits: which detectors are asked about one.

use super::{Lane, TooCostly, Work};
use crate::detectors::Outcome;
use crate::drive::broken::{Tokens, Within};
use crate::drive::candidate::{Candidate, FIRST_LEVEL, FIRST_REACH, LAST_DENSE_LEVEL, Shown};
use crate::drive::dense;
use crate::drive::numbers::{Asked, Found};
use std::ops::Range;

impl Lane {
    /// A run of digits that is complete, and may concern somebody. Those before it have been answered by `after`.
    #[inline(never)]
    pub(super) fn number(
        &mut self,
        found: &Found,
        after: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        let at = &found.at;
        self.steps += 1;
        let concern = work.driver.numbers.concern(found, work.window, work.last);
        // Whoever has found something, or waits, asks about the dense view by itself.
        let mut started: Vec<u16> = Vec::new();
        if !concern.plain.is_none() {
            self.plain_numbers(concern.plain, at, after, &mut started, work)?;
        }
        if !concern.dense.is_none() {
            self.dense_numbers(concern.dense, at, after, &started, work)?;
        }
        Ok(())
    }

    /// Has detectors look at a run of digits; those that wait, or found something, are `started`.
    fn plain_numbers(
        &mut self,
        asked: Asked,
        at: &Range<usize>,
        after: usize,
        started: &mut Vec<u16>,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        work.driver.numbers.asked(asked, |detector, entries| {
            let shown = Shown::of(at, work.window, work.last);
            // Nearly always it is nothing, as one look shows.
            let is_nothing =
                |shown: Shown<'_>| detector.find(&shown.context(&self.memo)) == Outcome::None;
            let nothing = shown.is_some_and(is_nothing);
            self.steps += FIRST_REACH;
            for index in entries {
                let mark = self.marked(*index);
                if nothing && mark.waiting == 0 {
                    continue;
                }
                let candidate = Candidate::new(*index, at.clone(), None, after);
                self.start(candidate, mark.waiting, work)?;
                started.push(*index);
            }
            Ok(())
        })
    }

    /// Has detectors look at the dense view of a run of digits, if there is one.
    #[inline(never)]
    fn dense_numbers(
        &mut self,
        asked: Asked,
        at: &Range<usize>,
        after: usize,
        started: &[u16],
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        let within = Tokens::Numbers.broken_within(FIRST_REACH);
        let broken = self.broken(Tokens::Numbers, at.end, within, work);
        let Ok(within) = broken.within(within) else {
            return Ok(());
        };
        let digits = self.dense_digits(at, within, work);
        work.driver.numbers.asked(asked, |detector, entries| {
            for index in entries.iter().copied() {
                if started.contains(&index) {
                    continue;
                }
                if let Some((digits, by)) = digits
                    && !detector.takes_digits(digits)
                {
                    self.answered_at_once(index, at.end + by);
                    continue;
                }
                let waiting = self.marked(index).waiting;
                // As if it had been asked about the plain view, which it is where less is known.
                self.answered_at_once(index, at.end + FIRST_REACH);
                let candidate = Candidate::new(index, at.clone(), Some(within), after);
                self.start(candidate, waiting, work)?;
            }
            Ok(())
        })
    }

    /// How many digits stand in the dense view where a run of them begins, and how many bytes behind it are shown of who sees that.
    fn dense_digits(
        &mut self,
        at: &Range<usize>,
        within: Within,
        work: Work<'_>,
    ) -> Option<(usize, usize)> {
        let views = self.views.get_or_insert_default();
        let end = work.window.end();
        for level in FIRST_LEVEL..=LAST_DENSE_LEVEL {
            let by = 1 << level;
            let last = at.end + by > end;
            if last && !work.last {
                return None;
            }
            let shown = dense::Shown {
                window: work.window,
                until: end.min(at.end + by),
                end: last || level == LAST_DENSE_LEVEL,
                last,
            };
            self.steps += by;
            if let Some(digits) = views.digits(at, within, shown) {
                return Some((digits, by));
            }
        }
        None
    }
}
