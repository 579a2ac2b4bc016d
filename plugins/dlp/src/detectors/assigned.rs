//! Values that are assigned to a name: `API_TOKEN = "…"`, `"password": "…"`, `--secret …`, `<token>…</token>`.

use super::class::Class;
use super::{Context, Outcome};
use std::ops::Range;

/// The longest value.
pub(super) const VALUE_BYTES_MAX: usize = 512;
/// The rest of a name around the word that makes it interesting.
pub(super) const NAME_REST_MAX: usize = 40;
/// What values are made of; a value with anything else in it is code or prose.
const VALUE: Class = Class::of("!#-&*+\\-./0-9:=?-Z^_a-z|~");
/// What names are made of.
pub(super) const NAME: Class = Class::of("0-9A-Za-z_.\\-");

/// A value and how it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) range: Range<usize>,
    /// An operator or a tag leads to it; else only blanks do.
    pub(super) is_assigned: bool,
    /// It stands in quotes.
    pub(super) is_quoted: bool,
}

/// What stands between a name and its value as words: Go's type, PHP's and XML's attributes, prose and SQL.
const BETWEEN: [&[u8]; 5] = [b"string ", b"value=", b"is ", b"was ", b"by "];
/// What HTTP puts before a credential.
const SCHEMES: [&[u8]; 6] = [
    b"Bearer ", b"Basic ", b"Token ", b"bearer ", b"basic ", b"token ",
];
/// Signs between a name and its value that say nothing.
const NO_OPERATORS: [&[u8]; 7] = [b"-", b".", b"--", b"!", b"+", b"...", b"?"];

/// The value that is assigned to a name which ends at `from`.
///
/// # Errors
/// [`Outcome::None`] or [`Outcome::Undecided`] when there is none.
pub(super) fn value(context: &Context<'_>, from: usize) -> Result<Assigned, Outcome> {
    // `"name"`, `name']`, `$name}`, `--name`, `name)`, escaped quotes too.
    let closed = step(context, from, 4, &CLOSERS)?;
    let mut spaced = step(context, closed, 8, &BLANKS)?;
    let mut is_said = false;
    if spaced > closed {
        for word in BETWEEN {
            match context.has(spaced, word) {
                Some(true) => {
                    spaced += word.len();
                    is_said = word != b"string ";
                    break;
                }
                Some(false) => {}
                None => return Err(Outcome::Undecided),
            }
        }
    }
    let operator = step(context, spaced, 5, &OPERATORS)?;
    let is_tag = context.before(closed) == Some(b'>') && closed > from;
    let is_assigned = is_said
        || is_tag
        || operator > spaced && !NO_OPERATORS.contains(&context.bytes(spaced..operator));
    // `--token value`, `SECRET value`: a gap may only be a blank, and the value must prove itself.
    if !is_assigned && spaced == closed {
        return Err(Outcome::None);
    }
    let gap = step(context, operator, 24, &WHITE)?;
    let mut opened = step(context, gap, 4, &OPENERS)?;
    for scheme in SCHEMES {
        match context.has(opened, scheme) {
            Some(true) => opened += scheme.len(),
            Some(false) => {}
            None => return Err(Outcome::Undecided),
        }
    }
    let mut end = step(context, opened, VALUE_BYTES_MAX, &VALUE)?;
    let is_quoted = opened > gap && context.byte(end).is_some_and(|byte| QUOTES.has(byte));
    if !is_quoted {
        // A sentence's stop, a bracket's end.
        while end > opened && context.before(end).is_some_and(|byte| STOPS.has(byte)) {
            end -= 1;
        }
        // `name(…)`, `name[…]` and `name{…}` are code.
        if context.byte(end).is_some_and(|byte| CODE.has(byte)) {
            return Err(Outcome::None);
        }
    }
    if !is_assigned && !is_quoted && end - opened < 12 {
        return Err(Outcome::None);
    }
    Ok(Assigned {
        range: opened..end,
        is_assigned,
        is_quoted,
    })
}

const CLOSERS: Class = Class::of("\"'`\\\\])}>*");
const OPENERS: Class = Class::of("\"'`\\\\([{");
const OPERATORS: Class = Class::of("=:>?|,\\-!~+.");
const QUOTES: Class = Class::of("\"'`\\\\");
const BLANKS: Class = Class::of(" \t");
const WHITE: Class = Class::of(" \t\n\r\u{C}");
const STOPS: Class = Class::of(".:!?*|");
const CODE: Class = Class::of("([{<$");

/// Where a run ends, if that is known.
fn step(context: &Context<'_>, from: usize, max: usize, class: &Class) -> Result<usize, Outcome> {
    let end = context.run_of(from, max, class);
    if context.is_open(end) {
        Err(Outcome::Undecided)
    } else {
        Ok(end)
    }
}

/// Whether a text has a word in it, in any case.
#[inline(never)]
pub(super) fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}
