//! The inside of a JSON string to text, and positions of the text back to bytes.

use super::token::Raw;
use std::ops::Range;

/// What stands for one character or more, and could not be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// An escape of this many bytes (2, 6, or 12 for a surrogate pair) and what it means. A surrogate without its partner is read
    /// as U+FFFD: RFC 8259, section 8.2, leaves open what it is, so it must not hide what stands around it.
    Escape(usize, char),
    /// More bytes are needed to tell.
    Unfinished,
    /// No escape of RFC 8259.
    Invalid,
}

/// Reads the escape that `bytes` begin with (their first byte is the backslash).
pub(crate) fn unit(bytes: &[u8]) -> Unit {
    let Some(kind) = bytes.get(1) else {
        return Unit::Unfinished;
    };
    let plain = match kind {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        _ => return Unit::Invalid,
    };
    Unit::Escape(2, plain)
}

fn unicode(bytes: &[u8]) -> Unit {
    let first = match hex4(bytes.get(2..).unwrap_or_default()) {
        Hex::Value(value) => value,
        Hex::Unfinished => return Unit::Unfinished,
        Hex::Invalid => return Unit::Invalid,
    };
    let lone = Unit::Escape(
        6,
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
    );
    if !(0xd800..0xdc00).contains(&first) {
        return lone;
    }
    match (bytes.get(6), bytes.get(7)) {
        (None, _) | (Some(b'\\'), None) => return Unit::Unfinished,
        (Some(b'\\'), Some(b'u')) => {}
        (Some(_), _) => return lone,
    }
    match hex4(bytes.get(8..).unwrap_or_default()) {
        Hex::Value(second) if (0xdc00..0xe000).contains(&second) => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Unit::Escape(
                12,
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            )
        }
        Hex::Unfinished => Unit::Unfinished,
        Hex::Value(_) | Hex::Invalid => lone,
    }
}

enum Hex {
    Value(u32),
    Unfinished,
    Invalid,
}

fn hex4(bytes: &[u8]) -> Hex {
    let mut value = 0;
    for index in 0..4 {
        let Some(byte) = bytes.get(index) else {
            return Hex::Unfinished;
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Hex::Invalid;
        };
        value = value * 16 + digit;
    }
    Hex::Value(value)
}

/// Appends what `raw` (the inside of a string that the tokenizer let pass, not cut within an escape) means.
pub(crate) fn unescape_into(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let (len, meaning) = unit_of_valid(escape.as_bytes());
        out.push(meaning);
        rest = escape.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// An escape within a string: its bytes, and the bytes of text that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Escape {
    pub bytes: Range<usize>,
    pub text: Range<usize>,
}

/// All escapes of a string's inside.
pub(crate) fn escapes(raw: &str) -> impl Iterator<Item = Escape> {
    let mut byte = 0;
    let mut text = 0;
    std::iter::from_fn(move || {
        let rest = raw.as_bytes().get(byte..)?;
        let plain = memchr::memchr(b'\\', rest)?;
        let (len, meaning) = unit_of_valid(rest.get(plain..)?);
        let escape = Escape {
            bytes: byte + plain..byte + plain + len,
            text: text + plain..text + plain + meaning.len_utf8(),
        };
        byte = escape.bytes.end;
        text = escape.text.end;
        Some(escape)
    })
}

/// Whether what is written means `text`.
pub(crate) fn means(raw: Raw<'_>, text: &str) -> bool {
    if !raw.escaped {
        return raw.text == text;
    }
    let mut meaning = String::new();
    unescape_into(raw.text, &mut meaning);
    meaning == text
}

/// [`unit`] where the tokenizer has already seen that it is one. At the end of a string a high surrogate has no partner to wait for.
fn unit_of_valid(bytes: &[u8]) -> (usize, char) {
    match unit(bytes) {
        Unit::Escape(len, meaning) => (len, meaning),
        Unit::Unfinished | Unit::Invalid => (bytes.len().min(6), char::REPLACEMENT_CHARACTER),
    }
}

/// Which bytes of `raw` stand for ranges of its text: for each of `ranges` (bytes of the unescaped text, sorted, apart from each
/// other) calls `found` with the bytes. What begins or ends within a character is widened to the whole of it; what lies behind the
/// text's end is cut off.
pub(crate) fn locate<'r>(
    raw: &str,
    ranges: impl IntoIterator<Item = &'r Range<usize>>,
    found: impl FnMut(Range<usize>),
) {
    Walk::over(raw, Side::Text, ranges, found);
}

/// The inverse of [`locate`]: for ranges of the bytes of `raw`, those of the text. What begins or ends within an escape is widened.
pub(super) fn measure<'r>(
    raw: &str,
    ranges: impl IntoIterator<Item = &'r Range<usize>>,
    found: impl FnMut(Range<usize>),
) {
    Walk::over(raw, Side::Bytes, ranges, found);
}

/// In what a position is given.
#[derive(Clone, Copy)]
enum Side {
    Bytes,
    Text,
}

/// A place in raw bytes and in the text they mean, moving forward only.
struct Walk<'a> {
    raw: &'a str,
    byte: usize,
    text: usize,
}

