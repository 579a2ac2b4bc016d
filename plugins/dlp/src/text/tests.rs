//! What patterns may cost.

use super::*;
use crate::matcher::{STEPS_FREE, STEPS_PER_BYTE_MAX};
use crate::oracle::rule;
use portcullis_policy::Action;

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
