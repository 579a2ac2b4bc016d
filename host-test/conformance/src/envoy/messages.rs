//! A case's messages as the client sends them, as the stub provider is told to answer them, and as both tell of them.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_envoy_test::http1::Request;
use portcullis_provider::{Arrival, Received, Script};
use serde_json::json;

use crate::bytes::Field;
use crate::engine::Message;
use crate::resolve::{Call, Response};

/// The request as a client writes it.
pub(super) fn http_request(call: &Call) -> Request {
    let mut request = Request::new(&call.header(":method"), &call.header(":path"))
        .header("host", call.header(":authority"))
        .header("x-forwarded-for", call.source.to_string());
    for (name, value) in call
        .headers
        .iter()
        .filter(|(name, _)| !name.starts_with(':'))
    {
        request = request.header(name, value);
    }
    let sized = call
        .headers
        .iter()
        .any(|(name, _)| name == "content-length");
    if sized {
        return request.body(call.body());
    }
    if call.pieces.is_empty() && call.trailers.is_none() {
        return request;
    }
    request = request.chunks(call.pieces.iter().map(Vec::as_slice));
    for (name, value) in call.trailers.iter().flatten() {
        request = request.trailer(name, &String::from_utf8_lossy(value));
    }
    request
}

/// What the stub provider is told, so that it answers exactly this.
pub(super) fn script(response: &Response, cut_after: Option<usize>) -> Result<Script> {
    let line = |(name, value): &Field| format!("{name}: {}", String::from_utf8_lossy(value));
    let sized = response
        .headers
        .iter()
        .any(|(name, _)| name == "content-length");
    let headers = response
        .headers
        .iter()
        .filter(|(name, _)| name != "content-length");
    let typed = response
        .headers
        .iter()
        .any(|(name, _)| name == "content-type");
    let untyped = (!typed).then(|| "content-type:".to_owned());
    let mut options = json!({
        "status": response.status,
        "body": format!("base64:{}", STANDARD.encode(response.body())),
        "header": headers.map(line).chain(untyped).collect::<Vec<_>>(),
        "trailer": response.trailers.iter().flatten().map(line).collect::<Vec<_>>(),
        "content-length": if sized { "on" } else { "off" },
    });
    if let Some(first) = response
        .pieces
        .first()
        .filter(|_| response.pieces.len() > 1)
    {
        options["chunk"] = first.len().max(1).into();
    }
    match cut_after {
        None => {}
        Some(0) => options["drop"] = true.into(),
        Some(events) => {
            let bytes: usize = response.pieces.iter().take(events - 1).map(Vec::len).sum();
            options["abort"] = bytes.into();
        }
    }
    Script::from_json(&options)
}

pub(super) fn lowered(headers: &[(Vec<u8>, Vec<u8>)]) -> Vec<Field> {
    let name = |name: &[u8]| String::from_utf8_lossy(name).to_ascii_lowercase();
    headers
        .iter()
        .map(|(n, value)| (name(n), value.clone()))
        .collect()
}

pub(super) fn received(received: Option<&Received>) -> Message {
    let Some(received) = received else {
        return Message::default();
    };
    let pseudo = [(":method", &received.method), (":path", &received.path)];
    let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.clone().into_bytes()));
    Message {
        began: true,
        complete: received.arrival == Arrival::Complete,
        headers: pseudo
            .into_iter()
            .chain(fields(&received.headers))
            .collect(),
        body: received.body.to_vec(),
        trailers: fields(&received.trailers),
    }
}

fn fields<B: AsRef<[u8]>>(headers: &[(String, B)]) -> Vec<Field> {
    let field = |(name, value): &(String, B)| (name.clone(), value.as_ref().to_vec());
    headers.iter().map(field).collect()
}
