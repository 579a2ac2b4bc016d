//! Strings that are JSON documents themselves: tool arguments, tool results.
//!
//! What such a string says is hidden by two layers of escapes; a policy that sees only the outer text does not see
//! `sk-\u0061nt…` in it. So the strings within are read again, each as a text of its own, as deep as documents are nested.

use super::escape_into;
use super::locate::{locate, measure};
use super::token::{Raw, Token};
use super::tokenizer::Tokenizer;
use super::unescape::{Unit, unit};
use crate::edits::{Change, merge};
use portcullis_policy::Refusal;
use std::ops::Range;

/// How many documents within documents are read: protects from work for each level. Real tool calls have one level, tools that call
/// tools two.
pub(crate) const NESTED_DEPTH_MAX: usize = 4;

/// Whether strings within a text may mean more than is written: it begins like a document and there are backslashes in it.
pub(crate) fn hides_text(text: &str) -> bool {
    begins(text) && memchr::memchr(b'\\', text.as_bytes()).is_some()
}

fn begins(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with(['{', '['])
}

/// Whether the text of a string, given as it is written, begins like a document.
pub(crate) fn starts_document(raw: &str) -> bool {
    let mut rest = raw;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if !rest.starts_with('\\') {
            return rest.starts_with(['{', '[']);
        }
        let Unit::Escape(len, meaning) = unit(rest.as_bytes()) else {
            return false;
        };
        match meaning {
            ' ' | '\t' | '\r' | '\n' => rest = rest.get(len..).unwrap_or_default(),
            _ => return matches!(meaning, '{' | '['),
        }
    }
}

/// Takes a string of a document; what it wishes changed in it.
pub(crate) type Reader<'a> = dyn FnMut(&str) -> Result<Vec<Change>, Refusal> + 'a;

/// Hands every string of a document whose escapes hide something to `text`, unescaped, and returns what it wishes changed in terms of
/// the document. Reads as far as the document is one.
pub(crate) fn read(
    document: &str,
    depth: usize,
    text: &mut Reader<'_>,
) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    for_each_scalar(document, &mut |scalar| {
        if let Scalar::String(raw, meaning) = scalar {
            changes.extend(read_string(raw, meaning, depth, text)?);
        }
        Ok(())
    })?;
    Ok(changes)
}

/// One string of a document.
fn read_string(
    raw: Raw<'_>,
    meaning: &str,
    depth: usize,
    text: &mut Reader<'_>,
) -> Result<Vec<Change>, Refusal> {
    if !raw.escaped {
        return Ok(Vec::new());
    }
    let mut inner = text(meaning)?;
    if depth > 1 && hides_text(meaning) {
        inner.extend(read(meaning, depth - 1, text)?);
    }
    Ok(outward(raw, inner, false))
}

/// Reads as [`read`] does what comes in portions, and keeps no more of it than the string at hand: a document can be megabytes.
#[derive(Debug)]
pub(crate) struct Portions {
    tokenizer: Tokenizer,
    /// What is not settled, and where it stands.
    tail: String,
    base: usize,
    /// It was no document from here on.
    over: bool,
}

impl Portions {
    /// At the beginning of a document.
    pub(crate) fn new() -> Self {
        Self {
            tokenizer: Tokenizer::many_whole(),
            tail: String::new(),
            base: 0,
            over: false,
        }
    }

    /// Takes the next portion.
    pub(crate) fn read(
        &mut self,
        portion: &str,
        last: bool,
        depth: usize,
        text: &mut Reader<'_>,
    ) -> Result<Vec<Change>, Refusal> {
        let mut changes = Vec::new();
        if self.over {
            return Ok(changes);
        }
        self.tail.push_str(portion);
        loop {
            match self.tokenizer.next(&self.tail, last) {
                Ok(Some(Token::Key(raw) | Token::Piece { raw, .. })) => {
                    let placed = Raw {
                        at: self.base + raw.at,
                        ..raw
                    };
                    let meaning = self.tokenizer.meaning(raw);
                    changes.extend(read_string(placed, meaning, depth, text)?);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => {
                    self.over = true;
                    break;
                }
            }
        }
        let settled = self.tokenizer.settle();
        self.base += settled;
        self.tail.drain(..settled.min(self.tail.len()));
        Ok(changes)
    }
}

/// Changes of a string's text as changes of the document that holds the string; with `escape`, ready to be carried out in it.
pub(crate) fn outward(raw: Raw<'_>, mut inner: Vec<Change>, escape: bool) -> Vec<Change> {
    merge(&mut inner);
    let mut places = Vec::with_capacity(inner.len());
    locate(
        raw.text,
        inner.iter().map(|change| &change.range),
        |bytes| {
            places.push(raw.at + bytes.start..raw.at + bytes.end);
        },
    );
    let outer = |(range, change): (Range<usize>, Change)| {
        if !escape {
            return Change {
                range,
                replacement: change.replacement,
            };
        }
        let mut replacement = String::with_capacity(change.replacement.len());
        escape_into(&change.replacement, &mut replacement);
        Change { range, replacement }
    };
    places.into_iter().zip(inner).map(outer).collect()
}

/// Turns changes of a text (sorted, merged) into ones that leave a document a document: what is put into its strings is escaped for
/// them, a number or word that is touched becomes a string, and punctuation stays. A text that is no document is changed as wished.
pub(crate) fn fit(text: &str, changes: Vec<Change>, depth: usize) -> Vec<Change> {
    if depth == 0 || changes.is_empty() || !begins(text) {
        return changes;
    }
    let mut fitting = Vec::with_capacity(changes.len());
    let mut wishes = Wishes {
        changes: &changes,
        used: vec![false; changes.len()],
        from: 0,
    };
    let whole = for_each_scalar(text, &mut |scalar| {
        let inside = scalar.range();
        match scalar {
            Scalar::String(raw, text) => {
                let wished = wishes.within(&inside);
                if !wished.is_empty() {
                    fitting.extend(into_string(raw, text, wished, depth));
                }
            }
            Scalar::Word(_) => {
                let mut wished = wishes
                    .within(&inside)
                    .into_iter()
                    .filter(|change| !change.range.is_empty());
                if let Some(first) = wished.next() {
                    let mut replacement = String::from("\"");
                    escape_into(&first.replacement, &mut replacement);
                    replacement.push('"');
                    fitting.push(Change {
                        range: inside,
                        replacement,
                    });
                }
            }
        }
        Ok(())
    });
    if whole == Ok(true) { fitting } else { changes }
}

/// Carries out changes in one string of a document.
fn into_string(raw: Raw<'_>, text: &str, wished: Vec<Change>, depth: usize) -> Vec<Change> {
    let bytes: Vec<_> = wished
        .iter()
        .map(|change| change.range.start - raw.at..change.range.end - raw.at)
        .collect();
    let mut ranges = Vec::with_capacity(bytes.len());
    measure(raw.text, &bytes, |range| ranges.push(range));
    let mut inner: Vec<Change> = ranges
        .into_iter()
        .zip(wished)
        .map(|(range, change)| Change {
            range,
            replacement: change.replacement,
        })
        .collect();
    merge(&mut inner);
    outward(raw, fit(text, inner, depth - 1), true)
}

/// Wishes for a document, given out to the strings and words that they concern, in order.
struct Wishes<'a> {
    changes: &'a [Change],
    /// Its replacement stands somewhere already: what else it covers is only taken away.
    used: Vec<bool>,
    from: usize,
}