impl<'a> Walk<'a> {
    fn over<'r>(
        raw: &'a str,
        side: Side,
        ranges: impl IntoIterator<Item = &'r Range<usize>>,
        mut found: impl FnMut(Range<usize>),
    ) {
        let mut walk = Walk {
            raw,
            byte: 0,
            text: 0,
        };
        for range in ranges {
            let start = walk.to(side, range.start, false);
            let end = walk.to(side, range.end, true);
            found(start..end.max(start));
        }
    }

    /// Goes on to `target` and says where that is on the other side. A target within a character or an escape: to its beginning, or
    /// to its end when `past`.
    fn to(&mut self, side: Side, target: usize, past: bool) -> usize {
        loop {
            let (here, there) = match side {
                Side::Bytes => (self.byte, self.text),
                Side::Text => (self.text, self.byte),
            };
            let wanted = target.saturating_sub(here);
            let rest = self.raw.get(self.byte..).unwrap_or_default();
            if wanted == 0 || rest.is_empty() {
                return there;
            }
            let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
            if plain > 0 {
                let step = wanted.min(plain);
                let step = if past {
                    rest.ceil_char_boundary(step)
                } else {
                    rest.floor_char_boundary(step)
                };
                self.byte += step;
                self.text += step;
                if wanted < plain {
                    return there + step;
                }
                continue;
            }
            let (len, meaning) = unit_of_valid(rest.as_bytes());
            let size = match side {
                Side::Bytes => len,
                Side::Text => meaning.len_utf8(),
            };
            if size > wanted && !past {
                return there;
            }
            self.byte += len;
            self.text += meaning.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescaped(raw: &str) -> String {
        let mut out = String::new();
        unescape_into(raw, &mut out);
        out
    }

    #[test]
    fn surrogates() {
        for (raw, text) in [
            (r"\ud83d\ude00", "😀"),
            (r"\uD83D\uDE00x", "😀x"),
            (r"a\ud83db", "a\u{fffd}b"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
        ] {
            assert_eq!(unescaped(raw), text, "{raw}");
        }
    }

    #[test]
    fn located_bytes_are_whole_escapes_and_characters() {
        let raw = r"aé\n\ud83d\ude00z";
        for (range, bytes) in [
            (0..1, "a"),
            (1..2, "é"),
            (2..3, "é"),
            (3..4, r"\n"),
            (4..5, r"\ud83d\ude00"),
            (7..8, r"\ud83d\ude00"),
            (3..9, r"\n\ud83d\ude00z"),
            (8..100, "z"),
            (50..100, ""),
            (4..4, ""),
        ] {
            let mut seen = None;
            locate(raw, [&range], |bytes| seen = Some(bytes));
            assert_eq!(raw.get(seen.unwrap()), Some(bytes), "{range:?}");
        }
    }

    /// Pieces of a string's inside, each with its meaning.
    fn pieces() -> impl Strategy<Value = Vec<(String, String)>> {
        let plain = "[^\"\\\\\u{0}-\u{1f}]{1,9}".prop_map(|text: String| (text.clone(), text));
        let short = prop_oneof![
            Just((r"\n", "\n")),
            Just((r"\\", "\\")),
            Just((r"\/", "/")),
            Just((r#"\""#, "\""))
        ]
        .prop_map(|(raw, text)| (raw.to_owned(), text.to_owned()));
        let long = any::<char>().prop_map(|c| {
            let mut units = [0; 2];
            let raw = c
                .encode_utf16(&mut units)
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect();
            (raw, c.to_string())
        });
        proptest::collection::vec(prop_oneof![plain, short, long], 0..12)
    }

    proptest! {
        #[test]
        fn every_character_is_found_where_it_was_written(pieces in pieces()) {
            let raw: String = pieces.iter().map(|(raw, _)| raw.as_str()).collect();
            let text: String = pieces.iter().map(|(_, text)| text.as_str()).collect();
            prop_assert_eq!(&unescaped(&raw), &text);
            let ranges: Vec<_> = text.char_indices().map(|(at, c)| at..at + c.len_utf8()).collect();
            let mut located = Vec::new();
            locate(&raw, &ranges, |bytes| located.push(bytes));
            prop_assert_eq!(located.len(), ranges.len());
            prop_assert_eq!(located.last().map_or(0, |bytes| bytes.end), raw.len());
            for (bytes, range) in located.iter().zip(&ranges) {
                prop_assert_eq!(&unescaped(raw.get(bytes.clone()).unwrap()), text.get(range.clone()).unwrap());
            }
            let mut measured = Vec::new();
            measure(&raw, &located, |range| measured.push(range));
            prop_assert_eq!(measured, ranges);
        }

        #[test]
        fn any_ranges_are_located_without_panic(raw in "([a-zé]|\\\\n|\\\\ud83d|\\\\ude00){0,12}", cuts in proptest::collection::vec(0usize..60, 0..8)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let ranges: Vec<_> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let mut last = 0;
            let mut check = |bytes: &Range<usize>, of: &str| {
                assert!(of.get(bytes.clone()).is_some());
                assert!(last <= bytes.end);
                last = bytes.end;
            };
            locate(&raw, &ranges, |bytes| check(&bytes, &raw));
            last = 0;
            let text = unescaped(&raw);
            let mut check = |range: &Range<usize>| {
                assert!(text.get(range.clone()).is_some());
                assert!(last <= range.end);
                last = range.end;
            };
            measure(&raw, &ranges, |range| check(&range));
        }
    }
}
