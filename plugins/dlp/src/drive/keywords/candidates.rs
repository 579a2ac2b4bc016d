//! Positions that are yet to be looked at closer: gathered over many blocks, since what is done to one after the other without a branch costs less than a branch
//! that is guessed wrong, as each end of a short loop is.

use crate::teddy::POSITIONS;

/// Positions that there is room for.
const ROOM: usize = 128;

/// So many of a block are taken at once, as many as sixty-four positions of prose mostly have.
const TOGETHER: usize = 8;

/// Some positions, in order.
#[derive(Debug)]
pub(super) struct Candidates {
    places: [u32; ROOM],
    count: usize,
}

impl Candidates {
    pub(super) const fn new() -> Self {
        Self {
            places: [0; ROOM],
            count: 0,
        }
    }

    /// Takes of the positions whose bits are set, of which the lowest stands for `from`, those for whose bits `keeps` says one, and not zero.
    #[inline(always)]
    pub(super) fn add(&mut self, from: usize, positions: u64, keeps: impl Fn(usize) -> usize) {
        let (mut rest, mut count) = (positions, self.count);
        while rest != 0 {
            for _ in 0..TOGETHER {
                let bit = rest.trailing_zeros();
                self.put(count, (from as u32).wrapping_add(bit));
                count += keeps(bit as usize % POSITIONS) & usize::from(rest != 0);
                rest &= rest.wrapping_sub(1);
            }
        }
        self.count = count;
    }

    /// Whether there may be no room for another block.
    #[inline]
    pub(super) const fn is_full(&self) -> bool {
        self.count + POSITIONS > ROOM
    }

    /// Takes all of them out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = usize> {
        let count = std::mem::take(&mut self.count);
        (0..count).map(|index| self.place(index) as usize)
    }

    /// Always a plain load.
    #[inline]
    fn place(&self, index: usize) -> u32 {
        self.places.get(index % ROOM).copied().unwrap_or_default()
    }

    /// Always a plain store. What is put behind the last ones stands for nothing.
    #[inline]
    fn put(&mut self, index: usize, place: u32) {
        if let Some(to) = self.places.get_mut(index % ROOM) {
            *to = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_the_set_bits_in_order(blocks in prop::collection::vec(any::<u64>(), 0..9), odd in any::<bool>()) {
            let (mut candidates, mut found, mut expected) = (Candidates::new(), Vec::new(), Vec::new());
            let keeps = |bit: usize| usize::from(!odd || bit % 2 == 1);
            for (block, positions) in blocks.iter().enumerate() {
                let from = block * POSITIONS;
                expected.extend((0..POSITIONS).filter(|bit| positions >> bit & 1 == 1).map(|bit| from + bit));
                candidates.add(from, *positions, keeps);
                if candidates.is_full() {
                    found.extend(candidates.drain());
                }
            }
            found.extend(candidates.drain());
            expected.retain(|place| keeps(*place) == 1);
            prop_assert_eq!(found, expected);
        }
    }
}
