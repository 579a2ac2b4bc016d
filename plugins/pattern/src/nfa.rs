//! Thompson's construction: a tree becomes a graph of states that read bytes of UTF-8.

use super::bytes::ByteSet;
use super::chars::Chars;
use super::expr::Expr;
use super::look::Look;
use regex_syntax::utf8::{Utf8Sequence, Utf8Sequences};

/// Most states of a pattern, counted repetitions written out. Protects start-up: `(a{1000}){1000}` is a short text.
pub(crate) const STATES_MAX: usize = 8192;

/// Index of a state.
pub(crate) type StateId = u32;

/// One state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Takes a byte of the set.
    Bytes(ByteSet, StateId),
    /// Goes on at all of them, the first being the most wanted.
    Split(Vec<StateId>),
    /// Goes on where the assertion holds.
    Look(Look, StateId),
    /// The text so far is a match.
    Match,
}

/// A graph of states. Priorities are those of Perl and of regex-lite: leftmost first.
#[derive(Debug)]
pub(crate) struct Nfa {
    states: Vec<State>,
    start: StateId,
}

/// More than [`STATES_MAX`] states.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Nfa {
    /// Compiles a sequence.
    pub(crate) fn new(parts: &[Expr]) -> Result<Self, TooLarge> {
        let mut nfa = Self {
            states: vec![State::Match],
            start: 0,
        };
        nfa.start = nfa.concat(parts, 0)?;
        Ok(nfa)
    }

    /// Where it begins.
    pub(crate) const fn start(&self) -> StateId {
        self.start
    }

    /// Number of states.
    pub(crate) const fn len(&self) -> usize {
        self.states.len()
    }

    /// A state by its index.
    pub(crate) fn state(&self, id: StateId) -> &State {
        // Every id comes from `push`; state 0 is always there.
        self.states.get(id as usize).unwrap_or(&State::Match)
    }

    /// All states.
    pub(crate) fn states(&self) -> &[State] {
        &self.states
    }

    fn push(&mut self, state: State) -> Result<StateId, TooLarge> {
        if self.states.len() >= STATES_MAX {
            return Err(TooLarge);
        }
        self.states.push(state);
        StateId::try_from(self.states.len() - 1).map_err(|_| TooLarge)
    }

    /// States that match `expr` and then go on at `next`; returns the first. Built from the end, so that only loops need a second touch.
    fn compile(&mut self, expr: &Expr, next: StateId) -> Result<StateId, TooLarge> {
        match expr {
            Expr::Empty => Ok(next),
            Expr::Look(look) => self.push(State::Look(*look, next)),
            Expr::Chars(chars) => self.chars(chars, next),
            Expr::Concat(parts) => self.concat(parts, next),
            Expr::Alternate(parts) => {
                let targets = parts
                    .iter()
                    .map(|part| self.compile(part, next))
                    .collect::<Result<_, _>>()?;
                self.push(State::Split(targets))
            }
            Expr::Repeat {
                of,
                min,
                max,
                greedy,
            } => {
                let (rest, copies) = match max {
                    Some(max) => {
                        let mut rest = next;
                        for _ in *min..*max {
                            let body = self.compile(of, rest)?;
                            rest = self.push(choice(*greedy, body, next))?;
                        }
                        (rest, *min)
                    }
                    None if *min == 0 && of.can_be_empty() => {
                        // As `(x+)?`: with `x*` the order of preferences would be wrong (rust-lang/regex#779).
                        let body = self.plus(of, *greedy, next)?;
                        (self.push(choice(*greedy, body, next))?, 0)
                    }
                    None if *min == 0 => {
                        let again = self.push(State::Split(Vec::new()))?;
                        let body = self.compile(of, again)?;
                        self.set(again, choice(*greedy, body, next));
                        (again, 0)
                    }
                    None => (self.plus(of, *greedy, next)?, min - 1),
                };
                (0..copies).try_fold(rest, |rest, _| self.compile(of, rest))
            }
        }
    }

    fn concat(&mut self, parts: &[Expr], next: StateId) -> Result<StateId, TooLarge> {
        parts
            .iter()
            .rev()
            .try_fold(next, |next, part| self.compile(part, next))
    }

    fn plus(&mut self, of: &Expr, greedy: bool, next: StateId) -> Result<StateId, TooLarge> {
        let again = self.push(State::Split(Vec::new()))?;
        let body = self.compile(of, again)?;
        self.set(again, choice(greedy, body, next));
        Ok(body)
    }

    fn set(&mut self, id: StateId, state: State) {
        if let Some(place) = self.states.get_mut(id as usize) {
            *place = state;
        }
    }

    fn chars(&mut self, chars: &Chars, next: StateId) -> Result<StateId, TooLarge> {
        let mut targets = Vec::new();
        let mut ascii = ByteSet::default();
        for &(first, last) in chars.ranges() {
            if first < 0x80 {
                for byte in first..=last.min(0x7F) {
                    ascii.insert(u8::try_from(byte).unwrap_or(0x7F));
                }
            }
            match (first, last) {
                (_, ..0x80) => {}
                (..=0x80, 0x10_FFFF) => self.beyond_ascii(next, &mut targets)?,
                (_, _) => self.sequences(first.max(0x80), last, next, &mut targets)?,
            }
        }
        if !ascii.is_empty() {
            targets.push(self.push(State::Bytes(ascii, next))?);
        }
        match targets.as_slice() {
            [only] => Ok(*only),
            [] | [_, ..] => self.push(State::Split(targets)),
        }
    }

    /// Every character beyond ASCII, in few states. Texts are valid UTF-8, so the number of bytes that follow is all that matters.
    fn beyond_ascii(&mut self, next: StateId, targets: &mut Vec<StateId>) -> Result<(), TooLarge> {
        let mut rest = next;
        for lead in [
            ByteSet::range(0xC2, 0xDF),
            ByteSet::range(0xE0, 0xEF),
            ByteSet::range(0xF0, 0xF4),
        ] {
            rest = self.push(State::Bytes(ByteSet::range(0x80, 0xBF), rest))?;
            targets.push(self.push(State::Bytes(lead, rest))?);
        }
        Ok(())
    }

    fn sequences(
        &mut self,
        first: u32,
        last: u32,
        next: StateId,
        targets: &mut Vec<StateId>,
    ) -> Result<(), TooLarge> {
        // A range may begin or end among the surrogates, which no text holds.
        let first = char::from_u32(first).unwrap_or('\u{E000}');
        let last = char::from_u32(last).unwrap_or('\u{D7FF}');
        if first > last {
            return Ok(());
        }
        for sequence in Utf8Sequences::new(first, last) {
            let ranges = match &sequence {
                Utf8Sequence::One(range) => std::slice::from_ref(range),
                Utf8Sequence::Two(ranges) => ranges.as_slice(),
                Utf8Sequence::Three(ranges) => ranges.as_slice(),
                Utf8Sequence::Four(ranges) => ranges.as_slice(),
            };
            let mut rest = next;
            for range in ranges.iter().rev() {
                rest = self.push(State::Bytes(ByteSet::range(range.start, range.end), rest))?;
            }
            targets.push(rest);
        }
        Ok(())
    }
}

fn choice(greedy: bool, body: StateId, next: StateId) -> State {
    State::Split(if greedy {
        vec![body, next]
    } else {
        vec![next, body]
    })
}
