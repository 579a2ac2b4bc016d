//! Finds triggers in a portion of the text, and what is written in it in other words.

use super::{DECODED_BYTES_MAX, DEPTH_MAX, Lane, OPAQUE_DECODED_BYTES_MAX, TooCostly, Work};
use crate::detectors::runs::Before;
use crate::drive::blocks::{BLOCK, Kinds, Letters, bits, masks, within};
use crate::drive::broken::NUMBER_KNOWN_BY;
use crate::drive::encoded::{self, OVERLAP_BYTES, RUN_BYTES_MAX, RUN_BYTES_MIN};
use crate::drive::escaped::Decoded;
use crate::drive::numbers::{Beside, DigitRun};
use crate::drive::repeated::Repeated;
use crate::drive::{Reading, Sighting, listed, spelled};
use crate::window::Window;
use std::ops::Range;
use wide::u8x16;

/// What stands between the digits of a chain: a blank, and all from one sign to another.
const CHAIN_SIGNS: (u8, u8, u8) = (b' ', b'-', b'/');

impl Lane {
    #[inline(never)]
    pub(super) fn scan(&mut self, work: Work<'_>) -> Result<(), TooCostly> {
        let mut decoded = Vec::new();
        if self.scanned > 0 {
            self.resume(&mut decoded, work)?;
        }
        let mut bytes = work.window.from(self.scanned);
        let (mut repeated, mut passed) = (Repeated::default(), 0);
        while !bytes.is_empty() {
            let (block, rest) = bytes.split_at_checked(BLOCK).unwrap_or((bytes, &[]));
            let kinds = Kinds::of(block);
            let (from, len) = (self.scanned, block.len());
            // As what stands before a text.
            let borders = work.page.map_or(0, |page| page.borders(from));
            if len == BLOCK && self.passes(kinds, borders) {
                bytes = rest;
                continue;
            }
            self.digits(kinds.digits, block, &work)?;
            self.words(kinds.word, from, len, &work)?;
            for at in bits(kinds.at).map(|bit| from + bit) {
                if at >= passed {
                    let of = &work.driver.at;
                    passed = self.triggers(of, &(at..at + 1), &mut repeated, work.of(at))?;
                }
            }
            for bit in bits(kinds.escapes) {
                let at = from + bit;
                self.escaped
                    .look(at, work.of(at).window, work.last, &mut decoded);
            }
            self.spelled
                .take(kinds.word | borders, from, len, &work, &mut decoded);
            self.listed
                .take((kinds.word, kinds.digits), from, len, &work, &mut decoded);
            self.scanned += len;
            bytes = rest;
            if !decoded.is_empty() {
                for text in std::mem::take(&mut decoded) {
                    self.read_decoded(text, work)?;
                }
            }
        }
        for text in decoded {
            self.read_decoded(text, work)?;
        }
        if work.last {
            let end = work.window.end();
            if let Some(start) = self.digits.take() {
                self.long_number(start..end, work)?;
            }
            if let Some(start) = self.word.take() {
                self.run(start..end, end, work)?;
            }
        }
        let mut result = Ok(0);
        let keywords = &work.driver.keywords;
        let mut places = std::mem::take(&mut self.places);
        let mut repeated = Repeated::default();
        self.looked = keywords.find(work.window, self.looked, work.last, &mut places, |hit| {
            let work = work.of(hit.at.start);
            let is_within = hit.at.start >= work.window.base() && hit.at.end <= work.window.end();
            if result.is_ok() && is_within {
                result = self.triggers(&hit.keyword.concerned, &hit.at, &mut repeated, work);
            }
            result.unwrap_or(usize::MAX)
        });
        self.places = places;
        result.map(|_| ())
    }

    /// Passes over a block that is nothing to anybody, as most of prose is: no digit, no sign that is looked at, no long run of characters of words,
    /// and none alone. Else false, and it is still to be looked at.
    #[inline]
    fn passes(&mut self, kinds: Kinds, borders: u64) -> bool {
        let seen = kinds.digits | kinds.at | kinds.escapes | self.listed.digits();
        if seen != 0 || self.digits.is_some() {
            return false;
        }
        let open = self.word.map_or(0, |start| self.scanned - start);
        let begun = open + kinds.word.trailing_ones() as usize;
        let words = kinds.word | borders;
        if begun >= RUN_BYTES_MIN || long(kinds.word) != 0 || self.spelled.may_hold(words) {
            return false;
        }
        self.letters = u64::MAX;
        self.scanned += BLOCK;
        let open = kinds.word.leading_ones() as usize;
        self.word = (open > 0).then(|| self.scanned - open);
        self.spelled.pass(words);
        self.listed.pass(kinds.word);
        true
    }

