//! The stub's token rule: one token for every four bytes of UTF-8 text, rounded up once per counted text.
//!
//! A prompt is one text: all its strings together. An answer is one text per choice. The rule is no model's, but it is
//! the same everywhere, so a test can work out what `usage` and an audit record have to say.

use serde_json::Value;

/// What one token stands for.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Keys whose strings are not text: names of the protocol, identifiers, and binary data in base64.
const NOT_TEXT: &[&str] = &[
    "cache_control",
    "data",
    "id",
    "media_type",
    "role",
    "signature",
    "tool_call_id",
    "tool_use_id",
    "type",
    "url",
];

/// Tokens of a text of `bytes` bytes.
pub fn of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// Tokens of a text.
pub fn of_text(text: &str) -> u64 {
    of_bytes(text.len() as u64)
}

/// Tokens of a prompt: every string value inside the `fields` of the request, except under keys that hold no text
/// (`role`, `type`, `id`, `tool_call_id`, `tool_use_id`, `cache_control`, `media_type`, `signature`, `data`, `url`).
pub fn of_prompt(request: &Value, fields: &[&str]) -> u64 {
    of_bytes(
        fields
            .iter()
            .filter_map(|field| request.get(field))
            .map(text_bytes)
            .sum(),
    )
}

fn text_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !NOT_TEXT.contains(&key.as_str()))
            .map(|(_, value)| text_bytes(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_prompt_is_all_its_text_and_nothing_else() {
        let request = json!({
            "model": "ignored", "system": "12345678",
            "messages": [
                {"role": "user", "content": "1234"},
                {"role": "user", "content": [
                    {"type": "text", "text": "12"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ]},
            ],
        });
        assert_eq!(of_prompt(&request, &["messages", "system", "absent"]), 4);
    }

    #[test]
    fn tokens_are_rounded_up() {
        assert_eq!([0, 1, 4, 5].map(of_bytes), [0, 1, 1, 2]);
        assert_eq!(of_text("äöü"), 2);
    }
}
