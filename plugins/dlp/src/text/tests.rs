//! What patterns may cost, and that nothing of a text is left for the next.

use super::*;
use crate::detectors::all;
use crate::matcher::{STEPS_FREE, STEPS_PER_BYTE_MAX};
use crate::oracle::rule;
use crate::rules::Finder;
use portcullis_policy::Action;
use proptest::prelude::*;

/// What an attacker would send against patterns of many kinds.
const PATTERNS: [&str; 18] = [
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\d{16}",
    r"sk-ant-api[0-9a-zA-Z]+",
    r"[a-z]+@corp\.com",
    r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
    r"(?i)password\s*[:=]\s*\S{8,64}",
    r"a.*b|a",
    r"(?s)a.*b",
    r"(?s).*x9",
    r"[A-Za-z0-9/+=]{40}",
    r"[ab]{200}c",
    r"(?:a|b)*c{3}",
    r"\w+\s+\w+x9",
    r"x*y*z",
    r"(?:a?){30}b",
    r"-----BEGIN [A-Z ]*KEY-----[\s\S]*?-----END [A-Z ]*KEY-----",
    r"[^a]{1,100}a",
    r"(?:aa|aab)+c",
];

const TEXTS: [&str; 18] = [
    "a",
    "4",
    "ab",
    "a@",
    "sk-ant-",
    "sk-ant-api",
    "sk-ant-apix-",
    "password=",
    "123-45-678",
    "1111111111111111x ",
    "aaaa\n",
    "a b ",
    "x y",
    "xyz",
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/",
    "-----BEGIN A KEY-----",
    "日本",
    "aab",
];

fn steps(rules: &Rules, text: &str, size: usize) -> (usize, Result<(), Stop>) {
    let (mut scan, mut scratch, mut report) =
        (TextScan::default(), Scratch::default(), Report::default());
    scan.reset(rules, RuleSet::ALL);
    let mut rest = text;
    loop {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(size.max(4)));
        rest = behind;
        let result = scan.push(
            rules,
            piece,
            rest.is_empty(),
            Manner::default(),
            &mut scratch,
            &mut report,
        );
        report.redactions.clear();
        assert!(
            scan.kept.capacity() <= KEPT_CAPACITY_MAX.max(4 * size),
            "{}",
            scan.kept.capacity()
        );
        if result.is_err() || rest.is_empty() {
            return (scan.patterns.steps(), result);
        }
    }
}

#[test]
fn no_text_costs_more_than_its_length() {
    const LENGTH: usize = 16 * 1024;
    for pattern in PATTERNS {
        let rules = Rules::new(vec![rule("r", pattern, Action::Redact)]).unwrap();
        for unit in TEXTS {
            let text = unit.repeat(LENGTH / unit.len());
            let (whole, result) = steps(&rules, &text, LENGTH);
            assert!(
                whole <= STEPS_FREE + STEPS_PER_BYTE_MAX * (LENGTH + 1),
                "{pattern} {unit} {whole}"
            );
            let (half, half_result) = steps(
                &rules,
                text.get(..text.floor_char_boundary(LENGTH / 2)).unwrap(),
                LENGTH,
            );
            if (result, half_result) == (Ok(()), Ok(())) {
                assert!(
                    whole <= 2 * half + STEPS_FREE,
                    "{pattern} {unit} {half} {whole}"
                );
            }
            assert_eq!(
                steps(&rules, &text, 4093),
                (whole, result),
                "{pattern} {unit}"
            );
        }
    }
}

#[test]
fn a_rule_that_costs_too_much_refuses_the_text_or_flags_it() {
    let text = "b".repeat(20_000);
    let costly = |action| {
        Rules::new(vec![
            rule("costly", "[ab]{1000}c", action),
            rule("b", "b{20}", Action::Flag),
        ])
        .unwrap()
    };
    let (_, result) = steps(&costly(Action::Redact), &text, 1000);
    assert_eq!(result, Err(Stop::Unfinished(0)));
    let rules = costly(Action::Flag);
    let (mut scan, mut scratch, mut report) =
        (TextScan::default(), Scratch::default(), Report::default());
    scan.reset(&rules, RuleSet::ALL);
    assert_eq!(
        scan.push(
            &rules,
            &text,
            true,
            Manner::default(),
            &mut scratch,
            &mut report
        ),
        Ok(())
    );
    assert_eq!(
        report.take_counts().collect::<Vec<_>>(),
        [(0, 1, 0), (1, 1000, 0)]
    );
}

