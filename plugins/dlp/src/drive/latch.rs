//! A match that goes on, however long: all of it is covered as it comes.

use super::Driver;
use crate::detectors::Latch;
use crate::window::Window;
use std::ops::Range;

/// A match that goes on.
#[derive(Debug, Clone)]
pub(super) struct Latched {
    pub(super) entry: u16,
    latch: Latch,
    /// Up to here it is covered: bytes of the view.
    covered: usize,
    /// The same in the text.
    pub(super) covered_text: usize,
    /// How much of the view it took to know that it is one.
    pub(super) decided: usize,
}

impl Latched {
    /// It has begun with `latch.range`, which ends in the text at `covered_text`.
    pub(super) fn new(entry: u16, latch: Latch, covered_text: usize, decided: usize) -> Self {
        Self {
            decided,
            entry,
            covered_text,
            covered: latch.range.end,
            latch,
        }
    }

    /// From where on it needs the view.
    pub(super) const fn needs(&self) -> usize {
        self.covered.saturating_sub(self.latch.until.len())
    }

    /// Goes on to the window's end: what it covers now, and whether it is over.
    pub(super) fn go_on(&mut self, window: Window<'_>) -> (Range<usize>, bool) {
        let until = self.latch.until.as_bytes();
        let from = self.needs().max(self.latch.range.start).min(self.covered);
        let bytes = window.from(from);
        let behind = self.covered - from;
        // `until` may begin in what is covered, but must end behind it.
        let first = (behind + 1).saturating_sub(until.len());
        let ends = bytes
            .windows(until.len().max(1))
            .skip(first)
            .position(|here| here == until)
            .map(|at| first + at + until.len());
        let foreign = bytes
            .iter()
            .enumerate()
            .skip(behind)
            .find(|(_, byte)| !self.latch.body.has(**byte))
            .map(|(at, _)| at);
        let over = match (ends, foreign) {
            (Some(end), Some(foreign)) if end <= foreign => Some(end),
            (_, Some(foreign)) => Some(foreign),
            (end, None) => end,
        };
        let end = from + over.unwrap_or(bytes.len());
        let covers = self.covered..end.max(self.covered);
        self.covered = covers.end;
        (covers, over.is_some())
    }
}

impl Latched {
    /// The rule that looks for it.
    pub(super) fn rule(&self, driver: &Driver) -> Option<u16> {
        driver.entry(self.entry).map(|entry| entry.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::class::BASE64;

    /// What is covered when a text comes in these pieces, of which the first one began the match.
    fn covered(pieces: &[&str]) -> (usize, bool) {
        let latch = Latch {
            range: 0..pieces[0].len(),
            until: "==",
            body: BASE64,
        };
        let mut latched = Latched::new(0, latch, pieces[0].len(), 0);
        for known in 2..=pieces.len() {
            let text = pieces[..known].concat();
            let (covers, over) = latched.go_on(Window::new(text.as_bytes(), 0));
            if over {
                return (covers.end, true);
            }
        }
        (latched.covered, false)
    }

    #[test]
    fn its_end_is_the_first_that_ends_behind_what_is_covered() {
        for (pieces, expected) in [
            (&["QUJD==", "==QUJD"][..], (7, true)),
            (&["QUJD==", "=", "=QUJD"], (7, true)),
            (&["QUJD=", "QUJD==QUJD"], (11, true)),
            (&["QUJD=", "=QUJD"], (6, true)),
            (&["QUJD", "=", "=QUJD"], (6, true)),
            (&["QUJD", "QU", " JD=="], (6, true)),
            (&["QUJD==", "QUJD", "QUJD"], (14, false)),
        ] {
            assert_eq!(covered(pieces), expected, "{pieces:?}");
        }
    }
}
