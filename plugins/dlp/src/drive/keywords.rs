//! Finds keywords: where a print of one could stand ([`crate::teddy`]), these bytes are looked at in a table of bits, and the keywords themselves
//! where a bit is set.
//!
//! An Aho-Corasick automaton waits for each state before it can look up the next. Here sixteen positions are looked at together, and no look
//! depends on the one before; and of each keyword those bytes are looked for that text has least often, so that few looks lead on.

mod candidates;
mod keyword;

#[cfg(test)]
mod tests;

use super::plan::PLAN;
use crate::detectors::Shapes;
use crate::teddy::{Builder, POSITIONS, PRINT, Print, Teddy, frequency, lengthened};
use crate::trigger::Trigger;
use crate::window::Window;
use candidates::Candidates;
use keyword::Keyword;
use portcullis_pattern::ByteSet;
use portcullis_policy::sort::sort_by;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a look; of a keyword's last bytes one fewer.
pub(super) const LOOK: usize = 4;

/// Bits of the table, as a power of two: 16 KiB, so that table and text stay in the first-level cache, and few bits are set.
const TABLE_BITS: u32 = 17;

/// The first three bytes of a look, in four that are read at once.
const START_MASK: u32 = 0xFF_FFFF;

/// Stands in a short look where a long one has its last byte.
const SHORT: u32 = 1 << 24;

/// Stands there in a print of a pattern's factor.
const FACTOR: u32 = 2 << 24;

/// Most strings that are prints of factors. Protects the table: what fills it makes every candidate dearer.
const FACTOR_PRINTS_MAX: u32 = 4096;

/// Keywords are found by looks in lower case: in letters this bit is the only difference.
const CASE: u32 = u32::from_ne_bytes([ONE_CASE; LOOK]);

/// The same of one.
const ONE_CASE: u8 = 0x20;

/// Bits of a hash by which looks are found.
const BUCKET_BITS: u32 = 10;

/// Groups of buckets for prints.
pub(super) const GROUPS: usize = 2;

/// How far into a keyword its look is taken, at most.
pub(super) const LOOK_AT_MAX: usize = 11;

/// Fewest bytes of a keyword: a shorter one would be found everywhere.
pub(crate) const KEYWORD_BYTES_MIN: usize = PRINT;

/// Most bytes of one, with room.
pub(super) const KEYWORD_BYTES_MAX: usize = 64;

/// A detector that a trigger concerns.
#[derive(Debug, Clone)]
pub(super) struct Concerned {
    pub(super) entry: u16,
    /// Where the trigger is a mark of its shapes: those that have it.
    pub(super) shapes: Option<Shapes>,
    /// Nothing stands in the plain view where a letter or a digit stands before.
    pub(super) begins_words: bool,
}

/// A detector's keyword, its detector, and whether its case matters not.
pub(super) struct Word {
    pub(super) text: &'static str,
    pub(super) any_case: bool,
    pub(super) of: Concerned,
}

/// A look with a bit leads to the keywords that it is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    hash: u32,
    keyword: u16,
    key: u32,
    /// Another byte of the keyword, without its case, and where it stands from the look: most of those that share a look are told apart by it.
    beside: u8,
    at: i8,
}

/// All keywords.
#[derive(Debug)]
pub(super) struct Keywords {
    prints: Teddy<GROUPS>,
    table: Box<[u32; 1 << (TABLE_BITS - 5)]>,
    keywords: Vec<Keyword>,
    /// Sorted.
    looks: Vec<Look>,
    /// Where those begin that have so high a hash.
    buckets: Box<[u16; (1 << BUCKET_BITS) + 1]>,
    /// Patterns whose factors are looked for, too: one look at the text instead of two.
    patterns: Option<Arc<Trigger>>,
}

/// A keyword where it stands.
pub(super) struct Hit<'k> {
    pub(super) keyword: &'k Keyword,
    pub(super) at: Range<usize>,
}

/// Up to where keywords were looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looked {
    /// No look that is taken before is missing.
    pub(super) to: usize,
    /// Neither is the short one that is taken there.
    short: bool,
}

