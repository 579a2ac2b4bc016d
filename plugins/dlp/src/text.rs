//! Scans one text, piece by piece: has patterns and detectors look at it, and decides what becomes of what they find.

use crate::candidates::{Scratch, UNDECIDED_BYTES_MAX};
use crate::drive::{Driver, Lane, Reading, Sighting, TooCostly, local_part};
use crate::mask::VALUE_BYTES_MAX;
use crate::matcher::{Event, Places, What};
use crate::page::{Page, TEXT_BYTES_MAX};
use crate::patterns::Patterns;
use crate::redactions::Redactions;
use crate::report::{Found, Report, Stop};
use crate::rules::{Rule, Rules};
use crate::scope::RuleSet;
use crate::seen::Seen as SeenMatches;
use crate::window::Window;
use portcullis_policy::sort::sort_by_key;
use std::ops::Range;

/// Room that is kept for what may be needed again. Protects memory: a piece can be large, and many texts can be open.
const KEPT_CAPACITY_MAX: usize = 4 * UNDECIDED_BYTES_MAX;

/// How much of a piece patterns read before what they found is decided. Protects memory: every byte can be a match.
const PORTION_BYTES_MAX: usize = 8 * 1024;

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
    /// The rules that look at this text.
    rules: RuleSet,
    /// What patterns have seen of the text.
    patterns: Patterns,
    /// They need not look.
    patterns_closed: bool,
    /// What may be needed again of the pieces so far, and where it stands.
    kept: Vec<u8>,
    kept_base: usize,
    redactions: Redactions,
    /// What detectors have seen of the text.
    lane: Lane,
    /// They have seen enough.
    lane_closed: bool,
    /// Steps that patterns took over what was decoded, and more than that may cost.
    owed: usize,
    /// How much they are shown before the text: its key.
    before: usize,
    /// What of that they are still to be shown, in the same piece as the text's beginning.
    key: String,
    /// Whole texts behind their keys.
    page: Page,
    /// Somebody found something.
    saw: bool,
    /// What was found where the same thing may be seen twice.
    seen: SeenMatches,
    /// No sighting begins before any more.
    unsighted: usize,
    /// What stands before was let go.
    released: usize,
}

/// What a piece is scanned with.
struct Work<'a> {
    rules: &'a Rules,
    window: Window<'a>,
    report: &'a mut Report,
}

/// What was seen, of which the text decides the order.
enum Seen {
    Event(Event),
    /// The same, in what was decoded.
    Decoded(Event),
    Sighting(Sighting),
}

/// A match, as whoever found it has it.
struct Match<'a> {
    rule: u16,
    detector: Option<&'static str>,
    range: Range<usize>,
    continues: bool,
    value: &'a [u8],
    /// The same thing may be seen by another, too, or once more in another way.
    shared: bool,
}

impl TextScan {
    /// Ready for the beginning of a text that `reaching` rules look at, whatever went before.
    pub(crate) fn reset(&mut self, rules: &Rules, reaching: RuleSet) {
        // Field for field, so that room is kept, and none is forgotten.
        let Self {
            rules: of,
            patterns,
            patterns_closed,
            kept,
            kept_base,
            redactions,
            lane,
            lane_closed,
            owed,
            before,
            key,
            page: _,
            saw,
            seen,
            unsighted,
            released,
        } = self;
        *of = reaching;
        *patterns_closed = !rules.has_patterns();
        if !*patterns_closed {
            patterns.reset(rules, reaching);
        }
        kept.clear();
        redactions.clear();
        if rules.driver().is_some() {
            lane.reset();
        }
        key.clear();
        seen.clear();
        (*lane_closed, *saw) = (false, false);
        (*owed, *kept_base, *before, *unsighted, *released) = (0, 0, 0, 0, 0);
    }

    /// Whether the room that it has is what a short message needs.
    pub(crate) fn is_small(&self) -> bool {
        let is_small = self.kept.capacity() <= KEPT_CAPACITY_MAX && self.page.is_small();
        is_small && self.lane.is_small()
    }

    /// Where whole texts are put to ask whether they are clear.
    pub(crate) const fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    /// In which texts of the page detectors may see something, whatever went before. It is no beginning of a text: nearly all texts are clear, and
    /// nothing else needs to be ready for them.
    pub(crate) fn unclear(&mut self, driver: &Driver, opaque: bool) -> u64 {
        self.lane.unclear(driver, &self.page, opaque)
    }

    /// It is the value of this key, if there is one: detectors see it as in `"key": "value"`. Nothing of the key is found or changed here.
    pub(crate) fn follows(&mut self, rules: &Rules, key: &str) {
        if key.is_empty() || rules.driver().is_none() {
            return;
        }
        for part in ["\"", key, "\": \""] {
            self.key.push_str(part);
        }
        self.before = self.key.len();
    }

    /// No pattern finds anything in the text.
    pub(crate) const fn without_patterns(&mut self) {
        self.patterns_closed = true;
    }

