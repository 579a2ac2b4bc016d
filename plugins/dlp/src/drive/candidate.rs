//! A trigger, and the detector that is asked what stands there.

use super::Driver;
use super::broken::Within;
use super::dense::{self, Look, Views};
use crate::detectors::{Context, LOOK_AHEAD, LOOK_BEHIND, Latch, Memo, Outcome, Trigger};
use crate::window::Window;
use std::ops::Range;

/// How many bytes behind its trigger a detector is shown, as a power of two, when it is asked first and the text has them.
pub(super) const FIRST_LEVEL: u32 = 5;

/// The same in bytes.
pub(super) const FIRST_REACH: usize = 1 << FIRST_LEVEL;

/// The last: all that it may ask for.
const LAST_LEVEL: u32 = LOOK_AHEAD.ilog2();

/// The same for the dense view. A token is shorter than that, also with marks in it.
pub(super) const LAST_DENSE_LEVEL: u32 = 10;

/// A detector and the place where it may have found something.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) entry: u16,
    /// The trigger: bytes of the view.
    pub(super) at: Range<usize>,
    /// With how many bytes it is asked next; `None` when it never was.
    level: Option<u32>,
    /// Asked about the dense view, if the token is broken.
    pub(super) dense: Option<Within>,
    /// By when other detectors have been answered that were asked before.
    pub(super) after: usize,
}

/// What any detector is shown of a trigger when there is enough to begin with.
pub(super) struct Shown<'a> {
    text: &'a [u8],
    first: usize,
    at: Range<usize>,
    cut: bool,
}

impl<'a> Shown<'a> {
    /// Of a trigger.
    #[inline]
    pub(super) fn of(at: &Range<usize>, window: Window<'a>, last: bool) -> Option<Self> {
        let first = at.start.saturating_sub(LOOK_BEHIND);
        let text = window.range(first..at.end + FIRST_REACH);
        let cut = text.len() < at.end + FIRST_REACH - first;
        (!cut || last).then(|| Self {
            text,
            first,
            at: at.start - first..at.end - first,
            cut,
        })
    }

    /// For a detector.
    #[inline]
    pub(super) fn context<'c>(&'c self, memo: &'c Memo) -> Context<'c> {
        Context {
            text: self.text,
            at: self.at.clone(),
            end: self.cut,
            dense: false,
            memo: Some((memo, self.first)),
        }
    }
}

/// What is known of a text already, and what it has cost so far.
pub(super) struct Known<'a> {
    pub(super) memo: &'a Memo,
    pub(super) views: &'a mut Option<Box<Views>>,
    /// In bytes that were shown.
    pub(super) steps: &'a mut usize,
}

/// How much a detector is shown behind its trigger.
#[derive(Clone, Copy)]
struct Reach {
    bytes: usize,
    /// It must decide.
    closing: bool,
    /// The text ends there.
    cut: bool,
}

/// What is known of a candidate.
pub(super) enum Answer {
    /// More text is needed.
    Waits,
    /// It is none.
    Nothing,
    /// Bytes of the view, and how many of them it takes to know.
    Found(Range<usize>, usize),
    /// The same, and it goes on.
    Latched(Latch, usize),
}

impl Candidate {
    pub(super) const fn new(
        entry: u16,
        at: Range<usize>,
        dense: Option<Within>,
        after: usize,
    ) -> Self {
        Self {
            entry,
            at,
            level: None,
            dense,
            after,
        }
    }

    /// By when the detector has answered, wherever the text is cut: it is asked sooner where there is less.
    pub(super) fn answered_by(&self) -> usize {
        self.at.end + (1 << self.level.unwrap_or(0).max(FIRST_LEVEL))
    }

