//! Requests and answers of a case as messages: bytes in pieces, defaults filled in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::answers::{self, Answer};
use crate::bytes::{self, Field};
use crate::case::{Api, Body, Request, Upstream};
use crate::merge::merged;
use crate::verified::Verified;

/// What stands in every prompt that a case does not spell out, and in no other place.
pub const PROMPT: &str = "a-prompt-that-nobody-may-log";

/// Where requests come from unless a case says otherwise.
const SOURCE: &str = "10.1.2.3";

/// A request as it arrives.
#[derive(Debug, Clone)]
pub struct Call {
    /// The peer's address as Envoy trusts it.
    pub source: IpAddr,
    /// What Envoy verified of the caller.
    pub verified: Vec<Verified>,
    /// With pseudo-headers, as Envoy shows them to a filter, but for its own `x-request-id`.
    pub headers: Vec<Field>,
    /// The body in the pieces in which it arrives; empty for a request without one.
    pub pieces: Vec<Vec<u8>>,
    /// `None`: no trailers.
    pub trailers: Option<Vec<Field>>,
    /// After how many events the client goes away.
    pub leaves_after: Option<usize>,
    /// In which API's form it is.
    pub api: Api,
}

impl Call {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// A pseudo-header or header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        bytes::text(&self.headers, name).unwrap_or_default()
    }
}

/// What the provider does with a request that reaches it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The response, unless it never answers.
    pub response: Option<Response>,
    /// The provider cuts the stream after so many events.
    pub cut_after: Option<usize>,
    /// The client goes away after so many events of the response.
    pub client_leaves_after: Option<usize>,
}

/// A response of the provider.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Without `:status`.
    pub headers: Vec<Field>,
    /// The body in the pieces in which it arrives.
    pub pieces: Vec<Vec<u8>>,
    /// `None`: no trailers.
    pub trailers: Option<Vec<Field>>,
}

