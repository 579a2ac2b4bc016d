//! Holds the scanner to regex-lite's answers: random patterns, random texts, random pieces.

use crate::candidates::{Scratch, UNDECIDED_BYTES_MAX};
use crate::detectors::named;
use crate::drive::Driver;
use crate::redactions::Redaction;
use crate::report::{Report, Stop};
use crate::rules::{Finder, Rule, Rules};
use crate::scope::RuleSet;
use crate::text::{Manner, TextScan};
use crate::view::View;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use portcullis_pattern::Pattern;
use portcullis_policy::Action;
use proptest::prelude::*;
use std::ops::Range;

pub(crate) fn rule(name: &str, pattern: &str, action: Action) -> Rule {
    let pattern =
        Pattern::regex(pattern, false).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    Rule::new(name.to_owned(), action, pattern)
}

/// What a scan of one text comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) stop: Option<Stop>,
    pub(crate) counts: Vec<(u16, u32, u32)>,
    pub(crate) redactions: Vec<Redaction>,
}

/// Scans a text in pieces, and checks on the way what must hold at the end of every piece.
pub(crate) fn scan(rules: &Rules, text: &str, cuts: &[usize]) -> Outcome {
    let mut scan = TextScan::default();
    scan.reset(rules, RuleSet::ALL);
    let (mut scratch, mut report) = (Scratch::default(), Report::default());
    let mut outcome = Outcome {
        stop: None,
        counts: Vec::new(),
        redactions: Vec::new(),
    };
    let mut cuts: Vec<usize> = cuts
        .iter()
        .map(|cut| text.floor_char_boundary(*cut))
        .collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let (mut released, mut edited) = (0, 0);
    for pair in cuts.windows(2) {
        let last = pair[1] == text.len() && pair[0] == cuts[cuts.len() - 2];
        let result = scan.push(
            rules,
            text.get(pair[0]..pair[1]).unwrap(),
            last,
            Manner::default(),
            &mut scratch,
            &mut report,
        );
        for redaction in &report.redactions {
            assert!(
                redaction.range.start >= released,
                "{redaction:?} was released, up to {released}"
            );
            assert!(
                redaction.range.start >= edited && redaction.range.end <= pair[1],
                "{redaction:?}"
            );
            assert!(
                text.is_char_boundary(redaction.range.start)
                    && text.is_char_boundary(redaction.range.end)
            );
            edited = redaction.range.end;
        }
        outcome.redactions.append(&mut report.redactions);
        if let Err(stop) = result {
            outcome.stop = Some(stop);
            break;
        }
        let hold = report.hold_from.unwrap_or(pair[1]);
        assert!(
            hold >= released && hold <= pair[1] && text.is_char_boundary(hold),
            "{hold} {released}"
        );
        released = hold;
        if last {
            assert_eq!(report.hold_from, None);
            break;
        }
    }
    outcome.counts = report.take_counts().collect();
    if outcome.stop.is_some() {
        // What was redacted of a message that is refused depends on how much of it was there before.
        outcome.redactions.clear();
    }
    outcome
}

fn ranges(outcome: &Outcome) -> Vec<Range<usize>> {
    outcome
        .redactions
        .iter()
        .map(|redaction| redaction.range.clone())
        .collect()
}

