//! Drives the built-in detectors over a text: finds where each could match, and asks it there.
//!
//! The way of a byte: [`lane`] takes it into the folded view; [`blocks`] and [`keywords`] look at it once for all detectors; where a trigger
//! stands, [`candidate`] asks the detectors it concerns, with as much of the text as they need. What is no plain text is read too: [`dense`]
//! (marks and line breaks within a token), [`encoded`] (base64, hexadecimal) and [`wrapped`] (base64 over lines), [`escaped`] (`%2D`, `\u002d`, `&#45;`), [`spaced`]
//! (`A K I A`), [`listed`] (`41 4b 49 41`). What is decoded is a text of its own, with a lane of its own.
//!
//! **Cutting never matters.** All that is decided is decided by the text up to some position, which [`Sighting::decided`] tells, and that position
//! does not depend on where pieces end: a detector is asked with 1, 2, 4, … bytes behind its trigger, whatever is at hand.

mod blocks;
mod broken;
mod candidate;
mod dense;
mod encoded;
mod escaped;
mod gap;
mod keywords;
mod lane;
mod latch;
mod listed;
mod numbers;
mod reading;
mod spaced;
mod stretch;
mod wrapped;

#[cfg(test)]
mod tests;

pub(crate) use blocks::{Letters, bits, padded};
pub(crate) use lane::{Lane, TooCostly};
pub(crate) use reading::Reading;

use crate::detectors::{Detector, Trigger};
use crate::trigger::Trigger as Patterns;
use keywords::{Concerned, KEYWORD_BYTES_MIN, Keywords, Word};
use numbers::Numbers;
use std::ops::Range;
use std::sync::Arc;

/// A match of a detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Which rule looks for it.
    pub(crate) rule: u16,
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// What was found, folded and decoded.
    pub(crate) value: Vec<u8>,
    /// How much of the text it takes to know.
    pub(crate) decided: usize,
    /// It is the rest of the one before.
    pub(crate) continues: bool,
    /// Where its trigger stands; orders what is decided at one place.
    trigger: usize,
    entry: u16,
}

impl Sighting {
    /// The name of the detector that found it.
    pub(crate) fn detector(&self, driver: &Driver) -> Option<&'static str> {
        let entry = driver.entries.get(usize::from(self.entry))?;
        Some(entry.detector.name)
    }
}

/// A detector that a rule looks for.
#[derive(Debug, Clone, Copy)]
struct Entry {
    detector: &'static Detector,
    rule: u16,
}

/// The detectors of a policy, and what finds their triggers.
#[derive(Debug)]
pub(crate) struct Driver {
    entries: Vec<Entry>,
    keywords: Keywords,
    numbers: Numbers,
    at: Vec<Concerned>,
    /// Where patterns can match that are held against what is decoded, too.
    patterns: Option<Arc<Patterns>>,
}

impl Driver {
    /// Of detectors, each with the rule that looks for it, and patterns that see what is decoded. `None` when there are neither.
    pub(crate) fn new(
        detectors: impl IntoIterator<Item = (u16, &'static Detector)>,
        patterns: Option<Arc<Patterns>>,
    ) -> Option<Self> {
        let entries: Vec<Entry> = detectors
            .into_iter()
            .map(|(rule, detector)| Entry { detector, rule })
            .collect();
        if entries.is_empty() && patterns.is_none() {
            return None;
        }
        let (mut words, mut at) = (Vec::new(), Vec::new());
        for (known, entry) in entries.iter().zip(0..) {
            let of = |shapes| Concerned { entry, shapes };
            let mut add = |text, any_case, shapes| {
                debug_assert!(str::len(text) >= KEYWORD_BYTES_MIN);
                let of = of(shapes);
                words.push(Word { text, any_case, of });
            };
            match known.detector.trigger {
                Trigger::Keywords(list) => list.iter().for_each(|word| add(word, false, None)),
                Trigger::Marks(shapes) => shapes
                    .marks()
                    .for_each(|mark| add(mark, false, Some(shapes.of_mark(mark)))),
                Trigger::KeywordsAnyCase(list) => {
                    list.iter().for_each(|word| add(word, true, None));
                }
                Trigger::Digits(..) => {}
                Trigger::At => at.push(of(None)),
            }
        }
        Some(Self {
            keywords: Keywords::new(words),
            numbers: Numbers::new(&entries),
            entries,
            at,
            patterns,
        })
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.keywords.bytes() + self.entries.capacity() * size_of::<Entry>()
    }

    fn entry(&self, index: u16) -> Option<Entry> {
        self.entries.get(usize::from(index)).copied()
    }
}
