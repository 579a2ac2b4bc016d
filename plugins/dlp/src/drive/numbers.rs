//! Which detectors a run of digits concerns: most runs concern none, as their length and their neighbors show.

use super::Entry;
use super::broken;
use crate::detectors::runs::{Before, Behind, Run};
use crate::detectors::{Detector, Lengths, Trigger};
use crate::window::Window;
use std::ops::Range;

/// Kinds of runs that detectors tell apart: a bit for each.
type Kinds = u128;

/// Detectors that are called at runs of digits: a bit for each.
type Groups = u64;

/// A detector with the entries that look for it.
#[derive(Debug)]
struct Group {
    detector: &'static Detector,
    entries: Vec<u16>,
}

/// Bits that tell what stands behind a run; what stands before takes those above.
const BEHIND_BITS: usize = 5;
const _: () = assert!(Behind::COUNT <= 1 << BEHIND_BITS);

/// All that can stand on both sides.
const SIDES: usize = (Before::COUNT + 1) << BEHIND_BITS;

/// Detectors by the runs of digits that they can find something at.
#[derive(Debug)]
pub(super) struct Numbers {
    groups: Vec<Group>,
    /// All that is asked, and by whom.
    kinds: Vec<(Run, Groups)>,
    by_length: [Kinds; Lengths::LONGEST + 1],
    by_sides: Box<[Kinds]>,
    by_first: [Kinds; 10],
    /// Those that need no word before them.
    unannounced: Kinds,
    /// Those of the dense view.
    dense: Kinds,
    /// Those behind which a word follows.
    worded: Kinds,
    /// Those that the digits behind the first sign do not tell apart.
    ungrouped: Kinds,
    /// Of the others: by how many digits stand there, by what stands behind these, and by how many digits stand behind that.
    by_next: [Kinds; Lengths::LONGEST + 1],
    by_then: [Kinds; Behind::COUNT],
    by_third: [Kinds; Lengths::LONGEST + 1],
    /// Lengths that concern anybody, by what stands on both sides: nearly every run's is none of them. First where no word goes on behind it.
    lengths: [[Lengths; SIDES]; 2],
    /// See [`Self::skips_chains`].
    skips_chains: bool,
    /// See [`Self::skips_lettered`].
    skips_lettered: bool,
    /// See [`Self::skips_within`].
    skips_within: bool,
}

/// A run of digits, and what stands beside it.
#[derive(Debug, Clone)]
pub(super) struct DigitRun {
    pub(super) at: Range<usize>,
    pub(super) beside: Beside,
    /// A letter stands shortly before it, or may.
    pub(super) lettered: bool,
}

/// What stands beside a run of digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    before: Before,
    behind: Behind,
    /// The byte behind the next one is known, or there is none.
    settled: bool,
    /// Behind the next byte [`WORD_BYTES`] letters and digits follow, or may.
    worded: bool,
}

/// So many letters and digits behind a run, and a sign, are a word.
pub(super) const WORD_BYTES: usize = 16;

impl Beside {
    /// Of what stands before it, and the two bytes behind it, zero where there are none. `settled` tells that this is so, and not only unknown.
    #[inline(always)]
    pub(super) fn new(
        before: Before,
        [behind, next]: [u8; 2],
        settled: bool,
        worded: bool,
    ) -> Self {
        Self {
            before,
            behind: Behind::of_byte(behind).followed(next),
            settled,
            worded,
        }
    }
}

/// What a run of digits concerns: in the plain view, and in the dense one, if there is one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Concern {
    pub(super) plain: Asked,
    pub(super) dense: Asked,
}

/// Detectors that are to be asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked(Groups);

