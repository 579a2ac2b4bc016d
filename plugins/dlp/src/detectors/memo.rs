//! How far runs of an alphabet reach, as far as it was seen: many triggers can stand in one long token, and each would walk to its end.

use super::Class;
use crate::drive::bits;
use std::cell::Cell;

/// How many alphabets are remembered at once, as a power of two.
const KNOWN_BITS: u32 = 5;

/// The same as a number.
const KNOWN_MAX: usize = 1 << KNOWN_BITS;

/// From `from` up to `to` all bytes are of a class.
#[derive(Debug, Clone, Copy)]
struct Known {
    class: Class,
    from: usize,
    to: usize,
}

impl Known {
    const NOTHING: Self = Self {
        class: Class::of(""),
        from: 0,
        to: 0,
    };
}

/// Runs of a text, by their alphabets. Positions are those of the view.
#[derive(Debug)]
pub(crate) struct Memo {
    known: [Cell<Known>; KNOWN_MAX],
    /// Which of them are known: a bit for each.
    touched: Cell<u32>,
    /// Bytes that were walked over since it was last asked.
    steps: Cell<usize>,
    /// Up to where the detector needed the text that was asked last.
    needed: Cell<usize>,
}

impl Default for Memo {
    fn default() -> Self {
        Self {
            known: [const { Cell::new(Known::NOTHING) }; KNOWN_MAX],
            touched: Cell::default(),
            steps: Cell::default(),
            needed: Cell::default(),
        }
    }
}

impl Memo {
    /// Forgets all.
    pub(crate) fn clear(&self) {
        for place in bits(self.touched.take().into()) {
            if let Some(known) = self.known.get(place) {
                known.set(Known::NOTHING);
            }
        }
        self.steps.set(0);
    }

    /// A detector begins, or begins anew: it has needed the text up to here.
    pub(crate) fn begin(&self, needed: usize) {
        self.needed.set(needed);
    }

    /// With less of the text than up to here, the detector could not go on.
    pub(super) fn needs(&self, until: usize) {
        self.needed.update(|needed| needed.max(until));
    }

    /// Up to where the detector needed the text that was asked last.
    pub(crate) fn needed(&self) -> usize {
        self.needed.get()
    }

    /// Counts bytes that were looked at as if they had been walked over.
    pub(super) fn pay(&self, bytes: usize) {
        self.steps.update(|steps| steps.saturating_add(bytes));
    }

    /// How many bytes were walked over since it was last asked.
    pub(crate) fn take_steps(&self) -> usize {
        self.steps.take()
    }

    /// Where the run of a class ends that begins at `from`; `walk` goes on from a position.
    pub(super) fn end(&self, class: Class, from: usize, walk: impl Fn(usize) -> usize) -> usize {
        // Each alphabet has one place; few share one.
        let place = class.mixed(KNOWN_BITS);
        let cell = self.known.get(place as usize);
        let known = cell.map_or(Known::NOTHING, Cell::get);
        let is_known = known.class.is(&class) && known.from <= from && from <= known.to;
        let (from, seen) = match is_known {
            true => (known.from, known.to),
            false => (from, from),
        };
        let to = walk(seen).max(seen);
        self.steps.update(|steps| steps + (to - seen));
        if let Some(cell) = cell {
            cell.set(Known { class, from, to });
            self.touched.update(|touched| touched | 1 << place);
        }
        to
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Outcome, Trigger, all};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// What a traced detector needed is what it needed: with less it cannot tell, with as much it says the same.
        #[test]
        fn what_is_traced_is_what_is_needed(
            parts in prop::collection::vec(
                "password ?[=:] ?|api_key ?[=:] ?\"?|PASSWD=|token \"|sk-ant-|AKIA|xoxb-|eyJhbGciOiJIUzI1NiJ9|secret_|the |[a-z]{1,9}|[0-9A-Za-z]{20,90}|[0-9a-zA-Z_/+-]{60,200}|[\\](\")&=. \n:<@!-]|value|&page=|https://u:|T3BlbkFJ|max_tokens|aws",
                1..8,
            ),
        ) {
            is_needed(&parts.concat())?;
        }
    }

    /// A name that holds no secret, before a value that is known to be too short only behind it.
    #[test]
    fn a_harmless_name_needs_no_value() {
        let parts = [
            "max_tokens",
            "sk-ant-",
            "value",
            "password:",
            "AKIA",
            "value",
            "&page=",
        ];
        is_needed(&parts.concat()).unwrap();
    }

    /// Every traced detector is asked at each of its words, with all of a text and with each beginning of it.
    fn is_needed(text: &str) -> Result<(), TestCaseError> {
        let bytes = text.as_bytes();
        for detector in all().filter(|detector| detector.is_traced()) {
            let words = match detector.trigger {
                Trigger::Keywords(words) | Trigger::KeywordsAnyCase(words) => words.to_vec(),
                Trigger::Marks(shapes) => shapes.marks().collect(),
                Trigger::Digits(..) | Trigger::At => continue,
            };
            for (at, word) in words.iter().flat_map(|word| text.match_indices(word)) {
                let at = at..at + word.len();
                let said = |until: usize| {
                    let memo = Memo::default();
                    memo.begin(0);
                    let (text, at) = (&bytes[..until], at.clone());
                    let context = Context {
                        text,
                        at,
                        end: false,
                        dense: false,
                        memo: Some((&memo, 0)),
                    };
                    (detector.find(&context), memo.needed())
                };
                let (outcome, needed) = said(bytes.len());
                if outcome == Outcome::Undecided {
                    continue;
                }
                prop_assert!(needed <= bytes.len());
                // That there is nothing is told by what any detector is shown first, or more.
                let from = match outcome {
                    Outcome::None => at.end + 32,
                    Outcome::Undecided | Outcome::Match(_) | Outcome::Latch(_) => at.end,
                };
                for until in from..bytes.len() {
                    let (less, _) = said(until);
                    let expected = match until < needed {
                        true => &Outcome::Undecided,
                        false => &outcome,
                    };
                    prop_assert_eq!(
                        &less,
                        expected,
                        "{} {:?} {} {}",
                        detector.name,
                        text,
                        until,
                        needed
                    );
                }
            }
        }
        Ok(())
    }
}
