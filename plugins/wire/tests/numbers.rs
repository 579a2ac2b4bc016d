//! Numbers are texts where somebody wants them, whatever is around them and wherever a body is cut; one that goes becomes a string.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use portcullis_policy::Endpoint;
use portcullis_wire::{BodyKind, RequestReader, ResponseReader};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{MARK, Sink};

/// Digits of which the rest of a number goes, too.
const NEEDLE: &str = "417";

/// Fewest digits of a number that is a text.
const FROM: usize = 4;

/// A number as it may be written, and its digits where they are a text.
fn number() -> impl Strategy<Value = String> {
    let digits = "0|[1-9][0-9]{0,20}|[1-9][0-9]{0,4}417[0-9]{0,4}";
    ("-?", digits, r"|\.[0-9]{1,9}", "|[eE][-+]?[0-9]{1,2}")
        .prop_map(|(sign, digits, fraction, exponent)| sign + &digits + &fraction + &exponent)
}

fn digits(number: &str) -> String {
    let number = number.trim_start_matches('-').to_ascii_lowercase();
    let (written, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let (before, behind) = written.split_once('.').unwrap_or((written, ""));
    let exponent: i32 = exponent.trim_start_matches('+').parse().unwrap();
    let Ok(exponent) = usize::try_from(exponent) else {
        return before.to_owned();
    };
    if exponent == 0 || exponent + before.len() > 64 {
        return before.to_owned();
    }
    let moved: String = behind
        .chars()
        .chain("0".repeat(exponent).chars())
        .take(exponent)
        .collect();
    (before.to_owned() + &moved)
        .trim_start_matches('0')
        .to_owned()
}

/// What the value of an edited number is.
fn expected(number: &str) -> Value {
    let digits = digits(number);
    if digits.len() >= FROM && digits.contains(NEEDLE) {
        Value::from(MARK)
    } else {
        value(number.as_bytes())
    }
}

fn sink() -> Sink {
    Sink {
        numbers_from: Some(FROM),
        ..Sink::redacting(&[NEEDLE])
    }
}

fn value(out: &[u8]) -> Value {
    serde_json::from_slice(out).unwrap()
}

proptest! {
    #[test]
    fn numbers_of_a_body(
        numbers in prop::collection::vec((number(), "|  |\n"), 1..40),
        sizes in prop::collection::vec(1usize..30, 1..6),
        response in any::<bool>(),
    ) {
        let members = (0..).zip(&numbers).map(|(index, (number, space))| format!("{space}\"k{index}\"{space}:{space}{number}{space}"));
        let body = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        let mut sink = sink();
        let out = if response {
            let mut reader = ResponseReader::new(Endpoint::Public, 200, BodyKind::Json, 1 << 20, true);
            support::response(&mut reader, body.as_bytes(), &sizes, &mut sink).unwrap()
        } else {
            let reader = RequestReader::new(Endpoint::Public, 1 << 20);
            support::request(reader, body.as_bytes(), &sizes, &mut sink).unwrap().1
        };
        let texts: Vec<_> = sink.texts().into_iter().filter(|text| !text.starts_with('k')).map(str::to_owned).collect();
        let long = numbers.iter().map(|(number, _)| digits(number)).filter(|digits| digits.len() >= FROM);
        prop_assert_eq!(texts, long.collect::<Vec<_>>());
        let out = value(&out);
        for (index, (number, _)) in (0..).zip(&numbers) {
            prop_assert_eq!(&out[&format!("k{index}")], &expected(number), "{}", number);
        }
        if sink.matches == 0 {
            prop_assert_eq!(out, value(body.as_bytes()));
        }
    }

    /// Events that differ in a number are read each, and those that do not as if each was.
    #[test]
    fn numbers_of_a_stream(
        numbers in prop::collection::vec(prop_oneof![number(), Just("54170".to_owned()), Just("99999".to_owned())], 1..12),
        sizes in prop::collection::vec(1usize..60, 1..6),
    ) {
        let event = |number: &String| format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"tool_use\",\"input\":{{\"a\":{number},\"b\":[{number}]}}}}}}\n\n"
        );
        let body: String = numbers.iter().map(event).collect();
        let mut reader = ResponseReader::new(Endpoint::AnthropicMessages, 200, BodyKind::EventStream, 0, true);
        let out = support::response(&mut reader, body.as_bytes(), &sizes, &mut sink()).unwrap();
        let out = String::from_utf8(out).unwrap();
        let data: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        prop_assert_eq!(data.len(), numbers.len());
        for (data, number) in data.iter().zip(&numbers) {
            let event = value(data.as_bytes());
            let input = &event["content_block"]["input"];
            for value in [&input["a"], &input["b"][0]] {
                prop_assert_eq!(value, &expected(number), "{}", number);
            }
        }
    }

    /// In the arguments of a tool that is called in a stream, a number may be cut at every digit.
    #[test]
    fn numbers_of_streamed_arguments(
        numbers in prop::collection::vec("[1-9][0-9]{0,12}|41[0-9]{1,3}", 1..8),
        sizes in prop::collection::vec(1usize..5, 1..6),
    ) {
        let arguments = format!("{{\"a\": [{}]}}", numbers.join(", "));
        let deltas = support::cut(arguments.as_bytes(), &sizes);
        let event = |delta: &[u8]| {
            let delta = json!({"type": "input_json_delta", "partial_json": std::str::from_utf8(delta).unwrap()});
            format!("data: {}\n\n", json!({"type": "content_block_delta", "index": 0, "delta": delta}))
        };
        let body: String = deltas.into_iter().map(event).collect();
        let mut reader = ResponseReader::new(Endpoint::AnthropicMessages, 200, BodyKind::EventStream, 0, true);
        let out = support::response(&mut reader, body.as_bytes(), &[7], &mut sink()).unwrap();
        let out = String::from_utf8(out).unwrap();
        let data = out.lines().filter_map(|line| line.strip_prefix("data: "));
        let arguments: String = data
            .map(|data| serde_json::from_str::<Value>(data).unwrap()["delta"]["partial_json"].as_str().unwrap().to_owned())
            .collect();
        let arguments: Value = serde_json::from_str(&arguments).unwrap();
        for (value, number) in arguments["a"].as_array().unwrap().iter().zip(&numbers) {
            prop_assert_eq!(value.is_string(), number.contains(NEEDLE), "{} became {}", number, value);
        }
    }
}

