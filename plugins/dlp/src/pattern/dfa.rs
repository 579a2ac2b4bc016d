//! The automaton that follows one candidate: one table look-up for each byte, no way back.
//!
//! It begins at a given place (it does not search) and answers as a backtracking engine would: leftmost first. Its state is a number, so a
//! candidate can wait for the next piece of its text at no cost. Assertions look one byte ahead, so a match that hangs on one is known one
//! byte late ([`Step::ended_before`]); any other is known at once ([`Step::accepts`]).

use super::bytes::ByteSet;
use super::look::{Look, Neighbor};
use super::nfa::{Nfa, State, StateId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most entries of one table, two bytes each. Protects memory: subsets of a pattern's states can be exponentially many.
const ENTRIES_MAX: usize = 64 * 1024;

/// Most steps that building one table may take. Protects start-up, which every worker goes through.
const WORK_MAX: usize = 2 * 1024 * 1024;

/// The state that never matches.
const DEAD: u16 = 0;

/// Marks a step: the text before the byte was a match, as its neighbors now tell.
const ENDED_BEFORE: u16 = 1 << 15;

/// Marks a step: the text up to and with the byte is a match, whatever follows.
const ACCEPTS: u16 = 1 << 14;

/// Marks a step: nothing leads on from here.
const STOPS: u16 = 1 << 13;

/// Marks a step: while a candidate is in the state behind it, no other needs to begin; see [`Dfa::mark_covering`].
const COVERS: u16 = 1 << 12;

/// Most states: what is left of the 16 bits of a step.
const STATES_MAX: usize = COVERS as usize;

/// Most steps that are spent on finding covering states. Protects start-up; without them the answers are the same, later.
const COVER_WORK_MAX: usize = 64 * 1024;

/// What a byte did: the state behind it, and marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step(u16);

impl Step {
    /// The state behind the byte.
    pub(crate) const fn state(self) -> u16 {
        self.0 & (COVERS - 1)
    }

    /// Whether the text before the byte was a match. Said only of matches that an assertion left open until this byte.
    pub(crate) const fn ended_before(self) -> bool {
        self.0 & ENDED_BEFORE != 0
    }

    /// Whether the text up to and with the byte is a match, whatever follows.
    pub(crate) const fn accepts(self) -> bool {
        self.0 & ACCEPTS != 0
    }

    /// Whether no byte leads on, nor the end of the text to a match.
    pub(crate) const fn stops(self) -> bool {
        self.0 & STOPS != 0
    }

    /// Whether it leads on and is no match.
    pub(crate) const fn is_plain(self) -> bool {
        self.0 < STOPS
    }

    /// Whether no other candidate needs to begin behind the byte.
    pub(crate) const fn covers(self) -> bool {
        self.0 & COVERS != 0
    }

    const fn matches(self) -> bool {
        self.0 & (ACCEPTS | ENDED_BEFORE) != 0
    }
}

/// An anchored deterministic automaton.
#[derive(Debug)]
pub(crate) struct Dfa {
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
        let mut dfa = Builder::new(nfa).build()?;
        dfa.mark_covering();
        Ok(dfa)
    }

    /// Marks the states that cover every start: whatever follows, when a candidate that begins now becomes a match, one that is in such a
    /// state has become one no later. The match of the older one then swallows the younger one, which need not be followed at all. Most
    /// patterns that could have a candidate at every byte of a text made for it (`\d{16}`, `a.*b`) have such states.
    fn mark_covering(&mut self) {
        let mut work = 0;
        let states = self.table.len() / self.stride;
        let covering: Vec<bool> = (0..states).map(|state| self.starts.iter().all(|start| self.covers(state, start.state().into(), &mut work))).collect();
        for step in self.table.iter_mut().chain(&mut self.starts) {
            if covering.get(usize::from(step.state())).copied().unwrap_or_default() {
                step.0 |= COVERS;
            }
        }
    }

    /// Whether every text that makes a match of `younger` makes one of `older` no later: a walk over both at once.
    fn covers(&self, older: usize, younger: usize, work: &mut usize) -> bool {
        let mut seen = BTreeSet::from([(older, younger)]);
        let mut stack = vec![(older, younger)];
        while let Some((older, younger)) = stack.pop() {
            *work += self.stride;
            if *work > COVER_WORK_MAX {
                return false;
            }
            let row = |state: usize| self.table.get(state * self.stride..).unwrap_or_default().iter().take(self.stride);
            for (old, young) in row(older).zip(row(younger)) {
                let pair = (usize::from(old.state()), usize::from(young.state()));
                match (old.matches(), young.matches(), young.state() == DEAD) {
                    (true, _, _) | (false, false, true) => {}
                    (false, true, _) => return false,
                    (false, false, false) => {
                        if seen.insert(pair) {
                            stack.push(pair);
                        }
                    }
                }
            }
        }
        true
    }

    /// The state of a candidate that begins behind `before`.
    pub(crate) fn start(&self, before: Neighbor) -> Step {
        self.starts.get(before as usize).copied().unwrap_or(Step(DEAD | STOPS))
    }

    /// Takes a byte.
    #[inline]
    pub(crate) fn step(&self, state: u16, byte: u8) -> Step {
        // A byte is always a valid index.
        let column = self.columns.get(usize::from(byte)).copied().unwrap_or_default();
        self.entry(state, usize::from(column))
    }

    /// Takes the end of the text.
    pub(crate) fn end(&self, state: u16) -> Step {
        self.entry(state, self.stride.saturating_sub(1))
    }

    #[inline]
    fn entry(&self, state: u16, column: usize) -> Step {
        self.table.get(usize::from(state) * self.stride + column).copied().unwrap_or(Step(DEAD | STOPS))
    }

    /// Bytes of memory.
    pub(crate) const fn bytes(&self) -> usize {
        self.table.len() * size_of::<Step>() + size_of::<Self>()
    }

    /// Whether a candidate can match without a single byte.
    pub(crate) fn matches_empty(&self) -> bool {
        let ends_at_once = |start: &Step| (0..self.stride).any(|column| self.entry(start.state(), column).ended_before());
        self.starts.iter().any(|start| start.accepts() || ends_at_once(start))
    }

    /// Whether any text matches at all.
    pub(crate) fn matches_something(&self) -> bool {
        self.table.iter().any(|step| step.accepts() || step.ended_before())
    }
}

