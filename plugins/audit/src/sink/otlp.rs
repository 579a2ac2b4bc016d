//! A batch as OTLP/HTTP wants it: `ExportLogsServiceRequest` in its JSON encoding
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).
//!
//! The body of each log record is the record's line, byte for byte, so that what a collector keeps is verified as a log file is.

use crate::chain::Entry;
use portcullis_policy::config::Value;
use std::fmt::Write as _;

/// The name of the instrumentation scope.
const SCOPE: &str = "portcullis.audit";

/// `service.name` unless the policy names one.
const SERVICE: &str = "portcullis";

/// The request's body.
pub(crate) fn request<'a>(
    service: Option<&str>,
    entries: impl Iterator<Item = &'a Entry>,
) -> Vec<u8> {
    let mut text = String::new();
    let _ = write!(
        text,
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":{}}}}}]}},"scopeLogs":[{{"scope":{{"name":"{SCOPE}"}},"logRecords":["#,
        quoted(service.unwrap_or(SERVICE)),
    );
    for (index, entry) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        let (number, severity) = severity(entry.event);
        let _ = write!(
            text,
            concat!(
                r#"{{"timeUnixNano":"{at}","observedTimeUnixNano":"{at}","severityNumber":{number},"severityText":"{severity}","eventName":"{event}","#,
                r#""body":{{"stringValue":{line}}},"attributes":[{{"key":"portcullis.chain.id","value":{{"stringValue":"{id}"}}}},"#,
                r#"{{"key":"portcullis.chain.seq","value":{{"intValue":"{seq}"}}}}]}}"#
            ),
            at = entry.at.as_nanos(),
            number = number,
            severity = severity,
            event = entry.event,
            line = quoted(&entry.line),
            id = entry.id,
            seq = entry.seq,
        );
    }
    text.push_str("]}]}]}");
    text.into_bytes()
}

/// How many records a collector says it did not take, though it took the batch.
pub(crate) fn rejected(body: &[u8]) -> u64 {
    let answer = std::str::from_utf8(body).ok().map(Value::from_json);
    let count = |answer: &Value| {
        let count = answer.get("partialSuccess")?.get("rejectedLogRecords")?;
        // Numbers of 64 bits are strings in this encoding; some write them as numbers all the same.
        count.as_u64().or_else(|| count.as_str()?.parse().ok())
    };
    answer.and_then(|answer| count(&answer.ok()?)).unwrap_or(0)
}

const fn severity(event: &str) -> (u8, &'static str) {
    match event.as_bytes() {
        b"auth_failure" | b"alert" | b"gap" => (13, "WARN"),
        _ => (9, "INFO"),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}
