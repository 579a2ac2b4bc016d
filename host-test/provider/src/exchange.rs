//! One request from its head to the answer's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TRAILER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::answer::compose;
use crate::api::{self, Api, Failure, Operation};
use crate::body::{Aborted, Body, Pace};
use crate::record::Entry;
use crate::script::Script;
use crate::sse::Event;
use crate::stub::Stub;
use crate::{control, gzip};

/// The largest request body: the stub holds it in memory, and no test or demo needs more.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The media type of everything that is no stream.
const JSON: &str = "application/json";

/// Answers one request. An error closes the connection.
pub(crate) async fn serve(
    stub: Arc<Stub>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Aborted> {
    let (head, incoming) = request.into_parts();
    if head.uri.path().starts_with(control::PREFIX) {
        return control::serve(&stub, &head, incoming).await;
    }
    let mut entry = stub.open(&head);
    let body = arrive(&mut entry, incoming).await?;
    match answer(&stub, &head, &mut entry, body.as_ref()) {
        Ok((reply, script)) => send(reply, &script, &head, entry).await,
        Err(failure) => {
            let api = api::find(&head.method, head.uri.path(), &head.headers)
                .map_or_else(api::fallback, |(api, _)| api);
            send(
                refuse(api, &failure, entry.seq()),
                &Script::default(),
                &head,
                entry,
            )
            .await
        }
    }
}

/// Takes the request's body in; `None` if it is too large.
async fn arrive(entry: &mut Entry, mut incoming: Incoming) -> Result<Option<Bytes>, Aborted> {
    let mut trailers = None;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| Aborted)?;
        match frame.into_data() {
            Ok(data) if entry.arrived().saturating_add(data.len()) > REQUEST_BODY_BYTES_MAX => {
                return Ok(None);
            }
            Ok(data) => entry.push(&data),
            Err(frame) => trailers = frame.into_trailers().ok().or(trailers),
        }
    }
    Ok(Some(entry.complete(trailers.as_ref())))
}

/// An answer before it is paced.
struct Reply {
    status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: &'static str,
    pieces: Vec<Bytes>,
    is_stream: bool,
}

fn answer(
    stub: &Stub,
    head: &Parts,
    entry: &mut Entry,
    body: Option<&Bytes>,
) -> Result<(Reply, Script), Failure> {
    let seq = entry.seq();
    let body = body.ok_or_else(|| Failure::new(413, "the request is too large"))?;
    let path = head.uri.path();
    if path == "/" && (head.method == Method::HEAD || head.method == Method::GET) {
        return Ok((
            whole(&json!({"stub": env!("CARGO_PKG_NAME")}), Vec::new()),
            Script::default(),
        ));
    }
    let Some((api, operation)) = api::find(&head.method, path, &head.headers) else {
        return Err(Failure::new(
            404,
            format!("Invalid URL ({} {path})", head.method),
        ));
    };
    entry.belongs_to(api.name());
    if !stub.admits(api.provider(), &api.credentials(&head.headers)) {
        return Err(Failure::new(401, "invalid x-api-key or bearer token"));
    }
    let mut script = stub.next_script();
    script
        .set_from_headers(&head.headers)
        .map_err(|error| Failure::new(400, format!("{error:#}")))?;

    let mut reply = if let Some(bytes) = &script.body {
        raw(api, bytes, seq)
    } else if let Some(status) = script
        .status
        .filter(|&status| status >= 400 && script.error_after_deltas.is_none())
    {
        let message = script
            .error
            .clone()
            .unwrap_or_else(|| format!("the stub was told to answer {status}"));
        refuse(api, &Failure::new(status, message), seq)
    } else {
        match operation {
            Operation::Answer => generate(api, path, &script, entry, body)?,
            Operation::CountTokens => {
                let ask = api.ask(path, operation, &parse(body)?)?;
                whole(
                    &api.count(script.prompt_tokens.unwrap_or(ask.prompt_tokens)),
                    api.headers(seq),
                )
            }
            Operation::Models => whole(&api.models(), api.headers(seq)),
            Operation::Model(id) => whole(&api.model(id), api.headers(seq)),
        }
    };
    if let (Some(status), None) = (script.status, script.error_after_deltas) {
        reply.status = status;
    }
    Ok((reply, script))
}

fn parse(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::new(400, "the request body is not valid JSON"))
}

