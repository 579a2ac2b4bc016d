//! Which detectors a run of digits concerns: most runs concern none, as their length and their neighbors show.

use super::Entry;
use super::broken;
use crate::detectors::runs::{Before, Behind, Run};
use crate::detectors::{Detector, Lengths, Trigger};
use crate::window::Window;
use std::ops::{BitAnd, BitOr, Range};

/// Most kinds of runs that all detectors together tell apart.
const KINDS_MAX: usize = 128;

/// What stands before a run of digits, as far as triggers tell it apart.
const NEIGHBORS: [Option<u8>; 3] = [Some(b'a'), Some(b'_'), None];

const LETTER: usize = Behind::LETTER.0;
const UNDERSCORE: usize = Behind::UNDERSCORE.0;

/// How many bytes before a run are looked at: a word, and what stands before it.
const BEFORE_BYTES: usize = 8;

/// A set of kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Kinds([u64; KINDS_MAX / 64]);

impl Kinds {
    const ALL: Self = Self([u64::MAX; KINDS_MAX / 64]);

    fn insert(&mut self, kind: usize) {
        if let Some(word) = self.0.get_mut(kind / 64) {
            *word |= 1 << (kind % 64);
        }
    }

    const fn is_empty(self) -> bool {
        let Self([low, high]) = self;
        low | high == 0
    }

    /// Removes the first one.
    fn next(&mut self) -> Option<usize> {
        for (word, first) in self.0.iter_mut().zip([0, 64]) {
            if *word != 0 {
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(first + bit);
            }
        }
        None
    }
}

impl BitAnd for Kinds {
    type Output = Self;

    fn bitand(self, Self([low, high]): Self) -> Self {
        Self([self.0[0] & low, self.0[1] & high])
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, Self([low, high]): Self) -> Self {
        Self([self.0[0] | low, self.0[1] | high])
    }
}

/// A detector with the entries that look for it.
#[derive(Debug)]
struct Group {
    detector: &'static Detector,
    entries: Vec<u16>,
}

/// Detectors by the runs of digits that they can find something at.
#[derive(Debug)]
pub(super) struct Numbers {
    groups: Vec<Group>,
    /// The group of each kind.
    kinds: Vec<u16>,
    by_length: [Kinds; Lengths::LONGEST + 1],
    by_before: [Kinds; Before::COUNT],
    by_behind: [Kinds; Behind::COUNT],
    by_next: [Kinds; Lengths::LONGEST + 1],
    /// By what stands before: lengths that concern any detector.
    lengths: [Lengths; NEIGHBORS.len()],
    /// By what stands before and behind: those that concern any in the plain view.
    plain_lengths: [[Lengths; Behind::COUNT]; Before::COUNT],
    /// By what stands before: those that concern any that looks at the dense view, too…
    dense_lengths: [Lengths; NEIGHBORS.len()],
    /// …and their entries.
    dense: [Vec<(Lengths, u16)>; NEIGHBORS.len()],
}

/// What a run of digits concerns.
pub(super) struct Concern {
    kinds: Kinds,
    length: usize,
    neighbor: usize,
    /// Its dense view concerns somebody, if there is one.
    pub(super) dense: bool,
}

impl Concern {
    /// Nobody is to be asked.
    pub(super) const fn is_none(&self) -> bool {
        self.kinds.is_empty() && !self.dense
    }
}

