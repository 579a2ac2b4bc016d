//! What is decoded of a text, for patterns to be held against: kept only where one of them can match in it.

use crate::trigger::{Ahead, Trigger};
use crate::view::first_folded;
use std::ops::Range;

/// A text that stands in another one in other words.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) text: String,
    /// The bytes of the other text that each of its bytes stands for; the last ones are those of all that follow.
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
        (can_match || first_folded(text).is_some()).then(|| {
            let places = |until: usize| (0..until).map(|at| place(at..at + 1)).collect();
            let len = text.len();
            // Where the last one stands for what the first one does, all do: a run of base64.
            let is_one = len > 0 && place(0..1) == place(len - 1..len);
            Self {
                text: text.to_owned(),
                places: places(if is_one { 1 } else { len }),
                decided,
            }
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
        let place = |at: usize| self.places.get(at).or(self.places.last());
        let start = place(range.start);
        let end = range.end.checked_sub(1).and_then(place);
        let (start, end) = (
            start.map_or(0, |place| place.start),
            end.map_or(0, |place| place.end),
        );
        start..end.max(start)
    }
}