fn check(pattern: &str, text: &str, cuts: &[usize]) -> Result<(), TestCaseError> {
    let Ok(oracle) = regex_lite::Regex::new(pattern) else {
        prop_assert!(
            Pattern::regex(pattern, false).is_err(),
            "regex-lite refuses {pattern:?}"
        );
        return Ok(());
    };
    let compiled = match Pattern::regex(pattern, false) {
        Ok(compiled) => compiled,
        Err(error) => {
            let known = ["matches the empty text", "can never match", "too "];
            prop_assert!(
                known.iter().any(|known| error.starts_with(known)),
                "{pattern:?}: {error}"
            );
            prop_assert!(
                !error.starts_with("can never") || !oracle.is_match(text),
                "{pattern:?} {text:?}"
            );
            return Ok(());
        }
    };
    let expected: Vec<_> = oracle.find_iter(text).map(|found| found.range()).collect();
    let redact = Rules::new(vec![Rule::new("r".into(), Action::Redact, compiled)]).unwrap();
    let outcome = scan(&redact, text, cuts);
    prop_assert_eq!(outcome.stop, None);
    prop_assert_eq!(
        ranges(&outcome),
        expected.clone(),
        "{:?} {:?} {:?}",
        pattern,
        text,
        cuts
    );
    prop_assert_eq!(
        outcome
            .counts
            .iter()
            .map(|(_, count, _)| *count as usize)
            .sum::<usize>(),
        expected.len()
    );
    let block = Rules::new(vec![rule("b", pattern, Action::Block)]).unwrap();
    prop_assert_eq!(
        scan(&block, text, cuts).stop.is_some(),
        !expected.is_empty(),
        "{:?} {:?}",
        pattern,
        text
    );
    Ok(())
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "1",
        "-",
        " ",
        "é",
        "ü",
        "日",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\W",
        r"\D",
        "[ab]",
        "[a-c1]",
        "[^a]",
        "[^-1]",
        "[é-日]",
        "[^é]",
        r"\b",
        r"\B",
        "^",
        "$",
        "(?m)^",
        "(?m)$",
        "(?mR)^",
        "(?mR)$",
        r"\b{start}",
        r"\b{end}",
        r"\b{start-half}",
        r"\b{end-half}",
        "(?i)",
        "(?s)",
        "(?s-i)",
        "(?U)",
        "(?i)[^A]",
        "[[:alpha:]]",
        "[[:^digit:]]",
        "abc",
        "ab-",
        "1-1",
        r"\n",
        r"\r",
        r"[^\n]",
        r"[\W\d]",
        "",
    ]);
    atom.prop_map(str::to_owned)
        .prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("(?:{})", parts.join("|"))),
                (
                    inner.clone(),
                    prop::sample::select(vec![
                        "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{0,2}?", "{3}"
                    ])
                )
                    .prop_map(|(of, times)| format!("(?:{of}){times}")),
                inner.prop_map(|of| format!("({of})")),
            ]
        })
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(
            "aaabbbcc11--  AB_é日ü\n\r\u{1F600}."
                .chars()
                .collect::<Vec<_>>(),
        ),
        0..48,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

/// Texts with stretches that are longer than what may stay undecided.
fn long_text() -> impl Strategy<Value = String> {
    let stretch = (
        prop::sample::select(vec![
            "a", "b", "1", "-", " ", "\n", "é", "ab", "a1", "1-1-", "a b ", "日",
        ]),
        prop::sample::select(vec![
            1, 1, 1, 2, 3, 15, 1000, 2047, 4094, 4095, 4096, 4097, 6000,
        ]),
    );
    prop::collection::vec(stretch.prop_map(|(of, times)| of.repeat(times)), 1..7)
        .prop_map(|parts| parts.concat())
}

/// Texts in which some characters look like others, and some like nothing.
fn disguised_text() -> impl Strategy<Value = String> {
    let letters = "aabbcc11--  AB_é日\n.\u{200b}\u{ad}５１аΑ–\u{a0}\u{2028}①";
    let letters = prop::sample::select(letters.chars().collect::<Vec<_>>());
    prop::collection::vec(letters, 0..64).prop_map(|chars| chars.into_iter().collect())
}

/// Which bytes of a text matches of the text or of its view cover.
fn covered(oracle: &regex_lite::Regex, text: &str) -> Vec<bool> {
    let (mut view, mut folded) = (View::default(), Vec::new());
    if !view.push(text, &mut folded) {
        folded.extend_from_slice(text.as_bytes());
    }
    let folded = std::str::from_utf8(&folded).unwrap();
    let written = oracle.find_iter(text).map(|found| found.range());
    let read = oracle
        .find_iter(folded)
        .map(|found| view.text_range(&found.range()));
    let mut covered = vec![false; text.len()];
    for range in written.chain(read) {
        covered.get_mut(range).unwrap().fill(true);
    }
    covered
}

fn rules(patterns: &[(String, Action)]) -> Rules {
    let named = patterns
        .iter()
        .enumerate()
        .filter_map(|(index, (pattern, action))| {
            let pattern = Pattern::regex(pattern, false).ok()?;
            Some(Rule::new(index.to_string(), *action, pattern))
        });
    Rules::new(named.collect()).unwrap()
}

fn actions() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        Action::Flag,
        Action::Mask,
        Action::Redact,
        Action::Redact,
        Action::Block,
    ])
}

