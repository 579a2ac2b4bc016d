//! What a writer, or a program, puts between the parts of a token: blanks, controls and marks of markdown, line breaks with what quotes or comments a line,
//! the end of one string and the begin of the next (`"sk-" + "ant-…"`), tags and comments, the edge of a table's cells, a soft line break (RFC 2045).

use super::broken::Tokens;
use crate::detectors::Class;
use crate::window::Window;

/// Most bytes of a gap.
pub(super) const GAP_BYTES_MAX: usize = 40;

/// By when it is known whether a gap begins at a byte, and where it ends.
pub(super) const GAP_KNOWN_BY: usize = GAP_BYTES_MAX + TAG_BYTES_MAX + 1;

/// What a gap can begin with.
pub(super) const BEGINS: Class = Class::of("\x01-\x1F \x7F\"'*/<=`~");

/// Most marks and blanks in a row.
const MARKS_MAX: usize = 8;

/// Most bytes of a tag or a comment.
const TAG_BYTES_MAX: usize = 28;

/// Whether there is one, as far as the bytes at hand tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    Of {
        bytes: usize,
        /// There is more in it than blanks.
        breaks: bool,
    },
    /// There is none.
    No,
    /// All of these bytes could be of one, which would be too long.
    TooLong(usize),
    /// That depends on what follows.
    Unknown,
}

/// A part of one.
enum Piece {
    Of(usize),
    No,
    Unknown,
}

