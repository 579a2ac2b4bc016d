//! One text on its way through the detectors, piece by piece.

mod ask;
mod numbers;
mod scan;

use super::announcing::Announced;
use super::broken::{Broken, Run, Tokens};
use super::candidate::Candidate;
use super::dense::Views;
use super::encoded;
use super::escaped::Escaped;
use super::keywords::KEYWORD_BYTES_MAX;
use super::keywords::Looked;
use super::latch::Latched;
use super::listed::Listed;
use super::spelled::Spelled;
use super::wrapped::Wrapped;
use super::{Driver, Reading, Sighting};
use crate::detectors::{LOOK_BEHIND, Memo, Trigger};
use crate::page::Page;
use crate::view::View;
use crate::window::Window;
use portcullis_policy::sort::sort_by_key;
use std::ops::Range;

/// How much of a text detectors may be shown, in bytes for each byte of it. Protects a worker: a text can be made of triggers that each need a
/// long look. What one costs is counted by `host-test/speed`, whose linear property bounds what a byte of any text may take.
/// Numbers of a portion are asked about before its keywords, so at which byte a text has cost too much depends on where portions end.
const STEPS_PER_BYTE_MAX: usize = 128;

/// What a text may cost on top, so that a dense stretch at its beginning is no reason to refuse it.
const STEPS_FREE: usize = 64 * 1024;

/// How often what was decoded is decoded again.
const DEPTH_MAX: u8 = 3;

/// Most bytes that are decoded of one text. Protects a worker: at four alignments, base64 of base64 could multiply.
const DECODED_BYTES_MAX: usize = 1024 * 1024;

/// Longest opaque text that is decoded: an id or a signature. What is longer is a picture or a sound, of which `wire` reads what can be read.
const OPAQUE_DECODED_BYTES_MAX: usize = 4096;

/// Room that is kept for what may be needed again.
const KEPT_CAPACITY_MAX: usize = 16 * 1024;

/// Places, candidates and sightings for which a lane has room that is kept for the next message.
const SMALL_ENTRIES_MAX: usize = 1024;

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
    looked: Looked,
    /// Where in the last piece patterns' factors can be complete, if it was read in one go.
    places: Vec<usize>,
    in_one_go: bool,
    /// A run of digits goes on that began here.
    digits: Option<usize>,
    /// Which of the last sixty-four bytes before `scanned` are letters, or may be; the last one's bit is the highest.
    letters: u64,
    /// A run of characters of base64 goes on that began here.
    word: Option<usize>,
    /// Up to here such a run was decoded that is too long to be decoded at once.
    portioned: usize,
    escaped: Escaped,
    spelled: Spelled,
    listed: Listed,
    wrapped: Wrapped,
    /// Detectors that wait for more text, in the order of their triggers.
    pending: Vec<Candidate>,
    /// By detector.
    queues: Vec<Queue>,
    /// Detectors whose queue is not as it was made.
    begun: Vec<u16>,
    latched: Vec<Latched>,
    /// By rule, bytes of the text that a match which goes on has covered, and when that match was decided: what else its rule sees there from then
    /// on is a part of it.
    within: Vec<(u16, Range<usize>, usize)>,
    announced: Announced,
    /// By when all that was asked about the digits so far is answered.
    numbers_answered: usize,
    /// Where the tokens at hand are broken: numbers, others.
    number: Run,
    token: Run,
    /// How far tokens reach.
    memo: Memo,
    /// The text without gaps, if anybody asked for it.
    views: Option<Box<Views>>,
    /// Found, and perhaps not decided yet: `decided` is a position of the view.
    seen: Vec<Sighting>,
    /// Found and decided.
    found: Vec<Sighting>,
    steps: usize,
    /// What the texts that it stands in have spent of [`STEPS_FREE`].
    spent_around: usize,
    /// What was decoded, for patterns.
    readings: Vec<Reading>,
    /// Of texts in this one.
    inner: Option<Box<Lane>>,
    decoded: usize,
    depth: u8,
    /// The text is a random string by its place.
    opaque: bool,
}

/// Candidates of one detector, which answer in the order of their triggers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Queue {
    is_set: bool,
    /// How many of them wait.
    waiting: usize,
    /// Where the last match ends: what it covers is not asked about again.
    covered: usize,
    /// By when those before have been answered.
    answered: usize,
    /// By when those have been that did not wait for others before them.
    overtaken: usize,
}

