//! What the stub is told to do with a request: options by name, from `x-stub-<name>` headers or from JSON.
//!
//! A script says what differs from the ordinary answer. The same names and values work in both places; only the escaping
//! differs, because a header cannot carry every byte: in headers `%XX` is decoded, and in both places a value that begins
//! with `base64:` is.

mod value;

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use value::{
    at_most, field, line_end, number, octets, percent_decode, positive, scalar, status, switch,
    text,
};

/// Headers whose names begin so carry options, one each.
pub const HEADER_PREFIX: &str = "x-stub-";

/// The longest delay an option may ask for: a forgotten script must not hang a test run.
pub const DELAY_MS_MAX: u64 = 60_000;

/// The longest answer `tokens` may ask for: what is answered is built in memory.
pub const FILL_TOKENS_MAX: u64 = 1_000_000;

/// How to answer one request. The default is the ordinary answer: status 200 and an echo of the last user message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// `status`: the status to answer with; from 400 on the answer is an error in the API's spelling.
    pub status: Option<u16>,
    /// `error`: the message of that error.
    pub error: Option<String>,
    /// `retry-after`: seconds, sent with the status; a 429 has `retry-after: 1` without being asked.
    pub retry_after: Option<u64>,
    /// `text`: the text of the answer.
    pub text: Option<String>,
    /// `reasoning`: what the model thought before, where the API has a place for it.
    pub reasoning: Option<String>,
    /// `tokens`: instead of `text`, filler that counts as exactly so many tokens.
    pub fill_tokens: Option<u64>,
    /// `tool`: the answer calls a tool with these arguments (JSON, or what a test wants in its place).
    pub tool_arguments: Option<String>,
    /// `tool-name`: the tool that is called.
    pub tool_name: Option<String>,
    /// `delta`: characters in a delta of a stream; words without it.
    pub delta_chars: Option<usize>,
    /// `chunk`: the body goes out in writes of so many bytes, wherever these cut it.
    pub chunk_bytes: Option<usize>,
    /// `delay`: milliseconds between two writes of the body (between two events without `chunk`).
    pub delay_ms: u64,
    /// `delay-headers`: milliseconds before the headers.
    pub delay_headers_ms: u64,
    /// `abort`: the connection is closed (HTTP/2: the stream is reset) after so many bytes of the body.
    pub abort_after_bytes: Option<u64>,
    /// `drop`: the connection is closed without any answer.
    pub drop_connection: bool,
    /// `error-after`: the stream begins well and ends with the API's error event (that of `status`) after so many deltas.
    pub error_after_deltas: Option<usize>,
    /// `usage`: `off` leaves usage out of the answer.
    pub usage_off: bool,
    /// `prompt-tokens`: what usage says instead of what was counted.
    pub prompt_tokens: Option<u64>,
    /// `completion-tokens`: what usage says instead of what was counted.
    pub completion_tokens: Option<u64>,
    /// `cache-read-tokens`: part of the prompt that usage shows as read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// `cache-creation-tokens`: part of the prompt that usage shows as written to a cache (Anthropic).
    pub cache_creation_tokens: Option<u64>,
    /// `gzip`: the body is compressed and says so.
    pub gzip: bool,
    /// `malformed`: JSON in the answer is broken: the body's, or that of the middle event of a stream.
    pub malformed: bool,
    /// `line-end`: of server-sent events.
    pub line_end: LineEnd,
    /// `pings`: a comment (and a ping event, where the API has one) between any two events.
    pub pings: bool,
    /// `content-length`: `off` sends a JSON answer chunked.
    pub content_length_off: bool,
    /// `body`: these bytes instead of the API's answer; the request is not even parsed. Of the standing script also for paths of no API.
    pub body: Option<Bytes>,
    /// `header`, any number of times: `name: value`, replaces what the answer had; an empty value takes the header away.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// `trailer`, any number of times: `name: value` after the body. HTTP/1.1 clients get it if they sent `te: trailers`.
    pub trailers: Vec<(HeaderName, HeaderValue)>,
}

/// How lines of server-sent events end; the standard knows all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// `lf`
    #[default]
    Lf,
    /// `crlf`
    CrLf,
    /// `cr`
    Cr,
}

impl LineEnd {
    /// The bytes.
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnd::Lf => "\n",
            LineEnd::CrLf => "\r\n",
            LineEnd::Cr => "\r",
        }
    }
}

