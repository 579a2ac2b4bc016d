//! Scans one text, piece by piece.

use crate::candidates::{Candidates, Scratch, UNDECIDED_BYTES_MAX};
use crate::drive::{Lane, Sighting, TooCostly};
use crate::mask::VALUE_BYTES_MAX;
use crate::pattern::{ByteSet, Pattern};
use crate::redactions::Redactions;
use crate::report::{Found, Report, Stop};
use crate::rules::{Rule, Rules};
use crate::scope::RuleSet;
use crate::trigger::Progress;
use crate::window::Window;
use portcullis_policy::Action;

/// How many steps of candidates a byte may cost, on average over a text. Protects a worker: an odd pattern and a text made for it keep hundreds
/// of candidates alive at once. At two to five nanoseconds a step, the worst text costs half a second a megabyte.
const STEPS_PER_BYTE_MAX: usize = 128;

/// Steps that a text may cost on top, so that a short dense stretch at its beginning is no reason to refuse it.
const STEPS_FREE: usize = 64 * 1024;

/// How far the trigger goes ahead while there are candidates.
const AHEAD_BYTES: usize = 256;

/// Room that is kept for what may be needed again. Protects memory: a piece can be large, and many texts can be open.
const KEPT_CAPACITY_MAX: usize = 4 * UNDECIDED_BYTES_MAX;

/// How a text comes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// It leaves as it comes, so little of it should be held back.
    pub(crate) streamed: bool,
    /// It is a random string by its place.
    pub(crate) opaque: bool,
}

/// The state of one text between two pieces.
#[derive(Debug, Default)]
pub(crate) struct TextScan {
    progress: Progress,
    /// The rules that look at this text.
    rules: RuleSet,
    tracks: Vec<Track>,
    /// A track is not as it was in the beginning.
    touched: bool,
    /// Rules with candidates, in order.
    active: Vec<u16>,
    /// What may be needed again of the pieces so far, and where it stands.
    kept: Vec<u8>,
    kept_base: usize,
    position: usize,
    redactions: Redactions,
    steps: usize,
    /// What detectors have seen of the text.
    lane: Lane,
    /// They have seen enough.
    lane_closed: bool,
    /// By rule: behind its last sighting.
    sighted: Vec<(u16, usize)>,
    /// No sighting begins before any more.
    unsighted: usize,
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

/// What a piece is scanned with.
struct Work<'a> {
    rules: &'a Rules,
    window: Window<'a>,
    scratch: &'a mut Scratch,
    report: &'a mut Report,
}

