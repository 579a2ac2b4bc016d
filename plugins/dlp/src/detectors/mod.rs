//! Built-in detectors: shapes of keys, numbers and addresses that a rule can name instead of a pattern.
//!
//! A detector is a [`Trigger`], which tells the scanner where it pays to look, and a function that decides what stands there. The function is
//! pure, reads only what [`Context`] shows it, and looks at each byte a bounded number of times: the scanner may call it at every trigger.
//! It sees the *folded* view of a text (format characters dropped, digits, dashes and spaces of other scripts as ASCII), never a wire format.
//!
//! **To add a detector**: one file in this folder (what the format is and who says so, a `pub(super) const … : Detector`, its function, tests)
//! and one line in [`ALL`], which is sorted by name. A key that is a prefix, an alphabet and a length needs no file: one row in `keys.rs`.

mod class;

pub(crate) use class::Class;
use std::ops::Range;

/// How many bytes before a trigger a detector may count on seeing, when the text has so many.
pub(crate) const LOOK_BEHIND: usize = 256;

/// How many bytes from the trigger on a detector may ask for with [`Outcome::Undecided`]. Then it is called with [`Context::end`] and decides.
pub(crate) const LOOK_AHEAD: usize = 4096;

/// A shape that rules can name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detector {
    /// The name that a rule's `detector` takes, and the rule's own name when it has none.
    pub(crate) name: &'static str,
    /// The kind of data it finds.
    pub(crate) group: Group,
    /// Whether naming a group takes it in.
    pub(crate) grade: Grade,
    /// Whether a match proves itself (a checksum, or a layout that chance does not produce), so that it is also searched in the dense view: the
    /// text without spaces and markup.
    pub(crate) dense: bool,
    /// Where the scanner calls `find`.
    pub(crate) trigger: Trigger,
    /// Decides what stands at a trigger.
    pub(crate) find: fn(&Context<'_>) -> Outcome,
}

/// Groups of detectors, which a rule can name as `secrets`, `pii` and `pci`; `all` is every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Keys, tokens, passwords.
    Secrets,
    /// Personal data.
    Pii,
    /// Data of payment cards.
    Pci,
}

/// How much a match can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// Its group and `all` take it in.
    Precise,
    /// Its group and `all` take it in, but only to flag what it finds, whatever the rule's action: refusing on a guess stops honest work. A rule
    /// that names it has its action.
    Likely,
    /// Right too seldom even to flag unasked: only a rule that names it uses it.
    Named,
}

/// Where a detector is called. Matches of keywords may overlap; each one counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// At each of these byte strings.
    Keywords(&'static [&'static str]),
    /// At each of these byte strings (written in lower case), whatever the case of its ASCII letters.
    KeywordsAnyCase(&'static [&'static str]),
    /// At each maximal run of ASCII digits that has one of these lengths, whatever stands around it.
    Digits(Lengths),
    /// At each `@`.
    At,
}

/// Lengths of runs of digits: of [`Trigger::Digits`], most runs of a log have none that matters, and cost one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths(u32);

impl Lengths {
    /// All runs that are at least so long have one length.
    const LONGEST: u32 = 31;

    /// Each length from `min` to `max`.
    pub(crate) const fn range(min: u32, max: u32) -> Self {
        let (mut set, mut length) = (0, min);
        while length <= max && length <= Self::LONGEST {
            set |= 1 << length;
            length += 1;
        }
        Self(set)
    }

    /// One length.
    pub(crate) const fn one(length: u32) -> Self {
        Self::range(length, length)
    }

    /// These and those.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a run of so many digits is among them.
    pub(crate) fn has(self, length: usize) -> bool {
        let length = u32::try_from(length).unwrap_or(Self::LONGEST);
        (self.0 >> length.min(Self::LONGEST)) & 1 == 1
    }
}

/// A trigger and the text around it. All positions are bytes of `text`.
#[derive(Debug, Clone)]
pub(crate) struct Context<'a> {
    /// The folded view: at least [`LOOK_BEHIND`] bytes before the trigger when there are so many, and what is known behind it.
    pub(crate) text: &'a [u8],
    /// The keyword, the digits or the `@`.
    pub(crate) at: Range<usize>,
    /// `text` begins where the whole text begins.
    pub(crate) start: bool,
    /// Nothing comes behind `text` that could be waited for.
    pub(crate) end: bool,
    /// `text` is the dense view: where spaces and markup stood nothing stands, so that a word's edge proves nothing.
    pub(crate) dense: bool,
}

/// What a detector says about a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to find here.
    None,
    /// It depends on what follows. Never an answer to a context that has its end.
    Undecided,
    /// This is one: the bytes that a rule counts and edits, not empty.
    Match(Range<usize>),
    /// This is one, and what follows is part of it: see [`Latch`].
    Latch(Latch),
}

/// A match that can be longer than any window, such as a private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Latch {
    /// What is certain. It may be acted on at once; the bytes behind it are asked about, one after the other.
    pub(crate) range: Range<usize>,
    /// The match ends behind these bytes, which may also stand across the end of `range`…
    pub(crate) until: &'static str,
    /// …or before the first byte that is not one of its body, or with the text.
    pub(crate) body: Class,
}

/// All detectors, sorted by name.
pub(crate) const ALL: &[Detector] = &[];

/// The detector of a name, or those of a group: `secrets`, `pii`, `pci`, `all`. Empty when there is none.
pub(crate) fn named(name: &str) -> Vec<&'static Detector> {
    let group = match name {
        "secrets" => Some(Group::Secrets),
        "pii" => Some(Group::Pii),
        "pci" => Some(Group::Pci),
        "all" => None,
        _ => {
            return ALL
                .iter()
                .filter(|detector| detector.name == name)
                .collect();
        }
    };
    ALL.iter()
        .filter(|detector| detector.grade != Grade::Named)
        .filter(|detector| group.is_none_or(|group| detector.group == group))
        .collect()
}
