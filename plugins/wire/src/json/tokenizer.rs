//! A push tokenizer for RFC 8259.
//!
//! It reads text that grows at its end, goes over each byte once, and stops where more is needed, be it in the middle of an
//! escape. Where it stops means nothing: the tokens that any split of a document gives are the same, but for the cuts between the
//! pieces of a string. What is wrong shows as soon as the text up to it is there, after all that was right before it.

mod partial;

use super::number::simple_number;
use super::scan::find_special;
use super::token::{Malformed, Raw, Token};
use super::unescaped::Unescaped;
use super::walk::Simple;
#[cfg(test)]
pub(super) use partial::PIECE_BYTES;
use partial::{Kind, Partial};
use std::ops::Range;

/// How deep arrays and objects may nest: protects every stack that follows the document. No API's body is nested half as deep.
pub(crate) const DEPTH_MAX: u32 = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    Colon,
    CommaOrClose,
    Nothing,
}

/// The state between two calls of [`Tokenizer::next`].
#[derive(Debug)]
pub(crate) struct Tokenizer {
    at: usize,
    expect: Expect,
    partial: Option<Partial>,
    depth: u32,
    /// One bit for each open level: 1 is an object.
    levels: u128,
    /// Found, and to be said after the piece before it.
    failed: Option<Malformed>,
    /// More documents may follow the first.
    many: bool,
    /// Strings are given whole.
    whole: bool,
    /// Where the last number or word began.
    word: usize,
    /// What the last key or piece with escapes means.
    unescaped: Unescaped,
}

impl Tokenizer {
    /// For one document.
    pub(crate) const fn new() -> Self {
        Self {
            at: 0,
            expect: Expect::Value,
            partial: None,
            depth: 0,
            levels: 0,
            failed: None,
            many: false,
            whole: false,
            word: 0,
            unescaped: Unescaped::new(),
        }
    }

    /// For documents one after the other, with or without white space between them.
    pub(crate) fn many() -> Self {
        Self {
            many: true,
            ..Self::new()
        }
    }

    /// The same, with every string in one piece.
    pub(crate) fn many_whole() -> Self {
        Self {
            whole: true,
            ..Self::many()
        }
    }

