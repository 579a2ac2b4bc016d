//! Compares what came of an exchange with what a case expects, and with what must hold for every exchange.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use portcullis_policy::Reason;
use serde_json::{Value, json};

use crate::bytes::{self, Field};
use crate::case::{Body, Client, Expect, Provider, Received, Step};
use crate::engine::{Message, Seen, Setup};
use crate::merge::{merged, missing};
use crate::resolve::{Call, Reply};
use crate::{answers, asked};

/// Headers that carry credentials of a client: none of their values may reach the provider.
const CREDENTIALS: [&str; 6] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "proxy-authorization",
    "cookie",
];

/// The expectation of a step, with or without held headers.
///
/// # Errors
/// When it is not of the format.
pub fn expectation(step: &Step, hold: bool) -> Result<Expect> {
    let base = if step.expect.is_null() {
        json!({})
    } else {
        step.expect.clone()
    };
    let value = if hold {
        base
    } else {
        merged(base, &step.without_hold)
    };
    let expect: Expect = serde_json::from_value(value).context("expect")?;
    if let Some(code) = &expect.refused {
        Reason::from_code(code).with_context(|| format!("the contract has no code {code}"))?;
    }
    Ok(expect)
}

/// What an exchange was and what surrounded it.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    /// Policy and surroundings.
    pub setup: &'a Setup,
    /// What was asked.
    pub call: &'a Call,
    /// What the provider was told to do.
    pub reply: &'a Reply,
    /// What must not be found.
    pub planted: &'a [String],
}

/// Everything that is wrong with an exchange; empty when all is as it must be.
#[must_use]
pub fn problems(expect: &Expect, seen: &Seen, of: Occasion<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(code) = &expect.refused {
        refused(code, seen, of, &mut out);
    }
    match &expect.provider {
        Some(Provider::Word(_)) => nothing_left(seen, of, &mut out),
        Some(Provider::Request(expected)) => provider(expected, seen, of.call, &mut out),
        None => {}
    }
    if let Some(expected) = &expect.client {
        client(expected, seen, of.reply, &mut out);
    }
    if let Some(expected) = &expect.record {
        missing(expected, &seen.record(), "record", &mut out);
    }
    if let Some(expected) = &expect.alert_records {
        alert_records(expected, &seen.events("alert"), &mut out);
    }
    for (name, expected) in &expect.state {
        let found = seen.state.get(name);
        if found != expected.as_ref() {
            out.push(format!(
                "state {name}: expected {expected:?}, found {found:?}"
            ));
        }
    }
    for (name, expected) in &expect.metrics {
        let found = seen.metrics.get(name).copied().unwrap_or(0);
        if found != *expected {
            out.push(format!("metric {name}: expected {expected}, found {found}"));
        }
    }
    always(seen, of, &mut out);
    out
}

/// Records of alerts.
fn alert_records(expected: &[Value], found: &[Value], out: &mut Vec<String>) {
    if expected.len() != found.len() {
        out.push(format!(
            "records of alerts: expected {}, found {found:?}",
            expected.len()
        ));
    }
    for (expected, found) in expected.iter().zip(found) {
        missing(expected, found, "alert record", out);
    }
}

/// A refusal of the contract.
fn refused(code: &str, seen: &Seen, of: Occasion<'_>, out: &mut Vec<String>) {
    let status = Reason::from_code(code).map_or(0, Reason::status);
    let response = matches!(code, "unreadable_response" | "response_blocked");
    if !response {
        nothing_left(seen, of, out);
    }
    let expected = json!({ "decision": "refuse", "reason": code });
    missing(&expected, &seen.record(), "record", out);
    let client = &seen.client;
    if client.status() != status {
        out.push(format!(
            "status: expected {status}, found {}: {}",
            client.status(),
            client.text()
        ));
    }
    if client.header("x-portcullis-reason").as_deref() != Some(code) {
        out.push(format!(
            "x-portcullis-reason: expected {code}, found {:?}",
            client.header("x-portcullis-reason")
        ));
    }
    if !matches!(
        client.header("x-should-retry").as_deref(),
        Some("true" | "false")
    ) {
        out.push("no x-should-retry".to_owned());
    }
    if status == 429
        && client
            .header("retry-after")
            .is_none_or(|value| value.parse::<u64>().is_err())
    {
        out.push(format!("retry-after: {:?}", client.header("retry-after")));
    }
    if of.call.header(":method") == "HEAD" {
        return;
    }
    error_body(&client.text(), code, out);
}

