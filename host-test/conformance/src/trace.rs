//! What came of an exchange, as text: for recording beside the cases, and for comparing engines. Times, ids and what the transport
//! decides (framing, the proxy's own headers) are left out.

use std::fmt::Write as _;

use serde_json::Value;

use crate::bytes::Field;
use crate::engine::Seen;
use crate::resolve::{Call, Reply, Response};

/// Headers that a proxy or a codec adds, or that differ from run to run.
const LEFT_OUT: [&str; 9] = [
    ":status",
    "x-request-id",
    "content-length",
    "transfer-encoding",
    "date",
    "server",
    "connection",
    "x-envoy-upstream-service-time",
    "vary",
];

/// Members of a record that differ from run to run: also the heads of the chains, whose ids are drawn for each VM.
const VARIABLE: [&str; 5] = ["timestamp", "latency_ms", "request_id", "chain", "heads"];

/// One exchange in a few lines.
#[must_use]
pub fn describe(call: &Call, reply: &Reply, seen: &Seen) -> String {
    let mut out = String::new();
    let answered = reply.response.as_ref();
    let sent = answered.map(Response::body).unwrap_or_default();
    let client = &seen.client;
    let _ = writeln!(
        out,
        "client {}{} {}",
        client.status(),
        if client.complete { "" } else { " (cut)" },
        shown(&client.body, &sent)
    );
    let own = answered.map_or(&[][..], |response| &response.headers);
    headers(&mut out, "client", &client.headers, own);
    if seen.provider.complete {
        let _ = writeln!(out, "provider {}", shown(&seen.provider.body, &call.body()));
        headers(&mut out, "provider", &seen.provider.headers, &call.headers);
    } else {
        let _ = writeln!(out, "provider nothing");
    }
    for record in &seen.records {
        let _ = writeln!(out, "record {}", without_variable(record));
    }
    for (name, by) in &seen.metrics {
        let _ = writeln!(out, "metric {name} {by}");
    }
    out
}

/// `as sent` for a body that passed untouched, else what it is.
fn shown(body: &[u8], sent: &[u8]) -> String {
    if body == sent && !sent.is_empty() {
        "as sent".to_owned()
    } else {
        format!("{:?}", String::from_utf8_lossy(body))
    }
}

/// Headers that were added, changed or taken away on the way.
fn headers(out: &mut String, side: &str, found: &[Field], sent: &[Field]) {
    let counts = |name: &str| !LEFT_OUT.contains(&name) && !name.starts_with(':');
    let mut lines: Vec<String> = Vec::new();
    for (name, value) in found.iter().filter(|(name, _)| counts(name)) {
        if !sent.contains(&(name.clone(), value.clone())) {
            lines.push(format!(
                "{side} + {name}: {}",
                String::from_utf8_lossy(value)
            ));
        }
    }
    for (name, _) in sent.iter().filter(|(name, _)| counts(name)) {
        if !found.iter().any(|(have, _)| have == name) {
            lines.push(format!("{side} - {name}"));
        }
    }
    lines.sort();
    lines.dedup();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}

fn without_variable(record: &str) -> String {
    match serde_json::from_str::<Value>(record) {
        Ok(Value::Object(mut members)) => {
            members.retain(|name, _| !VARIABLE.contains(&name.as_str()));
            // Whose records a gap is of: a chain, with an id as well.
            if let Some(Value::Object(missing)) = members.get_mut("missing") {
                missing.remove("id");
            }
            Value::Object(members).to_string()
        }
        _ => record.to_owned(),
    }
}
