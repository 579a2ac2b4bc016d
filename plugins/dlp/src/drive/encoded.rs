//! Text that is written in base64 (RFC 4648, sections 4 and 5), base32 (section 6) or hexadecimal, within other text; in the first and the last
//! also as UTF-16.
//!
//! A run of such characters is decoded when what comes out can be text. Random keys, hashes and names are told from it by their first few
//! characters: of text, every fourth character of base64 and every second of hexadecimal begins a byte below 128.

use super::blocks::{self, BLOCK, LANES, bits, masks, padded};
use crate::detectors::{Class, base64};
use wide::u8x16;

/// Fewest characters that are decoded: eleven bytes, an SSN.
pub(super) const RUN_BYTES_MIN: usize = 15;

/// Most characters that are decoded at once. A longer run is decoded in portions.
pub(super) const RUN_BYTES_MAX: usize = 4096;

/// By how much portions overlap: a multiple of four, so that bytes begin where they began before; three quarters of it is the longest match
/// that is found wherever portions end.
pub(super) const OVERLAP_BYTES: usize = 1024;

/// Fewest bytes that are worth a look: the shortest number with a checksum.
const TEXT_BYTES_MIN: usize = 9;

/// Characters that are looked at all together.
const LOOK_BYTES: usize = 2 * LANES;

/// Most characters that are looked at so before any are decoded, the first ones and the last: both have all of the nine bytes that lie across.
const NAME_BYTES_MAX: usize = 2 * LOOK_BYTES - 2 * TEXT_BYTES_MIN;

/// Of a run that may be UTF-16 in base64, one character of so many is an `A`.
const WIDE_SHARE: usize = 5;

/// Characters of base32 that begin a byte, as far as they are looked at.
const BASE32_BEGINS: u32 = 1 | 1 << 8 | 1 << 16;

/// Characters of it that [`TEXT_BYTES_MIN`] take.
const BASE32_TEXT: u32 = (1 << 15) - 1;

/// The first character of four of base64 that begin with a printable byte below 128 (8 to 31), or with a line break or a tab (2 or 3).
const QUADS: Class = Class::of("I-Za-fCD");

/// The first of two of hexadecimal that are such a byte.
const PAIRS: Class = Class::of("02-7");

/// Of base64, nothing but zeros.
const ZEROS: Class = Class::of("A");

/// Calls `found` with each text that a part of a run can stand for. The first `known` characters are the last ones of a portion that was decoded.
pub(super) fn decode(run: &[u8], known: usize, mut found: impl FnMut(&str)) {
    let is_long = run.len() > NAME_BYTES_MAX;
    // A character that is no ASCII ends a row of bytes of hexadecimal that are text.
    let can_be = || is_long || stands_for_text(run) || can_begin_pairs(run);
    if run.len() >= RUN_BYTES_MIN && can_be() && !repeats(run) {
        match foreign(run, known) {
            Some(text) => found(&text),
            None => decode_all((run, known), &mut found),
        }
    }
}

fn decode_all((run, known): (&[u8], usize), found: &mut dyn FnMut(&str)) {
    let pairs = |row: &[u8], found: &mut dyn FnMut(&str)| {
        let pairs = row.as_chunks::<2>().0;
        texts(pairs.iter().map(|pair| pair.as_slice()), byte, found);
    };
    let quads = |row: &[u8], found: &mut dyn FnMut(&str)| texts(row.chunks(4), bytes, found);
    if is_wide(run) {
        for skipped in 0..4 {
            quads(run.get(skipped..).unwrap_or_default(), found);
        }
    }
    base32(run, found);
    // Where the first byte begins is not known when something stands before it that is no part of it.
    let begins: Vec<Begins> = run.chunks(BLOCK).map(Begins::of).collect();
    rows((run, known), &begins, 2, &mut |row| pairs(row, found));
    rows((run, known), &begins, 4, &mut |row| quads(row, found));
}

/// The text that a run stands for as a whole, if that is UTF-8 with more than ASCII in it: characters that nobody sees or that look like others.
fn foreign(run: &[u8], known: usize) -> Option<String> {
    let unit = [4, 2].into_iter().find(|unit| begins_foreign(run, *unit))?;
    let mut bytes = vec![0; run.len()];
    let len = decode_into(&mut bytes, run, unit);
    bytes.truncate(len);
    // A portion can begin and end within a character.
    let cut = bytes.iter().take_while(|byte| **byte & 0xC0 == 0x80);
    let bytes = bytes.get(if known > 0 { cut.count() } else { 0 }..)?;
    let text = str::from_utf8(bytes.get(..utf8(bytes)?)?).ok()?;
    let is_one = text.len() >= TEXT_BYTES_MIN && !text.is_ascii() && text.bytes().all(is_text);
    is_one.then(|| text.to_owned())
}

