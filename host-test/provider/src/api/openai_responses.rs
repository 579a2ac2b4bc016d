//! OpenAI Responses: `POST /v1/responses`.
//!
//! Shapes follow the API reference (platform.openai.com/docs/api-reference/responses and responses-streaming) as the `openai` SDK reads
//! them. Nothing is stored: what was answered cannot be fetched again.

use hyper::Method;
use hyper::header::HeaderMap;
use serde_json::{Value, json};

use super::openai::OpenAi;
use super::{Api, CREATED, Failure, Operation, Provider, last_user_text, messages_of, model_of};
use crate::answer::{Answer, Ask, Finish, Usage};
use crate::sse::Event;
use crate::tokens;

/// Request fields whose text is the prompt.
const PROMPT_FIELDS: &[&str] = &["instructions", "input", "tools"];

pub(crate) struct Responses;

impl Api for Responses {
    fn name(&self) -> &'static str {
        "openai_responses"
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
        (method == Method::POST && path == "/v1/responses").then_some(Operation::Answer)
    }

    fn ask(&self, _: &str, _: Operation<'_>, body: &Value) -> Result<Ask, Failure> {
        let last_user_text = match body.get("input") {
            Some(Value::String(text)) => text.clone(),
            _ => last_user_text(messages_of(body, "input")?),
        };
        Ok(Ask {
            model: model_of(body)?,
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
            include_usage: true,
            choices: 1,
            max_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
            prompt_tokens: tokens::of_prompt(body, PROMPT_FIELDS),
            last_user_text,
        })
    }

    fn answer(&self, answer: &Answer) -> Value {
        let items = items(answer);
        let output = items.iter().map(|item| item.whole.clone()).collect();
        response(answer, true, output)
    }

    fn events(&self, _: &Ask, answer: &Answer) -> Vec<Event> {
        let begun = response(answer, false, Vec::new());
        let mut stream = Numbered::default();
        stream.event("response.created", json!({"response": begun}), false);
        stream.event("response.in_progress", json!({"response": begun}), false);
        let items = items(answer);
        for (index, item) in items.iter().enumerate() {
            stream.event(
                "response.output_item.added",
                json!({"output_index": index, "item": item.begun}),
                false,
            );
            item.stream(index, &mut stream);
            stream.event(
                "response.output_item.done",
                json!({"output_index": index, "item": item.whole}),
                false,
            );
        }
        let kind = match answer.finish {
            Finish::Length => "response.incomplete",
            Finish::Stop | Finish::ToolCalls => "response.completed",
        };
        let output = items.iter().map(|item| item.whole.clone()).collect();
        let whole = response(answer, true, output);
        stream.event(kind, json!({"response": whole}), false);
        stream.events
    }

    /// As the API sends it, which is not how its reference has it: the error is an object of its own.
    fn error_event(&self, failure: &Failure, seq: u64) -> Event {
        let mut data = OpenAi.error(failure, seq);
        put(&mut data, "type", json!("error"));
        put(&mut data, "sequence_number", json!(0));
        Event {
            name: Some("error"),
            data: data.to_string(),
            is_delta: false,
        }
    }
}

/// Events that count themselves.
#[derive(Default)]
struct Numbered {
    events: Vec<Event>,
}

impl Numbered {
    fn event(&mut self, kind: &'static str, mut data: Value, is_delta: bool) {
        put(&mut data, "type", json!(kind));
        put(&mut data, "sequence_number", json!(self.events.len()));
        self.events.push(Event {
            name: Some(kind),
            data: data.to_string(),
            is_delta,
        });
    }
}

/// One item of the output, and how a stream tells it.
struct Item {
    begun: Value,
    whole: Value,
    id: String,
    deltas: Vec<String>,
    kind: Kind,
}

/// What an item is, which says how its events are called.
enum Kind {
    Message,
    Reasoning,
    Call,
}

