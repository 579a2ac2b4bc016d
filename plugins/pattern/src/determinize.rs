//! Determinizing: subsets of the graph's states become the rows of a table.

use super::look::{Look, Neighbor};
use super::nfa::{Nfa, State, StateId};

/// Most entries of one table, two bytes each. Protects memory: subsets of a pattern's states can be exponentially many.
const ENTRIES_MAX: usize = 64 * 1024;

/// Most states: [`super::dfa::Step`] has so many bits left for them.
pub(super) const STATES_MAX: usize = 1 << 12;

/// Most steps that building one table may take. Protects start-up, which every worker goes through.
const WORK_MAX: usize = 2 * 1024 * 1024;

/// The state that never matches.
pub(super) const DEAD: u16 = 0;

/// A pattern's automaton.
pub(super) struct Subsets {
    /// Columns: bytes that are never told apart share one.
    pub(super) columns: [u8; 256],
    /// Number of columns, and one for the end of the text.
    pub(super) stride: usize,
    /// Row by row, a row for each state.
    pub(super) entries: Vec<Entry>,
    /// Which states are a match by themselves.
    pub(super) accepting: Vec<bool>,
    /// The state of a candidate behind each kind of neighbor.
    pub(super) starts: [u16; Neighbor::ALL.len()],
}

/// Where a byte leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The state behind the byte.
    pub(super) next: u16,
    /// The text before the byte was a match, as its neighbors now tell; not said of states that are a match by themselves.
    pub(super) ended_before: bool,
}

/// Determinizes.
///
/// # Errors
/// A sentence, when the table would be too large.
#[inline(never)]
pub(super) fn determinize(nfa: &Nfa) -> Result<Subsets, String> {
    Builder::new(nfa).build()
}

/// States of the graph in order of preference, before any assertion is decided, and what stands before them if an assertion asks.
type Subset = (Neighbor, Vec<StateId>);

/// In so many lists subsets are looked for.
const BUCKETS: usize = 256;

/// The list that a subset is in (FNV-1a).
fn bucket_of((before, states): &Subset) -> usize {
    let step = |hash: u32, part: u32| (hash ^ part).wrapping_mul(0x0100_0193);
    let hash = states
        .iter()
        .fold(step(0x811C_9DC5, *before as u32), |hash, id| {
            step(hash, *id)
        });
    (hash >> 8) as usize % BUCKETS
}

struct Builder<'a> {
    nfa: &'a Nfa,
    columns: [u8; 256],
    /// One byte of each column.
    examples: Vec<u8>,
    entries: Vec<Entry>,
    accepting: Vec<bool>,
    /// The numbers of subsets, by a hash of them.
    ids: [Vec<u16>; BUCKETS],
    /// Subsets by their numbers.
    queue: Vec<Subset>,
    /// Which expansion saw a state last: one array instead of a set for each expansion.
    seen: Vec<u32>,
    expansion: u32,
    work: usize,
}

impl<'a> Builder<'a> {
    fn new(nfa: &'a Nfa) -> Self {
        let (columns, examples) = columns(nfa);
        Self {
            nfa,
            columns,
            examples,
            entries: Vec::new(),
            accepting: Vec::new(),
            ids: [const { Vec::new() }; BUCKETS],
            queue: Vec::new(),
            seen: vec![0; nfa.len()],
            expansion: 0,
            work: 0,
        }
    }

    fn build(mut self) -> Result<Subsets, String> {
        self.intern(Neighbor::Other, Vec::new())?; // DEAD
        let mut starts = [DEAD; Neighbor::ALL.len()];
        for (start, before) in starts.iter_mut().zip(Neighbor::ALL) {
            *start = self.intern(before, vec![self.nfa.start()])?;
        }
        let mut done = 0;
        while let Some(subset) = self.queue.get(done).cloned() {
            let accepts = self.accepting.get(done).copied().unwrap_or_default();
            self.row(&subset, accepts)?;
            done += 1;
        }
        let stride = self.examples.len() + 1;
        Ok(Subsets {
            columns: self.columns,
            stride,
            entries: self.entries,
            accepting: self.accepting,
            starts,
        })
    }

