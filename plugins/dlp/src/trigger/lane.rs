//! Which bits belong to which rule.

use super::{WORD, WORDS_FEW, WORDS_MAX};
use portcullis_pattern::{FACTOR_BYTES_MAX, Factor};

/// The fewest bits that a lane can be cut to when there are many rules.
const LENGTH_MIN: usize = 4;

/// Where the bits of a rule are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    /// Which word.
    pub(super) word: usize,
    /// The lowest bit.
    pub(super) first: u32,
    /// Number of bits.
    len: u32,
    /// The lowest bit stands for what is before the factor.
    pub(super) before: bool,
}

impl Lane {
    /// The highest bit.
    pub(super) const fn last(self) -> u32 {
        self.first + self.len - 1
    }

    /// Number of bytes of its factor.
    pub(super) fn sets(self) -> usize {
        self.len as usize - usize::from(self.before)
    }

    /// The bits that stand for a begun, unfinished factor.
    pub(super) fn begun(self) -> u64 {
        let first = self.first + u32::from(self.before);
        (first..self.last()).fold(0, |bits, bit| bits | 1 << bit)
    }

    /// How many bytes of the factor are there in a word, at most, the whole factor not counted.
    pub(super) fn longest(self, word: u64) -> usize {
        // The highest bit is the factor that began first.
        let bits = (word & self.begun()) >> self.first;
        let len = u64::BITS - bits.leading_zeros();
        (len as usize).saturating_sub(usize::from(self.before))
    }
}

/// Gives every factor a lane; returns the number of words too. `None` when there are more factors than fit.
pub(super) fn layout(factors: &[&Factor]) -> Option<(Vec<Lane>, usize)> {
    let longest = (LENGTH_MIN..=FACTOR_BYTES_MAX + 1).rev();
    longest.into_iter().find_map(|len| {
        [WORDS_FEW, WORDS_MAX]
            .into_iter()
            .find_map(|words| fit(factors, words, len))
    })
}

/// Puts every factor where most room is. A lane longer than `len_max` is cut (a shorter factor is still a factor), so are those that are rare
/// enough with fewer bits; then what room is left makes lanes longer again, because the rarer, the better.
fn fit(factors: &[&Factor], words: usize, len_max: usize) -> Option<(Vec<Lane>, usize)> {
    let mut free = vec![WORD; words];
    let mut places = Vec::with_capacity(factors.len());
    for factor in factors {
        let len = (factor.enough + usize::from(factor.before.is_some())).min(len_max);
        let (word, room) = free.iter_mut().enumerate().max_by_key(|(_, room)| **room)?;
        *room = room.checked_sub(len)?;
        places.push((word, len));
    }
    for shortest in 1..FACTOR_BYTES_MAX {
        for ((word, len), factor) in places.iter_mut().zip(factors) {
            let whole = factor.sets.len() + usize::from(factor.before.is_some());
            if let Some(room) = free.get_mut(*word)
                && *room > 0
                && *len <= shortest
                && *len < whole
            {
                (*room, *len) = (*room - 1, *len + 1);
            }
        }
    }
    let mut used = vec![0; words];
    let lanes = places.iter().zip(factors).map(|((word, len), factor)| {
        let first = used.get_mut(*word)?;
        let lane = Lane {
            word: *word,
            first: *first,
            len: u32::try_from(*len).ok()?,
            before: factor.before.is_some(),
        };
        *first += lane.len;
        Some(lane)
    });
    Some((lanes.collect::<Option<_>>()?, words))
}