/// What a portion of the text is read with.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    driver: &'a Driver,
    pub(super) window: Window<'a>,
    /// The text ends with the window.
    pub(super) last: bool,
    /// Of many texts, each with a window of its own.
    page: Option<&'a Page>,
}

impl Work<'_> {
    /// For the text that a position lies in: where there are many, it alone is the window.
    #[inline]
    pub(super) fn of(self, position: usize) -> Self {
        let Some(page) = self.page else { return self };
        let window = page.window(position);
        Self { window, ..self }
    }

    /// Where the text at hand begins.
    #[inline]
    pub(super) fn begins(&self) -> usize {
        self.page.map_or(0, |_| self.window.base())
    }
}

impl Lane {
    /// Ready for a text's beginning, whatever went before.
    pub(crate) fn reset(&mut self) {
        let Self {
            view,
            kept,
            kept_base,
            scanned,
            looked,
            places,
            in_one_go,
            digits,
            letters,
            word,
            portioned,
            escaped,
            spelled,
            listed,
            wrapped,
            pending,
            queues,
            begun,
            latched,
            within,
            announced,
            numbers_answered,
            number,
            token,
            memo,
            views,
            seen,
            found,
            steps,
            spent_around,
            readings,
            inner: _,
            decoded,
            depth,
            opaque,
        } = self;
        view.reset();
        kept.clear();
        (*kept_base, *scanned, *looked) = (0, 0, Looked::default());
        places.clear();
        *in_one_go = true;
        (*digits, *letters, *word) = (None, 0, None);
        *portioned = 0;
        (*escaped, *spelled) = (Escaped::default(), Spelled::default());
        *listed = Listed::default();
        *wrapped = Wrapped::default();
        pending.clear();
        for entry in begun.drain(..) {
            if let Some(queue) = queues.get_mut(usize::from(entry)) {
                *queue = Queue::default();
            }
        }
        latched.clear();
        within.clear();
        *numbers_answered = 0;
        *announced = Announced::default();
        (*number, *token) = (Run::default(), Run::default());
        memo.clear();
        if let Some(views) = views {
            views.clear();
        }
        seen.clear();
        found.clear();
        readings.clear();
        (*steps, *spent_around) = (0, 0);
        (*decoded, *depth) = (0, 0);
        *opaque = false;
    }

    /// Leaves nothing but what is known of a text, of which all that is room alone must know nothing.
    #[cfg(test)]
    pub(crate) fn forget_room(&mut self) {
        assert!(self.queues.iter().all(|queue| *queue == Queue::default()));
        (self.queues, self.inner, self.views) = (Vec::new(), None, None);
        self.memo.begin(0);
    }

    /// Whether the room that it has is what a short text needs.
    pub(crate) fn is_small(&self) -> bool {
        let entries = self.places.capacity() + self.pending.capacity() + self.seen.capacity();
        let is_simple = self.inner.is_none() && self.views.is_none();
        is_simple && self.kept.capacity() <= KEPT_CAPACITY_MAX && entries <= SMALL_ENTRIES_MAX
    }

    /// Which texts of a page may hold something, whatever went before, by their bits. It is not to be asked for what that is.
    /// One that must look closer may say so.
    pub(crate) fn unclear(&mut self, driver: &Driver, page: &Page, opaque: bool) -> u64 {
        self.reset();
        self.opaque = opaque;
        let text = page.bytes();
        let mut kept = std::mem::take(&mut self.kept);
        let mut folded = false;
        if page.is_plain() {
            self.view.pass(text.len());
        } else {
            let text = std::str::from_utf8(text).unwrap_or_default();
            folded = self.view.push(text, &mut kept);
        }
        let bytes = if folded { &kept } else { text };
        let work = Work {
            driver,
            window: Window::new(bytes, 0),
            last: true,
            page: page.is_plain().then_some(page),
        };
        let result = self.scan(work);
        self.kept = kept;
        // What is enough for all texts is enough for each of them. Patterns look at what folds in two ways.
        if result.is_err()
            || self.steps > STEPS_FREE
            || self.decoded > DECODED_BYTES_MAX
            || !self.view.is_text() && driver.looks_for_factors()
        {
            return u64::MAX;
        }
        let mut unclear = 0;
        for sighting in &self.seen {
            unclear |= page.text(sighting.range.start).1;
        }
        for reading in &self.readings {
            unclear |= page.text(reading.start()).1;
        }
        if let Some(patterns) = driver.keywords.patterns() {
            for at in self.places.iter().copied() {
                let (begins, bit) = page.text(at);
                if unclear & bit == 0 && patterns.completes(page.window(at), at, begins) {
                    unclear |= bit;
                }
            }
        }
        unclear
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
        self.places.clear();
        let mut rest = piece;
        loop {
            let (portion, behind) = rest
                .split_at_checked(View::portion(rest))
                .unwrap_or((rest, ""));
            rest = behind;
            self.in_one_go = portion.len() == piece.len();
            self.take(driver, portion, last && rest.is_empty())?;
            if rest.is_empty() {
                break;
            }
        }
        sort_by_key(&mut self.found, |sighting| {
            (sighting.decided, sighting.trigger, sighting.entry)
        });
        Ok(())
    }