/// Whether a run can begin such a text, as units of so many characters: its first few bytes are, and not every unit begins as ASCII does.
fn begins_foreign(run: &[u8], unit: usize) -> bool {
    let (can_begin, begins) = match unit {
        4 => (can_begin_quads(run), QUADS),
        _ => (can_begin_pairs(run), PAIRS),
    };
    can_begin
        && begins_text_of(run, unit)
        && run.iter().step_by(unit).any(|byte| !begins.has(*byte))
}

/// Whether the first twelve bytes that base64 stands for can be UTF-8, as their upper halves tell: a byte follows one that leads, or that follows itself.
fn can_begin_quads(run: &[u8]) -> bool {
    // Each byte's upper bits are those of one character: the first one's six, the second one's last four, the third one's last two.
    const PLACES: [u32; 3] = [0x1111, 0x2222, 0x4444];
    const LEADS: [Class; 3] = [
        Class::of("w-z0-9+/_\\-"),
        Class::of("M-Pc-fs-v89+/_\\-"),
        Class::of("DHLPTXbfjnrvz37/_"),
    ];
    const FOLLOWS: [Class; 3] = [
        Class::of("g-v"),
        Class::of("I-LYZabo-r4-7"),
        Class::of("CGKOSWaeimquy26+\\-"),
    ];
    const NO_TEXT: [Class; 2] = [Class::of("ABE-H"), Class::of("BRhx")];
    let Some(first) = run.first_chunk::<LANES>() else {
        return true;
    };
    let first = u8x16::new(*first);
    let of = |sets: &[Class]| {
        let sets = sets.iter().zip(PLACES);
        sets.fold(0, |all, (set, places)| {
            all | set.members(first).to_bitmask() & places
        })
    };
    let (leads, follows) = (of(&LEADS), of(&FOLLOWS));
    let [firsts, seconds, thirds] = PLACES;
    let before = |bytes: u32| bytes << 1 & (seconds | thirds) | bytes << 2 & firsts;
    let (led, on) = (before(leads), before(follows));
    (of(&NO_TEXT) | led & !follows | follows & !(led | on)) & 0xFFFF == 0
}

/// The same of those that hexadecimal stands for: of eight, as far as it is any.
fn can_begin_pairs(run: &[u8]) -> bool {
    const LEADS: Class = Class::of("c-fC-F");
    const FOLLOWS: Class = Class::of("89abAB");
    const TEXT: Class = Class::of("02-9a-fA-F");
    const CONTROL: Class = Class::of("1");
    const FIRST: u32 = 0x15;
    const PAIRS: u32 = 0x5555;
    let Some(first) = run.first_chunk::<LANES>() else {
        return true;
    };
    let first = u8x16::new(*first);
    let of = |set: Class| set.members(first).to_bitmask() & PAIRS;
    let (leads, follows, text) = (of(LEADS), of(FOLLOWS), of(TEXT));
    let (led, on) = (leads << 2, follows << 2);
    let control = of(CONTROL);
    let wrong = led & !follows | follows & !(led | on) | control | !text & FIRST;
    // Behind what is no hexadecimal nothing tells.
    let any = text | control | !PAIRS;
    let known = any & !any.wrapping_add(1) | FIRST;
    wrong & known & PAIRS == 0
}

/// Whether the first few bytes that a run stands for are text.
#[inline(never)]
fn begins_text_of(run: &[u8], unit: usize) -> bool {
    let mut head = [0; 12];
    let len = decode_into(&mut head, run, unit);
    let head = head.get(..len).unwrap_or_default();
    len > 2 && head.iter().all(|byte| is_text(*byte)) && utf8(head).is_some()
}

/// How many bytes are UTF-8, if all are but for a character that the end cuts off.
fn utf8(bytes: &[u8]) -> Option<usize> {
    match str::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) if error.error_len().is_none() => Some(error.valid_up_to()),
        Err(_) => None,
    }
}

