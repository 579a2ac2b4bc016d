//! A text that goes on, and the document that it may be.

use super::nested::Nested;
use crate::TextSink;
use crate::edits::Change;
use crate::texts::{NestedIds, give};
use portcullis_policy::{Edit, Part, Place, Refusal, Role, Text, TextId};
use std::ops::Range;

/// Where texts go, and what is needed on the way.
pub(super) struct Teller<'a> {
    /// Takes them.
    pub sink: &'a mut dyn TextSink,
    /// Room for wishes.
    pub batch: &'a mut Vec<Edit>,
    /// Ids of texts within texts.
    pub ids: &'a mut NestedIds,
}

/// What came of a piece.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// From here on the text is undecided.
    pub undecided: Option<usize>,
    /// What the sink wishes changed in the text.
    pub wishes: Vec<Change>,
    /// What it wishes changed in strings of the document that the text is: as changes of the text, ready to be carried out.
    pub ready: Vec<Change>,
}

/// A text on its way to the sink, piece by piece. When it begins like a JSON document, it is read as one too, and the strings in it
/// that hide something behind escapes are texts of their own.
#[derive(Debug)]
pub(super) struct Flow {
    id: TextId,
    role: Role,
    place: Place,
    position: usize,
    kind: Kind,
    depth: usize,
}

#[derive(Debug)]
enum Kind {
    /// There was only white space yet.
    Unknown,
    Plain,
    Document(Box<Nested>),
}

impl Flow {
    /// A text that has not begun; documents in it are read `depth` levels deep.
    pub(super) const fn new(id: TextId, (role, place): (Role, Place), depth: usize) -> Self {
        let kind = if depth == 0 {
            Kind::Plain
        } else {
            Kind::Unknown
        };
        Self {
            id,
            role,
            place,
            position: 0,
            kind,
            depth,
        }
    }

    /// It does not look like the opaque text that it claimed to be: what comes is prose.
    pub(super) const fn disclaim(&mut self) {
        self.place = Place::Prose;
    }

    /// Whether it is opaque so far.
    pub(super) const fn is_opaque(&self) -> bool {
        matches!(self.place, Place::Opaque)
    }

    /// How much of it there was.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Takes the next piece.
    pub(super) fn tell(
        &mut self,
        piece: &str,
        last: bool,
        teller: &mut Teller<'_>,
    ) -> Result<Told, Refusal> {
        let start = self.position;
        self.position += piece.len();
        let text = Text {
            id: self.id,
            piece,
            last,
            role: self.role,
            place: self.place,
            part: Part::Alone,
            key: "",
        };
        let mut told = Told::default();
        told.undecided = give(text, teller.sink, teller.batch, &mut told.wishes)?;
        if let Kind::Unknown = self.kind
            && let Some(first) = piece
                .trim_start_matches([' ', '\t', '\r', '\n'])
                .chars()
                .next()
        {
            self.kind = match first {
                '{' | '[' => Kind::Document(Box::new(Nested::new(
                    start,
                    (self.role, self.place),
                    self.depth - 1,
                ))),
                _ => Kind::Plain,
            };
        }
        if let Kind::Document(document) = &mut self.kind {
            let undecided = document.read(piece, last, teller, &mut told.ready)?;
            told.undecided = match (told.undecided, undecided) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        Ok(told)
    }

    /// Wishes as changes that leave a document a document.
    pub(super) fn fit(&self, wishes: Vec<Change>) -> Vec<Change> {
        match &self.kind {
            Kind::Document(document) => document.fit(&wishes),
            Kind::Unknown | Kind::Plain => wishes,
        }
    }

    /// What `position` cuts in two although it is changed as a whole or not at all.
    pub(super) fn cut(&self, position: usize) -> Option<Range<usize>> {
        match &self.kind {
            Kind::Document(document) => document.cut(position),
            Kind::Unknown | Kind::Plain => None,
        }
    }

    /// Nothing before `position` will be changed any more.
    pub(super) fn forget(&mut self, position: usize) {
        if let Kind::Document(document) = &mut self.kind {
            document.forget(position);
        }
    }

    /// What is kept of the document, in places: strings, words, escapes.
    pub(super) fn kept(&self) -> usize {
        match &self.kind {
            Kind::Document(document) => document.kept(),
            Kind::Unknown | Kind::Plain => 0,
        }
    }
}
