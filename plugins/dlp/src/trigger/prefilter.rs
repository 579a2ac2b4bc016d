//! Which parts of a text the automaton need not read: those without a print of any factor.
//!
//! The automaton's state is what it is by the last few bytes alone. So it begins anew some bytes before each candidate, and before the end of
//! the bytes at hand, and goes on as if it had read all of them.

use super::lane::Lane;
use super::{Ahead, Progress, Width};
use crate::drive::bits;
use crate::teddy::{Builder, PRINT, Print, Teddy};
use portcullis_pattern::{ByteSet, Factor};
use std::ops::Range;

/// How many positions of a text may be candidates, at most, for a look at them to be worth it.
const SHARE_MAX: f32 = 1.0 / 64.0;

/// Fewest bytes that it is worth it for, where the state behind them is asked for.
const BYTES_MIN: usize = 24;

/// The prints of all factors.
#[derive(Debug)]
pub(super) struct Prefilter {
    prints: Teddy<1>,
    sets: Vec<[ByteSet; PRINT]>,
    /// The bits of sets that prints begin with.
    begins: Progress,
    /// How many of the last bytes make the state.
    reach: usize,
    /// How many bytes from a print's first on a factor is complete, at most.
    behind: usize,
}

impl Prefilter {
    /// Of factors in their lanes. `None` when one of them has no print, or candidates would be everywhere.
    pub(super) fn new(factors: &[&Factor], lanes: &[Lane]) -> Option<Self> {
        let mut prints = Builder::new(1);
        let mut begins = Progress::default();
        let (mut reach, mut behind) = (0, 0);
        let mut chosen = Vec::new();
        for (factor, lane) in factors.iter().zip(lanes) {
            let sets = factor.sets.get(..lane.sets()).unwrap_or(&factor.sets);
            let places = sets.windows(PRINT).map(|sets| (Print::of_sets(sets), 0.0));
            let at = prints.add(&places.collect::<Vec<_>>())?;
            chosen.push(*sets.get(at..)?.first_chunk()?);
            let first = lane.first as usize + usize::from(lane.before) + at;
            begins.set(lane.word, 1 << first);
            reach = reach.max(sets.len() + 1);
            behind = behind.max(sets.len() - at);
        }
        (prints.share() <= SHARE_MAX && reach > 0).then(|| Self {
            prints: prints.build(),
            sets: chosen,
            begins,
            reach,
            behind,
        })
    }

    /// The sets of each print.
    pub(super) fn sets(&self) -> &[[ByteSet; PRINT]] {
        &self.sets
    }

    /// Whether a factor can be complete of which a print begins with these bytes. Most are no factor's print, or the rest is missing.
    pub(super) fn goes_on(&self, table: &Width, bytes: &[u8]) -> bool {
        table.goes_on(&self.begins, bytes)
    }

    /// Calls `found` for positions among which prints could begin, for as long as it says so: see [`Teddy::each`].
    #[inline(never)]
    pub(super) fn each(&self, bytes: &[u8], found: &mut dyn FnMut(usize, u64) -> bool) {
        self.prints.each(bytes, found);
    }

    /// What the automaton reads to see whether a factor is complete of which a print begins at a position.
    pub(super) const fn around(&self, position: usize) -> Range<usize> {
        position.saturating_sub(self.reach)..position + self.behind
    }

