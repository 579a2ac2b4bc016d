//! The dense view: the neighborhood of a trigger without what a writer, or a program, puts between the parts of a token.
//!
//! `4012-8888**-8888-1881**`, a key that is broken at the end of a line, or `` `AKIA…` `…` ``: marks of markdown and line breaks are dropped, and
//! spaces beside them or beside a dash. It is made only where such a thing stands within what could be the token.

use crate::detectors::Trigger;
use std::ops::Range;

/// How far behind a trigger a number may be broken.
const NUMBER_BYTES_MAX: usize = 48;

/// How far behind a trigger any other token may be broken first.
const TOKEN_BYTES_MAX: usize = 256;

/// Most marks and spaces in a row that a token goes on behind.
const BREAK_BYTES_MAX: usize = 8;

/// By when it is known whether a number is broken.
pub(super) const NUMBER_KNOWN_BY: usize = 64;
const _: () = assert!(NUMBER_BYTES_MAX + BREAK_BYTES_MAX + 2 <= NUMBER_KNOWN_BY);

/// A view, or the reason why there is none.
pub(super) enum Dense {
    /// Nothing breaks the token.
    No,
    /// It depends on what follows.
    Unknown,
    /// Its bytes, the trigger in them, and where each of them stood.
    View {
        bytes: Vec<u8>,
        at: Range<usize>,
        places: Vec<u16>,
    },
}

const fn is_mark(byte: u8) -> bool {
    matches!(byte, b'*' | b'`' | b'~' | b'\n' | b'\r' | b'\t')
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'=' | b'@' | b':')
}

/// Squeezes the text around a trigger; `end` tells that nothing follows it.
pub(super) fn squeeze(text: &[u8], at: Range<usize>, trigger: Trigger, end: bool) -> Dense {
    let digits = matches!(trigger, Trigger::Digits(..));
    match is_broken(text.get(at.end..).unwrap_or_default(), digits, end) {
        Broken::Yes => {}
        Broken::No(_) => return Dense::No,
        Broken::Unknown => return Dense::Unknown,
    }
    let (mut bytes, mut places) = (Vec::with_capacity(text.len()), Vec::new());
    let mut dense_at = None;
    let mut index = 0;
    while let Some(byte) = text.get(index).copied() {
        if index == at.start {
            dense_at = Some(bytes.len());
        }
        let rest = text.get(index..).unwrap_or_default();
        let gap = rest
            .iter()
            .take_while(|byte| **byte == b' ' || is_mark(**byte))
            .count();
        if gap > 0 {
            let plain = gap == 1 && byte == b' ';
            let behind = rest.get(gap).copied();
            if behind.is_none() && !end {
                break;
            }
            // One space between two words is one.
            let beside_dash = behind == Some(b'-') || bytes.last() == Some(&b'-');
            if plain && !beside_dash {
                bytes.push(b' ');
                places.push(index);
            }
            index += gap;
            continue;
        }
        bytes.push(byte);
        places.push(index);
        index += 1;
    }
    let Some(start) = dense_at else {
        return Dense::No;
    };
    let mut dense_end = start + at.len();
    if let Trigger::Digits(lengths, _) = trigger {
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        if before.is_some_and(u8::is_ascii_digit) {
            return Dense::No;
        }
        let run = bytes.get(start..).unwrap_or_default();
        let len = run.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len == run.len() && !end {
            return Dense::Unknown;
        }
        if !lengths.has(len) {
            return Dense::No;
        }
        dense_end = start + len;
    }
    Dense::View {
        at: start..dense_end,
        bytes,
        places: places
            .into_iter()
            .map(|place| u16::try_from(place).unwrap_or(u16::MAX))
            .collect(),
    }
}

/// Whether a token goes on behind a trigger, and is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Yes,
    /// It is not; so many bytes tell.
    No(usize),
    /// That depends on what follows.
    Unknown,
}

/// Looks behind a trigger; `end` tells that nothing follows.
pub(super) fn is_broken(behind: &[u8], digits: bool, end: bool) -> Broken {
    let open = if end {
        Broken::No(behind.len())
    } else {
        Broken::Unknown
    };
    let mut index = 0;
    loop {
        let byte = match behind.get(index) {
            Some(byte) => *byte,
            None => return open,
        };
        if index
            >= if digits {
                NUMBER_BYTES_MAX
            } else {
                TOKEN_BYTES_MAX
            }
        {
            return Broken::No(index + 1);
        }
        let is_gap = |byte: u8| byte == b' ' || is_mark(byte);
        if !is_gap(byte) {
            let goes_on = if digits {
                byte.is_ascii_digit() || byte.is_ascii_uppercase() || matches!(byte, b'-' | b'.')
            } else {
                is_token(byte)
            };
            if !goes_on {
                return Broken::No(index + 1);
            }
            index += 1;
            continue;
        }
        let rest = behind.get(index..).unwrap_or_default();
        let gap = rest.iter().take_while(|byte| is_gap(**byte)).count();
        let seen = index + gap + 1;
        if gap > BREAK_BYTES_MAX {
            return Broken::No(index + BREAK_BYTES_MAX + 1);
        }
        let Some(next) = rest.get(gap).copied() else {
            return open;
        };
        let goes_on = if digits {
            next.is_ascii_digit() || next == b'-'
        } else {
            is_token(next)
        };
        if !goes_on {
            return Broken::No(seen);
        }
        let marked = rest.iter().take(gap).any(|byte| is_mark(*byte));
        if marked {
            return Broken::Yes;
        }
        // A number goes on behind a space, a key does not.
        if !digits {
            return Broken::No(seen);
        }
        let before = index.checked_sub(1).and_then(|before| behind.get(before));
        if gap > 1 || next == b'-' || before == Some(&b'-') {
            return Broken::Yes;
        }
        index += gap;
    }
}
