//! The automaton that follows one candidate: one table look-up for each byte, no way back.
//!
//! It begins at a given place (it does not search) and answers as a backtracking engine would: leftmost first. Its state is a number, so a
//! candidate can wait for the next piece of its text at no cost. Assertions look one byte ahead, so a match that hangs on one is known one
//! byte late ([`Step::ended_before`]); any other is known at once ([`Step::accepts`]).

use super::determinize::{DEAD, Entry, STATES_MAX, determinize};
use super::look::Neighbor;
use super::nfa::Nfa;

/// Marks a step: the text before the byte was a match, as its neighbors now tell.
const ENDED_BEFORE: u16 = 1 << 15;

/// Marks a step: the text up to and with the byte is a match, whatever follows.
const ACCEPTS: u16 = 1 << 14;

/// Marks a step: nothing leads on from here.
const STOPS: u16 = 1 << 13;

/// Marks a step: while a candidate is in the state behind it, no other needs to begin; see [`Dfa::mark_covering`].
const COVERS: u16 = 1 << 12;

// The bits below the marks hold any state.
const _: () = assert!(STATES_MAX <= COVERS as usize);

/// Most steps that are spent on finding covering states. Protects start-up; without them the answers are the same, later.
const COVER_WORK_MAX: usize = 64 * 1024;

/// In so many lists pairs of states are looked for that were seen.
const SEEN_LISTS: usize = 64;

/// What a byte did: the state behind it, and marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(u16);

impl Step {
    /// The state behind the byte.
    #[inline]
    #[must_use]
    pub const fn state(self) -> u16 {
        self.0 & (COVERS - 1)
    }

    /// Whether the text before the byte was a match. Said only of matches that an assertion left open until this byte.
    #[inline]
    #[must_use]
    pub const fn ended_before(self) -> bool {
        self.0 & ENDED_BEFORE != 0
    }

    /// Whether the text up to and with the byte is a match, whatever follows.
    #[inline]
    #[must_use]
    pub const fn accepts(self) -> bool {
        self.0 & ACCEPTS != 0
    }

    /// Whether no byte leads on, nor the end of the text to a match.
    #[inline]
    #[must_use]
    pub const fn stops(self) -> bool {
        self.0 & STOPS != 0
    }

    /// Whether it leads on and is no match.
    #[inline]
    #[must_use]
    pub const fn is_plain(self) -> bool {
        self.0 < STOPS
    }

    /// Whether no other candidate needs to begin behind the byte.
    #[inline]
    #[must_use]
    pub const fn covers(self) -> bool {
        self.0 & COVERS != 0
    }

    const fn matches(self) -> bool {
        self.0 & (ACCEPTS | ENDED_BEFORE) != 0
    }
}

/// An anchored deterministic automaton.
#[derive(Debug, Clone)]
pub struct Dfa {
    /// Columns: bytes that are never told apart share one. The last column is the end of the text.
    columns: [u8; 256],
    stride: usize,
    table: Vec<Step>,
    starts: [Step; Neighbor::ALL.len()],
}

impl Dfa {
    /// Determinizes.
    ///
    /// # Errors
    /// A sentence, when the table would be too large.
    pub(crate) fn new(nfa: &Nfa) -> Result<Self, String> {
        let subsets = determinize(nfa)?;
        let stops = |row: &[Entry]| {
            row.iter()
                .all(|entry| entry.next == DEAD && !entry.ended_before)
        };
        let rows = subsets
            .entries
            .chunks_exact(subsets.stride)
            .map(stops)
            .zip(&subsets.accepting);
        let marks: Vec<u16> = rows
            .map(|(stops, accepts)| u16::from(stops) * STOPS + u16::from(*accepts) * ACCEPTS)
            .collect();
        let step = |entry: &Entry| {
            let marks = marks.get(usize::from(entry.next)).copied().unwrap_or(STOPS);
            Step(entry.next | marks | (u16::from(entry.ended_before) * ENDED_BEFORE))
        };
        let mut dfa = Self {
            columns: subsets.columns,
            stride: subsets.stride,
            table: subsets.entries.iter().map(step).collect(),
            starts: subsets.starts.map(|next| {
                step(&Entry {
                    next,
                    ended_before: false,
                })
            }),
        };
        dfa.mark_covering();
        Ok(dfa)
    }