    /// As [`Width::find`]. `begun` tells that factors are.
    pub(super) fn find(
        &self,
        table: &Width,
        progress: &mut Progress,
        bytes: &[u8],
        begun: bool,
        ahead: Ahead<'_>,
    ) -> Option<usize> {
        // Up to here the automaton has read.
        let mut read = 0;
        let mut read_to = |begin: usize, end: usize| {
            let end = end.min(bytes.len());
            if end <= read {
                return None;
            }
            if begin > read {
                (*progress, read) = (Progress::default(), begin);
            }
            let at = table.find(progress, bytes.get(read..end)?);
            let found = at.map(|at| read + at);
            read = end;
            found
        };
        if bytes.len() < BYTES_MIN && !ahead.last {
            return read_to(0, bytes.len());
        }
        if begun && let Some(found) = read_to(0, self.reach) {
            return Some(found);
        }
        let mut begin_at = |position: usize| {
            let around = self.around(position);
            read_to(around.start, around.end)
        };
        if let Some(known) = ahead.known {
            let before = known.partition_point(|place| *place < ahead.base);
            let places = known.iter().skip(before).map(|place| place - ahead.base);
            for position in places.take_while(|position| *position < bytes.len()) {
                if let Some(found) = begin_at(position) {
                    return Some(found);
                }
            }
        } else {
            let mut found = None;
            self.each(bytes, &mut |from, positions| {
                for bit in bits(positions) {
                    let here = bytes.get(from + bit..).unwrap_or_default();
                    if found.is_none() && self.goes_on(table, here) {
                        found = begin_at(from + bit);
                    }
                }
                found.is_none()
            });
            if found.is_some() {
                return found;
            }
        }
        if ahead.last {
            return None;
        }
        read_to(bytes.len().saturating_sub(self.reach), bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Trigger;
    use super::*;
    use portcullis_pattern::Pattern;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const PATTERNS: [&str; 6] = [
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"sk-ant-api[0-9a-zA-Z]+",
        r"(?i)project\s+nightfall",
        r"[A-Z]{2}\d{2}-CONF-\d+",
        r"\b10\.20\.\d{1,3}\.\d{1,3}\b",
        r"(?i)password\s*[:=]\s*\S{8,64}",
    ];

    static FAST: LazyLock<Trigger> = LazyLock::new(|| trigger(&PATTERNS));
    static SLOW: LazyLock<Trigger> = LazyLock::new(|| Trigger {
        prefilter: None,
        ..trigger(&PATTERNS)
    });

    fn trigger(patterns: &[&str]) -> Trigger {
        let factor = |pattern: &&str| Some(Pattern::regex(pattern, false).unwrap().factor);
        Trigger::new(&patterns.iter().map(factor).collect::<Vec<_>>()).unwrap()
    }

    /// Where factors are complete, whose, and the state between pieces and behind the last of them.
    fn found(trigger: &Trigger, pieces: &[&[u8]]) -> Vec<(usize, Progress)> {
        let (mut progress, mut found, mut base) = (trigger.start(), Vec::new(), 0);
        for piece in pieces {
            let mut from = 0;
            while let Some(at) = trigger.find(&mut progress, &piece[from..], Ahead::default()) {
                from += at + 1;
                found.push((base + from, progress));
            }
            base += piece.len();
            found.push((base, progress));
        }
        found
    }

    #[test]
    fn usual_patterns_have_prints() {
        assert!(FAST.prefilter.is_some());
        assert!(trigger(&[r"\d+", "ab"]).prefilter.is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn the_automaton_goes_on_as_if_it_had_read_all(
            parts in prop::collection::vec(
                "536-90-4399|sk-ant-apix|sk-ant|Project  nightfall|proj|AB12-CONF-|10\\.20\\.3\\.4|password: |assw|[a-z ]{1,90}|[0-9. -]{1,9}|é",
                0..14,
            ),
            cuts in prop::collection::vec(0usize..300, 0..4),
        ) {
            let text = parts.concat();
            let bytes = text.as_bytes();
            let (fast, slow) = (&*FAST, &*SLOW);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let bounds = [vec![0], cuts, vec![bytes.len()]].concat();
            let pieces: Vec<&[u8]> = bounds.windows(2).map(|bounds| &bytes[bounds[0]..bounds[1]]).collect();
            prop_assert_eq!(found(fast, &pieces), found(slow, &pieces));
            // With `last` the same is found.
            let (mut one, mut other, mut from) = (fast.start(), slow.start(), 0);
            loop {
                let at = fast.find(&mut one, &bytes[from..], Ahead::LAST);
                prop_assert_eq!(at, slow.find(&mut other, &bytes[from..], Ahead::LAST));
                let Some(at) = at else { break };
                prop_assert_eq!(one, other);
                from += at + 1;
            }
        }
    }
}