    /// What was left open goes on.
    #[inline(never)]
    fn resume(&mut self, decoded: &mut Vec<Decoded>, work: Work<'_>) -> Result<(), TooCostly> {
        if !self.pending.is_empty() {
            self.ask_again(work)?;
        }
        if !self.latched.is_empty() {
            self.go_on(work);
        }
        self.escaped.resume(work.window, work.last, decoded);
        self.spelled.go_on(work.window, work.last, decoded);
        self.listed.go_on(work.window, work.last, decoded);
        self.lines(work)
    }

    /// Runs of digits in a block, of which the last may go on.
    #[inline]
    fn digits(&mut self, digits: u64, block: &[u8], work: &Work<'_>) -> Result<(), TooCostly> {
        let before = u64::from(self.digits.is_some());
        if digits | before == 0 {
            self.letters = u64::MAX;
            return Ok(());
        }
        let numbers = &work.driver.numbers;
        let (from, len) = (self.scanned, block.len());
        let follows = digits << 1 | before;
        let mut starts = digits & !follows;
        let mut ends = !digits & follows & (u64::MAX >> (BLOCK - len));
        if ends != 0
            && let Some(start) = self.digits.take()
        {
            let end = ends.trailing_zeros() as usize;
            ends &= ends - 1;
            self.long_number(start..from + end, *work)?;
        }
        let known = self.numbers_answered;
        let all = ends;
        let letters = Letters::of(block);
        let lettered = letters.any();
        // Nearly every run concerns nobody, as the bytes beside it show.
        let alone = starts & ends >> 1;
        let mut skipped = 0;
        if numbers.skips_lettered() {
            skipped |= alone & letters.ascii << 1;
        }
        if numbers.skips_within() {
            // What is added to the first of letters is carried behind their last.
            let first = letters.ascii & digits << 1;
            let behind = letters.ascii.wrapping_add(first) & !letters.ascii;
            skipped |= starts & behind & letters.small << 1;
        }
        let skips_chains = lettered | self.letters == 0 && numbers.skips_chains();
        if skips_chains {
            skipped |= chained(alone, block);
        }
        // The last one may go on.
        if starts > ends {
            skipped &= u64::MAX >> 1 >> starts.leading_zeros();
        }
        starts &= !skipped;
        ends &= !digits.wrapping_add(skipped) | digits;
        // Where what follows the next byte is no word, as far as the block shows.
        let mut no_word = (!(digits | letters.ascii) & (u64::MAX >> (BLOCK - len))) >> 1;
        for bytes in [1, 2, 4, 8] {
            no_word |= no_word >> bytes;
        }
        let base = from.saturating_sub(2).max(work.window.base());
        let around = work.window.range(base..from + len + 2);
        let byte = |at: usize| around.get(at).copied().unwrap_or_default();
        let moved = from.wrapping_sub(base);
        while ends != 0 {
            let start = starts.trailing_zeros() as usize;
            let end = ends.trailing_zeros() as usize;
            starts &= starts.wrapping_sub(1);
            ends &= ends - 1;
            let (first, behind) = (start + moved, end + moved);
            let (near, settled) = match around.get(behind..) {
                Some([byte, next, ..]) => ([*byte, *next], true),
                Some([byte]) => ([*byte, 0], work.last),
                Some([]) | None => ([0; 2], work.last),
            };
            let before = match before_in(start, letters, digits) {
                Some(before) => before,
                None => Before::of(byte(first.wrapping_sub(2)), byte(first.wrapping_sub(1))),
            };
            let beside = Beside::new(before, near, settled, no_word >> end & 1 == 0);
            if numbers.can_concern(beside, end - start)
                && !(skips_chains && end == start + 1 && is_chained(from + start, work.window))
            {
                let found = DigitRun {
                    at: from + start..from + end,
                    beside,
                    // Of the sixty-four bytes before.
                    lettered: (lettered << 1 << (BLOCK - 1 - start) | self.letters >> start) != 0,
                };
                // Each run counts, for what follows does not tell whether it is asked about where less is known.
                let before = all & !(u64::MAX << start);
                let after = match before {
                    0 => known,
                    _ => from + BLOCK - 1 - before.leading_zeros() as usize + NUMBER_KNOWN_BY,
                };
                let work = work.of(found.at.start);
                self.number(&found, after, work)?;
            }
        }
        if all != 0 {
            let last = BLOCK - 1 - all.leading_zeros() as usize;
            self.numbers_answered = from + last + NUMBER_KNOWN_BY;
        }
        if starts != 0 {
            self.digits = Some(from + starts.trailing_zeros() as usize);
        }
        self.letters = match len {
            BLOCK => lettered,
            _ => self.letters >> len | lettered << (BLOCK - len),
        };
        Ok(())
    }

