//! Text that is spelled out, with the same separator behind every character: `A K I A …`, `A.K.I.A …`, `"A", "K", …`, a line for each.

use super::blocks::bits;
use super::escaped::Decoded;
use super::lane::Work;
use super::stretch::{Stretch, Stretches, TEXT_BYTES_MIN, history};
use crate::window::Window;

/// By how much the beginnings of characters stand apart: more than their separator has bytes.
const PERIOD_MIN: usize = 2;
const PERIOD_MAX: usize = 10;

/// So many bytes in a row have no two characters of words side by side.
const ALONE_BYTES: u32 = 14;

/// Characters of words that a separator may have: the name of a tag, the mark of an item.
const SEPARATOR_WORDS_MAX: usize = 2;

/// Most blanks between two characters, where nothing else stands between them.
const BLANKS_MAX: usize = 5;

/// Follows what is spelled out.
#[derive(Debug)]
pub(super) struct Spelled {
    /// Which of the last bytes were characters of words, the last one's bit being the highest.
    words: u64,
    /// Of what is followed.
    separator: Separator,
    stretches: Stretches,
}

impl Default for Spelled {
    /// What stands before a text has no place for anything.
    fn default() -> Self {
        Self {
            words: u64::MAX,
            separator: Separator::default(),
            stretches: Stretches::default(),
        }
    }
}

impl Spelled {
    /// From where on the view is needed, and undecided.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.stretches.undecided()
    }

    /// Whether one of the next block's characters of words may stand alone, as in what is spelled out.
    #[inline]
    pub(super) const fn may_hold(&self, words: u64) -> bool {
        are_alone(self.words >> 32 | words << 32) | are_alone(words) != 0
    }

    /// Takes a block that holds none.
    #[inline]
    pub(super) const fn pass(&mut self, words: u64) {
        self.words = words;
    }

    /// Takes which of the next `len` bytes, from `from` on, are characters of words.
    #[inline]
    pub(super) fn take(
        &mut self,
        words: u64,
        from: usize,
        len: usize,
        work: &Work<'_>,
        decoded: &mut Vec<Decoded>,
    ) {
        let before = self.words;
        self.words = history(before, words, len);
        // What has no place in one block has one in the halves of two.
        let across = match len {
            32.. => before >> 32 | words << 32,
            _ => u64::MAX,
        };
        // Nearly all text has two of them side by side, again and again.
        let (one, other) = (are_alone(across), are_alone(self.words));
        if one | other != 0 {
            let blocks = [
                (across, last_alone(across, one), from.wrapping_sub(32)),
                (
                    self.words,
                    last_alone(self.words, other),
                    (from + len).wrapping_sub(64),
                ),
            ];
            for (words, hits, base) in blocks {
                if hits != 0 {
                    self.look(words, hits, base, work, decoded);
                }
            }
        }
    }

    /// Looks closer: whether three characters of a block stand alone, as far from each other, of which one of the `hits` is the last.
    #[inline(never)]
    fn look(
        &mut self,
        words: u64,
        hits: u64,
        base: usize,
        work: &Work<'_>,
        decoded: &mut Vec<Decoded>,
    ) {
        let alone = alone(words);
        for bit in bits(hits) {
            // What was read begins nothing else.
            if !self.stretches.may_begin(base.wrapping_add(bit)) {
                continue;
            }
            for period in PERIOD_MIN..=PERIOD_MAX.min(bit / 2) {
                let three = alone >> bit & alone >> (bit - period) & alone >> (bit - 2 * period);
                let first = base.wrapping_add(bit - 2 * period);
                if three & 1 == 1 && self.begin(first, period, work.of(first)) {
                    self.go_on(work.of(first).window, work.last, decoded);
                    break;
                }
            }
        }
    }

    /// Whether something is spelled out with characters that stand so far from each other, of which one stands at `first`; then it is followed.
    fn begin(&mut self, first: usize, period: usize, work: Work<'_>) -> bool {
        let window = work.window;
        let second = first + period;
        let separator = window.range(first + 1..second);
        let words = separator.iter().filter(|byte| byte.is_ascii_alphanumeric());
        if !self.stretches.may_begin(first)
            // Where the text ends.
            || separator.len() + 1 < period
            || separator != window.range(second + 1..second + period)
            || words.count() > SEPARATOR_WORDS_MAX
        {
            return false;
        }
        self.separator = Separator(separator.to_vec());
        let floor = self.stretches.floor(first).max(work.begins());
        let mut start = first;
        loop {
            let before = window.range(floor..start);
            let Some((character, before)) = self.separator.cut(before).and_then(<[u8]>::split_last)
            else {
                break;
            };
            // A word's last one is none, and of the first that are looked at that is not known.
            let is_alone = match before.last() {
                Some(before) => !before.is_ascii_alphanumeric(),
                None => floor == work.begins(),
            };
            if !is_alone || !self.separator.parts(*character) {
                break;
            }
            start = floor + before.len();
        }
        self.stretches.follow(Stretch {
            start,
            end: start,
            at: start,
        });
        true
    }

    /// More is known: what was left open goes on.
    pub(super) fn go_on(&mut self, window: Window<'_>, last: bool, decoded: &mut Vec<Decoded>) {
        let Some(mut open) = self.stretches.take() else {
            return;
        };
        let decided = loop {
            let (character, rest) = match window.from(open.at) {
                _ if open.most() == 0 => break open.at,
                [character, rest @ ..] => (*character, rest),
                [] if last => break open.at,
                [] => return self.stretches.follow(open),
            };
            let is_word = match rest.first() {
                None if !last => return self.stretches.follow(open),
                behind => behind.is_some_and(u8::is_ascii_alphanumeric),
            };
            if is_word || !self.separator.parts(character) {
                break (open.at + 2).min(window.end());
            }
            open.end = open.at + 1;
            match self.separator.behind(rest) {
                Behind::Separator(bytes) => open.at = open.end + bytes,
                Behind::Other(bytes) => break open.end + bytes,
                Behind::Unknown if last => break window.end(),
                Behind::Unknown => return self.stretches.follow(open),
            }
        };
        self.stretches.end(open.end);
        let written = window.range(open.start..open.end);
        if let Some(found) = self.separator.without(written) {
            decoded.push(Decoded {
                start: open.start,
                decided,
                ..found
            });
        }
    }
}