/// The error of one of the APIs, with the code where it has a place for one.
fn error_body(text: &str, code: &str, out: &mut Vec<String>) {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let error = &body["error"];
    if !error["message"].is_string() || !error["type"].is_string() {
        out.push(format!("not an error in an API's spelling: {text}"));
    }
    // OpenAI's responses say so twice.
    let is_numbered = body["sequence_number"].is_u64();
    let is_anthropic = body["type"] == "error" && !is_numbered;
    if is_numbered && (body["code"] != code || body["message"] != error["message"]) {
        out.push(format!("not an error event of responses: {text}"));
    }
    if !is_anthropic && error["code"] != code {
        out.push(format!(
            "error.code: expected {code}, found {}",
            error["code"]
        ));
    }
}

fn nothing_left(seen: &Seen, of: Occasion<'_>, out: &mut Vec<String>) {
    let provider = &seen.provider;
    if !provider.body.is_empty() || provider.complete || (of.setup.hold && provider.began) {
        out.push(format!(
            "the provider must have got nothing, and got {} {}",
            show(&provider.headers),
            provider.text()
        ));
    }
}

fn provider(expected: &Received, seen: &Seen, call: &Call, out: &mut Vec<String>) {
    let provider = &seen.provider;
    if !provider.complete {
        out.push(format!(
            "no whole request reached the provider; the client got {} {}",
            seen.client.status(),
            seen.client.text()
        ));
        return;
    }
    if let Some(path) = &expected.path
        && provider.header(":path").as_ref() != Some(path)
    {
        out.push(format!(
            "provider path: expected {path}, found {:?}",
            provider.header(":path")
        ));
    }
    headers("provider header", &expected.headers, &provider.headers, out);
    headers(
        "provider trailer",
        &expected.trailers,
        &provider.trailers,
        out,
    );
    let same = call.body();
    body(
        "provider body",
        expected.body.as_ref(),
        &same,
        &provider.body,
        out,
    );
    parts(
        "provider body",
        (expected.json.as_ref(), &expected.contains, &expected.lacks),
        provider,
        out,
    );
}

fn client(expected: &Client, seen: &Seen, reply: &Reply, out: &mut Vec<String>) {
    let client = &seen.client;
    if let Some(status) = expected.status
        && client.status() != status
    {
        out.push(format!(
            "status: expected {status}, found {}: {}",
            client.status(),
            client.text()
        ));
    }
    headers("client header", &expected.headers, &client.headers, out);
    headers("client trailer", &expected.trailers, &client.trailers, out);
    let same = reply
        .response
        .as_ref()
        .map(crate::resolve::Response::body)
        .unwrap_or_default();
    body(
        "client body",
        expected.body.as_ref(),
        &same,
        &client.body,
        out,
    );
    parts(
        "client body",
        (expected.json.as_ref(), &expected.contains, &expected.lacks),
        client,
        out,
    );
    if let Some(text) = &expected.text {
        let found = answers::text_of(&client.text());
        if found != *text {
            out.push(format!(
                "text: expected {text:?}, found {found:?} in {}",
                client.text()
            ));
        }
    }
    if let Some(code) = &expected.stopped {
        let last = answers::data(&client.text()).pop().unwrap_or_default();
        error_body(&last.to_string(), code, out);
        missing(
            &json!({ "decision": "refuse", "reason": code }),
            &seen.record(),
            "record",
            out,
        );
    }
    if let Some(complete) = expected.complete
        && client.complete != complete
    {
        out.push(format!("complete: expected {complete}: {}", client.text()));
    }
}

fn headers(
    what: &str,
    expected: &BTreeMap<String, Option<String>>,
    found: &[Field],
    out: &mut Vec<String>,
) {
    for (name, expected) in expected {
        let values = bytes::values(found, name);
        let text: Vec<String> = values
            .iter()
            .map(|value| value.iter().map(|byte| char::from(*byte)).collect())
            .collect();
        let right = match expected.as_deref() {
            None => text.is_empty(),
            Some("*") => !text.is_empty(),
            Some(value) => text.join(", ") == value,
        };
        if !right {
            out.push(format!(
                "{what} {name}: expected {expected:?}, found {text:?}"
            ));
        }
    }
}

fn body(what: &str, expected: Option<&Body>, same: &[u8], found: &[u8], out: &mut Vec<String>) {
    let expected = match expected {
        None => return,
        Some(Body::Text(text)) if text == "same" => same.to_vec(),
        Some(body) => bytes::body(body).unwrap_or_default(),
    };
    if expected != found {
        out.push(format!(
            "{what}: expected {}\n      found {}",
            lossy(&expected),
            lossy(found)
        ));
    }
}

