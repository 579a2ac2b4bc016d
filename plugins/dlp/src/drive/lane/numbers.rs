//! Runs of digits: which detectors are asked about one.

use super::{Lane, TooCostly, Work};
use crate::detectors::Outcome;
use crate::drive::broken::{BrokenToken, Tokens};
use crate::drive::candidate::{Candidate, FIRST_LEVEL, FIRST_REACH, LAST_DENSE_LEVEL, Shown};
use crate::drive::dense;
use crate::drive::gap;
use crate::drive::numbers::{Asked, DigitRun};
use std::ops::Range;

impl Lane {
    /// A run of digits that is complete, and may concern somebody. Those before it have been answered by `after`.
    #[inline(never)]
    pub(super) fn number(
        &mut self,
        found: &DigitRun,
        after: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        let at = &found.at;
        self.steps += 1;
        let announced = || {
            let words = &work.driver.announcing;
            self.announced.stands_before(at.start, words, work.window)
        };
        let numbers = &work.driver.numbers;
        let concern = numbers.concern(found, work.window, work.last, announced);
        // Whoever has found something, or waits, asks about the dense view by itself.
        let mut started: Vec<u16> = Vec::new();
        if !concern.plain.is_none() {
            self.plain_numbers(concern.plain, at, after, &mut started, work)?;
        }
        if !concern.dense.is_none() && !gap::goes_on(work.window, at.start) {
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
            let nothing = shown.is_enough()
                && detector.find(&shown.context(&self.memo, FIRST_REACH)) == Outcome::None;
            self.steps += FIRST_REACH;
            for index in entries {
                let queue = self.queue(*index);
                if nothing && queue.waiting == 0 {
                    continue;
                }
                let candidate = Candidate::new(*index, at.clone(), None, after);
                self.start(candidate, queue.waiting, work)?;
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
        let Ok(token) = broken.within(within) else {
            return Ok(());
        };
        let digits = self.dense_digits(at, token, work);
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
                let waiting = self.queue(index).waiting;
                // As if it had been asked about the plain view, which it is where less is known.
                self.answered_at_once(index, at.end + FIRST_REACH);
                let candidate = Candidate::new(index, at.clone(), Some(token), after);
                self.start(candidate, waiting, work)?;
            }
            Ok(())
        })
    }

    /// How many digits stand in the dense view where a run of them begins, and how many bytes behind it are shown of who sees that.
    fn dense_digits(
        &mut self,
        at: &Range<usize>,
        token: BrokenToken,
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
            let shown = dense::Excerpt {
                window: work.window,
                until: end.min(at.end + by),
                end: last || level == LAST_DENSE_LEVEL,
                last,
                begins: work.begins(),
            };
            self.steps += by;
            if let Some(digits) = views.digits(at, token, shown) {
                return Some((digits, by));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::detectors::{Context, Detector, Grade, Outcome, Trigger, all};
    use crate::drive::numbers::tests::grouped;
    use crate::drive::{Driver, Lane};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static DETECTORS: LazyLock<Vec<&Detector>> = LazyLock::new(|| {
        // One that is only named hears of nearly every run.
        let unnamed = all().filter(|detector| detector.grade != Grade::Named);
        unnamed
            .filter(|detector| matches!(detector.trigger, Trigger::Digits(..)))
            .collect()
    });
    static DRIVER: LazyLock<Driver> = LazyLock::new(|| {
        let detectors = DETECTORS.iter().zip(0..);
        Driver::new(detectors.map(|(detector, rule)| (rule, *detector)), None).unwrap()
    });

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        /// What a detector finds at a run of digits is found wherever that stands in a block, and whatever stands before it: no mask skips it.
        #[test]
        fn whoever_finds_something_is_heard(
            // Also a word that announces a number, or ends as one does, as far before it as any is looked for.
            before in "[a-z ]{0,70}|[a-z]?(tel|call|phone)[; ]{54,66}0431 19 97 94,",
            parts in prop::collection::vec(
                prop_oneof![
                    2 => "[0-9a-fA-F-]{1,20}",
                    2 => "[ .:,/+_\"-]",
                    1 => "[A-Za-z]{1,7}",
                    1 => "[0-9]{1,4}",
                    2 => grouped(),
                    4 => prop::sample::select(vec![
                        "8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu",
                        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "138519649684711|L1wDVrk-9e3PZr5mC0Nq3XyZ7Ab",
                        "HEGG560427MVZRRL04", "RSSMRA85T10A562S", "ABCDE1234F", "S1234567D", "12345678Z", "X1234567L", "AB123456C", "AB 12 34 56 C",
                        "1EG4-TE5-MK73", "131052-308T", "2 85 05 78 006 084 91", "11010519491231002X", "DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19",
                        "+49 30 901820", "tel 0431 19 97 94", "(415) 555-0132", "2026-08-13", "4012-8888-8888-1881", "536-90-4399", "NISS 85073003328",
                    ]).prop_map(str::to_owned),
                ],
                1..8,
            ),
        ) {
            let text = before + &parts.concat();
            let (mut lane, bytes) = (Lane::default(), text.as_bytes());
            lane.push(&DRIVER, &text, true, false).unwrap();
            let heard: Vec<_> = lane.found().map(|sighting| (sighting.rule, sighting.range)).collect();
            let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
            for (detector, rule) in DETECTORS.iter().zip(0..) {
                let Trigger::Digits(lengths, places) = detector.trigger else {
                    continue;
                };
                let begins = |at: &usize| is_digit(*at) && !at.checked_sub(1).is_some_and(is_digit);
                let first = (0..bytes.len()).filter(begins).find_map(|start| {
                    let end = (start..).find(|at| !is_digit(*at)).unwrap();
                    let near = start.checked_sub(1).map(|before| bytes[before]);
                    let context = Context { text: bytes, at: start..end, end: true, dense: false, memo: None };
                    let is_trigger = lengths.has(end - start) && places.fits(near);
                    match is_trigger.then(|| detector.find(&context)) {
                        Some(Outcome::Match(range)) => Some(range),
                        _ => None,
                    }
                });
                if let Some(range) = first {
                    prop_assert!(heard.contains(&(rule, range.clone())), "{} at {range:?} of {text:?}", detector.name);
                }
            }
        }
    }
}
