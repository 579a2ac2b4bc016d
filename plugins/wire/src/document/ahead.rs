//! Looking for one value before the rest is read.

use super::Document;
use super::head::Head;
use crate::formats::Meaning;
use crate::json::{Token, Trie, Walker};
use crate::places::Ground;

/// Looks for one value ahead of the reading.
#[derive(Debug)]
pub(crate) struct Lookahead {
    walker: Walker,
    head: Head,
}

/// What came of looking ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// More of the body is needed.
    NotYet,
    /// The string, from its beginning.
    Found(String),
    /// There is none, or the body is no document: reading it will tell.
    Nothing,
}

impl Lookahead {
    /// Nothing was looked at yet.
    pub(crate) fn new() -> Self {
        Self {
            walker: Walker::new(Ground::default()),
            head: Head::default(),
        }
    }

    /// Looks for the first string with a meaning, from where the last look ended.
    pub(crate) fn find(
        &mut self,
        document: &Document,
        trie: &Trie<Meaning>,
        wanted: Meaning,
        end: bool,
    ) -> Ahead {
        loop {
            let step = match self.walker.step(trie, &document.body, end) {
                Ok(Some(step)) => step,
                Ok(None) if !end && !document.not_utf8 => return Ahead::NotYet,
                Ok(None) | Err(_) => return Ahead::Nothing,
            };
            if let Token::Piece { raw, first, last } = step.token
                && trie.meaning(step.node) == Some(wanted)
                && let Some((head, _)) = self.head.of(self.walker.meaning(raw), first, last)
            {
                return Ahead::Found(head.to_owned());
            }
        }
    }
}
