//! Request bodies.

use crate::TextSink;
use crate::document::{Ahead, Document, Failure, Lookahead, Observe, Payload, Value};
use crate::endpoint::model_in;
use crate::formats::{Compiled, Meaning};
use crate::include_usage::{self, Stated};
use crate::json::Malformed;
use crate::media;
use portcullis_policy::{Endpoint, Reason, Refusal, RequestMeaning, Role};

/// Why a request is refused that is not whole in itself: what the provider kept for it may be another caller's, and what the provider keeps of its
/// answer comes when nobody scans it or is charged for it.
const ELSEWHERE: &str = "background, previous_response_id, conversation and item_reference are not let through: send the whole conversation as input, and wait for the answer.";

/// What stands in the place of text that a client sent as tokens: nobody here knows what they say.
const TOKENS: &str = "tokens";

/// What stands in the place of what the provider fetches from elsewhere, and of what it keeps: nobody here sees it.
const REMOTE: &str = "url";
const STORED: &str = "file";

/// Bytes that a token is taken for.
const TOKEN_BYTES: u64 = 4;

/// Reads a request's body, chunk by chunk. How it is cut means nothing.
///
/// The body is kept, so that edits can be carried out: memory is what the body takes, at most `body_bytes_max`.
#[derive(Debug)]
pub struct RequestReader {
    format: &'static Compiled,
    takes_body: bool,
    needs_model: bool,
    answers_in_text: bool,
    body_bytes_max: usize,
    asks_usage: bool,
    document: Document,
    asked: Asked,
    /// The model is looked for before texts are read, and was not found yet.
    ahead: Option<Lookahead>,
    refused: Option<Refusal>,
}

impl RequestReader {
    /// For a body of at most `body_bytes_max` bytes.
    #[must_use]
    pub fn new(endpoint: Endpoint, body_bytes_max: usize) -> Self {
        let needs_model = endpoint.names_model();
        let takes_body = needs_model || matches!(endpoint, Endpoint::Public | Endpoint::Unknown);
        Self {
            format: Compiled::of(endpoint),
            takes_body,
            needs_model,
            answers_in_text: endpoint != Endpoint::OpenAiEmbeddings,
            body_bytes_max,
            asks_usage: include_usage::must_be_asked(endpoint),
            document: Document::new(needs_model, Role::Unknown),
            asked: Asked::default(),
            ahead: None,
            refused: None,
        }
    }

    /// The body is said to have so many bytes. Only its memory depends on it.
    #[must_use]
    pub fn announced(mut self, bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.document.announce(bytes.min(self.body_bytes_max));
        self
    }

    /// The sink is told the model before the first text, wherever it stands in the body: what comes before it waits.
    #[must_use]
    pub fn model_first(mut self) -> Self {
        self.ahead = self.needs_model.then(Lookahead::new);
        self
    }