impl Item {
    /// The events between its beginning and its end.
    fn stream(&self, index: usize, stream: &mut Numbered) {
        let text = self.deltas.concat();
        let of = |members: Value| {
            let mut data = json!({"item_id": self.id, "output_index": index});
            for (key, value) in members.as_object().into_iter().flatten() {
                put(&mut data, key, value.clone());
            }
            data
        };
        // Part, its text in pieces, its text; and the number of the part.
        let (at, names, part) = match self.kind {
            Kind::Call => (
                None,
                [
                    "response.function_call_arguments.delta",
                    "response.function_call_arguments.done",
                ],
                None,
            ),
            Kind::Message => (
                Some("content_index"),
                ["response.output_text.delta", "response.output_text.done"],
                Some((
                    "response.content_part.added",
                    "response.content_part.done",
                    text_part as fn(&str) -> Value,
                )),
            ),
            Kind::Reasoning => (
                Some("summary_index"),
                [
                    "response.reasoning_summary_text.delta",
                    "response.reasoning_summary_text.done",
                ],
                Some((
                    "response.reasoning_summary_part.added",
                    "response.reasoning_summary_part.done",
                    summary_part as fn(&str) -> Value,
                )),
            ),
        };
        let with = |mut members: Value| {
            if let Some(at) = at {
                put(&mut members, at, json!(0));
            }
            if matches!(self.kind, Kind::Message) && members.get("part").is_none() {
                put(&mut members, "logprobs", json!([]));
            }
            of(members)
        };
        if let Some((added, _, part)) = part {
            stream.event(added, with(json!({"part": part("")})), false);
        }
        let [delta_of, done] = names;
        for delta in &self.deltas {
            stream.event(delta_of, with(json!({"delta": delta})), true);
        }
        let whole = match self.kind {
            Kind::Call => json!({"arguments": text, "name": self.whole.get("name")}),
            Kind::Message | Kind::Reasoning => json!({"text": text}),
        };
        stream.event(done, with(whole), false);
        if let Some((_, done, part)) = part {
            stream.event(done, with(json!({"part": part(&text)})), false);
        }
    }
}

/// What the answer is made of, in order.
fn items(answer: &Answer) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(thoughts) = &answer.reasoning {
        let id = format!("rs_stub{:08}", answer.seq);
        let item = |summary: Value| json!({"id": id, "type": "reasoning", "summary": summary});
        items.push(Item {
            begun: item(json!([])),
            whole: item(json!([summary_part(&thoughts.text)])),
            id: id.clone(),
            deltas: owned(&thoughts.deltas()),
            kind: Kind::Reasoning,
        });
    }
    if let Some(text) = &answer.text {
        let id = format!("msg_stub{:08}", answer.seq);
        let item = |status: &str, content: Value| json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content});
        items.push(Item {
            begun: item("in_progress", json!([])),
            whole: item(status(answer.finish), json!([text_part(&text.text)])),
            id: id.clone(),
            deltas: owned(&text.deltas()),
            kind: Kind::Message,
        });
    }
    if let Some(tool) = &answer.tool {
        let id = format!("fc_stub{:08}", answer.seq);
        let item = |status: &str, arguments: &str| {
            json!({
                "id": id, "type": "function_call", "status": status, "call_id": format!("call_stub{:08}", answer.seq),
                "name": tool.name, "arguments": arguments,
            })
        };
        items.push(Item {
            begun: item("in_progress", ""),
            whole: item(status(answer.finish), &tool.arguments.text),
            id: id.clone(),
            deltas: owned(&tool.arguments.deltas()),
            kind: Kind::Call,
        });
    }
    items
}

fn owned(deltas: &[&str]) -> Vec<String> {
    deltas.iter().map(|delta| (*delta).to_owned()).collect()
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn summary_part(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

fn status(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => "incomplete",
        Finish::Stop | Finish::ToolCalls => "completed",
    }
}

fn response(answer: &Answer, is_over: bool, output: Vec<Value>) -> Value {
    let details = (is_over && answer.finish == Finish::Length)
        .then(|| json!({"reason": "max_output_tokens"}));
    json!({
        "id": format!("resp_stub{:08}", answer.seq), "object": "response", "created_at": CREATED,
        "status": if is_over { status(answer.finish) } else { "in_progress" }, "background": false, "error": null,
        "incomplete_details": details, "instructions": null, "max_output_tokens": null, "model": answer.model,
        "output": output, "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "store": true, "temperature": 1.0, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
        "usage": (is_over && answer.tells_usage).then(|| usage(&answer.usage)), "metadata": {},
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt, "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.completion, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt.saturating_add(usage.completion),
    })
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}