/// Words for patterns, written in several ways.
fn encoded_text() -> impl Strategy<Value = String> {
    let words = "(T-2041|pine apple|a T-2|ab-x|the [a-z]{1,4} | is late|\u{200b}|é| )";
    let plain = prop::collection::vec(words, 1..6).prop_map(|words| words.concat());
    let each = |text: &str, write: fn(u8) -> String| text.bytes().map(write).collect::<String>();
    let part = (plain, 0..6).prop_map(move |(text, way)| match way {
        0 => BASE64_STANDARD.encode(&text),
        1 => BASE64_STANDARD.encode(BASE64_STANDARD.encode(&text)),
        2 => each(&text, |byte| format!("{byte:02x}")),
        3 => each(&text, |byte| format!("%{byte:02X}")),
        4 => text.chars().flat_map(|one| [one, ' ']).collect(),
        _ => text,
    });
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_regex_lite(pattern in pattern(), text in text(), cuts in prop::collection::vec(0_usize..160, 0..6)) {
        check(&pattern, &text, &cuts)?;
    }

    #[test]
    fn pieces_do_not_matter(
        patterns in prop::collection::vec((pattern(), actions()), 1..5), text in text(), cuts in prop::collection::vec(0_usize..160, 0..6)
    ) {
        let rules = rules(&patterns);
        let whole = scan(&rules, &text, &[]);
        prop_assert_eq!(&scan(&rules, &text, &cuts), &whole);
        let every: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&scan(&rules, &text, &every), &whole);
    }

    /// What patterns find in what is decoded, wherever the text is cut.
    #[test]
    fn pieces_do_not_matter_to_what_is_decoded(
        actions in prop::collection::vec(actions(), 3), text in encoded_text(), cuts in prop::collection::vec(0_usize..400, 0..6)
    ) {
        let patterns = [r"T-\d{4}", "[a-f]+-x|ab", "(?i)pine apple"];
        let patterns: Vec<_> = patterns.map(str::to_owned).into_iter().zip(actions).collect();
        let all = patterns.iter().map(|(pattern, action)| Rule { decoded: Some(true), ..rule(pattern, pattern, *action) });
        let rules = Rules::new(all.collect()).unwrap();
        let whole = scan(&rules, &text, &[]);
        prop_assert_eq!(&scan(&rules, &text, &cuts), &whole);
        let every: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&scan(&rules, &text, &every), &whole);
    }

    #[test]
    fn what_is_disguised_is_found_where_it_stands(pattern in pattern(), text in disguised_text(), cuts in prop::collection::vec(0_usize..160, 0..6)) {
        let (Ok(oracle), Ok(_)) = (regex_lite::Regex::new(&pattern), Pattern::regex(&pattern, false)) else { return Ok(()) };
        let expected = covered(&oracle, &text);
        let redact = scan(&rules(&[(pattern.clone(), Action::Redact)]), &text, &cuts);
        let mut gone = vec![false; text.len()];
        for redaction in &redact.redactions {
            gone.get_mut(redaction.range.clone()).unwrap().fill(true);
        }
        prop_assert_eq!(&gone, &expected, "{:?} {:?} {:?}", &pattern, &text, &redact.redactions);
        let block = scan(&rules(&[(pattern.clone(), Action::Block)]), &text, &cuts);
        prop_assert_eq!(block.stop.is_some(), expected.contains(&true), "{:?} {:?}", pattern, text);
    }

    #[test]
    fn pieces_do_not_matter_in_disguise(
        patterns in prop::collection::vec((pattern(), actions()), 1..5), text in disguised_text(), cuts in prop::collection::vec(0_usize..160, 0..6)
    ) {
        let rules = rules(&patterns);
        let whole = scan(&rules, &text, &[]);
        prop_assert_eq!(&scan(&rules, &text, &cuts), &whole);
        let every: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&scan(&rules, &text, &every), &whole);
    }
}

/// Patterns whose factors are looked for together with keywords.
const BESIDE: [&str; 6] = [
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"^sk-ant-api[0-9a-z]+",
    r"(?i)project\s+nightfall",
    r"[A-Z]{2}\d{2}-CONF-\d+",
    r"\b10\.20\.\d{1,3}",
    r"(?i)password\s*[:=]\s*\S{8,64}",
];

