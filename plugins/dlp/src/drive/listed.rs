//! Bytes that are listed as numbers: `73 6b 2d`, `73:6b:2d`, `0x73, 0x6b`, `[115, 107, 45]`, `163 153 055`, `01110011 01101011`; the last
//! also with nothing between them.

use super::escaped::Decoded;
use super::lane::Work;
use super::stretch::{Stretch, Stretches, TEXT_BYTES_MIN, history};
use crate::window::Window;

/// Follows lists through a text.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Which of the last bytes were characters of words, and digits, the last one's bit being the highest.
    words: u64,
    digits: u64,
    stretches: Stretches,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Hexadecimal,
    Decimal,
    Octal,
    Binary,
}

impl Listed {
    /// From where on the view is needed, and undecided.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.stretches.undecided()
    }

    /// Which of the last bytes were digits.
    #[inline]
    pub(super) const fn digits(&self) -> u64 {
        self.digits
    }

    /// Takes a block without digits, behind another without.
    #[inline]
    pub(super) const fn pass(&mut self, words: u64) {
        self.words = words;
    }

    /// Takes which of the next `len` bytes, from `from` on, are characters of words and digits.
    #[inline]
    pub(super) fn take(
        &mut self,
        (words, digits): (u64, u64),
        from: usize,
        len: usize,
        work: &Work<'_>,
        decoded: &mut Vec<Decoded>,
    ) {
        let before = (self.words, self.digits);
        self.words = history(before.0, words, len);
        self.digits = history(before.1, digits, len);
        // Nearly all text has too few numbers.
        if before.1 | digits == 0 {
            return;
        }
        let across = long(before.1 >> 32 | digits << 32);
        let long = long(self.digits);
        let join = |before: u64, now: u64| u128::from(before) | u128::from(now) << 64;
        let mut hits = 0;
        if across.count_ones() > 2 || long.count_ones() > 2 {
            let (across, long) = (in_binary(across), in_binary(long));
            let (early, late) = match len {
                64.. => (0, long),
                _ => (long << len, long >> 1 >> (63 - len)),
            };
            hits = join(early | across << 32, late | across >> 32);
        }
        if can_hit(before, (words, digits)) {
            hits |= in_few_digits(join(before.0, words), join(before.1, digits));
        }
        if hits != 0 {
            self.found(hits, from, work, decoded);
        }
    }

    /// Lists begin at these bits, of which the sixty-fifth stands for `from`.
    #[inline(never)]
    fn found(&mut self, mut hits: u128, from: usize, work: &Work<'_>, decoded: &mut Vec<Decoded>) {
        while hits != 0 {
            let bit = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            let Some(position) = (from + bit).checked_sub(64) else {
                continue;
            };
            if self.stretches.may_begin(position) {
                let Work { window, last, .. } = work.of(position);
                let floor = self.stretches.floor(position);
                let mut start = position;
                while start > floor && window.byte(start - 1).is_some_and(is_listed) {
                    start -= 1;
                }
                self.stretches.follow(Stretch {
                    start,
                    end: position,
                    at: position,
                });
                self.go_on(window, last, decoded);
            }
        }
    }

    /// More is known: what was left open goes on.
    pub(super) fn go_on(&mut self, window: Window<'_>, last: bool, decoded: &mut Vec<Decoded>) {
        let Some(mut open) = self.stretches.take() else {
            return;
        };
        let most = open.most();
        let rest = window.from(open.at).iter().take(most);
        let listed = rest.take_while(|byte| is_listed(**byte)).count();
        open.at += listed;
        if listed < most && open.at >= window.end() && !last {
            self.stretches.follow(open);
            return;
        }
        self.stretches.end(open.at);
        let decided = (open.at + 1).min(window.end());
        for base in [Base::Hexadecimal, Base::Decimal, Base::Octal, Base::Binary] {
            texts(window.range(open.start..open.at), base, |mut text| {
                text.start = open.start;
                text.decided = decided;
                decoded.push(text);
            });
        }
    }
}

/// How many numbers of two characters, or of four, in a row are seen as a list.
const NUMBERS_MIN: u32 = 4;

/// Whether [`in_few_digits`] can see anything in two blocks, as far as how many numbers begin in each tells. One can begin across their edge.
#[inline]
const fn can_hit(before: (u64, u64), now: (u64, u64)) -> bool {
    const fn numbers((words, digits): (u64, u64)) -> (u32, u32) {
        let two = words & words >> 1;
        let short = !(words >> 2) | two >> 2 & !(words >> 4);
        let starts = digits & digits >> 1 & !(digits << 1);
        ((two & digits & short).count_ones(), starts.count_ones())
    }
    let (before, now) = (numbers(before), numbers(now));
    before.0 + now.0 + 1 >= NUMBERS_MIN || before.1 + now.1 + 1 >= TEXT_BYTES_MIN as u32
}

/// How many digits begin a number in binary, at least.
const LONG: u32 = 7;

/// Where so many digits begin, or more. What stands before the first bit is not known; it was seen before.
#[inline]
const fn long(digits: u64) -> u64 {
    let two = digits & digits >> 1;
    let four = two & two >> 2;
    four & four >> (LONG - 4) & !(digits << 1 | 1)
}