    /// A run of digits that began in another block, or ends with the text.
    #[inline(never)]
    fn long_number(&mut self, at: Range<usize>, work: Work<'_>) -> Result<(), TooCostly> {
        let after = self.numbers_answered;
        self.numbers_answered = at.end + NUMBER_KNOWN_BY;
        let work = work.of(at.start);
        let byte = |at: usize| work.window.byte(at).unwrap_or_default();
        let [second, last] = [2, 1].map(|back| at.start.checked_sub(back).map_or(0, byte));
        let word = at.start.saturating_sub(Before::BYTES)..at.start;
        let before = match Before::of(second, last) {
            Before::LETTER => Before::word(work.window.range(word)),
            before => before,
        };
        let behind = [byte(at.end), byte(at.end + 1)];
        let settled = work.last || at.end + 1 < work.window.end();
        let beside = Beside::new(before, behind, settled, true);
        if work.driver.numbers.can_concern(beside, at.len()) {
            // What stood before this block is known, but for a byte.
            let lettered = self.letters != 0 || at.len() > 1 || {
                let first = at.start.checked_sub(BLOCK).map(byte);
                first.is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
            };
            if !lettered && work.driver.numbers.skips_chains() && is_chained(at.start, work.window)
            {
                return Ok(());
            }
            let found = DigitRun {
                at,
                beside,
                lettered,
            };
            self.number(&found, after, work)?;
        }
        Ok(())
    }

