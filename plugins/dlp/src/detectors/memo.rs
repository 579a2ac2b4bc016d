//! How far runs of an alphabet reach, as far as it was seen: many triggers can stand in one long token, and each would walk to its end.

use super::Class;
use crate::window::Window;
use std::cell::Cell;

/// How many alphabets are remembered at once.
const KNOWN_MAX: usize = 8;

/// From `from` up to `to` all bytes are of a class.
#[derive(Debug, Clone, Copy)]
struct Known {
    class: Class,
    from: usize,
    to: usize,
}

impl Known {
    const NOTHING: Self = Self {
        class: Class::of(""),
        from: 0,
        to: 0,
    };
}

/// Runs of a text, by their alphabets. Positions are those of the view.
#[derive(Debug)]
pub(crate) struct Memo {
    known: [Cell<Known>; KNOWN_MAX],
    /// Some are known.
    touched: Cell<bool>,
    /// Bytes that were walked over since it was last asked.
    steps: Cell<usize>,
    /// What the detector waits for that was asked last, if it is the end of a run.
    open: Cell<Option<Open>>,
}

/// A run whose end was not shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    pub(super) class: Class,
    pub(super) from: usize,
    /// What is longer makes no difference.
    pub(super) limit: usize,
}

impl Default for Memo {
    fn default() -> Self {
        Self {
            known: [const { Cell::new(Known::NOTHING) }; KNOWN_MAX],
            touched: Cell::default(),
            steps: Cell::default(),
            open: Cell::default(),
        }
    }
}

impl Memo {
    /// Forgets all.
    pub(crate) fn clear(&self) {
        if self.touched.take() {
            let forget = |known: &Cell<Known>| known.set(Known::NOTHING);
            self.known.iter().for_each(forget);
        }
        self.steps.set(0);
        self.open.set(None);
    }

    /// The detector waits for the end of a run.
    pub(super) fn waits_for(&self, open: Open) {
        self.open.set(Some(open));
    }

    /// A detector is asked: what another one waited for is of no interest.
    pub(super) fn asked(&self) {
        self.open.set(None);
    }

    /// Where the run ends that the detector waits for, as far as the text is known: it can be shown so much at once. `None` when it waits for
    /// something else.
    pub(crate) fn open_until(&self, window: Window<'_>) -> Option<usize> {
        let Open { class, from, limit } = self.open.take()?;
        let end = self.end(class, from, |at| {
            let more = window.range(at..limit.max(at).min(window.end()));
            at + more.iter().take_while(|byte| class.has(**byte)).count()
        });
        Some(end.min(limit))
    }

    /// How many bytes were walked over since it was last asked.
    pub(crate) fn take_steps(&self) -> usize {
        self.steps.take()
    }

    /// Where the run of a class ends that begins at `from`; `walk` goes on from a position.
    pub(super) fn end(&self, class: Class, from: usize, walk: impl Fn(usize) -> usize) -> usize {
        // Each alphabet has one place; few share one.
        let cell = self.known.get(class.mixed() as usize % KNOWN_MAX);
        let known = cell.map_or(Known::NOTHING, Cell::get);
        let is_known = known.class.is(&class) && known.from <= from && from <= known.to;
        let (from, seen) = match is_known {
            true => (known.from, known.to),
            false => (from, from),
        };
        let to = walk(seen).max(seen);
        self.steps.update(|steps| steps + (to - seen));
        if let Some(cell) = cell {
            cell.set(Known { class, from, to });
            self.touched.set(true);
        }
        to
    }
}
