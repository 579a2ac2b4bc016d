//! What a stream said that says everything again, as OpenAI's responses do: each text of the answer comes in deltas, then whole, with its part, with its
//! item and with the whole response.
//!
//! A text that comes again is not told again, so that it is counted and paid for once, and is changed as it was: what a client puts together from deltas is
//! what it reads at the end, also where some of it had left before it was known to be something.

use super::held::What;
use crate::edits::Change;
use portcullis_policy::{Place, Role};

/// Bytes of texts that are kept. Protects the worker's memory from a stream that says ever more; what is beyond them is read again.
const BYTES_MAX: usize = 1 << 20;

/// Texts that are kept. Protects it from one of many that are short.
const TEXTS_MAX: usize = 1 << 12;

/// Opaque texts up to this are not kept, in bytes: ids, of which there is another one with every event.
const OPAQUE_MIN: usize = 64;

/// The texts that were said.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// As they came.
    said: Vec<Said>,
    /// Those that can be found, in order.
    order: Vec<usize>,
    bytes: usize,
}

/// A text, and what became of it.
#[derive(Debug, Default)]
struct Said {
    written: Written,
    what: What,
    changes: Vec<Change>,
    /// It was nothing to anybody.
    dismissed: bool,
    /// It is whole, and may be among what waits to leave.
    whole: bool,
}

/// A text with all that makes a difference to those who are told it.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    kind: Kind,
    /// Of the key that `text` begins with.
    key_bytes: usize,
    text: String,
}

/// What those who are told a text make a difference of. What a tool is called with comes as words, too: in deltas nothing tells the two apart.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    #[default]
    Prose,
    Line,
    Opaque,
    Key,
    Number,
}

impl Written {
    fn new(what: What, place: Place, key: &str, text: &str) -> Self {
        let kind = match (what, place) {
            (What::Line, _) => Kind::Line,
            (_, Place::Prose | Place::Arguments) => Kind::Prose,
            (_, Place::Opaque) => Kind::Opaque,
            (_, Place::Key) => Kind::Key,
            (_, Place::Number) => Kind::Number,
        };
        Self {
            kind,
            key_bytes: key.len(),
            text: [key, text].concat(),
        }
    }
}

/// A text that does not go on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// What it says.
    pub text: &'a str,
    /// The key whose value it is, if no table knows it.
    pub key: &'a str,
    /// Where it is written.
    pub what: What,
    /// Whose it is, and where it stands.
    pub of: (Role, Place),
}

/// Whether a text came before.
#[derive(Debug, Clone, Copy)]
pub(super) enum Met {
    /// It did, as this one; whether it was nothing to anybody.
    Before(usize, bool),
    /// It did not, and is this one from now on.
    First(usize),
    /// It is not kept.
    Unkept,
}

impl Repeats {
    /// A text begins that goes on; `None` when no more are kept.
    pub(super) fn begin(&mut self, place: Place) -> Option<usize> {
        self.keep(Written::new(What::String, place, "", ""))
    }

    fn keep(&mut self, written: Written) -> Option<usize> {
        if self.said.len() >= TEXTS_MAX || self.is_full() {
            return None;
        }
        self.bytes += written.text.len();
        self.said.push(Said {
            written,
            ..Said::default()
        });
        Some(self.said.len() - 1)
    }

    const fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    /// The next piece of it.
    pub(super) fn say(&mut self, at: usize, piece: &str) {
        self.bytes += piece.len();
        if self.is_full() {
            // None is found any more. What is to be changed in those that wait is still kept.
            self.order.clear();
        } else if let Some(said) = self.said.get_mut(at) {
            said.written.text.push_str(piece);
        }
    }

    /// The text from `start` on was changed as it left.
    pub(super) fn change(&mut self, at: usize, start: usize, changes: &[Change]) {
        let is_full = self.is_full();
        let Some(said) = self.said.get_mut(at).filter(|said| said.whole || !is_full) else {
            return;
        };
        for change in changes {
            self.bytes += change.replacement.len();
            let mut change = change.clone();
            change.range.start += start;
            change.range.end += start;
            said.changes.push(change);
        }
    }

    /// It is whole.
    pub(super) fn end(&mut self, at: usize) {
        if let Some(said) = self.said.get(at).filter(|_| !self.is_full())
            && let Err(place) = self.place(&said.written)
        {
            self.found_from(place, at);
        }
    }

    fn found_from(&mut self, place: usize, at: usize) {
        self.order.insert(place, at);
        if let Some(said) = self.said.get_mut(at) {
            said.whole = true;
        }
    }

    /// A text that came at once.
    pub(super) fn meet(&mut self, told: Told<'_>) -> Met {
        let place = told.of.1;
        if place == Place::Opaque && told.text.len() <= OPAQUE_MIN {
            return Met::Unkept;
        }
        let written = Written::new(told.what, place, told.key, told.text);
        match self.place(&written) {
            Ok(place) => {
                let at = self.order.get(place).copied().unwrap_or_default();
                let dismissed = self.said.get(at).is_some_and(|said| said.dismissed);
                Met::Before(at, dismissed)
            }
            Err(place) => self.keep(written).map_or(Met::Unkept, |at| {
                self.found_from(place, at);
                Met::First(at)
            }),
        }
    }

    /// What became of it.
    pub(super) fn became(&mut self, at: usize, what: What, changes: &[Change], dismissed: bool) {
        if let Some(said) = self.said.get_mut(at) {
            (said.what, said.dismissed) = (what, dismissed);
        }
        self.change(at, 0, changes);
    }

    /// What is to be changed where it comes again.
    pub(super) fn changes(&self, at: usize) -> (What, Vec<Change>) {
        let said = self.said.get(at);
        said.map(|said| (said.what, said.changes.clone()))
            .unwrap_or_default()
    }

    fn place(&self, written: &Written) -> Result<usize, usize> {
        let said = |at: &usize| self.said.get(*at).map(|said| &said.written);
        self.order
            .binary_search_by(|at| said(at).cmp(&Some(written)))
    }
}