    /// Takes what the path of an [`Endpoint::Model`] says in place of a body, which such a request has not: the model's name is a text like
    /// any other, and who would change it refuses.
    ///
    /// # Errors
    /// As [`RequestReader::push`].
    pub fn read_path(&mut self, path: &str, sink: &mut dyn TextSink) -> Result<(), Refusal> {
        let name = model_in(path).unwrap_or_default();
        // A name of `model_in` holds nothing that JSON escapes.
        let body = [r#"{"model":""#, name, r#""}"#].concat();
        self.push(body.as_bytes(), sink)
    }

    /// Whether texts can be read. What cannot be read is read too, to say why.
    fn is_ready(&mut self, end: bool, sink: &mut dyn TextSink) -> bool {
        let Some(ahead) = &mut self.ahead else {
            return true;
        };
        match ahead.find(&self.document, &self.format.request, Meaning::Model, end) {
            Ahead::NotYet => return false,
            Ahead::Found(model) => sink.model(&model),
            Ahead::Nothing => {}
        }
        self.ahead = None;
        true
    }

    /// Takes the next bytes; texts go to `sink` as far as they can be read.
    ///
    /// # Errors
    /// `malformed_body`, `body_too_large`, and what the sink refuses; the same again for every call after the first error.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn TextSink) -> Result<(), Refusal> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if chunk.is_empty() {
            return Ok(());
        }
        if !self.takes_body {
            return self.refuse(Refusal::new(
                Reason::MalformedBody,
                "This endpoint takes no body.",
            ));
        }
        // What fits is read before what does not is refused, so that the first mistake is the same however the body is cut.
        let fits = chunk
            .get(..self.body_bytes_max.saturating_sub(self.document.len()))
            .unwrap_or(chunk);
        self.document.extend(fits);
        if self.is_ready(fits.len() < chunk.len(), sink) {
            let read = self
                .document
                .read(&self.format.request, false, Some(sink), &mut self.asked);
            if let Err(failure) = read {
                return self.refuse(refusal(failure));
            }
        }
        if fits.len() < chunk.len() {
            return self.refuse(Refusal::new(
                Reason::BodyTooLarge,
                "The body is larger than this gateway lets pass.",
            ));
        }
        Ok(())
    }

    /// The body is complete: what it means. Without any body, nothing.
    ///
    /// # Errors
    /// `malformed_body` when it is not complete or lacks what it must have, and what the sink refuses.
    pub fn finish(&mut self, sink: &mut dyn TextSink) -> Result<RequestMeaning, Refusal> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if self.document.len() == 0 && !self.needs_model {
            return Ok(RequestMeaning::default());
        }
        self.is_ready(true, sink);
        let read = self
            .document
            .read(&self.format.request, true, Some(sink), &mut self.asked);
        if let Err(failure) = read {
            return self.refuse(refusal(failure));
        }
        if self.needs_model && self.asked.model.is_none() {
            return self.refuse(Refusal::new(Reason::MalformedBody, "model is required."));
        }
        let asked = &mut self.asked;
        let pictures_only = !asked.unscanned.is_empty()
            && asked
                .unscanned
                .iter()
                .all(|name| name.starts_with("image/") || *name == REMOTE);
        let picture_bytes = if pictures_only {
            self.document.file_bytes()
        } else {
            0
        };
        let cap = asked.cap.or((!self.answers_in_text).then_some(0));
        Ok(RequestMeaning {
            model: asked.model.take(),
            completion_tokens_max: cap
                .map(|cap| cap.saturating_mul(asked.choices.unwrap_or(1).max(1))),
            choices: asked.choices.unwrap_or(0),
            stream: asked.stream,
            text_bytes: self.document.text_bytes().saturating_sub(picture_bytes)
                + TOKEN_BYTES * asked.tokens,
            picture_bytes,
            unscanned: asked.unscanned.drain(..).map(str::to_owned).collect(),
        })
    }

    /// Whether requests to an endpoint are such that [`RequestReader::ask_usage`] can change one.
    #[must_use]
    pub const fn may_ask_usage(endpoint: Endpoint) -> bool {
        include_usage::must_be_asked(endpoint)
    }

    /// Has the body, which is complete and passed, ask for the usage of its stream when the client did not. True when it does so now:
    /// then the client must not see the event that answers it ([`crate::ResponseReader::hide_usage`]).
    pub fn ask_usage(&mut self) -> bool {
        self.asks_usage
            && self.asked.stream
            && self
                .document
                .ask_usage(self.asked.usage, &self.format.request)
    }

    /// The model as far as the body was read: what the record names when the rest is refused.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.asked.model.as_deref()
    }

    /// Whether the answer is asked for as a stream, as far as the body was read.
    #[must_use]
    pub const fn stream(&self) -> bool {
        self.asked.stream
    }

    /// The body with all edits carried out; `None` when there were none and the body leaves as it came.
    pub fn edited(&mut self) -> Option<Vec<u8>> {
        if self.document.unchanged() {
            None
        } else {
            Some(self.document.render())
        }
    }

    fn refuse<T>(&mut self, refusal: Refusal) -> Result<T, Refusal> {
        self.refused = Some(refusal.clone());
        Err(refusal)
    }
}

fn refusal(failure: Failure) -> Refusal {
    let message = match failure {
        Failure::Refused(refusal) => return refusal,
        Failure::Malformed(Malformed::Syntax) => "The body is not valid JSON.",
        Failure::Malformed(Malformed::TooDeep) => "The body is nested too deeply.",
        Failure::Malformed(Malformed::DuplicateKey) => "The body holds a key twice in one object.",
        Failure::Malformed(Malformed::Field(message)) => message,
    };
    Refusal::new(Reason::MalformedBody, message)
}

/// What a request asks for, as far as it was read.
#[derive(Debug, Default)]
struct Asked {
    model: Option<String>,
    cap: Option<u64>,
    choices: Option<u64>,
    stream: bool,
    usage: Stated,
    unscanned: Vec<&'static str>,
    /// Of the blob at hand: said to be text.
    blob_is_text: bool,
    /// Of the blob at hand: its media type.
    blob_type: Option<&'static str>,
    /// What just ended.
    payload: Option<Payload>,
    /// The item at hand said what it is.
    item_said: bool,
    /// Tokens that stand in the place of text.
    tokens: u64,
}

impl Asked {
    /// Only names of `media`'s list come here, so there are never many.
    fn add_unscanned(&mut self, name: &'static str) {
        if !self.unscanned.contains(&name) {
            self.unscanned.push(name);
        }
    }
}

impl Observe for Asked {
    fn payload(&mut self) -> Option<Payload> {
        self.payload.take()
    }

    fn unscanned(&mut self, payload: Payload) {
        if let Some(name) = payload.name.filter(|_| !payload.is_text) {
            self.add_unscanned(name);
        }
    }

