//! Runs of digits: what a number's first digits and their neighbors tell of it, before anybody reads it.
//!
//! Of a log's many runs of digits nearly all are no number that a detector knows: they are too short, part of a word, or followed by the wrong
//! sign. A detector says of which [`Run`]s it can be one, and is not asked about others.

use super::Lengths;

/// What stands before a run of digits: one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before(pub(crate) usize);

/// A set of what may stand before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnyBefore(u16);

/// What the last piece of a gap can end with (see `drive/gap.rs`).
const GAP_ENDS: &[u8] = b" *`~\"'>/#|";

impl Before {
    /// The text's beginning, or a sign that tells nothing.
    pub(crate) const OTHER: Self = Self(0);
    /// The longest word that is told apart: one of so many letters is `Self(letters)`.
    const WORD_LETTERS_MAX: usize = 6;
    /// Letters which are no word of up to six, the last one no capital.
    pub(crate) const LETTERS: Self = Self(7);
    const UNDERSCORE: Self = Self(8);
    const PLUS: Self = Self(9);
    const BRACKET: Self = Self(10);
    /// From here on one byte does not tell.
    const TWO_BYTES: usize = 11;
    /// A sign that joins it to digits before: see [`super::number::begins`].
    const JOINED: Self = Self(11);
    /// A dot or a comma behind a digit.
    const DOTTED: Self = Self(12);
    /// What a gap can end with.
    pub(crate) const GAP: Self = Self(13);
    /// Letters which are no word of up to six, the last one a capital.
    const CAPITALS: Self = Self(14);
    /// How many there are.
    pub(crate) const COUNT: usize = 15;
    /// Letters, as one byte tells.
    pub(crate) const LETTER: Self = Self(Self::COUNT);
    /// So many bytes tell which word it is.
    pub(crate) const BYTES: usize = Self::WORD_LETTERS_MAX + 2;

    /// Of the two bytes before a run, `last` being the nearest; zero where the text begins. Which word letters are is not told: [`Self::word`] does.
    #[inline(always)]
    pub(crate) fn of(second: u8, last: u8) -> Self {
        let nearest = Self::nearest(last);
        if nearest.0 < Self::TWO_BYTES || nearest == Self::LETTER {
            return nearest;
        }
        match nearest {
            Self::JOINED | Self::DOTTED if second.is_ascii_digit() => nearest,
            Self::JOINED if last == b'/' => Self::GAP,
            // One blank is none.
            Self::GAP if last != b' ' || second == b'/' || Self::nearest(second) == Self::GAP => {
                nearest
            }
            _ => Self::OTHER,
        }
    }

    #[inline(always)]
    fn nearest(byte: u8) -> Self {
        Self(
            NEAREST
                .get(usize::from(byte))
                .map_or(0, |of| usize::from(*of)),
        )
    }

    /// Of the letters that bytes end with.
    pub(crate) fn word(bytes: &[u8]) -> Self {
        let letters = bytes.iter().rev().take(Self::WORD_LETTERS_MAX + 1);
        let letters = letters
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let outside = bytes.len().checked_sub(letters + 1);
        let outside = outside.and_then(|at| bytes.get(at));
        let is_joined = outside.is_some_and(u8::is_ascii_digit);
        Self::letters(
            letters,
            is_joined,
            bytes.last().is_some_and(u8::is_ascii_uppercase),
        )
    }

    /// Of so many letters, digits before them or not, the last one a capital or not.
    #[inline]
    pub(crate) const fn letters(letters: usize, is_joined: bool, is_capital: bool) -> Self {
        if letters <= Self::WORD_LETTERS_MAX && !is_joined {
            Self(letters)
        } else if is_capital {
            Self::CAPITALS
        } else {
            Self::LETTERS
        }
    }
}

/// Whether a byte is a control. NUL also stands for what is not there.
const fn is_control(byte: u8) -> bool {
    byte != 0 && byte.is_ascii_control()
}

