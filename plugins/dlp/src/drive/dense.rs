//! The dense view: the neighborhood of a trigger without what a writer, or a program, puts between the parts of a token.
//!
//! `4012-8888**-8888-1881**`, a key that is broken at the end of a line, `` `AKIA…` `…` `` or `"AKIA…" + "…"`: gaps ([`super::gap`]) are dropped, but
//! for one blank between two words. It is made only where such a thing stands within what could be the token ([`super::broken`]).

use super::broken::{Broken, Tokens};
use super::gap::{self, GAP_BYTES_MAX, Gap};
use crate::detectors::{Lengths, Trigger};
use crate::window::Window;
use std::ops::Range;

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

/// Squeezes the text around a trigger, if the token is broken within so many bytes behind it; `end` tells that nothing follows the text.
pub(super) fn squeeze(
    text: &[u8],
    at: Range<usize>,
    within: usize,
    trigger: Trigger,
    end: bool,
) -> Dense {
    let tokens = Tokens::of(trigger);
    match tokens.look(Window::new(text, 0), at.end, within, end) {
        Broken::Yes => {}
        Broken::No(_) => return Dense::No,
        Broken::Unknown => return Dense::Unknown,
    }
    if matches!(trigger, Trigger::Digits(..)) && goes_on(text, at.start, end) {
        return Dense::No;
    }
    let (mut bytes, mut places) = (Vec::with_capacity(text.len()), Vec::new());
    let mut dense_at = None;
    let mut index = 0;
    while let Some(byte) = text.get(index).copied() {
        if index == at.start {
            dense_at = Some(bytes.len());
        }
        let rest = text.get(index..).unwrap_or_default();
        // One look, as nearly no byte begins one.
        let begins = gap::can_begin(byte, rest.get(1).copied());
        let found = if begins {
            gap::gap(rest, tokens, end)
        } else {
            Gap::No
        };
        let gap = match found {
            Gap::Of { bytes, .. } => bytes,
            Gap::No => 0,
            Gap::Unknown if dense_at.is_none() => return Dense::Unknown,
            Gap::Unknown => break,
        };
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
            // What is looked for may stand behind it, and within it if that is no gap of its token.
            let inside = index..index + gap;
            if !inside.contains(&at.start) || index == at.start {
                index += gap;
                continue;
            }
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
        if len == run.len() && len < Lengths::LONGEST && !end {
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

/// How many digits stand in the dense view where a run of them begins, as far as lengths are told apart, none where one goes on, and how many bytes
/// behind the run it takes to know. `None` when that depends on what follows.
pub(super) fn digits(window: Window<'_>, run: &Range<usize>, last: bool) -> Option<(usize, usize)> {
    let near = window.from(run.start.saturating_sub(GAP_BYTES_MAX + 1));
    let start = near.len() - window.from(run.start).len();
    if goes_on(near, start, last) {
        return Some((0, 0));
    }
    let (mut digits, mut end) = (run.len(), run.end);
    // No number is longer, and many runs can be joined.
    while digits < Lengths::LONGEST {
        let rest = window.from(end);
        let gap = match gap::gap(rest, Tokens::Numbers, last) {
            Gap::Of { bytes, .. } => bytes,
            Gap::No => 0,
            Gap::Unknown => return None,
        };
        if gap == rest.len() && !last {
            return None;
        }
        let behind = rest.get(gap..).unwrap_or_default();
        let more = behind.iter().take_while(|byte| byte.is_ascii_digit());
        let more = more.count();
        if gap == 0 || more == 0 || is_plain(rest, gap) {
            return Some((digits, end + gap + 1 - run.end));
        }
        digits += more;
        end += gap + more;
    }
    Some((digits, end - run.end))
}

/// Whether the digits at a position go on from others before a gap.
fn goes_on(text: &[u8], start: usize, last: bool) -> bool {
    let near = start.saturating_sub(GAP_BYTES_MAX + 1);
    let before = text.get(near..start).unwrap_or_default();
    let Some(digit) = before.iter().rposition(u8::is_ascii_digit) else {
        return false;
    };
    let end = near + digit + 1;
    let rest = text.get(end..).unwrap_or_default();
    let is_gap = matches!(gap::gap(rest, Tokens::Numbers, last), Gap::Of { bytes, .. } if bytes == start - end);
    is_gap && !is_plain(rest, start - end)
}

/// One blank, which stays.
fn is_plain(rest: &[u8], gap: usize) -> bool {
    gap == 1 && rest.first() == Some(&b' ')
}
