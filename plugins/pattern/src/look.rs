//! Assertions about what stands beside a position.

/// All that an assertion wants to know about the byte on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Neighbor {
    /// None: the text begins or ends here.
    Edge,
    /// A letter, digit or underscore of ASCII.
    Word,
    /// `\n`.
    LineFeed,
    /// `\r`.
    CarriageReturn,
    /// Any other, all bytes of characters beyond ASCII among them.
    Other,
}

impl Neighbor {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Edge,
        Self::Word,
        Self::LineFeed,
        Self::CarriageReturn,
        Self::Other,
    ];

    /// The kind of a byte, or of the edge of the text.
    #[inline]
    #[must_use]
    pub const fn of(byte: Option<u8>) -> Self {
        match byte {
            None => Self::Edge,
            Some(b'\n') => Self::LineFeed,
            Some(b'\r') => Self::CarriageReturn,
            Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_') => Self::Word,
            Some(_) => Self::Other,
        }
    }

    const fn is_word(self) -> bool {
        matches!(self, Self::Word)
    }
}

/// An assertion, with the meaning that regex-lite gives it: words are of ASCII, lines end with `\n` or, in CRLF mode, with either or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// `\A`.
    Start,
    /// `\z`.
    End,
    /// `(?m)^`.
    StartLine,
    /// `(?m)$`.
    EndLine,
    /// `(?mR)^`.
    StartLineCrlf,
    /// `(?mR)$`.
    EndLineCrlf,
    /// `\b`.
    Word,
    /// `\B`.
    NotWord,
    /// `\b{start}`.
    WordStart,
    /// `\b{end}`.
    WordEnd,
    /// `\b{start-half}`.
    WordStartHalf,
    /// `\b{end-half}`.
    WordEndHalf,
}

impl Look {
    /// Whether it holds between two neighbors.
    pub(crate) fn holds(self, before: Neighbor, after: Neighbor) -> bool {
        use Neighbor::{CarriageReturn, Edge, LineFeed};
        match self {
            Self::Start => before == Edge,
            Self::End => after == Edge,
            Self::StartLine => matches!(before, Edge | LineFeed),
            Self::EndLine => matches!(after, Edge | LineFeed),
            Self::StartLineCrlf => {
                matches!(before, Edge | LineFeed) || before == CarriageReturn && after != LineFeed
            }
            Self::EndLineCrlf => {
                matches!(after, Edge | CarriageReturn)
                    || after == LineFeed && before != CarriageReturn
            }
            Self::Word => before.is_word() != after.is_word(),
            Self::NotWord => before.is_word() == after.is_word(),
            Self::WordStart => !before.is_word() && after.is_word(),
            Self::WordEnd => before.is_word() && !after.is_word(),
            Self::WordStartHalf => !before.is_word(),
            Self::WordEndHalf => !after.is_word(),
        }
    }
}
