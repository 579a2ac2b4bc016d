//! A client and a provider, as far as DLP sees them.
#![allow(dead_code)] // each test file uses a part of it
#![allow(clippy::string_slice)]

use portcullis_policy::config::Document;
use portcullis_policy::{
    Edit, Effects, Event, Exchange, Facts, Finding, MemoryStore, Metric, Policy, RequestMeaning,
    ResponseMeaning, Side, Text, TextId, Timestamp, Verdict,
};

/// The guide's three rules.
pub const GUIDE: &str = r#"{"dlp":{"rules":[
    {"name":"ssn","pattern":"\\b\\d{3}-\\d{2}-\\d{4}\\b","action":"block"},
    {"name":"card","pattern":"\\b\\d{16}\\b","action":"block"},
    {"name":"anthropic-key","pattern":"sk-ant-api[0-9a-zA-Z]+","action":"redact"}]}}"#;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What left, redacted; `None` when it was refused.
    pub left: Option<String>,
    /// Code and message of the refusal.
    pub refused: Option<(&'static str, String)>,
    /// What the record says.
    pub findings: Vec<Finding>,
    /// What was counted.
    pub metrics: Vec<(Metric, u64)>,
    /// How much of the text was held back at most.
    pub held_max: usize,
}

/// The key for masks is set.
pub fn environment(name: &str) -> Option<String> {
    (name == "MASK_KEY").then(|| "0123456789abcdef".to_owned())
}

pub fn policy(document: &str) -> portcullis_dlp::Dlp {
    let document = Document::parse(document.as_bytes()).unwrap();
    let policy = portcullis_dlp::configure(&document, &environment);
    assert_eq!(document.take_mistakes(), []);
    policy.unwrap()
}

pub fn mistakes(document: &str) -> Vec<String> {
    let document = Document::parse(document.as_bytes()).unwrap();
    let _ = portcullis_dlp::configure(&document, &environment);
    document
        .take_mistakes()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Sends one text in the given pieces and carries the edits out as `wire` would: what was released cannot be edited any more.
pub fn send(policy: &portcullis_dlp::Dlp, side: Side, pieces: &[&str]) -> Outcome {
    let mut exchange = policy.open();
    let (mut facts, mut metrics, mut edits) = (Facts::default(), Vec::new(), Vec::new());
    let mut outcome = Outcome {
        left: None,
        refused: None,
        findings: Vec::new(),
        metrics: Vec::new(),
        held_max: 0,
    };
    let text = pieces.concat();
    let (mut given, mut released) = (0, 0);
    for (index, piece) in pieces.iter().enumerate() {
        let text = Text::prose(TextId(7), piece, index + 1 == pieces.len());
        let event = match side {
            Side::Request => Event::RequestText(text),
            Side::Response => Event::ResponseText(text),
        };
        given += piece.len();
        let undecided = step(
            exchange.as_mut(),
            &event,
            &mut facts,
            &mut metrics,
            &mut edits,
            &mut outcome,
        );
        for edit in &edits {
            assert_eq!(edit.text, TextId(7));
            assert!(
                edit.range.end <= released || edit.range.start >= released,
                "{edit:?} reaches back before {released}"
            );
        }
        let undecided = undecided.unwrap_or(given);
        assert!((released..=given).contains(&undecided));
        outcome.held_max = outcome.held_max.max(given - undecided);
        released = undecided;
        if outcome.refused.is_some() {
            break;
        }
    }
    let end = match side {
        Side::Request => Event::RequestEnd(&RequestMeaning::default()),
        Side::Response => Event::ResponseEnd(&ResponseMeaning::default()),
    };
    step(
        exchange.as_mut(),
        &end,
        &mut facts,
        &mut metrics,
        &mut edits,
        &mut outcome,
    );
    step(
        exchange.as_mut(),
        &Event::End { status: 200 },
        &mut facts,
        &mut metrics,
        &mut edits,
        &mut outcome,
    );
    if outcome.refused.is_none() {
        assert_eq!(released, text.len(), "nothing is held at the end");
        outcome.left = Some(edited(&text, &edits));
    }
    outcome.findings = facts.findings;
    outcome.metrics = metrics;
    outcome
}

fn step(
    exchange: &mut dyn Exchange,
    event: &Event<'_>,
    facts: &mut Facts,
    metrics: &mut Vec<(Metric, u64)>,
    edits: &mut Vec<Edit>,
    outcome: &mut Outcome,
) -> Option<usize> {
    let mut store = MemoryStore::default();
    let mut out = Effects::new(&mut store);
    if let Verdict::Refuse(refusal) = exchange.handle(Timestamp::default(), event, facts, &mut out)
    {
        assert_eq!(outcome.refused, None, "one refusal is enough");
        outcome.refused = Some((refusal.reason.code(), refusal.message.into_owned()));
    }
    edits.extend(out.take_edits());
    metrics.extend(out.take_metrics());
    out.take_undecided()
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let (mut result, mut position) = (String::new(), 0);
    for edit in edits {
        result.push_str(&text[position..edit.range.start]);
        result.push_str(&edit.replacement);
        position = edit.range.end;
    }
    result.push_str(&text[position..]);
    result
}

/// Sends a text whole, in two pieces cut at every character, and in single characters; all must come to the same.
pub fn send_all_ways(policy: &portcullis_dlp::Dlp, text: &str) -> Outcome {
    let whole = send(policy, Side::Request, &[text]);
    let same = |pieces: &[&str]| {
        let split = send(policy, Side::Request, pieces);
        assert_eq!(
            Outcome {
                held_max: 0,
                ..split
            },
            whole,
            "{pieces:?}"
        );
    };
    for (cut, _) in text.char_indices() {
        let (head, tail) = text.split_at(cut);
        same(&[head, tail]);
        same(&[head, "", tail, ""]);
    }
    let chars: Vec<String> = text.chars().map(String::from).collect();
    same(&chars.iter().map(String::as_str).collect::<Vec<_>>());
    let response = send(policy, Side::Response, &[text]);
    assert_eq!(
        (&response.left, response.refused.is_some()),
        (&whole.left, whole.refused.is_some())
    );
    whole
}
