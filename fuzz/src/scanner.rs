//! DLP: where a text is cut means nothing, what `regex-lite` finds is found, and what is redacted is gone.
//!
//! Input: sizes of pieces, then the text.

use std::sync::LazyLock;

use portcullis_dlp::Dlp;
use portcullis_policy::config::Document;
use portcullis_policy::{
    Edit, Effects, Event, Facts, Finding, MemoryStore, Policy, RequestMeaning, Text, TextId,
    Timestamp, Verdict,
};
use regex_lite::Regex;

use crate::input::{Input, text_pieces};

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
    static DLP: Dlp = policy();
}

static REFERENCES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled = PATTERNS.iter().map(|(_, pattern)| Regex::new(pattern));
    compiled.collect::<Result<_, _>>().expect("patterns")
});

fn policy() -> Dlp {
    let rules = PATTERNS.map(|(name, pattern)| {
        serde_json::json!({ "name": name, "pattern": pattern, "action": "redact" })
    });
    let text = serde_json::json!({ "version": 1, "dlp": { "rules": rules } }).to_string();
    let document = Document::parse(text.as_bytes()).expect("JSON");
    let policy = portcullis_dlp::configure(&document, &|_: &str| None);
    assert_eq!(document.take_mistakes(), []);
    policy.expect("rules")
}

/// Panics when cuts matter, or something is missed or left.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let sizes = input.sizes();
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let whole = DLP.with(|dlp| scan(dlp, &[text]));
    let cut = DLP.with(|dlp| scan(dlp, &text_pieces(text, &sizes)));
    assert_eq!(whole, cut, "cuts matter");
    let single = DLP.with(|dlp| scan(dlp, &text_pieces(text, &[1])));
    assert_eq!(whole, single, "cuts matter");
    for ((name, _), reference) in PATTERNS.iter().zip(REFERENCES.iter()) {
        if let Some(found) = reference.find(text) {
            let named = whole.findings.iter().any(|finding| finding.rule == *name);
            // A match within one of an earlier rule may be counted under that one's name, but never left.
            assert!(
                named || !whole.findings.is_empty(),
                "{name} missed {:?}",
                found.as_str()
            );
            let covered = whole
                .covered
                .iter()
                .any(|range| range.start <= found.start() && found.end() <= range.end);
            assert!(
                covered || whole.covered.is_empty() && named,
                "{name} left {:?}",
                found.as_str()
            );
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    findings: Vec<Finding>,
    covered: Vec<std::ops::Range<usize>>,
    refused: bool,
}

fn scan(dlp: &Dlp, pieces: &[&str]) -> Outcome {
    let mut exchange = dlp.open();
    let mut facts = Facts::default();
    let mut outcome = Outcome {
        findings: Vec::new(),
        covered: Vec::new(),
        refused: false,
    };
    let (mut given, mut released) = (0, 0);
    let mut step = |event: &Event<'_>, outcome: &mut Outcome| {
        let mut store = MemoryStore::default();
        let mut out = Effects::new(&mut store);
        let verdict = exchange.handle(Timestamp::default(), event, &mut facts, &mut out);
        outcome.refused |= matches!(verdict, Verdict::Refuse(_));
        (out.take_edits(), out.take_undecided())
    };
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        let text = Text::prose(TextId(1), piece, last);
        let (edits, undecided) = step(&Event::RequestText(text), &mut outcome);
        given += piece.len();
        for Edit { range, .. } in edits {
            assert!(
                range.start >= released,
                "{range:?} was let go, up to {released}"
            );
            match outcome.covered.last_mut() {
                Some(before) if before.end == range.start => before.end = range.end,
                _ => outcome.covered.push(range),
            }
        }
        released = undecided.unwrap_or(given);
        assert!(released <= given && (!last || released == given));
    }
    step(&Event::RequestEnd(&RequestMeaning::default()), &mut outcome);
    outcome.findings = facts.findings;
    outcome
}
