//! DLP: where a text is cut means nothing, what `regex-lite` finds is found and nothing else, what is disguised is found where it stands, and what
//! was masked comes back.
//!
//! Input: which rules, sizes of pieces, then the text, a byte 0xff, how the text is disguised.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::LazyLock;

use portcullis_dlp::{Dlp, Survey};
use portcullis_policy::{Side, Text, TextId};
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::disguise::disguise;
use crate::input::{Input, text_pieces};
use crate::run::{Outcome, Run, document, environment, policy, scan};

/// Rules with all that patterns are made of: boundaries, classes, repetitions, alternatives, cases. Matches are bounded, so that none is
/// longer than what the scanner keeps undecided.
const PATTERNS: [(&str, &str); 6] = [
    ("ssn", r"\b\d{3}-\d{2}-\d{4}\b"),
    ("key", r"k-[0-9a-z]{1,20}"),
    ("alternatives", r"foo|fo[ob]ar|(?:ab){2,4}c"),
    ("case", r"(?i)secret\s{1,3}word"),
    ("optional", r"x?y?z!"),
    ("unicode", r"[à-ö]{2,5}"),
];

thread_local! {
    /// Each pattern by itself, all together, all that is built in, all together as masks.
    static POLICIES: Vec<Dlp> = (0..=MASKS).map(|which| policy(&rules(which))).collect();
    static SURVEYS: Vec<RefCell<Survey>> = (0..=MASKS).map(survey).collect();
}

static REFERENCES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled = PATTERNS.iter().map(|(_, pattern)| Regex::new(pattern));
    compiled.collect::<Result<_, _>>().expect("patterns")
});

const TOGETHER: usize = PATTERNS.len();
const DETECTORS: usize = TOGETHER + 1;
const MASKS: usize = DETECTORS + 1;

/// The rules that are tried, by number.
fn rules(which: usize) -> Vec<Value> {
    let with = |action: &str| {
        let rules = PATTERNS
            .map(|(name, pattern)| json!({ "name": name, "pattern": pattern, "action": action }));
        rules.to_vec()
    };
    match which {
        DETECTORS => vec![json!({ "detector": "all", "action": "redact" })],
        TOGETHER => with("redact"),
        MASKS => with("mask"),
        alone => vec![with("redact").swap_remove(alone)],
    }
}

/// A policy with the rules that mask.
#[must_use]
pub fn masks() -> Dlp {
    policy(&rules(MASKS))
}

/// Panics when cuts matter, or something is missed, left, invented or lost.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let which = usize::from(input.byte()) % (MASKS + 1);
    let sizes = input.sizes();
    let (text, how) = input.two();
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    POLICIES.with(|policies| {
        let Some(dlp) = policies.get(which) else {
            return;
        };
        let whole = scan(dlp, Side::Request, &[text]);
        for sizes in [sizes.as_slice(), &[1]] {
            let cut = scan(dlp, Side::Request, &text_pieces(text, sizes));
            assert_eq!(whole, cut, "cuts matter");
        }
        streams(dlp, text, &sizes);
        if let Some((name, _)) = PATTERNS.get(which) {
            let expected = REFERENCES[which].find_iter(text).map(|found| found.range());
            let expected: Vec<_> = expected.collect();
            for range in &expected {
                assert!(whole.covers(range), "{name} left {range:?}");
            }
            // What of it reads otherwise than it is written may hold more.
            if text
                .chars()
                .all(|letter| matches!(letter, '\0'..='\x7f' | 'à'..='ö'))
            {
                assert_eq!(whole.ranges(), expected, "{name}");
            }
        }
        surveyed(which, text, &sizes, &whole);
        if which <= DETECTORS {
            disguised(dlp, text, how, &whole, &sizes, which == DETECTORS);
        }
        if which == DETECTORS {
            planted(dlp, text, how, &sizes);
        }
        if which == MASKS {
            comes_back(dlp, text, &sizes);
        }
    });
}

/// In a stream, less is held back, so the ends of some matches stay; but what is found is the same, and nothing is changed that has left.
fn streams(dlp: &Dlp, text: &str, sizes: &[usize]) {
    let whole = scan(dlp, Side::Response, &[text]);
    let cut = scan(dlp, Side::Response, &text_pieces(text, sizes));
    assert_eq!(whole.findings, cut.findings, "cuts matter in a stream");
    assert_eq!(whole.refused, cut.refused, "cuts matter in a stream");
}

