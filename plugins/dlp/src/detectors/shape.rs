//! Keys that are a text that gives them away and what must stand around it.

use super::class::Class;
use super::entropy::{ends_as_placeholder, is_random};
use super::keys::CLASSES;
use super::packed::{Form, Pieces, Shapes};
use super::runs::{AnyBefore, AnyBehind, Run as Digits};
use super::{Context, Lengths, Outcome};

/// The longest run that is part of a key. Longer ones are no keys but data that happens to begin like one.
pub(super) const RUN_MAX: u16 = 2048;

/// How much of a key must look random: its beginning tells, and a text of nothing but prefixes is one long key each.
const RANDOM_BYTES_MAX: usize = 96;

/// A form that a key has, as it is written. What becomes of it is a [`Form`].
pub(super) struct Shape {
    /// What stands before the mark, of a key that is known by its middle or its end.
    pub(super) head: Option<Run>,
    /// What gives it away: the trigger, or what a trigger begins with. Empty where the trigger is a run of digits.
    pub(super) mark: &'static str,
    /// What follows, in order.
    pub(super) pieces: &'static [Piece],
    /// Least entropy of all but the mark, in hundredths of a bit a byte: keeps `sk-xxxxxxxx` out.
    pub(super) centibits_min: u16,
}

/// Characters of an alphabet, at least and at most so many. Alphabets and texts are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(super) class: u8,
    pub(super) min: u8,
    pub(super) max: u16,
}

/// A part of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    /// Characters of an alphabet.
    Run(Run),
    /// The text of this number.
    Text(u8),
}

/// What stands between parts of keys; a row that needs another text adds it here.
const TEXTS: [&str; 22] = [
    ".",
    "-",
    "_",
    ":",
    " ",
    "/",
    "|",
    "=",
    "$",
    "%",
    "!",
    ": ",
    "\n",
    "-X",
    "|eyJ",
    "_eyJ",
    "api",
    "admin",
    "local_",
    "_yrucrem",
    ";AES256;",
    ";AES256\n",
];

impl Run {
    /// The characters.
    pub(super) fn class(&self) -> &'static Class {
        const NOTHING: Class = Class::of("");
        CLASSES.get(usize::from(self.class)).unwrap_or(&NOTHING)
    }

    /// At least so many.
    pub(super) fn min(&self) -> usize {
        usize::from(self.min)
    }

    /// At most so many.
    pub(super) fn max(&self) -> usize {
        usize::from(self.max)
    }
}

impl Class {
    /// Exactly so many.
    pub(super) const fn n(&'static self, count: u8) -> Piece {
        Piece::Run(self.run(count, count as u16))
    }

    /// So many or more.
    pub(super) const fn from(&'static self, min: u8) -> Piece {
        Piece::Run(self.run(min, RUN_MAX))
    }

    /// So many at least and so many at most.
    pub(super) const fn to(&'static self, min: u8, max: u16) -> Piece {
        Piece::Run(self.run(min, max))
    }

    /// The same, before a mark.
    pub(super) const fn run(&'static self, min: u8, max: u16) -> Run {
        let (mut rest, mut class): (&[Class], u8) = (&CLASSES, 0);
        while let [known, behind @ ..] = rest {
            if known.is(self) {
                return Run { class, min, max };
            }
            rest = behind;
            class += 1;
        }
        // Evaluated when the rows are compiled.
        #[expect(
            clippy::panic,
            reason = "at compile time: an alphabet that CLASSES lacks"
        )]
        {
            panic!("CLASSES lacks this alphabet")
        }
    }
}

/// This very text.
pub(super) const fn text(literal: &'static str) -> Piece {
    let (mut rest, mut number): (&[&str], u8) = (&TEXTS, 0);
    while let [known, behind @ ..] = rest {
        if is_same(known.as_bytes(), literal.as_bytes()) {
            return Piece::Text(number);
        }
        rest = behind;
        number += 1;
    }
    // Evaluated when the rows are compiled.
    #[expect(clippy::panic, reason = "at compile time: a text that TEXTS lacks")]
    {
        panic!("TEXTS lacks this text")
    }
}

pub(super) const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, one_behind @ ..], [b, other_behind @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (one_behind, other_behind);
    }
    one.is_empty() && other.is_empty()
}

/// The text of a number.
pub(super) fn literal(number: u8) -> &'static str {
    TEXTS.get(usize::from(number)).copied().unwrap_or_default()
}