impl Keywords {
    /// Of keywords, and patterns whose factors are looked for where there are any.
    #[inline(never)]
    pub(super) fn new(mut words: Vec<Word>, patterns: Option<&Arc<Trigger>>) -> Self {
        // The short ones can be looked for in one way only; neighbors have much in common.
        let key = |word: &Word| (word.text.len(), word.text, word.any_case, word.of.entry);
        sort_by(&mut words, |one, other| key(one).cmp(&key(other)));
        let mut keywords: Vec<Keyword> = Vec::new();
        let mut prints = Builder::planned(&PLAN);
        for Word { text, any_case, of } in words {
            let bytes = text.as_bytes();
            match keywords.last_mut() {
                Some(known) if (known.bytes, known.any_case) == (bytes, any_case) => {
                    let last = known.concerned.last();
                    if last.is_none_or(|last| last.entry != of.entry) {
                        known.concerned.push(of);
                    }
                }
                Some(_) | None => {
                    let look_at = look_at(&mut prints, bytes, any_case);
                    keywords.push(Keyword::new(bytes, any_case, look_at, of));
                }
            }
        }
        let looks = keywords.iter().zip(0..).map(|(keyword, index)| {
            let (beside, at) = keyword.beside();
            Look {
                hash: hash(keyword.key()),
                key: keyword.key(),
                keyword: index,
                beside,
                at,
            }
        });
        let mut looks: Vec<Look> = looks.collect();
        sort_by(&mut looks, Ord::cmp);
        let mut table = Box::new([0; 1 << (TABLE_BITS - 5)]);
        let mut set = |look: u32| {
            for hash in [hash(look), start_hash(look)] {
                if let Some(word) = table.get_mut(hash as usize / 32) {
                    *word |= 1_u32 << (hash % 32);
                }
            }
        };
        keywords.iter().flat_map(Keyword::looks).for_each(&mut set);
        let patterns = patterns.filter(|patterns| {
            let strings =
                |sets: &[ByteSet; PRINT]| sets.iter().map(|set| set.len()).product::<u32>();
            let count = patterns.prints().iter().map(strings).sum::<u32>();
            !keywords.is_empty() && (1..=FACTOR_PRINTS_MAX).contains(&count)
        });
        for sets in patterns.iter().flat_map(|patterns| patterns.prints()) {
            prints.add(&[(Print::of_sets(sets), 0.0)]);
            let [first, second, third] = sets;
            for look in first.iter() {
                for look in second.iter().map(|byte| [look, byte]) {
                    for byte in third.iter() {
                        let [one, two] = look;
                        set(u32::from_le_bytes([one, two, byte, 0]) | FACTOR);
                    }
                }
            }
        }
        let mut buckets = Box::new([0; (1 << BUCKET_BITS) + 1]);
        let mut before = looks.iter().map(|look| bucket_of(look.hash)).peekable();
        let mut count = 0;
        for (first, bucket) in buckets.iter_mut().zip(0..) {
            while before.next_if(|of| *of < bucket).is_some() {
                count += 1;
            }
            *first = count;
        }
        Self {
            prints: prints.build(),
            table,
            keywords,
            looks,
            buckets,
            patterns: patterns.cloned(),
        }
    }

