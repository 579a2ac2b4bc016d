//! An exchange of `dlp` and what comes of it.

use std::ops::Range;

use portcullis_dlp::Dlp;
use portcullis_policy::config::Document;
use portcullis_policy::{
    Edit, Effects, Event, Exchange, Facts, Finding, MemoryStore, Policy, Refusal, RequestMeaning,
    ResponseHead, ResponseMeaning, Side, Text, TextId, Timestamp, Verdict,
};
use portcullis_wire::TextSink;
use serde_json::{Value, json};

/// What placeholders are made with.
const MASK_KEY: &str = "a key for masks that nobody knows";

/// How a placeholder begins that stands for what only looked like one.
const ESCAPED: &str = "[TEXT-";

/// A policy document of nothing but these rules.
#[must_use]
pub fn document(rules: &[Value]) -> Document {
    let text = json!({ "version": 1, "dlp": { "rules": rules } }).to_string();
    Document::parse(text.as_bytes()).expect("JSON")
}

/// The environment that [`document`] needs.
#[must_use]
pub fn environment(_: &str) -> Option<String> {
    Some(MASK_KEY.to_owned())
}

/// A policy of nothing but these rules.
#[must_use]
pub fn policy(rules: &[Value]) -> Dlp {
    let document = document(rules);
    let policy = portcullis_dlp::configure(&document, &environment);
    assert_eq!(document.take_mistakes(), []);
    policy.expect("rules")
}

/// What came of a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the record says.
    pub findings: Vec<Finding>,
    /// What is changed: which bytes, and what stands in their place.
    pub edits: Vec<(Range<usize>, String)>,
    /// It does not pass.
    pub refused: bool,
}

impl Outcome {
    /// Whether all of these bytes are changed.
    #[must_use]
    pub fn covers(&self, place: &Range<usize>) -> bool {
        let mut edits = self.edits.iter();
        edits.any(|(range, _)| range.start <= place.start && place.end <= range.end)
    }

    /// Which bytes are changed.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<usize>> {
        self.edits.iter().map(|(range, _)| range.clone()).collect()
    }

    /// The text with all changes.
    #[must_use]
    pub fn carried_out(&self, text: &str) -> String {
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
pub struct Run {
    exchange: Box<dyn Exchange>,
    facts: Facts,
    refused: bool,
    /// How many there were.
    texts: u64,
}

impl Run {
    /// A new one.
    #[must_use]
    pub fn of(dlp: &Dlp) -> Self {
        Self {
            exchange: dlp.open(),
            facts: Facts::default(),
            refused: false,
            texts: 0,
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

    /// The response begins, as a stream.
    pub fn begin_stream(&mut self) {
        self.step(&Event::ResponseHead(&ResponseHead {
            status: 200,
            stream: true,
            local: false,
        }));
    }

    /// Gives one text in pieces; nothing that has left may be changed.
    pub fn pieces(&mut self, side: Side, pieces: &[&str]) -> Outcome {
        if side == Side::Response {
            self.begin_stream();
        }
        self.texts += 1;
        let mut outcome = Outcome::default();
        let (mut given, mut released) = (0, 0);
        let ends: &[&str] = if pieces.is_empty() { &[""] } else { pieces };
        for (index, piece) in ends.iter().enumerate() {
            let last = index + 1 == ends.len();
            let text = Text::prose(TextId(self.texts), piece, last);
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
        // What looks like a placeholder and is none goes as a whole, with what was found in it: `wire` carries out the outer edit.
        outcome.edits.dedup_by(|(inner, _), (outer, replacement)| {
            replacement.starts_with(ESCAPED) && inner.start >= outer.start && inner.end <= outer.end
        });
        let apart = outcome.edits.windows(2).all(|pair| match pair {
            [(one, _), (other, _)] => one.end <= other.start,
            _ => true,
        });
        assert!(apart, "{:?}", outcome.edits);
        // What is longer than a scanner remembers goes in parts, as it comes: only the first has something in its place.
        outcome.edits.dedup_by(|(next, replacement), (part, _)| {
            let continues = replacement.is_empty() && next.start == part.end;
            if continues {
                part.end = next.end;
            }
            continues
        });
        outcome
    }

    /// The message is over.
    pub fn end(&mut self, side: Side) -> Vec<Finding> {
        match side {
            Side::Request => self.step(&Event::RequestEnd(&RequestMeaning::default())),
            Side::Response => self.step(&Event::ResponseEnd(&ResponseMeaning::default())),
        };
        self.facts.findings.clone()
    }
}

/// All that comes of a message of one text.
#[must_use]
pub fn scan(dlp: &Dlp, side: Side, pieces: &[&str]) -> Outcome {
    let mut run = Run::of(dlp);
    let mut outcome = run.pieces(side, pieces);
    outcome.findings = run.end(side);
    outcome.refused = run.refused;
    outcome
}

/// Texts of a stream.
impl TextSink for Run {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let (wished, undecided) = self.step(&Event::ResponseText(text));
        edits.extend(wished.into_iter().map(|(range, replacement)| Edit {
            text: text.id,
            range,
            replacement,
        }));
        Ok(undecided)
    }
}
