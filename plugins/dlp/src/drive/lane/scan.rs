//! Finds triggers in a portion of the text, and what is written in it in other words.

use super::{DECODED_BYTES_MAX, DEPTH_MAX, Lane, OPAQUE_DECODED_BYTES_MAX, TooCostly, Work};
use crate::drive::Sighting;
use crate::drive::blocks::{BLOCK, Kinds, bits};
use crate::drive::encoded::{self, OVERLAP_BYTES, RUN_BYTES_MAX, RUN_BYTES_MIN};
use crate::drive::escaped::Decoded;
use std::ops::Range;

impl Lane {
    pub(super) fn scan(&mut self, work: Work<'_>) -> Result<(), TooCostly> {
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
        self.listed
            .go_on(work.window, work.last, &mut |text| decoded.push(text));
        self.lines(work)?;
        let mut bytes = work.window.from(self.scanned);
        while !bytes.is_empty() {
            let (block, rest) = bytes.split_at_checked(BLOCK).unwrap_or((bytes, &[]));
            let kinds = Kinds::of(block);
            let (from, len) = (self.scanned, block.len());
            self.digits(kinds.digits, from, len, work)?;
            self.words(kinds.word, from, len, work)?;
            for bit in bits(kinds.at) {
                self.triggers(&work.driver.at, &(from + bit..from + bit + 1), work)?;
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
            self.listed.take(
                (kinds.word, kinds.digits),
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
        let mut result = Ok(());
        let keywords = &work.driver.keywords;
        self.looked = keywords.find(work.window, self.looked, work.last, |hit| {
            if result.is_ok() {
                result = self.triggers(&hit.keyword.entries, &hit.at, work);
            }
        });
        result
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
        if run.len() < RUN_BYTES_MIN
            || self.depth >= DEPTH_MAX
            || payload
            || self.wrapped.has(run.start)
        {
            return Ok(());
        }
        if self.wrapped.begin(&run, work.window) {
            return self.lines(work);
        }
        self.decode(work.window.range(run.clone()), run, decided, work)
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
        encoded::decode(characters, |text| {
            if result.is_ok() {
                result = self.read(text, |_| range.clone(), decided, work);
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
        let mut lane = self.inner.take().unwrap_or_default();
        lane.reset();
        lane.depth = self.depth + 1;
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
        self.inner = Some(lane);
        Ok(())
    }
}
