//! Base64 that is broken into lines, as `base64`, MIME (RFC 2045, section 6.8) and PEM (RFC 7468) write it: lines of one length, of which the last
//! may be shorter, perhaps indented or quoted.

use super::encoded::{self, OVERLAP_BYTES, RUN_BYTES_MAX};
use crate::window::Window;
use std::ops::Range;

/// Fewest characters of a line but the last.
const LINE_BYTES_MIN: usize = 32;

/// Most of a line.
const LINE_BYTES_MAX: usize = 256;

/// Most blanks and quotation marks before a line.
const INDENT_BYTES_MAX: usize = 16;

/// Follows such lines through a text.
#[derive(Debug, Default)]
pub(super) struct Wrapped {
    open: Option<Open>,
    /// What begins before was looked at.
    done: usize,
}

#[derive(Debug)]
struct Open {
    /// Of which lines the characters are.
    range: Range<usize>,
    characters: Vec<u8>,
    line_bytes: usize,
    /// Where the lines begin.
    starts: Vec<usize>,
}

/// Lines that belong together.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) range: Range<usize>,
    pub(super) characters: Vec<u8>,
    /// How much of the view it takes to know.
    pub(super) decided: usize,
}

/// What follows a line.
enum Next {
    /// Another one.
    Line(Range<usize>),
    /// None, as is known at this position.
    None(usize),
    /// That depends on what follows.
    Unknown,
}

impl Wrapped {
    /// From where on the view is needed, and undecided.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.open.as_ref().map(|open| open.range.start)
    }

    /// Whether what stands at a position was seen, or will be.
    pub(super) fn has(&self, position: usize) -> bool {
        self.open.is_some() || position < self.done
    }

    /// Whether a run of characters of base64 can be the first of several lines; then it is followed.
    pub(super) fn begin(&mut self, run: &Range<usize>, window: Window<'_>) -> bool {
        let is_line = (LINE_BYTES_MIN..=LINE_BYTES_MAX).contains(&run.len())
            && matches!(window.byte(run.end), Some(b'\n' | b'\r'));
        let characters = window.range(run.clone());
        if !is_line || !encoded::can_be(characters) {
            return false;
        }
        self.open = Some(Open {
            range: run.clone(),
            characters: characters.to_vec(),
            line_bytes: run.len(),
            starts: vec![run.start],
        });
        true
    }

    /// Goes on as far as the text is known; what is complete.
    pub(super) fn go_on(&mut self, window: Window<'_>, last: bool) -> Option<Lines> {
        let mut open = self.open.take()?;
        let decided = loop {
            if open.characters.len() >= RUN_BYTES_MAX {
                return Some(self.portion(open));
            }
            match next(open.range.end, open.line_bytes, window, last) {
                Next::Line(line) => {
                    open.characters
                        .extend_from_slice(window.range(line.clone()));
                    open.range.end = line.end;
                    open.starts.push(line.start);
                    if line.len() < open.line_bytes {
                        break (line.end + 1).min(window.end());
                    }
                }
                Next::None(known) => break known,
                Next::Unknown => {
                    self.open = Some(open);
                    return None;
                }
            }
        };
        self.done = open.range.end;
        Some(Lines {
            range: open.range,
            characters: open.characters,
            decided,
        })
    }
}

impl Wrapped {
    /// What has become too long to wait for its end; its last lines are those with which the next portion begins.
    fn portion(&mut self, open: Open) -> Lines {
        let lines = OVERLAP_BYTES.div_ceil(open.line_bytes);
        let kept = open.starts.len().saturating_sub(lines);
        let starts = open.starts.get(kept..).unwrap_or_default().to_vec();
        let characters = open
            .characters
            .len()
            .saturating_sub(lines * open.line_bytes);
        self.open = Some(Open {
            range: starts.first().map_or(open.range.end, |start| *start)..open.range.end,
            characters: open
                .characters
                .get(characters..)
                .unwrap_or_default()
                .to_vec(),
            line_bytes: open.line_bytes,
            starts,
        });
        Lines {
            decided: open.range.end,
            range: open.range,
            characters: open.characters,
        }
    }
}

/// The line behind one that ends at `from`.
fn next(from: usize, line_bytes: usize, window: Window<'_>, last: bool) -> Next {
    let mut at = from;
    match (window.byte(at), window.byte(at + 1)) {
        (Some(b'\n'), _) => at += 1,
        (Some(b'\r'), Some(b'\n')) => at += 2,
        (Some(b'\r') | None, None) if !last => return Next::Unknown,
        (byte, _) => {
            let seen = from + 1 + usize::from(byte == Some(b'\r'));
            return Next::None(seen.min(window.end()));
        }
    }
    let count = |from: usize, max: usize, class: fn(u8) -> bool| {
        let most = window.from(from).iter().take(max);
        from + most.take_while(|byte| class(**byte)).count()
    };
    let start = count(at, INDENT_BYTES_MAX, |byte| {
        matches!(byte, b' ' | b'\t' | b'>')
    });
    let end = count(start, line_bytes + 1, is_base64);
    let Some(behind) = window.byte(end) else {
        return match last {
            false => Next::Unknown,
            true if end > start && end - start <= line_bytes => Next::Line(start..end),
            true => Next::None(window.end()),
        };
    };
    let length = end - start;
    // The last one is shorter, and nothing follows that makes words of it.
    let is_line = length == line_bytes && !is_base64(behind)
        || (1..line_bytes).contains(&length)
            && matches!(
                behind,
                b'\n' | b'\r' | b'=' | b'"' | b'\'' | b'`' | b')' | b'<'
            );
    if is_line {
        Next::Line(start..end)
    } else {
        Next::None(end + 1)
    }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
