//! A trigger, and the detector that is asked what stands there.

use super::Driver;
use super::broken::BrokenToken;
use super::dense::{self, Look, Views};
use crate::detectors::{Context, Detector, LOOK_AHEAD, LOOK_BEHIND, Latch, Memo, Outcome, Trigger};
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
    pub(super) dense: Option<BrokenToken>,
    /// By when other detectors have been answered that were asked before.
    pub(super) after: usize,
}

/// A trigger, and what is at hand around it of all that a detector may be shown.
pub(super) struct Shown<'a> {
    text: &'a [u8],
    first: usize,
    at: Range<usize>,
    last: bool,
}

impl<'a> Shown<'a> {
    /// Of a trigger; `last` tells that the text ends with the window.
    #[inline]
    pub(super) fn of(at: &Range<usize>, window: Window<'a>, last: bool) -> Self {
        let first = shown_from(at, window);
        Self {
            text: window.range(first..at.end + LOOK_AHEAD),
            first,
            at: at.start - first..at.end - first,
            last,
        }
    }

    /// Whether there is enough to begin with.
    #[inline]
    pub(super) fn is_enough(&self) -> bool {
        self.last || self.text.len() >= self.at.end + FIRST_REACH
    }

    /// For a detector that is shown so many bytes behind the trigger, or what there is of them.
    #[inline]
    pub(super) fn context<'c>(&'c self, memo: &'c Memo, reach: usize) -> Context<'c> {
        let part = self.text.get(..self.at.end + reach);
        Context {
            text: part.unwrap_or(self.text),
            at: self.at.clone(),
            end: part.map_or(self.last, |_| reach == LOOK_AHEAD),
            dense: false,
            memo: Some((memo, self.first)),
        }
    }

    /// How many bytes behind the trigger the detector needed that was asked last with all of them.
    #[inline]
    pub(super) fn needed(&self, memo: &Memo) -> usize {
        memo.needed().saturating_sub(self.first + self.at.end)
    }

    /// For a detector that is traced: all of it.
    #[inline]
    pub(super) fn whole<'c>(&'c self, memo: &'c Memo) -> Context<'c> {
        memo.begin(0);
        self.context(memo, LOOK_AHEAD)
    }
}

/// With how many bytes behind its trigger, as a power of two, a detector has answered that needed so many.
#[inline]
pub(super) fn level(needed: usize) -> u32 {
    needed.next_power_of_two().ilog2().min(LAST_LEVEL)
}

/// From where on a detector is shown what stands before a trigger.
fn shown_from(at: &Range<usize>, window: Window<'_>) -> usize {
    at.start.saturating_sub(LOOK_BEHIND).max(window.base())
}

/// What it costs, in bytes that are shown, to ask a traced detector so much beyond what any detector is shown first.
pub(super) const fn cost_beyond(level: u32) -> usize {
    level.saturating_sub(FIRST_LEVEL) as usize * FIRST_REACH
}

/// What is known of a text already, and what it has cost so far.
pub(super) struct Known<'a> {
    pub(super) memo: &'a Memo,
    pub(super) views: &'a mut Option<Box<Views>>,
    /// In bytes that were shown.
    pub(super) steps: &'a mut usize,
    /// Where the text begins.
    pub(super) begins: usize,
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

impl Answer {
    /// What a detector said last; `decided` tells how much of the text it takes to know.
    fn new(outcome: Outcome, decided: impl FnOnce() -> usize) -> Self {
        match outcome {
            Outcome::Match(range) if !range.is_empty() => Self::Found(range, decided()),
            Outcome::Latch(latch) => Self::Latched(latch, decided()),
            Outcome::None | Outcome::Undecided | Outcome::Match(_) => Self::Nothing,
        }
    }
}

