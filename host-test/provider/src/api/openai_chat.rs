//! OpenAI Chat Completions: `POST /v1/chat/completions`, and `GET /v1/models` for whoever is not Anthropic.
//!
//! Shapes follow the API reference (platform.openai.com/docs/api-reference/chat) as the `openai` SDK reads them.

use hyper::Method;
use hyper::header::HeaderMap;
use serde_json::{Map, Value, json};

use super::openai::OpenAi;
use super::{Api, CREATED, Failure, Operation, Provider, last_user_text, messages_of, model_of};
use crate::answer::{Answer, Ask, CHOICES_MAX, Finish, ToolCall, Usage};
use crate::sse::Event;
use crate::tokens;

/// Request fields whose text is the prompt.
const PROMPT_FIELDS: &[&str] = &["messages", "tools"];

pub(crate) struct ChatCompletions;

impl Api for ChatCompletions {
    fn name(&self) -> &'static str {
        "openai_chat"
    }

    fn provider(&self) -> &'static dyn Provider {
        &OpenAi
    }

    fn operation<'a>(
        &self,
        method: &Method,
        path: &'a str,
        _: &HeaderMap,
    ) -> Option<Operation<'a>> {
        match (method, path) {
            (&Method::POST, "/v1/chat/completions") => Some(Operation::Answer),
            (&Method::GET, "/v1/models") => Some(Operation::Models),
            (&Method::GET, path) => path.strip_prefix("/v1/models/").map(Operation::Model),
            _ => None,
        }
    }

    fn ask(&self, _: &str, _: Operation<'_>, body: &Value) -> Result<Ask, Failure> {
        let choices = match body.get("n") {
            None | Some(Value::Null) => 1,
            Some(n) => n
                .as_u64()
                .filter(|n| (1..=CHOICES_MAX).contains(n))
                .ok_or_else(|| Failure::new(400, format!("n: expected 1 to {CHOICES_MAX}")))?,
        };
        let cap = |name| body.get(name).and_then(Value::as_u64);
        let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
        Ok(Ask {
            model: model_of(body)?,
            stream: flag(body.get("stream")),
            include_usage: flag(body.pointer("/stream_options/include_usage")),
            choices,
            max_tokens: cap("max_completion_tokens").max(cap("max_tokens")),
            prompt_tokens: tokens::of_prompt(body, PROMPT_FIELDS),
            last_user_text: last_user_text(messages_of(body, "messages")?),
        })
    }

    fn answer(&self, answer: &Answer) -> Value {
        let choices: Vec<Value> = (0..answer.choices)
            .map(|index| {
                json!({
                    "index": index, "message": message(answer, index), "logprobs": null,
                    "finish_reason": finish_reason(answer.finish),
                })
            })
            .collect();
        let mut body = json!({
            "id": id(answer), "object": "chat.completion", "created": CREATED, "model": answer.model,
            "choices": choices, "service_tier": "default", "system_fingerprint": "fp_stub",
        });
        if answer.tells_usage {
            put(&mut body, "usage", usage(&answer.usage));
        }
        body
    }

    fn events(&self, ask: &Ask, answer: &Answer) -> Vec<Event> {
        let tells_usage = ask.include_usage && answer.tells_usage;
        let chunk = |choices: Value, is_delta| {
            let mut chunk = json!({
                "id": id(answer), "object": "chat.completion.chunk", "created": CREATED, "model": answer.model,
                "choices": choices, "service_tier": "default", "system_fingerprint": "fp_stub",
            });
            if tells_usage {
                put(&mut chunk, "usage", Value::Null);
            }
            (chunk, is_delta)
        };
        let each_choice = |delta: &dyn Fn(u64) -> Value,
                           finish: Option<&str>,
                           is_delta: bool|
         -> Vec<(Value, bool)> {
            (0..answer.choices)
                .map(|index| {
                    let choice =
                        json!({"index": index, "delta": delta(index), "logprobs": null, "finish_reason": finish});
                    chunk(json!([choice]), is_delta)
                })
                .collect()
        };

        // Choices take turns, so that no reader can mistake neighbouring chunks for neighbouring text.
        let opening = json!({"role": "assistant", "content": answer.text.as_ref().map(|_| ""), "refusal": null});
        let mut chunks = each_choice(&|_| opening.clone(), None, false);
        for delta in answer.text.iter().flat_map(|text| text.deltas()) {
            chunks.extend(each_choice(&|_| json!({"content": delta}), None, true));
        }
        if let Some(tool) = &answer.tool {
            let open = |index| {
                let mut call = tool_call(answer, tool, index, "");
                put(&mut call, "index", json!(0));
                json!({"tool_calls": [call]})
            };
            chunks.extend(each_choice(&open, None, false));
            for delta in tool.arguments.deltas() {
                let delta = json!({"tool_calls": [{"index": 0, "function": {"arguments": delta}}]});
                chunks.extend(each_choice(&|_| delta.clone(), None, true));
            }
        }
        chunks.extend(each_choice(
            &|_| json!({}),
            Some(finish_reason(answer.finish)),
            false,
        ));
        if tells_usage {
            let (mut last, _) = chunk(json!([]), false);
            put(&mut last, "usage", usage(&answer.usage));
            chunks.push((last, false));
        }

        let mut events: Vec<Event> = chunks
            .into_iter()
            .map(|(chunk, is_delta)| Event {
                name: None,
                data: chunk.to_string(),
                is_delta,
            })
            .collect();
        events.push(Event {
            name: None,
            data: "[DONE]".to_owned(),
            is_delta: false,
        });
        events
    }
}

fn id(answer: &Answer) -> String {
    format!("chatcmpl-stub{:08}", answer.seq)
}

fn message(answer: &Answer, index: u64) -> Value {
    let text = answer.text.as_ref().map(|part| part.text.as_str());
    let mut message =
        json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
    if let Some(tool) = &answer.tool {
        put(
            &mut message,
            "tool_calls",
            json!([tool_call(answer, tool, index, &tool.arguments.text)]),
        );
    }
    message
}

fn tool_call(answer: &Answer, tool: &ToolCall, choice: u64, arguments: &str) -> Value {
    json!({
        "id": format!("call_stub{:08}_{choice}", answer.seq), "type": "function",
        "function": {"name": tool.name, "arguments": arguments},
    })
}

fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt, "completion_tokens": usage.completion,
        "total_tokens": usage.prompt.saturating_add(usage.completion),
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

fn put(object: &mut Value, key: &str, value: Value) {
    object
        .as_object_mut()
        .unwrap_or(&mut Map::new())
        .insert(key.to_owned(), value);
}