/// Decodes units of four characters of base64, or of two of hexadecimal, as long as there are any and room for them; how many bytes they are.
#[inline(never)]
fn decode_into(room: &mut [u8], run: &[u8], unit: usize) -> usize {
    let mut len = 0;
    for characters in run.chunks(unit) {
        let decoded = match unit {
            2 => byte(characters).map(|([byte], len)| ([byte, 0, 0], len)),
            _ => bytes(characters),
        };
        let Some((decoded, more)) = decoded else {
            break;
        };
        let Some(place) = room.get_mut(len..len + more) else {
            break;
        };
        for (to, byte) in place.iter_mut().zip(decoded) {
            *to = byte;
        }
        len += more;
    }
    len
}

/// Whether a run of up to [`NAME_BYTES_MAX`] characters can stand for text, as far as each of them tells: nearly no name does. Nobody could guess the answer
/// to any one question, so that there is hardly a branch before the last.
fn stands_for_text(run: &[u8]) -> bool {
    match (run.first_chunk(), run.last_chunk::<LOOK_BYTES>()) {
        // One of both has half of the zeros.
        (Some(first), Some(last)) if run.len() > LOOK_BYTES => {
            let can_be = |part: &[u8; LOOK_BYTES]| has_text(part, 2 * WIDE_SHARE);
            can_be(first) || can_be(last)
        }
        _ => has_text(run, WIDE_SHARE),
    }
}

/// The same of up to [`LOOK_BYTES`], of which one of so many is a zero where they are UTF-16.
#[inline(never)]
fn has_text(run: &[u8], wide_share: usize) -> bool {
    // The second character ends with the upper half of the next byte, that of a letter below 128 or of the first of two; the third one has two bits of the last
    // byte, which are both set in no letter below 128 and in no second byte of two.
    const SECOND: Class = Class::of("AC-HM-NQS-Xcdgi-nstwyz0-389");
    const THIRD: Class = Class::of("ABCEFGIJKMNOQRSUVWYZacdeghiklmopqstuwxy01245689+\\-");
    const BEGINS_32: Class = Class::of("E-Pe-p");
    const OF_32: Class = Class::of("A-Za-z2-7");
    let (first, last) = match (run.first_chunk(), run.last_chunk()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => (padded(run), [0; LANES]),
    };
    let ends = Ends {
        first: u8x16::new(first),
        last: u8x16::new(last),
        behind: run.len().saturating_sub(LANES),
    };
    // Nine bytes in a row are two whole units at least, and a third one begins before them or behind.
    let begins = ends.of(QUADS);
    let whole = begins & ends.of(SECOND) >> 1 & ends.of(THIRD) >> 2;
    let quads = whole & whole >> 4 & (begins << 4 | begins >> 8) != 0;
    let pairs = ends.of(PAIRS);
    let two = pairs & pairs >> 2;
    let four = two & two >> 4;
    let pairs = four & four >> 8 & pairs >> 16 != 0;
    let wide = ends.of(ZEROS).count_ones() as usize * wide_share >= run.len();
    // What begins behind the run is any.
    let begins = ends.of(BEGINS_32) | u32::MAX << (run.len() - 1) << 1;
    let base32 = !begins & BASE32_BEGINS | !ends.of(OF_32) & BASE32_TEXT == 0;
    quads | pairs | wide | base32
}

/// The first characters of a run, and the last.
struct Ends {
    first: u8x16,
    last: u8x16,
    /// How far behind the first ones these begin.
    behind: usize,
}

impl Ends {
    /// Which characters are of a set.
    #[inline(always)]
    fn of(&self, set: Class) -> u32 {
        let [first, last] = [set.members(self.first), set.members(self.last)];
        first.to_bitmask() | last.to_bitmask() << self.behind
    }
}

/// Where among up to sixty-four characters a unit can begin that is text: a pair of hexadecimal, four of base64.
struct Begins {
    pairs: u64,
    quads: u64,
    /// What zeros are in base64.
    zeros: u64,
}

impl Begins {
    #[inline]
    fn of(bytes: &[u8]) -> Self {
        let [quads, pairs, zeros] = masks(bytes, |bytes| {
            [
                QUADS.members(bytes),
                PAIRS.members(bytes),
                ZEROS.members(bytes),
            ]
        });
        Self {
            pairs,
            quads,
            zeros,
        }
    }

    const fn units(&self, unit: usize) -> u64 {
        if unit == 2 { self.pairs } else { self.quads }
    }
}