    /// Asks the detector. With `last`, the text ends with the window.
    pub(super) fn ask(
        &mut self,
        driver: &Driver,
        window: Window<'_>,
        last: bool,
        mut known: Known<'_>,
    ) -> Answer {
        let available = window.end() - self.at.end;
        let remembers = self.remembers(driver);
        if self.level.is_none() {
            *known.steps += FIRST_REACH;
        }
        let last_level = self.last_level();
        loop {
            let first = self.level.is_none();
            let level = match (self.level, available) {
                (Some(level), _) => level,
                (None, 0) => 0,
                (None, _) => available.ilog2().min(FIRST_LEVEL),
            };
            let reach = (1_usize << level).min(available);
            let cut = reach < 1 << level;
            if cut && !last {
                return Answer::Waits;
            }
            let closing = cut || level == last_level;
            let outcome = self.call(
                driver,
                window,
                Reach {
                    bytes: reach,
                    closing,
                    cut,
                },
                &mut known,
            );
            if outcome == Outcome::Undecided && !closing {
                self.level = Some(level);
                let waits = self.ask_for_more(driver, window, known.memo, known.steps);
                *known.steps += cost(level, reach, remembers || waits);
                continue;
            }
            *known.steps += cost(level, reach, remembers);
            let decided = match outcome {
                Outcome::None | Outcome::Undecided => return Answer::Nothing,
                Outcome::Match(range) if range.is_empty() => return Answer::Nothing,
                outcome @ (Outcome::Match(_) | Outcome::Latch(_)) => {
                    let fewer = (0..level).filter(|_| first && !cut).map(|level| 1 << level);
                    let enough = fewer.into_iter().find(|reach| {
                        let reach = Reach {
                            bytes: *reach,
                            closing: false,
                            cut: false,
                        };
                        self.call(driver, window, reach, &mut known) != Outcome::Undecided
                    });
                    (outcome, self.at.end + enough.unwrap_or(reach))
                }
            };
            return match decided {
                (Outcome::Match(range), decided) => Answer::Found(range, decided),
                (Outcome::Latch(latch), decided) => Answer::Latched(latch, decided),
                (Outcome::None | Outcome::Undecided, _) => Answer::Nothing,
            };
        }
    }

    /// Asked with as much as any detector is shown first, it could not tell.
    pub(super) fn undecided(
        mut self,
        driver: &Driver,
        window: Window<'_>,
        memo: &Memo,
        steps: &mut usize,
    ) -> Self {
        self.level = Some(FIRST_LEVEL);
        self.ask_for_more(driver, window, memo, steps);
        self
    }

    /// The next level at which it can say more. Whether it waits for the end of a run, which it need not walk over again.
    fn ask_for_more(
        &mut self,
        driver: &Driver,
        window: Window<'_>,
        memo: &Memo,
        steps: &mut usize,
    ) -> bool {
        let mut next = self.level.map_or(0, |level| level + 1);
        let entry = driver.entry(self.entry).filter(|_| self.dense.is_none());
        let may_wait = entry.is_some_and(|entry| entry.detector.may_wait_for_runs());
        let until = may_wait.then(|| memo.open_until(window)).flatten();
        // With less than all of the run, it would wait again; it costs as if it had.
        if let Some(behind) = until.and_then(|until| until.checked_sub(self.at.end))
            && behind > 0
        {
            let level = (behind.ilog2() + 1).clamp(next, self.last_level().max(next));
            *steps += (next.max(FIRST_LEVEL + 1)..level).len() * FIRST_REACH;
            next = level;
        }
        self.level = Some(next);
        until.is_some()
    }

    /// Whether what it walks over is remembered, and counted when it was seen.
    fn remembers(&self, driver: &Driver) -> bool {
        let entry = driver.entry(self.entry).filter(|_| self.dense.is_none());
        entry.is_some_and(|entry| entry.detector.remembers())
    }

    const fn last_level(&self) -> u32 {
        if self.dense.is_some() {
            LAST_DENSE_LEVEL
        } else {
            LAST_LEVEL
        }
    }

