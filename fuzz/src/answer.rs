//! A streamed answer of several texts that come interleaved, written and read the slow way.

use portcullis_policy::Endpoint;
use serde_json::{Value, json};

/// Most texts of an answer: of each kind that is told apart.
pub const CHANNELS_MAX: usize = 4;

/// A stream.
#[derive(Debug)]
pub struct Answer {
    endpoint: Endpoint,
    bytes: String,
}

impl Answer {
    /// Of the deltas of up to [`CHANNELS_MAX`] texts, in turns; with `escaped`, what is not ASCII is written in escapes.
    #[must_use]
    pub fn new(endpoint: Endpoint, texts: &[Vec<&str>], escaped: bool) -> Self {
        let mut answer = Self {
            endpoint,
            bytes: String::new(),
        };
        let longest = texts.iter().map(Vec::len).max().unwrap_or_default();
        for turn in 0..longest {
            for (channel, deltas) in texts.iter().enumerate() {
                if let Some(delta) = deltas.get(turn) {
                    answer.event(delta_event(endpoint, channel, delta), escaped);
                }
            }
        }
        if endpoint == Endpoint::OpenAiResponses {
            for (channel, deltas) in texts.iter().enumerate() {
                let (kind, key) = TEXTS[channel];
                let mut done = of_channel(&format!("response.{kind}.done"), channel);
                done[key] = deltas.concat().into();
                answer.event(done, escaped);
            }
            let item = |channel: usize| {
                let text = texts.get(channel).map(|deltas| deltas.concat());
                let part = json!({ "type": "output_text", "text": text });
                match channel {
                    3 => json!({ "type": "function_call", "arguments": text }),
                    2 => json!({ "type": "reasoning", "summary": [part] }),
                    _ => json!({ "type": "message", "content": [part] }),
                }
            };
            let output: Vec<Value> = (0..texts.len()).map(item).collect();
            let response = json!({ "output": output, "usage": { "output_tokens": 1 } });
            let completed = json!({ "type": "response.completed", "sequence_number": 9, "response": response });
            answer.event(completed, !escaped);
        } else if endpoint == Endpoint::AnthropicMessages {
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
        if self.endpoint != Endpoint::OpenAiChat {
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
                let delta = delta_of(self.endpoint, channel, &event);
                text.push_str(delta.unwrap_or_default());
            }
        }
        texts
    }

    /// What an answer of its kind says once more, and of which text.
    #[must_use]
    pub fn read_again(&self, stream: &str) -> Vec<(usize, String)> {
        let mut again = Vec::new();
        let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
        let events = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        for event in events.filter(|_| self.endpoint == Endpoint::OpenAiResponses) {
            for channel in 0..CHANNELS_MAX {
                let (kind, key) = TEXTS[channel];
                let is_done = event["type"] == format!("response.{kind}.done")
                    && of_channel("", channel)["content_index"] == event["content_index"];
                let item = &event["response"]["output"][channel];
                let places = [
                    event.get(key).filter(|_| is_done),
                    item.get("arguments"),
                    item.pointer("/content/0/text"),
                    item.pointer("/summary/0/text"),
                ];
                let said = places.into_iter().flatten().filter_map(Value::as_str);
                again.extend(said.map(|text| (channel, text.to_owned())));
            }
        }
        again
    }
}

/// Blocks of Anthropic's: text, thinking, two tools' arguments; of OpenAI's: two choices' contents, two tools' arguments.
const DELTAS: [&str; CHANNELS_MAX] = ["text", "thinking", "partial_json", "partial_json"];

/// Texts of a response: two parts of a message, a thought, a tool's arguments; the kind of their events, and the key of all of it.
const TEXTS: [(&str, &str); CHANNELS_MAX] = [
    ("output_text", "text"),
    ("output_text", "text"),
    ("reasoning_summary_text", "text"),
    ("function_call_arguments", "arguments"),
];

/// An event about one of them.
fn of_channel(kind: &str, channel: usize) -> Value {
    match channel {
        0 | 1 => {
            json!({ "type": kind, "sequence_number": 7, "output_index": 0, "content_index": channel })
        }
        2 => json!({ "type": kind, "sequence_number": 8, "output_index": 1, "summary_index": 0 }),
        _ => json!({ "type": kind, "sequence_number": 10, "output_index": 2 }),
    }
}

fn delta_event(endpoint: Endpoint, channel: usize, delta: &str) -> Value {
    if endpoint == Endpoint::OpenAiResponses {
        let mut event = of_channel(&format!("response.{}.delta", TEXTS[channel].0), channel);
        event["delta"] = delta.into();
        return event;
    }
    if endpoint == Endpoint::AnthropicMessages {
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

fn delta_of(endpoint: Endpoint, channel: usize, event: &Value) -> Option<&str> {
    if endpoint == Endpoint::OpenAiResponses {
        let own = of_channel(&format!("response.{}.delta", TEXTS[channel].0), channel);
        let same = ["type", "output_index", "content_index", "summary_index"]
            .iter()
            .all(|key| own.get(*key) == event.get(*key));
        return same.then(|| event["delta"].as_str()).flatten();
    }
    if endpoint == Endpoint::AnthropicMessages {
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