/// States of the graph in order of preference, before any assertion is decided, and what stands before them if an assertion asks.
type Subset = (Neighbor, Vec<StateId>);

struct Builder<'a> {
    nfa: &'a Nfa,
    columns: [u8; 256],
    /// One byte of each column.
    examples: Vec<u8>,
    table: Vec<u16>,
    /// Which states are a match by themselves.
    accepting: Vec<bool>,
    ids: HashMap<Subset, u16>,
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
            table: Vec::new(),
            accepting: Vec::new(),
            ids: HashMap::new(),
            queue: Vec::new(),
            seen: vec![0; nfa.len()],
            expansion: 0,
            work: 0,
        }
    }

    fn build(mut self) -> Result<Dfa, String> {
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
        let stops = self.table.chunks_exact(stride).map(|row| row.iter().all(|entry| *entry == DEAD));
        let marks: Vec<u16> = stops.zip(&self.accepting).map(|(stops, accepts)| if stops { STOPS } else { 0 } | if *accepts { ACCEPTS } else { 0 }).collect();
        let mark = |entry: u16| Step(entry | marks.get(usize::from(entry & !ENDED_BEFORE)).copied().unwrap_or(STOPS));
        Ok(Dfa { columns: self.columns, stride, table: self.table.iter().map(|entry| mark(*entry)).collect(), starts: starts.map(mark) })
    }

    /// One row of the table: what each byte, and the end, makes of a subset.
    fn row(&mut self, (before, states): &Subset, accepts: bool) -> Result<(), String> {
        let mut decided: BTreeMap<Neighbor, Leaves> = BTreeMap::new();
        let bytes: Vec<Option<u8>> = self.examples.iter().copied().map(Some).chain([None]).collect();
        for byte in bytes {
            let after = Neighbor::of(byte);
            let leaves = decided.entry(after).or_insert_with(|| {
                let mut leaves = self.leaves();
                for id in states {
                    self.expand(*id, &mut leaves, |look| Some(look.holds(*before, after)));
                }
                leaves
            });
            let takes = |id: &StateId| match self.nfa.state(*id) {
                State::Bytes(set, next) => byte.is_some_and(|byte| set.contains(byte)).then_some(*next),
                State::Split(_) | State::Look(..) | State::Match => None,
            };
            let nexts = leaves.order.iter().filter_map(takes).collect();
            self.work += leaves.order.len();
            let matched = leaves.matched;
            let next = self.intern(after, nexts)?;
            // Where the subset is a match by itself, its state says so already.
            self.table.push(if matched && !accepts { next | ENDED_BEFORE } else { next });
        }
        if self.work > WORK_MAX {
            return Err("too complex: it takes too long to compile; use shorter counted repetitions".to_owned());
        }
        Ok(())
    }

    /// Begins an expansion.
    const fn leaves(&mut self) -> Leaves {
        self.expansion = self.expansion.wrapping_add(1);
        Leaves { order: Vec::new(), matched: false, asks: false }
    }

    /// Adds what can be reached without a byte, most wanted first, up to the first match: what is wanted less than a match is never
    /// looked at. `holds` decides assertions; an undecided one (`None`) is a leaf itself.
    fn expand(&mut self, from: StateId, leaves: &mut Leaves, holds: impl Fn(Look) -> Option<bool>) {
        let mut stack = vec![from];
        while let Some(id) = stack.pop() {
            let Some(seen) = self.seen.get_mut(id as usize) else { continue };
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
        let subset = if leaves.asks { (before, states) } else { (Neighbor::Other, leaves.order) };
        if let Some(id) = self.ids.get(&subset) {
            return Ok(*id);
        }
        let count = self.ids.len();
        let id = u16::try_from(count).ok().filter(|_| count < STATES_MAX && (count + 1) * (self.examples.len() + 1) <= ENTRIES_MAX);
        let id = id.ok_or("too complex: its automaton has too many states; use shorter counted repetitions")?;
        self.accepting.push(leaves.matched);
        self.queue.push(subset.clone());
        self.ids.insert(subset, id);
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
    let mut sets = BTreeSet::new();
    for state in nfa.states() {
        match state {
            State::Bytes(set, _) => {
                sets.insert(*set);
            }
            State::Look(..) => {
                for neighbor in Neighbor::ALL {
                    sets.insert((0..=u8::MAX).filter(|byte| Neighbor::of(Some(*byte)) == neighbor).collect::<ByteSet>());
                }
            }
            State::Split(_) | State::Match => {}
        }
    }
    let mut columns = [0; 256];
    let mut examples = Vec::new();
    let mut known: BTreeMap<Vec<bool>, u8> = BTreeMap::new();
    for (column, byte) in columns.iter_mut().zip(0..=u8::MAX) {
        let signature: Vec<bool> = sets.iter().map(|set| set.contains(byte)).collect();
        *column = *known.entry(signature).or_insert_with(|| {
            examples.push(byte);
            u8::try_from(examples.len() - 1).unwrap_or(u8::MAX)
        });
    }
    (columns, examples)
}
