//! Anthropic Messages: `POST /v1/messages`, `POST /v1/messages/count_tokens`, and `GET /v1/models` with `anthropic-version`.
//!
//! Shapes follow the API reference (docs.anthropic.com/en/api/messages) as the `anthropic` SDK reads them.

use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{
    Api, Failure, MODELS, Operation, Provider, all, fixed, last_user_text, messages_of, model_of,
};
use crate::answer::{Answer, Ask, Finish, ToolCall, Usage};
use crate::sse::Event;
use crate::tokens;

/// Request fields whose text is the prompt.
const PROMPT_FIELDS: &[&str] = &["system", "messages", "tools"];

struct Anthropic;

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn credentials<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a [u8]> {
        all(headers, "x-api-key")
    }

    fn headers(&self, seq: u64) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = fixed(&[
            ("anthropic-organization-id", "portcullis-stub"),
            ("anthropic-ratelimit-requests-limit", "70001"),
            ("anthropic-ratelimit-requests-remaining", "70000"),
            ("anthropic-ratelimit-requests-reset", "2031-01-01T00:00:07Z"),
            ("anthropic-ratelimit-tokens-limit", "7000001"),
            ("anthropic-ratelimit-tokens-remaining", "7000000"),
            ("anthropic-ratelimit-tokens-reset", "2031-01-01T00:00:17Z"),
            ("anthropic-ratelimit-input-tokens-limit", "7000001"),
            ("anthropic-ratelimit-input-tokens-remaining", "7000000"),
            (
                "anthropic-ratelimit-input-tokens-reset",
                "2031-01-01T00:00:17Z",
            ),
            ("anthropic-ratelimit-output-tokens-limit", "7000001"),
            ("anthropic-ratelimit-output-tokens-remaining", "7000000"),
            (
                "anthropic-ratelimit-output-tokens-reset",
                "2031-01-01T00:00:17Z",
            ),
        ]);
        if let Ok(id) = HeaderValue::from_str(&request_id(seq)) {
            headers.push((HeaderName::from_static("request-id"), id));
        }
        headers
    }

    fn error(&self, failure: &Failure, seq: u64) -> Value {
        let kind = match failure.status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        json!({
            "type": "error", "error": {"type": kind, "message": failure.message}, "request_id": request_id(seq),
        })
    }

    fn models(&self) -> Value {
        let models: Vec<Value> = MODELS.iter().map(|id| self.model(id)).collect();
        json!({"data": models, "has_more": false, "first_id": MODELS.first(), "last_id": MODELS.last()})
    }

    fn model(&self, id: &str) -> Value {
        json!({"type": "model", "id": id, "display_name": id, "created_at": "2025-01-01T00:00:00Z"})
    }
}

pub(crate) struct Messages;

