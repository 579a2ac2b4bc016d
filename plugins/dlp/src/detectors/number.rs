//! Numbers written in groups, as people write them.

use super::{Context, Outcome};
use std::ops::Range;

/// The most digits a number can have here.
const DIGITS_MAX: usize = 32;

/// A number that stands at a trigger.
#[derive(Debug, Clone)]
pub(super) struct Number {
    buffer: [u8; DIGITS_MAX],
    length: usize,
    /// Where it stands, separators included.
    pub(super) range: Range<usize>,
    /// What separates its groups; `None` for bare digits.
    pub(super) separator: Option<u8>,
}

impl Number {
    /// Its digits, without separators.
    pub(super) fn digits(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Takes digits of the text in.
    pub(super) fn push(&mut self, digits: &[u8]) {
        for digit in digits {
            if let Some(place) = self.buffer.get_mut(self.length) {
                *place = *digit;
                self.length += 1;
            }
        }
    }

    /// None yet.
    pub(super) const fn new(start: usize) -> Self {
        Self {
            buffer: [0; DIGITS_MAX],
            length: 0,
            range: start..start,
            separator: None,
        }
    }
}

/// Whether a number may begin here: no word and no longer number goes on across the position from the left.
#[inline(never)]
pub(super) fn begins(context: &Context<'_>, position: usize) -> bool {
    let before = context.before(position);
    if context.dense && !matches!(before, Some(b'.' | b',')) {
        return !before.is_some_and(|byte| byte.is_ascii_digit());
    }
    match before {
        Some(b'-' | b'.' | b'/' | b',' | b'_' | b':') => !position
            .checked_sub(1)
            .and_then(|at| context.before(at))
            .is_some_and(|byte| byte.is_ascii_digit()),
        Some(byte) => !byte.is_ascii_alphanumeric(),
        None => true,
    }
}

/// Whether a number may end here; `None` when that is not known yet.
#[inline(never)]
pub(super) fn ends(context: &Context<'_>, position: usize) -> Option<bool> {
    let Some(byte) = context.byte(position) else {
        return context.end.then_some(true);
    };
    if byte.is_ascii_digit() || byte == b'_' || !context.dense && byte.is_ascii_alphabetic() {
        return Some(false);
    }
    if !matches!(byte, b'-' | b'.' | b'/') {
        return Some(true);
    }
    match context.byte(position + 1) {
        Some(next) => Some(!next.is_ascii_digit()),
        None => context.end.then_some(true),
    }
}

/// Reads a number of groups of so many digits at the trigger: bare, or with the same separator between all groups.
///
/// # Errors
/// [`Outcome::None`] or [`Outcome::Undecided`] when there is none.
#[inline(never)]
pub(super) fn grouped(
    context: &Context<'_>,
    groups: &[u8],
    separators: &[u8],
) -> Result<Number, Outcome> {
    let number = grouped_prefix(context, groups, separators)?;
    match ends(context, number.range.end) {
        Some(true) => Ok(number),
        Some(false) => Err(Outcome::None),
        None => Err(Outcome::Undecided),
    }
}

/// As [`grouped`], whatever stands behind.
///
/// # Errors
/// As [`grouped`].
#[inline(never)]
pub(super) fn grouped_prefix(
    context: &Context<'_>,
    groups: &[u8],
    separators: &[u8],
) -> Result<Number, Outcome> {
    let start = context.at.start;
    if !begins(context, start) {
        return Err(Outcome::None);
    }
    if context.is_open(context.at.end) {
        return Err(Outcome::Undecided);
    }
    let mut number = Number::new(start);
    let total: usize = groups.iter().map(|group| usize::from(*group)).sum();
    if context.at.len() == total {
        number.push(context.trigger());
        number.range.end = context.at.end;
        return Ok(number);
    }
    let mut position = start;
    for (index, group) in groups.iter().enumerate() {
        let group = usize::from(*group);
        if index > 0 {
            let Some(byte) = context.byte(position) else {
                return Err(context.lacking(position));
            };
            if !separators.contains(&byte) || number.separator.is_some_and(|known| known != byte) {
                return Err(Outcome::None);
            }
            number.separator = Some(byte);
            position += 1;
        }
        let end = context.digits(position, group + 1);
        if context.is_open(end) {
            return Err(Outcome::Undecided);
        }
        if end - position != group {
            return Err(Outcome::None);
        }
        number.push(context.bytes(position..end));
        position = end;
    }
    number.range.end = position;
    Ok(number)
}

/// Reads groups of digits at the trigger, each with the separator that must follow it (the last one's counts for nothing).
///
/// # Errors
/// [`Outcome::None`] or [`Outcome::Undecided`] when there is none.
#[inline(never)]
pub(super) fn laid_out(context: &Context<'_>, groups: &[(u8, u8)]) -> Result<Number, Outcome> {
    let start = context.at.start;
    if !begins(context, start) {
        return Err(Outcome::None);
    }
    let mut number = Number::new(start);
    let mut position = start;
    for (index, (length, separator)) in groups.iter().enumerate() {
        let length = usize::from(*length);
        let end = context.digits(position, length + 1);
        if context.is_open(end) {
            return Err(Outcome::Undecided);
        }
        if end - position != length {
            return Err(Outcome::None);
        }
        number.push(context.bytes(position..end));
        number.separator = Some(*separator);
        position = end;
        if index + 1 < groups.len() {
            if context.byte(end) != Some(*separator) {
                return Err(Outcome::None);
            }
            position += 1;
        }
    }
    number.range.end = position;
    match ends(context, position) {
        Some(true) => Ok(number),
        Some(false) => Err(Outcome::None),
        None => Err(Outcome::Undecided),
    }
}