    /// The next token of a document of which `text` is all that is there; it must begin with what earlier calls were given. `None`:
    /// nothing can be said without more; with `end`, that the document is complete.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let token = self.advance(text, end);
        if let Err(failed) = token {
            self.failed = Some(failed);
        }
        token
    }

    /// Whether a key may come next in an object: `Some(true)` behind a value.
    #[inline]
    pub(super) fn may_be_key(&self) -> Option<bool> {
        if self.partial.is_some() || self.failed.is_some() {
            return None;
        }
        match self.expect {
            Expect::CommaOrClose => Some(true),
            Expect::KeyOrClose => Some(false),
            Expect::Value
            | Expect::ValueOrClose
            | Expect::Key
            | Expect::Colon
            | Expect::Nothing => None,
        }
    }

    /// A key of so many bytes with all that is between two values comes next: it was read before.
    #[inline]
    pub(super) fn pass_key(&mut self, bytes: usize) {
        self.at += bytes;
        self.expect = Expect::Value;
    }

    /// The value of a key that was just passed, if one look tells what it is.
    #[inline]
    pub(super) fn simple<'a>(&mut self, text: &'a str) -> Option<Simple<'a>> {
        let rest = text.as_bytes().get(self.at..)?;
        let simple = if let [b'"', inside @ ..] = rest {
            let len = find_special(inside)?;
            if inside.get(len) != Some(&b'"') {
                return None;
            }
            let at = self.at + 1;
            self.at = at + len + 1;
            Simple::String(Raw {
                text: text.get(at..at + len)?,
                at,
                escaped: false,
                backslashes: false,
            })
        } else {
            let at = self.at;
            let (len, digits) = simple_number(rest)?;
            self.at += len;
            let raw = Raw {
                text: text.get(at..self.at)?,
                at,
                escaped: false,
                backslashes: false,
            };
            Simple::Number(raw, digits)
        };
        self.expect = Expect::CommaOrClose;
        Some(simple)
    }

    /// Whether a key was read to the colon behind it.
    #[inline]
    pub(super) fn is_behind_key(&self) -> bool {
        self.expect == Expect::Value
    }

    /// What the key or piece means that was found last.
    #[inline]
    pub(crate) fn meaning<'a>(&'a self, raw: Raw<'a>) -> &'a str {
        if raw.escaped {
            self.unescaped.text()
        } else {
            raw.text
        }
    }

    /// Forgets the text that is not needed any more, and says how many bytes of it: what follows is to be given without them.
    pub(crate) fn settle(&mut self) -> usize {
        let settled = self.partial.map_or(self.at, |partial| partial.start);
        self.at = self.at.saturating_sub(settled);
        self.word = self.word.saturating_sub(settled);
        if let Some(partial) = &mut self.partial {
            partial.start = 0;
            partial.seen -= settled;
        }
        settled
    }

    /// A key, number, word or escape has begun and must be complete before anything can be said of it.
    pub(crate) fn waits(&self) -> bool {
        self.partial.is_some() || matches!(self.expect, Expect::Value | Expect::ValueOrClose)
    }

    /// Behind the token that was found last.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// Where the number or word stands that was found last.
    pub(crate) const fn last_word(&self) -> Range<usize> {
        self.word..self.at
    }

    #[inline]
    fn advance<'a>(&mut self, text: &'a str, end: bool) -> Result<Option<Token<'a>>, Malformed> {
        if let Some(partial) = self.partial {
            return self.resume(partial, text, end);
        }
        loop {
            let Some(byte) = self.skip_white(text.as_bytes()) else {
                let complete = self.expect == Expect::Nothing || (self.many && self.at_top());
                return if end && !complete {
                    Err(Malformed::Syntax)
                } else {
                    Ok(None)
                };
            };
            match (self.expect, byte) {
                (Expect::Colon, b':') => {
                    self.at += 1;
                    self.expect = Expect::Value;
                }
                (Expect::CommaOrClose, b',') => {
                    self.at += 1;
                    self.expect = if self.in_object() {
                        Expect::Key
                    } else {
                        Expect::Value
                    };
                }
                (Expect::CommaOrClose | Expect::KeyOrClose, b'}') if self.in_object() => {
                    return self.close(true);
                }
                (Expect::CommaOrClose | Expect::ValueOrClose, b']') if !self.in_object() => {
                    return self.close(false);
                }
                (Expect::Key | Expect::KeyOrClose, b'"') => {
                    return self.begin_string(Kind::Key, text, end);
                }
                (Expect::Value | Expect::ValueOrClose, _) => return self.value(byte, text, end),
                (Expect::Nothing, _) if self.many => self.expect = Expect::Value,
                (
                    Expect::Key
                    | Expect::KeyOrClose
                    | Expect::Colon
                    | Expect::CommaOrClose
                    | Expect::Nothing,
                    _,
                ) => return Err(Malformed::Syntax),
            }
        }
    }

    #[inline]
    fn value<'a>(
        &mut self,
        byte: u8,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Token<'a>>, Malformed> {
        match byte {
            b'"' => self.begin_string(Kind::String, text, end),
            b'{' => self.open(true),
            b'[' => self.open(false),
            b'-' | b'0'..=b'9' => self.number(Partial::new(Kind::Number, self.at), text, end),
            b't' => self.literal("true", Token::Bool(true), text, end),
            b'f' => self.literal("false", Token::Bool(false), text, end),
            b'n' => self.literal("null", Token::Null, text, end),
            _ => Err(Malformed::Syntax),
        }
    }

    #[inline]
    fn open<'a>(&mut self, object: bool) -> Result<Option<Token<'a>>, Malformed> {
        if self.depth == DEPTH_MAX {
            return Err(Malformed::TooDeep);
        }
        self.at += 1;
        self.levels = self.levels << 1 | u128::from(object);
        self.depth += 1;
        self.expect = if object {
            Expect::KeyOrClose
        } else {
            Expect::ValueOrClose
        };
        Ok(Some(Token::Open { object }))
    }

    #[inline]
    fn close<'a>(&mut self, object: bool) -> Result<Option<Token<'a>>, Malformed> {
        self.at += 1;
        self.levels >>= 1;
        self.depth -= 1;
        self.after_value();
        Ok(Some(Token::Close { object }))
    }

    #[inline]
    fn after_value(&mut self) {
        self.expect = if self.depth == 0 {
            Expect::Nothing
        } else {
            Expect::CommaOrClose
        };
    }

    const fn in_object(&self) -> bool {
        self.levels & 1 == 1
    }

    /// Between two documents.
    const fn at_top(&self) -> bool {
        self.depth == 0 && self.partial.is_none()
    }

    #[inline]
    fn skip_white(&mut self, bytes: &[u8]) -> Option<u8> {
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }
}
