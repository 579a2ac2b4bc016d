//! Scans one text, piece by piece.

use crate::candidates::{Candidates, Scratch, UNDECIDED_BYTES_MAX};
use crate::pattern::ByteSet;
use crate::redactions::{Redaction, Redactions};
use crate::rules::Rules;
use crate::trigger::Progress;
use crate::window::Window;
use portcullis_policy::Action;

/// How many steps of candidates a byte may cost, on average over a text. Protects a worker: an odd pattern and a text made for it keep hundreds
/// of candidates alive at once. At about two nanoseconds a step, the worst text costs a quarter of a second a megabyte.
const STEPS_PER_BYTE_MAX: usize = 128;

/// Steps that a text may cost on top, so that a short dense stretch at its beginning is no reason to refuse it.
const STEPS_FREE: usize = 64 * 1024;

/// How far the trigger goes ahead while there are candidates.
const AHEAD_BYTES: usize = 256;

/// Most ranges of a message that are redacted. Protects memory: each is an edit that the message's body waits for. No honest text has so many.
const REDACTIONS_MAX: usize = 16 * 1024;

/// Why scanning stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A rule with action `block` matched.
    Blocked(u16),
    /// Following this rule's candidates would take more steps than a text may cost.
    Unfinished(u16),
    /// More than [`REDACTIONS_MAX`], this rule's being the last.
    TooMany(u16),
}

/// What came to light, gathered over the pieces of an event.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Number of matches of each rule.
    counts: Vec<u32>,
    /// Number of ranges to go.
    redacted: usize,
    /// What goes, in order, never overlapping. Whole characters.
    pub(crate) redactions: Vec<Redaction>,
    /// From where on the text must be held back.
    pub(crate) hold_from: Option<usize>,
}

impl Report {
    /// Counts a match of a rule.
    pub(crate) fn count(&mut self, rule: u16) {
        let index = usize::from(rule);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }

    /// Numbers of matches, in the order of the rules; leaves none.
    pub(crate) fn take_counts(&mut self) -> impl Iterator<Item = (u16, u32)> {
        (0..).zip(std::mem::take(&mut self.counts)).filter(|(_, count)| *count > 0)
    }
}

/// Progress of one rule.
#[derive(Debug, Default)]
struct Track {
    candidates: Candidates,
    /// Candidates before were begun already.
    begun: usize,
    /// The last run of lead bytes that was walked over: from, to.
    run: (usize, usize),
}

/// The state of one text between two pieces.
#[derive(Debug, Default)]
pub(crate) struct TextScan {
    progress: Progress,
    tracks: Vec<Track>,
    /// Rules with candidates, in order.
    active: Vec<u16>,
    /// What may be needed again of the pieces so far, and where it stands.
    kept: Vec<u8>,
    kept_base: usize,
    position: usize,
    redactions: Redactions,
    steps: usize,
}

