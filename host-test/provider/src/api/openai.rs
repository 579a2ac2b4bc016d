//! OpenAI: what its APIs have in common.

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{CREATED, Failure, MODELS, Provider, all, fixed};

pub(crate) struct OpenAi;

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    /// What stands in `authorization: Bearer`, in every header of that name.
    fn credentials<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a [u8]> {
        all(headers, AUTHORIZATION)
            .into_iter()
            .map(|value| match value.split_at_checked(7) {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
                Some(_) | None => value,
            })
            .collect()
    }

    fn headers(&self, seq: u64) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = fixed(&[
            ("openai-organization", "portcullis-stub"),
            ("openai-processing-ms", "7"),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "70001"),
            ("x-ratelimit-limit-tokens", "7000001"),
            ("x-ratelimit-remaining-requests", "70000"),
            ("x-ratelimit-remaining-tokens", "7000000"),
            ("x-ratelimit-reset-requests", "17ms"),
            ("x-ratelimit-reset-tokens", "6m7s"),
        ]);
        if let Ok(id) = HeaderValue::from_str(&format!("req_stub_{seq:08}")) {
            headers.push((HeaderName::from_static("x-request-id"), id));
        }
        headers
    }

    fn error(&self, failure: &Failure, _: u64) -> Value {
        let (kind, code) = match failure.status {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            404 => ("invalid_request_error", Some("unknown_url")),
            429 => ("requests", Some("rate_limit_exceeded")),
            500.. => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        json!({"error": {"message": failure.message, "type": kind, "param": null, "code": code}})
    }

    fn models(&self) -> Value {
        let models: Vec<Value> = MODELS.iter().map(|id| self.model(id)).collect();
        json!({"object": "list", "data": models})
    }

    fn model(&self, id: &str) -> Value {
        json!({"id": id, "object": "model", "created": CREATED, "owned_by": "portcullis-stub"})
    }
}
