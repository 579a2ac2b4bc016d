//! Values of options, as they are written in headers and in JSON.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::LineEnd;

pub(super) fn scalar(value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Object(_) => value.to_string(),
        Value::Null | Value::Array(_) => {
            bail!("an option is a string, a number, true, false or an object, found {value}")
        }
    })
}

pub(super) fn number<N: FromStr>(value: &str) -> anyhow::Result<N> {
    value
        .trim()
        .parse()
        .ok()
        .with_context(|| format!("expected a whole number, found {value:?}"))
}

pub(super) fn positive(value: &str) -> anyhow::Result<usize> {
    number(value)
        .ok()
        .filter(|&n| n > 0)
        .with_context(|| format!("expected a positive number, found {value:?}"))
}

pub(super) fn at_most(value: &str, max: u64) -> anyhow::Result<u64> {
    number(value)
        .ok()
        .filter(|&n| n <= max)
        .with_context(|| format!("expected 0 to {max}, found {value:?}"))
}

pub(super) fn status(value: &str) -> anyhow::Result<u16> {
    number(value)
        .ok()
        .filter(|code| (200..=599).contains(code))
        .with_context(|| format!("expected 200 to 599, found {value:?}"))
}

pub(super) fn switch(value: &str) -> anyhow::Result<bool> {
    match value.trim() {
        "on" | "1" | "true" => Ok(true),
        "off" | "0" | "false" => Ok(false),
        other => bail!("expected on or off, found {other:?}"),
    }
}

pub(super) fn line_end(value: &str) -> anyhow::Result<LineEnd> {
    match value.trim() {
        "lf" => Ok(LineEnd::Lf),
        "crlf" => Ok(LineEnd::CrLf),
        "cr" => Ok(LineEnd::Cr),
        other => bail!("expected lf, crlf or cr, found {other:?}"),
    }
}

pub(super) fn field(value: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = value
        .split_once(':')
        .with_context(|| format!("expected `name: value`, found {value:?}"))?;
    Ok((
        HeaderName::from_bytes(name.trim().to_ascii_lowercase().as_bytes())?,
        HeaderValue::from_bytes(value.trim().as_bytes())?,
    ))
}

pub(super) fn octets(value: &str) -> anyhow::Result<Vec<u8>> {
    match value.strip_prefix("base64:") {
        Some(encoded) => BASE64.decode(encoded.trim()).context("the base64 is wrong"),
        None => Ok(value.as_bytes().to_vec()),
    }
}

pub(super) fn text(value: &str) -> anyhow::Result<String> {
    String::from_utf8(octets(value)?).context("the text is no UTF-8")
}

/// Decodes `%XX`; a `%` that no two hex digits follow stands for itself.
pub(super) fn percent_decode(value: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| {
        byte.and_then(|&b| char::from(b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        match (byte, hex(value.get(at + 1)), hex(value.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}
