//! What stands in a file of `host-test/cases/`. Unknown fields are errors; what a case leaves out is not asserted.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::clusters::{ExpectCalls, Scripts};

/// One behaviour: a policy, what happens, and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What happens, in a few words; unique in its file.
    pub name: String,
    /// Why it must be so, in a sentence.
    pub why: String,
    /// A file of `cases/policies/`, without its ending.
    #[serde(default = "base_policy")]
    pub policy: String,
    /// What is different from that policy, as a JSON merge patch (RFC 7396): `null` takes a field away.
    #[serde(default)]
    pub change: Value,
    /// Environment variables that differ from those of `cases/environment.yaml`; `null`: not set.
    #[serde(default)]
    pub env: BTreeMap<String, Option<String>>,
    /// The policy must be refused, with all of these in the messages. There are no steps then.
    pub rejected: Option<Vec<String>>,
    /// Only with (`true`) or without (`false`) held headers; both unless said.
    pub hold: Option<bool>,
    /// Engines (`native`, `gateway`, `chain`, `envoy`, `envoy_chain`) that cannot run this case, and why not.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
    /// What must be found in no record, log, metric, filter state and refusal, beside what is planted in every case: all keys, and
    /// all prompts and answers.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What the services answer that policies call; a cluster that does not stand here does not exist. The real Envoy does not run such a
    /// case.
    #[serde(default)]
    pub clusters: Scripts,
    /// What happens, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

fn base_policy() -> String {
    "base".to_owned()
}

/// One thing that happens. Exactly one of `advance`, `clock`, `store`, `clusters`, `calls`, `request`, `finish`, `leave` stands in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// So much time passes: `500ms`, `12s`, `5m`, `1h`, `90d`. Needs a virtual clock, so the real Envoy does not run such a case.
    pub advance: Option<String>,
    /// The wall clock is set to this time (RFC 3339). Needs a virtual clock, too.
    pub clock: Option<String>,
    /// From now on what all workers share gives no answer, or does again. The real Envoy's never fails, so it does not run such a case.
    pub store: Option<Shared>,
    /// From now on these clusters answer otherwise.
    pub clusters: Option<Scripts>,
    /// What policies must have called since the last step that asked. Calls go out while time passes, so an `advance` stands before it.
    pub calls: Option<ExpectCalls>,
    /// A request comes.
    pub request: Option<Request>,
    /// It is not answered before the step that names it under `finish` or `leave`.
    pub open: Option<String>,
    /// The exchange of this name is answered.
    pub finish: Option<String>,
    /// The client of the exchange of this name goes away.
    pub leave: Option<String>,
    /// What the provider does, should the request reach it. It answers `ok` unless said.
    pub upstream: Option<Upstream>,
    /// What must come of it.
    #[serde(default)]
    pub expect: Value,
    /// What is expected differently where headers are not held, as a merge patch of `expect`.
    #[serde(default)]
    pub without_hold: Value,
    /// The same so many times in a row, each with the same expectation.
    pub times: Option<u32>,
}

/// How what all workers share behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// It is read and written.
    Answers,
    /// Neither.
    Fails,
}

