//! Drives the built-in detectors over a text: finds where each could match, and asks it there.
//!
//! # Words
//!
//! - The **view** ([`crate::view`]) is what a reader takes the text for; all positions here are bytes of it, until a match is handed over. A **window**
//!   ([`crate::window`]) is the part of it that is at hand: what came just now, and what was kept of what came before.
//! - A [`Lane`] is the state of one text between two pieces of it. There is one for each open text, and one more for each text that is decoded
//!   within it.
//! - A **trigger** is where a detector could match: a keyword, a run of digits, an `@`. A detector that is called at keywords hears of nothing else.
//! - A **candidate** ([`candidate`]) is a detector at a trigger that has not answered yet, since more of the text must come first.
//! - A **page** ([`crate::page`]) holds many short texts. A lane looks over all of it in one go, to tell which of them may hold something; at a trigger the
//!   window is its text alone (`Work::of`).
//! - The **dense view** ([`dense`]) is a neighborhood of a trigger without its **gaps** ([`gap`]: marks, line breaks, tags). It is made only where a gap stands
//!   within what could be the token: where the token is **broken** ([`broken`]).
//! - The **memo** (`detectors::Memo`) says how far runs of an alphabet reach, so that the second trigger in a long token walks over nothing.
//! - A **sighting** is a match. It is **decided** at the position up to which the text must be known for it.
//! - A match that is **latched** ([`latch`]) has begun and covers all that follows, up to its end: a private key.
//! - **Steps** are bytes that detectors were shown or walked over. A text has a budget of them (`STEPS_PER_BYTE_MAX`); one that needs more is refused.
//!
//! # What happens, in order
//!
//! [`Lane::push`] takes a piece. It is folded into the view, and the window is scanned (`lane/scan.rs`):
//!
//! 1. What was left open goes on: candidates that waited are asked again, latched matches cover what has come.
//! 2. Each block of sixty-four bytes becomes masks ([`blocks`]): digits, characters of base64, `@`, what escapes begin with. Of those:
//!    - runs of digits are classified by their length and their neighbors ([`numbers`]; a number that is a member's whole value by its key,
//!      [`announcing`]); most concern nobody;
//!    - runs of base64 or hexadecimal ([`encoded`], over lines [`wrapped`]), escapes ([`escaped`]: `%2D`, `\u002d`, `&#45;`), letters one by one ([`spelled`]: `A K I A`, `A.K.I.A`)
//!      and lists of bytes ([`listed`]: `41 4b 49 41`) are decoded. What comes out is a text of its own, which a lane of its own reads at once; its
//!      matches stand where the encoded text stands. What patterns could match in is kept for them ([`reading`]).
//! 3. Keywords are looked for in all of the window ([`keywords`], which share buckets by a [`plan`]); in the same pass the factors of operators'
//!    patterns, for whoever follows those (`Lane::places`).
//! 4. At each trigger that does not repeat others where nobody saw anything ([`repeated`]) the detectors that it concerns are asked (`lane/ask.rs`), first about the view; one that sees nothing there, and whose
//!    matches prove themselves, about the dense view, if the token is broken.
//! 5. Sightings that are decided by now are handed over, in the order in which they were; what may be needed again is kept.
//!
//! # Cutting never matters
//!
//! A detector is asked with 1, 2, 4, … bytes behind its trigger, whatever is at hand, until it answers: so what it says, and the position at which that is
//! decided, do not depend on where pieces end. Detectors that tell how much they needed (`Find::Traced`) are asked once, with all, and counted
//! as if they had been asked so. Of one detector candidates answer in the order of their triggers, and what a match covers is not asked
//! about again (`lane::Queue`); so a match is decided no sooner than those before it.
//!
//! # An example
//!
//! A stream brings `id AKIAIOSFODNN7`, `EXAMPLE, 4012-8888-`, `8888-1881 ok` and `.`, under the detectors `aws_access_key` and `payment_card`.
//!
//! - The first piece has one keyword, `AKIA` at 3. Of the sixteen characters that must follow too few are there, so this is a candidate, and the stream is
//!   held back from 3 on.
//! - With the second piece the detector is asked again and says no: keys that end in `EXAMPLE` are documentation's. `4012` at 25 is a run of four
//!   digits with a hyphen behind it, as cards begin: another candidate. `8888` goes on what stands before it, and concerns nobody.
//! - With the third piece all digits are there. Shown sixteen bytes behind `4012` the detector cannot tell whether a group of three follows, and is
//!   next shown thirty-two: the stream is still held back from 25 on.
//! - The fourth piece is the last, so the detector is shown what there is. It finds 25..44.
//!
//! `tests/example.rs` holds this to be so.

mod announcing;
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
mod plan;
mod reading;
mod repeated;
mod spelled;
mod stretch;
mod wrapped;

#[cfg(test)]
mod tests;

pub(crate) use blocks::{Letters, bits, copy, padded, repeats};
pub(crate) use lane::{Lane, TooCostly, local_part};

pub(crate) use reading::Reading;

use crate::detectors::{Detector, Trigger};
use crate::trigger::Trigger as Patterns;
use announcing::Announcing;
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
    announcing: Announcing,
    at: Vec<Concerned>,
    /// Where patterns can match that are held against what is decoded, too.
    patterns: Option<Arc<Patterns>>,
}

impl Driver {
    /// Of detectors, each with the rule that looks for it, and patterns that see what is decoded. `None` when there are neither.
    #[inline(never)]
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
            let of = |shapes| Concerned {
                entry,
                shapes,
                begins_words: known.detector.begins_words(shapes),
            };
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
            keywords: Keywords::new(words, patterns.as_ref()),
            numbers: Numbers::new(&entries),
            announcing: Announcing::of(entries.iter().map(|entry| entry.detector)),
            entries,
            at,
            patterns,
        })
    }

    /// Whether lanes look for factors of patterns, too.
    pub(crate) fn looks_for_factors(&self) -> bool {
        self.keywords.patterns().is_some()
    }

    /// Whether no number of so many digits is anything to any detector, `key` being that whose value it is. Where a closer look is needed it says no.
    pub(crate) fn is_no_number(&self, key: &str, digits: usize) -> bool {
        self.announcing.is_nothing(&self.numbers, key, digits)
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.keywords.bytes() + self.entries.capacity() * size_of::<Entry>()
    }

    fn entry(&self, index: u16) -> Option<Entry> {
        self.entries.get(usize::from(index)).copied()
    }
}