fn parts(
    what: &str,
    (json, contains, lacks): (Option<&Value>, &[String], &[String]),
    found: &Message,
    out: &mut Vec<String>,
) {
    if let Some(expected) = json {
        let parsed: Value = serde_json::from_slice(&found.body).unwrap_or_default();
        missing(expected, &parsed, what, out);
    }
    let text = found.text();
    for part in contains.iter().filter(|part| !text.contains(part.as_str())) {
        out.push(format!("{what} lacks {part:?}: {text}"));
    }
    for part in lacks.iter().filter(|part| text.contains(part.as_str())) {
        out.push(format!("{what} contains {part:?}: {text}"));
    }
}

/// What must hold for every exchange, whatever a case says.
fn always(seen: &Seen, of: Occasion<'_>, out: &mut Vec<String>) {
    if !seen.log.is_empty() {
        out.push(format!("logged: {}", seen.log));
    }
    if of.setup.policy.get("audit").is_some() {
        one_true_record(seen, out);
    }
    no_secrets(seen, of, out);
    if of.setup.policy.get("auth").is_some() {
        for (name, value) in of
            .call
            .headers
            .iter()
            .filter(|(name, _)| CREDENTIALS.contains(&name.as_str()))
        {
            if bytes::values(&seen.provider.headers, name).contains(&value.as_slice()) {
                out.push(format!("the client's {name} reached the provider"));
            }
        }
    }
    for (name, _) in seen
        .provider
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-portcullis-"))
    {
        out.push(format!("{name} reached the provider"));
    }
    untouched(seen, of, out);
}

/// One record, and it says what was.
fn one_true_record(seen: &Seen, out: &mut Vec<String>) {
    let records = seen.requests();
    if records.len() != 1 {
        out.push(format!(
            "{} records of the request: {:?}",
            records.len(),
            seen.records
        ));
    }
    for record in &records {
        if record["status"] != json!(seen.client.status()) && seen.client.complete {
            out.push(format!(
                "the record's status is {}, the client's {}",
                record["status"],
                seen.client.status()
            ));
        }
        if record["request_id"] != json!(seen.request_id) {
            out.push(format!(
                "the record's request_id is {}, not {}",
                record["request_id"], seen.request_id
            ));
        }
    }
}

fn no_secrets(seen: &Seen, of: Occasion<'_>, out: &mut Vec<String>) {
    let state: String = seen
        .state
        .values()
        .map(|value| format!("{value}\n"))
        .collect();
    let metrics: String = seen
        .metrics
        .keys()
        .map(|name| format!("{name}\n"))
        .collect();
    let refusal = if seen.client.header("x-portcullis-reason").is_some() {
        seen.client.text()
    } else {
        String::new()
    };
    let places = [
        ("the record", seen.records.join("\n")),
        ("filter state", state),
        ("metrics", metrics),
        ("the log", seen.log.clone()),
        ("the refusal", refusal),
    ];
    for secret in of.planted {
        for (place, text) in &places {
            if text.contains(secret.as_str()) {
                out.push(format!("{place} holds {secret:?}: {text}"));
            }
        }
    }
}

/// What no rule changed left as it came.
fn untouched(seen: &Seen, of: Occasion<'_>, out: &mut Vec<String>) {
    if !matches!(seen.record()["decision"].as_str(), Some("allow" | "flag")) {
        return;
    }
    let asked = asked::by_the_gateway(of.setup, of.call);
    let (sent, got) = (of.call.body(), &seen.provider.body);
    let same = *got == sent || (asked && asked::only_the_question(&sent, got));
    if seen.provider.complete && !same {
        out.push(format!(
            "the request was changed: {}\n      into {}",
            lossy(&of.call.body()),
            seen.provider.text()
        ));
    }
    if let (true, Some(response)) = (seen.client.complete, &of.reply.response) {
        let answered = of.reply.cut_after.is_none() && of.call.header(":method") != "HEAD";
        // Of a list of models a caller sees its part.
        let list = of.call.header(":path").starts_with("/v1/models");
        let mut expected = response.body();
        if asked {
            expected = asked::hidden(&expected);
        }
        if answered && !list && seen.client.body != expected {
            out.push(format!(
                "the response was changed: {}\n      into {}",
                lossy(&response.body()),
                seen.client.text()
            ));
        }
    }
}

fn show(headers: &[Field]) -> String {
    let line = |(name, value): &Field| format!("{name}: {}", lossy(value));
    headers.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// Longest body that a message about a difference shows.
const SHOWN_BYTES_MAX: usize = 2000;

fn lossy(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN_BYTES_MAX).unwrap_or(bytes);
    String::from_utf8_lossy(shown).into_owned()
}