#[test]
fn numbers_of_the_api_are_none() {
    let body = json!({
        "model": "m", "messages": [{"role": "user", "content": 12_345}], "max_tokens": 20_000, "max_completion_tokens": 30_000, "seed": 417_417, "top_p": 1e9,
        "temperature": 40_000, "presence_penalty": 50_000, "frequency_penalty": 60_000, "logit_bias": {"1": 70_000}, "other": 80_000,
    });
    let mut sink = sink();
    let body = body.to_string();
    let reader = RequestReader::new(Endpoint::OpenAiChat, 1 << 20);
    support::request(reader, body.as_bytes(), &[9], &mut sink).unwrap();
    assert_eq!(sink.sorted(), ["1", "12345", "80000", "m", "other", "user"]);
    let body = json!({
        "id": "m", "content": [{"type": "tool_use", "input": {"n": 12_345}}],
        "usage": {"input_tokens": 20_000, "cache_creation": {"ephemeral_5m_input_tokens": 30_000}},
    });
    let mut sink = self::sink();
    let body = body.to_string();
    let mut reader = ResponseReader::new(
        Endpoint::AnthropicMessages,
        200,
        BodyKind::Json,
        1 << 20,
        true,
    );
    support::response(&mut reader, body.as_bytes(), &[9], &mut sink).unwrap();
    assert!(
        sink.texts().contains(&"12345") && !sink.texts().iter().any(|text| text.ends_with("0000"))
    );
}
