//! The dense view: the neighborhood of a trigger without what a writer, or a program, puts between the parts of a token.
//!
//! `4012-8888**-8888-1881**`, a key that is broken at the end of a line, `` `AKIA…` `…` `` or `"AKIA…" + "…"`: gaps ([`super::gap`]) are dropped, but
//! for one blank between two words. It is made only where such a thing stands within what could be the token ([`super::broken`]).

use super::broken::{Broken, Tokens};
use super::gap::{self, Gap, is_gap};
use crate::detectors::{LOOK_BEHIND, Trigger};
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

/// Squeezes the text around a trigger; `end` tells that nothing follows it.
pub(super) fn squeeze(text: &[u8], at: Range<usize>, trigger: Trigger, end: bool) -> Dense {
    let tokens = Tokens::of(trigger);
    match tokens.look(Window::new(text, 0), at.end, end) {
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
        let gap = match gap::gap(rest, tokens, end) {
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

/// How many digits stand in the dense view where a run of them begins, none where one goes on, and how many bytes behind the run it takes to
/// know. `None` when that depends on what follows.
pub(super) fn digits(window: Window<'_>, run: &Range<usize>, last: bool) -> Option<(usize, usize)> {
    let is_digit = |at: usize| window.byte(at).is_some_and(|byte| byte.is_ascii_digit());
    let is_plain = |from: usize, gap: usize| gap == 1 && window.byte(from) == Some(b' ');
    let floor = run.start.saturating_sub(LOOK_BEHIND);
    let mut before = run.start;
    while before > floor && window.byte(before - 1).is_some_and(is_gap) {
        before -= 1;
    }
    let gap = run.start - before;
    if gap > 0 && !is_plain(before, gap) && before > floor && is_digit(before - 1) {
        return Some((0, 0));
    }
    let (mut digits, mut end) = (run.len(), run.end);
    loop {
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
        if gap == 0 || more == 0 || is_plain(end, gap) {
            return Some((digits, end + gap + 1 - run.end));
        }
        digits += more;
        end += gap + more;
    }
}