/// What each byte is before a run, where a digit stands before it.
const NEAREST: [u8; 256] = {
    let mut all = [Before::OTHER.0 as u8; 256];
    let mut rest: &mut [u8] = &mut all;
    let mut byte = 0_u8;
    while let [place, behind @ ..] = rest {
        let of = match byte {
            b'a'..=b'z' | b'A'..=b'Z' => Before::LETTER,
            b'_' => Before::UNDERSCORE,
            b'-' | b':' | b'/' => Before::JOINED,
            b'.' | b',' => Before::DOTTED,
            b'+' => Before::PLUS,
            b'(' => Before::BRACKET,
            _ if has(GAP_ENDS, byte) || is_control(byte) => Before::GAP,
            _ => Before::OTHER,
        };
        *place = of.0 as u8;
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    all
};

const fn has(mut bytes: &[u8], byte: u8) -> bool {
    while let [first, rest @ ..] = bytes {
        if *first == byte {
            return true;
        }
        bytes = rest;
    }
    false
}

impl AnyBefore {
    /// Where a number may begin.
    pub(crate) const START: Self = Self(1 << Before::OTHER.0)
        .or(Self::PLUS)
        .or(Self::BRACKET)
        .or(Self::GAP);
    /// `+`.
    pub(crate) const PLUS: Self = Self(1 << Before::PLUS.0);
    /// `(`.
    pub(crate) const BRACKET: Self = Self(1 << Before::BRACKET.0);
    /// What a gap can end with: in the dense view something else may stand there.
    pub(crate) const GAP: Self = Self(1 << Before::GAP.0);
    /// Anything.
    pub(crate) const ANY: Self = Self(u16::MAX);
    /// A sign behind a digit, but no dot and no comma.
    pub(crate) const JOINED: Self = Self(1 << Before::JOINED.0);
    /// `_`.
    pub(crate) const UNDERSCORE: Self = Self(1 << Before::UNDERSCORE.0);
    /// No letter.
    pub(crate) const SIGN: Self = Self::LETTER.not();
    /// Letters.
    pub(crate) const LETTER: Self = Self(0b1111_1110 | 1 << Before::CAPITALS.0);
    /// Letters whose last one may be a capital.
    pub(crate) const CAPITAL: Self = Self::LETTER.and(Self(!(1 << Before::LETTERS.0)));

    /// A word of so many letters.
    pub(crate) const fn word(letters: usize) -> Self {
        Self(1 << letters)
    }

    /// Either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are in both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// All others.
    pub(crate) const fn not(self) -> Self {
        Self(!self.0)
    }

    /// Whether it is among them, or one of [`Before::LETTER`].
    pub(crate) const fn has(self, before: Before) -> bool {
        match before {
            Before::LETTER => self.0 & Self::LETTER.0 != 0,
            Before(class) => self.0 >> class & 1 == 1,
        }
    }
}

/// What stands directly behind a run of digits: one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind(pub(crate) usize);

/// A set of what may stand behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnyBehind(u32);

/// Signs that can stand between groups.
const SIGNS: [u8; 8] = *b" -./:+()";

/// What a gap can begin with, and is no such sign (see `drive/gap.rs`).
const GAP_BEGINS: &[u8] = b"*`~\"'<=";

impl Behind {
    /// What ends a number, or the text's end.
    pub(crate) const OTHER: Self = Self(0);
    const UPPER: Self = Self(1);
    const LOWER: Self = Self(2);
    const UNDERSCORE: Self = Self(3);
    /// What a gap can begin with.
    const GAP: Self = Self(4);
    /// The signs, then the signs with a digit behind them.
    const SIGN: usize = 5;
    const JOINS: usize = Self::SIGN + SIGNS.len();
    /// A space or a dash before an opening bracket.
    const BRACKET: Self = Self(Self::JOINS + SIGNS.len());
    /// `x` or `X`.
    const X: Self = Self(Self::BRACKET.0 + 1);
    /// How many there are.
    pub(crate) const COUNT: usize = Self::X.0 + 1;

    /// Of a byte, zero at the text's end; no digit or bracket stands behind it.
    #[inline(always)]
    pub(crate) fn of_byte(byte: u8) -> Self {
        Self(
            BEHIND
                .get(usize::from(byte))
                .map_or(0, |of| usize::from(*of)),
        )
    }

    /// The same with this behind it, or nothing that matters.
    #[inline(always)]
    pub(crate) fn followed(self, next: u8) -> Self {
        match next {
            _ if self.0 < Self::SIGN || self.0 == Self::X.0 => self,
            b'0'..=b'9' => Self(self.0 + SIGNS.len()),
            b'(' if self.0 < Self::SIGN + 2 => Self::BRACKET,
            _ => self,
        }
    }

    /// Whether digits stand behind its sign.
    pub(crate) const fn joins(self) -> bool {
        Self::JOINS <= self.0 && self.0 < Self::BRACKET.0
    }
}

/// What each byte is behind a run.
const BEHIND: [u8; 256] = {
    let mut all = [Behind::OTHER.0 as u8; 256];
    let mut rest: &mut [u8] = &mut all;
    let mut byte = 0_u8;
    while let [place, behind @ ..] = rest {
        let sign = AnyBehind::set(&[byte]);
        if sign != 0 {
            *place = Behind::SIGN as u8 + sign.trailing_zeros() as u8;
        } else if byte == b'_' {
            *place = Behind::UNDERSCORE.0 as u8;
        } else if byte.eq_ignore_ascii_case(&b'x') {
            *place = Behind::X.0 as u8;
        } else if byte.is_ascii_uppercase() {
            *place = Behind::UPPER.0 as u8;
        } else if byte.is_ascii_lowercase() {
            *place = Behind::LOWER.0 as u8;
        } else if has(GAP_BEGINS, byte) || is_control(byte) {
            *place = Behind::GAP.0 as u8;
        }
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    all
};

impl AnyBehind {
    /// Anything.
    pub(crate) const ANY: Self = Self(u32::MAX);
    /// A capital letter.
    pub(crate) const UPPER: Self = Self(1 << Behind::UPPER.0).or(Self::X);
    /// `x`, small or not.
    pub(crate) const X: Self = Self(1 << Behind::X.0);
    /// A letter.
    pub(crate) const LETTER: Self = Self::UPPER.or(Self(1 << Behind::LOWER.0));
    /// What a bare number may end with: see [`super::number::ends`].
    pub(crate) const END: Self = Self(
        1 << Behind::OTHER.0
            | 1 << Behind::GAP.0
            | 1 << Behind::BRACKET.0
            | Self::signs(b" -./:+()").0
            | Self::joins(b" :+()").0,
    );
    /// Anything but a letter.
    pub(crate) const WORD_END: Self = Self(!Self::LETTER.0);
    /// What a number may go on with that is broken, or may be broken further on (see `drive/broken.rs`).
    pub(crate) const BREAKS: Self = Self(
        1 << Behind::GAP.0
            | Self::UPPER.0
            | Self::signs(b" -./").0
            | Self::joins(b" -.").0
            | Self::BRACKET.0,
    );

    /// One of these signs, no digit behind it.
    pub(crate) const fn signs(signs: &[u8]) -> Self {
        Self(Self::set(signs) << Behind::SIGN)
    }

    /// One of these signs, and a digit.
    pub(crate) const fn joins(signs: &[u8]) -> Self {
        Self(Self::set(signs) << Behind::JOINS)
    }

    /// A space or a dash, and an opening bracket.
    pub(crate) const BRACKET: Self = Self(1 << Behind::BRACKET.0);

    /// This very byte, whatever stands behind it.
    pub(crate) const fn byte(byte: u8) -> Self {
        let sign = Self::set(&[byte]);
        if sign != 0 {
            Self::signs(&[byte])
                .or(Self::joins(&[byte]))
                .or(Self::BRACKET)
        } else if byte == b'_' {
            Self(1 << Behind::UNDERSCORE.0)
        } else if byte.is_ascii_alphabetic() {
            Self::LETTER
        } else if has(GAP_BEGINS, byte) || is_control(byte) {
            Self(1 << Behind::GAP.0)
        } else {
            Self(1 << Behind::OTHER.0)
        }
    }

    const fn set(mut signs: &[u8]) -> u32 {
        let mut set = 0;
        while let [sign, rest @ ..] = signs {
            let mut all: &[u8] = &SIGNS;
            let mut index = 0;
            while let [known, others @ ..] = all {
                if *known == *sign {
                    set |= 1 << index;
                }
                index += 1;
                all = others;
            }
            signs = rest;
        }
        set
    }

    /// Either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is among them.
    pub(crate) const fn has(self, behind: Behind) -> bool {
        self.0 >> behind.0 & 1 == 1
    }
}

/// A set of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnyDigit(u16);

impl AnyDigit {
    /// Every one.
    pub(crate) const ANY: Self = Self(u16::MAX);

    /// These.
    pub(crate) const fn of(mut digits: &[u8]) -> Self {
        let mut set = 0;
        while let [digit, rest @ ..] = digits {
            set |= 1 << (*digit - b'0');
            digits = rest;
        }
        Self(set)
    }

    /// Whether this one is among them.
    pub(crate) const fn has(self, digit: u8) -> bool {
        self.0 >> (digit & 0xF) & 1 == 1
    }
}

/// A kind of runs: all that can be told without a look at the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// How many digits it has.
    pub(crate) lengths: Lengths,
    /// The first one.
    pub(crate) first: AnyDigit,
    /// What stands before it.
    pub(crate) before: AnyBefore,
    /// What stands behind it.
    pub(crate) behind: AnyBehind,
    /// How many digits stand behind that sign, when digits do…
    pub(crate) next: Lengths,
    /// …what stands behind those…
    pub(crate) then: AnyBehind,
    /// …and how many behind the sign there, when digits do.
    pub(crate) third: Lengths,
    /// So many letters and digits stand behind it, or behind the sign there.
    pub(crate) word: usize,
    /// A word must stand shortly before it.
    pub(crate) announced: bool,
    /// The run is one of the text, and the number is in the dense view.
    pub(crate) dense: bool,
}

impl Run {
    /// Digits with something around them.
    pub(crate) const fn within(lengths: Lengths, before: AnyBefore, behind: AnyBehind) -> Self {
        Self {
            lengths,
            first: AnyDigit::ANY,
            before,
            behind,
            next: Lengths::ALL,
            then: AnyBehind::ANY,
            third: Lengths::ALL,
            word: 0,
            announced: false,
            dense: false,
        }
    }

    /// All of a number.
    pub(crate) const fn bare(lengths: Lengths) -> Self {
        Self::within(lengths, AnyBefore::START, AnyBehind::END)
    }

    /// A number's first group, with one of these signs and so many digits behind it.
    pub(crate) const fn group(length: u32, signs: &[u8], next: Lengths) -> Self {
        Self {
            behind: AnyBehind::joins(signs),
            next,
            ..Self::bare(Lengths::one(length))
        }
    }

    /// The same, with another of these signs and so many digits behind those.
    pub(crate) const fn and(self, signs: &[u8], third: Lengths) -> Self {
        Self {
            then: AnyBehind::joins(signs),
            third,
            ..self
        }
    }

    /// Whether what stands behind its first sign matters.
    pub(crate) fn is_grouped(&self) -> bool {
        self.next != Lengths::ALL || self.then != AnyBehind::ANY
    }

    /// Whether it can be a digit that stands within a chain of such, a blank, a dash, a dot or a slash between each two, where no word announces it.
    pub(crate) fn is_chained(&self) -> bool {
        const JOINS: AnyBehind = AnyBehind::joins(b" -./");
        let is_alone = [self.lengths, self.next, self.third]
            .iter()
            .all(|lengths| lengths.has(1));
        let before = [Before::OTHER, Before::JOINED, Before::DOTTED];
        let is_beside = before.into_iter().any(|before| self.before.has(before))
            && self.behind.0 & self.then.0 & JOINS.0 != 0;
        is_alone && is_beside && !self.announced
    }

    /// As within a word: behind so many letters that begin it, before a letter.
    pub(crate) const fn lettered(letters: usize, digits: u32) -> Self {
        Self::within(
            Lengths::one(digits),
            AnyBefore::word(letters),
            AnyBehind::LETTER,
        )
    }

    /// What may be one in the dense view.
    pub(crate) const fn dense(lengths: Lengths, before: AnyBefore) -> Self {
        Self {
            dense: true,
            ..Self::within(lengths, before, AnyBehind::BREAKS)
        }
    }

    /// Only before so many letters and digits.
    pub(crate) const fn word(self, word: usize) -> Self {
        Self { word, ..self }
    }

    /// Only behind a word.
    pub(crate) const fn announced(self) -> Self {
        Self {
            announced: true,
            ..self
        }
    }

    /// Only with one of these digits first.
    pub(crate) const fn first(self, digits: &[u8]) -> Self {
        Self {
            first: AnyDigit::of(digits),
            ..self
        }
    }
}
