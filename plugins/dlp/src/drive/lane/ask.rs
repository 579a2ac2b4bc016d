//! Detectors are asked, one candidate after the other.

use super::{Lane, Queue, STEPS_FREE, STEPS_PER_BYTE_MAX, TooCostly, Work};
use crate::detectors::Outcome;
use crate::drive::broken::{Broken, Tokens};
use crate::drive::candidate::{Answer, Candidate, FIRST_REACH, Known, Shown, cost_beyond, level};
use crate::drive::gap;
use crate::drive::keywords::Concerned;
use crate::drive::latch::Latched;
use crate::drive::repeated::{Repeated, SOMETHING};
use crate::drive::{Entry, Sighting};
use std::ops::Range;

impl Lane {
    /// The trigger of these detectors stands here. Returns up to where they, and those of the triggers before, would see nothing at any that follows.
    pub(super) fn triggers(
        &mut self,
        concerned: &[Concerned],
        at: &Range<usize>,
        repeated: &mut Repeated,
        work: Work<'_>,
    ) -> Result<usize, TooCostly> {
        // Nearly always it is nothing, as one look shows.
        let is_enough = !self.opaque && (work.last || work.window.end() >= at.end + FIRST_REACH);
        let before = at.start.checked_sub(1).and_then(|at| work.window.byte(at));
        let within = is_enough && before.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let mut seen = 0;
        for concerned in concerned {
            let entry = concerned.entry;
            let queue = self.queue(entry);
            let here = match work.driver.entry(entry) {
                Some(_) if is_enough && queue.waiting == 0 && queue.covered > at.start => SOMETHING,
                Some(known) if is_enough && queue.waiting == 0 => {
                    self.trigger(concerned, known, at, within, work)?
                }
                Some(_) | None => {
                    let candidate = Candidate::new(entry, at.clone(), None, 0);
                    self.start(candidate, queue.waiting, work)?;
                    SOMETHING
                }
            };
            seen = seen.max(here);
        }
        Ok(repeated.seen(at, seen, work.window))
    }

    /// The trigger of this detector stands here, none of whose candidates waits, and there is enough to begin with; `within` tells that a word goes on
    /// there. Returns how many bytes behind it it took to see nothing, or [`SOMETHING`].
    #[inline(never)]
    fn trigger(
        &mut self,
        concerned: &Concerned,
        known: Entry,
        at: &Range<usize>,
        within: bool,
        work: Work<'_>,
    ) -> Result<usize, TooCostly> {
        let (entry, detector) = (concerned.entry, known.detector);
        let mut needed = FIRST_REACH;
        let mut next = None;
        if !(within && concerned.begins_words) {
            let shown = Shown::of(at, work.window, work.last);
            let new = || Candidate::new(entry, at.clone(), None, 0);
            let is_traced = detector.is_traced();
            let outcome = if is_traced {
                let outcome = detector.find_of(concerned.shapes, &shown.whole(&self.memo));
                needed = shown.needed(&self.memo).max(FIRST_REACH);
                outcome
            } else {
                detector.find(&shown.context(&self.memo, FIRST_REACH))
            };
            next = match outcome {
                Outcome::None => None,
                Outcome::Undecided => Some(new().undecided(&shown, is_traced)),
                Outcome::Match(_) | Outcome::Latch(_) => Some(new()),
            };
        }
        self.steps += FIRST_REACH + cost_beyond(level(needed));
        self.pay(known, at)?;
        if let Some(candidate) = next {
            self.start(candidate, 0, work)?;
            return Ok(SOMETHING);
        }
        // Nothing stands in the plain view.
        let reach = 1 << level(needed);
        let mut by = reach;
        if detector.dense {
            let within = Tokens::Others.broken_within(reach);
            let broken = self
                .token
                .look(Tokens::Others, work.window, at.end, within, work.last);
            match broken {
                // As long as it can take to see that, wherever the text is cut.
                Broken::No(seen) => {
                    by = by.max(seen.next_power_of_two());
                    needed = needed.max(seen);
                }
                Broken::Yes(_) | Broken::Unknown => {
                    self.broken_token(broken, entry, at, reach, work)?;
                    return Ok(SOMETHING);
                }
            }
        }
        self.answered(entry, at.end + by);
        Ok(needed)
    }

