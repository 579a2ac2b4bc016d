//! A streamed answer of several texts that come interleaved, written and read the slow way.

use portcullis_policy::Endpoint;
use serde_json::{Value, json};

/// Most texts of an answer: of each kind that is told apart.
pub const CHANNELS_MAX: usize = 4;

/// A stream.
#[derive(Debug)]
pub struct Answer {
    anthropic: bool,
    bytes: String,
}

impl Answer {
    /// Of the deltas of up to [`CHANNELS_MAX`] texts, in turns; with `escaped`, what is not ASCII is written in escapes.
    #[must_use]
    pub fn new(endpoint: Endpoint, texts: &[Vec<&str>], escaped: bool) -> Self {
        let anthropic = endpoint != Endpoint::OpenAiChat;
        let mut answer = Self {
            anthropic,
            bytes: String::new(),
        };
        let longest = texts.iter().map(Vec::len).max().unwrap_or_default();
        for turn in 0..longest {
            for (channel, deltas) in texts.iter().enumerate() {
                if let Some(delta) = deltas.get(turn) {
                    answer.event(delta_event(anthropic, channel, delta), escaped);
                }
            }
        }
        if anthropic {
            for index in 0..texts.len() {
                answer.event(
                    json!({ "type": "content_block_stop", "index": index }),
                    false,
                );
            }
            answer.event(json!({ "type": "message_stop" }), false);
        } else {
            for index in 0..2 {
                let choice = json!({ "index": index, "delta": {}, "finish_reason": "stop" });
                answer.event(json!({ "choices": [choice] }), false);
            }
            answer.bytes.push_str("data: [DONE]\n\n");
        }
        answer
    }

    /// As it is sent.
    #[must_use]
    pub fn bytes(&self) -> &str {
        &self.bytes
    }

    fn event(&mut self, event: Value, escaped: bool) {
        if self.anthropic {
            let kind = event["type"].as_str().unwrap_or_default();
            self.bytes.push_str(&format!("event: {kind}\n"));
        }
        self.bytes.push_str("data: ");
        for letter in event.to_string().chars() {
            if letter.is_ascii() || !escaped {
                self.bytes.push(letter);
                continue;
            }
            for unit in letter.encode_utf16(&mut [0; 2]) {
                self.bytes.push_str(&format!("\\u{unit:04x}"));
            }
        }
        self.bytes.push_str("\n\n");
    }

    /// The texts of an answer of its kind.
    #[must_use]
    pub fn read(&self, stream: &str) -> [String; CHANNELS_MAX] {
        let mut texts = [const { String::new() }; CHANNELS_MAX];
        for line in stream.lines() {
            let data = line.strip_prefix("data: ").unwrap_or_default();
            let Ok(event) = serde_json::from_str::<Value>(data) else {
                continue;
            };
            for (channel, text) in texts.iter_mut().enumerate() {
                let delta = delta_of(self.anthropic, channel, &event);
                text.push_str(delta.unwrap_or_default());
            }
        }
        texts
    }
}

/// Blocks of Anthropic's: text, thinking, two tools' arguments; of OpenAI's: two choices' contents, two tools' arguments.
const DELTAS: [&str; CHANNELS_MAX] = ["text", "thinking", "partial_json", "partial_json"];

fn delta_event(anthropic: bool, channel: usize, delta: &str) -> Value {
    if anthropic {
        let kind = DELTAS[channel];
        let of = if kind == "partial_json" {
            "input_json"
        } else {
            kind
        };
        let delta = json!({ "type": format!("{of}_delta"), kind: delta });
        return json!({ "type": "content_block_delta", "index": channel, "delta": delta });
    }
    let (index, delta) = match channel {
        0 | 1 => (channel, json!({ "content": delta })),
        _ => {
            let call = json!({ "index": channel - 2, "function": { "arguments": delta } });
            (0, json!({ "tool_calls": [call] }))
        }
    };
    json!({ "choices": [{ "index": index, "delta": delta, "finish_reason": null }] })
}

fn delta_of(anthropic: bool, channel: usize, event: &Value) -> Option<&str> {
    if anthropic {
        let same = event["index"].as_u64() == Some(channel as u64);
        return same
            .then(|| event["delta"][DELTAS[channel]].as_str())
            .flatten();
    }
    let choice = &event["choices"][0];
    let delta = &choice["delta"];
    match channel {
        0 | 1 => {
            let same = choice["index"].as_u64() == Some(channel as u64);
            same.then(|| delta["content"].as_str()).flatten()
        }
        _ => {
            let call = &delta["tool_calls"][0];
            let same = call["index"].as_u64() == Some(channel as u64 - 2);
            same.then(|| call["function"]["arguments"].as_str())
                .flatten()
        }
    }
}