    /// Patterns whose factors it looks for, too.
    pub(super) fn patterns(&self) -> Option<&Trigger> {
        self.patterns.as_deref()
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.table)
            + size_of_val(&*self.buckets)
            + self.looks.capacity() * size_of::<Look>()
            + self.keywords.capacity() * size_of::<Keyword>()
    }

    /// All of them, each with whether any case will do.
    #[cfg(test)]
    pub(super) fn words(&self) -> impl Iterator<Item = (&'static [u8], bool)> {
        let keywords = self.keywords.iter();
        keywords.map(|keyword| (keyword.bytes, keyword.any_case))
    }

    /// How many positions of a text are candidates, and how many are looked up.
    #[cfg(test)]
    pub(super) fn candidates(&self, text: &[u8]) -> (u32, u32) {
        let (mut all, mut sifted) = (0, 0);
        self.prints.each(text, |first, positions| {
            let mut candidates = Candidates::new();
            all += positions.count_ones();
            self.sift(&mut candidates, first, positions, &text[first..]);
            for look in candidates.drain().map(|at| look(text, at)) {
                let start = look & START_MASK;
                let looks = [look, start | SHORT, start | FACTOR];
                sifted += u32::from(looks.iter().any(|look| self.bit(hash(*look)) == 1));
            }
            true
        });
        (all, sifted)
    }

    /// Whether a bit is set: one, or zero. Always a plain load.
    #[inline]
    fn bit(&self, hash: u32) -> usize {
        let word = self.table.get(hash as usize / 32).copied();
        (word.unwrap_or_default() >> (hash % 32) & 1) as usize
    }

    /// Adds those of a block's positions whose three bytes are some look's first. `bytes` begin at the first position, `from`.
    #[inline(always)]
    fn sift(&self, candidates: &mut Candidates, from: usize, positions: u64, bytes: &[u8]) {
        let room;
        let block: &[u8; POSITIONS + LOOK] = match bytes.first_chunk() {
            Some(block) => block,
            None => {
                room = lengthened(bytes);
                &room
            }
        };
        candidates.add(from, positions, |bit| {
            // Always at hand, so this is a plain load.
            let here = block.get(bit..).unwrap_or_default();
            let look = here.first_chunk().copied().unwrap_or_default();
            self.bit(start_hash(u32::from_le_bytes(look)))
        });
    }

    /// Calls `found` for every keyword whose look is taken where none was taken before. Returns how far that is: what is cut off by the end of
    /// the window is found when more bytes are known. With `last` nothing is. `places` takes in where factors of patterns can be complete, all there
    /// are in the window. `found` returns up to where keywords are of no interest whose look is not taken yet.
    #[inline(never)]
    pub(super) fn find(
        &self,
        window: Window<'_>,
        looked: Looked,
        last: bool,
        places: &mut Vec<usize>,
        mut found: impl FnMut(Hit<'_>) -> usize,
    ) -> Looked {
        if self.keywords.is_empty() {
            return Looked {
                to: window.end(),
                short: true,
            };
        }
        let bytes = window.slice(looked.to).unwrap_or_default();
        let (mut cut, mut passed) = (None, 0);
        let mut look_at = |candidates: &mut Candidates| {
            for at in candidates.drain() {
                let position = looked.to + at;
                let look = look(bytes, at);
                let short = look & START_MASK | SHORT;
                let factor = look & START_MASK | FACTOR;
                let [is_long, is_short, is_factor] =
                    [look, short, factor].map(|look| self.bit(hash(look)));
                if is_long | is_short | is_factor == 0 {
                    continue;
                }
                if is_factor == 1
                    && let Some(patterns) = &self.patterns
                    && places.last().is_none_or(|last| *last < position)
                    && patterns.goes_on(bytes.get(at..).unwrap_or_default())
                {
                    places.push(position);
                }
                if cut.is_some() || position < passed {
                    continue;
                }
                let mut found = |hit: Hit<'_>| passed = passed.max(found(hit));
                if is_short == 1 && !(looked.short && position == looked.to) {
                    self.at(window, position, short, last, &mut found);
                }
                if is_long == 1 && !self.at(window, position, look, last, &mut found) {
                    cut = Some(position);
                }
            }
        };
        let mut candidates = Candidates::new();
        self.prints.each(bytes, |first, positions| {
            let rest = bytes.get(first..).unwrap_or_default();
            self.sift(&mut candidates, first, positions, rest);
            if candidates.is_full() {
                look_at(&mut candidates);
            }
            true
        });
        look_at(&mut candidates);
        match cut.or_else(|| window.end().checked_sub(PRINT)) {
            Some(to) if to >= looked.to => Looked { to, short: true },
            Some(_) | None => looked,
        }
    }

    /// The keywords whose look is taken at a position; false when one of them may be cut off.
    #[inline(never)]
    fn at(
        &self,
        window: Window<'_>,
        position: usize,
        look: u32,
        last: bool,
        found: &mut impl FnMut(Hit<'_>),
    ) -> bool {
        let key = folded(look);
        let bucket = bucket_of(hash(key));
        let bound = |bucket: usize| self.buckets.get(bucket).map_or(0, |at| usize::from(*at));
        let here = self.looks.get(bound(bucket)..bound(bucket + 1));
        let here = here.unwrap_or_default();
        let end = window.end();
        if !last && end - position < KEYWORD_BYTES_MAX {
            let cut = |look: &Look| {
                let stands = self.standing(look, key, window, position);
                stands.is_some_and(|(keyword, start)| start + keyword.bytes.len() > end)
            };
            if here.iter().any(cut) {
                return false;
            }
        }
        for look in here {
            if let Some((keyword, start)) = self.standing(look, key, window, position)
                && start + keyword.bytes.len() <= end
            {
                found(Hit {
                    keyword,
                    at: start..start + keyword.bytes.len(),
                });
            }
        }
        true
    }

    /// The keyword of a look that is taken at a position, and where it begins, if it stands there as far as the window goes.
    #[inline]
    fn standing(
        &self,
        look: &Look,
        key: u32,
        window: Window<'_>,
        position: usize,
    ) -> Option<(&Keyword, usize)> {
        if look.key != key {
            return None;
        }
        if look.at != 0 {
            let beside = window.byte(position.checked_add_signed(look.at.into())?);
            if beside.is_some_and(|byte| byte | ONE_CASE != look.beside) {
                return None;
            }
        }
        let keyword = self.keywords.get(usize::from(look.keyword))?;
        let start = position.checked_sub(keyword.look_at)?;
        keyword
            .begins(window.slice(start)?)
            .then_some((keyword, start))
    }
}

/// The four bytes that stand at a position, or the last three.
#[inline]
fn look(bytes: &[u8], position: usize) -> u32 {
    let here = bytes.get(position..).and_then(<[u8]>::first_chunk);
    here.map_or_else(|| last_look(bytes), |look| u32::from_le_bytes(*look))
}

#[cold]
#[inline(never)]
fn last_look(bytes: &[u8]) -> u32 {
    match bytes {
        [.., a, b, c] => u32::from_le_bytes([*a, *b, *c, 0]),
        _ => 0,
    }
}

/// A look in lower case. A short one stays what it is.
const fn folded(look: u32) -> u32 {
    match look >> 24 {
        1 => look | CASE & START_MASK,
        _ => look | CASE,
    }
}

#[inline]
const fn hash(look: u32) -> u32 {
    look.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_BITS)
}

