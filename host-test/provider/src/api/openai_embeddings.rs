//! OpenAI Embeddings: `POST /v1/embeddings`.
//!
//! Each input gets the same short vector; what a text means nobody here knows.

use hyper::Method;
use hyper::header::HeaderMap;
use serde_json::{Value, json};

use super::openai::OpenAi;
use super::{Api, Failure, Operation, Provider, model_of};
use crate::answer::{Answer, Ask};
use crate::tokens;

/// What every text is embedded as.
const VECTOR: [f64; 3] = [0.002_306_425_5, -0.009_327_292, 1.5];

pub(crate) struct Embeddings;

impl Api for Embeddings {
    fn name(&self) -> &'static str {
        "openai_embeddings"
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
        (method == Method::POST && path == "/v1/embeddings").then_some(Operation::Answer)
    }

    /// Texts, or their tokens, are choices: each has an answer of its own.
    fn ask(&self, _: &str, _: Operation<'_>, body: &Value) -> Result<Ask, Failure> {
        let inputs = match body.get("input") {
            Some(Value::String(_)) => 1,
            Some(Value::Array(items)) if items.iter().all(Value::is_number) => 1,
            Some(Value::Array(items)) => items.len() as u64,
            _ => return Err(Failure::new(400, "input: expected a text or texts")),
        };
        Ok(Ask {
            model: model_of(body)?,
            stream: false,
            include_usage: true,
            choices: inputs,
            max_tokens: Some(0),
            prompt_tokens: tokens::of_prompt(body, &["input"]),
            last_user_text: String::new(),
        })
    }

    fn answer(&self, answer: &Answer) -> Value {
        let data: Vec<Value> = (0..answer.choices)
            .map(|index| json!({"object": "embedding", "index": index, "embedding": VECTOR}))
            .collect();
        let prompt = answer.usage.prompt;
        json!({
            "object": "list", "data": data, "model": answer.model,
            "usage": {"prompt_tokens": prompt, "total_tokens": prompt},
        })
    }
}
