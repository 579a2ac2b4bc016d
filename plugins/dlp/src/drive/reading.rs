//! What is decoded of a text, for patterns to be held against: kept only where one of them can match in it.

use crate::trigger::{Ahead, Trigger};
use crate::view::first_folded;
use std::ops::Range;

/// A text that stands in another one in other words.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) text: String,
    /// The bytes of the other text that each of its bytes stands for.
    places: Vec<Range<usize>>,
    /// How much of the other text it takes to know.
    pub(crate) decided: usize,
}

impl Reading {
    /// Of a text in which a pattern can match; `place` tells where a byte of it stands.
    pub(super) fn of(
        text: &str,
        patterns: &Trigger,
        place: &dyn Fn(Range<usize>) -> Range<usize>,
        decided: usize,
    ) -> Option<Self> {
        let mut progress = patterns.start();
        let can_match = patterns
            .find(&mut progress, text.as_bytes(), Ahead::LAST)
            .is_some();
        (can_match || first_folded(text).is_some()).then(|| Self {
            text: text.to_owned(),
            places: (0..text.len()).map(|at| place(at..at + 1)).collect(),
            decided,
        })
    }

    /// The same, of a text in which that one stands, in other words again.
    pub(super) fn within(
        mut self,
        place: impl Fn(Range<usize>) -> Range<usize>,
        decided: usize,
    ) -> Self {
        for range in &mut self.places {
            *range = place(range.clone());
        }
        self.decided = decided;
        self
    }

    /// Where it begins in the other text.
    pub(super) fn start(&self) -> usize {
        self.places.first().map_or(0, |place| place.start)
    }

    /// The bytes of the other text that a range of this one stands for.
    pub(crate) fn range(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.places.get(range.start);
        let end = range.end.checked_sub(1).and_then(|at| self.places.get(at));
        let (start, end) = (
            start.map_or(0, |place| place.start),
            end.map_or(0, |place| place.end),
        );
        start..end.max(start)
    }
}
