//! What a JSON document is made of, and why bytes are none.

/// Why bytes are not a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Not RFC 8259, or not UTF-8.
    Syntax,
    /// Deeper than [`super::tokenizer::DEPTH_MAX`].
    TooDeep,
    /// A key that must stand once stands twice in an object.
    DuplicateKey,
    /// A field has a value that it cannot have; the sentence says which.
    Field(&'static str),
}

/// What the tokenizer found. Strings are given as they are written, between their quotation marks, and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// `{` or `[`.
    Open { object: bool },
    /// `}` or `]`.
    Close { object: bool },
    /// An object's key, always whole.
    Key(Raw<'a>),
    /// A piece of a string value, never cut within a character or an escape.
    Piece {
        raw: Raw<'a>,
        first: bool,
        last: bool,
    },
    /// A number, as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// The inside of a string or a piece of it, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Where it begins in the document.
    pub at: usize,
    /// There are escapes in it…
    pub escaped: bool,
    /// …and backslashes in what it means.
    pub backslashes: bool,
}
