//! Runs of digits: what a number's first digits and their neighbors tell of it, before anybody reads it.
//!
//! Of a log's many runs of digits nearly all are no number that a detector knows: they are too short, part of a word, or followed by the wrong
//! sign. A detector says of which [`Run`]s it can be one, and is not asked about others.

use super::Lengths;

/// What stands before a run of digits: one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before(pub(crate) usize);

/// A set of what may stand before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyBefore(u16);

impl Before {
    /// Neither a letter nor `_`, and no sign behind a digit: see [`super::number::begins`].
    const START: Self = Self(0);
    /// A sign that joins it to digits before.
    const JOINED: Self = Self(7);
    const UNDERSCORE: Self = Self(8);
    /// Letters which are no word of up to six.
    const LETTERS: Self = Self(9);
    /// How many there are. A word of so many letters is `Self(letters)`.
    pub(crate) const COUNT: usize = 10;
    /// The longest word that is told apart.
    const WORD_LETTERS_MAX: usize = 6;

    /// Of the bytes before a run, the last one being the nearest.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let [.., second, last] = bytes else {
            return match bytes.last() {
                Some(b'_') => Self::UNDERSCORE,
                Some(byte) if byte.is_ascii_alphabetic() => Self(1),
                Some(_) | None => Self::START,
            };
        };
        match last {
            b'_' => Self::UNDERSCORE,
            b'-' | b'.' | b'/' | b',' | b':' if second.is_ascii_digit() => Self::JOINED,
            last if last.is_ascii_alphabetic() => {
                let nearest = bytes.iter().rev().take(Self::WORD_LETTERS_MAX + 1);
                let letters = nearest.take_while(|byte| byte.is_ascii_alphabetic());
                let letters = letters.count();
                let outside = bytes.len().checked_sub(letters + 1);
                let outside = outside.and_then(|at| bytes.get(at));
                if letters > Self::WORD_LETTERS_MAX || outside.is_some_and(u8::is_ascii_digit) {
                    Self::LETTERS
                } else {
                    Self(letters)
                }
            }
            _ => Self::START,
        }
    }
}

impl AnyBefore {
    /// Where a number may begin.
    pub(crate) const START: Self = Self(1 << Before::START.0);
    /// Anything.
    pub(crate) const ANY: Self = Self(u16::MAX);
    /// No letter.
    pub(crate) const SIGN: Self =
        Self(1 << Before::START.0 | 1 << Before::JOINED.0 | 1 << Before::UNDERSCORE.0);

    /// A word of so many letters.
    pub(crate) const fn word(letters: usize) -> Self {
        Self(1 << letters)
    }

    /// Either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is among them.
    pub(crate) const fn has(self, before: Before) -> bool {
        self.0 >> before.0 & 1 == 1
    }
}

/// What stands directly behind a run of digits: one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind(pub(crate) usize);

/// A set of what may stand behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyBehind(u32);

/// Signs that can stand between groups.
const SIGNS: [u8; 8] = *b" -./:+()";

impl Behind {
    /// What ends a number, or the text's end.
    const OTHER: Self = Self(0);
    pub(crate) const LETTER: Self = Self(1);
    pub(crate) const UNDERSCORE: Self = Self(2);
    /// The signs, then the signs with a digit behind them.
    const SIGN: usize = 3;
    /// A space or a dash before an opening bracket.
    const BRACKET: Self = Self(Self::SIGN + 2 * SIGNS.len());
    /// How many there are.
    pub(crate) const COUNT: usize = Self::BRACKET.0 + 1;

    /// Of a byte and the one behind it.
    #[inline]
    pub(crate) fn of(byte: Option<u8>, next: Option<u8>) -> Self {
        let class = byte.map_or(Self::OTHER, Self::of_byte);
        match next {
            _ if class.0 < Self::SIGN => class,
            Some(b'0'..=b'9') => Self(class.0 + SIGNS.len()),
            Some(b'(') if class.0 < Self::SIGN + 2 => Self::BRACKET,
            Some(_) | None => class,
        }
    }

    /// Of a byte, no digit or bracket behind it.
    #[inline]
    pub(crate) fn of_byte(byte: u8) -> Self {
        Self(
            BEHIND
                .get(usize::from(byte))
                .map_or(0, |of| usize::from(*of)),
        )
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
        } else if byte.is_ascii_alphabetic() {
            *place = Behind::LETTER.0 as u8;
        }
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    all
};

impl AnyBehind {
    /// Anything.
    pub(crate) const ANY: Self = Self(u32::MAX);
    /// A letter.
    pub(crate) const LETTER: Self = Self(1 << Behind::LETTER.0);
    /// What a bare number may end with: see [`super::number::ends`].
    pub(crate) const END: Self = Self(
        1 << Behind::OTHER.0
            | 1 << Behind::BRACKET.0
            | Self::signs(b" -./:+()").0
            | Self::joins(b" :+()").0,
    );
    /// Anything but a letter.
    pub(crate) const WORD_END: Self = Self(!Self::LETTER.0);

    /// One of these signs, no digit behind it.
    pub(crate) const fn signs(signs: &[u8]) -> Self {
        Self(Self::set(signs) << Behind::SIGN)
    }

    /// One of these signs, and a digit.
    pub(crate) const fn joins(signs: &[u8]) -> Self {
        Self(Self::set(signs) << (Behind::SIGN + SIGNS.len()))
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

/// A kind of runs: all that can be told without a look at the digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// How many digits it has.
    pub(crate) lengths: Lengths,
    /// What stands before it.
    pub(crate) before: AnyBefore,
    /// What stands behind it.
    pub(crate) behind: AnyBehind,
    /// How many digits stand behind that sign, when digits do.
    pub(crate) next: Lengths,
}

impl Run {
    /// All of a number.
    pub(crate) const fn bare(lengths: Lengths) -> Self {
        Self {
            lengths,
            before: AnyBefore::START,
            behind: AnyBehind::END,
            next: Lengths::ALL,
        }
    }

    /// A number's first group, with one of these signs and so many digits behind it.
    pub(crate) const fn group(length: u32, signs: &[u8], next: Lengths) -> Self {
        Self {
            behind: AnyBehind::joins(signs),
            next,
            ..Self::bare(Lengths::one(length))
        }
    }

    /// Digits with something else around them.
    pub(crate) const fn within(lengths: Lengths, before: AnyBefore, behind: AnyBehind) -> Self {
        Self {
            lengths,
            before,
            behind,
            next: Lengths::ALL,
        }
    }

    /// As within a word: behind so many letters that begin it, before a letter.
    pub(crate) const fn lettered(letters: usize, digits: u32) -> Self {
        Self::within(
            Lengths::one(digits),
            AnyBefore::word(letters),
            AnyBehind::LETTER,
        )
    }
}
