//! A document that comes in pieces, as the arguments of a streamed tool call do.
//!
//! Its strings are read while they come. Where something is to be changed, the change must fit the document although its end is not
//! known: so what has not left is kept in mind as places (strings, words, escapes), not as text. What is not complete (a key, a number,
//! an escape) is undecided; how long, the bound on held bytes says.

use super::flow::{Flow, Teller};
use super::inner::{Inner, all};
use crate::edits::{Change, merge};
use crate::json::{Raw, Token, Tokenizer, escape_into, escapes, outward};
use portcullis_policy::{Place, Refusal, Role};
use std::collections::VecDeque;
use std::ops::Range;

/// A document within a text. Positions are the text's.
#[derive(Debug)]
pub(super) struct Nested {
    tokenizer: Tokenizer,
    /// What the tokenizer still needs, and where it begins.
    tail: String,
    base: usize,
    /// Whose it is, and where it stands.
    of: (Role, Place),
    depth: usize,
    /// From here on the text is no document.
    broken: Option<usize>,
    /// The string at hand, when it comes in pieces.
    string: Option<Inner>,
    /// Strings and words that may still be changed, in order.
    places: VecDeque<Spot>,
    /// Escapes in these strings.
    escapes: VecDeque<Range<usize>>,
}

#[derive(Debug)]
struct Spot {
    /// Of a string: its inside; its end is not known while it is open.
    range: Range<usize>,
    word: bool,
}

impl Nested {
    /// Of a text, from a position on.
    pub(super) fn new(base: usize, of: (Role, Place), depth: usize) -> Self {
        Self {
            tokenizer: Tokenizer::many(),
            tail: String::new(),
            base,
            of,
            depth,
            broken: None,
            string: None,
            places: VecDeque::new(),
            escapes: VecDeque::new(),
        }
    }

    /// Takes a piece of the text. Answers from where on it is undecided because of what is in strings or is not complete.
    pub(super) fn read(
        &mut self,
        piece: &str,
        last: bool,
        teller: &mut Teller<'_>,
        ready: &mut Vec<Change>,
    ) -> Result<Option<usize>, Refusal> {
        if self.broken.is_some() {
            return Ok(None);
        }
        self.tail.push_str(piece);
        let tail = std::mem::take(&mut self.tail);
        let read = self.tokens(&tail, last, teller, ready);
        self.tail = tail;
        let settled = self.tokenizer.settle();
        self.tail.drain(..settled);
        self.base += settled;
        let waits = self.tokenizer.waits() && !self.tail.is_empty();
        if !read? || last {
            return self.end(teller, ready).map(|()| None);
        }
        if let Some(inner) = self.string.as_mut().filter(|_| self.tail.starts_with('\\')) {
            // The escape that comes may belong to what stands before it.
            inner.begin(self.depth, teller)?;
        }
        let undecided = self.string.as_ref().and_then(|inner| inner.undecided);
        Ok(if waits {
            Some(undecided.unwrap_or(self.base).min(self.base))
        } else {
            undecided
        })
    }

    /// Reads as far as there are tokens; `false` when there can be no more.
    fn tokens(
        &mut self,
        tail: &str,
        last: bool,
        teller: &mut Teller<'_>,
        ready: &mut Vec<Change>,
    ) -> Result<bool, Refusal> {
        loop {
            let token = match self.tokenizer.next(tail, last) {
                Ok(Some(token)) => token,
                Ok(None) => return Ok(true),
                Err(_) => return Ok(false),
            };
            match token {
                Token::Key(raw)
                | Token::Piece {
                    raw,
                    first: true,
                    last: true,
                } => {
                    let at = self.base + raw.at;
                    self.place(raw, Some(at + raw.text.len()), true);
                    if raw.escaped {
                        let mut flow = Flow::new(teller.ids.fresh(), self.of, self.depth);
                        let told = flow.tell(self.tokenizer.meaning(raw), true, teller)?;
                        ready.extend(outward(Raw { at, ..raw }, all(&flow, told), true));
                    }
                }
                Token::Piece { raw, first, last } => {
                    let at = self.base + raw.at;
                    self.place(raw, last.then_some(at + raw.text.len()), first);
                    let mut inner = match self.string.take() {
                        Some(inner) if !first => inner,
                        _ => Inner::new(at, self.of),
                    };
                    let meaning = self.tokenizer.meaning(raw);
                    inner.piece(Raw { at, ..raw }, meaning, last, self.depth, teller, ready)?;
                    if !last {
                        self.string = Some(inner);
                    }
                }
                Token::Number(_) | Token::Bool(_) | Token::Null => {
                    let word = self.tokenizer.last_word();
                    self.places.push_back(Spot {
                        range: self.base + word.start..self.base + word.end,
                        word: true,
                    });
                }
                Token::Open { .. } | Token::Close { .. } => {}
            }
        }
    }

