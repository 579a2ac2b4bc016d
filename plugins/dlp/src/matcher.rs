//! Finds what patterns match in one text, piece by piece. What comes of a match is not decided here.

use crate::candidates::{Candidates, Scratch, UNDECIDED_BYTES_MAX};
use crate::rules::{Rule, Rules};
use crate::scope::RuleSet;
use crate::trigger::{Ahead, Progress};
use crate::window::Window;
use portcullis_pattern::{ByteSet, Pattern};
use portcullis_policy::Action;
use std::ops::Range;

/// How many steps of candidates a byte may cost, on average over a text. Protects a worker: an odd pattern and a text made for it keep hundreds
/// of candidates alive at once. At two to five nanoseconds a step, the worst text costs half a second a megabyte.
pub(crate) const STEPS_PER_BYTE_MAX: usize = 128;

/// Steps that a text may cost on top, so that a short dense stretch at its beginning is no reason to refuse it.
pub(crate) const STEPS_FREE: usize = 64 * 1024;

/// How far the trigger goes ahead while there are candidates.
const AHEAD_BYTES: usize = 256;

/// What has become certain of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) rule: u16,
    /// With which position of the text it became certain, wherever the text is cut.
    pub(crate) at: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A match, known to its end.
    Match {
        range: Range<usize>,
        /// It is the rest of the match before.
        continues: bool,
        /// What matched, where the rule asks.
        value: Vec<u8>,
    },
    /// There is a match, and the rule blocks wherever it ends: nothing more is read.
    Blocks,
    /// To follow the rule's candidates would take more steps than a text may cost: nothing more is read.
    Unfinished,
    /// The same, of a rule that only flags: it is not followed any further.
    GivenUp,
}

/// The last event says why nothing more is read of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Halted;

/// Where factors can be complete, as somebody else has seen who looked for something else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// In order.
    pub(crate) at: &'a [usize],
    /// What they are more than places of the text.
    pub(crate) before: usize,
}

/// What a piece is read with.
pub(crate) struct Work<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) window: Window<'a>,
    pub(crate) scratch: &'a mut Scratch,
    /// Rules may block before it is known where their match ends.
    pub(crate) early: bool,
    /// Where factors can be complete, if it is known.
    pub(crate) places: Option<Places<'a>>,
    /// In order.
    pub(crate) events: &'a mut Vec<Event>,
}

impl Work<'_> {
    const fn blocks_early(&self, rule: &Rule) -> bool {
        self.early && rule.acts_early()
    }
}

/// From where on a text is undecided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Undecided {
    /// May be needed again.
    pub(crate) needed: usize,
    /// Must be held back.
    pub(crate) held: usize,
    /// Every change that begins before is known.
    pub(crate) decided: usize,
}

/// The patterns' state of one text between two pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matcher {
    progress: Progress,
    /// The rules that look at this text.
    rules: RuleSet,
    tracks: Vec<Track>,
    /// A track is not as it was in the beginning.
    touched: bool,
    /// Rules with candidates, in order.
    active: Vec<u16>,
    position: usize,
    steps: usize,
}

/// Progress of one rule.
#[derive(Debug, Clone, Default)]
struct Track {
    candidates: Candidates,
    /// Candidates before were begun already.
    begun: usize,
    /// The last run of lead bytes that was walked over: from, to.
    run: (usize, usize),
}

impl Matcher {
    /// Ready for the beginning of a text that `reaching` rules look at, whatever went before.
    pub(crate) fn reset(&mut self, rules: &Rules, reaching: RuleSet) {
        if self.touched || self.tracks.len() != rules.all().len() {
            self.tracks.clear();
            self.tracks.resize_with(rules.all().len(), Track::default);
        }
        self.touched = false;
        self.progress = rules.trigger().start();
        self.rules = reaching;
        self.active.clear();
        (self.position, self.steps) = (0, 0);
    }

    /// Steps that were taken before this text, and more than its bytes so far may cost.
    pub(crate) const fn owe(&mut self, steps: usize) {
        self.steps += steps;
    }

    /// How many steps were more than the bytes that were read may cost.
    pub(crate) const fn owes(&self) -> usize {
        self.steps
            .saturating_sub(STEPS_PER_BYTE_MAX * self.position)
    }

    /// How much of the text was read.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Whether from here on the other one can only go the same way, given the same text and a byte before that no lead reaches over.
    pub(crate) fn agrees(&self, other: &Self, rules: &Rules) -> bool {
        self.active.is_empty()
            && other.active.is_empty()
            && self.progress == other.progress
            && !rules.trigger().any_begun(&self.progress)
    }

    /// How many steps candidates took.
    #[cfg(test)]
    pub(crate) const fn steps(&self) -> usize {
        self.steps
    }

    /// The text is over.
    pub(crate) fn finish(&mut self, work: &mut Work<'_>) -> Result<(), Halted> {
        self.take(None, work)
    }

