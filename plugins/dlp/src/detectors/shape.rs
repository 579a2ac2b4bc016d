//! Keys that are a prefix and what must follow it.

use super::class::Class;
use super::entropy::centibits;
use super::{Context, Outcome};

/// The longest run that is part of a key. Longer ones are no keys but data that happens to begin like one.
const RUN_MAX: u16 = 2048;

/// A form that a key has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What it begins with: the trigger.
    pub(super) prefix: &'static str,
    /// What follows, in order.
    pub(super) pieces: &'static [Piece],
    /// Least entropy of all that follows, in hundredths of a bit a byte: keeps `sk-xxxxxxxx` out.
    pub(super) centibits_min: u32,
}

/// A part of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// So many characters of an alphabet.
    Run(Class, u16, u16),
    /// This very text.
    Text(&'static str),
}

impl Class {
    /// Exactly so many.
    pub(super) const fn n(self, count: u16) -> Piece {
        Piece::Run(self, count, count)
    }

    /// So many or more.
    pub(super) const fn from(self, min: u16) -> Piece {
        Piece::Run(self, min, RUN_MAX)
    }

    /// So many at least and so many at most.
    pub(super) const fn to(self, min: u16, max: u16) -> Piece {
        Piece::Run(self, min, max)
    }
}

/// This very text.
pub(super) const fn text(literal: &'static str) -> Piece {
    Piece::Text(literal)
}

/// Whether one of the shapes stands at the trigger, which is the prefix of at least one of them. Where several do, the longest counts.
pub(super) fn find(context: &Context<'_>, shapes: &[Shape]) -> Outcome {
    let (start, body) = (context.at.start, context.at.end);
    // A prefix that begins with a sign is not part of the word before it.
    let is_word = context
        .trigger()
        .first()
        .is_some_and(u8::is_ascii_alphanumeric);
    if is_word && !context.begins_word(start) {
        return Outcome::None;
    }
    let mut best = 0;
    for shape in shapes {
        if shape.prefix.as_bytes() != context.trigger() {
            continue;
        }
        match end(context, body, shape.pieces) {
            Ok(end) if centibits(context.bytes(body..end)) >= shape.centibits_min => {
                best = best.max(end)
            }
            Ok(_) => {}
            Err(Outcome::Undecided) => return Outcome::Undecided,
            Err(_) => {}
        }
    }
    if best > 0 {
        Outcome::Match(start..best)
    } else {
        Outcome::None
    }
}

/// Where pieces end that begin at `from`.
fn end(context: &Context<'_>, from: usize, pieces: &[Piece]) -> Result<usize, Outcome> {
    let mut position = from;
    for (index, piece) in pieces.iter().enumerate() {
        let is_last = index + 1 == pieces.len();
        match *piece {
            Piece::Text(literal) => match context.has(position, literal.as_bytes()) {
                Some(true) => position += literal.len(),
                Some(false) => return Err(Outcome::None),
                None => return Err(Outcome::Undecided),
            },
            Piece::Run(class, min, max) => {
                let end = context.run(position, usize::from(max), |byte| class.has(byte));
                if context.is_open(end) {
                    return Err(Outcome::Undecided);
                }
                if end - position < usize::from(min) {
                    return Err(Outcome::None);
                }
                // In the dense view the next word follows at once; else what goes on in its alphabet is something longer.
                let goes_on = context.byte(end).is_some_and(|byte| class.has(byte));
                if is_last && !context.dense && goes_on {
                    return Err(Outcome::None);
                }
                position = end;
            }
        }
    }
    if context.is_open(position) {
        return Err(Outcome::Undecided);
    }
    if context.ends_word(position) {
        Ok(position)
    } else {
        Err(Outcome::None)
    }
}