/// Rules with these patterns, beside detectors that find nothing of them or without any.
fn beside(actions: &[Action], detectors: bool) -> Rules {
    let patterns = BESIDE.iter().zip(actions);
    let patterns = patterns.map(|(pattern, action)| rule(pattern, pattern, *action));
    let found = detectors.then(|| Finder::Detectors(named("jwt")));
    let found = found.map(|found| Rule::new("jwt".into(), Action::Flag, found));
    Rules::new(patterns.chain(found).collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// Patterns answer the same whoever looks for their factors, and what one look clears holds nothing.
    #[test]
    fn detectors_beside_patterns_change_nothing_of_their_answers(
        actions in prop::collection::vec(actions(), BESIDE.len()),
        parts in prop::collection::vec(
            "536-90-4399|536-90-|sk-ant-apix|sk-ant|Project  nightfall|proj|AB12-CONF-7|-CONF-|10\\.20\\.3|password: correcth0rse|assw|[a-z ]{1,90}|[0-9. -]{1,9}|é|\u{200b}|５",
            0..14,
        ),
        cuts in prop::collection::vec(0usize..300, 0..6),
        key in "([a-z0-9-]{1,12}|10\\.20|536-90)?",
    ) {
        let text = parts.concat();
        let (alone, both) = (beside(&actions, false), beside(&actions, true));
        prop_assert!(both.driver().is_some_and(Driver::looks_for_factors));
        let expected = scan(&alone, &text, &[]);
        prop_assert_eq!(&scan(&both, &text, &[]), &expected);
        prop_assert_eq!(&scan(&both, &text, &cuts), &expected);
        let every: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&scan(&both, &text, &every), &expected);
        let mut one_look = TextScan::default();
        one_look.page().put_alone(&key, &text).unwrap();
        if one_look.unclear(both.driver().unwrap(), false) == 0 {
            prop_assert_eq!((expected.stop, expected.counts), (None, Vec::new()), "{:?}", text);
        }
        let (mut behind, mut scratch, mut report) = (TextScan::default(), Scratch::default(), Report::default());
        behind.reset(&both, RuleSet::ALL);
        behind.follows(&both, &key);
        let stop = behind.push(&both, &text, true, Manner::default(), &mut scratch, &mut report).err();
        let counts: Vec<_> = report.take_counts().collect();
        let expected = scan(&alone, &text, &[]);
        prop_assert_eq!((stop, counts), (expected.stop, expected.counts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn pieces_do_not_matter_in_long_texts(
        patterns in prop::collection::vec((pattern(), actions()), 1..4), text in long_text(),
        cuts in prop::collection::vec(0_usize..20_000, 1..6), step in prop::sample::select(vec![3, 100, 5000]),
    ) {
        let rules = rules(&patterns);
        let whole = scan(&rules, &text, &[]);
        prop_assert_eq!(&scan(&rules, &text, &cuts), &whole);
        let steps: Vec<usize> = (0..text.len()).step_by(step).collect();
        prop_assert_eq!(&scan(&rules, &text, &steps), &whole);
    }

    /// A match of up to the named length is redacted, whatever stands around it; a match of any length is noticed.
    #[test]
    fn matches_in_long_texts_are_found(pattern in pattern(), text in long_text(), cuts in prop::collection::vec(0_usize..20_000, 1..6)) {
        let (Ok(oracle), Ok(_)) = (regex_lite::Regex::new(&pattern), Pattern::regex(&pattern, false)) else { return Ok(()) };
        let redact = scan(&rules(&[(pattern.clone(), Action::Redact)]), &text, &cuts);
        let first = oracle.find(&text).map(|found| found.range());
        if redact.stop.is_none() {
            // Finding all with regex-lite can take minutes.
            for found in oracle.find_iter(&text).take(3) {
                let gone = |at: &usize| redact.redactions.iter().any(|redaction| redaction.range.contains(at));
                let from = found.start().max(found.end().saturating_sub(UNDECIDED_BYTES_MAX));
                prop_assert!((from..found.end()).all(|at| gone(&at)), "{:?} {:?} {:?}", pattern, found.range(), redact.redactions);
            }
        }
        let block = scan(&rules(&[(pattern.clone(), Action::Block)]), &text, &cuts);
        match first {
            Some(first) if first.len() <= UNDECIDED_BYTES_MAX => prop_assert!(block.stop.is_some(), "{:?} {:?}", pattern, first),
            Some(_) => {}
            None => prop_assert!(!matches!(block.stop, Some(Stop::Blocked(_))) && redact.counts.is_empty(), "{:?}", pattern),
        }
    }
}