impl Numbers {
    /// Of all entries, those that are called at runs of digits.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (entry, index) in entries.iter().zip(0..) {
            if !matches!(entry.detector.trigger, Trigger::Digits(..)) {
                continue;
            }
            let same = |group: &&mut Group| std::ptr::eq(group.detector, entry.detector);
            match groups.iter_mut().find(same) {
                Some(group) => group.entries.push(index),
                None => groups.push(Group {
                    detector: entry.detector,
                    entries: vec![index],
                }),
            }
        }
        let mut numbers = Self {
            groups: Vec::new(),
            kinds: Vec::new(),
            by_length: [Kinds::default(); _],
            by_before: [Kinds::default(); _],
            by_behind: [Kinds::default(); _],
            by_next: [Kinds::default(); _],
            lengths: [Lengths::NONE; _],
            plain_lengths: [[Lengths::NONE; _]; _],
            dense_lengths: [Lengths::NONE; _],
            dense: Default::default(),
        };
        for (group, index) in groups.iter().zip(0..) {
            let Trigger::Digits(lengths, before) = group.detector.trigger else {
                continue;
            };
            for run in group.detector.runs() {
                numbers.add(&run, index);
            }
            let places = numbers.lengths.iter_mut().zip(&mut numbers.dense_lengths);
            let places = places.zip(&mut numbers.dense);
            for (neighbor, ((any, any_dense), dense)) in NEIGHBORS.into_iter().zip(places) {
                if before.fits(neighbor) {
                    *any = any.and(lengths);
                    if group.detector.dense {
                        *any_dense = any_dense.and(lengths);
                        let entries = group.entries.iter();
                        dense.extend(entries.map(|entry| (lengths, *entry)));
                    }
                }
            }
        }
        numbers.groups = groups;
        numbers
    }

    fn add(&mut self, run: &Run, group: u16) {
        let kind = self.kinds.len();
        debug_assert!(kind < KINDS_MAX);
        self.kinds.push(group);
        let set = |table: &mut [Kinds], has: &dyn Fn(usize) -> bool| {
            for (index, kinds) in table.iter_mut().enumerate() {
                if has(index) {
                    kinds.insert(kind);
                }
            }
        };
        set(&mut self.by_length, &|length| run.lengths.has(length));
        set(&mut self.by_before, &|before| {
            run.before.has(Before(before))
        });
        set(&mut self.by_behind, &|behind| {
            run.behind.has(Behind(behind))
        });
        set(&mut self.by_next, &|length| run.next.has(length));
        for (before, behinds) in self.plain_lengths.iter_mut().enumerate() {
            for (behind, lengths) in behinds.iter_mut().enumerate() {
                if run.before.has(Before(before)) && run.behind.has(Behind(behind)) {
                    *lengths = lengths.and(run.lengths);
                }
            }
        }
    }

    /// What a run concerns, if anything. `last` tells that nothing follows the window.
    #[inline]
    pub(super) fn concern(
        &self,
        run: &Range<usize>,
        window: Window<'_>,
        last: bool,
    ) -> Option<Concern> {
        let before = run.start.checked_sub(1);
        let before = before.and_then(|before| window.byte(before));
        let neighbor = match before.map_or(0, |byte| Behind::of_byte(byte).0) {
            LETTER => 0,
            UNDERSCORE => 1,
            _ => 2,
        };
        let length = run.len().min(Lengths::LONGEST);
        if !self.lengths.get(neighbor)?.has(length) {
            return None;
        }
        let rest = window.from(run.end);
        let dense =
            self.dense_lengths.get(neighbor)?.has(length) && !broken::is_whole_number(rest, last);
        let before = Before::of(window.range(run.start.saturating_sub(BEFORE_BYTES)..run.start)).0;
        // Nearly every run is none that anybody looks for, as its neighbors show.
        let possible = match rest {
            [byte, next, ..] => {
                let behind = Behind::of(Some(*byte), Some(*next));
                self.plain_lengths.get(before)?.get(behind.0)?.has(length)
            }
            _ => true,
        };
        let kinds = if possible {
            let of = |table: &[Kinds], index: usize| table.get(index).copied().unwrap_or_default();
            of(&self.by_length, length) & of(&self.by_before, before) & self.followed(rest, last)
        } else {
            Kinds::default()
        };
        Some(Concern {
            kinds,
            length,
            neighbor,
            dense,
        })
    }

    /// The kinds that these bytes can stand behind.
    fn followed(&self, bytes: &[u8], last: bool) -> Kinds {
        let of = |table: &[Kinds], index: usize| table.get(index).copied().unwrap_or_default();
        let behind = |next| of(&self.by_behind, Behind::of(bytes.first().copied(), next).0);
        match bytes {
            [] if last => behind(None),
            // More must be known.
            [] => Kinds::ALL,
            [_] if !last => behind(None) | behind(Some(b'0')) | behind(Some(b'(')),
            [_] => behind(None),
            [sign, next, ..] if sign.is_ascii_alphabetic() || !next.is_ascii_digit() => {
                behind(Some(*next))
            }
            [_, rest @ ..] => {
                let most = rest.iter().take(Lengths::LONGEST);
                let digits = most.take_while(|byte| byte.is_ascii_digit()).count();
                let kinds = behind(Some(b'0'));
                if digits == rest.len() && !last {
                    kinds
                } else {
                    kinds & of(&self.by_next, digits)
                }
            }
        }
    }

    /// Calls `asked` with the entries of each detector to ask about a run.
    #[inline]
    pub(super) fn asked<E>(
        &self,
        concern: &Concern,
        mut asked: impl FnMut(&'static Detector, &[u16]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut kinds = concern.kinds;
        let mut before = None;
        while let Some(kind) = kinds.next() {
            let group = self.kinds.get(kind).copied();
            // A detector's kinds stand in a row.
            if before == group {
                continue;
            }
            before = group;
            if let Some(group) = group.and_then(|group| self.groups.get(usize::from(group))) {
                asked(group.detector, &group.entries)?;
            }
        }
        Ok(())
    }

    /// The entries that look at the dense view of a run.
    #[inline]
    pub(super) fn dense(&self, concern: &Concern) -> impl Iterator<Item = u16> {
        let entries = self.dense.get(concern.neighbor).into_iter().flatten();
        entries
            .filter(|(lengths, _)| lengths.has(concern.length))
            .map(|(_, entry)| *entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::{Context, Outcome, all};
    use proptest::prelude::*;

    fn entries() -> Vec<Entry> {
        let detectors = all().filter(|one| matches!(one.trigger, Trigger::Digits(..)));
        detectors
            .map(|detector| Entry { detector, rule: 0 })
            .collect()
    }

    fn runs(text: &[u8]) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for at in (0..text.len()).filter(|at| text[*at].is_ascii_digit()) {
            match runs.last_mut() {
                Some(run) if run.end == at => run.end += 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }

    /// Everything that has found something was asked, whatever is known of what follows.
    fn check(text: &str) {
        let (entries, text) = (entries(), text.as_bytes());
        let numbers = Numbers::new(&entries);
        for at in runs(text) {
            let before = at.start.checked_sub(1).map(|before| text[before]);
            for (entry, index) in entries.iter().zip(0_u16..) {
                let Trigger::Digits(lengths, places) = entry.detector.trigger else {
                    continue;
                };
                let context = Context {
                    text,
                    at: at.clone(),
                    end: true,
                    dense: false,
                    memo: None,
                };
                let found = lengths.has(at.len())
                    && places.fits(before)
                    && entry.detector.find(&context) != Outcome::None;
                for known in at.end + 1..=text.len() {
                    let window = Window::new(&text[..known], 0);
                    let concern = numbers.concern(&at, window, known == text.len());
                    let asked = concern.is_some_and(|concern| {
                        let found = numbers.asked(&concern, |_, entries| {
                            if entries.contains(&index) {
                                Err(())
                            } else {
                                Ok(())
                            }
                        });
                        found.is_err()
                    });
                    assert!(
                        asked || !found,
                        "{} at {at:?} of {:?}",
                        entry.detector.name,
                        String::from_utf8_lossy(text)
                    );
                }
            }
        }
    }

    #[test]
    fn kinds_of_all_detectors_fit() {
        let entries = entries();
        let kinds: usize = entries
            .iter()
            .map(|entry| entry.detector.runs().len())
            .sum();
        assert!(kinds <= KINDS_MAX, "{kinds}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn whoever_finds_something_is_asked(
            parts in prop::collection::vec(
                prop_oneof![
                    "[0-9]{1,6}",
                    "[0-9]{7,19}",
                    "[ ./:+()_-]",
                    "[A-Za-z]{1,6}",
                    Just("tel ".to_owned()),
                    "[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}",
                    "\\+[1-9][0-9]{0,2} [0-9]{3} [0-9]{3,4} [0-9]{3,4}",
                    "[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}",
                    "[1-9][A-HJ-NP][A-HJ-NP0-9][0-9]",
                ],
                1..8,
            ),
        ) {
            check(&parts.concat());
        }
    }

    #[test]
    fn examples_are_asked() {
        for text in [
            "SSN 536-90-4399, 536.90.4399, 536904399.",
            "card 4012 8888 8888 1881 4012-8888-8888-1881 378282246310005 3782 822463 10005",
            "call (415) 555-0132, 1 (415) 555-0132, 1-(415)-555-0132, +49 30 901820, 2125550187x12, tel 0431 19 97 94",
            "DE89370400440532013000 GB29 NWBK 6016 1331 9268 19 NO9386011117947",
            "12345678Z X1234567L X-1234567-L 131052-308T 1EG4-TE5-MK73 AB123456C AB 12 34 56 C",
            "2 85 05 78 006 084 91 nir 285057800608491 1 84 12 2A 451 089 46, nir 18412 2A 451 089 46",
            "11010519491231002X 440524188001010014 S1234567D ABCDE1234F RSSMRA85T10A562S HEGG560427MVZRRL04",
            "529.982.247-25 736028/5163 756.9217.0769.85 811218-9876 19811218-9876 3-4567-89012-34-7",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed 138519649684711|L1wDVrk-9e3PZr5mC0Nq3XyZ7Ab 1234567FA pps 1234567T",
        ] {
            check(text);
        }
    }
}
