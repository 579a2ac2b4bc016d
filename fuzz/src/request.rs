//! Request bodies: however cut they are the same; what is let through is JSON for `serde_json`, too, and every string and every number of it was seen.
//!
//! Input: choices, then the body.

use portcullis_policy::{Endpoint, Refusal, RequestMeaning};
use portcullis_wire::RequestReader;
use serde_json::Value;

use crate::input::{Input, pieces};
use crate::sink::{NEEDLE, NUMBERS_FROM, Redact};

/// Panics when cuts matter, a bad body passes, or a string was not seen.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let endpoint = match input.byte() % 5 {
        0 => Endpoint::OpenAiChat,
        1 => Endpoint::AnthropicMessages,
        2 => Endpoint::AnthropicCountTokens,
        3 => Endpoint::OpenAiResponses,
        _ => Endpoint::OpenAiEmbeddings,
    };
    let sizes = input.sizes();
    let body = input.rest();
    let whole = read(endpoint, &[body]);
    assert_eq!(whole, read(endpoint, &pieces(body, &sizes)), "cuts matter");
    assert_eq!(whole, read(endpoint, &pieces(body, &[1])), "cuts matter");
    let (Ok((_, edited)), sink) = whole else {
        return;
    };
    let out = edited.as_deref().unwrap_or(body);
    // Numbers beyond 64 bits and surrogates without a partner are JSON for RFC 8259 and not for `serde_json`.
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let mut numbers = Vec::new();
        collect_numbers(&value, &mut numbers);
        for number in numbers {
            let seen = sink.texts.values().any(|(text, _)| *text == number);
            assert!(seen, "{number} was not given");
        }
        let mut strings = Vec::new();
        collect(&value, &mut strings);
        for string in strings.iter().filter(|string| !string.is_empty()) {
            let seen = sink.texts.values().any(|(text, _)| text == *string);
            assert!(seen, "{string:?} was not given");
        }
        let after = serde_json::from_slice::<Value>(out).expect("an edited body is still JSON");
        let mut strings = Vec::new();
        collect(&after, &mut strings);
        let leaks = |string: &&&String| string.contains(NEEDLE);
        assert_eq!(strings.iter().find(leaks), None, "a needle was left");
    } else {
        serde_json::from_slice::<Box<serde_json::value::RawValue>>(body).expect("JSON");
    }
}

type Read = (Result<(RequestMeaning, Option<Vec<u8>>), Refusal>, Redact);

fn read(endpoint: Endpoint, pieces: &[&[u8]]) -> Read {
    let mut sink = Redact::default();
    let mut reader = RequestReader::new(endpoint, 1 << 20);
    let pushed = pieces
        .iter()
        .try_for_each(|piece| reader.push(piece, &mut sink));
    let meaning = pushed.and_then(|()| reader.finish(&mut sink));
    (meaning.map(|meaning| (meaning, reader.edited())), sink)
}

/// Keys of the APIs below which numbers are their own, wherever such a key stands.
const SETTINGS: [&str; 27] = [
    "max_tokens",
    "max_output_tokens",
    "max_tool_calls",
    "dimensions",
    "max_completion_tokens",
    "seed",
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "budget_tokens",
    "n",
    // Limits of a schema.
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
];

fn collect_numbers(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Number(number) => {
            let digits = number
                .as_i64()
                .map(|number| number.unsigned_abs().to_string());
            into.extend(digits.filter(|digits| digits.len() >= NUMBERS_FROM));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_numbers(item, into)),
        Value::Object(map) => {
            let others = map
                .iter()
                .filter(|(key, _)| !SETTINGS.contains(&key.as_str()));
            others.for_each(|(_, item)| collect_numbers(item, into));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn collect<'a>(value: &'a Value, into: &mut Vec<&'a String>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(map) => map.values().for_each(|item| collect(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
