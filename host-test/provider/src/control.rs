//! `/_stub/…`: how a test asks what the stub received and says what it shall do. These requests are not recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::{Aborted, Body};
use crate::exchange::REQUEST_BODY_BYTES_MAX;
use crate::record::{Arrival, Delivery, Received};
use crate::script::Script;
use crate::stub::Stub;
use crate::totals::Totals;

/// Paths that begin so are the stub's own.
pub(crate) const PREFIX: &str = "/_stub/";

pub(crate) async fn serve(
    stub: &Stub,
    head: &Parts,
    incoming: Incoming,
) -> Result<Response<Body>, Aborted> {
    let body = Limited::new(incoming, REQUEST_BODY_BYTES_MAX)
        .collect()
        .await
        .map_err(|_| Aborted)?
        .to_bytes();
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    Ok(match (&head.method, path) {
        (&Method::GET, "received") => match &stub.recorder {
            Some(recorder) => json(
                StatusCode::OK,
                &recorder.received().iter().map(received).collect(),
            ),
            None => error(StatusCode::CONFLICT, "recording is off"),
        },
        (&Method::DELETE, "received") => {
            if let Some(recorder) = &stub.recorder {
                recorder.clear();
            }
            empty()
        }
        (&Method::GET, "totals") => json(StatusCode::OK, &totals(&stub.counters.totals())),
        (&Method::DELETE, "totals") => {
            stub.counters.reset();
            empty()
        }
        (&Method::PUT, "script") => match set_script(stub, &body) {
            Ok(()) => empty(),
            Err(reason) => error(StatusCode::BAD_REQUEST, &format!("{reason:#}")),
        },
        (&Method::DELETE, "script") => {
            stub.clear_scripts();
            empty()
        }
        _ => error(
            StatusCode::NOT_FOUND,
            "GET|DELETE /_stub/received, GET|DELETE /_stub/totals, PUT|DELETE /_stub/script",
        ),
    })
}

/// An object is for all requests from now on, an array has one for each of the next.
fn set_script(stub: &Stub, body: &[u8]) -> anyhow::Result<()> {
    let json: Value = serde_json::from_slice(body)?;
    if let Some(scripts) = json.as_array() {
        let scripts: Vec<Script> = scripts
            .iter()
            .map(Script::from_json)
            .collect::<anyhow::Result<_>>()?;
        stub.push_scripts(scripts)?;
    } else {
        stub.set_script(Script::from_json(&json)?);
    }
    Ok(())
}

fn received(received: &Received) -> Value {
    let (delivery, bytes) = match received.delivery {
        Delivery::Pending => ("pending", None),
        Delivery::Complete { bytes } => ("complete", Some(bytes)),
        Delivery::Cancelled { after_bytes } => ("cancelled", Some(after_bytes)),
        Delivery::Aborted { after_bytes } => ("aborted", Some(after_bytes)),
    };
    let arrival = match received.arrival {
        Arrival::Arriving => "arriving",
        Arrival::Complete => "complete",
        Arrival::Cut => "cut",
    };
    json!({
        "seq": received.seq, "method": received.method, "path": received.path, "version": received.version,
        "headers": fields(&received.headers), "body": BASE64.encode(&received.body),
        "body_text": std::str::from_utf8(&received.body).ok(), "trailers": fields(&received.trailers),
        "arrival": arrival, "api": received.api, "status": received.status, "delivery": delivery,
        "delivered_bytes": bytes, "prompt_tokens": received.prompt_tokens,
        "completion_tokens": received.completion_tokens,
    })
}

/// Pairs of name and value; a value that is no UTF-8 becomes `{"base64": …}`.
fn fields(fields: &[(String, Bytes)]) -> Value {
    let value = |value: &Bytes| match std::str::from_utf8(value) {
        Ok(text) => Value::from(text),
        Err(_) => json!({"base64": BASE64.encode(value)}),
    };
    fields
        .iter()
        .map(|(name, raw)| json!([name, value(raw)]))
        .collect()
}

fn totals(totals: &Totals) -> Value {
    json!({
        "requests": totals.requests, "answers": totals.answers, "cut": totals.cut, "errors": totals.errors,
        "prompt_tokens": totals.prompt_tokens, "completion_tokens": totals.completion_tokens,
    })
}

fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::plain(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    json(status, &json!({"error": message}))
}

fn empty() -> Response<Body> {
    let mut response = Response::new(Body::plain(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