/// Of the first three bytes of a look.
#[inline]
const fn start_hash(look: u32) -> u32 {
    look.wrapping_mul(0x9E37_79B1 << 8) >> (32 - TABLE_BITS)
}

const fn bucket_of(hash: u32) -> usize {
    (hash >> (TABLE_BITS - BUCKET_BITS)) as usize
}

/// Where a keyword's look is best taken: where few prints are alike, and its bytes are rare.
fn look_at(prints: &mut Builder, bytes: &[u8], any_case: bool) -> usize {
    let rests = (0..=LOOK_AT_MAX).filter_map(|at| bytes.get(at..));
    let rests = rests.take_while(|rest| rest.len() >= PRINT);
    let looks = rests.map(|rest| {
        let look = rest.get(..LOOK).unwrap_or(rest);
        (Print::of(rest, any_case), cost(look, any_case))
    });
    prints.add(&looks.collect::<Vec<_>>()).unwrap_or_default()
}

/// How often a look leads on without being one of its keyword, about: letters make words, and signs lines.
fn cost(look: &[u8], any_case: bool) -> f32 {
    const IN_WORDS: f32 = 10.0;
    const IN_LINES: f32 = 1e-3;
    let frequency = frequency(look, any_case);
    if look.iter().all(|byte| Some(byte) == look.first()) {
        IN_LINES
    } else if look.iter().take(PRINT).all(u8::is_ascii_alphabetic) {
        frequency * IN_WORDS
    } else {
        frequency
    }
}