/// Where in a block enough units of so many characters begin in a row, as far as `next` tells what begins behind it: nine pairs or three of four.
fn enough(unit: usize, begins: u64, next: u64) -> u64 {
    let behind = |by: u32| begins >> by | next << (BLOCK as u32 - by);
    if unit == 4 {
        return begins & behind(4) & behind(8);
    }
    begins
        & behind(2)
        & behind(4)
        & behind(6)
        & behind(8)
        & behind(10)
        & behind(12)
        & behind(14)
        & behind(16)
}

/// Wherever units can begin, the parts of a run in which enough of them in a row begin as text does: most keys, hashes and names have none.
#[inline(never)]
fn rows(
    (run, known): (&[u8], usize),
    begins: &[Begins],
    unit: usize,
    found: &mut dyn FnMut(&[u8]),
) {
    let units = |block: usize| begins.get(block).map_or(0, |begins| begins.units(unit));
    let enough = |block: usize| enough(unit, units(block), units(block + 1));
    if (0..begins.len()).all(|block| enough(block) == 0) {
        return;
    }
    for skipped in 0..unit {
        let every = (u64::MAX / ((1 << unit) - 1)) << skipped;
        let mut before = 0;
        for block in 0..begins.len() {
            // A row begins where no unit of it stands before.
            let firsts = enough(block) & every & !(units(block) << unit | before >> (BLOCK - unit));
            before = units(block);
            for first in bits(firsts) {
                let (mut at, mut gap) = (block, !before & every & (u64::MAX << first));
                while gap == 0 && at < begins.len() {
                    at += 1;
                    gap = !units(at) & every;
                }
                let to = (at * BLOCK + gap.trailing_zeros() as usize).min(run.len());
                // What ends before was a row there, or the end of one.
                if to >= known {
                    found(run.get(block * BLOCK + first..to).unwrap_or_default());
                }
            }
        }
    }
}

/// Whether a long run is the same few characters again and again: what it stands for is so, too, and is nothing that anybody looks for.
fn repeats(run: &[u8]) -> bool {
    run.len() >= 4 * RUN_BYTES_MIN && (1..=4).any(|period| blocks::repeats(run, period))
}

/// Decodes unit by unit, and hands over what is text in a row.
fn texts<'a, const N: usize>(
    units: impl Iterator<Item = &'a [u8]>,
    decode: impl Fn(&[u8]) -> Option<([u8; N], usize)>,
    found: &mut dyn FnMut(&str),
) {
    let mut row = Row::of(found);
    for unit in units {
        match decode(unit) {
            Some((bytes, len)) if len == N && N > 1 && bytes.iter().all(|byte| is_plain(*byte)) => {
                row.push_all(bytes)
            }
            Some((bytes, len)) => bytes.into_iter().take(len).for_each(|byte| row.push(byte)),
            None => row.end(),
        }
    }
    row.end();
}

/// Bytes that are text, in a row.
struct Row<'f> {
    bytes: Vec<u8>,
    /// The last one began the row, or there was a zero before it.
    is_wide: bool,
    /// A zero stands behind it.
    is_zero: bool,
    found: &'f mut dyn FnMut(&str),
}

impl<'f> Row<'f> {
    fn of(found: &'f mut dyn FnMut(&str)) -> Self {
        Self {
            bytes: Vec::new(),
            is_wide: false,
            is_zero: false,
            found,
        }
    }

    /// The next byte. In UTF-16 every second one is a zero, which stands for nothing.
    fn push(&mut self, byte: u8) {
        if is_text(byte) {
            self.is_wide = self.bytes.is_empty() || self.is_zero;
            self.is_zero = false;
            self.bytes.push(byte);
        } else if byte == 0 && self.is_wide && !self.is_zero {
            self.is_zero = true;
        } else {
            self.end();
        }
    }

    /// The next bytes, several and plain.
    #[inline]
    fn push_all<const N: usize>(&mut self, bytes: [u8; N]) {
        (self.is_wide, self.is_zero) = (false, false);
        self.bytes.extend_from_slice(&bytes);
    }

    fn end(&mut self) {
        // Random bytes are seldom UTF-8 for long.
        if self.bytes.len() >= TEXT_BYTES_MIN {
            let parts = self.bytes.utf8_chunks().map(|chunk| chunk.valid());
            parts
                .filter(|part| part.len() >= TEXT_BYTES_MIN)
                .for_each(&mut *self.found);
        }
        self.bytes.clear();
        (self.is_wide, self.is_zero) = (false, false);
    }
}

