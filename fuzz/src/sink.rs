//! A sink that remembers its texts and redacts a needle in them, as a policy would: it holds what may become one.

use std::collections::BTreeMap;

use portcullis_policy::{Edit, Refusal, Text, TextId};
use portcullis_wire::TextSink;

/// What is looked for. Short, so that the fuzzer finds it.
pub const NEEDLE: &str = "K-9";

/// Fewest digits of a number that is a text.
pub const NUMBERS_FROM: usize = 4;

/// What stands in its place: it needs escaping.
pub const MARK: &str = "<\"\\>";

/// Texts by id, as they were given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Redact {
    /// Each text and how far it was searched.
    pub texts: BTreeMap<TextId, (String, usize)>,
    /// How often the needle was found.
    pub found: usize,
}

impl TextSink for Redact {
    fn numbers_from(&self) -> Option<usize> {
        Some(NUMBERS_FROM)
    }

    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let (whole, searched) = self.texts.entry(text.id).or_default();
        whole.push_str(text.piece);
        while let Some(at) = whole[*searched..].find(NEEDLE) {
            let start = *searched + at;
            *searched = start + NEEDLE.len();
            self.found += 1;
            edits.push(Edit {
                text: text.id,
                range: start..*searched,
                replacement: MARK.to_owned(),
            });
        }
        let rest = &whole[*searched..];
        let live = rest
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| NEEDLE.starts_with(&rest[*at..]));
        Ok(live.map(|at| *searched + at).filter(|_| !text.last))
    }
}