    /// What the detector says about so many bytes behind the trigger; ranges are bytes of the view.
    fn call(
        &self,
        driver: &Driver,
        window: Window<'_>,
        reach: Reach,
        known: &mut Known<'_>,
    ) -> Outcome {
        let Some(entry) = driver.entry(self.entry) else {
            return Outcome::None;
        };
        let first = self.at.start.saturating_sub(LOOK_BEHIND);
        let text = window.range(first..self.at.end + reach.bytes);
        let at = self.at.start - first..self.at.end - first;
        let moved = |outcome: Outcome, back: &dyn Fn(Range<usize>) -> Range<usize>| match outcome {
            Outcome::Match(range) => Outcome::Match(back(range)),
            Outcome::Latch(latch) => Outcome::Latch(Latch {
                range: back(latch.range),
                ..latch
            }),
            outcome @ (Outcome::None | Outcome::Undecided) => outcome,
        };
        let find = |context: &Context<'_>| entry.detector.find(context);
        let Some(within) = self.dense else {
            let context = Context {
                text,
                at,
                end: reach.closing,
                dense: false,
                memo: Some((known.memo, first)),
            };
            return moved(find(&context), &|range| {
                range.start + first..range.end + first
            });
        };
        let shown = dense::Shown {
            window,
            until: self.at.end + reach.bytes,
            end: reach.closing,
            last: reach.cut,
        };
        let views = known.views.get_or_insert_default();
        match views.look(&self.at, within, entry.detector.trigger, shown) {
            Look::No => Outcome::None,
            Look::Unknown => Outcome::Undecided,
            Look::View(view) => {
                // A number is looked at alone, of other tokens nobody remembers what was walked over.
                if !matches!(entry.detector.trigger, Trigger::Digits(..)) {
                    *known.steps += view.bytes.len();
                }
                let context = Context {
                    text: view.bytes,
                    at: view.at.clone(),
                    end: view.end,
                    dense: true,
                    memo: None,
                };
                moved(find(&context), &|range| {
                    let last = range.end.saturating_sub(1);
                    view.place(range.start)..view.place(last) + 1
                })
            }
        }
    }
}

/// What it costs to ask at a level that is not the first, in bytes that were shown.
const fn cost(level: u32, reach: usize, remembers: bool) -> usize {
    if level <= FIRST_LEVEL {
        0
    } else if remembers {
        FIRST_REACH
    } else {
        reach
    }
}

#[cfg(test)]
mod tests {
    use crate::detectors::named;
    use crate::drive::{Driver, Lane, Sighting};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static SECRETS: LazyLock<Driver> = LazyLock::new(|| {
        let detectors = named("secrets").into_iter().zip(0..);
        Driver::new(detectors.map(|(detector, rule)| (rule, detector))).unwrap()
    });

    /// What is found in a text that comes in pieces of so many bytes.
    fn found(text: &str, bytes: usize) -> Vec<Sighting> {
        let (mut lane, mut seen) = (Lane::default(), Vec::new());
        let mut pieces = text.as_bytes().chunks(bytes).peekable();
        while let Some(piece) = pieces.next() {
            let piece = std::str::from_utf8(piece).unwrap();
            let last = pieces.peek().is_none();
            lane.push(&SECRETS, piece, last, false).unwrap();
            seen.extend(lane.found());
        }
        seen
    }

    /// Names in the run of a value, each of which waits for its end, are paid for by what is looked at, not by what is shown.
    #[test]
    fn names_that_wait_for_one_run_are_no_reason_to_refuse_a_text() {
        let text = "x ".repeat(200) + &"password=".repeat(150);
        assert_eq!(found(&text, usize::MAX), []);
        assert_eq!(found(&text, 100), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        /// Who is asked again only when a run is known to its end says what who is asked with every byte says, and knows it as soon.
        #[test]
        fn what_waits_for_a_run_is_decided_where_it_would_be(
            parts in prop::collection::vec(
                "password ?[=:] ?|api_key ?[=:] ?\"?|PASSWD=|token \"|sk-ant-|AKIA|xoxb-|eyJ|secret_|[a-z]{1,9}|[0-9A-Za-z]{20,90}|[0-9a-zA-Z_/+-]{100,400}|[\\]\")&=. \n:]|&page=|https://u:",
                0..14,
            ),
            bytes in 1usize..600,
        ) {
            let text = parts.concat();
            let whole = found(&text, usize::MAX);
            prop_assert_eq!(&found(&text, bytes), &whole);
            prop_assert_eq!(&found(&text, 1), &whole);
        }
    }
}
