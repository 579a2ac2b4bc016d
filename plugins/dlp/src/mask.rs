//! Masked values of one request: out with a placeholder, back in its answer.
//!
//! The map from placeholder to value lives in the request's exchange alone: an answer can only say what its own request said. What a client
//! writes in the shape of a placeholder is masked itself, so it comes back as it was written, never as somebody's value.

use crate::placeholder::{Kind, LENGTH, Masker, Placeholder, Search};
use crate::scanner::OPEN_TEXTS_MAX;
use portcullis_policy::{Edit, Text, TextId};

/// Longest value that is masked, in bytes. A longer one is redacted: no answer repeats so much.
pub(crate) const VALUE_BYTES_MAX: usize = 1024;

/// Most values of a request. Protects memory, as does the next.
const VALUES_MAX: usize = 4096;
const _: () = assert!(VALUES_MAX <= u16::MAX as usize);

/// Most bytes of all values of a request.
const VALUES_BYTES_MAX: usize = 256 * 1024;

/// The label of what only looks like a placeholder.
const LOOK_ALIKE_LABEL: &str = "TEXT";

/// No more values can be kept, or no more texts followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// Values.
    Values,
    /// Texts that are open at once.
    Texts,
}

/// The values of one request.
#[derive(Debug, Default)]
pub(crate) struct Vault {
    /// As they came.
    values: Vec<(Placeholder, String)>,
    /// Where they stand there, in the order of their placeholders: two bytes are moved for each when one comes between.
    order: Vec<u16>,
    bytes: usize,
    /// Texts in which a search has begun.
    open: Vec<(TextId, Search)>,
}

impl Vault {
    /// Whether nothing is masked.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Keeps a value; what stands for it.
    pub(crate) fn put(
        &mut self,
        masker: &Masker,
        kind: Kind,
        label: &str,
        value: &str,
    ) -> Result<Placeholder, TooMany> {
        let placeholder = masker.placeholder(kind, label, value);
        let place = self.place(&placeholder);
        if let Some((_, known)) = self.at(place).filter(|(known, _)| *known == placeholder) {
            // That two values share one does not happen; if it did, neither would be told for the other.
            return if known == value {
                Ok(placeholder)
            } else {
                Err(TooMany::Values)
            };
        }
        self.bytes += value.len();
        if self.values.len() >= VALUES_MAX || self.bytes > VALUES_BYTES_MAX {
            return Err(TooMany::Values);
        }
        let index = u16::try_from(self.values.len()).map_err(|_| TooMany::Values)?;
        self.order.insert(place, index);
        self.values.push((placeholder, value.to_owned()));
        Ok(placeholder)
    }

    /// Where a placeholder stands in the order, or would.
    fn place(&self, placeholder: &Placeholder) -> usize {
        let is_before = |index: &u16| {
            let known = self.values.get(usize::from(*index));
            known.is_some_and(|(known, _)| known.bytes().iter().lt(placeholder.bytes()))
        };
        self.order.partition_point(is_before)
    }

    /// What stands at a place of the order.
    fn at(&self, place: usize) -> Option<&(Placeholder, String)> {
        self.values.get(usize::from(*self.order.get(place)?))
    }

    /// Masks what looks like a placeholder in a text of the request; how many there were.
    pub(crate) fn escape(
        &mut self,
        masker: &Masker,
        text: Text<'_>,
        mut edit: impl FnMut(Edit),
    ) -> Result<u32, TooMany> {
        let mut search = self.search(text)?;
        let (mut result, mut count) = (Ok(()), 0);
        search.push(text.piece, |at, _, written| {
            match self.put(masker, Kind::LookAlike, LOOK_ALIKE_LABEL, written) {
                Ok(placeholder) => {
                    count += 1;
                    edit(Edit {
                        text: text.id,
                        range: at..at + LENGTH,
                        replacement: placeholder.as_str().to_owned(),
                    });
                }
                Err(too_many) => result = Err(too_many),
            }
        });
        self.keep(text, search);
        result.map(|()| count)
    }

    /// Puts values back in a text of the answer. Answers from where on the text must wait, because a placeholder has begun there.
    pub(crate) fn restore(
        &mut self,
        text: Text<'_>,
        mut edit: impl FnMut(Edit),
    ) -> Result<Option<usize>, TooMany> {
        let mut search = self.search(text)?;
        search.push(text.piece, |at, found, _| {
            let known = self.at(self.place(found));
            if let Some((_, value)) = known.filter(|(known, _)| known == found) {
                edit(Edit {
                    text: text.id,
                    range: at..at + LENGTH,
                    replacement: value.clone(),
                });
            }
        });
        let begun = search.begun().filter(|(_, begun)| self.has_begun(begun));
        let waits = begun.map(|(at, _)| at).filter(|_| !text.last);
        self.keep(text, search);
        Ok(waits)
    }