    /// Runs of characters of base64, of which the last may go on.
    #[inline]
    fn words(
        &mut self,
        mut word: u64,
        from: usize,
        len: usize,
        work: &Work<'_>,
    ) -> Result<(), TooCostly> {
        let end = from + len;
        if let Some(start) = self.word {
            let more = word.trailing_ones() as usize;
            if more >= len {
                return self.portions(end, *work);
            }
            self.word = None;
            let run = start..from + more;
            // As nearly all words are.
            if run.len() >= RUN_BYTES_MIN {
                self.run(run, from + more + 1, *work)?;
            }
            word &= u64::MAX << more;
        }
        let mut long = long(word);
        while long != 0 {
            let start = long.trailing_zeros() as usize;
            let run = (word >> start).trailing_ones() as usize;
            if start + run >= len {
                break;
            }
            self.run(
                from + start..from + start + run,
                from + start + run + 1,
                *work,
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
            self.portioned = portion.end;
        }
        Ok(())
    }

    /// A run of characters of base64.
    fn run(&mut self, run: Range<usize>, decided: usize, work: Work<'_>) -> Result<(), TooCostly> {
        let payload = self.opaque && self.view.len() > OPAQUE_DECODED_BYTES_MAX;
        if run.len() < RUN_BYTES_MIN
            || self.depth >= DEPTH_MAX
            || payload
            || self.wrapped.has(run.start)
        {
            return Ok(());
        }
        let work = work.of(run.start);
        if self.wrapped.begin(&run, work.window) {
            return self.lines(work);
        }
        let characters = work.window.range(run.clone());
        if let Some(text) = spelled::joined(characters).or_else(|| listed::binary(characters)) {
            let start = run.start;
            let text = Decoded {
                start,
                decided,
                ..text
            };
            self.read_decoded(text, work)?;
        }
        self.decode(characters, run, decided, work)
    }

    /// Lines of base64, as far as they are known.
    fn lines(&mut self, work: Work<'_>) -> Result<(), TooCostly> {
        while let Some(lines) = self.wrapped.go_on(work.window, work.last) {
            self.decode(&lines.characters, lines.range, lines.decided, work)?;
        }
        Ok(())
    }

    /// Reads what characters of base64 or hexadecimal stand for, which stand in this range.
    fn decode(
        &mut self,
        characters: &[u8],
        range: Range<usize>,
        decided: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        let mut result = Ok(());
        let known = self.portioned.saturating_sub(range.start);
        encoded::decode(characters, known, |text| {
            if result.is_ok() {
                result = self.read(text, &|_| range.clone(), decided, work);
            }
        });
        result
    }

    fn read_decoded(&mut self, decoded: Decoded, work: Work<'_>) -> Result<(), TooCostly> {
        let place = |index: usize| {
            let place = decoded.places.get(index).copied().unwrap_or_default();
            decoded.start + usize::from(place)
        };
        let back = |range: Range<usize>| place(range.start)..place(range.end);
        self.read(&decoded.text, &back, decoded.decided, work)
    }

    /// Reads a text that stands in this one in other words.
    fn read(
        &mut self,
        text: &str,
        back: &dyn Fn(Range<usize>) -> Range<usize>,
        decided: usize,
        work: Work<'_>,
    ) -> Result<(), TooCostly> {
        self.decoded += text.len();
        if self.depth >= DEPTH_MAX || self.decoded > DECODED_BYTES_MAX {
            return Ok(());
        }
        let place = |range| self.text_range(back(range), work.window);
        let known = self.view.text_position(decided.min(work.window.end()));
        let patterns = work.driver.patterns.as_deref();
        let reading = patterns.and_then(|patterns| Reading::of(text, patterns, &place, known));
        self.readings.extend(reading);
        let mut lane = self.inner.take().unwrap_or_default();
        lane.reset();
        lane.depth = self.depth + 1;
        lane.spent_around = self.spent(decided);
        lane.push(work.driver, text, true, false)?;
        self.steps += lane.steps;
        self.decoded += lane.decoded;
        for sighting in lane.found.drain(..) {
            self.seen.push(Sighting {
                range: self.text_range(back(sighting.range), work.window),
                decided,
                ..sighting
            });
        }
        for reading in lane.readings.drain(..) {
            let place = |range| self.text_range(back(range), work.window);
            self.readings.push(reading.within(place, known));
        }
        self.inner = Some(lane);
        Ok(())
    }
}

/// Where as many in a row begin as are decoded.
#[inline]
const fn long(word: u64) -> u64 {
    let two = word & word >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & eight >> (RUN_BYTES_MIN - 8)
}

/// Which letters stand before a place of a block, if they begin in it.
#[inline]
fn before_in(place: usize, letters: Letters, digits: u64) -> Option<Before> {
    let at = |flags: u64, back: usize| {
        let place = place.checked_sub(back);
        place.is_some_and(|place| flags >> place & 1 == 1)
    };
    if !at(letters.ascii, 1) {
        return None;
    }
    let count = (letters.ascii << (BLOCK - place)).leading_ones() as usize;
    (count < place).then(|| Before::letters(count, at(digits, count + 1), !at(letters.small, 1)))
}

/// Of digits that stand alone in a block, those within a chain of them: another before, two behind, one sign between each two.
fn chained(alone: u64, block: &[u8]) -> u64 {
    let chained = alone & alone << 2 & alone >> 2 & alone >> 4;
    if chained == 0 {
        return 0;
    }
    let [signs] = masks(block, |bytes| {
        let others = within(bytes, CHAIN_SIGNS.1, CHAIN_SIGNS.2);
        [bytes.simd_eq(u8x16::splat(CHAIN_SIGNS.0)) | others]
    });
    chained & signs << 1 & signs >> 1 & signs >> 3
}

/// The same of one that stands at the edge of a block.
#[inline(never)]
fn is_chained(at: usize, window: Window<'_>) -> bool {
    let is_digit = |at: usize| window.byte(at).map(|byte| byte.is_ascii_digit());
    let is_sign =
        |byte: u8| byte == CHAIN_SIGNS.0 || (CHAIN_SIGNS.1..=CHAIN_SIGNS.2).contains(&byte);
    let begin = at.saturating_sub(2);
    let [a, one, b, two, c, three, d] = *window.range(begin..at + 5) else {
        return false;
    };
    [a, b, c, d].iter().all(u8::is_ascii_digit)
        && [one, two, three].into_iter().all(is_sign)
        && is_digit(at + 5) == Some(false)
        && begin.checked_sub(1).and_then(is_digit) != Some(true)
}