impl TextScan {
    /// Ready for a text's beginning, whatever went before.
    pub(crate) fn reset(&mut self, rules: &Rules) {
        self.progress = rules.trigger().start();
        self.tracks.clear();
        self.tracks.resize_with(rules.all().len(), Track::default);
        self.active.clear();
        self.kept.clear();
        self.kept_base = 0;
        self.position = 0;
        self.redactions = Redactions::default();
        self.steps = 0;
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Stop`], at a byte of the text that does not depend on where the pieces begin. The report then holds what was decided before.
    pub(crate) fn push(&mut self, rules: &Rules, piece: &str, last: bool, scratch: &mut Scratch, report: &mut Report) -> Result<(), Stop> {
        let mut kept = std::mem::take(&mut self.kept);
        let first = kept.is_empty();
        if !first {
            kept.extend_from_slice(piece.as_bytes());
        }
        let window = Window::new(if first { piece.as_bytes() } else { &kept }, self.kept_base);
        self.scan(rules, window, scratch, report)?;
        if last {
            report.hold_from = None;
            return self.finish(rules, window, scratch, report);
        }
        let (needed, held) = self.undecided(rules, window, report);
        report.hold_from = (held < self.position).then_some(held);
        // One character more than is needed: assertions look at what stands before.
        let unneeded = window.character(needed.saturating_sub(1)) - self.kept_base;
        if first {
            kept.extend_from_slice(piece.as_bytes().get(unneeded..).unwrap_or_default());
            self.kept_base += unneeded;
        } else if unneeded * 2 >= kept.len() {
            kept.drain(..unneeded);
            self.kept_base += unneeded;
        }
        self.kept = kept;
        Ok(())
    }

    fn scan(&mut self, rules: &Rules, window: Window<'_>, scratch: &mut Scratch, report: &mut Report) -> Result<(), Stop> {
        while self.position < window.end() {
            let mut bytes = window.from(self.position);
            if !self.active.is_empty() {
                // The trigger goes ahead of the candidates, not far: they may all be gone soon.
                bytes = bytes.get(..AHEAD_BYTES).unwrap_or(bytes);
            }
            let complete = rules.trigger().find(&mut self.progress, bytes);
            let until = self.position + complete.map_or(bytes.len(), |index| index + 1);
            self.follow(rules, until, window, scratch, report)?;
            if complete.is_some() {
                self.begin(rules, window, scratch, report)?;
            }
        }
        Ok(())
    }

    /// Leads all candidates up to a position.
    fn follow(&mut self, rules: &Rules, until: usize, window: Window<'_>, scratch: &mut Scratch, report: &mut Report) -> Result<(), Stop> {
        while self.position < until {
            match self.active.as_slice() {
                [] => self.position = until,
                [index] => {
                    let index = *index;
                    let (Some(rule), Some(track)) = (rules.rule(index), self.tracks.get_mut(usize::from(index))) else { return Ok(()) };
                    let bytes = window.from(self.position);
                    let bytes = bytes.get(..until - self.position).unwrap_or(bytes);
                    let taken = track.candidates.run(&rule.pattern.dfa, bytes, self.position);
                    self.steps += taken;
                    self.position += taken;
                    if self.position < until {
                        self.take(rules, window.byte(self.position), window, scratch, report)?;
                    }
                }
                [_, _, ..] => self.take(rules, window.byte(self.position), window, scratch, report)?,
            }
        }
        Ok(())
    }

    /// Begins candidates of the rules whose factor is complete with the byte before `position`.
    fn begin(&mut self, rules: &Rules, window: Window<'_>, scratch: &mut Scratch, report: &mut Report) -> Result<(), Stop> {
        let (mut blocked, mut began) = (None::<u16>, false);
        for (index, length) in rules.trigger().completed(&self.progress) {
            let (Some(rule), Some(track)) = (rules.rule(index), self.tracks.get_mut(usize::from(index))) else { continue };
            let factor = self.position - length;
            let first = match rule.pattern.factor.lead {
                None if track.candidates.covers(factor) => continue,
                None => factor,
                Some(lead) => track.run_start(factor, lead, window),
            };
            let starts = first.max(track.begun).max(track.candidates.resume())..factor + 1;
            if starts.is_empty() {
                continue;
            }
            track.begun = starts.end;
            began = true;
            let (matched, steps) = track.candidates.begin(&rule.pattern.dfa, starts, self.position - 1, window, scratch);
            self.steps += steps;
            if matched && rule.action == Action::Block {
                blocked = Some(blocked.map_or(index, |other| other.min(index)));
            }
            if let Err(place) = self.active.binary_search(&index) {
                self.active.insert(place, index);
            }
        }
        if began {
            self.check_steps(rules, report)?;
            self.settle(rules, report)?;
        }
        blocked.map_or(Ok(()), |rule| Err(Stop::Blocked(rule)))
    }

    /// Leads all candidates over the next byte, or over the end of the text.
    fn take(&mut self, rules: &Rules, byte: Option<u8>, window: Window<'_>, scratch: &mut Scratch, report: &mut Report) -> Result<(), Stop> {
        let (mut blocked, mut unsettled) = (None, false);
        for index in &self.active {
            let (Some(rule), Some(track)) = (rules.rule(*index), self.tracks.get_mut(usize::from(*index))) else { continue };
            self.steps += track.candidates.len();
            let matched = track.candidates.take(&rule.pattern.dfa, byte, self.position, window, scratch);
            unsettled |= track.candidates.is_unsettled();
            if matched && rule.action == Action::Block && blocked.is_none() {
                blocked = Some(*index);
            }
        }
        self.position += usize::from(byte.is_some());
        self.check_steps(rules, report)?;
        if unsettled {
            self.settle(rules, report)?;
        }
        blocked.map_or(Ok(()), |rule| Err(Stop::Blocked(rule)))
    }

    /// Gives up when the text costs too much: a rule that only flags then flags the text and is not followed any further in it, for any other
    /// the text cannot pass.
    fn check_steps(&mut self, rules: &Rules, report: &mut Report) -> Result<(), Stop> {
        if self.steps <= STEPS_FREE + STEPS_PER_BYTE_MAX * self.position {
            return Ok(());
        }
        let alive = |index: &u16| self.tracks.get(usize::from(*index)).map_or(0, |track| track.candidates.len());
        let Some(costly) = self.active.iter().copied().max_by_key(alive) else { return Ok(()) };
        match (rules.rule(costly).map(|rule| rule.action), self.tracks.get_mut(usize::from(costly))) {
            (Some(Action::Flag), Some(track)) => {
                track.candidates = Candidates::closed();
                report.count(costly);
                self.active.retain(|index| *index != costly);
                self.steps = 0;
                Ok(())
            }
            (_, _) => Err(Stop::Unfinished(costly)),
        }
    }

    /// Reports the matches that are certain by now, and forgets rules without candidates.
    fn settle(&mut self, rules: &Rules, report: &mut Report) -> Result<(), Stop> {
        let mut gone = false;
        for index in &self.active {
            let (Some(rule), Some(track)) = (rules.rule(*index), self.tracks.get_mut(usize::from(*index))) else { continue };
            gone |= track.candidates.is_empty();
            while let Some(found) = track.candidates.settle(self.position) {
                // The match that blocks is counted where it blocks.
                if !found.continues && rule.action != Action::Block {
                    report.count(*index);
                }
                if rule.action == Action::Redact {
                    report.redacted += 1;
                    if report.redacted > REDACTIONS_MAX {
                        return Err(Stop::TooMany(*index));
                    }
                    self.redactions.add(Redaction { range: found.range, rule: (!found.continues).then_some(*index) });
                }
            }
        }
        if gone {
            self.active.retain(|index| self.tracks.get(usize::from(*index)).is_some_and(|track| !track.candidates.is_empty()));
        }
        Ok(())
    }

    fn finish(&mut self, rules: &Rules, window: Window<'_>, scratch: &mut Scratch, report: &mut Report) -> Result<(), Stop> {
        self.take(rules, None, window, scratch, report)?;
        while let Some(redaction) = self.redactions.next(self.position, window) {
            report.redactions.push(redaction);
        }
        Ok(())
    }

    /// From where on the text may be needed again, and from where on it must be held back. Reports the redactions before.
    fn undecided(&mut self, rules: &Rules, window: Window<'_>, report: &mut Report) -> (usize, usize) {
        let (mut needed, mut held, mut decided) = (self.position, self.position, self.position);
        if !self.active.is_empty() || rules.has_lead() || rules.trigger().any_begun(&self.progress) {
            for ((index, rule), track) in rules.all().iter().enumerate().zip(&mut self.tracks) {
                let factor = self.position - rules.trigger().begun(&self.progress, index);
                let first = rule.pattern.factor.lead.map_or(factor, |lead| track.run_start(factor, lead, window));
                let first = window.character(first.max(track.candidates.resume()).min(track.candidates.undecided(self.position)));
                needed = needed.min(first);
                match rule.action {
                    Action::Flag => {}
                    Action::Block => held = held.min(first),
                    Action::Redact => (held, decided) = (held.min(first), decided.min(first)),
                }
            }
        }
        while let Some(redaction) = self.redactions.next(decided, window) {
            report.redactions.push(redaction);
        }
        let waiting = self.redactions.start().unwrap_or(self.position);
        (needed.min(waiting), held.min(waiting))
    }
}

impl Track {
    /// Where the run of lead bytes begins that ends at `end`: where a match whose factor begins there can begin. Walks over each byte once.
    fn run_start(&mut self, end: usize, lead: ByteSet, window: Window<'_>) -> usize {
        let floor = self.begun.max(self.candidates.resume()).max(end.saturating_sub(UNDECIDED_BYTES_MAX));
        let mut start = end;
        while start > floor && start != self.run.1 && window.byte(start - 1).is_some_and(|byte| lead.contains(byte)) {
            start -= 1;
        }
        if start == self.run.1 {
            start = self.run.0.max(floor).min(start);
        }
        self.run = (start, end);
        start
    }
}