/// Which API's form is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /v1/chat/completions`.
    Openai,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1/messages`.
    Anthropic,
}

/// A request. With `api` (or nothing at all) it is a well-formed one of that API, and the other fields change it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Sets method, path, content type and body; OpenAI's unless said.
    pub api: Option<Api>,
    /// The one user message.
    pub prompt: Option<String>,
    /// A merge patch of the body that `api` gives.
    #[serde(default)]
    pub fields: Value,
    /// Whose key (a name of `cases/people.yaml`), in the place where the API has it; `alice` unless said, `none` for no key.
    pub key: Option<String>,
    /// In place of the API's.
    pub method: Option<String>,
    /// In place of the API's, with the query.
    pub path: Option<String>,
    /// `name: value`, each in place of all of its name, except that a name given twice stands twice. An empty value takes a header
    /// away. Characters below U+0100 stand for bytes.
    #[serde(default)]
    pub headers: Vec<String>,
    /// In place of the API's.
    pub body: Option<Body>,
    /// Sizes of the pieces in which the body arrives, the last for the rest. Unless given, it comes whole and with its length.
    pub pieces: Option<Vec<usize>>,
    /// The body comes without a length, though in one piece.
    #[serde(default)]
    pub chunked: bool,
    /// `name: value`, after the body.
    #[serde(default)]
    pub trailers: Vec<String>,
    /// The peer's address as Envoy trusts it.
    pub source: Option<String>,
    /// What Envoy verified of the client's certificate: `uri`, `dns`, `subject`, `sha256`.
    #[serde(default)]
    pub certificate: BTreeMap<String, String>,
    /// What it verified of a token: claims that are strings or lists of strings.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// The client goes away after so many events: 1 is the head, 2 the first piece of the body, …
    pub leaves_after: Option<usize>,
}

/// What the provider does. Unless told otherwise: the API's ordinary answer `ok`, streamed when the request asked for it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The text of the answer.
    pub answer: Option<String>,
    /// The pieces of a streamed answer; the characters of `answer` one by one unless given.
    pub deltas: Option<Vec<String>>,
    /// Tokens of the prompt and the completion; `[10, 5]` unless given. An empty list: no usage.
    pub usage: Option<Vec<u64>>,
    /// A merge patch of the JSON answer.
    #[serde(default)]
    pub fields: Value,
    /// 200 unless given.
    pub status: Option<u16>,
    /// As in a request.
    #[serde(default)]
    pub headers: Vec<String>,
    /// In place of the API's answer, with the content type that `headers` say (`application/json` for JSON, else none).
    pub body: Option<Body>,
    /// In place of the API's answer: server-sent events, each as its JSON data, or as text that is put there as it is.
    pub events: Option<Vec<Value>>,
    /// Sizes of the pieces in which the body arrives, the last for the rest.
    pub pieces: Option<Vec<usize>>,
    /// `name: value`, after the body.
    #[serde(default)]
    pub trailers: Vec<String>,
    /// The provider cuts the stream after so many events: 0 is before the head, 1 after it, …
    pub cut_after: Option<usize>,
    /// The client goes away after so many events of the response.
    pub client_leaves_after: Option<usize>,
    /// It never answers, and the client goes away.
    #[serde(default)]
    pub silent: bool,
}

/// Bytes of a body.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// This text.
    Text(String),
    /// One of the other forms.
    Other(BodyForm),
}

/// Forms of a body other than plain text.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BodyForm {
    /// This document, in compact form.
    Json(Value),
    /// These bytes.
    Base64(String),
    /// A text with its placeholder `{}` filled so that it has so many bytes in all.
    Filled {
        /// The text, with one `{}`.
        text: String,
        /// Its length in bytes when filled.
        bytes: usize,
    },
    /// So many times `open`, then `middle`, then as many times `close`.
    Nested {
        /// For example `[`.
        open: String,
        /// What stands inside.
        middle: String,
        /// For example `]`.
        close: String,
        /// How deep.
        depth: usize,
        /// Text before all of it.
        #[serde(default)]
        before: String,
        /// Text after all of it.
        #[serde(default)]
        after: String,
    },
}

/// What must come of a step.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// The code of the refusal. Implies its status, its headers, its body in the API's spelling, a record that says so, and that
    /// nothing reached the provider.
    pub refused: Option<String>,
    /// What reached the provider.
    pub provider: Option<Provider>,
    /// What the client got.
    pub client: Option<Client>,
    /// A part of the audit record; `null` for what must not be in it.
    pub record: Option<Value>,
    /// The records of alerts that were written with it: a part of each, in order, and no others.
    pub alert_records: Option<Vec<Value>>,
    /// Filter state; `null` for what must not be there.
    pub state: BTreeMap<String, Option<String>>,
    /// By how much counters grew; what is not named is not asserted.
    pub metrics: BTreeMap<String, u64>,
}

/// What must have reached the provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Provider {
    /// `nothing`: no byte of the body, and where headers are held no header either.
    Word(Word),
    /// A request.
    Request(Received),
}

/// The only word that may stand for a message.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing came.
    Nothing,
}

/// A message that must have come. What is left out is not asserted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Received {
    /// With the query.
    pub path: Option<String>,
    /// A value that must stand there, or `null` for a header that must not.
    pub headers: BTreeMap<String, Option<String>>,
    /// The same for trailers.
    pub trailers: BTreeMap<String, Option<String>>,
    /// `same` as the other side sent, or exactly these bytes.
    pub body: Option<Body>,
    /// A part of the body, read as JSON.
    pub json: Option<Value>,
    /// Each of these stands in the body.
    pub contains: Vec<String>,
    /// None of these stands in it.
    pub lacks: Vec<String>,
}

/// What the client must have got. What is left out is not asserted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// The status; 0 for nothing.
    pub status: Option<u16>,
    /// A value that must stand there (`*`: any), or `null` for a header that must not.
    pub headers: BTreeMap<String, Option<String>>,
    /// The same for trailers.
    pub trailers: BTreeMap<String, Option<String>>,
    /// `same` as the provider sent, or exactly these bytes.
    pub body: Option<Body>,
    /// A part of the body, read as JSON.
    pub json: Option<Value>,
    /// The joined text of a stream's events, or of a whole answer.
    pub text: Option<String>,
    /// The code of the error event with which a stream was stopped.
    pub stopped: Option<String>,
    /// Each of these stands in the body.
    pub contains: Vec<String>,
    /// None of these stands in it.
    pub lacks: Vec<String>,
    /// Whether the answer came to its end.
    pub complete: Option<bool>,
}