/// Whether a run can be UTF-16 in base64, as far as its first characters tell: half of the bytes are zeros, so that a fourth of the characters
/// are `A`.
fn is_wide(run: &[u8]) -> bool {
    let run = run.get(..BLOCK).unwrap_or(run);
    Begins::of(run).zeros.count_ones() as usize * WIDE_SHARE >= run.len()
}

/// The text that a run stands for in base32 (RFC 4648, section 6), in capitals or in small letters, if it can be any.
fn base32(run: &[u8], found: &mut dyn FnMut(&str)) {
    // The first five bits of a printable byte below 128.
    let begins = |at: usize| {
        run.get(at)
            .is_none_or(|byte| matches!(byte.to_ascii_uppercase(), b'E'..=b'P'))
    };
    if !begins(0) || !begins(8) || !begins(16) {
        return;
    }
    let is_small = run.iter().any(u8::is_ascii_lowercase);
    let digit = |byte: &u8| match byte {
        b'A'..=b'Z' if !is_small => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    };
    let (mut row, mut bits, mut count) = (Row::of(found), 0_u32, 0);
    for byte in run {
        let Some(digit) = digit(byte) else {
            return;
        };
        (bits, count) = (bits << 5 | u32::from(digit), count + 5);
        if count >= 8 {
            count -= 8;
            row.push((bits >> count) as u8);
        }
    }
    row.end();
}

/// Whether a byte is text as nearly all are.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7F
}

