//! A slow driver of one detector over a whole text: the reference for the scanner, and what the detectors' own tests run on.

use super::{Context, Detector, LOOK_BEHIND, Outcome, Trigger};
use std::ops::Range;

/// Every trigger of a detector in a text, in order of place.
fn triggers(detector: &Detector, text: &[u8]) -> Vec<Range<usize>> {
    let keywords = |words: &[&str], any_case: bool| -> Vec<Range<usize>> {
        let mut found: Vec<_> = (0..text.len())
            .flat_map(|at| {
                words.iter().filter_map(move |word| {
                    let part = text.get(at..at + word.len())?;
                    let is_here = part == word.as_bytes()
                        || any_case && part.eq_ignore_ascii_case(word.as_bytes());
                    is_here.then_some(at..at + word.len())
                })
            })
            .collect();
        found.sort_by_key(|range| (range.start, range.end));
        found
    };
    match detector.trigger {
        Trigger::Keywords(words) => keywords(words, false),
        Trigger::Marks(shapes) => keywords(&shapes.marks().collect::<Vec<_>>(), false),
        Trigger::KeywordsAnyCase(words) => keywords(words, true),
        Trigger::At => (0..text.len())
            .filter(|at| text[*at] == b'@')
            .map(|at| at..at + 1)
            .collect(),
        Trigger::Digits(lengths, before) => {
            let mut runs = Vec::new();
            let mut at = 0;
            while at < text.len() {
                let end = at
                    + text[at..]
                        .iter()
                        .take_while(|byte| byte.is_ascii_digit())
                        .count();
                if end > at
                    && lengths.has(end - at)
                    && before.fits(at.checked_sub(1).map(|at| text[at]))
                {
                    runs.push(at..end);
                }
                at = end.max(at + 1);
            }
            runs
        }
    }
}

/// What a detector finds in a whole text, in order, none within another.
pub(crate) fn find_all(detector: &Detector, text: &[u8], dense: bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in triggers(detector, text) {
        let end = found.last().map_or(0, |last| last.end);
        let context = Context {
            text,
            at: at.clone(),
            end: true,
            dense,
            memo: None,
        };
        let range = match detector.find(&context) {
            Outcome::None => continue,
            Outcome::Undecided => panic!(
                "{} cannot decide with all of the text at hand",
                detector.name
            ),
            Outcome::Match(range) => range,
            Outcome::Latch(latch) => {
                let mut end = latch.range.end;
                loop {
                    // `until` may lie across the end of what is certain.
                    if text[latch.range.start..end].ends_with(latch.until.as_bytes())
                        && end > latch.range.end
                    {
                        break;
                    }
                    match text.get(end) {
                        Some(byte) if latch.body.has(*byte) => end += 1,
                        _ => break,
                    }
                }
                latch.range.start..end
            }
        };
        assert!(
            range.start < range.end && range.end <= text.len(),
            "{} {range:?}",
            detector.name
        );
        if range.start >= end {
            found.push(range);
        }
    }
    found
}

/// Asserts that a detector finds just what stands between « and », with all of the text at hand or as little as it asks for, and that it looks
/// no further back than it may.
#[cfg(test)]
pub(crate) fn check(name: &str, marked: &str) {
    let detectors = super::named(name);
    assert!(!detectors.is_empty(), "no detector {name}");
    let (mut text, mut expected) = (String::new(), Vec::new());
    for (index, part) in marked.split(['«', '»']).enumerate() {
        if index % 2 == 1 {
            expected.push(text.len()..text.len() + part.len());
        }
        text.push_str(part);
    }
    let mut found: Vec<_> = detectors
        .iter()
        .flat_map(|detector| find_all(detector, text.as_bytes(), false))
        .collect();
    found.sort_by_key(|range| range.start);
    let shown = |ranges: &[Range<usize>]| {
        ranges
            .iter()
            .map(|range| String::from_utf8_lossy(&text.as_bytes()[range.clone()]).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&found), shown(&expected), "{name}: {text}");
    assert_eq!(found, expected, "{name}: {text}");
    for detector in detectors {
        decides_once(detector, &text);
    }
}

/// Asserts that what a detector decides stays decided, however much more text follows, and that it looks no further back than it may.
fn decides_once(detector: &Detector, text: &str) {
    let name = detector.name;
    for at in triggers(detector, text.as_bytes()) {
        let context = |from: usize, to: usize, end: bool| Context {
            text: &text.as_bytes()[from..to],
            at: at.start - from..at.end - from,
            end,
            dense: false,
            memo: None,
        };
        let whole = detector.find(&context(0, text.len(), true));
        for to in at.end..=text.len() {
            let part = detector.find(&context(0, to, false));
            let is_latch = matches!((&part, &whole), (Outcome::Latch(_), Outcome::Latch(_)));
            assert!(
                part == Outcome::Undecided || part == whole || is_latch,
                "{name}: {} is {part:?}, not {whole:?}",
                String::from_utf8_lossy(&text.as_bytes()[..to])
            );
        }
        let from = at.start.saturating_sub(LOOK_BEHIND);
        let shifted = match detector.find(&context(from, text.len(), true)) {
            Outcome::Match(range) => Outcome::Match(range.start + from..range.end + from),
            other @ (Outcome::None | Outcome::Undecided | Outcome::Latch(_)) => other,
        };
        assert!(
            shifted == whole || matches!(shifted, Outcome::Latch(_)),
            "{name} looks further back than it may: {shifted:?} {whole:?}"
        );
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    /// What a text near to a match of anything is made of.
    fn fragment() -> impl Strategy<Value = String> {
        let words: Vec<&'static str> = super::super::all()
            .flat_map(|detector| match detector.trigger {
                Trigger::Keywords(words) | Trigger::KeywordsAnyCase(words) => words.to_vec(),
                Trigger::Marks(shapes) => shapes.marks().collect(),
                Trigger::Digits(_, _) | Trigger::At => Vec::new(),
            })
            .collect();
        prop_oneof![
            2 => proptest::sample::select(words).prop_map(str::to_owned),
            2 => "[0-9]{1,20}",
            2 => "[A-Za-z0-9_-]{1,70}",
            1 => "[a-f0-9]{20,64}",
            3 => "[ .:/@+()=\"'\n,|~-]{1,3}",
            1 => "(DE|GB|AB|X)[0-9]{2,22}",
            1 => "[0-9]{3}[- ][0-9]{2,3}[- ][0-9]{4}",
            1 => Just("ü—".to_owned()),
            1 => proptest::sample::select(vec![
                "apiVersion: v1\nkind: Secret\n", "data:\n  a: ", "kind: ", "---\n", "curl ", " -u ", "password is ", "str = \"", "value=\"", "</a>",
                "jane.roe@acme ", "corp.com", "IBAAKCAQ", ";Pwd=", "Server=a;", "KEY-----",
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// The scanner asks with as little text as it has at hand: what is decided must stay so.
        #[test]
        fn what_is_decided_stays_decided(fragments in proptest::collection::vec(fragment(), 1..6)) {
            let text = fragments.concat();
            for detector in super::super::all() {
                find_all(detector, text.as_bytes(), false);
                if detector.dense {
                    find_all(detector, text.as_bytes(), true);
                }
                decides_once(detector, &text);
            }
        }
    }
}