impl Api for Messages {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn provider(&self) -> &'static dyn Provider {
        &Anthropic
    }

    fn operation<'a>(
        &self,
        method: &Method,
        path: &'a str,
        headers: &HeaderMap,
    ) -> Option<Operation<'a>> {
        match (method, path) {
            (&Method::POST, "/v1/messages") => Some(Operation::Answer),
            (&Method::POST, "/v1/messages/count_tokens") => Some(Operation::CountTokens),
            (&Method::GET, _) if !headers.contains_key("anthropic-version") => None,
            (&Method::GET, "/v1/models") => Some(Operation::Models),
            (&Method::GET, path) => path.strip_prefix("/v1/models/").map(Operation::Model),
            _ => None,
        }
    }

    fn ask(&self, _: &str, operation: Operation<'_>, body: &Value) -> Result<Ask, Failure> {
        let max_tokens = body.get("max_tokens").and_then(Value::as_u64);
        if operation == Operation::Answer && max_tokens.is_none_or(|cap| cap == 0) {
            return Err(Failure::new(400, "max_tokens: expected a positive integer"));
        }
        Ok(Ask {
            model: model_of(body)?,
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
            include_usage: true,
            choices: 1,
            max_tokens,
            prompt_tokens: tokens::of_prompt(body, PROMPT_FIELDS),
            last_user_text: last_user_text(messages_of(body, "messages")?),
        })
    }

    fn answer(&self, answer: &Answer) -> Value {
        let mut content = Vec::new();
        if let Some(text) = &answer.text {
            content.push(json!({"type": "text", "text": text.text}));
        }
        if let Some(tool) = &answer.tool {
            // Arguments that are no JSON (cut by the cap, say) have no place in this API but a string.
            let input = serde_json::from_str(&tool.arguments.text)
                .unwrap_or_else(|_| Value::String(tool.arguments.text.clone()));
            content.push(tool_use(answer, tool, &input));
        }
        let usage = answer
            .tells_usage
            .then(|| usage(&answer.usage, answer.usage.completion));
        message(answer, &content, Some(stop_reason(answer.finish)), usage)
    }

    fn events(&self, _: &Ask, answer: &Answer) -> Vec<Event> {
        let start_usage = answer
            .tells_usage
            .then(|| usage(&answer.usage, answer.usage.completion.min(1)));
        let mut events = vec![event(
            "message_start",
            json!({"type": "message_start", "message": message(answer, &[], None, start_usage)}),
        )];

        let mut index = 0_u64;
        let mut block = |start: &Value, deltas: Vec<Value>| {
            events.push(event(
                "content_block_start",
                json!({"type": "content_block_start", "index": index, "content_block": start}),
            ));
            if index == 0 {
                events.extend(self.ping());
            }
            for delta in deltas {
                let data = json!({"type": "content_block_delta", "index": index, "delta": delta});
                events.push(Event {
                    is_delta: true,
                    ..event("content_block_delta", data)
                });
            }
            events.push(event(
                "content_block_stop",
                json!({"type": "content_block_stop", "index": index}),
            ));
            index += 1;
        };
        if let Some(text) = &answer.text {
            let deltas = text
                .deltas()
                .into_iter()
                .map(|delta| json!({"type": "text_delta", "text": delta}));
            block(&json!({"type": "text", "text": ""}), deltas.collect());
        }
        if let Some(tool) = &answer.tool {
            let deltas = tool.arguments.deltas().into_iter();
            let deltas =
                deltas.map(|delta| json!({"type": "input_json_delta", "partial_json": delta}));
            block(&tool_use(answer, tool, &json!({})), deltas.collect());
        }

        let mut end = json!({
            "type": "message_delta", "delta": {"stop_reason": stop_reason(answer.finish), "stop_sequence": null},
        });
        if let (true, Some(members)) = (answer.tells_usage, end.as_object_mut()) {
            members.insert(
                "usage".to_owned(),
                usage(&answer.usage, answer.usage.completion),
            );
        }
        events.push(event("message_delta", end));
        events.push(event("message_stop", json!({"type": "message_stop"})));
        events
    }

    fn error_event(&self, failure: &Failure, seq: u64) -> Event {
        event("error", Anthropic.error(failure, seq))
    }

    fn ping(&self) -> Option<Event> {
        Some(event("ping", json!({"type": "ping"})))
    }

    fn count(&self, tokens: u64) -> Value {
        json!({"input_tokens": tokens})
    }
}

fn request_id(seq: u64) -> String {
    format!("req_stub{seq:08}")
}

fn event(name: &'static str, data: Value) -> Event {
    Event {
        name: Some(name),
        data: data.to_string(),
        is_delta: false,
    }
}

fn message(
    answer: &Answer,
    content: &[Value],
    stop_reason: Option<&str>,
    usage: Option<Value>,
) -> Value {
    let mut message = json!({
        "id": format!("msg_stub{:08}", answer.seq), "type": "message", "role": "assistant", "model": answer.model,
        "content": content, "stop_reason": stop_reason, "stop_sequence": null,
    });
    if let (Some(usage), Some(members)) = (usage, message.as_object_mut()) {
        members.insert("usage".to_owned(), usage);
    }
    message
}

fn tool_use(answer: &Answer, tool: &ToolCall, input: &Value) -> Value {
    json!({"type": "tool_use", "id": format!("toolu_stub{:08}", answer.seq), "name": tool.name, "input": input})
}

fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
    }
}

/// Anthropic's `input_tokens` leave out what the cache gave or took: the prompt is the sum of the three.
fn usage(usage: &Usage, output_tokens: u64) -> Value {
    let cached = usage.cache_read.saturating_add(usage.cache_creation);
    json!({
        "input_tokens": usage.prompt.saturating_sub(cached), "cache_creation_input_tokens": usage.cache_creation,
        "cache_read_input_tokens": usage.cache_read, "output_tokens": output_tokens, "service_tier": "standard",
    })
}
