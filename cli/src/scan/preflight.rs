//! The gateway's scanner over what a caller is about to send: text as it is, bodies through the same reader of formats.

use anyhow::{Result, anyhow};
use portcullis_dlp::Survey;
use portcullis_policy::config::{Document, Mistake};
use portcullis_policy::{Action, Edit, Endpoint, Place, Refusal, Text, TextId};
use portcullis_wire::{BodyKind, RequestReader, ResponseReader, TextSink};
use serde::de::IgnoredAny;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The largest body that is read as one. Files beyond it are read as text.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How much text is scanned between two looks at how far it is.
const PIECE_BYTES: usize = 1024 * 1024;

/// The name under which it is told that an input is more than the scanner reads to its end.
const UNREADABLE: &str = "unreadable";

/// What marks a place in a body while it is told where that is: private characters, which no JSON writer escapes.
const MARK_BEGIN: char = '\u{F8F0}';
const MARK_END: char = '\u{F8F1}';
/// What stands behind the quotation mark that a marked number begins with, and before the one that it ends with.
const NUMBER_BEGIN: &str = "\u{F8F2}";
const NUMBER_END: &str = "\u{F8F3}";

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// The detector that found it, where the rule has some.
    pub detector: Option<&'static str>,
    /// What the gateway would do.
    pub action: Action,
    /// Which bytes of the input; `None` where it stands in several of them, as in an event stream.
    pub range: Option<Range<usize>>,
}

/// Scans inputs, one after the other.
#[derive(Debug)]
pub struct Preflight {
    survey: Survey,
    texts: u64,
}

impl Preflight {
    /// With the rules of a policy.
    ///
    /// # Errors
    /// The mistakes in its section `dlp`.
    pub fn of(document: &Document) -> Result<Self> {
        Self::read(document).map_err(|mistake| anyhow!(mistake.to_string()))
    }

    fn read(document: &Document) -> Result<Self, Mistake> {
        // Keys for masks make no difference to what is found, so that none need be here.
        let survey = Survey::new(document, &|_: &str| Some("0".repeat(64)));
        let mistake = document.take_mistakes().into_iter().next();
        let survey = mistake.map_or(Ok(survey), Err)?;
        let survey = survey.ok_or_else(|| Mistake {
            path: "dlp".to_owned(),
            message: "is required".to_owned(),
        })?;
        Ok(Self { survey, texts: 0 })
    }