fn generate(
    api: &dyn Api,
    path: &str,
    script: &Script,
    entry: &mut Entry,
    body: &[u8],
) -> Result<Reply, Failure> {
    let seq = entry.seq();
    let ask = api.ask(path, Operation::Answer, &parse(body)?)?;
    let answer = compose(&ask, script, seq);
    entry.generated(answer.usage.prompt, answer.usage.completion);
    if !ask.stream {
        return Ok(whole(&api.answer(&answer), api.headers(seq)));
    }
    let mut events = api.events(&ask, &answer);
    if let Some(deltas) = script.error_after_deltas {
        end_with_error(&mut events, deltas, api, script, seq);
        entry.broken_off();
    }
    if let (true, Some(ping)) = (script.pings, api.ping()) {
        events = interleave(events, &ping);
    }
    if script.malformed {
        let middle = events.len() / 2;
        if let Some(event) = events.get_mut(middle) {
            event.data.pop();
        }
    }
    Ok(Reply {
        status: 200,
        headers: api.headers(seq),
        content_type: api.stream_type(),
        pieces: api.frame(&events, script),
        is_stream: true,
    })
}

/// Keeps what comes before delta number `deltas` and ends with the API's error event.
fn end_with_error(
    events: &mut Vec<Event>,
    deltas: usize,
    api: &dyn Api,
    script: &Script,
    seq: u64,
) {
    let mut left = deltas;
    let end = events.iter().position(|event| {
        let ends = event.is_delta && left == 0;
        left = left.saturating_sub(usize::from(event.is_delta));
        ends
    });
    events.truncate(end.unwrap_or(events.len().saturating_sub(1)));
    let message = script
        .error
        .as_deref()
        .unwrap_or("the stub was told to fail here");
    events.push(api.error_event(&Failure::new(script.status.unwrap_or(500), message), seq));
}

fn interleave(events: Vec<Event>, ping: &Event) -> Vec<Event> {
    let mut out = Vec::with_capacity(events.len() * 2);
    for event in events {
        if !out.is_empty() {
            out.push(ping.clone());
        }
        out.push(event);
    }
    out
}

fn whole(body: &Value, headers: Vec<(HeaderName, HeaderValue)>) -> Reply {
    Reply {
        status: 200,
        headers,
        content_type: JSON,
        pieces: vec![body.to_string().into()],
        is_stream: false,
    }
}

fn refuse(api: &dyn Api, failure: &Failure, seq: u64) -> Reply {
    let mut headers = api.headers(seq);
    if failure.status == 429 {
        headers.push((RETRY_AFTER, HeaderValue::from_static("1")));
    }
    Reply {
        status: failure.status,
        ..whole(&api.error(failure, seq), headers)
    }
}

fn raw(api: &dyn Api, bytes: &Bytes, seq: u64) -> Reply {
    Reply {
        status: 200,
        headers: api.headers(seq),
        content_type: JSON,
        pieces: vec![bytes.clone()],
        is_stream: false,
    }
}

/// Turns a reply into what leaves, as the script wants it.
async fn send(
    reply: Reply,
    script: &Script,
    head: &Parts,
    entry: Entry,
) -> Result<Response<Body>, Aborted> {
    if script.delay_headers_ms > 0 {
        tokio::time::sleep(Duration::from_millis(script.delay_headers_ms)).await;
    }
    if script.drop_connection {
        let mut entry = entry;
        entry.aborted(0);
        return Err(Aborted);
    }
    let mut pieces = reply.pieces;
    if script.malformed && !reply.is_stream {
        truncate_last_byte(&mut pieces);
    }
    if script.gzip {
        pieces = vec![gzip::compress(&pieces)];
    }

    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    if head.method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        pieces.clear();
    }
    entry.answered(status.as_u16());
    let trailers = (!script.trailers.is_empty())
        .then(|| script.trailers.iter().cloned().collect::<HeaderMap>());
    let pace = Pace {
        chunk_bytes: script.chunk_bytes,
        delay: script.delay(),
        abort_after_bytes: script.abort_after_bytes,
        unknown_length: reply.is_stream || script.content_length_off,
        trailers,
    };
    let mut response = Response::new(Body::new(pieces, pace, Some(entry)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.extend(reply.headers);
    if let Some(seconds) = script.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if script.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, _) in &script.trailers {
        headers.append(TRAILER, HeaderValue::from(name.clone()));
    }
    set_headers(headers, &script.headers);
    Ok(response)
}

/// Puts the scripted headers in: the first of a name replaces what was there, later ones add, an empty one takes away.
fn set_headers(headers: &mut HeaderMap, scripted: &[(HeaderName, HeaderValue)]) {
    for (name, _) in scripted {
        headers.remove(name);
    }
    for (name, value) in scripted.iter().filter(|(_, value)| !value.is_empty()) {
        headers.append(name, value.clone());
    }
}

fn truncate_last_byte(pieces: &mut [Bytes]) {
    if let Some(last) = pieces.last_mut() {
        last.truncate(last.len().saturating_sub(1));
    }
}