    /// Finds what patterns find up to a position. With `last` the text ends there.
    pub(crate) fn scan(
        &mut self,
        end: usize,
        last: bool,
        work: &mut Work<'_>,
    ) -> Result<(), Halted> {
        while self.position < end {
            let bytes = work.window.from(self.position);
            let mut bytes = bytes.get(..end - self.position).unwrap_or(bytes);
            if !self.active.is_empty() {
                // The trigger goes ahead of the candidates, not far: they may all be gone soon.
                bytes = bytes.get(..AHEAD_BYTES).unwrap_or(bytes);
            }
            let last = last && self.position + bytes.len() == end;
            let trigger = work.rules.trigger();
            let ahead = Ahead {
                last,
                known: work.places.map(|places| places.at),
                base: self.position + work.places.map_or(0, |places| places.before),
            };
            let complete = trigger.find(&mut self.progress, bytes, ahead);
            let until = self.position + complete.map_or(bytes.len(), |index| index + 1);
            self.follow(until, work)?;
            if complete.is_some() {
                self.begin(work)?;
            }
        }
        Ok(())
    }

    /// Leads all candidates up to a position.
    fn follow(&mut self, until: usize, work: &mut Work<'_>) -> Result<(), Halted> {
        while self.position < until && !self.active.is_empty() {
            // One rule alone, as nearly always, goes faster.
            if let [index] = self.active.as_slice()
                && let Some((_, pattern, track)) = track(&mut self.tracks, work.rules, *index)
            {
                let bytes = work.window.from(self.position);
                let bytes = bytes.get(..until - self.position).unwrap_or(bytes);
                let taken = track.candidates.run(&pattern.dfa, bytes, self.position);
                self.steps += taken;
                self.position += taken;
                if self.position == until {
                    return Ok(());
                }
            }
            self.take(work.window.byte(self.position), work)?;
        }
        self.position = until;
        Ok(())
    }

    /// Begins candidates of the rules whose factor is complete with the byte before `position`.
    fn begin(&mut self, work: &mut Work<'_>) -> Result<(), Halted> {
        let mut blocked: Option<u16> = None;
        let mut begun = false;
        for (index, length) in work.rules.trigger().completed(&self.progress) {
            if !self.rules.contains(index) {
                continue;
            }
            let Some((rule, pattern, track)) = track(&mut self.tracks, work.rules, index) else {
                continue;
            };
            let factor = self.position - length;
            let first = match pattern.factor.lead {
                None if track.candidates.covers(factor) => continue,
                None => factor,
                Some(lead) => track.run_start(factor, lead, work.window),
            };
            let starts = first.max(track.begun).max(track.candidates.resume())..factor + 1;
            if starts.is_empty() {
                continue;
            }
            (track.begun, begun) = (starts.end, true);
            let last = self.position - 1;
            let (matched, steps) =
                track
                    .candidates
                    .begin(&pattern.dfa, starts, last, work.window, work.scratch);
            self.steps += steps;
            if matched && work.blocks_early(rule) {
                blocked = Some(blocked.map_or(index, |other| other.min(index)));
            }
            if let Err(place) = self.active.binary_search(&index) {
                self.active.insert(place, index);
            }
        }
        if begun {
            self.touched = true;
            self.check_steps(work)?;
            self.settle(work);
        }
        blocked.map_or(Ok(()), |rule| Err(self.halt(rule, What::Blocks, work)))
    }

    /// Leads all candidates over the next byte, or over the end of the text.
    fn take(&mut self, byte: Option<u8>, work: &mut Work<'_>) -> Result<(), Halted> {
        let (mut blocked, mut unsettled) = (None, false);
        for index in &self.active {
            let Some((rule, pattern, track)) = track(&mut self.tracks, work.rules, *index) else {
                continue;
            };
            self.steps += track.candidates.len();
            let matched =
                track
                    .candidates
                    .take(&pattern.dfa, byte, self.position, work.window, work.scratch);
            unsettled |= track.candidates.is_unsettled();
            if matched && work.blocks_early(rule) && blocked.is_none() {
                blocked = Some(*index);
            }
        }
        self.position += usize::from(byte.is_some());
        self.check_steps(work)?;
        if unsettled {
            self.settle(work);
        }
        blocked.map_or(Ok(()), |rule| Err(self.halt(rule, What::Blocks, work)))
    }

    /// Gives up when the text costs too much: a rule that only flags then flags the text and is not followed any further in it; for any other
    /// the text cannot pass.
    fn check_steps(&mut self, work: &mut Work<'_>) -> Result<(), Halted> {
        if self.steps <= STEPS_FREE + STEPS_PER_BYTE_MAX * self.position {
            return Ok(());
        }
        let alive = |index: &u16| {
            self.tracks
                .get(usize::from(*index))
                .map_or(0, |track| track.candidates.len())
        };
        let Some(costly) = self.active.iter().copied().max_by_key(alive) else {
            return Ok(());
        };
        match track(&mut self.tracks, work.rules, costly) {
            Some((rule, _, track)) if rule.action == Action::Flag => {
                track.candidates = Candidates::closed();
                work.events.push(Event {
                    rule: costly,
                    at: self.position,
                    what: What::GivenUp,
                });
                self.active.retain(|index| *index != costly);
                self.steps = 0;
                Ok(())
            }
            Some(_) | None => Err(self.halt(costly, What::Unfinished, work)),
        }
    }

