//! The APIs the stub speaks: one file each, one row each in [`APIS`].

mod anthropic;
mod openai;
mod openai_chat;
mod openai_embeddings;
mod openai_responses;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AsHeaderName, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::answer::{Answer, Ask};
use crate::script::Script;
use crate::sse::Event;

/// When everything the stub answers was made: a constant, so that answers can be compared.
const CREATED: u64 = 1_735_689_600;

/// The models the stub lists. It answers for any other name just as well.
const MODELS: &[&str] = &[
    "claude-3-5-sonnet",
    "claude-3-opus",
    "gemini-2.0-flash",
    "gpt-4o",
    "gpt-4o-mini",
];

/// Every API, the more particular first; the last one spells what belongs to none.
const APIS: &[&dyn Api] = &[
    &anthropic::Messages,
    &openai_responses::Responses,
    &openai_embeddings::Embeddings,
    &openai_chat::ChatCompletions,
];

/// What a request wants of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Answer,
    CountTokens,
    Models,
    Model(&'a str),
}

/// Something the provider would not do.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Failure {
        Failure {
            status,
            message: message.into(),
        }
    }
}

/// What all APIs of a provider have in common. It has one key for them.
pub(crate) trait Provider: Sync {
    /// The name it has on the command line.
    fn name(&self) -> &'static str;

    /// Every credential given where it takes one.
    fn credentials<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a [u8]>;

    /// Headers that stand in every answer: request id, rate limits.
    fn headers(&self, seq: u64) -> Vec<(HeaderName, HeaderValue)>;

    /// The body of an error.
    fn error(&self, failure: &Failure, seq: u64) -> Value;

    /// The models there are.
    fn models(&self) -> Value;

    /// One model, whether it is listed or not.
    fn model(&self, id: &str) -> Value;
}

/// How one API spells things.
pub(crate) trait Api: Sync {
    /// The name that records and totals show.
    fn name(&self) -> &'static str;

    /// Whose API it is.
    fn provider(&self) -> &'static dyn Provider;

    /// What a request wants, if it is one of this API. `path` has no query.
    fn operation<'a>(
        &self,
        method: &Method,
        path: &'a str,
        headers: &HeaderMap,
    ) -> Option<Operation<'a>>;

    /// Reads a request for an answer, or for a count of its tokens. Fails with what the API would say.
    fn ask(&self, path: &str, operation: Operation<'_>, body: &Value) -> Result<Ask, Failure>;

    /// The body of an answer in one piece.
    fn answer(&self, answer: &Answer) -> Value;

    /// The events of a streamed answer; none where the API streams nothing.
    fn events(&self, _: &Ask, _: &Answer) -> Vec<Event> {
        Vec::new()
    }

    /// The event that ends a stream with an error.
    fn error_event(&self, failure: &Failure, seq: u64) -> Event {
        Event {
            name: None,
            data: self.provider().error(failure, seq).to_string(),
            is_delta: false,
        }
    }

    /// The event that says nothing, where the API has one.
    fn ping(&self) -> Option<Event> {
        None
    }

    /// The media type of a stream.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// A stream as bytes, one piece an event.
    fn frame(&self, events: &[Event], script: &Script) -> Vec<Bytes> {
        let comment = |at| script.pings && at > 0;
        events
            .iter()
            .enumerate()
            .map(|(at, event)| event.to_bytes(script.line_end, comment(at)))
            .collect()
    }

    /// The answer to [`Operation::CountTokens`].
    fn count(&self, tokens: u64) -> Value {
        Value::from(tokens)
    }
}

/// The API that a request belongs to, and what it wants.
pub(crate) fn find<'a>(
    method: &Method,
    path: &'a str,
    headers: &HeaderMap,
) -> Option<(&'static dyn Api, Operation<'a>)> {
    APIS.iter()
        .find_map(|api| Some((*api, api.operation(method, path, headers)?)))
}

/// The providers whose APIs the stub speaks.
pub(crate) fn providers() -> impl Iterator<Item = &'static str> {
    APIS.iter().map(|api| api.provider().name())
}

/// The API that spells errors of requests that belong to none.
pub(crate) fn fallback() -> &'static dyn Api {
    &openai_chat::ChatCompletions
}

fn all(headers: &HeaderMap, name: impl AsHeaderName) -> Vec<&[u8]> {
    headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect()
}

fn fixed(pairs: &[(&'static str, &'static str)]) -> Vec<(HeaderName, HeaderValue)> {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

/// The required string `model`.
fn model_of(body: &Value) -> Result<String, Failure> {
    let model = body.get("model").and_then(Value::as_str);
    model
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(400, "you must provide a model parameter"))
}

/// The required array of messages under `key`.
fn messages_of<'a>(body: &'a Value, key: &str) -> Result<&'a [Value], Failure> {
    let messages = body
        .get(key)
        .and_then(Value::as_array)
        .filter(|messages| !messages.is_empty());
    messages.map(Vec::as_slice).ok_or_else(|| {
        let message = format!("{key}: expected an array with at least one message");
        Failure::new(400, message)
    })
}

/// The text of the last message of the user: its content, or the text of all parts that have one.
fn last_user_text(messages: &[Value]) -> String {
    let from_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    match messages
        .iter()
        .rev()
        .find(from_user)
        .and_then(|message| message.get("content"))
    {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<_> = parts
                .iter()
                .filter_map(|part| part.get("text")?.as_str())
                .collect();
            texts.join(" ")
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}