/// All that is known of a text, without mere room.
fn known(scan: &mut TextScan) -> String {
    scan.page = Page::default();
    scan.lane.forget_room();
    scan.patterns.forget_room();
    format!("{scan:#?}")
}

/// What is held, decoded, found, broken, spelled, counted, or begun and left open.
const BEGUN: [&str; 27] = [
    "AKIAIOSFODNN7EXAMPLF",
    "AKIAIOSFODNN7",
    "A K I A I O S F O D N N 7 E X A M P L F",
    "AKIA<b>IOSF</b>ODNN7EXAMPLF",
    "536-90-4399",
    "536-90-",
    "5\u{200b}36-90-43",
    "4012 8888 8888 1881",
    "4012-8888-8888-",
    "jane.doe@initech.com",
    "jane.doe@",
    "NTM2LTkwLTQzOTkgNTM2LTkwLTQzOTkg",
    "3533362d39302d34333939",
    "Y29ycCBpcyBhIGNvbXBhbnkgdGhhdCB3cml0ZXMgbWFueSBsZXR0ZXJzIGFuZCBhbGwg\nb2YgdGhlbSBhcmUgdmVyeSBsb25nIGluZGVlZCwgd2hpY2ggbm9ib2R5IGxpa2VzIGEg\nYml0",
    "536%2D90%2D4399",
    "\\u0035\\u0033",
    "five three six",
    "41 4b 49 41 49 4f",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow",
    "password: hunter22Xq7!",
    "api_key = ",
    "Ｔ－２０４１ päss",
    "fallthgin",
    "project\u{a0} night",
    "sk-ant-api03Xy",
    "Bearer eyJhbGciOiJIUzI1NiJ9.",
    "\"k\": \"",
];

#[test]
fn nothing_of_a_text_is_left_for_the_next() {
    let patterns = [
        r"(?i)project\s+nightfall",
        r"sk-ant-api[0-9a-zA-Z]+",
        r"[a-z]+@initech",
        r"(?s)536.*9x",
        r"T-\d{4}",
    ];
    let patterns = patterns.map(|pattern| rule(pattern, pattern, Action::Redact));
    let detectors = Finder::Detectors(all().collect());
    let detectors = Rule::new("all".to_owned(), Action::Redact, detectors);
    let rules = Rules::new(patterns.into_iter().chain([detectors]).collect()).unwrap();
    let new = || {
        let mut scan = TextScan::default();
        scan.reset(&rules, RuleSet::ALL);
        scan
    };
    let piece = prop::collection::vec(prop::sample::select(&BEGUN[..]), 0..3);
    let text = (
        prop::collection::vec(piece, 0..4),
        any::<[bool; 6]>(),
        0usize..3,
    );
    proptest!(ProptestConfig { cases: 200, ..ProptestConfig::default() }, |((pieces, how, times) in text)| {
        let [last, streamed, opaque, key, closed, some] = how;
        let mut scan = new();
        if some {
            scan.reset(&rules, RuleSet::default());
        }
        if key {
            scan.follows(&rules, "password");
        }
        if closed {
            scan.without_patterns();
        }
        let (mut scratch, mut report) = (Scratch::default(), Report::default());
        for (index, piece) in pieces.iter().enumerate() {
            let piece = piece.join(" ").repeat(1 + times * 100);
            let last = last && index + 1 == pieces.len();
            let manner = Manner { streamed, opaque };
            if scan.push(&rules, &piece, last, manner, &mut scratch, &mut report).is_err() {
                break;
            }
        }
        scan.reset(&rules, RuleSet::ALL);
        prop_assert_eq!(known(&mut scan), known(&mut new()));
    });
}