/// Whether a gap can begin with these bytes: one look, before anybody looks closer.
#[inline]
pub(super) fn can_begin(byte: u8, next: Option<u8>) -> bool {
    match byte {
        b'"' | b'\'' => next.is_none_or(|next| {
            is_gap(next) || matches!(next, b'+' | b'.' | b'&' | b'|' | b'<' | b'\\')
        }),
        b'<' => next.is_none_or(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!')),
        b'/' => next.is_none_or(|next| next == b'*'),
        b'=' => next.is_none_or(|next| matches!(next, b'\r' | b'\n')),
        byte => is_gap(byte),
    }
}

/// Whether a gap that is followed by this byte may go on with it.
#[inline]
pub(super) fn can_go_on(byte: u8) -> bool {
    const ON: Class = Class::of("\x01-\x1F \x7F\"'*/<=`~>#|");
    ON.has(byte)
}

/// The gap that these bytes begin with; `last` tells that nothing follows them.
pub(super) fn gap(bytes: &[u8], tokens: Tokens, last: bool) -> Gap {
    // As nearly all are.
    if let [byte, next, ..] = bytes
        && is_gap(*byte)
        && !can_go_on(*next)
    {
        return Gap::Of {
            bytes: 1,
            breaks: *byte != b' ',
        };
    }
    let (mut at, mut breaks, mut is_line) = (0, false, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let found = match rest {
            [] => Piece::Unknown,
            [byte, next @ ..] => {
                let next = next.first().copied();
                if is_gap(*byte) {
                    marks(rest)
                } else if can_begin(*byte, next) {
                    piece(rest)
                } else if is_line {
                    line_mark(rest)
                } else if before == Some(&b' ') && *byte == b'|' && tokens == Tokens::Others {
                    edge(rest)
                } else {
                    Piece::No
                }
            }
        };
        match found {
            Piece::Of(piece) => {
                let part = rest.get(..piece).unwrap_or_default();
                for byte in part {
                    breaks |= *byte != b' ';
                    is_line |= *byte == b'\n';
                }
                at += piece;
                if at > GAP_BYTES_MAX {
                    return Gap::TooLong(at);
                }
            }
            Piece::Unknown if !last => return Gap::Unknown,
            Piece::No | Piece::Unknown if at == 0 => return Gap::No,
            Piece::No | Piece::Unknown => return Gap::Of { bytes: at, breaks },
        }
    }
}

/// The fewest bytes that tell something, which fewer do not, and more do; `None` when so many do not.
pub(super) fn fewest(most: usize, tell: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut too_few, mut enough) = (0, 1);
    while !tell(enough) {
        if enough >= most {
            return None;
        }
        (too_few, enough) = (enough, most.min(2 * enough));
    }
    while too_few + 1 < enough {
        let middle = usize::midpoint(too_few, enough);
        if tell(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

/// The bytes of a token without what breaks it.
pub(super) fn without_gaps(token: &[u8], tokens: Tokens) -> Vec<u8> {
    let mut whole = Vec::with_capacity(token.len());
    let mut at = 0;
    while let Some(byte) = token.get(at) {
        match gap(token.get(at..).unwrap_or_default(), tokens, true) {
            Gap::Of { bytes, .. } => at += bytes,
            Gap::No | Gap::TooLong(_) | Gap::Unknown => {
                whole.push(*byte);
                at += 1;
            }
        }
    }
    whole
}

fn marks(bytes: &[u8]) -> Piece {
    let most = bytes.iter().take(MARKS_MAX + 1);
    let marks = most.take_while(|byte| is_gap(**byte)).count();
    if marks > MARKS_MAX {
        Piece::No
    } else if marks == bytes.len() {
        Piece::Unknown
    } else {
        Piece::Of(marks)
    }
}

fn piece(bytes: &[u8]) -> Piece {
    match bytes {
        [b'"' | b'\'', rest @ ..] => strings(rest),
        [b'<', b'!', b'-', b'-', ..] => closed(bytes, *b"-->"),
        [b'/', b'*', ..] => closed(bytes, *b"\0*/"),
        [b'=', b'\n', ..] => Piece::Of(2),
        [b'=', b'\r', b'\n', ..] => Piece::Of(3),
        [b'<', b'!'] | [b'<', b'!', b'-'] | [b'/'] | [b'='] | [b'=', b'\r'] => Piece::Unknown,
        [b'<', b'!', ..] => Piece::No,
        [b'<', ..] => closed(bytes, *b"\0\0>"),
        _ => Piece::No,
    }
}

/// Behind a closing quote: blanks or an operator, and an opening quote.
fn strings(rest: &[u8]) -> Piece {
    let blanks = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default().iter();
        let blanks = rest
            .take(MARKS_MAX)
            .take_while(|byte| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n' | b'\\'));
        from + blanks.count()
    };
    let first = blanks(0);
    let operator = match rest.get(first..).unwrap_or_default() {
        [b'.', b'.', ..] | [b'|', b'|', ..] | [b'<', b'>', ..] => 2,
        [b'+' | b'.' | b'&', ..] => 1,
        [] | [b'|' | b'<'] => return Piece::Unknown,
        _ => 0,
    };
    let second = blanks(first + operator);
    match rest.get(second) {
        None => Piece::Unknown,
        Some(b'"' | b'\'') if second > 0 => Piece::Of(second + 2),
        Some(_) => Piece::No,
    }
}

/// Up to a closing, of which zeros are no part.
fn closed(bytes: &[u8], closing: [u8; 3]) -> Piece {
    let most = bytes.get(..TAG_BYTES_MAX).unwrap_or(bytes);
    let [first, second, last] = closing;
    let is = |byte: u8, expected: u8| byte == expected || expected == 0;
    let (mut before, mut nearest) = (0, 0);
    for (byte, end) in most.iter().zip(1..) {
        if *byte == last && is(nearest, second) && is(before, first) {
            return Piece::Of(end);
        }
        (before, nearest) = (nearest, *byte);
    }
    if most.len() < TAG_BYTES_MAX {
        Piece::Unknown
    } else {
        Piece::No
    }
}

/// At a line's begin: what quotes it, or makes a comment of it.
fn line_mark(bytes: &[u8]) -> Piece {
    match bytes {
        [b'>' | b'#' | b'|', ..] => Piece::Of(1),
        [b'/', b'/', ..] => Piece::Of(2),
        [b'/'] => Piece::Unknown,
        _ => Piece::No,
    }
}

/// The edge between two cells.
fn edge(bytes: &[u8]) -> Piece {
    match bytes {
        [b'|', b' ', ..] => Piece::Of(1),
        [b'|'] => Piece::Unknown,
        _ => Piece::No,
    }
}

/// Whether the digits that begin at a position go on from others before a gap of blanks and marks, as they nearly always do where there are many
/// of both. One blank is none.
pub(super) fn goes_on(window: Window<'_>, start: usize) -> bool {
    let marks = window.range(start.saturating_sub(MARKS_MAX + 1)..start);
    let count = marks.iter().rev().take_while(|byte| is_gap(**byte)).count();
    let before = marks.len().checked_sub(count + 1);
    let before = before.and_then(|before| marks.get(before));
    count > 0
        && before.is_some_and(u8::is_ascii_digit)
        && (count > 1 || marks.last() != Some(&b' '))
}

/// Blanks, marks of markdown, and controls, which nobody sees, but for NUL: that stands for what is not there (`detectors/runs.rs`).
#[inline]
pub(super) fn is_gap(byte: u8) -> bool {
    const GAP: Class = Class::of("\x01-\x1F \x7F*`~");
    GAP.has(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gaps_are_what_breaks_tokens() {
        for text in [
            "\n> ",
            "\r\n# ",
            "\n    // ",
            "\" + \"",
            "' '",
            "\" +\n  \"",
            "<b>",
            "</span><span>",
            "<br/>",
            "<!-- x -->",
            "/* x */",
            "=\n",
            "** ",
            "' . '",
            "\" \\\n\"",
            " | ",
        ] {
            let bytes = format!("{text}x");
            let found = gap(bytes.as_bytes(), Tokens::Others, true);
            assert_eq!(
                found,
                Gap::Of {
                    bytes: text.len(),
                    breaks: true
                },
                "{text:?}"
            );
        }
        for text in [
            "\", \"", "\": \"", "\"\"", "> ", "# ", "< b", "<b", "=x", "(", "|x",
        ] {
            let bytes = format!("{text}x");
            let found = gap(bytes.as_bytes(), Tokens::Others, true);
            assert!(matches!(found, Gap::No), "{text:?} {found:?}");
        }
    }

    proptest! {
        /// What is told stays so however much follows.
        #[test]
        fn what_is_told_stays_told(text in "(\"|'|<|>|!|--|/|[*]|=|\n|\r| |[+]|[.]|[|]|#|a|b){0,12}x{0,3}") {
            for tokens in [Tokens::Numbers, Tokens::Others] {
                let whole = gap(text.as_bytes(), tokens, true);
                for end in 0..text.len() {
                    let part = gap(&text.as_bytes()[..end], tokens, false);
                    prop_assert!(part == Gap::Unknown || part == whole, "{text:?} {end} {part:?} {whole:?}");
                }
            }
        }
    }
}