    /// With detectors, or groups of them, by name.
    ///
    /// # Errors
    /// When there is none of such a name.
    pub fn of_detectors<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        let rules: Vec<_> = names
            .iter()
            .map(|name| serde_json::json!({ "detector": name.as_ref(), "action": "block" }))
            .collect();
        let policy = serde_json::json!({ "version": 1, "dlp": { "rules": rules } });
        let document = Document::parse(policy.to_string().as_bytes());
        // Where in that document the mistake is says nothing to whoever named the detectors.
        document
            .and_then(|document| Self::read(&document))
            .map_err(|mistake| anyhow!(mistake.message))
    }

    /// Scans an input: a JSON body, an event stream, or else text. Bytes that are no UTF-8 stand for nothing.
    pub fn scan(&mut self, input: &[u8]) -> Vec<Finding> {
        self.scan_with(input, &mut |_| ())
    }

    /// The same, telling how many bytes are done.
    pub fn scan_with(&mut self, input: &[u8], done: &mut dyn FnMut(usize)) -> Vec<Finding> {
        self.forget();
        let begins = |words: &[&[u8]]| {
            let text = input.trim_ascii_start();
            words.iter().any(|word| text.starts_with(word))
        };
        let read = if begins(&[b"{", b"["]) {
            self.json(input, done)
        } else if begins(&[b"data:", b"event:"]) {
            self.events(input)
        } else {
            None
        };
        let mut findings = read.unwrap_or_else(|| self.text(input, done));
        self.forget();
        if self.survey.gave_up() {
            findings.push(Finding {
                rule: UNREADABLE.to_owned(),
                detector: None,
                action: Action::Block,
                range: None,
            });
        }
        findings.sort_by_key(|finding| {
            finding
                .range
                .as_ref()
                .map_or(usize::MAX, |range| range.start)
        });
        findings.dedup();
        without_guesses(findings)
    }

    /// Ends what an input left open that could not be read to its end.
    fn forget(&mut self) {
        self.survey.end().for_each(drop);
    }

    /// Text as it is.
    fn text(&mut self, input: &[u8], done: &mut dyn FnMut(usize)) -> Vec<Finding> {
        let text = String::from_utf8_lossy(input);
        let is_exact = text.len() == input.len();
        self.texts += 1;
        let id = TextId(self.texts);
        let mut findings = Vec::new();
        let mut rest = text.as_ref();
        loop {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
            let found = self.survey.text(Text::prose(id, piece, behind.is_empty()));
            findings.extend(found.map(|found| Finding {
                rule: found.rule.to_owned(),
                detector: found.detector,
                action: found.action,
                range: is_exact.then_some(found.range),
            }));
            if behind.is_empty() {
                return findings;
            }
            rest = behind;
            done(text.len() - rest.len());
        }
    }

    /// A JSON body; `None` when it is none.
    fn json(&mut self, input: &[u8], done: &mut dyn FnMut(usize)) -> Option<Vec<Finding>> {
        let endpoint = endpoint(input);
        if endpoint != Endpoint::Public
            && let Some(findings) = self.request(input, endpoint)
        {
            return Some(findings);
        }
        // What names no model is no call. A prompt would hold such a document as a text, in which a value stands beside its name.
        self.forget();
        let mut findings = self.request(input, Endpoint::Public)?;
        self.forget();
        let place = |finding: &Finding| Some((finding.detector, finding.range.as_ref()?.start));
        let known: BTreeSet<_> = findings.iter().filter_map(place).collect();
        let as_text = self.text(input, done).into_iter();
        findings.extend(
            as_text.filter(|found| place(found).is_none_or(|place| !known.contains(&place))),
        );
        Some(findings)
    }

    fn request(&mut self, input: &[u8], endpoint: Endpoint) -> Option<Vec<Finding>> {
        let mut reader = RequestReader::new(endpoint, BODY_BYTES_MAX);
        let mut sink = Sink::new(&mut self.survey, true);
        reader.push(input, &mut sink).ok()?;
        // A call without a model would be refused; what it says is read all the same.
        if reader.finish(&mut sink).is_err() {
            serde_json::from_slice::<IgnoredAny>(input).ok()?;
        }
        let (findings, marked) = (sink.findings, sink.marked);
        let places = reader
            .edited()
            .map(|body| places(&body))
            .unwrap_or_default();
        let place = |text, position| places.get(marked.get(&(text, position))?).copied();
        let located = findings.into_iter().map(|(text, range, finding)| {
            let range = place(text, range.start).zip(place(text, range.end));
            Finding {
                range: range.map(|(start, end)| start..end),
                ..finding
            }
        });
        Some(located.collect())
    }

    /// An event stream of any of the APIs.
    fn events(&mut self, input: &[u8]) -> Option<Vec<Finding>> {
        let endpoint = if contains(input, b"content_block_delta") {
            Endpoint::AnthropicMessages
        } else if contains(input, b"\"sequence_number\"") {
            Endpoint::OpenAiResponses
        } else {
            Endpoint::OpenAiChat
        };
        let mut reader =
            ResponseReader::new(endpoint, 200, BodyKind::EventStream, BODY_BYTES_MAX, true);
        let mut sink = Sink::new(&mut self.survey, false);
        let is_stream = reader.push(input, &mut sink).is_ok();
        // One that was cut off still says what it says.
        let _ = reader.finish(&mut sink);
        let told = sink.findings.into_iter().map(|(_, _, finding)| finding);
        let mut findings: Vec<_> = told.collect();
        findings.extend(self.survey.end().map(|found| unplaced(&found)));
        is_stream.then_some(findings)
    }
}