    /// Reports the matches that are certain by now, and forgets rules without candidates.
    fn settle(&mut self, work: &mut Work<'_>) {
        let mut gone = false;
        for index in &self.active {
            let Some((rule, _, track)) = track(&mut self.tracks, work.rules, *index) else {
                continue;
            };
            gone |= track.candidates.is_empty();
            while let Some(found) = track.candidates.settle(self.position) {
                if work.blocks_early(rule) {
                    // It stopped the scan when it was certain.
                    continue;
                }
                let value = if rule.allow.is_empty() {
                    &[]
                } else {
                    let value = work.window.from(found.range.start);
                    value.get(..found.range.len()).unwrap_or(value)
                };
                work.events.push(Event {
                    rule: *index,
                    at: self.position,
                    what: What::Match {
                        range: found.range,
                        continues: found.continues,
                        value: value.to_vec(),
                    },
                });
            }
        }
        if gone {
            let tracks = &self.tracks;
            self.active.retain(|index| {
                tracks
                    .get(usize::from(*index))
                    .is_some_and(|track| !track.candidates.is_empty())
            });
        }
    }

    /// From where on the text is undecided, and may be needed again. With `streamed`, a letter that a pattern begins with is not held back: nearly
    /// every one is just the end of a word, and what it begins with is no secret.
    pub(crate) fn undecided(
        &mut self,
        rules: &Rules,
        window: Window<'_>,
        streamed: bool,
    ) -> Undecided {
        let mut undecided = Undecided {
            needed: self.position,
            held: self.position,
            decided: self.position,
        };
        let trigger = rules.trigger();
        if self.active.is_empty() && !rules.has_lead() && !trigger.any_begun(&self.progress) {
            return undecided;
        }
        self.touched |= rules.has_lead();
        for ((index, rule), track) in (0..).zip(rules.all()).zip(&mut self.tracks) {
            let Some(pattern) = rule.pattern().filter(|_| self.rules.contains(index)) else {
                continue;
            };
            let length = trigger.begun(&self.progress, usize::from(index));
            let factor = self.position - length;
            let lead = pattern.factor.lead;
            let begun = lead.map_or(factor, |lead| track.run_start(factor, lead, window));
            let first = begun
                .max(track.candidates.resume())
                .min(track.candidates.undecided(self.position));
            let first = window.character(first);
            undecided.needed = undecided.needed.min(first);
            let is_letter = streamed
                && length == 1
                && first == factor
                && pattern.factor.sets.first().is_some_and(is_letter);
            match rule.action {
                Action::Flag => {}
                Action::Block if is_letter => {}
                Action::Mask | Action::Redact if is_letter => {
                    undecided.decided = undecided.decided.min(first);
                }
                Action::Block => undecided.held = undecided.held.min(first),
                Action::Mask | Action::Redact => {
                    undecided.held = undecided.held.min(first);
                    undecided.decided = undecided.decided.min(first);
                }
            }
        }
        undecided
    }

    fn halt(&self, rule: u16, what: What, work: &mut Work<'_>) -> Halted {
        let at = self.position;
        work.events.push(Event { rule, at, what });
        Halted
    }
}

/// Whether it is one letter, in either case.
fn is_letter(set: &ByteSet) -> bool {
    let mut bytes = set.iter();
    let first = bytes.next().filter(u8::is_ascii_alphabetic);
    first.is_some_and(|first| bytes.all(|byte| byte.eq_ignore_ascii_case(&first)))
}

/// A rule with a pattern, and its progress.
fn track<'t, 'r>(
    tracks: &'t mut [Track],
    rules: &'r Rules,
    index: u16,
) -> Option<(&'r Rule, &'r Pattern, &'t mut Track)> {
    let rule = rules.rule(index)?;
    let track = tracks.get_mut(usize::from(index))?;
    Some((rule, rule.pattern()?, track))
}

impl Track {
    /// Where the run of lead bytes begins that ends at `end`: where a match whose factor begins there can begin. Walks over each byte once.
    fn run_start(&mut self, end: usize, lead: ByteSet, window: Window<'_>) -> usize {
        let decided = self.begun.max(self.candidates.resume());
        let floor = decided.max(end.saturating_sub(UNDECIDED_BYTES_MAX));
        let is_lead = |position: usize| {
            window
                .byte(position)
                .is_some_and(|byte| lead.contains(byte))
        };
        let mut start = end;
        while start > floor && start != self.run.1 && is_lead(start - 1) {
            start -= 1;
        }
        if start == self.run.1 {
            start = self.run.0.max(floor).min(start);
        }
        self.run = (start, end);
        start
    }
}
