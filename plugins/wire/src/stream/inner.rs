//! A string, that comes in pieces, of a document that comes in pieces.

use super::flow::{Flow, Teller, Told};
use crate::edits::{Change, Pending, merge};
use crate::json::{Raw, escape_into, escapes};
use portcullis_policy::{Place, Refusal, Role};
use std::collections::VecDeque;
use std::ops::Range;

/// How long a string without escapes is remembered, should an escape follow: protects the worker's memory from long strings. What is
/// in it alone was seen in the outer text already; only what lies across its end and an escape needs it.
const PLAIN_BEGINNING_BYTES_MAX: usize = 64 << 10;

/// A string that comes in pieces.
#[derive(Debug)]
pub(super) struct Inner {
    start: usize,
    /// Whose it is, and where it stands.
    of: (Role, Place),
    /// Without escapes up to here, and not told.
    plain: String,
    /// Told from its beginning on, since there was an escape.
    flow: Option<Flow>,
    /// Its escapes: where in the outer text, where in its own.
    escapes: VecDeque<(Range<usize>, Range<usize>)>,
    /// Wishes for what is not complete: a number or an escape of the document that the string may be.
    wishes: Pending,
    /// From where on the outer text is undecided because of it.
    pub undecided: Option<usize>,
}

impl Inner {
    /// A string whose inside begins at `start`.
    pub(super) fn new(start: usize, of: (Role, Place)) -> Self {
        Self {
            start,
            of,
            plain: String::new(),
            flow: None,
            escapes: VecDeque::new(),
            wishes: Pending::default(),
            undecided: None,
        }
    }

    /// Nothing of the outer text before `position` will be changed any more.
    pub(super) fn forget(&mut self, position: usize) {
        // The last escape that is gone is where positions behind it are counted from.
        let gone = self
            .escapes
            .partition_point(|(outer, _)| outer.end <= position);
        self.escapes.drain(..gone.saturating_sub(1));
    }

    /// How many places are kept.
    pub(super) fn kept(&self) -> usize {
        self.escapes.len() + self.flow.as_ref().map_or(0, Flow::kept)
    }

    /// Takes a piece.
    pub(super) fn piece(
        &mut self,
        raw: Raw<'_>,
        meaning: &str,
        last: bool,
        depth: usize,
        teller: &mut Teller<'_>,
        ready: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let told = match &mut self.flow {
            None if !raw.escaped
                && self.plain.len() + meaning.len() <= PLAIN_BEGINNING_BYTES_MAX =>
            {
                self.plain.push_str(meaning);
                return Ok(());
            }
            None => {
                self.note_escapes(raw, self.plain.len());
                let mut beginning = std::mem::take(&mut self.plain);
                beginning.push_str(meaning);
                self.flow
                    .insert(Flow::new(teller.ids.fresh(), self.of, depth))
                    .tell(&beginning, last, teller)?
            }
            Some(flow) => {
                let position = flow.position();
                let told = flow.tell(meaning, last, teller)?;
                self.note_escapes(raw, position);
                told
            }
        };
        let Some(flow) = &mut self.flow else {
            return Ok(());
        };
        let position = flow.position();
        let decided = told.undecided.filter(|_| !last).unwrap_or(position);
        let settled = flow.cut(decided).map_or(decided, |cut| cut.start);
        self.wishes.extend(told.wishes);
        let wishes = self.wishes.take(settled);
        let waits = self.wishes.all().first().map(|wish| wish.range.start);
        let undecided = waits.map_or(settled, |wish| wish.min(settled));
        let undecided = flow.cut(undecided).map_or(undecided, |cut| cut.start);
        let settled = Told {
            undecided: None,
            wishes,
            ready: told.ready,
        };
        let changes = all(flow, settled);
        flow.forget(undecided);
        self.undecided = (undecided < position).then(|| self.outer(undecided, false));
        for change in changes {
            let start = self.outer(change.range.start, false);
            let end = self.outer(change.range.end, true).max(start);
            let mut replacement = String::new();
            escape_into(&change.replacement, &mut replacement);
            ready.push(Change {
                range: start..end,
                replacement,
            });
        }
        Ok(())
    }

    /// Tells the beginning, because an escape follows it.
    pub(super) fn begin(&mut self, depth: usize, teller: &mut Teller<'_>) -> Result<(), Refusal> {
        if self.flow.is_some() {
            return Ok(());
        }
        let beginning = std::mem::take(&mut self.plain);
        let flow = self
            .flow
            .insert(Flow::new(teller.ids.fresh(), self.of, depth));
        let told = flow.tell(&beginning, false, teller)?;
        // What it wishes for was wished for in the outer text already.
        let whole = |position| flow.cut(position).map_or(position, |cut| cut.start);
        let undecided = told.undecided.map(whole);
        self.undecided = undecided.map(|position| self.outer(position, false));
        Ok(())
    }

    fn note_escapes(&mut self, raw: Raw<'_>, position: usize) {
        // One by one: `extend` is two kilobytes of code.
        for escape in escapes(raw.text) {
            self.escapes.push_back((
                raw.at + escape.bytes.start..raw.at + escape.bytes.end,
                position + escape.text.start..position + escape.text.end,
            ));
        }
    }

    /// Where in the outer text a position of the string stands; within an escape: its beginning, or its end when `past`.
    fn outer(&self, position: usize, past: bool) -> usize {
        let before = self
            .escapes
            .partition_point(|(_, text)| text.start < position);
        let Some((outer, text)) = before.checked_sub(1).and_then(|at| self.escapes.get(at)) else {
            // Before every escape that is kept: only plain text lies between it and the next one, or the string's beginning.
            return match self.escapes.front() {
                Some((outer, text)) => outer
                    .start
                    .saturating_sub(text.start.saturating_sub(position)),
                None => self.start + position,
            };
        };
        match position.checked_sub(text.end) {
            Some(behind) => outer.end + behind,
            None if past => outer.end,
            None => outer.start,
        }
    }
}

/// What is to be changed in a text, all ready.
pub(super) fn all(flow: &Flow, told: Told) -> Vec<Change> {
    let mut wishes = told.wishes;
    merge(&mut wishes);
    let mut changes = told.ready;
    changes.extend(flow.fit(wishes));
    merge(&mut changes);
    changes
}