/// What stands behind each character: always the same, or some blanks.
#[derive(Debug, Default)]
struct Separator(Vec<u8>);

/// What follows a character.
enum Behind {
    /// The separator, of so many bytes.
    Separator(usize),
    /// Something else, as so many bytes tell.
    Other(usize),
    /// That depends on what follows.
    Unknown,
}

impl Separator {
    fn is_blank(&self) -> bool {
        self.0.iter().all(|byte| *byte == b' ')
    }

    /// Whether a byte can be one of the characters that it parts.
    fn parts(&self, byte: u8) -> bool {
        let is_gap = byte == b'\n' && !self.0.contains(&byte) || byte == b' ' && !self.is_blank();
        byte.is_ascii_graphic() || is_gap
    }

    /// What stands before it, if these bytes end with it.
    fn cut<'t>(&self, bytes: &'t [u8]) -> Option<&'t [u8]> {
        if !self.is_blank() {
            return bytes.strip_suffix(self.0.as_slice());
        }
        let blanks = bytes.iter().rev().take_while(|byte| **byte == b' ');
        let blanks = Some(blanks.count()).filter(|blanks| (1..=BLANKS_MAX).contains(blanks))?;
        bytes.get(..bytes.len() - blanks)
    }

    fn behind(&self, bytes: &[u8]) -> Behind {
        let same = |(one, other): &(&u8, &u8)| one == other;
        let expected = match self.is_blank() {
            true => &[b' '; BLANKS_MAX + 1],
            false => self.0.as_slice(),
        };
        let found = bytes.iter().zip(expected).take_while(same).count();
        match found {
            _ if found == self.0.len() && !self.is_blank() => Behind::Separator(found),
            _ if found == bytes.len() => Behind::Unknown,
            1..=BLANKS_MAX if self.is_blank() => Behind::Separator(found),
            _ => Behind::Other(found + 1),
        }
    }

    /// The characters that it parts, unless they are the same few again and again. Digits alone are as often a list of numbers, unless blanks part them.
    fn without(&self, written: &[u8]) -> Option<Decoded> {
        let repeats = |characters: usize| {
            let period = characters * (1 + self.0.len());
            let (from, to) = (
                written.get(period..),
                written.get(..written.len().saturating_sub(period)),
            );
            from == to
        };
        if (1..=4).any(repeats) {
            return None;
        }
        let mut found = Decoded::default();
        let mut rest = written;
        let place = |rest: &[u8]| u16::try_from(written.len() - rest.len()).unwrap_or(u16::MAX);
        while let [character, behind @ ..] = rest {
            found.text.push(char::from(*character));
            found.places.push(place(rest));
            let Behind::Separator(bytes) = self.behind(behind) else {
                rest = behind;
                break;
            };
            rest = behind.get(bytes..).unwrap_or_default();
        }
        found.places.push(place(rest));
        let is_number = found
            .text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace());
        (found.text.len() >= TEXT_BYTES_MIN && (self.is_blank() || !is_number)).then_some(found)
    }
}

/// Where so many bytes begin of which no two are characters of words side by side. What follows the last one is not known.
#[inline]
const fn are_alone(words: u64) -> u64 {
    let one = !(words & words >> 1 | 1 << 63);
    let two = one & one >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & eight >> (ALONE_BYTES - 8)
}

/// Characters that stand alone: of the first and the last one it is not known.
#[inline]
const fn alone(words: u64) -> u64 {
    words & !(words << 1 | 1) & !(words >> 1 | 1 << 63)
}

/// Those of them that end so many bytes in a row which begin at these.
#[inline]
const fn last_alone(words: u64, begins: u64) -> u64 {
    alone(words) & begins << ALONE_BYTES
}

/// What a run of characters of base64 spells out with one of its signs between all others: `A-K-I-A`.
pub(super) fn joined(run: &[u8]) -> Option<Decoded> {
    const SEPARATORS_MIN: usize = 4;
    let first = match run {
        [_, a, _, b, ..] if a == b && !a.is_ascii_alphanumeric() => 0,
        [a, _, b, ..] if a == b && !a.is_ascii_alphanumeric() => 1,
        _ => return None,
    };
    let spelled = run.get(first..)?;
    let separator = *spelled.get(1)?;
    let pairs = spelled.chunks(2);
    let pairs = pairs.take_while(|pair| pair.get(1).is_none_or(|byte| *byte == separator));
    let pairs = pairs.count();
    let spelled = spelled.get(..2 * pairs - 1)?;
    let begins = spelled.iter().step_by(2).take(SEPARATORS_MIN);
    let is_one = begins.clone().any(u8::is_ascii_alphanumeric);
    let mut found = Separator(vec![separator])
        .without(spelled)
        .filter(|_| is_one)?;
    for place in &mut found.places {
        *place += first as u16;
    }
    Some(found)
}