impl Candidate {
    pub(super) const fn new(
        entry: u16,
        at: Range<usize>,
        dense: Option<BrokenToken>,
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
        if self.level.is_none() {
            *known.steps += FIRST_REACH;
        }
        let entry = driver.entry(self.entry).filter(|_| self.dense.is_none());
        if let Some(entry) = entry
            && entry.detector.is_traced()
        {
            return self.ask_once(entry.detector, window, last, known);
        }
        let available = window.end() - self.at.end;
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
            if level > FIRST_LEVEL {
                *known.steps += reach;
            }
            if outcome == Outcome::Undecided && !closing {
                self.level = Some(level + 1);
                continue;
            }
            let decided = || {
                // What is told stays told: from the most on down.
                let fewer = (0..level).rev().filter(|_| first && !cut);
                let enough = fewer.map(|level| 1 << level).take_while(|bytes| {
                    let reach = Reach {
                        bytes: *bytes,
                        closing: false,
                        cut: false,
                    };
                    self.call(driver, window, reach, &mut known) != Outcome::Undecided
                });
                self.at.end + enough.last().unwrap_or(reach)
            };
            return Answer::new(outcome, decided);
        }
    }

    /// Asks a traced detector with all that is at hand; what it says where that is too little, it would say again before there is twice as much.
    fn ask_once(
        &mut self,
        detector: &Detector,
        window: Window<'_>,
        last: bool,
        known: Known<'_>,
    ) -> Answer {
        let available = window.end() - self.at.end;
        if !last && self.level.is_some_and(|level| available < 1 << level) {
            return Answer::Waits;
        }
        let shown = Shown::of(&self.at, window, last);
        let outcome = detector.find(&shown.whole(known.memo));
        if outcome == Outcome::Undecided {
            self.level = Some(available.checked_ilog2().map_or(0, |level| level + 1));
            return Answer::Waits;
        }
        let level = level(shown.needed(known.memo));
        self.level = Some(level);
        *known.steps += cost_beyond(level);
        let first = shown.first;
        let outcome = moved(outcome, |range| range.start + first..range.end + first);
        Answer::new(outcome, || self.at.end + (1 << level))
    }

    /// Asked with so much, it could not tell.
    pub(super) fn undecided(mut self, shown: &Shown<'_>, is_traced: bool) -> Self {
        let behind = shown.text.len() - shown.at.end;
        self.level = Some(match behind.checked_ilog2() {
            Some(level) if is_traced => level + 1,
            Some(_) | None => FIRST_LEVEL + 1,
        });
        self
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
        let first = shown_from(&self.at, window);
        let text = window.range(first..self.at.end + reach.bytes);
        let at = self.at.start - first..self.at.end - first;
        let find = |context: &Context<'_>| entry.detector.find(context);
        let Some(token) = self.dense else {
            let context = Context {
                text,
                at,
                end: reach.closing,
                dense: false,
                memo: Some((known.memo, first)),
            };
            return moved(find(&context), |range| {
                range.start + first..range.end + first
            });
        };
        let shown = dense::Excerpt {
            window,
            until: self.at.end + reach.bytes,
            end: reach.closing,
            last: reach.cut,
            begins: known.begins,
        };
        let views = known.views.get_or_insert_default();
        match views.look(&self.at, token, entry.detector.trigger, shown) {
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
                moved(find(&context), |range| {
                    let last = range.end.saturating_sub(1);
                    view.place(range.start)..view.place(last) + 1
                })
            }
        }
    }
}

/// The same in other positions.
fn moved(outcome: Outcome, back: impl Fn(Range<usize>) -> Range<usize>) -> Outcome {
    match outcome {
        Outcome::Match(range) => Outcome::Match(back(range)),
        Outcome::Latch(latch) => Outcome::Latch(Latch {
            range: back(latch.range),
            ..latch
        }),
        outcome @ (Outcome::None | Outcome::Undecided) => outcome,
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
        Driver::new(detectors.map(|(detector, rule)| (rule, detector)), None).unwrap()
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
