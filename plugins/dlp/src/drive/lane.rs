//! One text on its way through the detectors, piece by piece.

use super::blocks::{BLOCK, Kinds, bits};
use super::candidate::{Answer, Candidate, FIRST_REACH};
use super::dense::{self, Broken, NUMBER_KNOWN_BY};
use super::encoded::{self, OVERLAP_BYTES, RUN_BYTES_MAX, RUN_BYTES_MIN};
use super::escaped::{Decoded, Escaped};
use super::latch::Latched;
use super::spaced::Spaced;
use super::{Driver, Sighting};
use crate::detectors::{LOOK_BEHIND, Outcome, Trigger};
use crate::view::View;
use crate::window::Window;
use std::ops::Range;

/// How much of a text detectors may be shown, in bytes for each byte of it. Protects a worker: a text can be made of triggers that each need a
/// long look. At a nanosecond a byte, the worst text costs an eighth of a second a megabyte.
const STEPS_PER_BYTE_MAX: usize = 128;

/// What a text may cost on top, so that a dense stretch at its beginning is no reason to refuse it.
const STEPS_FREE: usize = 64 * 1024;

/// How often what was decoded is decoded again.
const DEPTH_MAX: u8 = 2;

/// Most bytes that are decoded of one text. Protects a worker: at four alignments, base64 of base64 could multiply.
const DECODED_BYTES_MAX: usize = 1024 * 1024;

/// Longest opaque text that is decoded: an id or a signature. What is longer is a picture or a sound, of which `wire` reads what can be read.
const OPAQUE_DECODED_BYTES_MAX: usize = 4096;

/// Longest keyword, with room.
const KEYWORD_BYTES_MAX: usize = 64;

/// Room that is kept for what may be needed again.
const KEPT_CAPACITY_MAX: usize = 16 * 1024;

/// What stands before an `@` in an address, at most (RFC 5321, section 4.5.3.1.1).
const LOCAL_PART_BYTES_MAX: usize = 64;

/// The text cannot be read to its end: this rule's detectors would cost too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooCostly(pub(crate) u16);

/// The state of one text between two pieces.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    view: View,
    /// What may be needed again of the view, and where it stands.
    kept: Vec<u8>,
    kept_base: usize,
    /// Up to here triggers were looked for, except keywords…
    scanned: usize,
    /// …and up to here keywords.
    looked: usize,
    /// A run of digits goes on that began here.
    digits: Option<usize>,
    /// A run of characters of base64 goes on that began here.
    word: Option<usize>,
    escaped: Escaped,
    spaced: Spaced,
    /// Detectors that wait for more text, in the order of their triggers.
    pending: Vec<Candidate>,
    /// By detector: how many of them wait, where its last match ends.
    marks: Vec<Mark>,
    latched: Vec<Latched>,
    /// By rule, bytes of the text that a match which goes on has covered: what else its rule sees there is a part of it.
    within: Vec<(u16, Range<usize>)>,
    /// By when all that was asked about the digits so far is answered.
    numbers_answered: usize,
    /// Whether the token behind a trigger is broken, as it was found last: several detectors ask of one place.
    broken: Option<(usize, bool, Broken)>,
    /// Found, and perhaps not decided yet: `decided` is a position of the view.
    seen: Vec<Sighting>,
    /// Found and decided.
    found: Vec<Sighting>,
    steps: usize,
    decoded: usize,
    depth: u8,
    /// The text is a random string by its place.
    opaque: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    waiting: usize,
    covered: usize,
    /// By when those before have been answered.
    answered: usize,
}

/// What a portion of the text is read with.
#[derive(Clone, Copy)]
struct Work<'a> {
    driver: &'a Driver,
    window: Window<'a>,
    /// The text ends with the window.
    last: bool,
}

