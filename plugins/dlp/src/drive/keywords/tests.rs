//! Keywords are found wherever the text is cut.

use super::*;
use proptest::prelude::*;

const WORDS: [(&str, bool); 6] = [
    ("sk-", false),
    ("sk-ant-", false),
    ("AKIA", false),
    ("password", true),
    ("-----BEGIN", false),
    ("ghp_", false),
];

fn keywords() -> Keywords {
    let words = WORDS.iter().zip(0..);
    let words = words.map(|((text, any_case), entry)| Word {
        text,
        any_case: *any_case,
        of: Concerned {
            entry,
            shapes: None,
            begins_words: false,
        },
    });
    Keywords::new(words.collect(), None)
}

fn found(text: &str, cuts: &[usize]) -> Vec<(u16, Range<usize>)> {
    let (keywords, mut found, mut looked) = (keywords(), Vec::new(), Looked::default());
    for end in cuts.iter().copied().chain([text.len()]) {
        let (end, last) = (end.min(text.len()), end == text.len());
        let window = Window::new(&text.as_bytes()[..end], 0);
        looked = keywords.find(window, looked, last, &mut Vec::new(), |hit| {
            found.push((hit.keyword.concerned[0].entry, hit.at));
            0
        });
    }
    found.sort_by_key(|(entry, at)| (at.start, *entry));
    found
}

fn expected(text: &str) -> Vec<(u16, Range<usize>)> {
    let mut found = Vec::new();
    for ((word, any_case), entry) in WORDS.iter().zip(0..) {
        for at in 0..(text.len() + 1).saturating_sub(word.len()) {
            let here = &text.as_bytes()[at..at + word.len()];
            if here == word.as_bytes() || *any_case && here.eq_ignore_ascii_case(word.as_bytes()) {
                found.push((entry, at..at + word.len()));
            }
        }
    }
    found.sort_by_key(|(entry, at)| (at.start, *entry));
    found
}

proptest! {
    #[test]
    fn all_are_found_wherever_the_text_is_cut(
        parts in prop::collection::vec("sk-|sk-ant-|AKIA|PassWord|-----BEGIN|ghp_|[sk-]{1,3}|[a-z ]{1,9}", 0..8),
        mut cuts in prop::collection::vec(0usize..60, 0..4),
    ) {
        let text = parts.concat();
        cuts.sort_unstable();
        cuts.retain(|cut| *cut < text.len());
        prop_assert_eq!(found(&text, &cuts), expected(&text));
    }
}
