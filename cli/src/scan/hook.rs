//! As a hook of a coding assistant (<https://code.claude.com/docs/en/hooks>): the assistant writes a JSON object to standard input and waits.
//!
//! `UserPromptSubmit` has the prompt in `prompt`, `PreToolUse` the tool's input in `tool_input`. Exit code 2 stops it, and what then stands on
//! standard error is shown to the user or the model; any other code but 0 is only reported. So a finding ends with 2 here, and so does a hook
//! that cannot do its work: what nobody looked at does not pass.
//!
//! A tool that is about to read a file (`tool_input.file_path`) will show the model what is in it, so that file is scanned as well.

use super::input::{self, Input};
use super::{Finding, Preflight};
use crate::Outcome;
use anyhow::{Context as _, Result, bail};
use portcullis_policy::Action;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;

/// Fields of a hook's call that hold what the user or the model wrote. Without any of them all of the call is scanned.
const FIELDS: [&str; 3] = ["prompt", "tool_input", "tool_response"];

/// Reads the call and judges it.
///
/// # Errors
/// A finding is one here, so that the exit code is the one that stops the assistant.
pub(super) fn run(
    preflight: impl FnOnce() -> Result<Preflight>,
    no_flags: bool,
) -> Result<Outcome> {
    let mut call = Vec::new();
    std::io::stdin()
        .read_to_end(&mut call)
        .context("cannot read the hook's call")?;
    let call: Value = serde_json::from_slice(&call).context("the hook's call is no JSON")?;
    let mut preflight = preflight()?;
    let mut names = BTreeSet::new();
    let mut texts: Vec<Vec<u8>> = FIELDS
        .iter()
        .filter_map(|field| call.get(field))
        .map(text)
        .collect();
    if texts.is_empty() {
        texts.push(text(&call));
    }
    texts.extend(file_to_read(&call)?);
    for text in texts {
        let counted = |finding: &Finding| !no_flags || finding.action != Action::Flag;
        let findings = preflight.scan(&text);
        names.extend(
            findings
                .into_iter()
                .filter(counted)
                .map(|finding| finding.detector.map_or(finding.rule, str::to_owned)),
        );
    }
    if names.is_empty() {
        return Ok(Outcome::Clean);
    }
    let names: Vec<_> = names.into_iter().collect();
    bail!(
        "stopped: this holds what must not leave ({}). Take it out and try again.",
        names.join(", ")
    )
}

/// A string as it is, anything else as JSON.
fn text(value: &Value) -> Vec<u8> {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string()).into_bytes()
}

/// What is in the file that a tool is about to read; nothing where there is no such file, which the tool finds out itself.
///
/// # Errors
/// When there is one that cannot be scanned.
fn file_to_read(call: &Value) -> Result<Option<Vec<u8>>> {
    let is_read = call.get("tool_name").and_then(Value::as_str) == Some("Read")
        && call.get("hook_event_name").and_then(Value::as_str) == Some("PreToolUse");
    let path = call
        .pointer("/tool_input/file_path")
        .and_then(Value::as_str);
    let Some(path) = path.filter(|_| is_read).map(PathBuf::from) else {
        return Ok(None);
    };
    if !path.is_file() {
        return Ok(None);
    }
    for source in input::all(std::slice::from_ref(&path))? {
        match source.read() {
            Input::Text(bytes) => return Ok(Some(bytes)),
            Input::Binary => {}
            Input::Unreadable(why) => bail!("stopped: {} cannot be scanned: {why}", path.display()),
        }
    }
    Ok(None)
}