    /// One row of the table: what each byte, and the end, makes of a subset.
    fn row(&mut self, (before, states): &Subset, accepts: bool) -> Result<(), String> {
        let mut decided = [const { None::<Leaves> }; Neighbor::ALL.len()];
        let bytes: Vec<Option<u8>> = self
            .examples
            .iter()
            .copied()
            .map(Some)
            .chain([None])
            .collect();
        for byte in bytes {
            let after = Neighbor::of(byte);
            let Some(leaves) = decided.get_mut(after as usize) else {
                continue; // cannot be: every kind has its place
            };
            let leaves = leaves.get_or_insert_with(|| {
                let mut leaves = self.leaves();
                for id in states {
                    self.expand(*id, &mut leaves, |look| Some(look.holds(*before, after)));
                }
                leaves
            });
            let takes = |id: &StateId| match self.nfa.state(*id) {
                State::Bytes(set, next) => {
                    byte.is_some_and(|byte| set.contains(byte)).then_some(*next)
                }
                State::Split(_) | State::Look(..) | State::Match => None,
            };
            let nexts: Vec<StateId> = leaves.order.iter().filter_map(takes).collect();
            self.work += leaves.order.len();
            let ended_before = leaves.matched && !accepts;
            // As most bytes do.
            let next = if nexts.is_empty() {
                DEAD
            } else {
                self.intern(after, nexts)?
            };
            self.entries.push(Entry { next, ended_before });
        }
        if self.work > WORK_MAX {
            return Err(
                "too complex: it takes too long to compile; use shorter counted repetitions"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Begins an expansion.
    const fn leaves(&mut self) -> Leaves {
        self.expansion = self.expansion.wrapping_add(1);
        Leaves {
            order: Vec::new(),
            matched: false,
            asks: false,
        }
    }

    /// Adds what can be reached without a byte, most wanted first, up to the first match: what is wanted less than a match is never
    /// looked at. `holds` decides assertions; an undecided one (`None`) is a leaf itself.
    fn expand(&mut self, from: StateId, leaves: &mut Leaves, holds: impl Fn(Look) -> Option<bool>) {
        let mut stack = vec![from];
        while let Some(id) = stack.pop() {
            let Some(seen) = self.seen.get_mut(id as usize) else {
                continue;
            };
            if leaves.matched || *seen == self.expansion {
                continue;
            }
            *seen = self.expansion;
            self.work += 1;
            match self.nfa.state(id) {
                State::Bytes(..) => leaves.order.push(id),
                State::Split(targets) => stack.extend(targets.iter().rev()),
                State::Look(look, next) => match holds(*look) {
                    None => {
                        leaves.order.push(id);
                        leaves.asks = true;
                    }
                    Some(true) => stack.push(*next),
                    Some(false) => {}
                },
                State::Match => {
                    leaves.order.push(id);
                    leaves.matched = true;
                }
            }
        }
    }

    /// The number of a subset. It is written in its shortest form, so that few are told apart which have the same future: without an
    /// assertion, what stands before does not matter, nor by which way its states were reached. (With one it does: an assertion can close an
    /// empty loop, and which of two ways then is preferred depends on where the loop was entered.)
    fn intern(&mut self, before: Neighbor, mut states: Vec<StateId>) -> Result<u16, String> {
        let mut leaves = self.leaves();
        states.retain(|id| {
            let known = leaves.order.len();
            self.expand(*id, &mut leaves, |_| None);
            leaves.order.len() > known
        });
        let subset = if leaves.asks {
            (before, states)
        } else {
            (Neighbor::Other, leaves.order)
        };
        let bucket = bucket_of(&subset);
        let known = self.ids.get(bucket).into_iter().flatten();
        let same = |id: &&u16| self.queue.get(usize::from(**id)) == Some(&subset);
        if let Some(id) = known.into_iter().find(same) {
            return Ok(*id);
        }
        let count = self.queue.len();
        let id = u16::try_from(count).ok().filter(|_| {
            count < STATES_MAX && (count + 1) * (self.examples.len() + 1) <= ENTRIES_MAX
        });
        let id = id.ok_or(
            "too complex: its automaton has too many states; use shorter counted repetitions",
        )?;
        self.accepting.push(leaves.matched);
        self.queue.push(subset);
        if let Some(ids) = self.ids.get_mut(bucket) {
            ids.push(id);
        }
        Ok(id)
    }
}

struct Leaves {
    order: Vec<StateId>,
    /// A match can be reached.
    matched: bool,
    /// An assertion is undecided.
    asks: bool,
}

/// Bytes that no set of the graph and no assertion tells apart share a column.
fn columns(nfa: &Nfa) -> ([u8; 256], Vec<u8>) {
    let mut columns = [0; 256];
    let mut last = None;
    for state in nfa.states() {
        match state {
            // Counted repetitions have the same one again and again.
            State::Bytes(set, _) if last != Some(*set) => {
                split(&mut columns, |byte| set.contains(byte));
                last = Some(*set);
            }
            State::Look(..) => {
                for neighbor in Neighbor::ALL {
                    split(&mut columns, |byte| Neighbor::of(Some(byte)) == neighbor);
                }
            }
            State::Bytes(..) | State::Split(_) | State::Match => {}
        }
    }
    let mut examples = Vec::new();
    let mut known = [None::<u8>; 256];
    for (column, byte) in columns.iter_mut().zip(0..=u8::MAX) {
        if let Some(number) = known.get_mut(usize::from(*column)) {
            *column = *number.get_or_insert_with(|| {
                examples.push(byte);
                u8::try_from(examples.len() - 1).unwrap_or(u8::MAX)
            });
        }
    }
    (columns, examples)
}

/// Gives bytes of a set other columns than those that are not in it.
fn split(columns: &mut [u8; 256], contains: impl Fn(u8) -> bool) {
    let mut count = columns.iter().max().map_or(0, |most| usize::from(*most)) + 1;
    // The column of those in the set, where some of the old one are not: the first of each column decides who keeps it.
    let mut others = [None::<(bool, u8)>; 256];
    for (column, byte) in columns.iter_mut().zip(0..=u8::MAX) {
        let is_in = contains(byte);
        let Some(other) = others.get_mut(usize::from(*column)) else {
            continue;
        };
        match other {
            None => *other = Some((is_in, *column)),
            Some((keeps, _)) if *keeps == is_in => {}
            Some((_, new)) => {
                if *new == *column {
                    // There are no more columns than bytes.
                    *new = u8::try_from(count).unwrap_or(u8::MAX);
                    count += 1;
                }
                *column = *new;
            }
        }
    }
}
