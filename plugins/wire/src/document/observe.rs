//! What a document says to those who know what its places mean.

use crate::formats::Meaning;
use crate::json::Malformed;

/// A value at a place that the table gives a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A string: its beginning, of at most [`super::head::HEAD_BYTES_MAX`] bytes, and whether that is all of it.
    String { head: &'a str, whole: bool },
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An array or object begins.
    Open { object: bool },
    /// It ended.
    Close { object: bool },
}

/// What takes note of values that mean something.
pub(crate) trait Observe {
    /// Takes a value. An error ends the reading.
    fn value(&mut self, meaning: Meaning, value: Value<'_>) -> Result<(), Malformed>;

    /// The file that ended with the value just taken.
    fn payload(&mut self) -> Option<Payload> {
        None
    }

    /// Takes note of a file that was not read.
    fn unscanned(&mut self, payload: Payload) {
        let _ = payload;
    }
}

/// A file within a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The name for its media type, when it has one.
    pub name: Option<&'static str>,
    /// It is said to be plain text, and was read as such.
    pub is_text: bool,
}
