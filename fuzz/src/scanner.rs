//! DLP: where a text is cut means nothing, what `regex-lite` finds is found and nothing else, what is disguised is found where it stands, and what
//! was masked comes back.
//!
//! Input: which rules, sizes of pieces, then the text, a byte 0xff, how the text is disguised.

use std::ops::Range;
use std::sync::LazyLock;

use portcullis_dlp::Dlp;
use portcullis_policy::config::Document;
use portcullis_policy::{
    Effects, Event, Exchange, Facts, Finding, MemoryStore, Policy, RequestMeaning, ResponseHead,
    ResponseMeaning, Side, Text, TextId, Timestamp, Verdict,
};
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::disguise::disguise;
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

/// What placeholders are made with.
const MASK_KEY: &str = "a key for masks that nobody knows";

thread_local! {
    /// Each pattern by itself, all together, all that is built in, all together as masks.
    static POLICIES: Vec<Dlp> = policies();
}

static REFERENCES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled = PATTERNS.iter().map(|(_, pattern)| Regex::new(pattern));
    compiled.collect::<Result<_, _>>().expect("patterns")
});

const TOGETHER: usize = PATTERNS.len();
const DETECTORS: usize = TOGETHER + 1;
const MASKS: usize = DETECTORS + 1;

fn policies() -> Vec<Dlp> {
    let with = |action: &str| {
        let rules = PATTERNS
            .map(|(name, pattern)| json!({ "name": name, "pattern": pattern, "action": action }));
        rules.to_vec()
    };
    let alone = with("redact").into_iter().map(|rule| vec![rule]);
    let detectors = vec![json!({ "detector": "all", "action": "redact" })];
    let together = [with("redact"), detectors, with("mask")];
    alone.chain(together).map(policy).collect()
}

fn policy(rules: Vec<Value>) -> Dlp {
    let text = json!({ "version": 1, "dlp": { "rules": rules } }).to_string();
    let document = Document::parse(text.as_bytes()).expect("JSON");
    let policy = portcullis_dlp::configure(&document, &|_: &str| Some(MASK_KEY.to_owned()));
    assert_eq!(document.take_mistakes(), []);
    policy.expect("rules")
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
            assert_eq!(whole.ranges(), expected.collect::<Vec<_>>(), "{name}");
        }
        if which == DETECTORS {
            disguised(dlp, text, how, &whole, &sizes);
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

/// A text of ASCII in disguise means the same, and what is found stands where its letters do.
fn disguised(dlp: &Dlp, text: &str, how: &[u8], plain: &Outcome, sizes: &[usize]) {
    if !text.is_ascii() {
        return;
    }
    let disguise = disguise(text, how);
    let found = scan(dlp, Side::Request, &text_pieces(disguise.as_str(), sizes));
    assert_eq!(plain.findings, found.findings, "{:?}", disguise.as_str());
    let covers = |outcome: &Outcome, at: &Range<usize>| {
        let mut edits = outcome.edits.iter();
        edits.any(|(range, _)| range.start <= at.start && at.end <= range.end)
    };
    for (at, place) in disguise.places().iter().enumerate() {
        let expected = covers(plain, &(at..at + 1));
        let is = covers(&found, place);
        assert_eq!(is, expected, "{place:?} of {:?}", disguise.as_str());
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

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    findings: Vec<Finding>,
    edits: Vec<(Range<usize>, String)>,
    refused: bool,
}

impl Outcome {
    fn ranges(&self) -> Vec<Range<usize>> {
        self.edits.iter().map(|(range, _)| range.clone()).collect()
    }

    fn carried_out(&self, text: &str) -> String {
        let mut out = String::new();
        let mut copied = 0;
        for (range, replacement) in &self.edits {
            out.push_str(&text[copied..range.start]);
            out.push_str(replacement);
            copied = range.end;
        }
        out + &text[copied..]
    }
}

/// An exchange and what came of it.
struct Run {
    exchange: Box<dyn Exchange>,
    facts: Facts,
    refused: bool,
}

impl Run {
    fn of(dlp: &Dlp) -> Self {
        Self {
            exchange: dlp.open(),
            facts: Facts::default(),
            refused: false,
        }
    }

    fn step(&mut self, event: &Event<'_>) -> (Vec<(Range<usize>, String)>, Option<usize>) {
        let mut store = MemoryStore::default();
        let mut out = Effects::new(&mut store);
        let now = Timestamp::default();
        let verdict = self.exchange.handle(now, event, &mut self.facts, &mut out);
        self.refused |= matches!(verdict, Verdict::Refuse(_));
        let edits = out.take_edits().into_iter();
        let edits = edits.map(|edit| (edit.range, edit.replacement));
        (edits.collect(), out.take_undecided())
    }

    fn pieces(&mut self, side: Side, pieces: &[&str]) -> Outcome {
        if side == Side::Response {
            self.step(&Event::ResponseHead(&ResponseHead {
                status: 200,
                stream: true,
                local: false,
            }));
        }
        let mut outcome = Outcome::default();
        let (mut given, mut released) = (0, 0);
        let ends: &[&str] = if pieces.is_empty() { &[""] } else { pieces };
        for (index, piece) in ends.iter().enumerate() {
            let last = index + 1 == ends.len();
            let text = Text::prose(TextId(1), piece, last);
            let (edits, undecided) = self.step(&match side {
                Side::Request => Event::RequestText(text),
                Side::Response => Event::ResponseText(text),
            });
            given += piece.len();
            for (range, _) in &edits {
                assert!(
                    range.start >= released || side == Side::Request,
                    "{range:?} was let go, up to {released}"
                );
                assert!(range.start <= range.end && range.end <= given, "{range:?}");
            }
            outcome.edits.extend(edits);
            let held = undecided.unwrap_or(given);
            assert!(held <= given && (!last || held == given));
            released = released.max(held);
        }
        outcome.edits.sort_by_key(|(range, _)| range.start);
        let apart = outcome.edits.windows(2).all(|pair| match pair {
            [(one, _), (other, _)] => one.end <= other.start,
            _ => true,
        });
        assert!(apart, "{:?}", outcome.edits);
        outcome
    }

    fn end(&mut self, side: Side) -> Vec<Finding> {
        match side {
            Side::Request => self.step(&Event::RequestEnd(&RequestMeaning::default())),
            Side::Response => self.step(&Event::ResponseEnd(&ResponseMeaning::default())),
        };
        self.facts.findings.clone()
    }
}

fn scan(dlp: &Dlp, side: Side, pieces: &[&str]) -> Outcome {
    let mut run = Run::of(dlp);
    let mut outcome = run.pieces(side, pieces);
    outcome.findings = run.end(side);
    outcome.refused = run.refused;
    outcome
}