    /// Where in the last piece factors of patterns can be complete, if it looked for these, too.
    pub(crate) fn places(&self, driver: &Driver) -> Option<&[usize]> {
        let known = driver.keywords.patterns().is_some() && self.in_one_go && self.view.is_text();
        known.then_some(&self.places)
    }

    /// Whether something was found since it was last asked.
    pub(crate) const fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// What was found since it was last asked, in the order in which it was decided.
    pub(crate) fn found(&mut self) -> std::vec::Drain<'_, Sighting> {
        self.found.drain(..)
    }

    /// What was decoded since it was last asked that patterns can match in, in no order.
    pub(crate) fn readings(&mut self) -> Vec<Reading> {
        std::mem::take(&mut self.readings)
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
        let digits = self
            .digits
            .filter(|from| !streamed || end > from + 1 && !driver.entries.is_empty());
        first = digits.map_or(first, |digits| first.min(digits));
        if !streamed {
            first = first.min(self.looked.to.saturating_sub(KEYWORD_BYTES_MAX));
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
        let open = [
            self.escaped.undecided(),
            self.spelled.undecided(),
            self.listed.undecided(),
            self.wrapped.undecided(),
        ];
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
            page: None,
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
        self.within.retain(|(_, range, _)| range.end >= needs);
        self.kept = kept;
        Ok(())
    }

    /// Hands over what is decided by now.
    fn decide(&mut self, last: bool) {
        let end = self.view.len();
        let decided = |sighting: &mut Sighting| last || sighting.decided <= end;
        for mut sighting in self.seen.extract_if(.., decided) {
            let start = sighting.range.start;
            sighting.continues |= self.within.iter().any(|(rule, range, decided)| {
                let is_there = range.start < start && start < range.end;
                *rule == sighting.rule && is_there && *decided <= sighting.decided
            });
            sighting.decided = self.view.text_position(sighting.decided.min(end));
            self.found.push(sighting);
        }
    }

    /// From where on the view may be needed again.
    fn needed(&self) -> usize {
        let mut first = self
            .scanned
            .min(self.looked.to.saturating_sub(KEYWORD_BYTES_MAX));
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
            self.spelled.undecided(),
            self.listed.undecided(),
            self.wrapped.undecided(),
        ];
        first = open.into_iter().flatten().fold(first, usize::min);
        first.saturating_sub(LOOK_BEHIND).max(self.kept_base)
    }

    /// Whether the token behind a trigger that ends at `position` is broken.
    fn broken(&mut self, tokens: Tokens, position: usize, within: usize, work: Work<'_>) -> Broken {
        let run = match tokens {
            Tokens::Numbers => &mut self.number,
            Tokens::Others => &mut self.token,
        };
        run.look(tokens, work.window, position, within, work.last)
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
        Some(Trigger::Digits(..)) if candidate.dense.is_some() => window.end(),
        Some(Trigger::At) => local_part(window, at.start),
        Some(Trigger::Keywords(_) | Trigger::Marks(_) | Trigger::Digits(..)) | None => at.start,
    }
}

/// Where what could be the local part of an address begins that ends at `end`.
pub(crate) fn local_part(window: Window<'_>, end: usize) -> usize {
    let floor = end.saturating_sub(LOCAL_PART_BYTES_MAX);
    let mut start = end;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    while start > floor && window.byte(start - 1).is_some_and(is_part) {
        start -= 1;
    }
    start
}
