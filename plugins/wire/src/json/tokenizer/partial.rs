//! Tokens of many bytes: strings, numbers and words, which may be cut anywhere.

use super::{Expect, Tokenizer};
use crate::json::number::{is_number, reach};
use crate::json::scan::find_special;
use crate::json::token::{Malformed, Raw, Token};
use crate::json::unescaped::Stop;

/// How much of a string with escapes is given in one piece: what it means is put together in room that stays small, and near.
pub(in crate::json) const PIECE_BYTES: usize = 8 << 10;

/// A token whose end has not been seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partial {
    pub(super) kind: Kind,
    /// Its first byte that was not handed out.
    pub(super) start: usize,
    /// Everything before this was looked at.
    pub(super) seen: usize,
    /// Of a string: escapes were seen since `start`, and what it means up to `seen` is in `unescaped`.
    pub(super) escaped: bool,
    /// Of a string: nothing was handed out yet.
    pub(super) first: bool,
}

impl Partial {
    pub(super) const fn new(kind: Kind, start: usize) -> Self {
        Self {
            kind,
            start,
            seen: start,
            escaped: false,
            first: true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    String,
    Number,
}

impl Tokenizer {
    /// A string begins. Nearly all are there to their end and have no escapes.
    #[inline]
    pub(super) fn begin_string<'a>(
        &mut self,
        kind: Kind,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        let start = self.at + 1;
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        let len = find_special(rest);
        if let Some(len) = len
            && rest.get(len) == Some(&b'"')
        {
            let raw = Raw {
                text: text.get(start..start + len).unwrap_or_default(),
                at: start,
                escaped: false,
                backslashes: false,
            };
            self.at = start + len + 1;
            let token = self.whole(kind, raw, true);
            if kind == Kind::Key && rest.get(len + 1) == Some(&b':') {
                self.at += 1;
                self.expect = Expect::Value;
            }
            return Ok(Some(token));
        }
        let partial = Partial {
            seen: start + len.unwrap_or(rest.len()),
            ..Partial::new(kind, start)
        };
        self.string(partial, text, end)
    }

    /// A string is there to its end.
    #[inline]
    fn whole<'a>(&mut self, kind: Kind, raw: Raw<'a>, first: bool) -> Token<'a> {
        if kind == Kind::Key {
            self.expect = Expect::Colon;
            return Token::Key(raw);
        }
        self.after_value();
        Token::Piece {
            raw,
            first,
            last: true,
        }
    }

    #[inline]
    pub(super) fn resume<'a>(
        &mut self,
        partial: Partial,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        match partial.kind {
            Kind::Number => self.number(partial, text, end),
            Kind::Key | Kind::String => self.string(partial, text, end),
        }
    }

    pub(super) fn number<'a>(
        &mut self,
        mut partial: Partial,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        let rest = text.as_bytes().get(partial.seen..).unwrap_or_default();
        let reach = reach(rest);
        partial.seen += reach;
        if reach == rest.len() && !end {
            self.partial = Some(partial);
            return Ok(None);
        }
        let bytes = text.as_bytes().get(partial.start..).unwrap_or_default();
        if !is_number(bytes, partial.seen - partial.start) {
            return Err(Malformed::Syntax);
        }
        let number = text.get(partial.start..partial.seen).unwrap_or_default();
        self.partial = None;
        self.word = partial.start;
        self.at = partial.seen;
        self.after_value();
        Ok(Some(Token::Number(number)))
    }

    /// Goes on to the end of a string, or as far as there is text. Escapes are carried out on the way, so that no one has to look for
    /// them a second time.
    fn string<'a>(
        &mut self,
        mut partial: Partial,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        let bytes = text.as_bytes();
        // Who gives all that there is takes it whole, too.
        let in_pieces = partial.kind == Kind::String && !self.whole && !end;
        let (mut stop, mut goes_on) = (Stop::Unfinished, false);
        if !partial.escaped {
            let rest = bytes.get(partial.seen..).unwrap_or_default();
            let special = find_special(rest);
            partial.seen += special.unwrap_or(rest.len());
            match bytes.get(partial.seen) {
                None => {}
                Some(b'"') => stop = Stop::Quote,
                Some(b'\\') if in_pieces && partial.seen - partial.start >= PIECE_BYTES => {
                    goes_on = true;
                }
                Some(b'\\') => {
                    partial.escaped = true;
                    self.unescaped.clear();
                    let before = bytes.get(partial.start..partial.seen);
                    self.unescaped.read(before.unwrap_or_default());
                }
                Some(_) => stop = Stop::Invalid,
            }
        }
        if partial.escaped {
            let mut portion = text.len();
            if in_pieces {
                portion = text.floor_char_boundary(partial.seen + PIECE_BYTES);
                self.unescaped.reserve(portion - partial.seen);
            }
            let portion = bytes.get(partial.seen..portion).unwrap_or_default();
            let (read, why) = self.unescaped.read(portion);
            goes_on = why == Stop::Unfinished && partial.seen + portion.len() < text.len();
            partial.seen += read;
            stop = why;
        }
        if stop != Stop::Quote && !goes_on && (stop == Stop::Invalid || end) {
            self.failed = Some(Malformed::Syntax);
        }
        let waits = self.whole && stop == Stop::Unfinished && !end;
        if stop != Stop::Quote
            && (partial.kind == Kind::Key || partial.seen == partial.start || waits)
        {
            self.partial = Some(partial);
            return self.failed.map_or(Ok(None), Err);
        }
        let raw = Raw {
            text: text.get(partial.start..partial.seen).unwrap_or_default(),
            at: partial.start,
            escaped: partial.escaped,
            backslashes: partial.escaped && self.unescaped.has_backslashes(),
        };
        let first = partial.first;
        if stop == Stop::Quote {
            self.partial = None;
            self.at = partial.seen + 1;
            return Ok(Some(self.whole(partial.kind, raw, first)));
        }
        partial.start = partial.seen;
        partial.escaped = false;
        partial.first = false;
        self.partial = Some(partial);
        Ok(Some(Token::Piece {
            raw,
            first,
            last: false,
        }))
    }

    pub(super) fn literal<'a>(
        &mut self,
        word: &str,
        token: Token<'a>,
        text: &str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        let rest = text.as_bytes().get(self.at..).unwrap_or_default();
        let have = rest.get(..rest.len().min(word.len())).unwrap_or_default();
        if !word.as_bytes().starts_with(have) || (end && have.len() < word.len()) {
            return Err(Malformed::Syntax);
        }
        if have.len() < word.len() {
            return Ok(None);
        }
        self.word = self.at;
        self.at += word.len();
        self.after_value();
        Ok(Some(token))
    }
}