impl Lane {
    /// Ready for a text's beginning, whatever went before.
    pub(crate) fn reset(&mut self) {
        let (mut kept, mut marks) = (
            std::mem::take(&mut self.kept),
            std::mem::take(&mut self.marks),
        );
        kept.clear();
        marks.clear();
        *self = Self {
            kept,
            marks,
            ..Self::default()
        };
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`TooCostly`].
    pub(crate) fn push(
        &mut self,
        driver: &Driver,
        piece: &str,
        last: bool,
        opaque: bool,
    ) -> Result<(), TooCostly> {
        self.opaque = opaque;
        let mut rest = piece;
        loop {
            let (portion, behind) = rest
                .split_at_checked(View::portion(rest))
                .unwrap_or((rest, ""));
            rest = behind;
            self.take(driver, portion, last && rest.is_empty())?;
            if rest.is_empty() {
                break;
            }
        }
        self.found
            .sort_by_key(|sighting| (sighting.decided, sighting.trigger, sighting.entry));
        Ok(())
    }

    /// What was found since it was last asked, in the order in which it was decided.
    pub(crate) fn found(&mut self) -> std::vec::Drain<'_, Sighting> {
        self.found.drain(..)
    }

    /// From where on the text is undecided. With `streamed`, a word is not held back for an `@` that could follow it, and what was let go of an
    /// address cannot be taken back; otherwise nothing is let go that a detector could reach back to.
    pub(crate) fn undecided(&self, driver: &Driver, streamed: bool) -> usize {
        let window = Window::new(&self.kept, self.kept_base);
        let end = self.view.len();
        let mut first = end;
        for candidate in &self.pending {
            let start = if streamed {
                held_from(candidate, driver, window)
            } else {
                candidate.at.start
            };
            first = first.min(start);
        }
        // A digit alone is no number yet.
        let digits = self.digits.filter(|from| !streamed || end > from + 1);
        first = digits.map_or(first, |digits| first.min(digits));
        if !streamed {
            first = first.min(self.looked.saturating_sub(KEYWORD_BYTES_MAX));
            first = first.saturating_sub(LOOK_BEHIND);
        } else if !driver.at.is_empty() {
            let start = local_part(window, end);
            let part = window.range(start..end);
            let telling = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'+');
            if part.iter().skip(1).rev().skip(1).any(telling) {
                first = first.min(start);
            }
        }
        if let Some(word) = self.word
            && (!streamed || encoded::can_be(window.range(word..end)))
        {
            first = first.min(word);
        }
        let open = [self.escaped.undecided(), self.spaced.undecided()];
        first = open.into_iter().flatten().fold(first, usize::min);
        let seen = self.seen.iter().map(|sighting| sighting.range.start);
        seen.fold(self.view.text_position(first), usize::min)
    }

    /// From where on its positions in the text may be asked for again.
    pub(crate) fn needs(&self) -> usize {
        self.view.text_position(self.kept_base)
    }

    fn take(&mut self, driver: &Driver, portion: &str, last: bool) -> Result<(), TooCostly> {
        let mut kept = std::mem::take(&mut self.kept);
        let fresh = kept.is_empty();
        if fresh {
            self.kept_base = self.view.len();
        }
        let folded = self.view.push(portion, &mut kept);
        if !folded && !fresh {
            kept.extend_from_slice(portion.as_bytes());
        }
        let copied = folded || !fresh;
        let bytes = if copied { &kept } else { portion.as_bytes() };
        let work = Work {
            driver,
            window: Window::new(bytes, self.kept_base),
            last,
        };
        self.scan(work)?;
        self.decide(last);
        if last {
            return Ok(());
        }
        let unneeded = self.needed() - self.kept_base;
        if !copied {
            kept.extend_from_slice(portion.as_bytes().get(unneeded..).unwrap_or_default());
            self.kept_base += unneeded;
        } else if unneeded * 2 >= kept.len() {
            kept.drain(..unneeded);
            kept.shrink_to(KEPT_CAPACITY_MAX);
            self.kept_base += unneeded;
        }
        self.view.forget(self.kept_base);
        let needs = self.needs();
        self.within.retain(|(_, range)| range.end >= needs);
        self.kept = kept;
        Ok(())
    }

    /// Hands over what is decided by now.
    fn decide(&mut self, last: bool) {
        let end = self.view.len();
        let decided = |sighting: &mut Sighting| last || sighting.decided <= end;
        for mut sighting in self.seen.extract_if(.., decided) {
            let start = sighting.range.start;
            sighting.continues |= self.within.iter().any(|(rule, range)| {
                *rule == sighting.rule && range.start < start && start < range.end
            });
            sighting.decided = self.view.text_position(sighting.decided.min(end));
            self.found.push(sighting);
        }
    }

    /// From where on the view may be needed again.
    fn needed(&self) -> usize {
        let mut first = self
            .scanned
            .min(self.looked.saturating_sub(KEYWORD_BYTES_MAX));
        for candidate in &self.pending {
            first = first.min(candidate.at.start);
        }
        for latched in &self.latched {
            first = first.min(latched.needs());
        }
        let open = [
            self.digits,
            self.word,
            self.escaped.undecided(),
            self.spaced.undecided(),
        ];
        first = open.into_iter().flatten().fold(first, usize::min);
        first.saturating_sub(LOOK_BEHIND).max(self.kept_base)
    }

    fn scan(&mut self, work: Work<'_>) -> Result<(), TooCostly> {
        if !self.pending.is_empty() {
            self.ask_again(work)?;
        }
        if !self.latched.is_empty() {
            self.go_on(work);
        }
        let mut decoded = Vec::new();
        self.escaped
            .resume(work.window, work.last, &mut |text| decoded.push(text));
        self.spaced
            .go_on(work.window, work.last, &mut |text| decoded.push(text));
        let mut bytes = work.window.from(self.scanned);
        while !bytes.is_empty() {
            let (block, rest) = bytes.split_at_checked(BLOCK).unwrap_or((bytes, &[]));
            let kinds = Kinds::of(block);
            let (from, len) = (self.scanned, block.len());
            self.digits(kinds.digits, from, len, work)?;
            self.words(kinds.word, from, len, work)?;
            for bit in bits(kinds.at) {
                for index in &work.driver.at {
                    self.trigger(*index, from + bit..from + bit + 1, work)?;
                }
            }
            for bit in bits(kinds.escapes) {
                self.escaped
                    .look(from + bit, work.window, work.last, &mut |text| {
                        decoded.push(text);
                    });
            }
            self.spaced.take(
                kinds.spaces,
                from,
                len,
                work.window,
                work.last,
                &mut |text| decoded.push(text),
            );
            self.scanned += len;
            bytes = rest;
            for text in decoded.drain(..) {
                self.read_decoded(text, work)?;
            }
        }
        for text in decoded {
            self.read_decoded(text, work)?;
        }
        if work.last {
            let end = work.window.end();
            if let Some(start) = self.digits.take() {
                self.number(start..end, work)?;
            }
            if let Some(start) = self.word.take() {
                self.run(start..end, end, work)?;
            }
        }
        let mut hits = Vec::new();
        self.looked = work
            .driver
            .keywords
            .find(work.window, self.looked, work.last, |hit| {
                hits.extend(
                    hit.keyword
                        .entries
                        .iter()
                        .map(|entry| (*entry, hit.at.clone())),
                );
            });
        for (entry, at) in hits {
            self.trigger(entry, at, work)?;
        }
        Ok(())
    }

    /// Runs of digits, of which the last may go on.
    #[inline]
    fn digits(
        &mut self,
        digits: u64,
        from: usize,
        len: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        let before = u64::from(self.digits.is_some());
        if digits | before == 0 {
            return Ok(());
        }
        let follows = digits << 1 | before;
        let mut starts = digits & !follows;
        let ends = !digits & follows & (u64::MAX >> (BLOCK - len));
        for end in bits(ends) {
            let start = self.digits.take().unwrap_or_else(|| {
                let start = starts.trailing_zeros() as usize;
                starts &= starts.wrapping_sub(1);
                from + start
            });
            self.number(start..from + end, work)?;
        }
        if starts != 0 {
            self.digits = Some(from + starts.trailing_zeros() as usize);
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self, at: Range<usize>, work: Work<'_>) -> Result<(), TooCostly> {
        let called = work.driver.called_at(&at, work.window);
        if called.is_empty() {
            return Ok(());
        }
        let (after, answered) = (self.numbers_answered, at.end + NUMBER_KNOWN_BY);
        let shown = Candidate::shown(&at, work.window, work.last);
        let mut broken = None;
        for index in called {
            let Some(entry) = work.driver.entry(*index) else {
                continue;
            };
            let mark = self.marks.get(usize::from(*index)).copied();
            let mark = mark.unwrap_or_default();
            let quick = mark.waiting == 0 && !self.opaque && mark.covered <= at.start;
            // Nearly always it is nothing, as one look shows.
            if quick
                && let Some(shown) = &shown
                && entry.detector.find(shown) == Outcome::None
            {
                self.steps += FIRST_REACH;
                if entry.detector.dense
                    && !matches!(
                        broken.get_or_insert_with(|| {
                            dense::is_broken(work.window.from(at.end), true, work.last)
                        }),
                        Broken::No(_)
                    )
                {
                    self.start(
                        Candidate::new(*index, at.clone(), true, after),
                        mark.waiting,
                        work,
                    )?;
                }
                continue;
            }
            let candidate = Candidate::new(*index, at.clone(), false, after);
            self.start(candidate, mark.waiting, work)?;
        }
        self.numbers_answered = self.numbers_answered.max(answered);
        Ok(())
    }

    /// Runs of characters of base64, of which the last may go on.
    #[inline]
    fn words(
        &mut self,
        mut word: u64,
        from: usize,
        len: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        let end = from + len;
        if let Some(start) = self.word {
            let more = word.trailing_ones() as usize;
            if more >= len {
                return self.portions(end, work);
            }
            self.word = None;
            self.run(start..from + more, from + more + 1, work)?;
            word &= u64::MAX << more;
        }
        let two = word & word >> 1;
        let four = two & two >> 2;
        let eight = four & four >> 4;
        let mut long = eight & eight >> (RUN_BYTES_MIN - 8);
        while long != 0 {
            let start = long.trailing_zeros() as usize;
            let run = (word >> start).trailing_ones() as usize;
            if start + run >= len {
                break;
            }
            self.run(
                from + start..from + start + run,
                from + start + run + 1,
                work,
            )?;
            long &= u64::MAX << (start + run);
        }
        let open = (word << (BLOCK - len)).leading_ones() as usize;
        if open > 0 {
            self.word = Some(end - open);
        }
        Ok(())
    }

    /// Reads what has become too long to wait for its end.
    fn portions(&mut self, end: usize, work: Work<'_>) -> Result<(), TooCostly> {
        while let Some(start) = self.word
            && end - start >= RUN_BYTES_MAX
        {
            let portion = start..start + RUN_BYTES_MAX;
            self.word = Some(portion.end - OVERLAP_BYTES);
            self.run(portion.clone(), portion.end, work)?;
        }
        Ok(())
    }

    /// A run of characters of base64.
    fn run(&mut self, run: Range<usize>, decided: usize, work: Work<'_>) -> Result<(), TooCostly> {
        let payload = self.opaque && self.view.len() > OPAQUE_DECODED_BYTES_MAX;
        if run.len() < RUN_BYTES_MIN || self.depth >= DEPTH_MAX || payload {
            return Ok(());
        }
        let mut texts = Vec::new();
        encoded::decode(work.window.range(run.clone()), |text| texts.push(text));
        for text in texts {
            self.read(&text, |_| run.clone(), decided, work)?;
        }
        Ok(())
    }

    fn read_decoded(&mut self, decoded: Decoded, work: Work<'_>) -> Result<(), TooCostly> {
        let place = |index: usize| {
            let place = decoded.places.get(index).copied().unwrap_or_default();
            decoded.start + usize::from(place)
        };
        let back = |range: Range<usize>| place(range.start)..place(range.end);
        self.read(&decoded.text, back, decoded.decided, work)
    }

    /// Reads a text that stands in this one in other words.
    fn read(
        &mut self,
        text: &str,
        back: impl Fn(Range<usize>) -> Range<usize>,
        decided: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        self.decoded += text.len();
        if self.depth >= DEPTH_MAX || self.decoded > DECODED_BYTES_MAX {
            return Ok(());
        }
        let mut lane = Self {
            depth: self.depth + 1,
            ..Self::default()
        };
        lane.push(work.driver, text, true, false)?;
        self.steps += lane.steps;
        self.decoded += lane.decoded;
        for sighting in lane.found {
            self.seen.push(Sighting {
                range: self.text_range(back(sighting.range), work.window),
                decided,
                ..sighting
            });
        }
        Ok(())
    }

    /// A detector's trigger stands here.
    #[inline]
    fn trigger(&mut self, entry: u16, at: Range<usize>, work: Work<'_>) -> Result<(), TooCostly> {
        let mark = self.marks.get(usize::from(entry)).copied();
        let mark = mark.unwrap_or_default();
        self.start(Candidate::new(entry, at, false, 0), mark.waiting, work)
    }

    /// One after the other: what a match covers is not asked about again.
    fn start(
        &mut self,
        mut candidate: Candidate,
        waiting: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        if waiting == 0 && self.settle(&mut candidate, work)? {
            return Ok(());
        }
        if let Some(mark) = self.mark(candidate.entry) {
            mark.waiting += 1;
        }
        self.pending.push(candidate);
        Ok(())
    }

    fn mark(&mut self, entry: u16) -> Option<&mut Mark> {
        let index = usize::from(entry);
        if index >= self.marks.len() {
            self.marks.resize(index + 1, Mark::default());
        }
        self.marks.get_mut(index)
    }

    /// Asks those that waited, in order, each detector until one of its candidates must wait on.
    fn ask_again(&mut self, work: Work<'_>) -> Result<(), TooCostly> {
        let mut stuck: Vec<u16> = Vec::new();
        let mut waiting = Vec::with_capacity(self.pending.len());
        for mut candidate in std::mem::take(&mut self.pending) {
            if stuck.contains(&candidate.entry) {
                waiting.push(candidate);
            } else if self.settle(&mut candidate, work)? {
                if let Some(mark) = self.mark(candidate.entry) {
                    mark.waiting = mark.waiting.saturating_sub(1);
                }
            } else {
                stuck.push(candidate.entry);
                waiting.push(candidate);
            }
        }
        self.pending = waiting;
        Ok(())
    }

    /// Asks a detector; false when it must wait.
    fn settle(&mut self, candidate: &mut Candidate, work: Work<'_>) -> Result<bool, TooCostly> {
        let Some(entry) = work.driver.entry(candidate.entry) else {
            return Ok(true);
        };
        if self.opaque && !entry.detector.opaque {
            return Ok(true);
        }
        let mark = self.marks.get(usize::from(candidate.entry));
        if mark.is_some_and(|mark| mark.covered > candidate.at.start) {
            return Ok(true);
        }
        loop {
            let answer = candidate.ask(work.driver, work.window, work.last, &mut self.steps);
            if self.steps > STEPS_FREE + STEPS_PER_BYTE_MAX * candidate.at.end {
                return Err(TooCostly(entry.rule));
            }
            // Those before have been answered, which can take longer than to answer this one.
            let mark = self.marks.get(usize::from(candidate.entry));
            let before = mark.map_or(0, |mark| mark.answered);
            let before = before.max(candidate.after);
            if !matches!(answer, Answer::Waits)
                && let Some(mark) = self.mark(candidate.entry)
            {
                mark.answered = mark.answered.max(candidate.answered_by());
            }
            match answer {
                Answer::Waits => return Ok(false),
                Answer::Nothing if !candidate.dense && entry.detector.dense => {
                    let digits = matches!(entry.detector.trigger, Trigger::Digits(..));
                    let behind = work.window.from(candidate.at.end);
                    let known = self
                        .broken
                        .filter(|(end, of, _)| *end == candidate.at.end && *of == digits);
                    let broken = known.map_or_else(
                        || dense::is_broken(behind, digits, work.last),
                        |(_, _, broken)| broken,
                    );
                    if broken != Broken::Unknown {
                        self.broken = Some((candidate.at.end, digits, broken));
                    }
                    if let Broken::No(seen) = broken {
                        // As long as it can take to see that, wherever the text is cut.
                        let by = candidate.at.end + seen.next_power_of_two();
                        if let Some(mark) = self.mark(candidate.entry) {
                            mark.answered = mark.answered.max(by);
                        }
                        return Ok(true);
                    }
                    *candidate = Candidate::new(
                        candidate.entry,
                        candidate.at.clone(),
                        true,
                        candidate.after,
                    );
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
        if !candidate.dense
            && let Some(mark) = self.mark(candidate.entry)
        {
            mark.covered = mark.covered.max(range.end);
        }
        let mut value = work.window.range(range.clone()).to_vec();
        if candidate.dense {
            value.retain(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'*' | b'`' | b'~'));
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

    fn go_on(&mut self, work: Work<'_>) {
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
            if let Some(mark) = self.mark(latched.entry) {
                mark.covered = mark.covered.max(range.end);
            }
            let (trigger, decided) = (range.start, range.end.max(latched.decided));
            let end = self.text_range(range, work.window).end;
            let range = latched.covered_text..end;
            latched.covered_text = end;
            match self
                .within
                .iter_mut()
                .find(|(of, within)| *of == rule && within.end >= range.start)
            {
                Some((_, within)) => within.end = within.end.max(end),
                None => self.within.push((rule, range.start.saturating_sub(1)..end)),
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

    /// Bytes of the text, whole characters.
    fn text_range(&self, range: Range<usize>, window: Window<'_>) -> Range<usize> {
        let start = window.character(range.start);
        let mut end = range.end;
        while window
            .byte(end)
            .is_some_and(|byte| (0x80..0xC0).contains(&byte))
        {
            end += 1;
        }
        self.view.text_range(&(start..end))
    }
}

/// From where on a stream is held back for a candidate.
fn held_from(candidate: &Candidate, driver: &Driver, window: Window<'_>) -> usize {
    let at = &candidate.at;
    match driver
        .entry(candidate.entry)
        .map(|entry| entry.detector.trigger)
    {
        // The word says what stands behind it, and is no secret; most such words are just words, unless a sign follows.
        Some(Trigger::KeywordsAnyCase(_)) => {
            let is_word = window
                .byte(at.end - 1)
                .is_some_and(|byte| byte.is_ascii_alphanumeric());
            let behind = window.from(at.end);
            let sign = behind.iter().position(|byte| matches!(byte, b':' | b'='));
            match sign {
                Some(sign) => at.end + sign,
                None if is_word => window.end(),
                None => at.end,
            }
        }
        // Nearly every number at the end of a line would be.
        Some(Trigger::Digits(..)) if candidate.dense => window.end(),
        Some(Trigger::At) => local_part(window, at.start),
        Some(Trigger::Keywords(_) | Trigger::Digits(..)) | None => at.start,
    }
}

/// Where what could be the local part of an address begins that ends at `end`.
fn local_part(window: Window<'_>, end: usize) -> usize {
    let floor = end.saturating_sub(LOCAL_PART_BYTES_MAX);
    let mut start = end;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    while start > floor && window.byte(start - 1).is_some_and(is_part) {
        start -= 1;
    }
    start
}
