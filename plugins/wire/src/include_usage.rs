//! Asking for the usage of a stream, in the name of a client that did not: `stream_options.include_usage` of OpenAI's chat completions,
//! <https://platform.openai.com/docs/api-reference/chat/create>. Without it the provider does not say what a stream cost.

use crate::document::Value;
use crate::formats::Meaning;
use crate::json::{Raw, Token, Trie, Walker};
use crate::places::Ground;
use portcullis_policy::{Endpoint, Role};
use std::ops::Range;

/// Whether an API's streams tell their usage only when they are asked to.
pub(crate) const fn must_be_asked(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::OpenAiChat)
}

/// What a request says about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stated {
    /// Nothing.
    #[default]
    Absent,
    /// There are options, or there is `null` in their place; they do not ask.
    Options,
    /// It asks.
    Asked,
    /// What no provider understands: it is left for the provider to refuse.
    Odd,
}

impl Stated {
    /// Takes note of a value of the request.
    pub(crate) const fn note(&mut self, meaning: Meaning, value: Value<'_>) {
        *self = match (meaning, value) {
            (Meaning::StreamOptions, Value::Null | Value::Open { object: true }) => Self::Options,
            (Meaning::StreamOptions, Value::Close { object: true })
            | (Meaning::IncludeUsage, Value::Null | Value::Bool(false)) => return,
            (Meaning::IncludeUsage, Value::Bool(true)) => Self::Asked,
            _ => Self::Odd,
        };
    }
}

/// Bytes of a body, outside of its strings, and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    pub range: Range<usize>,
    pub text: &'static str,
}

impl Patch {
    /// Appends a range of the body. The patch is carried out when it lies in it.
    pub(crate) fn copy(patch: Option<&Self>, body: &str, range: Range<usize>, out: &mut Vec<u8>) {
        let mut from = range.start;
        let here = patch.filter(|patch| from <= patch.range.start && patch.range.end <= range.end);
        if let Some(Self { range, text }) = here {
            out.extend_from_slice(body.get(from..range.start).unwrap_or_default().as_bytes());
            out.extend_from_slice(text.as_bytes());
            from = range.end;
        }
        out.extend_from_slice(body.get(from..range.end).unwrap_or_default().as_bytes());
    }
}

/// What makes a complete body ask; `None` when it does, or cannot.
pub(crate) fn patch(body: &str, stated: Stated, table: &Trie<Meaning>) -> Option<Patch> {
    match stated {
        Stated::Asked | Stated::Odd => None,
        Stated::Absent => {
            // The document is an object with at least a model.
            let at = body.find('{')? + 1;
            let text = r#""stream_options":{"include_usage":true},"#;
            Some(Patch {
                range: at..at,
                text,
            })
        }
        Stated::Options => complete(body, table),
    }
}

/// Completes options that are there. They are rare, so the body is read once more to find them.
fn complete(body: &str, table: &Trie<Meaning>) -> Option<Patch> {
    let mut walker = Walker::new(Ground::of(Role::Unknown));
    let (mut options, mut flag) = (None, None);
    while let Ok(Some(step)) = walker.step(table, body, true) {
        if let Token::Key(raw) = step.token {
            match table.meaning(step.node) {
                Some(Meaning::StreamOptions) => options = value_of(body, raw),
                Some(Meaning::IncludeUsage) => flag = value_of(body, raw),
                _ => {}
            }
        }
    }
    let word = |at: usize, word: &str, text| {
        let range = at..at + word.len();
        (body.get(range.clone()) == Some(word)).then_some(Patch { range, text })
    };
    if let Some(at) = flag {
        return word(at, "false", "true").or_else(|| word(at, "null", "true"));
    }
    let at = options?;
    if let Some(patch) = word(at, "null", r#"{"include_usage":true}"#) {
        return Some(patch);
    }
    let inside = body.get(at..)?.strip_prefix('{')?;
    let empty = inside.trim_start_matches(WHITE_SPACE).starts_with('}');
    let text = if empty {
        r#""include_usage":true"#
    } else {
        r#""include_usage":true,"#
    };
    Some(Patch {
        range: at + 1..at + 1,
        text,
    })
}

const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Where the value of a key begins.
fn value_of(body: &str, key: Raw<'_>) -> Option<usize> {
    let behind = body.get(key.at + key.text.len()..)?;
    let colon = behind.strip_prefix('"')?.trim_start_matches(WHITE_SPACE);
    let value = colon.strip_prefix(':')?.trim_start_matches(WHITE_SPACE);
    Some(body.len() - value.len())
}
