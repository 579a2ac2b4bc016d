//! Documents within strings of documents: what is left of one in which the needle was replaced, told the slow way.

use serde_json::Value;

use crate::sink::{MARK, NEEDLE};

/// How deep documents within documents are read.
const DEPTH_MAX: usize = 4;

/// What a document becomes when the needle is replaced in every string of it, in strings that are documents themselves one level further
/// in. `None` where nothing is promised: what is no document, or is nested too deep.
#[must_use]
pub fn replaced(text: &str) -> Option<Value> {
    let value = document(text)?;
    value_replaced(value, 1)
}

/// Whether a text begins like a document.
#[must_use]
pub fn begins(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with(['{', '['])
}

fn document(text: &str) -> Option<Value> {
    begins(text)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

fn value_replaced(value: Value, depth: usize) -> Option<Value> {
    Some(match value {
        Value::String(text) if begins(&text) => {
            if depth >= DEPTH_MAX {
                return None;
            }
            let inner = value_replaced(document(&text)?, depth + 1)?;
            Value::Array(vec![Value::from("a document within"), inner])
        }
        Value::String(text) => Value::String(text.replace(NEEDLE, MARK)),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| value_replaced(item, depth));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let plain = !begins(&key);
                plain.then(|| Some((key.replace(NEEDLE, MARK), value_replaced(value, depth)?)))?
            });
            Value::Object(fields.collect::<Option<_>>()?)
        }
        other => other,
    })
}