/// Where numbers in binary begin that are listed: three long ones, as far from each other.
#[inline(never)]
fn in_binary(long: u64) -> u64 {
    let periods = LONG + 1..=12;
    periods.fold(0, |hits, period| {
        hits | long & long >> period & long >> (2 * period)
    })
}

/// Where lists begin, as far as characters of words and digits tell.
#[inline]
fn in_few_digits(words: u128, digits: u128) -> u128 {
    // Of two digits, one or two signs between them; of four characters, as with `0x`, and up to two signs.
    let two = words & words >> 1;
    let pair = two & !(words >> 2) & digits;
    let four = two & two >> 2 & !(words >> 4) & digits;
    let next = [
        pair & pair >> 3,
        pair & pair >> 4,
        four & four >> 5,
        four & four >> 6,
    ];
    let [a, b, c, d] = next;
    let mut hits = 0;
    if a | b | c | d != 0 {
        for (next, period) in next.into_iter().zip(3..) {
            hits |= next & next >> (2 * period) & next >> (3 * period);
        }
    }
    // Hardly any text has so many numbers.
    let starts = digits & digits >> 1 & !(digits << 1);
    if starts.count_ones() as usize >= TEXT_BYTES_MIN {
        // Each at most five bytes behind the one before.
        let mut chain = starts;
        for _ in 1..TEXT_BYTES_MIN {
            chain = starts & (chain >> 3 | chain >> 4 | chain >> 5);
        }
        hits |= chain;
    }
    hits
}

/// Digits, what marks them as hexadecimal, and what stands between them.
const fn is_listed(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
        || matches!(
            byte,
            b'x' | b'X' | b' ' | b',' | b':' | b';' | b'-' | b'\n' | b'\r' | b'\t'
        )
}

/// Calls `found` with each text that numbers in a row stand for; its places are those of the list.
fn texts(list: &[u8], base: Base, mut found: impl FnMut(Decoded)) {
    let mut text = Decoded::default();
    let mut flush = |text: &mut Decoded| {
        if text.text.len() >= TEXT_BYTES_MIN {
            found(std::mem::take(text));
        }
        *text = Decoded::default();
    };
    let mut at = 0;
    while at < list.len() {
        let rest = list.get(at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric());
        let len = len.count();
        if len == 0 {
            at += 1;
            continue;
        }
        match number(rest.get(..len).unwrap_or_default(), base) {
            Some(byte) => {
                // The end of the one before is where this one begins, until the last.
                text.places.pop();
                text.text.push(char::from(byte));
                let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
                text.places.extend([place(at), place(at + len)]);
            }
            None => flush(&mut text),
        }
        at += len;
    }
    flush(&mut text);
}

/// The printable character of ASCII that a number stands for.
fn number(digits: &[u8], base: Base) -> Option<u8> {
    let digits = match (base, digits) {
        (Base::Hexadecimal, [b'0', b'x' | b'X', digits @ ..])
        | (Base::Binary, [b'0', b'b', digits @ ..])
        | (_, digits) => digits,
    };
    let (radix, lengths) = match base {
        Base::Hexadecimal => (16, 2..=2),
        Base::Decimal => (10, 2..=3),
        Base::Octal => (8, 3..=3),
        Base::Binary => (2, 7..=8),
    };
    let digits = str::from_utf8(digits)
        .ok()
        .filter(|digits| lengths.contains(&digits.len()))?;
    let byte = u8::from_str_radix(digits, radix).ok()?;
    (byte.is_ascii_graphic() || byte == b' ').then_some(byte)
}

/// What a run of digits is in binary, eight of them a character.
pub(super) fn binary(run: &[u8]) -> Option<Decoded> {
    if !run.iter().all(|digit| matches!(digit, b'0' | b'1')) {
        return None;
    }
    let mut text = Decoded::default();
    for (digits, place) in run.chunks(8).zip((0..).step_by(8)) {
        text.text.push(char::from(number(digits, Base::Binary)?));
        text.places.push(place);
    }
    text.places
        .push(u16::try_from(run.len()).unwrap_or(u16::MAX));
    (text.text.len() >= TEXT_BYTES_MIN).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What has too few numbers has no list.
        #[test]
        fn too_few_numbers_are_no_list(text in "([0-9a-f]{1,5}[ ,:x;]{1,2}|[0-9]{2}[ :]|[0-9]{2,3}, |0x[0-9a-f]{2} |[01]{7,8} |0b[01]{8}, |[a-z ]{0,9}){0,40}") {
            let kind = |part: &[u8], is: fn(&u8) -> bool| {
                let bits = part.iter().zip(0..).filter(|(byte, _)| is(byte));
                bits.fold(0_u64, |bits, (_, at)| bits | 1 << at)
            };
            let masks = |part: &[u8]| (kind(part, u8::is_ascii_alphanumeric), kind(part, u8::is_ascii_digit));
            let blocks: Vec<_> = text.as_bytes().chunks(64).map(masks).collect();
            for pair in blocks.windows(2) {
                let join = |before: u64, now: u64| u128::from(before) | u128::from(now) << 64;
                let [before, now] = [pair[0], pair[1]];
                let hits = in_few_digits(join(before.0, now.0), join(before.1, now.1));
                prop_assert!(hits == 0 || can_hit(before, now));
            }
        }
    }
}