impl Wishes<'_> {
    fn within(&mut self, inside: &Range<usize>) -> Vec<Change> {
        let mut wished = Vec::new();
        while self
            .changes
            .get(self.from)
            .is_some_and(|change| change.range.end < inside.start)
        {
            self.from += 1;
        }
        let changes = self.changes.get(self.from..).unwrap_or_default();
        let used = self.used.get_mut(self.from..).unwrap_or_default();
        for (change, used) in changes.iter().zip(used) {
            if change.range.start > inside.end {
                break;
            }
            let start = change.range.start.max(inside.start);
            let end = change.range.end.min(inside.end);
            // What merely touches from outside is not meant; an insertion is.
            if start > end || (start == end && !change.range.is_empty()) {
                continue;
            }
            let replacement = if *used {
                String::new()
            } else {
                change.replacement.clone()
            };
            *used = true;
            wished.push(Change {
                range: start..end,
                replacement,
            });
        }
        wished
    }
}

/// A value or key of a document that is not an array or object.
enum Scalar<'a> {
    /// A string's inside, and what it means.
    String(Raw<'a>, &'a str),
    /// A number, `true`, `false`, `null`.
    Word(Range<usize>),
}

impl Scalar<'_> {
    fn range(&self) -> Range<usize> {
        match self {
            Self::String(raw, _) => raw.at..raw.at + raw.text.len(),
            Self::Word(range) => range.clone(),
        }
    }
}

/// Calls `found` for every string, key and word in order. `Ok(true)`: all of `text` was a document, or several.
fn for_each_scalar(
    text: &str,
    found: &mut dyn FnMut(Scalar<'_>) -> Result<(), Refusal>,
) -> Result<bool, Refusal> {
    let mut tokenizer = Tokenizer::many();
    loop {
        let token = match tokenizer.next(text, true) {
            Ok(Some(token)) => token,
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        };
        match token {
            Token::Key(raw) | Token::Piece { raw, .. } => {
                found(Scalar::String(raw, tokenizer.meaning(raw)))?
            }
            Token::Number(_) | Token::Bool(_) | Token::Null => {
                found(Scalar::Word(tokenizer.last_word()))?
            }
            Token::Open { .. } | Token::Close { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish(seen: &mut Vec<String>, text: &str) -> Result<Vec<Change>, Refusal> {
        seen.push(text.to_owned());
        let at = text.find('x');
        Ok(at
            .map(|at| Change {
                range: at..at + 1,
                replacement: "y".to_owned(),
            })
            .into_iter()
            .collect())
    }

    proptest! {
        /// Documents, some of them within others, and what is none, portion by portion: the same strings and the same changes.
        #[test]
        fn portions_are_the_whole(pieces in proptest::collection::vec(r#"[\[\]{},: 1]|"[ax]{0,3}"|"a\\nx{0,2}"|"\{\\"a\\\\nx\\":1\}"|é|"|\\|\\u00"#, 0..14), sizes in proptest::collection::vec(1usize..9, 1..6)) {
            let document = pieces.concat();
            let mut seen = Vec::new();
            let whole = read(&document, 3, &mut |text: &str| wish(&mut seen, text));
            let (mut portions, mut seen_too, mut changes) = (Portions::new(), Vec::new(), Vec::new());
            let mut rest = document.as_str();
            for size in sizes.iter().cycle() {
                let (portion, behind) = rest.split_at(rest.ceil_char_boundary((*size).min(rest.len())));
                rest = behind;
                let read = portions.read(portion, rest.is_empty(), 3, &mut |text: &str| wish(&mut seen_too, text));
                changes.extend(read.unwrap());
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(whole.unwrap(), changes);
            prop_assert_eq!(seen, seen_too);
        }
    }
}