    fn value(&mut self, meaning: Meaning, value: Value<'_>) -> Result<(), Malformed> {
        match meaning {
            Meaning::Model => match value {
                Value::String { whole: false, .. } => {
                    return Err(Malformed::Field("model is too long."));
                }
                Value::String { head, .. } if !head.is_empty() => {
                    self.model = Some(head.to_owned())
                }
                Value::String { .. } | Value::Null => {
                    return Err(Malformed::Field("model is required."));
                }
                Value::Number(_) | Value::Bool(_) | Value::Open { .. } | Value::Close { .. } => {
                    return Err(Malformed::Field("model must be a string."));
                }
            },
            Meaning::CompletionCap => {
                let cap = integer(value, "The cap on tokens must be a non-negative integer.")?;
                self.cap = self.cap.max(cap);
            }
            Meaning::Choices => self.choices = integer(value, "n must be a non-negative integer.")?,
            Meaning::Stream => match value {
                Value::Bool(stream) => self.stream = stream,
                Value::Null => {}
                Value::String { .. }
                | Value::Number(_)
                | Value::Open { .. }
                | Value::Close { .. } => {
                    return Err(Malformed::Field("stream must be a boolean."));
                }
            },
            Meaning::StreamOptions | Meaning::IncludeUsage => self.usage.note(meaning, value),
            Meaning::Array => match value {
                Value::Open { object: false } | Value::Close { object: false } => {}
                Value::String { .. }
                | Value::Number(_)
                | Value::Bool(_)
                | Value::Null
                | Value::Open { object: true }
                | Value::Close { object: true } => {
                    return Err(Malformed::Field(
                        "A field that must be an array is something else.",
                    ));
                }
            },
            Meaning::Blob => self.blob(value),
            Meaning::BlobKind => {
                if let Value::String { head, .. } = value {
                    self.blob_is_text = head == "text";
                }
            }
            Meaning::BlobType => {
                if let Value::String { head, .. } = value {
                    self.blob_type = Some(media::named(head));
                }
            }
            Meaning::BlobData => {
                if let Value::String { .. } = value {
                    self.blob_type.get_or_insert(media::UNKNOWN);
                }
            }
            Meaning::DataUrl => {
                if let Value::String { head, .. } = value {
                    self.payload = media::of_url(head).map(|name| Payload {
                        name: Some(name),
                        is_text: false,
                    });
                    if self.payload.is_none() {
                        self.add_unscanned(REMOTE);
                    }
                }
            }
            Meaning::Remote | Meaning::Stored => {
                if let Value::String { .. } = value {
                    let is_remote = meaning == Meaning::Remote;
                    self.add_unscanned(if is_remote { REMOTE } else { STORED });
                }
            }
            Meaning::Elsewhere => {
                if !matches!(value, Value::Null | Value::Bool(false)) {
                    return Err(Malformed::Field(ELSEWHERE));
                }
            }
            Meaning::Item => {
                if matches!(value, Value::Open { .. }) {
                    self.item_said = false;
                } else if value == (Value::Close { object: true }) && !self.item_said {
                    // A reference need not say that it is one.
                    return Err(Malformed::Field(ELSEWHERE));
                }
            }
            Meaning::ItemKind | Meaning::Role => {
                if let Value::String { head, .. } = value {
                    self.item_said = true;
                    if head == "item_reference" {
                        return Err(Malformed::Field(ELSEWHERE));
                    }
                }
            }
            Meaning::Tokens => {
                if let Value::Number(_) = value {
                    self.tokens += 1;
                    self.add_unscanned(TOKENS);
                }
            }
            Meaning::AudioFormat => {
                if let Value::String { head, .. } = value {
                    self.blob_type = Some(media::of_audio(head));
                }
            }
            Meaning::Once
            | Meaning::Answers
            | Meaning::Usage
            | Meaning::Part
            | Meaning::InputTokens(_)
            | Meaning::OutputTokens
            | Meaning::Completion
            | Meaning::Delta
            | Meaning::Channel(_)
            | Meaning::Whole
            | Meaning::Finish
            | Meaning::Kind
            | Meaning::KindOfText
            | Meaning::Group
            | Meaning::Within
            | Meaning::Sequence => {}
        }
        Ok(())
    }
}

impl Asked {
    /// The two fields of a blob come in any order, so it is judged when it ends.
    fn blob(&mut self, value: Value<'_>) {
        match value {
            Value::Open { object: true } => {
                // One around it that holds something itself is no longer at hand when it ends.
                let around = self.blob_type.take().filter(|_| !self.blob_is_text);
                self.blob_is_text = false;
                if let Some(name) = around {
                    self.add_unscanned(name);
                }
            }
            Value::Close { object: true } => {
                self.payload = Some(Payload {
                    name: self.blob_type.take(),
                    is_text: std::mem::take(&mut self.blob_is_text),
                });
            }
            Value::String { .. }
            | Value::Number(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Open { object: false }
            | Value::Close { object: false } => {}
        }
    }
}

/// A non-negative integer as it is written; `null` is as good as absent. More than 64 bits are all of them.
fn integer(value: Value<'_>, otherwise: &'static str) -> Result<Option<u64>, Malformed> {
    match value {
        Value::Null => Ok(None),
        Value::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(text.parse().unwrap_or(u64::MAX)))
        }
        Value::String { .. }
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Open { .. }
        | Value::Close { .. } => Err(Malformed::Field(otherwise)),
    }
}