    /// Whether one of the placeholders begins so.
    fn has_begun(&self, begun: &[u8]) -> bool {
        // All before it in their order come before those that begin so.
        let mut first = [0; LENGTH];
        for (place, byte) in first.iter_mut().zip(begun) {
            *place = byte.to_ascii_uppercase();
        }
        let len = begun.len();
        self.at(self.place(&Placeholder::lowest(first)))
            .is_some_and(|(placeholder, _)| {
                placeholder
                    .bytes()
                    .iter()
                    .zip(first)
                    .take(len)
                    .all(|(one, other)| *one == other)
            })
    }

    /// The search in a text, taken out of those that have begun.
    fn search(&mut self, text: Text<'_>) -> Result<Search, TooMany> {
        match self.open.iter().rposition(|(id, _)| *id == text.id) {
            Some(index) => Ok(self.open.swap_remove(index).1),
            None if self.open.len() >= OPEN_TEXTS_MAX => Err(TooMany::Texts),
            None => Ok(Search::default()),
        }
    }

    fn keep(&mut self, text: Text<'_>, search: Search) {
        if !text.last {
            self.open.push((text.id, search));
        }
    }

    /// A message is over: no text of it goes on.
    pub(crate) fn end(&mut self) {
        self.open = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker() -> Masker {
        Masker::new(b"0123456789abcdef").unwrap()
    }

    fn restored(vault: &mut Vault, pieces: &[&str]) -> (String, usize) {
        let (mut out, mut held, mut edits) = (pieces.concat(), 0, Vec::new());
        let mut given = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let text = Text::prose(TextId(1), piece, index + 1 == pieces.len());
            given += piece.len();
            let waits = vault.restore(text, |edit| edits.push(edit)).unwrap();
            held = held.max(waits.map_or(0, |from| given - from));
        }
        for edit in edits.into_iter().rev() {
            out.replace_range(edit.range, &edit.replacement);
        }
        (out, held)
    }

    #[test]
    fn values_come_back_wherever_the_answer_is_cut() {
        let mut vault = Vault::default();
        let put = |vault: &mut Vault, value| {
            let put = vault.put(&masker(), Kind::Value, "EMAIL", value);
            put.unwrap().as_str().to_owned()
        };
        let (jane, june) = (
            put(&mut vault, "jane@corp.com"),
            put(&mut vault, "june@corp.com"),
        );
        let answer = format!("[{jane}] and {june}, {jane}");
        for cut in 0..=answer.len() {
            let (before, behind) = answer.split_at(cut);
            let (out, held) = restored(&mut vault, &[before, behind]);
            assert_eq!(
                out, "[jane@corp.com] and june@corp.com, jane@corp.com",
                "{cut}"
            );
            assert!(held < LENGTH);
        }
        let letters: Vec<String> = answer.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        let (_, held) = restored(&mut vault, &letters);
        assert_eq!(held, LENGTH - 1);
        // Of another key, so another request's.
        let other = Masker::new(b"another key here").unwrap();
        let foreign = other.placeholder(Kind::Value, "EMAIL", "jane@corp.com");
        assert_eq!(
            restored(&mut vault, &[foreign.as_str()]).0,
            foreign.as_str()
        );
        assert_eq!(restored(&mut vault, &["[EMAIL", " is no placeholder"]).1, 6);
        assert_eq!(restored(&mut vault, &["[EMAX", "IL"]).1, 0);
    }

    #[test]
    fn a_look_alike_comes_back_as_it_was_written() {
        let mut vault = Vault::default();
        let jane = vault
            .put(&masker(), Kind::Value, "EMAIL", "jane@corp.com")
            .unwrap();
        let mut edits = Vec::new();
        let text = Text::prose(TextId(1), jane.as_str(), true);
        let count = vault.escape(&masker(), text, |edit| edits.push(edit));
        assert_eq!(count, Ok(1));
        let stands = edits[0].replacement.clone();
        assert_ne!(stands, jane.as_str());
        assert_eq!(restored(&mut vault, &[&stands]).0, jane.as_str());
        assert_eq!(restored(&mut vault, &[jane.as_str()]).0, "jane@corp.com");
    }

    #[test]
    fn values_are_bounded() {
        let mut vault = Vault::default();
        let mut put = |value: &str| vault.put(&masker(), Kind::Value, "V", value);
        for index in 0..VALUES_MAX {
            assert!(put(&index.to_string()).is_ok());
        }
        assert_eq!(put("one more"), Err(TooMany::Values));
        assert!(put("1").is_ok());
        let mut vault = Vault::default();
        let value = "v".repeat(VALUES_BYTES_MAX + 1);
        assert_eq!(
            vault.put(&masker(), Kind::Value, "V", &value),
            Err(TooMany::Values)
        );
    }
}