    /// The token behind a trigger is broken, or may be.
    #[inline(never)]
    fn broken_token(
        &mut self,
        broken: Broken,
        entry: u16,
        at: &Range<usize>,
        reach: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        self.answered(entry, at.end + reach);
        match broken.within(Tokens::Others.broken_within(reach)) {
            Ok(token) => self.start(Candidate::new(entry, at.clone(), Some(token), 0), 0, work),
            Err(_) => Ok(()),
        }
    }

    /// One after the other: what a match covers is not asked about again.
    pub(super) fn start(
        &mut self,
        mut candidate: Candidate,
        waiting: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        if waiting == 0 && self.settle(&mut candidate, work)? {
            return Ok(());
        }
        if let Some(queue) = self.queue_mut(candidate.entry) {
            queue.waiting += 1;
            candidate.after = candidate.after.max(queue.overtaken);
        }
        self.pending.push(candidate);
        Ok(())
    }

    /// What is known of a detector.
    #[inline]
    pub(super) fn queue(&self, entry: u16) -> Queue {
        let queue = self.queues.get(usize::from(entry)).copied();
        queue.unwrap_or_default()
    }

    /// A detector's candidates before have been answered by then.
    #[inline]
    pub(super) fn answered(&mut self, entry: u16, by: usize) {
        if let Some(queue) = self.queue_mut(entry) {
            queue.answered = queue.answered.max(by);
        }
    }

    /// The same of one that is answered at once, though some before it may wait, to whom that means nothing.
    pub(super) fn answered_at_once(&mut self, entry: u16, by: usize) {
        if let Some(queue) = self.queue_mut(entry) {
            let answered = match queue.waiting {
                0 => &mut queue.answered,
                _ => &mut queue.overtaken,
            };
            *answered = by.max(*answered);
        }
    }

    #[inline]
    fn queue_mut(&mut self, entry: u16) -> Option<&mut Queue> {
        let index = usize::from(entry);
        let is_begun = self.queues.get(index).is_some_and(|queue| queue.is_set);
        if !is_begun {
            self.begin_queue(entry);
        }
        self.queues.get_mut(index)
    }

    #[inline(never)]
    fn begin_queue(&mut self, entry: u16) {
        let index = usize::from(entry);
        if index >= self.queues.len() {
            self.queues.resize(index + 1, Queue::default());
        }
        if let Some(queue) = self.queues.get_mut(index) {
            queue.is_set = true;
            self.begun.push(entry);
        }
    }

    /// Asks those that waited, in order, each detector until one of its candidates must wait on.
    pub(super) fn ask_again(&mut self, work: Work<'_>) -> Result<(), TooCostly> {
        let mut stuck: Vec<u16> = Vec::new();
        let mut waiting = Vec::with_capacity(self.pending.len());
        for mut candidate in std::mem::take(&mut self.pending) {
            if stuck.contains(&candidate.entry) {
                waiting.push(candidate);
            } else if self.settle(&mut candidate, work)? {
                if let Some(queue) = self.queue_mut(candidate.entry) {
                    queue.waiting = queue.waiting.saturating_sub(1);
                    if queue.waiting == 0 {
                        queue.answered = queue.answered.max(std::mem::take(&mut queue.overtaken));
                    }
                }
            } else {
                stuck.push(candidate.entry);
                waiting.push(candidate);
            }
        }
        self.pending = waiting;
        Ok(())
    }

    /// Whether what has been looked at is within what the text may cost, after a detector was asked about a trigger.
    #[inline]
    fn pay(&mut self, entry: Entry, at: &Range<usize>) -> Result<(), TooCostly> {
        self.steps += self.memo.take_steps();
        // Nearly always it is less than any text may cost.
        if self.spent_around + self.steps > STEPS_FREE && self.spent(at.end) > STEPS_FREE {
            return Err(TooCostly(entry.rule));
        }
        Ok(())
    }

    /// What is spent of [`STEPS_FREE`], here and around, where so much of the text is read.
    pub(super) fn spent(&self, read: usize) -> usize {
        // Of a portion numbers come first, then keywords, from its beginning again.
        let paid = STEPS_PER_BYTE_MAX * read.max(self.scanned);
        self.spent_around + self.steps.saturating_sub(paid)
    }