    /// Whether nobody found anything so far.
    pub(crate) const fn saw_nothing(&self) -> bool {
        !self.saw
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
        let mut rest = piece;
        while !self.patterns_closed && rest.len() > PORTION_BYTES_MAX {
            let at = rest.floor_char_boundary(PORTION_BYTES_MAX);
            let (portion, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.portion(rules, portion, false, manner, scratch, report)?;
            rest = behind;
        }
        self.portion(rules, rest, last, manner, scratch, report)
    }

    fn portion(
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
            report,
        };
        self.detect(piece, last, manner, work)?;
        let decoded = self.lane.readings();
        let decoded = if decoded.is_empty() {
            Vec::new()
        } else {
            self.read(decoded, work, scratch)
        };
        let events = if self.patterns_closed {
            Vec::new()
        } else {
            let places = rules.driver().filter(|_| !self.lane_closed);
            let places = places.and_then(|driver| self.lane.places(driver));
            let places = places.map(|at| Places {
                at,
                before: self.before,
            });
            let manner = (work.report.acts_early(), places);
            self.patterns
                .push(rules, window, piece, last, manner, scratch)
        };
        if !events.is_empty() || !decoded.is_empty() || self.lane.has_found() {
            self.see(events, decoded, work)?;
        }
        self.unsighted = match rules.driver() {
            Some(driver) if !last && !self.lane_closed => {
                let undecided = self.lane.undecided(driver, manner.streamed);
                let mut undecided = undecided.saturating_sub(self.before);
                if manner.streamed && rules.hold_words(self.rules) {
                    undecided = undecided.min(local_part(window, window.end()));
                }
                undecided.max(self.unsighted)
            }
            _ => window.end(),
        };
        if last {
            self.hand_over(window.end(), work);
            work.report.hold_from = None;
            return Ok(());
        }
        let (needed, held) = self.undecided(manner.streamed, work);
        self.seen.forget(needed);
        work.report.hold_from = (held < window.end()).then_some(held);
        self.released = self.released.max(held);
        // One character more than is needed: assertions look at what stands before.
        let unneeded = window.character(needed.saturating_sub(1));
        let unneeded = unneeded.saturating_sub(self.kept_base);
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

    /// Has detectors look at the piece.
    fn detect(
        &mut self,
        piece: &str,
        last: bool,
        manner: Manner,
        work: &mut Work<'_>,
    ) -> Result<(), Stop> {
        let Some(driver) = work.rules.driver().filter(|_| !self.lane_closed) else {
            return Ok(());
        };
        if let Err(TooCostly(rule)) = self.show(driver, piece, last, manner.opaque) {
            self.saw = true;
            if work.rules.detectors_refuse(self.rules) {
                return Err(Stop::Unfinished(rule));
            }
            // Rules that only flag flag such a text, and look no further.
            work.report.count(rule);
            self.lane_closed = true;
        }
        Ok(())
    }

    /// Holds patterns against what was decoded; what they find there, in order.
    #[inline(never)]
    fn read(
        &mut self,
        readings: Vec<Reading>,
        work: &Work<'_>,
        scratch: &mut Scratch,
    ) -> Vec<Event> {
        let (rules, early) = (work.rules, work.report.acts_early());
        let mut patterns = Patterns::default();
        let mut found = Vec::new();
        for reading in readings {
            patterns.reset(rules, self.rules.and(rules.decoding()));
            patterns.owe(self.owed);
            let window = Window::new(reading.text.as_bytes(), 0);
            let events = patterns.push(rules, window, &reading.text, true, (early, None), scratch);
            self.owed = patterns.owes();
            for mut event in events {
                event.at = reading.decided.saturating_sub(self.before);
                if let What::Match { range, .. } = &mut event.what {
                    let place = reading.range(range);
                    *range = place.start.saturating_sub(self.before)
                        ..place.end.saturating_sub(self.before);
                    if range.end == 0 {
                        continue;
                    }
                }
                found.push(event);
            }
        }
        sort_by_key(&mut found, |event| event.at);
        found
    }

    /// Takes what patterns and detectors have seen, in the order in which the text decides it.
    #[inline(never)]
    fn see(
        &mut self,
        events: Vec<Event>,
        decoded: Vec<Event>,
        work: &mut Work<'_>,
    ) -> Result<(), Stop> {
        self.saw |= !events.is_empty() || !decoded.is_empty();
        let before = self.before;
        let found = self.lane.found().filter_map(|mut sighting| {
            let range = &mut sighting.range;
            *range = range.start.saturating_sub(before)..range.end.saturating_sub(before);
            sighting.decided = sighting.decided.saturating_sub(before);
            (sighting.range.end > 0).then_some(sighting)
        });
        let sightings: Vec<_> = found.collect();
        self.saw |= !sightings.is_empty();
        let whole = events
            .into_iter()
            .map(|event| (event.at, Seen::Event(event)));
        let decoded = decoded
            .into_iter()
            .map(|event| (event.at, Seen::Decoded(event)));
        let sightings = sightings.into_iter();
        let sightings = sightings.map(|sighting| (sighting.decided, Seen::Sighting(sighting)));
        // Where it is the same position, patterns first.
        let mut all: Vec<_> = whole.chain(decoded).chain(sightings).collect();
        sort_by_key(&mut all, |(at, _)| *at);
        for (_, seen) in all {
            match seen {
                Seen::Event(event) => self.event(event, self.released, work)?,
                Seen::Decoded(event) => self.event(event, self.unsighted, work)?,
                Seen::Sighting(sighting) => self.sight(sighting, work)?,
            }
        }
        Ok(())
    }

    /// Shows detectors the piece, and its key before the first.
    fn show(
        &mut self,
        driver: &Driver,
        piece: &str,
        last: bool,
        opaque: bool,
    ) -> Result<(), TooCostly> {
        if self.key.is_empty() {
            return self.lane.push(driver, piece, last, opaque);
        }
        let mut key = std::mem::take(&mut self.key);
        let result = if piece.len() <= TEXT_BYTES_MAX {
            key.push_str(piece);
            self.lane.push(driver, &key, last, opaque)
        } else {
            self.lane
                .push(driver, &key, false, opaque)
                .and_then(|()| self.lane.push(driver, piece, last, opaque))
        };
        key.clear();
        self.key = key;
        result
    }

    /// Takes what a detector has seen.
    fn sight(&mut self, sighting: Sighting, work: &mut Work<'_>) -> Result<(), Stop> {
        if !self.rules.contains(sighting.rule) {
            return Ok(());
        }
        let driver = work.rules.driver();
        let found = Match {
            rule: sighting.rule,
            detector: driver.and_then(|driver| sighting.detector(driver)),
            // What was let go already cannot be taken back.
            range: sighting.range.start.max(self.unsighted)..sighting.range.end,
            continues: sighting.continues,
            value: &sighting.value,
            shared: true,
        };
        self.found(found, sighting.range.start, work)
    }

    /// Takes what has become certain of a pattern. What stands before `gone` was let go already, and cannot be taken back.
    fn event(&mut self, event: Event, gone: usize, work: &mut Work<'_>) -> Result<(), Stop> {
        let rule = event.rule;
        match event.what {
            What::Blocks => Err(Stop::Blocked(rule)),
            What::Unfinished => Err(Stop::Unfinished(rule)),
            What::GivenUp => {
                work.report.count(rule);
                Ok(())
            }
            What::Match {
                range,
                continues,
                value,
            } => {
                let start = range.start;
                let found = Match {
                    rule,
                    detector: None,
                    range: start.max(gone)..range.end,
                    continues,
                    value: &value,
                    shared: self.patterns.saw_folds() || !work.rules.decoding().is_empty(),
                };
                self.found(found, start, work)
            }
        }
    }

    /// Takes a match that begins at `start`; it may have been seen in another way already, which is one match.
    fn found(&mut self, found: Match<'_>, start: usize, work: &mut Work<'_>) -> Result<(), Stop> {
        let Match {
            rule, continues, ..
        } = found;
        let whole = start..found.range.end;
        let known = if found.shared {
            self.seen.fate(rule, &whole, continues)
        } else {
            None
        };
        let last = || work.report.last_stays(rule);
        let part_of = known.or_else(|| continues.then(last));
        let (stays, redaction) = work.report.found(
            work.rules,
            Found {
                rule,
                detector: found.detector,
                range: found.range,
                part_of,
                value: found.value,
            },
        )?;
        let permits = |rule: &Rule| rule.allow.permits(found.value);
        let is_permitted = || work.rules.rule(rule).is_some_and(permits);
        // What may pass as it is written says nothing of what it is a part of as it reads.
        if found.shared && (continues || found.detector.is_some() || !is_permitted()) {
            self.seen.add(rule, whole, stays, continues);
        }
        if let Some(mut redaction) = redaction
            && !redaction.range.is_empty()
        {
            redaction.rule = (!continues).then_some(rule);
            self.redactions.add(redaction);
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
    fn undecided(&mut self, streamed: bool, work: &mut Work<'_>) -> (usize, usize) {
        let end = work.window.end();
        let (mut held, mut decided) = (self.unsighted, self.unsighted);
        // What is seen and not decided may be redacted yet, or masked.
        let mut needed = decided.min(end);
        if work.rules.driver().is_some() {
            needed = needed.min(self.lane.needs().saturating_sub(self.before));
        }
        if !self.patterns_closed {
            let undecided = self.patterns.undecided(work.rules, work.window, streamed);
            needed = needed.min(undecided.needed);
            held = held.min(undecided.held);
            decided = decided.min(undecided.decided);
        }
        self.hand_over(decided, work);
        let waiting = self.redactions.start().unwrap_or(end);
        (needed.min(waiting), held.min(waiting))
    }
}

#[cfg(test)]
mod tests;