impl TextScan {
    /// Ready for the beginning of a text that `reaching` rules look at, whatever went before.
    pub(crate) fn reset(&mut self, rules: &Rules, reaching: RuleSet) {
        let mut tracks = std::mem::take(&mut self.tracks);
        if self.touched || tracks.len() != rules.all().len() {
            tracks.clear();
            tracks.resize_with(rules.all().len(), Track::default);
        }
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        let mut lane = std::mem::take(&mut self.lane);
        lane.reset();
        *self = Self {
            progress: rules.trigger().start(),
            rules: reaching,
            tracks,
            kept,
            lane,
            ..Self::default()
        };
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Stop`], at a byte of the text that does not depend on where the pieces begin. The report then holds what was counted before.
    pub(crate) fn push(
        &mut self,
        rules: &Rules,
        piece: &str,
        last: bool,
        manner: Manner,
        scratch: &mut Scratch,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let mut kept = std::mem::take(&mut self.kept);
        let first = kept.is_empty();
        if !first {
            kept.extend_from_slice(piece.as_bytes());
        }
        let window = Window::new(if first { piece.as_bytes() } else { &kept }, self.kept_base);
        let work = &mut Work {
            rules,
            window,
            scratch,
            report,
        };
        self.detect(piece, last, manner, work)?;
        self.scan(work.window.end(), work)?;
        if last {
            self.take(None, work)?;
            self.hand_over(self.position, work);
            report.hold_from = None;
            return Ok(());
        }
        let (needed, held) = self.undecided(work);
        report.hold_from = (held < self.position).then_some(held);
        // One character more than is needed: assertions look at what stands before.
        let unneeded = window.character(needed.saturating_sub(1)) - self.kept_base;
        if first {
            kept.extend_from_slice(piece.as_bytes().get(unneeded..).unwrap_or_default());
            self.kept_base += unneeded;
        } else if unneeded * 2 >= kept.len() {
            kept.drain(..unneeded);
            kept.shrink_to(KEPT_CAPACITY_MAX);
            self.kept_base += unneeded;
        }
        self.kept = kept;
        Ok(())
    }

    /// Has detectors look at the piece, and takes what they have seen together with what patterns find, in the order in which the text decides it.
    fn detect(
        &mut self,
        piece: &str,
        last: bool,
        manner: Manner,
        work: &mut Work<'_>,
    ) -> Result<(), Stop> {
        let Some(driver) = work.rules.driver().filter(|_| !self.lane_closed) else {
            self.unsighted = work.window.end();
            return Ok(());
        };
        if let Err(TooCostly(rule)) = self.lane.push(driver, piece, last, manner.opaque) {
            if work.rules.detectors_refuse(self.rules) {
                return Err(Stop::Unfinished(rule));
            }
            // Rules that only flag flag such a text, and look no further.
            work.report.count(rule);
            self.lane_closed = true;
        }
        for sighting in self.lane.found().collect::<Vec<_>>() {
            self.scan(sighting.decided, work)?;
            self.sight(sighting, work)?;
        }
        self.unsighted = if last || self.lane_closed {
            work.window.end()
        } else {
            let undecided = self.lane.undecided(driver, manner.streamed);
            undecided.max(self.unsighted)
        };
        Ok(())
    }

    /// Takes what a detector has seen.
    fn sight(&mut self, sighting: Sighting, work: &mut Work<'_>) -> Result<(), Stop> {
        if !self.rules.contains(sighting.rule) {
            return Ok(());
        }
        // Several detectors of a rule may see the same thing, which is one match.
        let known = self
            .sighted
            .iter_mut()
            .find(|(rule, _)| *rule == sighting.rule);
        let before = known.as_ref().map_or(0, |(_, end)| *end);
        match known {
            Some((_, end)) => *end = before.max(sighting.range.end),
            None => self.sighted.push((sighting.rule, sighting.range.end)),
        }
        let found = Found {
            rule: sighting.rule,
            detector: work
                .rules
                .driver()
                .and_then(|driver| sighting.detector(driver)),
            // What was let go already cannot be taken back.
            range: sighting.range.start.max(self.unsighted)..sighting.range.end,
            continues: sighting.continues || sighting.range.start < before,
            value: &sighting.value,
        };
        let Some(mut redaction) = work.report.found(work.rules, found)? else {
            return Ok(());
        };
        if !redaction.range.is_empty() {
            redaction.rule = (!sighting.continues).then_some(sighting.rule);
            self.redactions.add(redaction);
        }
        Ok(())
    }

    /// Finds what patterns find up to a position.
    fn scan(&mut self, end: usize, work: &mut Work<'_>) -> Result<(), Stop> {
        if !work.rules.has_patterns() {
            self.position = self.position.max(end);
        }
        while self.position < end {
            let bytes = work.window.from(self.position);
            let mut bytes = bytes.get(..end - self.position).unwrap_or(bytes);
            if !self.active.is_empty() {
                // The trigger goes ahead of the candidates, not far: they may all be gone soon.
                bytes = bytes.get(..AHEAD_BYTES).unwrap_or(bytes);
            }
            let complete = work.rules.trigger().find(&mut self.progress, bytes);
            let until = self.position + complete.map_or(bytes.len(), |index| index + 1);
            self.follow(until, work)?;
            if complete.is_some() {
                self.begin(work)?;
            }
        }
        Ok(())
    }

    /// Leads all candidates up to a position.
    fn follow(&mut self, until: usize, work: &mut Work<'_>) -> Result<(), Stop> {
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
    fn begin(&mut self, work: &mut Work<'_>) -> Result<(), Stop> {
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
            if matched && work.report.blocks_early(rule) {
                blocked = Some(blocked.map_or(index, |other| other.min(index)));
            }
            if let Err(place) = self.active.binary_search(&index) {
                self.active.insert(place, index);
            }
        }
        if begun {
            self.touched = true;
            self.check_steps(work)?;
            self.settle(work)?;
        }
        blocked.map_or(Ok(()), |rule| Err(Stop::Blocked(rule)))
    }

    /// Leads all candidates over the next byte, or over the end of the text.
    fn take(&mut self, byte: Option<u8>, work: &mut Work<'_>) -> Result<(), Stop> {
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
            if matched && work.report.blocks_early(rule) && blocked.is_none() {
                blocked = Some(*index);
            }
        }
        self.position += usize::from(byte.is_some());
        self.check_steps(work)?;
        if unsettled {
            self.settle(work)?;
        }
        blocked.map_or(Ok(()), |rule| Err(Stop::Blocked(rule)))
    }

    /// Gives up when the text costs too much: a rule that only flags then flags the text and is not followed any further in it; for any other
    /// the text cannot pass.
    fn check_steps(&mut self, work: &mut Work<'_>) -> Result<(), Stop> {
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
                work.report.count(costly);
                self.active.retain(|index| *index != costly);
                self.steps = 0;
                Ok(())
            }
            Some(_) | None => Err(Stop::Unfinished(costly)),
        }
    }

    /// Reports the matches that are certain by now, and forgets rules without candidates.
    fn settle(&mut self, work: &mut Work<'_>) -> Result<(), Stop> {
        let mut gone = false;
        for index in &self.active {
            let Some((rule, _, track)) = track(&mut self.tracks, work.rules, *index) else {
                continue;
            };
            gone |= track.candidates.is_empty();
            while let Some(found) = track.candidates.settle(self.position) {
                if work.report.blocks_early(rule) {
                    // It stopped the scan when it was certain.
                    continue;
                }
                let value = work.window.from(found.range.start);
                let value = value.get(..found.range.len()).unwrap_or(value);
                let found = Found {
                    rule: *index,
                    detector: None,
                    range: found.range,
                    continues: found.continues,
                    value,
                };
                if let Some(redaction) = work.report.found(work.rules, found)? {
                    self.redactions.add(redaction);
                }
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
        Ok(())
    }

    /// Reports the redactions that nothing can change any more, every match that begins before `decided` being known.
    fn hand_over(&mut self, decided: usize, work: &mut Work<'_>) {
        while let Some(redaction) = self.redactions.next(decided, work.window) {
            if redaction.masks {
                let value = work.window.text(&redaction.range, VALUE_BYTES_MAX);
                work.report
                    .values
                    .push(value.unwrap_or_default().to_owned());
            }
            work.report.redactions.push(redaction);
        }
    }

    /// From where on the text may be needed again, and from where on it must be held back. Reports the redactions before.
    fn undecided(&mut self, work: &mut Work<'_>) -> (usize, usize) {
        let (mut needed, mut held, mut decided) = (self.position, self.unsighted, self.unsighted);
        if work.rules.driver().is_some() {
            needed = needed.min(self.lane.needs());
        }
        let trigger = work.rules.trigger();
        if !self.active.is_empty() || work.rules.has_lead() || trigger.any_begun(&self.progress) {
            self.touched |= work.rules.has_lead();
            for ((index, rule), track) in (0..).zip(work.rules.all()).zip(&mut self.tracks) {
                let Some(pattern) = rule.pattern().filter(|_| self.rules.contains(index)) else {
                    continue;
                };
                let factor = self.position - trigger.begun(&self.progress, usize::from(index));
                let lead = pattern.factor.lead;
                let begun = lead.map_or(factor, |lead| track.run_start(factor, lead, work.window));
                let first = begun
                    .max(track.candidates.resume())
                    .min(track.candidates.undecided(self.position));
                let first = work.window.character(first);
                needed = needed.min(first);
                match rule.action {
                    Action::Flag => {}
                    Action::Block => held = held.min(first),
                    Action::Mask | Action::Redact => {
                        (held, decided) = (held.min(first), decided.min(first))
                    }
                }
            }
        }
        self.hand_over(decided, work);
        let waiting = self.redactions.start().unwrap_or(self.position);
        (needed.min(waiting), held.min(waiting))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::rule;

    /// What an attacker would send against patterns of many kinds.
    const PATTERNS: [&str; 18] = [
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"\d{16}",
        r"sk-ant-api[0-9a-zA-Z]+",
        r"[a-z]+@corp\.com",
        r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
        r"(?i)password\s*[:=]\s*\S{8,64}",
        r"a.*b|a",
        r"(?s)a.*b",
        r"(?s).*x9",
        r"[A-Za-z0-9/+=]{40}",
        r"[ab]{200}c",
        r"(?:a|b)*c{3}",
        r"\w+\s+\w+x9",
        r"x*y*z",
        r"(?:a?){30}b",
        r"-----BEGIN [A-Z ]*KEY-----[\s\S]*?-----END [A-Z ]*KEY-----",
        r"[^a]{1,100}a",
        r"(?:aa|aab)+c",
    ];

    const TEXTS: [&str; 18] = [
        "a",
        "4",
        "ab",
        "a@",
        "sk-ant-",
        "sk-ant-api",
        "sk-ant-apix-",
        "password=",
        "123-45-678",
        "1111111111111111x ",
        "aaaa\n",
        "a b ",
        "x y",
        "xyz",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/",
        "-----BEGIN A KEY-----",
        "日本",
        "aab",
    ];

    fn steps(rules: &Rules, text: &str, size: usize) -> (usize, Result<(), Stop>) {
        let (mut scan, mut scratch, mut report) =
            (TextScan::default(), Scratch::default(), Report::default());
        scan.reset(rules, RuleSet::ALL);
        let mut rest = text;
        loop {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(size.max(4)));
            rest = behind;
            let result = scan.push(
                rules,
                piece,
                rest.is_empty(),
                Manner::default(),
                &mut scratch,
                &mut report,
            );
            report.redactions.clear();
            assert!(
                scan.kept.capacity() <= KEPT_CAPACITY_MAX.max(4 * size),
                "{}",
                scan.kept.capacity()
            );
            if result.is_err() || rest.is_empty() {
                return (scan.steps, result);
            }
        }
    }

    #[test]
    fn no_text_costs_more_than_its_length() {
        const LENGTH: usize = 16 * 1024;
        for pattern in PATTERNS {
            let rules = Rules::new(vec![rule("r", pattern, Action::Redact)]).unwrap();
            for unit in TEXTS {
                let text = unit.repeat(LENGTH / unit.len());
                let (whole, result) = steps(&rules, &text, LENGTH);
                assert!(
                    whole <= STEPS_FREE + STEPS_PER_BYTE_MAX * (LENGTH + 1),
                    "{pattern} {unit} {whole}"
                );
                let (half, half_result) = steps(
                    &rules,
                    text.get(..text.floor_char_boundary(LENGTH / 2)).unwrap(),
                    LENGTH,
                );
                if (result, half_result) == (Ok(()), Ok(())) {
                    assert!(
                        whole <= 2 * half + STEPS_FREE,
                        "{pattern} {unit} {half} {whole}"
                    );
                }
                assert_eq!(
                    steps(&rules, &text, 4093),
                    (whole, result),
                    "{pattern} {unit}"
                );
            }
        }
    }

    #[test]
    fn a_rule_that_costs_too_much_refuses_the_text_or_flags_it() {
        let text = "b".repeat(20_000);
        let costly = |action| {
            Rules::new(vec![
                rule("costly", "[ab]{1000}c", action),
                rule("b", "b{20}", Action::Flag),
            ])
            .unwrap()
        };
        let (_, result) = steps(&costly(Action::Redact), &text, 1000);
        assert_eq!(result, Err(Stop::Unfinished(0)));
        let rules = costly(Action::Flag);
        let (mut scan, mut scratch, mut report) =
            (TextScan::default(), Scratch::default(), Report::default());
        scan.reset(&rules, RuleSet::ALL);
        assert_eq!(
            scan.push(
                &rules,
                &text,
                true,
                Manner::default(),
                &mut scratch,
                &mut report
            ),
            Ok(())
        );
        assert_eq!(
            report.take_counts().collect::<Vec<_>>(),
            [(0, 1, 0), (1, 1000, 0)]
        );
    }
}