    /// Asks a detector; false when it must wait.
    fn settle(&mut self, candidate: &mut Candidate, work: Work<'_>) -> Result<bool, TooCostly> {
        let Some(entry) = work.driver.entry(candidate.entry) else {
            return Ok(true);
        };
        if self.opaque && !entry.detector.opaque {
            return Ok(true);
        }
        if self.queue(candidate.entry).covered > candidate.at.start {
            return Ok(true);
        }
        loop {
            let known = Known {
                memo: &self.memo,
                views: &mut self.views,
                steps: &mut self.steps,
                begins: work.begins(),
            };
            let answer = candidate.ask(work.driver, work.window, work.last, known);
            self.pay(entry, &candidate.at)?;
            // Those before have been answered, which can take longer than to answer this one.
            let before = self.queue(candidate.entry).answered.max(candidate.after);
            if !matches!(answer, Answer::Waits) {
                self.answered(candidate.entry, candidate.answered_by());
            }
            match answer {
                Answer::Waits => return Ok(false),
                Answer::Nothing if candidate.dense.is_none() && entry.detector.dense => {
                    let tokens = Tokens::of(entry.detector.trigger);
                    let within = tokens.broken_within(candidate.answered_by() - candidate.at.end);
                    let broken = self.broken(tokens, candidate.at.end, within, work);
                    match broken.within(within) {
                        // As long as it can take to see that, wherever the text is cut.
                        Err(seen) => {
                            let by = candidate.at.end + seen.next_power_of_two();
                            self.answered(candidate.entry, by);
                            return Ok(true);
                        }
                        Ok(token) => {
                            let at = candidate.at.clone();
                            *candidate =
                                Candidate::new(candidate.entry, at, Some(token), candidate.after);
                        }
                    }
                }
                Answer::Nothing => return Ok(true),
                Answer::Found(range, decided) => {
                    self.sight(candidate, range, decided.max(before), work);
                    return Ok(true);
                }
                Answer::Latched(latch, decided) => {
                    self.sight(candidate, latch.range.clone(), decided.max(before), work);
                    let covered = self.text_range(latch.range.clone(), work.window).end;
                    let mut latched =
                        Latched::new(candidate.entry, latch, covered, decided.max(before));
                    if !self.follow(&mut latched, work) {
                        self.latched.push(latched);
                    }
                    return Ok(true);
                }
            }
        }
    }

    fn sight(
        &mut self,
        candidate: &Candidate,
        range: Range<usize>,
        decided: usize,
        work: Work<'_>,
    ) {
        let Some(entry) = work.driver.entry(candidate.entry) else {
            return;
        };
        // What is put together over a line break may reach into another token.
        if candidate.dense.is_none()
            && let Some(queue) = self.queue_mut(candidate.entry)
        {
            queue.covered = queue.covered.max(range.end);
        }
        let mut value = work.window.range(range.clone()).to_vec();
        if candidate.dense.is_some() {
            self.steps += value.len();
            value = gap::without_gaps(&value, Tokens::of(entry.detector.trigger));
        }
        self.seen.push(Sighting {
            rule: entry.rule,
            range: self.text_range(range, work.window),
            value,
            decided,
            continues: false,
            trigger: candidate.at.start,
            entry: candidate.entry,
        });
    }

    pub(super) fn go_on(&mut self, work: Work<'_>) {
        let mut latched = std::mem::take(&mut self.latched);
        latched.retain_mut(|latched| !self.follow(latched, work));
        self.latched = latched;
    }

    /// Covers what has come of a match that goes on; whether it is over.
    fn follow(&mut self, latched: &mut Latched, work: Work<'_>) -> bool {
        let Some(rule) = latched.rule(work.driver) else {
            return true;
        };
        let (range, over) = latched.go_on(work.window);
        if !range.is_empty() {
            if let Some(queue) = self.queue_mut(latched.entry) {
                queue.covered = queue.covered.max(range.end);
            }
            let (trigger, decided) = (range.start, range.end.max(latched.decided));
            let end = self.text_range(range, work.window).end;
            let range = latched.covered_text..end;
            latched.covered_text = end;
            match self
                .within
                .iter_mut()
                .find(|(of, within, _)| *of == rule && within.end >= range.start)
            {
                Some((_, within, _)) => within.end = within.end.max(end),
                None => {
                    let range = range.start.saturating_sub(1)..end;
                    self.within.push((rule, range, latched.decided));
                }
            }
            self.seen.push(Sighting {
                rule,
                value: Vec::new(),
                decided,
                trigger,
                range,
                continues: true,
                entry: latched.entry,
            });
        }
        over
    }
}