impl Response {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// The request that a case describes.
///
/// # Errors
/// When the description is no request.
pub fn call(request: &Request, people: &BTreeMap<String, String>) -> Result<Call> {
    let api = request.api.unwrap_or(Api::Openai);
    let method = request.method.as_deref().unwrap_or("POST");
    let path = request.path.as_deref().unwrap_or(match api {
        Api::Openai => "/v1/chat/completions",
        Api::Responses => "/v1/responses",
        Api::Anthropic => "/v1/messages",
    });
    let mut headers: Vec<Field> = [
        (":method", method),
        (":path", path),
        (":authority", "gateway.test"),
        (":scheme", "http"),
        ("user-agent", "case"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into();
    match request.key.as_deref().unwrap_or("alice") {
        "none" => {}
        name => {
            let key = people
                .get(name)
                .with_context(|| format!("nobody is called {name}"))?;
            headers.push(match api {
                Api::Openai | Api::Responses => {
                    ("authorization".into(), format!("Bearer {key}").into_bytes())
                }
                Api::Anthropic => ("x-api-key".into(), key.clone().into_bytes()),
            });
        }
    }
    if api == Api::Anthropic {
        headers.push(("anthropic-version".into(), b"2023-06-01".to_vec()));
    }
    let body = match &request.body {
        Some(body) => Some(bytes::body(body)?),
        None if method == "POST" => Some(ordinary_body(api, request).to_string().into_bytes()),
        None => None,
    };
    if body.is_some() {
        headers.push(("content-type".into(), b"application/json".to_vec()));
    }
    let pieces = match (&body, &request.pieces) {
        (Some(body), Some(sizes)) => bytes::pieces(body, sizes)?,
        (Some(body), None) if body.is_empty() => Vec::new(),
        (Some(body), None) => vec![body.clone()],
        (None, _) => Vec::new(),
    };
    let sized = request.pieces.is_none() && !request.chunked && request.trailers.is_empty();
    if let (Some(body), true) = (&body, sized) {
        headers.push(("content-length".into(), body.len().to_string().into_bytes()));
    }
    bytes::apply(&mut headers, &request.headers)?;
    ensure!(
        !headers.iter().any(|(name, _)| name == "x-request-id"),
        "x-request-id is Envoy's"
    );
    Ok(Call {
        source: request.source.as_deref().unwrap_or(SOURCE).parse()?,
        verified: Verified::of(request)?,
        headers,
        pieces,
        trailers: trailers(&request.trailers)?,
        leaves_after: request.leaves_after,
        api,
    })
}

fn ordinary_body(api: Api, request: &Request) -> Value {
    let prompt = request.prompt.as_deref().unwrap_or(PROMPT);
    let messages = json!([{ "role": "user", "content": prompt }]);
    let body = match api {
        Api::Openai => json!({ "model": "gpt-4o-mini", "messages": messages }),
        Api::Responses => json!({ "model": "gpt-4o-mini", "input": messages }),
        Api::Anthropic => {
            json!({ "model": "claude-3-5-sonnet", "max_tokens": 100, "messages": messages })
        }
    };
    merged(body, &request.fields)
}

fn trailers(lines: &[String]) -> Result<Option<Vec<Field>>> {
    let fields: Vec<Field> = lines
        .iter()
        .map(|line| bytes::field(line))
        .collect::<Result<_>>()?;
    Ok((!fields.is_empty()).then_some(fields))
}

/// The answer that a case describes, to this request.
///
/// # Errors
/// When the description is no answer.
pub fn reply(upstream: &Upstream, to: &Call) -> Result<Reply> {
    Ok(Reply {
        response: if upstream.silent {
            None
        } else {
            Some(response(upstream, to)?)
        },
        cut_after: upstream.cut_after,
        client_leaves_after: upstream.client_leaves_after,
    })
}

fn response(upstream: &Upstream, to: &Call) -> Result<Response> {
    let asked: Value = serde_json::from_slice(&to.body()).unwrap_or_default();
    let status = upstream.status.unwrap_or(200);
    let (content_type, body) = if let Some(body) = &upstream.body {
        let json = matches!(body, Body::Other(crate::case::BodyForm::Json(_)));
        (json.then_some("application/json"), bytes::body(body)?)
    } else if let Some(events) = &upstream.events {
        let spelled = |event: &Value| match event {
            Value::String(text) => text.clone(),
            other => answers::named(other),
        };
        let body: String = events.iter().map(spelled).collect();
        (Some("text/event-stream"), body.into_bytes())
    } else {
        let answer = answer(upstream, &asked)?;
        if asked["stream"] == json!(true) && status == 200 {
            let include_usage = asked["stream_options"]["include_usage"] == json!(true);
            let body = answers::events(to.api, &answer, include_usage);
            (Some("text/event-stream"), body)
        } else {
            let document = merged(answers::document(to.api, &answer), &upstream.fields);
            (Some("application/json"), document.to_string().into_bytes())
        }
    };
    let pieces = match &upstream.pieces {
        Some(sizes) => bytes::pieces(&body, sizes)?,
        None if body.is_empty() => Vec::new(),
        None => vec![body.clone()],
    };
    let mut headers: Vec<Field> = Vec::new();
    if let Some(content_type) = content_type {
        headers.push(("content-type".into(), content_type.into()));
    }
    let sized = upstream.pieces.is_none()
        && upstream.trailers.is_empty()
        && content_type != Some("text/event-stream");
    if sized {
        headers.push(("content-length".into(), body.len().to_string().into_bytes()));
    }
    bytes::apply(&mut headers, &upstream.headers)?;
    Ok(Response {
        status,
        headers,
        pieces,
        trailers: trailers(&upstream.trailers)?,
    })
}

fn answer(upstream: &Upstream, asked: &Value) -> Result<Answer> {
    let text = upstream.answer.as_deref().unwrap_or("ok");
    let deltas = upstream
        .deltas
        .clone()
        .unwrap_or_else(|| text.chars().map(String::from).collect());
    let usage = match upstream.usage.as_deref() {
        None => Some((10, 5)),
        Some([]) => None,
        Some([input, output]) => Some((*input, *output)),
        Some(other) => anyhow::bail!("usage is two numbers or none: {other:?}"),
    };
    Ok(Answer {
        deltas,
        usage,
        model: asked["model"].as_str().unwrap_or("gpt-4o-mini").to_owned(),
    })
}