/// The runs of digits, of these lengths, that one of the shapes begins with.
pub(super) fn runs(shapes: Shapes, lengths: Lengths) -> Vec<Digits> {
    /// So many characters tell enough.
    const WORD_MAX: usize = 24;
    let mut runs = Vec::new();
    for mut shape in shapes {
        let sign = match shape.pieces.next() {
            Some(Piece::Text(number)) => literal(number).as_bytes(),
            Some(Piece::Run(_)) | None => &[],
        };
        let behind = sign
            .first()
            .map_or(AnyBehind::ANY, |sign| AnyBehind::byte(*sign));
        let run = Digits::within(lengths, AnyBefore::SIGN, behind);
        match (sign, shape.pieces.next()) {
            // Digits that stand there are part of what follows, or all of it.
            ([_], Some(Piece::Run(body))) if body.min() > 0 => {
                let min = u32::from(body.min).min(Lengths::LONGEST as u32);
                let bytes = (0..=u8::MAX).filter(|byte| body.class().has(*byte));
                let is_word = bytes.clone().all(|byte| byte.is_ascii_alphanumeric());
                let run = run.word(if is_word {
                    usize::from(body.min).min(WORD_MAX)
                } else {
                    0
                });
                let then = bytes.map(AnyBehind::byte).reduce(AnyBehind::or);
                runs.push(Digits {
                    next: Lengths::range(min, Lengths::LONGEST as u32),
                    ..run
                });
                runs.push(Digits {
                    next: Lengths::range(1, min - 1),
                    then: then.unwrap_or(AnyBehind::ANY),
                    ..run
                });
            }
            _ => runs.push(run),
        }
    }
    runs
}

/// Whether one of the shapes stands at the trigger. Where several do, the longest counts.
pub(super) fn find(context: &Context<'_>, mut shapes: Shapes) -> Outcome {
    let trigger = context.trigger();
    let mut best = None;
    while let Some(shape) = shapes.next_marked(trigger) {
        let Some(start) = start(context, &shape) else {
            continue;
        };
        let body = match shape.mark.len() {
            0 => context.at.end,
            length => context.at.start + length,
        };
        if is_dull(context, body, &shape) {
            continue;
        }
        let end = match end(context, body, shape.pieces) {
            Ok(end) => end,
            Err(Outcome::Undecided) => return Outcome::Undecided,
            Err(_) => continue,
        };
        let random = match shape.head {
            Some(_) => start..end,
            None => body..end,
        };
        let is_longer = best.as_ref().is_none_or(|(_, known)| end > *known);
        let key = context.bytes(random);
        let random = key.get(..RANDOM_BYTES_MAX).unwrap_or(key);
        if is_longer
            && is_random(random, u32::from(shape.centibits_min))
            && !ends_as_placeholder(key)
        {
            best = Some((start, end));
        }
    }
    best.map_or(Outcome::None, |(start, end)| Outcome::Match(start..end))
}

/// Whether all that must look random of what begins at `from` is one run and does not: wherever that ends, it is no key.
fn is_dull(context: &Context<'_>, from: usize, shape: &Form) -> bool {
    let (mut pieces, until) = (shape.pieces, from + RANDOM_BYTES_MAX);
    let Some(Piece::Run(run)) = pieces.next() else {
        return false;
    };
    let bytes = context.bytes(from..until);
    shape.head.is_none()
        && run.max() >= RANDOM_BYTES_MAX
        && run.class().span(bytes) == RANDOM_BYTES_MAX
        && !is_random(bytes, u32::from(shape.centibits_min))
        && !context.is_open(until - 1)
}

/// Where a key of this shape begins, if it can begin there.
fn start(context: &Context<'_>, shape: &Form) -> Option<usize> {
    let at = context.at.start;
    let Some(head) = shape.head else {
        // A mark that begins with a sign is not part of the word before it.
        let is_word = context
            .trigger()
            .first()
            .is_some_and(u8::is_ascii_alphanumeric);
        // In the dense view words run into each other; what only letters mark must not stand within one there either.
        let is_within = context.dense
            && shape.mark.iter().all(u8::is_ascii_alphanumeric)
            && context
                .before(at)
                .is_some_and(|byte| byte.is_ascii_alphanumeric());
        return (!is_word || context.begins_word(at) && !is_within && !is_data(context, at))
            .then_some(at);
    };
    let start = context.run_back_of(at, head.max() + 1, head.class());
    let length = at - start;
    let fits = (head.min()..=head.max()).contains(&length);
    (fits && context.begins_word(start)).then_some(start)
}

/// Whether what begins here goes on from base64 before it (`…AAA+EAAB…`), or is a digest (`sha256=r8_…` in a list of files, `sha384-…` in HTML).
fn is_data(context: &Context<'_>, at: usize) -> bool {
    if !matches!(context.before(at), Some(b'+' | b'=' | b'-')) {
        return false;
    }
    match context.bytes(at.saturating_sub(7)..at) {
        [.., before, b'+'] => before.is_ascii_alphanumeric(),
        [b's', b'h', b'a', _, _, _, b'=' | b'-'] => true,
        _ => false,
    }
}

/// Where pieces end that begin at `from`.
fn end(context: &Context<'_>, from: usize, mut pieces: Pieces) -> Result<usize, Outcome> {
    let mut position = from;
    while let Some(piece) = pieces.next() {
        let is_last = pieces.is_empty();
        match piece {
            Piece::Text(number) => {
                let literal = literal(number);
                match context.has(position, literal.as_bytes()) {
                    Some(true) => position += literal.len(),
                    Some(false) => return Err(Outcome::None),
                    None => return Err(Outcome::Undecided),
                }
            }
            Piece::Run(run) => {
                let class = run.class();
                let end = context.end_of(position, run.max(), class)?;
                if end - position < run.min() {
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
