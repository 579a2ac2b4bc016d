//! Finds candidates of all rules at once: a shift-and automaton over bytes.
//!
//! Each rule's factor takes a lane of neighboring bits in a machine word, one bit for each of its byte sets. After a byte, a bit is set when
//! the bytes so far, up to that one, are in the sets of its lane up to that bit; the last bit of a lane is a candidate. A byte costs one row of
//! a table and four operations a word, whatever the text is: that makes about a gigabyte a second for up to 256 bits, in V8 too, and hostile
//! text costs the same as prose. The bits that are set at the end of a piece tell exactly from where on the text is undecided.

use crate::pattern::{ByteSet, FACTOR_BYTES_MAX, Factor};

/// Bits of a word.
const WORD: usize = 64;

/// Most words. With eight, the table takes 16 KiB and half of the speed is left.
const WORDS_MAX: usize = 8;

/// Bytes that are looked at before it is asked whether there was a candidate among them.
const STRIDE: usize = 8;

/// Where the text stands in all lanes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress([u64; WORDS_MAX]);

/// Where the bits of a rule are.
#[derive(Debug, Clone, Copy)]
struct Lane {
    word: usize,
    /// The lowest bit.
    offset: u32,
    /// Number of bits.
    len: u32,
    /// The lowest bit stands for what is before a match.
    before: bool,
}

/// The lanes of all rules.
#[derive(Debug)]
pub(crate) struct Trigger {
    lanes: Vec<Lane>,
    /// Which rule's lane ends with a bit.
    owners: [Option<u16>; WORDS_MAX * WORD],
    /// Bits that stand for a begun, unfinished factor.
    begun: Progress,
    /// The last bits of all lanes.
    ends: Progress,
    at_edge: Progress,
    words: Words,
}

/// As many words as the lanes need.
#[derive(Debug)]
enum Words {
    One(Box<Table<1>>),
    Two(Box<Table<2>>),
    Four(Box<Table<4>>),
    Eight(Box<Table<WORDS_MAX>>),
}

#[derive(Debug)]
struct Table<const W: usize> {
    rows: [[u64; W]; 256],
    starts: [u64; W],
    ends: [u64; W],
}

impl Trigger {
    /// Lays out the factors, one a rule. `None` when there are more than fit: each needs at least four bits.
    pub(crate) fn new(factors: &[&Factor]) -> Option<Self> {
        let mut length_max = FACTOR_BYTES_MAX + 1;
        let lanes = loop {
            if let Some(lanes) = layout(factors, length_max) {
                break lanes;
            }
            length_max -= 1;
            if length_max < 4 {
                return None;
            }
        };
        let mut trigger = Self {
            owners: [None; WORDS_MAX * WORD],
            begun: Progress::default(),
            ends: Progress::default(),
            at_edge: Progress::default(),
            words: match lanes.iter().map(|lane| lane.word + 1).max().unwrap_or(1) {
                0..=1 => Words::One(Table::new(factors, &lanes)),
                2 => Words::Two(Table::new(factors, &lanes)),
                3..=4 => Words::Four(Table::new(factors, &lanes)),
                _ => Words::Eight(Table::new(factors, &lanes)),
            },
            lanes,
        };
        for ((lane, factor), rule) in trigger.lanes.iter().zip(factors).zip(0..) {
            if let Some(owner) = trigger.owners.get_mut(lane.word * WORD + lane.last() as usize) {
                *owner = Some(rule);
            }
            let set = |progress: &mut Progress, bits: u64| {
                if let Some(word) = progress.0.get_mut(lane.word) {
                    *word |= bits;
                }
            };
            let first = lane.offset + u32::from(lane.before);
            set(&mut trigger.ends, 1 << lane.last());
            set(&mut trigger.begun, (first..lane.last()).fold(0, |bits, bit| bits | 1 << bit));
            if lane.before && factor.at_edge {
                set(&mut trigger.at_edge, 1 << lane.offset);
            }
        }
        Some(trigger)
    }

    /// At the beginning of a text.
    pub(crate) const fn start(&self) -> Progress {
        self.at_edge
    }

    /// Goes on up to the first byte that completes a factor, and returns that byte's index; `None` when all bytes were taken.
    pub(crate) fn find(&self, progress: &mut Progress, bytes: &[u8]) -> Option<usize> {
        match &self.words {
            Words::One(table) => table.find(progress, bytes),
            Words::Two(table) => table.find(progress, bytes),
            Words::Four(table) => table.find(progress, bytes),
            Words::Eight(table) => table.find(progress, bytes),
        }
    }

    /// The rules whose factor the last byte completed, in no order, and how many bytes their factors have.
    pub(crate) fn completed(&self, progress: &Progress) -> impl Iterator<Item = (u16, usize)> {
        progress.0.iter().zip(&self.ends.0).zip(self.owners.chunks_exact(WORD)).flat_map(move |((word, ends), owners)| {
            Bits(word & ends).filter_map(move |bit| {
                let rule = owners.get(bit as usize).copied().flatten()?;
                Some((rule, self.lanes.get(usize::from(rule))?.sets()))
            })
        })
    }

    /// Whether any factor is begun and not complete.
    pub(crate) fn any_begun(&self, progress: &Progress) -> bool {
        progress.0.iter().zip(&self.begun.0).any(|(word, begun)| word & begun != 0)
    }

