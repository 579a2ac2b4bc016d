//! Positions of a string's text to bytes of its inside, and back.

use super::unescape::unit_of_valid;
use std::ops::Range;

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
            // Nothing behind the target is looked at: it would be looked at again for the next one.
            let reach = wanted.min(rest.len());
            let ahead = rest.as_bytes().get(..reach).unwrap_or_default();
            let plain = memchr::memchr(b'\\', ahead).unwrap_or(reach);
            if plain > 0 {
                let step = match (plain == reach, past) {
                    (false, _) => plain,
                    (true, true) => rest.ceil_char_boundary(plain),
                    (true, false) => rest.floor_char_boundary(plain),
                };
                self.byte += step;
                self.text += step;
                if plain == reach {
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
    use super::super::unescaped::Unescaped;
    use super::*;
    use proptest::prelude::*;

    fn unescaped(raw: &str) -> String {
        Unescaped::new().of(raw).to_owned()
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