const fn is_text(byte: u8) -> bool {
    is_plain(byte) || matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Two digits of hexadecimal that are text.
fn byte(pair: &[u8]) -> Option<([u8; 1], usize)> {
    let [high, low] = pair else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    Some(([byte], 1))
}

/// Up to four characters of base64.
fn bytes(quad: &[u8]) -> Option<([u8; 3], usize)> {
    Some((base64::unit(quad)?, quad.len() - 1))
}

/// The first sextet of a printable byte below 128 is 8 to 31, of a line break or a tab 2 or 3.
const fn begins_text(byte: u8) -> bool {
    matches!(byte, b'I'..=b'Z' | b'a'..=b'f' | b'C' | b'D')
}

/// Whether what has begun can be such a run: so that no text is held back for a long word.
pub(super) fn can_be(run: &[u8]) -> bool {
    let upper = run.iter().any(u8::is_ascii_uppercase);
    let lower = run.iter().any(u8::is_ascii_lowercase);
    let digit = run.iter().any(u8::is_ascii_digit);
    // A long name can have both cases, and seldom a digit between them.
    (run.len() >= 8 && digit || run.len() >= 20)
        && (upper && lower || digit)
        && (is_wide(run)
            || (0..4).any(|skipped| {
                let row = |step: usize, is: fn(&u8) -> bool| {
                    let units = run.iter().skip(skipped).step_by(step);
                    units.take(3).all(is)
                };
                row(4, |byte| begins_text(*byte)) || row(2, |byte| matches!(byte, b'2'..=b'7'))
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_more_than_ascii() {
        // "my number is 536–90–4399" in base64, the number in hexadecimal.
        for (run, text) in [
            (
                "bXkgbnVtYmVyIGlzIDUzNuKAkzkw4oCTNDM5OQ",
                "my number is 536\u{2013}90\u{2013}4399",
            ),
            (
                "353336e280933930e2809334333939",
                "536\u{2013}90\u{2013}4399",
            ),
        ] {
            assert_eq!(decoded(run), [text]);
        }
    }

    fn decoded(run: &str) -> Vec<String> {
        let mut all = Vec::new();
        decode(run.as_bytes(), 0, |text| all.push(text.to_owned()));
        all
    }

    #[test]
    fn text_comes_out_and_nothing_else() {
        for (run, text) in [
            ("NTM2LTkwLTQzOTk", "536-90-4399"),
            ("KzEgMjEyLTU1NS0wMTg3", "+1 212-555-0187"),
            ("xNTM2LTkwLTQzOTk", "536-90-4399"),
            ("NQAzADYALQA5ADAALQA0ADMAOQA5AA", "536-90-4399"),
            ("ADUAMwA2AC0AOQAwAC0ANAAzADkAOQ", "536-90-4399"),
            ("3500330036002d00390030002d0034003300390039", "536-90-4399"),
            ("GUZTMLJZGAWTIMZZHE", "536-90-4399"),
            ("guztmljzgawtimzzhe", "536-90-4399"),
            ("3533362d39302d34333939", "536-90-4399"),
            (
                "44453839333730343030343430353332303133303030",
                "DE89370400440532013000",
            ),
        ] {
            assert!(
                decoded(run).contains(&text.to_owned()),
                "{run} {:?}",
                decoded(run)
            );
        }
        for run in [
            "7c85c0639f778e481d9489ee3e59e443",
            "ty_before_projection",
            "PlaceWithOriginPacked",
            "A1A1A1A1A1A1A1A1A1A1",
            "chatcmpl-9xZqW3LmN8vKp2RtYbHc5Jd7Fg",
        ] {
            assert_eq!(decoded(run), [""; 0], "{run}");
        }
    }

    /// Wherever units can begin, the parts of a run in which at least so many in a row begin as text does, looked for one by one, but for those that end
    /// in what is known.
    fn slow_rows(
        (run, known): (&[u8], usize),
        unit: usize,
        units_min: usize,
        begins: fn(u8) -> bool,
    ) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for first in 0..unit {
            let mut row = 0;
            for at in (first..run.len() + unit).step_by(unit) {
                if run.get(at).is_some_and(|byte| begins(*byte)) {
                    row += 1;
                } else {
                    if row >= units_min && at.min(run.len()) >= known {
                        found.push(run[at - row * unit..at.min(run.len())].to_vec());
                    }
                    row = 0;
                }
            }
        }
        found
    }

    proptest::proptest! {
        /// What tells runs that begin with no text from those that do is never wrong about these.
        #[test]
        fn nothing_that_begins_as_text_is_passed_over(text in "(é|ü|–|😀|[ -~\t\n]|\u{200b}|ß){1,9}", run in "([A-Za-z0-9+/_-]{15,30}|([02-79a-fA-F][0-9a-f]){8,12})") {
            use ::base64::Engine as _;
            use ::base64::engine::general_purpose::STANDARD_NO_PAD;
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            for run in [STANDARD_NO_PAD.encode(&text), hex, run] {
                let run = run.as_bytes();
                proptest::prop_assert!(can_begin_quads(run) || !begins_text_of(run, 4));
                proptest::prop_assert!(can_begin_pairs(run) || !begins_text_of(run, 2));
            }
        }

        /// What tells names from text is never wrong about text.
        #[test]
        fn nothing_that_stands_for_text_is_passed_over(
            text in "([ -~]{9,40}|[ -~é\t\nß]{9,20}|[0-9-]{9,12})",
            junk in "[A-Za-z0-9+/_-]{0,8}",
            run in "[A-Za-z0-9+/_-]{15,64}",
        ) {
            use ::base64::Engine as _;
            use ::base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let base32 = text.as_bytes().chunks_exact(5).flat_map(|five| {
                let bits = five.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                (0..8).rev().map(move |at| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(bits >> (5 * at) & 31) as usize]))
            });
            let base32: String = base32.collect();
            let small = base32.to_lowercase();
            let runs = [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text), STANDARD_NO_PAD.encode(&wide), hex, base32, small, run];
            for run in runs {
                for run in [run.clone(), junk.clone() + &run, run.clone() + &junk] {
                    let run = &run.as_bytes()[..run.len().min(NAME_BYTES_MAX)];
                    let mut any = false;
                    decode_all((run, 0), &mut |_| any = true);
                    proptest::prop_assert!(!any || run.len() < RUN_BYTES_MIN || stands_for_text(run), "{}", String::from_utf8_lossy(run));
                }
            }
        }

        /// What is found unit by unit is found in blocks.
        #[test]
        fn blocks_miss_nothing(run in "([A-Za-z0-9+/]{0,40}|[2-7][0-9a-f]|([2-7][0-9a-f]){60}|([a-fI-Z][A-Za-z0-9]{3}){0,4}|([a-fI-Z][A-Za-z0-9]{3}){40}|[ghi]{60}){1,9}", known in 0usize..200) {
            let run = run.as_bytes();
            let begins: Vec<Begins> = run.chunks(BLOCK).map(Begins::of).collect();
            let (mut pairs, mut quads) = (Vec::new(), Vec::new());
            rows((run, known), &begins, 2, &mut |row| pairs.push(row.to_vec()));
            rows((run, known), &begins, 4, &mut |row| quads.push(row.to_vec()));
            proptest::prop_assert_eq!(pairs, slow_rows((run, known), 2, TEXT_BYTES_MIN, |byte| matches!(byte, b'2'..=b'7' | b'0')));
            proptest::prop_assert_eq!(quads, slow_rows((run, known), 4, TEXT_BYTES_MIN / 3, begins_text));
        }
    }
}