    /// No more is read of it.
    fn end(&mut self, teller: &mut Teller<'_>, ready: &mut Vec<Change>) -> Result<(), Refusal> {
        self.broken = Some(self.base);
        if let Some(place) = self
            .places
            .back_mut()
            .filter(|place| place.range.end == usize::MAX)
        {
            // What comes may be anything, so it is not this string's.
            place.range.end = self.base;
        }
        if let Some(mut inner) = self.string.take() {
            let nothing = Raw {
                text: "",
                at: self.base,
                escaped: false,
                backslashes: false,
            };
            inner.piece(nothing, "", true, self.depth, teller, ready)?;
        }
        Ok(())
    }

    /// Keeps the place of a string, or of one more piece of it.
    fn place(&mut self, raw: Raw<'_>, end: Option<usize>, first: bool) {
        let at = self.base + raw.at;
        let end = end.unwrap_or(usize::MAX);
        if first {
            self.places.push_back(Spot {
                range: at..end,
                word: false,
            });
        } else if let Some(place) = self.places.back_mut() {
            place.range.end = end;
        }
        self.escapes
            .extend(escapes(raw.text).map(|escape| at + escape.bytes.start..at + escape.bytes.end));
    }

    /// See [`crate::json::fit`]; of a document of which only the window of kept places is known.
    pub(super) fn fit(&self, wishes: &[Change]) -> Vec<Change> {
        let mut fitting = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let breaks = |broken: &usize| wish.range.start < *broken && *broken < wish.range.end;
            if self.broken.as_ref().is_some_and(breaks) {
                // It ends what only began like a document, so nothing is there to be kept.
                fitting.push(wish.clone());
                continue;
            }
            let mut replacement = Some(wish.replacement.as_str());
            let from = self
                .places
                .partition_point(|place| place.range.end < wish.range.start);
            for place in self
                .places
                .range(from..)
                .take_while(|place| place.range.start <= wish.range.end)
            {
                let start = wish.range.start.max(place.range.start);
                let end = wish.range.end.min(place.range.end);
                if start > end || (start == end && (place.word || !wish.range.is_empty())) {
                    continue;
                }
                let text = replacement.take().unwrap_or_default();
                let mut written = String::new();
                if place.word {
                    written.push('"');
                    escape_into(text, &mut written);
                    written.push('"');
                    fitting.push(Change {
                        range: place.range.clone(),
                        replacement: written,
                    });
                } else {
                    escape_into(text, &mut written);
                    fitting.push(Change {
                        range: self.widened(start..end),
                        replacement: written,
                    });
                }
            }
            if self.broken.is_some_and(|broken| wish.range.start >= broken) {
                fitting.push(Change {
                    range: wish.range.clone(),
                    replacement: replacement.unwrap_or_default().to_owned(),
                });
            }
        }
        merge(&mut fitting);
        fitting
    }

    /// With the whole of the escapes that it cuts.
    fn widened(&self, range: Range<usize>) -> Range<usize> {
        let start = self.escape_around(range.start);
        let end = self.escape_around(range.end);
        start.map_or(range.start, |escape| escape.start)..end.map_or(range.end, |escape| escape.end)
    }

    fn escape_around(&self, position: usize) -> Option<Range<usize>> {
        let at = self
            .escapes
            .partition_point(|escape| escape.end <= position);
        let escape = self.escapes.get(at)?;
        (escape.start < position).then(|| escape.clone())
    }

    /// The escape or word that `position` cuts: it is changed as a whole or not at all.
    pub(super) fn cut(&self, position: usize) -> Option<Range<usize>> {
        let at = self
            .places
            .partition_point(|place| place.range.end <= position);
        let word = self
            .places
            .get(at)
            .filter(|place| place.word && place.range.start < position);
        word.map(|word| word.range.clone())
            .or_else(|| self.escape_around(position))
    }

    /// Nothing before `position` will be changed any more.
    pub(super) fn forget(&mut self, position: usize) {
        let gone = self
            .places
            .partition_point(|place| place.range.end <= position);
        self.places.drain(..gone);
        let gone = self
            .escapes
            .partition_point(|escape| escape.end <= position);
        self.escapes.drain(..gone);
        if let Some(inner) = &mut self.string {
            inner.forget(position);
        }
    }

    /// How many places are kept.
    pub(super) fn kept(&self) -> usize {
        self.places.len() + self.escapes.len() + self.string.as_ref().map_or(0, Inner::kept)
    }
}
