//! The ordinary answers of the APIs, whole and streamed, and reading a stream's text back.

use serde_json::{Value, json};

use crate::case::Api;

/// What an ordinary answer says.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The text in the pieces of a stream.
    pub deltas: Vec<String>,
    /// Tokens of prompt and completion; `None` for an answer that does not tell.
    pub usage: Option<(u64, u64)>,
    /// The model that answers.
    pub model: String,
}

/// The answer as one JSON document.
pub fn document(api: Api, answer: &Answer) -> Value {
    let text = answer.deltas.concat();
    let mut document = match api {
        Api::Openai => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": answer.model,
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        }),
        Api::Responses => response(answer, "completed", json!([message(&text, "completed")])),
        Api::Anthropic => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": answer.model,
            "content": [{ "type": "text", "text": text }], "stop_reason": "end_turn", "stop_sequence": null,
        }),
    };
    if let Some(usage) = answer.usage {
        document["usage"] = spelled(api, usage);
    }
    document
}

/// The answer as the events of a stream.
pub fn events(api: Api, answer: &Answer, include_usage: bool) -> Vec<u8> {
    match api {
        Api::Openai => openai_events(answer, include_usage),
        Api::Responses => responses_events(answer),
        Api::Anthropic => anthropic_events(answer),
    }
    .into_bytes()
}

fn spelled(api: Api, (input, output): (u64, u64)) -> Value {
    match api {
        Api::Openai => {
            json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output })
        }
        Api::Responses => {
            json!({ "input_tokens": input, "output_tokens": output, "total_tokens": input + output })
        }
        Api::Anthropic => json!({ "input_tokens": input, "output_tokens": output }),
    }
}

fn openai_events(answer: &Answer, include_usage: bool) -> String {
    let chunk = |choices: Value| json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": answer.model, "choices": choices });
    let delta = |delta: Value, reason: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "finish_reason": reason }]))
    };
    let mut events = vec![delta(
        json!({ "role": "assistant", "content": "" }),
        Value::Null,
    )];
    for text in &answer.deltas {
        events.push(delta(json!({ "content": text }), Value::Null));
    }
    events.push(delta(json!({}), json!("stop")));
    if let (Some(usage), true) = (answer.usage, include_usage) {
        let mut last = chunk(json!([]));
        last["usage"] = spelled(Api::Openai, usage);
        events.push(last);
    }
    let lines = events.iter().map(|event| format!("data: {event}\n\n"));
    lines.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// A response of the responses API.
fn response(answer: &Answer, status: &str, output: Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "error": null, "model": answer.model,
        "output": output, "tools": [], "usage": null,
    })
}

/// Its one message.
fn message(text: &str, status: &str) -> Value {
    let content = match status {
        "completed" => json!([part(text)]),
        _ => json!([]),
    };
    json!({ "id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": content })
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "annotations": [], "logprobs": [], "text": text })
}

fn responses_events(answer: &Answer) -> String {
    let text = answer.deltas.concat();
    let begun = response(answer, "in_progress", json!([]));
    let mut whole = response(answer, "completed", json!([message(&text, "completed")]));
    if let Some(usage) = answer.usage {
        whole["usage"] = spelled(Api::Responses, usage);
    }
    let mut events = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.in_progress", "response": begun }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": message("", "in_progress") }),
    ];
    let of_part = |kind: &str, key: &str, value: Value| json!({ "type": kind, "item_id": "msg_1", "output_index": 0, "content_index": 0, key: value });
    events.push(of_part("response.content_part.added", "part", part("")));
    for delta in &answer.deltas {
        events.push(of_part("response.output_text.delta", "delta", json!(delta)));
    }
    events.push(of_part("response.output_text.done", "text", json!(text)));
    events.push(of_part("response.content_part.done", "part", part(&text)));
    events.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": message(&text, "completed") }));
    events.push(json!({ "type": "response.completed", "response": whole }));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events.iter().map(named).collect()
}

fn anthropic_events(answer: &Answer) -> String {
    let mut message = document(
        Api::Anthropic,
        &Answer {
            deltas: Vec::new(),
            usage: answer.usage.map(|(input, _)| (input, 1)),
            model: answer.model.clone(),
        },
    );
    message["content"] = json!([]);
    let mut end = json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null } });
    if let Some((_, output)) = answer.usage {
        end["usage"] = json!({ "output_tokens": output });
    }
    let mut events = vec![
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "ping" }),
    ];
    for text in &answer.deltas {
        events.push(json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }));
    }
    events.push(json!({ "type": "content_block_stop", "index": 0 }));
    events.push(end);
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(named).collect()
}

/// An event with the name that its type gives it, as Anthropic sends them.
pub fn named(event: &Value) -> String {
    match event.get("type").and_then(Value::as_str) {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    }
}

/// The data of a stream's events that are JSON.
pub fn data(body: &str) -> Vec<Value> {
    body.replace("\r\n", "\n")
        .replace('\r', "\n")
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok())
        .collect()
}

/// The text of an answer, whole or streamed, of the first choice or of all blocks.
pub fn text_of(body: &str) -> String {
    let texts = |value: &Value| -> String {
        let direct = [
            "/choices/0/delta/content",
            "/choices/0/message/content",
            "/delta/text",
        ];
        if value["type"] == "response.output_text.delta" {
            return value["delta"].as_str().unwrap_or_default().to_owned();
        }
        let blocks = value
            .get("content")
            .or_else(|| value.pointer("/output/0/content"))
            .and_then(Value::as_array);
        direct
            .iter()
            .filter_map(|path| value.pointer(path))
            .chain(
                blocks
                    .into_iter()
                    .flatten()
                    .filter_map(|block| block.get("text")),
            )
            .filter_map(Value::as_str)
            .collect()
    };
    match serde_json::from_str::<Value>(body) {
        Ok(document) => texts(&document),
        Err(_) => data(body).iter().map(texts).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_can_be_read_back() {
        let answer = Answer {
            deltas: vec!["be".into(), "fore".into()],
            usage: Some((3, 4)),
            model: "m".into(),
        };
        for api in [Api::Openai, Api::Responses, Api::Anthropic] {
            assert_eq!(text_of(&document(api, &answer).to_string()), "before");
            let events = String::from_utf8(events(api, &answer, true)).unwrap();
            assert_eq!(text_of(&events), "before");
            assert!(events.contains("tokens\":4"), "{events}");
        }
    }
}