    /// How many of the last bytes are the beginning of a rule's factor: the longest that can still be completed; 0 when there is none.
    pub(crate) fn begun(&self, progress: &Progress, rule: usize) -> usize {
        let Some(lane) = self.lanes.get(rule) else { return 0 };
        let word = progress.0.get(lane.word).copied().unwrap_or(0) & self.begun.0.get(lane.word).copied().unwrap_or(0);
        let bits = word >> lane.offset & ((1 << (lane.len - 1)) - 1);
        // The highest bit is the factor that began first.
        let longest = u64::BITS - bits.leading_zeros();
        (longest as usize).saturating_sub(usize::from(lane.before))
    }
}

impl Lane {
    const fn last(self) -> u32 {
        self.offset + self.len - 1
    }

    fn sets(self) -> usize {
        self.len as usize - usize::from(self.before)
    }
}

/// Gives every factor a lane, of so few words as they need. What room is left makes lanes longer than is enough: the rarer, the better.
/// `None` when they do not fit with `length_max` bits each.
fn layout(factors: &[&Factor], length_max: usize) -> Option<Vec<Lane>> {
    let before = |factor: &Factor| usize::from(factor.before.is_some());
    let mut lengths: Vec<usize> = factors.iter().map(|factor| (factor.enough + before(factor)).min(length_max)).collect();
    let (words, mut free) = [1, 2, 4, WORDS_MAX].into_iter().find_map(|count| {
        let mut free = vec![WORD; count];
        let words = lengths.iter().map(|length| {
            let (word, room) = free.iter_mut().enumerate().max_by_key(|(_, room)| **room)?;
            *room = room.checked_sub(*length)?;
            Some(word)
        });
        let words: Option<Vec<usize>> = words.collect();
        Some((words?, free))
    })?;
    for round in 0..FACTOR_BYTES_MAX {
        for ((length, factor), word) in lengths.iter_mut().zip(factors).zip(&words) {
            if let Some(room) = free.get_mut(*word).filter(|room| **room > 0 && *length <= round && *length < factor.sets.len() + before(factor)) {
                *room -= 1;
                *length += 1;
            }
        }
    }
    let mut used = [0; WORDS_MAX];
    let lanes = lengths.iter().zip(factors).zip(words).map(|((length, factor), word)| {
        let offset = used.get_mut(word)?;
        let lane = Lane { word, offset: *offset, len: u32::try_from(*length).ok()?, before: factor.before.is_some() };
        *offset += lane.len;
        Some(lane)
    });
    lanes.collect()
}

impl<const W: usize> Table<W> {
    fn new(factors: &[&Factor], lanes: &[Lane]) -> Box<Self> {
        let mut table = Box::new(Self { rows: [[0; W]; 256], starts: [0; W], ends: [0; W] });
        for (lane, factor) in lanes.iter().zip(factors) {
            let sets = factor.before.iter().chain(&factor.sets).zip(lane.offset..=lane.last());
            for (set, bit) in sets {
                for (row, byte) in table.rows.iter_mut().zip(0..=u8::MAX) {
                    if let Some(word) = row.get_mut(lane.word).filter(|_| ByteSet::contains(*set, byte)) {
                        *word |= 1 << bit;
                    }
                }
            }
            if let (Some(starts), Some(ends)) = (table.starts.get_mut(lane.word), table.ends.get_mut(lane.word)) {
                *starts |= 1 << lane.offset;
                *ends |= 1 << lane.last();
            }
        }
        table
    }

    #[inline]
    fn next(&self, mut state: [u64; W], byte: u8) -> [u64; W] {
        // A byte is always a valid index, so this is a plain load.
        let row = self.rows.get(usize::from(byte)).copied().unwrap_or([0; W]);
        for ((state, start), row) in state.iter_mut().zip(self.starts).zip(row) {
            *state = (*state << 1 | start) & row;
        }
        state
    }

    #[inline]
    fn ends(&self, seen: [u64; W]) -> bool {
        seen.iter().zip(self.ends).fold(0, |any, (seen, end)| any | (seen & end)) != 0
    }

    fn find(&self, progress: &mut Progress, bytes: &[u8]) -> Option<usize> {
        let stored = progress.0.first_chunk_mut::<W>()?;
        let mut state = *stored;
        // Where there is one candidate, the next byte is often another.
        let (first, rest) = bytes.split_first()?;
        state = self.next(state, *first);
        if self.ends(state) {
            *stored = state;
            return Some(0);
        }
        let (chunks, _) = rest.as_chunks::<STRIDE>();
        let mut taken = 1;
        for chunk in chunks {
            let before = state;
            let mut seen = [0; W];
            for byte in chunk {
                state = self.next(state, *byte);
                for (seen, state) in seen.iter_mut().zip(state) {
                    *seen |= state;
                }
            }
            if self.ends(seen) {
                state = before;
                break;
            }
            taken += STRIDE;
        }
        for byte in bytes.get(taken..).unwrap_or_default() {
            state = self.next(state, *byte);
            if self.ends(state) {
                *stored = state;
                return Some(taken);
            }
            taken += 1;
        }
        *stored = state;
        None
    }
}

/// The set bits of a word, from the lowest.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}