impl Script {
    /// Sets the option `name` to `value`. Fails on an unknown name and on a value it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        self.assign(name, value)
            .with_context(|| format!("stub option `{name}`"))
    }

    /// Adds the options of all `x-stub-*` headers. Fails as [`Script::set`] does.
    pub fn set_from_headers(&mut self, headers: &HeaderMap) -> anyhow::Result<()> {
        for (name, value) in headers {
            if let Some(option) = name.as_str().strip_prefix(HEADER_PREFIX) {
                let value =
                    String::from_utf8(percent_decode(value.as_bytes())).with_context(|| {
                        format!("stub option `{option}`: use base64: for what is no UTF-8")
                    })?;
                self.set(option, &value)?;
            }
        }
        Ok(())
    }

    /// A script from a JSON object of options: strings, numbers, `true`/`false`, arrays for what may
    /// stand repeatedly, and objects for what is JSON itself (`tool`, `body`).
    pub fn from_json(json: &Value) -> anyhow::Result<Script> {
        let mut script = Script::default();
        for (name, value) in json
            .as_object()
            .context("a script is a JSON object of options")?
        {
            let name = name.replace('_', "-");
            match value {
                Value::Array(values) => {
                    for value in values {
                        script.set(&name, &scalar(value)?)?;
                    }
                }
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Object(_) => {
                    script.set(&name, &scalar(value)?)?;
                }
            }
        }
        Ok(script)
    }

    fn assign(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        match name {
            "abort" => self.abort_after_bytes = Some(number(value)?),
            "body" => self.body = Some(octets(value)?.into()),
            "cache-creation-tokens" => self.cache_creation_tokens = Some(number(value)?),
            "cache-read-tokens" => self.cache_read_tokens = Some(number(value)?),
            "chunk" => self.chunk_bytes = Some(positive(value)?),
            "completion-tokens" => self.completion_tokens = Some(number(value)?),
            "content-length" => self.content_length_off = !switch(value)?,
            "delay" => self.delay_ms = at_most(value, DELAY_MS_MAX)?,
            "delay-headers" => self.delay_headers_ms = at_most(value, DELAY_MS_MAX)?,
            "delta" => self.delta_chars = Some(positive(value)?),
            "drop" => self.drop_connection = switch(value)?,
            "error" => self.error = Some(text(value)?),
            "error-after" => self.error_after_deltas = Some(number(value)?),
            "gzip" => self.gzip = switch(value)?,
            "header" => self.headers.push(field(value)?),
            "line-end" => self.line_end = line_end(value)?,
            "malformed" => self.malformed = switch(value)?,
            "pings" => self.pings = switch(value)?,
            "prompt-tokens" => self.prompt_tokens = Some(number(value)?),
            "reasoning" => self.reasoning = Some(text(value)?),
            "retry-after" => self.retry_after = Some(number(value)?),
            "status" => self.status = Some(status(value)?),
            "text" => self.text = Some(text(value)?),
            "tokens" => self.fill_tokens = Some(at_most(value, FILL_TOKENS_MAX)?),
            "tool" => self.tool_arguments = Some(text(value)?),
            "tool-name" => self.tool_name = Some(text(value)?),
            "trailer" => self.trailers.push(field(value)?),
            "usage" => self.usage_off = !switch(value)?,
            _ => bail!("no such option"),
        }
        Ok(())
    }

    /// The pause between two writes of the body.
    pub(crate) fn delay(&self) -> Option<Duration> {
        (self.delay_ms > 0).then(|| Duration::from_millis(self.delay_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn from_headers(pairs: &[(&'static str, &str)]) -> anyhow::Result<Script> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value)?);
        }
        let mut script = Script::default();
        script.set_from_headers(&headers)?;
        Ok(script)
    }

    #[test]
    fn headers_and_json_mean_the_same() {
        let headers = from_headers(&[
            ("x-stub-text", "100%25 sure%0A%"),
            ("x-stub-status", "429"),
            ("x-stub-usage", "off"),
            ("x-stub-header", "a: 1"),
            ("x-stub-header", "B:"),
            ("x-stub-chunk", "1"),
            ("x-other", "ignored"),
        ])
        .unwrap();
        let json = Script::from_json(&json!({
            "text": "100% sure\n%", "status": 429, "usage": false, "header": ["a: 1", "b: "], "chunk": 1,
        }))
        .unwrap();
        assert_eq!(headers, json);
        assert_eq!(json.text.as_deref(), Some("100% sure\n%"));
    }

    #[test]
    fn base64_carries_any_bytes() {
        let script = from_headers(&[
            ("x-stub-body", "base64:AP8="),
            ("x-stub-text", "base64:w6Q="),
        ])
        .unwrap();
        assert_eq!(script.body.as_deref(), Some(&[0, 255][..]));
        assert_eq!(script.text.as_deref(), Some("ä"));
    }

    #[test]
    fn mistakes_are_named() {
        for (name, value) in [
            ("x-stub-nonsense", "1"),
            ("x-stub-chunk", "0"),
            ("x-stub-status", "101"),
            ("x-stub-delay", "60001"),
            ("x-stub-text", "base64:!"),
            ("x-stub-header", "no colon"),
            ("x-stub-usage", "maybe"),
        ] {
            let error = format!("{:#}", from_headers(&[(name, value)]).unwrap_err());
            assert!(
                error.contains(name.trim_start_matches(HEADER_PREFIX)),
                "{error}"
            );
        }
        assert!(Script::from_json(&json!({"text": null})).is_err());
        assert!(Script::from_json(&json!([])).is_err());
    }

    #[test]
    fn the_readme_names_options_that_exist() {
        let readme = include_str!("../../README.md");
        let table = readme
            .split("## Options")
            .nth(1)
            .unwrap()
            .split("## ")
            .next()
            .unwrap();
        let cells = table
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let names: Vec<&str> = cells
            .flat_map(|cell| cell.split(", "))
            .map(|name| name.trim_matches('`'))
            .collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            let known = match Script::default().set(name, "?") {
                Ok(()) => true,
                Err(error) => !format!("{error:#}").contains("no such option"),
            };
            assert!(known, "{name}");
        }
    }
}
