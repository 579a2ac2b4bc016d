//! Reading the sentences of alerts, with the column of what is wrong.

use std::fmt;
use std::time::Duration;

/// Longest piece of a sentence that a message repeats. What is longer might be a secret in the wrong place.
const SHOWN_CHARS_MAX: usize = 16;

/// What is wrong with a sentence, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Characters from the beginning of the sentence, the first is 1.
    pub column: usize,
    /// What was expected there, and what stands there.
    pub message: String,
}

impl fmt::Display for Misread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "column {}: {}", self.column, self.message)
    }
}

/// A sentence and how far it is read.
#[derive(Debug, Clone)]
pub(super) struct Parser<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut parser = Self {
            rest: text,
            column: 1,
        };
        parser.skip_space();
        parser
    }

    /// What is wrong here.
    #[inline(never)]
    pub(super) fn error(&self, expected: &str) -> Misread {
        let found = self.token();
        let message = if self.rest.is_empty() {
            format!("expected {expected}, found the end")
        } else if found.chars().count() > SHOWN_CHARS_MAX {
            format!("expected {expected}")
        } else {
            format!("expected {expected}, found {found:?}")
        };
        Misread {
            column: self.column,
            message,
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&self, expected: &str) -> Result<(), Misread> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    /// Whether one of these signs stands here.
    pub(super) fn sees(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.rest.starts_with(sign))
    }

    /// One of these words, in any case; leaves everything when none of them stands here.
    pub(super) fn take_word<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<T> {
        let place = self.take_place(&mut words.iter().map(|(word, _)| *word))?;
        words.get(place).map(|(_, value)| *value)
    }

    #[inline(never)]
    fn take_place(&mut self, mut words: &mut dyn Iterator<Item = &str>) -> Option<usize> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(self.rest.len());
        let found = self.rest.get(..end)?;
        let place = Iterator::position(&mut words, |word| word.eq_ignore_ascii_case(found))?;
        self.advance(end);
        Some(place)
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(
        &mut self,
        words: &[(&str, T)],
        expected: &str,
    ) -> Result<T, Misread> {
        self.take_word(words).ok_or_else(|| self.error(expected))
    }

    /// One of these signs; the first that fits.
    pub(super) fn sign<T: Copy>(
        &mut self,
        signs: &[(&str, T)],
        expected: &str,
    ) -> Result<T, Misread> {
        let place = self.place_of_sign(&mut signs.iter().map(|(sign, _)| *sign), expected)?;
        let value = signs.get(place).map(|(_, value)| *value);
        value.ok_or_else(|| self.error(expected))
    }

    #[inline(never)]
    fn place_of_sign(
        &mut self,
        signs: &mut dyn Iterator<Item = &str>,
        expected: &str,
    ) -> Result<usize, Misread> {
        let found = signs
            .enumerate()
            .find(|(_, sign)| self.rest.starts_with(sign));
        let (place, sign) = found.ok_or_else(|| self.error(expected))?;
        self.advance(sign.len());
        Ok(place)
    }

    /// A whole number.
    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<u64, Misread> {
        let what = "a whole number";
        let digits = self.digits();
        let number = digits.and_then(|digits| digits.parse().ok());
        let number = number.ok_or_else(|| self.error(what))?;
        let end = digits.map_or(0, str::len);
        let glued = self.rest.get(end..).and_then(|rest| rest.chars().next());
        if glued.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(self.error(what));
        }
        self.advance(end);
        Ok(number)
    }

    /// A number and a unit, with or without space between: `5min`, `1 hour`.
    #[inline(never)]
    pub(super) fn duration(&mut self, max: Duration) -> Result<Duration, Misread> {
        let what = "a time such as 30s, 5min, 1 hour or 7 days";
        let before = self.clone();
        let wrong = || before.error(what);
        let digits = self.digits().ok_or_else(wrong)?;
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        self.advance(digits.len());
        let seconds = self.take_word(&UNITS).ok_or_else(wrong)?;
        let duration = number
            .checked_mul(seconds)
            .map(Duration::from_secs)
            .ok_or_else(wrong)?;
        if duration.is_zero() || duration > max {
            return Err(before.error(&format!(
                "a time of at least 1s and at most {}",
                Spelled(max)
            )));
        }
        Ok(duration)
    }

    /// A text in quotes; a quote inside is written twice.
    #[inline(never)]
    pub(super) fn quoted(&mut self, bytes_max: usize) -> Result<String, Misread> {
        let quote = self.rest.chars().next().filter(|c| ['\'', '"'].contains(c));
        let quote = quote.ok_or_else(|| self.error("a text in quotes"))?;
        let (mut text, mut at) = (String::new(), quote.len_utf8());
        let mut chars = self.rest.chars().skip(1).peekable();
        loop {
            let Some(c) = chars.next() else {
                return Err(Misread {
                    column: self.column,
                    message: format!("the text that begins here has no closing {quote}"),
                });
            };
            at += c.len_utf8();
            if c == quote {
                if chars.peek() != Some(&quote) {
                    break;
                }
                chars.next();
                at += quote.len_utf8();
            }
            text.push(c);
        }
        if text.is_empty() || text.len() > bytes_max {
            return Err(Misread {
                column: self.column,
                message: format!("expected a text of 1 to {bytes_max} bytes"),
            });
        }
        self.advance(at);
        Ok(text)
    }

    /// Somebody who is told: a word without space and control characters.
    #[inline(never)]
    pub(super) fn receiver(&mut self, bytes_max: usize) -> Result<String, Misread> {
        let name = self.token();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@._%+-/:#".contains(&byte);
        if name.is_empty() || name.len() > bytes_max || !name.bytes().all(plain) {
            return Err(self.error("a receiver such as security-team@company.com"));
        }
        self.advance(name.len());
        Ok(name.to_owned())
    }

    fn digits(&self) -> Option<&'a str> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        self.rest.get(..end).filter(|digits| !digits.is_empty())
    }

    fn token(&self) -> &'a str {
        self.rest
            .split(char::is_whitespace)
            .next()
            .unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        let (read, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.column += read.chars().count();
        self.rest = rest;
        self.skip_space();
    }

    fn skip_space(&mut self) {
        let rest = self.rest.trim_start();
        let skipped = self.rest.len() - rest.len();
        self.column += self
            .rest
            .get(..skipped)
            .map_or(0, |space| space.chars().count());
        self.rest = rest;
    }
}

/// Seconds of each unit; the first word of a unit is the one that is printed.
const UNITS: [(&str, u64); 18] = [
    ("d", 86_400),
    ("h", 3600),
    ("min", 60),
    ("s", 1),
    ("m", 60),
    ("sec", 1),
    ("secs", 1),
    ("second", 1),
    ("seconds", 1),
    ("mins", 60),
    ("minute", 60),
    ("minutes", 60),
    ("hr", 3600),
    ("hrs", 3600),
    ("hour", 3600),
    ("hours", 3600),
    ("day", 86_400),
    ("days", 86_400),
];

/// A time as [`Parser::duration`] reads it, in the largest unit that says it exactly.
pub(super) struct Spelled(pub Duration);

impl fmt::Display for Spelled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let fits = |each: u64| seconds.is_multiple_of(each);
        let (unit, each) = UNITS
            .into_iter()
            .find(|(_, each)| fits(*each))
            .unwrap_or(("s", 1));
        write!(out, "{}{unit}", seconds / each)
    }
}
