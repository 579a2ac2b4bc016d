//! Follows the candidates of one rule through one text.
//!
//! All candidates take each byte together. Two in the same state have the same future, so the younger one is let go: there are never more than
//! the automaton has states, and following all of them is linear in the text, where starting again behind each failure would not be. The
//! answer is that of searching again and again behind the last match (`find_iter` of regex-lite), for matches of up to [`UNDECIDED_BYTES_MAX`]
//! bytes; for longer ones see there.

use crate::marks::Marks;
use crate::window::Window;
use portcullis_pattern::Dfa;
use std::collections::VecDeque;
use std::ops::Range;

/// How many bytes may stay undecided because of one candidate. Protects memory and, in streams, patience: what is undecided is held back.
///
/// A match that is still growing when it is so long counts at once, and grows on as a continuation. A candidate that is no match yet when it is
/// so long goes on, so no padding hides a match from `block` and `flag`; when it does match, only its last so many bytes are its range, the
/// rest having been released.
pub(crate) const UNDECIDED_BYTES_MAX: usize = 4096;

/// A match of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternMatch {
    /// Where.
    pub(crate) range: Range<usize>,
    /// It is the rest of the match before, which was counted.
    pub(crate) continues: bool,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    state: u16,
    start: usize,
    /// Where the best match so far ends; 0 when there is none.
    end: usize,
    continues: bool,
}

impl Candidate {
    const fn found(self) -> PatternMatch {
        PatternMatch {
            range: self.start..self.end,
            continues: self.continues,
        }
    }

    /// Takes bytes, the first of which is at `position`, until one changes more than its state and its end; returns how many.
    fn run(
        &mut self,
        dfa: &Dfa,
        bytes: &[u8],
        position: usize,
        covered: &mut Range<usize>,
    ) -> usize {
        let matched = self.end > 0;
        let room = if matched {
            (self.start + UNDECIDED_BYTES_MAX).saturating_sub(position + 1)
        } else {
            bytes.len()
        };
        let mut taken = 0;
        for byte in bytes.iter().take(room) {
            let step = dfa.step(self.state, *byte);
            if !step.is_plain() {
                if step.stops() || step.ended_before() || !matched {
                    break;
                }
                self.end = position + taken + 1;
            }
            self.state = step.state();
            taken += 1;
            if step.covers() {
                cover(covered, position + taken);
            }
        }
        taken
    }
}

/// Adds a position; one behind a gap begins the range anew.
fn cover(covered: &mut Range<usize>, position: usize) {
    if covered.end < position {
        covered.start = position;
    }
    covered.end = covered.end.max(position + 1);
}

/// The candidates of a rule, oldest first, and the matches that an older candidate could still swallow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    live: Vec<Candidate>,
    done: VecDeque<PatternMatch>,
    /// No match begins before: an earlier one ends here.
    resume: usize,
    /// Where no candidate needs to begin: one that is alive there covers it.
    covered: Range<usize>,
}

/// Room to work in, shared by all rules and texts of an exchange.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    marks: Marks,
    young: Candidates,
}

impl Candidates {
    /// None, and none can begin any more.
    pub(crate) fn closed() -> Self {
        Self {
            resume: usize::MAX,
            ..Self::default()
        }
    }

