//! The table of the shift-and automaton, and its inner loop.

use super::Progress;
use super::lane::Lane;
use portcullis_pattern::{ByteSet, Factor};

/// Bytes that are looked at before it is asked whether there was a candidate among them.
const STRIDE: usize = 8;

/// A table for lanes in so many words.
#[derive(Debug)]
pub(super) struct Table<const WORDS: usize> {
    /// For each byte, the bits whose set it is in.
    rows: [[u64; WORDS]; 256],
    /// The lowest bits of all lanes.
    starts: [u64; WORDS],
    /// The highest.
    ends: [u64; WORDS],
}

impl<const WORDS: usize> Table<WORDS> {
    /// The table of factors in their lanes.
    pub(super) fn new(factors: &[&Factor], lanes: &[Lane]) -> Box<Self> {
        let mut table = Self {
            rows: [[0; WORDS]; 256],
            starts: [0; WORDS],
            ends: [0; WORDS],
        };
        for (lane, factor) in lanes.iter().zip(factors) {
            let sets = factor.before.iter().chain(&factor.sets);
            for (set, bit) in sets.zip(lane.first..=lane.last()) {
                for (row, byte) in table.rows.iter_mut().zip(0..=u8::MAX) {
                    set_bits(
                        row,
                        lane.word,
                        u64::from(ByteSet::contains(*set, byte)) << bit,
                    );
                }
            }
            set_bits(&mut table.starts, lane.word, 1 << lane.first);
            set_bits(&mut table.ends, lane.word, 1 << lane.last());
        }
        Box::new(table)
    }

    #[inline]
    fn next(&self, mut state: [u64; WORDS], byte: u8) -> [u64; WORDS] {
        // A byte is always a valid index, so this is a plain load.
        let row = self
            .rows
            .get(usize::from(byte))
            .copied()
            .unwrap_or([0; WORDS]);
        for ((state, start), row) in state.iter_mut().zip(self.starts).zip(row) {
            // The last bit of the lane below comes in too: where it does, the start sets it anyway.
            *state = ((*state << 1) | start) & row;
        }
        state
    }

    /// Whether a factor can be complete of which these bytes are the rest, from places on that have a bit.
    #[inline]
    pub(super) fn goes_on(&self, places: &Progress, bytes: &[u8]) -> bool {
        let Some(mut state) = places.0.first_chunk::<WORDS>().copied() else {
            return false;
        };
        for byte in bytes {
            let row = self.rows.get(usize::from(*byte));
            let row = row.copied().unwrap_or([0; WORDS]);
            for (state, row) in state.iter_mut().zip(row) {
                *state &= row;
            }
            if self.any_end(state) {
                return true;
            }
            if state.iter().fold(0, |any, state| any | state) == 0 {
                return false;
            }
            // No lane's last bit is set, so that none comes into the next one.
            for state in &mut state {
                *state <<= 1;
            }
        }
        false
    }

    #[inline]
    fn any_end(&self, state: [u64; WORDS]) -> bool {
        state
            .iter()
            .zip(self.ends)
            .fold(0, |any, (state, end)| any | (state & end))
            != 0
    }

    /// Goes on up to the first byte that completes a factor, and returns that byte's index; `None` when all bytes were taken.
    pub(super) fn find(&self, progress: &mut Progress, bytes: &[u8]) -> Option<usize> {
        let stored = progress.0.first_chunk_mut::<WORDS>()?;
        let (first, rest) = bytes.split_first()?;
        // Where there is one candidate, the next byte is often another.
        let mut state = self.next(*stored, *first);
        if self.any_end(state) {
            *stored = state;
            return Some(0);
        }
        let mut taken = 1;
        for chunk in rest.as_chunks::<STRIDE>().0 {
            let before = state;
            let mut seen = [0; WORDS];
            for byte in chunk {
                state = self.next(state, *byte);
                for (seen, state) in seen.iter_mut().zip(state) {
                    *seen |= state;
                }
            }
            if self.any_end(seen) {
                state = before;
                break;
            }
            taken += STRIDE;
        }
        for byte in bytes.get(taken..).unwrap_or_default() {
            state = self.next(state, *byte);
            if self.any_end(state) {
                *stored = state;
                return Some(taken);
            }
            taken += 1;
        }
        *stored = state;
        None
    }
}

fn set_bits<const WORDS: usize>(words: &mut [u64; WORDS], index: usize, bits: u64) {
    if let Some(word) = words.get_mut(index) {
        *word |= bits;
    }
}
