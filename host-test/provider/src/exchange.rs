//! One request, from its head to the answer's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, TRAILER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use crate::api::{self, Api, Failure, Operation};
use crate::body::{Aborted, Body, Pace};
use crate::entry::Entry;
use crate::prebuilt::Cause;
use crate::reply::Reply;
use crate::script::Script;
use crate::stub::Stub;
use crate::{control, gzip};

/// The largest request body: the stub holds it in memory, and no test or demo needs more.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What `GET /` says; a probe looks at the status only.
const GREETING: &str = r#"{"stub":"portcullis-provider"}"#;

/// Answers one request. An error closes the connection.
pub(crate) async fn serve(
    stub: Arc<Stub>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Aborted> {
    let (head, incoming) = request.into_parts();
    let path = head.uri.path();
    if path.starts_with(control::PREFIX) {
        return control::serve(&stub, &head, incoming).await;
    }
    let mut entry = stub.open(&head);
    let body = arrive(&mut entry, incoming).await?;
    if path == "/" && (head.method == Method::HEAD || head.method == Method::GET) {
        return send(
            Reply::whole(GREETING),
            Vec::new(),
            &Script::default(),
            &head,
            entry,
        )
        .await;
    }

    let seq = entry.seq();
    let found = api::find(&head.method, path, &head.headers);
    let api = found.map_or_else(api::fallback, |(api, _)| api);
    let outcome = match found {
        Some((api, operation)) => {
            entry.belongs_to(api.name());
            respond(&stub, api, operation, &head, body, seq)
        }
        None => whatever(&stub, &head),
    };
    let (reply, script) =
        outcome.unwrap_or_else(|failure| (Reply::error(api, &failure, seq), Script::default()));
    send(reply, api.provider().headers(seq), &script, &head, entry).await
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

/// The reply to a request of no API: the `body` of the script that stands, if it has one.
fn whatever(stub: &Stub, head: &Parts) -> Result<(Reply, Script), Failure> {
    let script = stub.standing_script();
    let Some(body) = script.body.clone() else {
        let message = format!("Invalid URL ({} {})", head.method, head.uri.path());
        return Err(Failure::new(404, message));
    };
    let mut reply = Reply::whole(body);
    reply.status = script.status.unwrap_or(reply.status);
    Ok((reply, script))
}

/// The reply to a request of `api` and the script it follows. Fails with what the API has to say against the request.
fn respond(
    stub: &Stub,
    api: &dyn Api,
    operation: Operation<'_>,
    head: &Parts,
    body: Option<Bytes>,
    seq: u64,
) -> Result<(Reply, Script), Failure> {
    let body = body.ok_or_else(|| Failure::new(413, "the request is too large"))?;
    let provider = api.provider();
    if !stub.admits(provider.name(), &provider.credentials(&head.headers)) {
        return Err(Failure::new(
            401,
            "the key is not the one this provider knows",
        ));
    }
    let mut script = stub.next_script();
    script
        .set_from_headers(&head.headers)
        .map_err(|error| Failure::new(400, format!("{error:#}")))?;

    let path = head.uri.path();
    let reply = match (&stub.prebuilt, operation) {
        (Some(prebuilt), Operation::Answer) => {
            let cause = Cause {
                api: api.name(),
                path: path.to_owned(),
                script: script.clone(),
                body,
            };
            prebuilt.get_or_make(cause, |cause| {
                Reply::make(api, operation, path, &script, &cause.body, seq)
            })?
        }
        _ => Reply::make(api, operation, path, &script, &body, seq)?,
    };
    Ok((reply, script))
}

/// Sends a reply as the script wants it.
async fn send(
    reply: Reply,
    mut headers: Vec<(HeaderName, HeaderValue)>,
    script: &Script,
    head: &Parts,
    mut entry: Entry,
) -> Result<Response<Body>, Aborted> {
    if let Some(usage) = reply.usage {
        entry.generated(usage.prompt, usage.completion);
    }
    if reply.breaks_off {
        entry.broken_off();
    }
    if script.delay_headers_ms > 0 {
        tokio::time::sleep(Duration::from_millis(script.delay_headers_ms)).await;
    }
    if script.drop_connection {
        entry.aborted(0);
        return Err(Aborted);
    }

    headers.extend(reply.headers());
    let mut pieces = reply.pieces;
    if script.malformed && !reply.is_stream {
        truncate_last_byte(&mut pieces);
    }
    if script.gzip {
        pieces = vec![gzip::compress(&pieces)];
        headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    if head.method == Method::HEAD
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        pieces.clear();
    }

    entry.answered(status.as_u16());
    let trailers: HeaderMap = script.trailers.iter().cloned().collect();
    headers.extend(
        trailers
            .keys()
            .map(|name| (TRAILER, HeaderValue::from(name.clone()))),
    );
    let pace = Pace {
        chunk_bytes: script.chunk_bytes,
        delay: script.delay(),
        abort_after_bytes: script.abort_after_bytes,
        unknown_length: reply.is_stream || script.content_length_off,
        trailers: (!trailers.is_empty()).then_some(trailers),
    };
    let mut response = Response::new(Body::new(pieces, pace, Some(entry)));
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    set_headers(response.headers_mut(), &script.headers);
    Ok(response)
}

/// Puts the scripted headers in: all of a name replace what was there, an empty one takes it away.
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
