//! Text with a space behind every character: `A K I A …`.

use super::blocks::{BLOCK, masks};
use super::escaped::Decoded;
use super::stretch::{Stretch, Stretches, TEXT_BYTES_MIN, history};
use crate::window::Window;
use wide::u8x16;

/// So many bytes in a row must take turns with spaces before anybody looks closer.
const TURNS: u32 = 16;

/// Most spaces between two characters.
const GAP_BYTES_MAX: usize = 3;

/// Follows spaced text.
#[derive(Debug, Default)]
pub(super) struct Spaced {
    /// Which of the last bytes were spaces, the last one's bit being the highest.
    history: u64,
    stretches: Stretches,
}

impl Spaced {
    /// From where on the view is needed, and undecided.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.stretches.undecided()
    }

    /// Takes which of the next `len` bytes, from `from` on, are spaces.
    #[inline]
    pub(super) fn take(
        &mut self,
        spaces: u64,
        from: usize,
        len: usize,
        window: Window<'_>,
        last: bool,
        decoded: &mut Vec<Decoded>,
    ) {
        let before = self.history;
        self.history = history(before, spaces, len);
        if self.stretches.is_open() {
            return;
        }
        // Nearly all text takes no three turns in a row, with what stands before.
        let three = |flags: u64| {
            let turns = flags ^ (flags >> 1);
            turns & (turns >> 1) & (turns >> 2) & (u64::MAX >> 3)
        };
        if three(before >> 48 | spaces << 16) | three(spaces) == 0 {
            return;
        }
        let flags = u128::from(before) | u128::from(spaces) << 64;
        let turns = flags ^ (flags >> 1);
        // Three in a row, then five, then fifteen.
        let three = turns & (turns >> 1) & (turns >> 2);
        if three == 0 {
            return;
        }
        let nine = three & (three >> 3) & (three >> 6);
        let fifteen = nine & (three >> 9) & (three >> 12);
        let known = u128::MAX >> (128 - 64 - len as u32 + TURNS - 1).min(127);
        let mut hits = fifteen & known & !(u128::MAX >> (128 - 64 + TURNS - 1));
        while hits != 0 && !self.stretches.is_open() {
            let first = hits.trailing_zeros();
            let position = from + (first + TURNS - 1 - 64) as usize;
            if self.stretches.may_begin(position) {
                self.begin(position, window);
                self.go_on(window, last, decoded);
            }
            // What was read begins nothing else.
            let read = self.stretches.read_from(position).clamp(1, 128) as u32;
            hits &= u128::MAX.checked_shl(first + read).unwrap_or_default();
        }
    }

    fn begin(&mut self, position: usize, window: Window<'_>) {
        let is_space = |at: usize| window.byte(at) == Some(b' ');
        let floor = self.stretches.floor(position);
        let mut start = if is_space(position) {
            position.saturating_sub(1)
        } else {
            position
        };
        loop {
            let mut before = start;
            while before > floor && is_space(before - 1) {
                before -= 1;
            }
            let gap = start - before;
            let alone =
                before == floor + 1 && floor == 0 || before > floor + 1 && is_space(before - 2);
            if gap == 0 || gap > GAP_BYTES_MAX || before <= floor || !alone {
                break;
            }
            start = before - 1;
        }
        self.stretches.follow(Stretch {
            start,
            end: start,
            at: start,
        });
    }

    /// More is known: what was left open goes on.
    pub(super) fn go_on(&mut self, window: Window<'_>, last: bool, decoded: &mut Vec<Decoded>) {
        let Some(mut open) = self.stretches.take() else {
            return;
        };
        let base = open.at;
        let rest = window.from(base);
        let most = open.most();
        let mut at = 0;
        let decided = loop {
            // What nearly all of it is: one character, one space.
            while at + BLOCK <= most
                && let turns @ 1.. = turns(rest.get(at..).unwrap_or_default())
            {
                at += turns;
                open.end = base + at - 1;
            }
            while let Some([one, b' ', next]) = rest.get(at..at + 3)
                && at < most
                && *one != b' '
                && one.is_ascii()
                && *next != b' '
            {
                at += 2;
                open.end = base + at - 1;
            }
            open.at = base + at;
            if at >= most {
                break open.at;
            }
            let alone = match rest.get(at..).unwrap_or_default() {
                [byte, ..] if *byte == b' ' || !byte.is_ascii() => Some(false),
                [_, next, ..] => Some(*next == b' '),
                [_] => last.then_some(true),
                [] => last.then_some(false),
            };
            match alone {
                None => {
                    self.stretches.follow(open);
                    return;
                }
                Some(false) => break (open.at + 2).min(window.end()),
                Some(true) => {}
            }
            open.end = open.at + 1;
            let gap = rest.iter().skip(at + 1).take(GAP_BYTES_MAX + 1);
            let gap = gap.take_while(|byte| **byte == b' ').count();
            if gap > GAP_BYTES_MAX {
                break open.end + gap;
            }
            if open.end + gap >= window.end() {
                if last {
                    break window.end();
                }
                self.stretches.follow(open);
                return;
            }
            at += 1 + gap;
        };
        self.stretches.end(open.end);
        let mut found = Decoded {
            start: open.start,
            decided,
            ..Decoded::default()
        };
        let written = window.range(open.start..open.end);
        let mut text = Vec::with_capacity(written.len() / 2 + 1);
        found.places.reserve(written.len() / 2 + 2);
        for (byte, place) in written.iter().zip(0..) {
            if *byte != b' ' {
                text.push(*byte);
                found.places.push(place);
            }
        }
        found.text = String::from_utf8(text).unwrap_or_default();
        if found.text.len() >= TEXT_BYTES_MIN {
            let end = u16::try_from(open.end - open.start).unwrap_or(u16::MAX);
            found.places.push(end);
            decoded.push(found);
        }
    }
}

/// How many bytes take turns with spaces, none of them beyond ASCII, as far as a block shows that the next one does so, too.
#[inline]
fn turns(bytes: &[u8]) -> usize {
    const SPACES: u64 = u64::MAX / 3 * 2;
    let [spaces, others] = masks(bytes.get(..BLOCK).unwrap_or(bytes), |bytes| {
        [bytes.simd_eq(u8x16::splat(b' ')), bytes]
    });
    let turns = (spaces ^ SPACES | others).trailing_zeros() as usize & !1;
    turns.saturating_sub(2)
}