    /// Marks the states that cover every start: whatever follows, when a candidate that begins now becomes a match, one that is in such a
    /// state has become one no later. The match of the older one then swallows the younger one, which need not be followed at all. Most
    /// patterns that could have a candidate at every byte of a text made for it (`\d{16}`, `a.*b`) have such states.
    fn mark_covering(&mut self) {
        let mut work = 0;
        let states = self.table.len() / self.stride;
        let covering: Vec<bool> = (0..states)
            .map(|state| {
                self.starts
                    .iter()
                    .all(|start| self.covers(state, start.state().into(), &mut work))
            })
            .collect();
        for step in self.table.iter_mut().chain(&mut self.starts) {
            if covering
                .get(usize::from(step.state()))
                .copied()
                .unwrap_or_default()
            {
                step.0 |= COVERS;
            }
        }
    }

    /// Whether every text that makes a match of `younger` makes one of `older` no later: a walk over both at once.
    fn covers(&self, older: usize, younger: usize, work: &mut usize) -> bool {
        let mut seen = [const { Vec::new() }; SEEN_LISTS];
        let mut is_new = |pair: (usize, usize)| {
            let list = seen.get_mut((pair.0 * 31 + pair.1) % SEEN_LISTS);
            list.is_some_and(|list| {
                let is_new = !list.contains(&pair);
                if is_new {
                    list.push(pair);
                }
                is_new
            })
        };
        is_new((older, younger));
        let mut stack = vec![(older, younger)];
        while let Some((older, younger)) = stack.pop() {
            *work += self.stride;
            if *work > COVER_WORK_MAX {
                return false;
            }
            let row = |state: usize| {
                self.table
                    .get(state * self.stride..)
                    .unwrap_or_default()
                    .iter()
                    .take(self.stride)
            };
            for (old, young) in row(older).zip(row(younger)) {
                let pair = (usize::from(old.state()), usize::from(young.state()));
                match (old.matches(), young.matches(), young.state() == DEAD) {
                    (true, _, _) | (false, false, true) => {}
                    (false, true, _) => return false,
                    (false, false, false) => {
                        if is_new(pair) {
                            stack.push(pair);
                        }
                    }
                }
            }
        }
        true
    }

    /// The state of a candidate that begins behind `before`.
    #[inline]
    #[must_use]
    pub fn start(&self, before: Neighbor) -> Step {
        self.starts
            .get(before as usize)
            .copied()
            .unwrap_or(Step(DEAD | STOPS))
    }

    /// Takes a byte.
    #[inline]
    #[must_use]
    pub fn step(&self, state: u16, byte: u8) -> Step {
        // A byte is always a valid index.
        let column = self
            .columns
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default();
        self.entry(state, usize::from(column))
    }

    /// Takes the end of the text.
    #[inline]
    #[must_use]
    pub fn end(&self, state: u16) -> Step {
        self.entry(state, self.stride.saturating_sub(1))
    }

    #[inline]
    fn entry(&self, state: u16, column: usize) -> Step {
        self.table
            .get(usize::from(state) * self.stride + column)
            .copied()
            .unwrap_or(Step(DEAD | STOPS))
    }

    /// Bytes of memory.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.table.len() * size_of::<Step>() + size_of::<Self>()
    }

    /// Whether a candidate can match without a single byte.
    pub(crate) fn matches_empty(&self) -> bool {
        let ends_at_once = |start: &Step| {
            (0..self.stride).any(|column| self.entry(start.state(), column).ended_before())
        };
        self.starts
            .iter()
            .any(|start| start.accepts() || ends_at_once(start))
    }

    /// Whether any text matches at all.
    pub(crate) fn matches_something(&self) -> bool {
        self.table
            .iter()
            .any(|step| step.accepts() || step.ended_before())
    }
}