impl Asked {
    /// Nobody.
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
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
        debug_assert!(groups.len() <= Groups::BITS as usize);
        let mut numbers = Self {
            groups: Vec::new(),
            kinds: Vec::new(),
            by_length: [0; _],
            by_sides: vec![0; SIDES].into(),
            by_first: [0; _],
            unannounced: 0,
            dense: 0,
            worded: 0,
            ungrouped: 0,
            by_next: [0; _],
            by_then: [0; _],
            by_third: [0; _],
            lengths: [[Lengths::NONE; _]; _],
            skips_chains: true,
            skips_lettered: true,
            skips_within: true,
        };
        for (group, index) in groups.iter().zip(0..) {
            for run in group.detector.runs() {
                match numbers.kinds.iter_mut().find(|(known, _)| *known == run) {
                    Some((_, groups)) => *groups |= 1 << index,
                    None => numbers.add(run, 1 << index),
                }
            }
        }
        numbers.groups = groups;
        numbers
    }

    fn add(&mut self, run: Run, groups: Groups) {
        debug_assert!(self.kinds.len() < Kinds::BITS as usize);
        let kind = 1 << self.kinds.len();
        self.kinds.push((run, groups));
        for (all, lengths) in [
            (&mut self.by_length, run.lengths),
            (&mut self.by_next, run.next),
            (&mut self.by_third, run.third),
        ] {
            for (kinds, length) in all.iter_mut().zip(0..) {
                if lengths.has(length) {
                    *kinds |= kind;
                }
            }
        }
        for (kinds, behind) in self.by_then.iter_mut().zip(0..) {
            if run.then.has(Behind(behind)) {
                *kinds |= kind;
            }
        }
        let [wordless, any] = &mut self.lengths;
        let sides = self.by_sides.iter_mut().zip(any.iter_mut().zip(wordless));
        for (place, (kinds, (lengths, wordless))) in sides.enumerate() {
            let behind = Behind(place % (1 << BEHIND_BITS));
            if run.before.has(Before(place >> BEHIND_BITS)) && run.behind.has(behind) {
                *kinds |= kind;
                *lengths = lengths.and(run.lengths);
                if run.word < WORD_BYTES {
                    *wordless = wordless.and(run.lengths);
                }
            }
        }
        for (kinds, digit) in self.by_first.iter_mut().zip(b'0'..) {
            if run.first.has(digit) {
                *kinds |= kind;
            }
        }
        for (kinds, is_one) in [
            (&mut self.unannounced, !run.announced),
            (&mut self.dense, run.dense),
            (&mut self.worded, run.word > 0),
            (&mut self.ungrouped, !run.is_grouped()),
        ] {
            if is_one {
                *kinds |= kind;
            }
        }
        self.skips_chains &= !run.is_chained();
        self.skips_within &= !run.before.has(Before::LETTERS);
        self.skips_lettered &= !run.lengths.has(1) || !run.before.has(Before::LETTER);
    }

    /// Whether a digit within a chain of digits that stand alone concerns nobody where no word announces it.
    #[inline]
    pub(super) const fn skips_chains(&self) -> bool {
        self.skips_chains
    }

    /// Whether one digit behind a letter concerns nobody.
    #[inline]
    pub(super) const fn skips_lettered(&self) -> bool {
        self.skips_lettered
    }

    /// Whether digits behind small letters behind digits concern nobody.
    #[inline]
    pub(super) const fn skips_within(&self) -> bool {
        self.skips_within
    }

    /// Whether a run of so many digits can concern anybody, as far as its neighbors tell.
    #[inline(always)]
    pub(super) fn can_concern(&self, beside: Beside, digits: usize) -> bool {
        let [wordless, any] = &self.lengths;
        let lengths = if beside.worded { any } else { wordless };
        let lengths = lengths.get(sides(beside.before, beside.behind));
        !beside.settled || lengths.is_some_and(|lengths| lengths.has(digits))
    }

    /// Whether so many digits that stand alone concern nobody that no word announces them to.
    pub(super) fn is_nothing_alone(&self, digits: usize) -> bool {
        let nothing = Behind::of_byte(0).followed(0);
        let kinds = self.by_sides.get(sides(Before::OTHER, nothing));
        let of_length = self.by_length.get(digits.min(Lengths::LONGEST));
        let [kinds, of_length] = [kinds, of_length].map(|kinds| kinds.copied().unwrap_or_default());
        self.unannounced & kinds & of_length == 0
    }

    /// What it concerns. `last` tells that nothing follows the window, `announced` whether a word that announces numbers may stand shortly before.
    pub(super) fn concern(
        &self,
        found: &DigitRun,
        window: Window<'_>,
        last: bool,
        announced: impl FnOnce() -> bool,
    ) -> Concern {
        let run = &found.at;
        let before = match found.beside.before {
            Before::LETTER => {
                Before::word(window.range(run.start.saturating_sub(Before::BYTES)..run.start))
            }
            before => before,
        };
        let beside = |next: u8| {
            let place = sides(before, found.beside.behind.followed(next));
            self.by_sides.get(place).copied().unwrap_or_default()
        };
        let mut kinds = if found.beside.settled {
            beside(0)
        } else {
            // More must be known.
            beside(0) | beside(b'0') | beside(b'(')
        };
        let of_length = self.by_length.get(run.len().min(Lengths::LONGEST));
        kinds &= of_length.copied().unwrap_or_default();
        let first = window.byte(run.start).unwrap_or_default();
        let of_first = self.by_first.get(usize::from(first & 0xF));
        kinds &= of_first.copied().unwrap_or_default();
        if kinds & !self.unannounced != 0 && !(found.lettered && announced()) {
            kinds &= self.unannounced;
        }
        if kinds == 0 {
            return Concern::default();
        }
        let rest = window.from(run.end);
        // Of logs nearly every line has one.
        let is_alone = before == Before::OTHER || before == Before::GAP;
        let date = behind_date(rest).filter(|_| is_alone && run.len() == 4);
        let (mut plain, mut dense) = (kinds & !self.dense, kinds & self.dense);
        if date.is_some() {
            plain = 0;
        }
        if plain & !self.ungrouped != 0 {
            plain &= self.ungrouped | self.grouped(&Next::of(rest, last));
        }
        if dense != 0 && broken::is_whole_number(date.unwrap_or(rest), last) {
            dense = 0;
        }
        for kind in bits(plain & self.worded) {
            let word = self.kinds.get(kind).map_or(0, |(run, _)| run.word);
            if !has_word(rest, word) {
                plain &= !(1 << kind);
            }
        }
        let by = |kinds: Kinds| {
            let by = bits(kinds).filter_map(|kind| self.kinds.get(kind));
            Asked(by.fold(0, |all, (_, by)| all | by))
        };
        Concern {
            plain: by(plain),
            dense: by(dense),
        }
    }

    /// Those that the groups behind a run fit, as far as they are known.
    fn grouped(&self, next: &Next) -> Kinds {
        let of = |kinds: &[Kinds], at: Option<usize>| {
            at.map_or(Kinds::MAX, |at| kinds.get(at).copied().unwrap_or_default())
        };
        of(&self.by_next, next.digits)
            & of(&self.by_then, next.then.map(|Behind(class)| class))
            & of(&self.by_third, next.third)
    }

    /// Calls `asked` with the entries of each detector to ask.
    #[inline]
    pub(super) fn asked<E>(
        &self,
        Asked(mut groups): Asked,
        mut ask: impl FnMut(&'static Detector, &[u16]) -> Result<(), E>,
    ) -> Result<(), E> {
        while groups != 0 {
            let group = groups.trailing_zeros() as usize;
            groups &= groups - 1;
            if let Some(group) = self.groups.get(group) {
                ask(group.detector, &group.entries)?;
            }
        }
        Ok(())
    }
}