/// Leaves out what is only a guess where something surer was found.
fn without_guesses(findings: Vec<Finding>) -> Vec<Finding> {
    let sure: Vec<Range<usize>> = findings
        .iter()
        .filter(|finding| finding.action != Action::Flag)
        .filter_map(|finding| finding.range.clone())
        .collect();
    let is_covered = |finding: &Finding| {
        let Some(range) = finding
            .range
            .as_ref()
            .filter(|_| finding.action == Action::Flag)
        else {
            return false;
        };
        // Both are sorted, but findings of one place are few: those near are enough.
        let near = sure.partition_point(|other| other.start < range.end);
        let before = sure.get(near.saturating_sub(4)..near).unwrap_or_default();
        before.iter().any(|other| other.end > range.start)
    };
    findings
        .into_iter()
        .filter(|finding| !is_covered(finding))
        .collect()
}

/// Which API's table knows best what stands where in a body.
fn endpoint(input: &[u8]) -> Endpoint {
    if !contains(input, b"\"messages\"") {
        if contains(input, b"\"model\"") && contains(input, b"\"input\"") {
            Endpoint::OpenAiResponses
        } else {
            Endpoint::Public
        }
    } else if contains(input, b"\"max_tokens\"") && !contains(input, b"\"tool_calls\"") {
        Endpoint::AnthropicMessages
    } else {
        Endpoint::OpenAiChat
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

/// A finding of the survey that stands in no one place of the input.
fn unplaced(found: &portcullis_dlp::Finding<'_>) -> Finding {
    Finding {
        rule: found.rule.to_owned(),
        detector: found.detector,
        action: found.action,
        range: None,
    }
}

/// Where the marks stand in a body, without them.
fn places(body: &[u8]) -> BTreeMap<usize, usize> {
    let body = String::from_utf8_lossy(body)
        .replace(&format!("\"{NUMBER_BEGIN}"), "")
        .replace(&format!("{NUMBER_END}\""), "");
    let mut places = BTreeMap::new();
    let mut position = 0;
    for (index, part) in body.split(MARK_BEGIN).enumerate() {
        let (mark, text) = if index == 0 {
            (None, part)
        } else {
            part.split_once(MARK_END)
                .map_or((None, part), |(mark, text)| (Some(mark), text))
        };
        if let Some(mark) = mark.and_then(|mark| mark.parse().ok()) {
            places.insert(mark, position);
        }
        position += text.len();
    }
    places
}

/// Hands texts to the survey, and marks where its findings begin and end.
struct Sink<'a> {
    survey: &'a mut Survey,
    /// Whether places can be marked: a stream has let go what it told.
    marks: bool,
    findings: Vec<(TextId, Range<usize>, Finding)>,
    marked: BTreeMap<(TextId, usize), usize>,
}

impl<'a> Sink<'a> {
    const fn new(survey: &'a mut Survey, marks: bool) -> Self {
        Self {
            survey,
            marks,
            findings: Vec::new(),
            marked: BTreeMap::new(),
        }
    }
}

impl TextSink for Sink<'_> {
    fn numbers_from(&self) -> Option<usize> {
        self.survey.numbers_from()
    }

    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let is_number = text.place == Place::Number;
        for found in self.survey.text(text) {
            let finding = unplaced(&found);
            // Of a number all goes, and it gets quotation marks that the body has not.
            let (range, begins, ends) = if is_number {
                (0..text.piece.len(), NUMBER_BEGIN, NUMBER_END)
            } else {
                (found.range, "", "")
            };
            let places = [(range.start, begins, ""), (range.end, "", ends)];
            for (position, before, behind) in places.into_iter().filter(|_| self.marks) {
                let mark = self.marked.len();
                if let Entry::Vacant(place) = self.marked.entry((text.id, position)) {
                    place.insert(mark);
                    edits.push(Edit {
                        text: text.id,
                        range: position..position,
                        replacement: format!("{before}{MARK_BEGIN}{mark}{MARK_END}{behind}"),
                    });
                }
            }
            self.findings.push((text.id, range, finding));
        }
        Ok(None)
    }
}