    /// Whether matches wait, or none is alive: [`Self::settle`] has something to do.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.live.is_empty() || !self.done.is_empty()
    }

    /// Whether none is alive. Then no match waits either.
    pub(crate) const fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// How many are alive.
    pub(crate) const fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether a candidate need not begin at a position, because it would never be the first to match.
    pub(crate) fn covers(&self, position: usize) -> bool {
        self.covered.contains(&position)
    }

    /// The first position where a match can begin.
    pub(crate) const fn resume(&self) -> usize {
        self.resume
    }

    /// From where on the text up to `position` is undecided.
    pub(crate) fn undecided(&self, position: usize) -> usize {
        let live = self.live.first().map(|candidate| candidate.start);
        let done = self.done.front().map(|found| found.range.start);
        let first = live.into_iter().chain(done).min().unwrap_or(position);
        first.max(position.saturating_sub(UNDECIDED_BYTES_MAX))
    }

    /// Lets a candidate begin at each of `starts`, all younger than those alive, and leads them up to and with the byte at `last`. Returns
    /// whether one of them is a match, and how many steps it took.
    pub(crate) fn begin(
        &mut self,
        dfa: &Dfa,
        starts: Range<usize>,
        last: usize,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> (bool, usize) {
        let (mut matched, mut steps) = (false, 0);
        let mut young = std::mem::take(&mut scratch.young);
        (young.resume, young.covered) = (self.resume, self.covered.clone());
        let mut position = starts.start;
        while position <= last {
            if position < starts.end && position >= young.resume {
                let state = dfa.start(window.before(position));
                if !state.stops() {
                    young.live.push(Candidate {
                        state: state.state(),
                        start: position,
                        end: 0,
                        continues: false,
                    });
                }
            }
            if position + 1 >= starts.end {
                let bytes = window.from(position);
                let taken = young.run(
                    dfa,
                    bytes.get(..last + 1 - position).unwrap_or(bytes),
                    position,
                );
                (position, steps) = (position + taken, steps + taken);
            }
            if position > last || young.live.is_empty() && position + 1 >= starts.end {
                break;
            }
            steps += young.live.len();
            matched |= young.take(dfa, window.byte(position), position, window, scratch);
            position += 1;
        }
        self.adopt(&mut young, &mut scratch.marks);
        scratch.young = young;
        (matched, steps)
    }

    /// Takes younger candidates in, and leaves none.
    fn adopt(&mut self, young: &mut Self, marks: &mut Marks) {
        (self.resume, self.covered) = (young.resume, young.covered.clone());
        self.done.append(&mut young.done);
        if young.live.is_empty() {
            return;
        }
        for candidate in &self.live {
            marks.set(candidate.state);
        }
        for candidate in young.live.drain(..) {
            if marks.set(candidate.state) {
                self.live.push(candidate);
            } else if candidate.end > 0 {
                self.done.push_back(candidate.found());
            }
        }
        for candidate in &self.live {
            marks.clear(candidate.state);
        }
    }

    /// Leads a lone candidate over as many of the bytes, the first of which is at `position`, as it takes without becoming a match or ceasing
    /// to be one; returns how many.
    pub(crate) fn run(&mut self, dfa: &Dfa, bytes: &[u8], position: usize) -> usize {
        let [candidate] = self.live.as_mut_slice() else {
            return 0;
        };
        if !self.done.is_empty() {
            return 0;
        }
        let taken = candidate.run(dfa, bytes, position, &mut self.covered);
        self.resume = self.resume.max(candidate.end);
        taken
    }

    /// Leads all candidates over the byte at `position`, or over the end of the text there. Returns whether one of them became a match.
    pub(crate) fn take(
        &mut self,
        dfa: &Dfa,
        byte: Option<u8>,
        position: usize,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> bool {
        let marks = &mut scratch.marks;
        let (mut matched, mut covers) = (false, false);
        let mut kept = 0;
        let mut index = 0;
        while let Some(mut candidate) = self.live.get(index).copied() {
            index += 1;
            let step = byte.map_or_else(
                || dfa.end(candidate.state),
                |byte| dfa.step(candidate.state, byte),
            );
            candidate.state = step.state();
            if !step.is_plain() {
                let end = match (step.accepts(), step.ended_before()) {
                    (true, _) => position + 1,
                    (false, true) => position,
                    (false, false) => 0,
                };
                if end > 0 {
                    matched = true;
                    if candidate.end == 0 {
                        candidate.start = candidate
                            .start
                            .max(window.character(end.saturating_sub(UNDECIDED_BYTES_MAX)));
                    }
                    candidate.end = end;
                    self.resume = self.resume.max(end);
                    // What began inside of the match is no match, and covers nothing behind it.
                    self.covered.end = self.covered.end.min(end);
                    while self
                        .live
                        .get(index)
                        .is_some_and(|younger| younger.start < end)
                    {
                        index += 1;
                    }
                    while self
                        .done
                        .back()
                        .is_some_and(|found| found.range.start > candidate.start)
                    {
                        self.done.pop_back();
                    }
                }
            }
            if step.stops() || !marks.set(candidate.state) {
                if candidate.end > 0 {
                    self.finish(candidate.found());
                }
                continue;
            }
            if candidate.end > 0 && position + 1 >= candidate.start + UNDECIDED_BYTES_MAX {
                self.finish(candidate.found());
                candidate = Candidate {
                    start: candidate.end,
                    end: 0,
                    continues: true,
                    ..candidate
                };
            }
            covers |= step.covers();
            if let Some(place) = self.live.get_mut(kept) {
                *place = candidate;
                kept += 1;
            }
        }
        self.live.truncate(kept);
        if covers {
            cover(&mut self.covered, position + 1);
        }
        for candidate in &self.live {
            marks.clear(candidate.state);
        }
        matched
    }

    fn finish(&mut self, found: PatternMatch) {
        let place = self
            .done
            .iter()
            .rposition(|other| other.range.start <= found.range.start)
            .map_or(0, |before| before + 1);
        self.done.insert(place, found);
    }

    /// The next match that no older candidate can swallow any more, `position` bytes of the text having been taken.
    pub(crate) fn settle(&mut self, position: usize) -> Option<PatternMatch> {
        let first = self.done.front()?;
        let oldest = self
            .live
            .first()
            .map_or(usize::MAX, |candidate| candidate.start);
        if first.range.start >= oldest {
            // An older candidate is alive. It cannot be waited for forever: from now on it begins behind this match.
            if first.range.start + UNDECIDED_BYTES_MAX > position {
                return None;
            }
            let end = first.range.end;
            for candidate in &mut self.live {
                candidate.start = candidate.start.max(end);
            }
        }
        self.done.pop_front()
    }
}