/// The kinds of a set.
fn bits(mut kinds: Kinds) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let kind = (kinds != 0).then(|| kinds.trailing_zeros() as usize)?;
        kinds &= kinds - 1;
        Some(kind)
    })
}

#[inline]
const fn sides(before: Before, behind: Behind) -> usize {
    before.0 << BEHIND_BITS | behind.0
}

/// What stands behind a date (ISO 8601) of which these bytes follow the year, if nothing joins it to more.
fn behind_date(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [
            b'-',
            b'0'..=b'1',
            b'0'..=b'9',
            b'-',
            b'0'..=b'3',
            b'0'..=b'9',
            rest @ ..,
        ] => {
            let behind = *rest.first()?;
            (!behind.is_ascii_digit() && !b" -./()".contains(&behind)).then_some(rest)
        }
        _ => None,
    }
}

/// Whether so many letters and digits may follow, behind a sign or not.
fn has_word(bytes: &[u8], count: usize) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let sign = bytes.first().is_some_and(|byte| !is_word(byte));
    let word = bytes.get(usize::from(sign)..).unwrap_or_default();
    word.iter().take(count).all(is_word)
}

/// The groups behind a run's first sign, as far as they are known.
struct Next {
    /// How many digits stand there, if any do…
    digits: Option<usize>,
    /// …what stands behind them…
    then: Option<Behind>,
    /// …and how many stand behind the sign there.
    third: Option<usize>,
}

impl Next {
    /// Of the bytes behind the run.
    fn of(bytes: &[u8], last: bool) -> Self {
        let mut next = Self {
            digits: None,
            then: None,
            third: None,
        };
        let Some((length, rest)) = group(bytes, last) else {
            return next;
        };
        next.digits = Some(length);
        if length == Lengths::LONGEST || rest.len() < 2 && !last {
            return next;
        }
        let class = rest
            .first()
            .map_or(Behind::OTHER, |byte| Behind::of_byte(*byte));
        let class = class.followed(rest.get(1).copied().unwrap_or_default());
        next.then = Some(class);
        if class.joins() {
            next.third = group(rest, last).map(|(length, _)| length);
        }
        next
    }
}

/// How many digits stand behind a sign, as far as lengths are told apart, and what follows them; `None` for none, or more than is known.
fn group(bytes: &[u8], last: bool) -> Option<(usize, &[u8])> {
    let (_, rest) = bytes.split_first()?;
    let most = rest.iter().take(Lengths::LONGEST);
    let length = most.take_while(|byte| byte.is_ascii_digit()).count();
    let behind = rest.get(length..).unwrap_or_default();
    (length > 0 && (last || !behind.is_empty())).then_some((length, behind))
}

#[cfg(test)]
pub(super) mod tests;