/// A text of ASCII in disguise means the same, and what is found stands where its letters do. Patterns see it as it is written, too, and may find
/// more; not so with `exactly`.
fn disguised(dlp: &Dlp, text: &str, how: &[u8], plain: &Outcome, sizes: &[usize], exactly: bool) {
    if !text.is_ascii() {
        return;
    }
    let disguise = disguise(text, how);
    let found = scan(dlp, Side::Request, &text_pieces(disguise.as_str(), sizes));
    let whole = scan(dlp, Side::Request, &[disguise.as_str()]);
    assert_eq!(whole, found, "cuts matter in {:?}", disguise.as_str());
    if exactly {
        let of = (text, &plain.edits, disguise.as_str(), &found.edits);
        assert_eq!(plain.findings, found.findings, "{of:?}");
    }
    for (at, place) in disguise.places().iter().enumerate() {
        let expected = plain.covers(&(at..at + 1));
        let is = found.covers(place);
        let right = is == expected || is && !exactly;
        assert!(right, "{place:?} of {:?}", disguise.as_str());
    }
}

/// What was masked in a question is in the answer again.
fn comes_back(dlp: &Dlp, text: &str, sizes: &[usize]) {
    let mut exchange = Run::of(dlp);
    let masked = exchange.pieces(Side::Request, &text_pieces(text, sizes));
    exchange.end(Side::Request);
    let masked = masked.carried_out(text);
    let answer = exchange.pieces(Side::Response, &text_pieces(&masked, sizes));
    assert_eq!(answer.carried_out(&masked), text, "through {masked:?}");
}

fn survey(which: usize) -> RefCell<Survey> {
    let survey = Survey::new(&document(&rules(which)), &environment);
    RefCell::new(survey.expect("rules"))
}

/// What is looked for before a request leaves is what the gateway finds.
fn surveyed(which: usize, text: &str, sizes: &[usize], whole: &Outcome) {
    let mut found = Vec::new();
    SURVEYS.with(|surveys| {
        let mut survey = surveys[which].borrow_mut();
        let pieces = text_pieces(text, sizes);
        for (index, piece) in pieces.iter().enumerate() {
            let text = Text::prose(TextId(1), piece, index + 1 == pieces.len());
            found.extend(survey.text(text).map(|finding| finding.rule.to_owned()));
        }
        found.extend(survey.end().map(|finding| finding.rule.to_owned()));
    });
    found.sort();
    let mut counted = Vec::new();
    for finding in &whole.findings {
        // Text that looks like a placeholder is no rule's.
        if finding.rule != "placeholder" {
            counted.extend(vec![finding.rule.clone(); finding.count as usize]);
        }
    }
    counted.sort();
    assert_eq!(found, counted);
}

/// Secrets that are never missed between white space.
const SECRETS: [&str; 3] = [
    "sk-ant-api03-Zq9Xw8Vu7Ts6Rr5Qq4Pp3Oo2Nn1Mm0Ll9Kk8Jj7Ii6Hh5Gg4Ff3Ee2Dd1Cc0Bb9Aa8Zz7Yy6Xx5Ww4Vv3Uu2Tt-Zq9Xw8AA",
    "glpat-Zq9Xw8Vu7Ts6Rr5Qq4Pp",
    "AKIAQ4XW8VU7TS6RR5QP",
];

/// One of them in base64, without the sign that only fills it up.
const ENCODED: &str = "Z2xwYXQtWnE5WHc4VnU3VHM2UnI1UXE0UHA";

/// A secret in the midst of the text is found, in disguise, too.
fn planted(dlp: &Dlp, text: &str, how: &[u8], sizes: &[usize]) {
    let choice = how.first().copied().unwrap_or_default();
    let at = text.floor_char_boundary(usize::from(choice) % (text.len() + 1));
    let (before, behind) = text.split_at(at);
    let secret = SECRETS.get(usize::from(choice) % 4);
    let hidden = match secret {
        Some(secret) => disguise(secret, how).as_str().to_owned(),
        None => ENCODED.to_owned(),
    };
    let text = format!("{before}\n\n{hidden}\n\n{behind}");
    let found = scan(dlp, Side::Request, &text_pieces(&text, sizes));
    // A character of no width in front of it belongs to nothing.
    let end = at + 2 + hidden.len();
    let start = end - hidden.trim_start_matches(crate::disguise::UNSEEN).len();
    let covered = |(range, _): &(Range<usize>, String)| range.start <= start && end <= range.end;
    assert!(
        found.edits.iter().any(covered),
        "{hidden:?} in {text:?}: {:?}",
        found.ranges()
    );
}
