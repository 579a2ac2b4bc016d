//! Refusals as HTTP answers and as the end of a stream.

use super::Dialect;
use crate::json::escape_into;
use portcullis_policy::{Reason, Refusal};
use std::time::Duration;

/// An answer of the gateway in place of the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status.
    pub status: u16,
    /// Header fields, `content-type` among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body; not for `HEAD`.
    pub body: Vec<u8>,
}

/// What `retry-after` says when a 429 comes without a time: `request_exceeds_limit`, which waiting does not cure. One window of a
/// limit, so that clients that ignore `x-should-retry: false` at least come back no faster than once a window.
const RETRY_AFTER_UNKNOWN: Duration = Duration::from_secs(60);

/// A refusal as an HTTP answer.
///
/// Headers: `content-type`, `x-portcullis-reason` (the code), `x-should-retry` (both SDKs obey it), for every 429 and wherever the
/// refusal names a time `retry-after` (whole seconds, rounded up, at least 1) and `retry-after-ms` (which both SDKs prefer).
#[must_use]
pub fn refusal(dialect: Dialect, refusal: &Refusal, request_id: &str) -> LocalReply {
    let reason = refusal.reason;
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-portcullis-reason", reason.code().to_owned()),
        ("x-should-retry", reason.retryable().to_string()),
    ];
    let wait = refusal
        .retry_after
        .or((reason.status() == 429).then_some(RETRY_AFTER_UNKNOWN));
    if let Some(wait) = wait {
        let millis = wait.as_nanos().div_ceil(1_000_000).max(1);
        headers.push(("retry-after", millis.div_ceil(1000).to_string()));
        headers.push(("retry-after-ms", millis.to_string()));
    }
    let body = match dialect {
        Dialect::OpenAi => open_ai_error(refusal, None),
        Dialect::Anthropic => anthropic_error(refusal, Some(request_id)),
    };
    LocalReply {
        status: reason.status(),
        headers,
        body: body.into_bytes(),
    }
}

/// A refusal as a whole body, where nobody knows the request's id.
pub(crate) fn error_body(dialect: Dialect, refusal: &Refusal) -> Vec<u8> {
    match dialect {
        Dialect::OpenAi => open_ai_error(refusal, None),
        Dialect::Anthropic => anthropic_error(refusal, None),
    }
    .into_bytes()
}

/// A refusal as the event that ends a stream half way, `number` being its own where events are numbered.
pub(crate) fn stream_error(dialect: Dialect, refusal: &Refusal, number: Option<u64>) -> Vec<u8> {
    let data = match dialect {
        Dialect::OpenAi => open_ai_error(refusal, number),
        Dialect::Anthropic => anthropic_error(refusal, None),
    };
    let name = match (dialect, number) {
        (Dialect::OpenAi, None) => "",
        _ => "event: error\n",
    };
    [name, "data: ", &data, "\n\n"].concat().into_bytes()
}

/// As an event with a number (OpenAI's responses) it says so twice: the API's reference has message, code and param in the event itself, and the API
/// as it runs in an object `error`, which is what makes the SDKs raise one.
fn open_ai_error(refusal: &Refusal, number: Option<u64>) -> String {
    let mut body = String::from("{");
    let mut fields = String::from(r#","message":""#);
    escape_into(&refusal.message, &mut fields);
    fields.push_str(r#"","param":null,"code":""#);
    fields.push_str(refusal.reason.code());
    fields.push('"');
    if let Some(number) = number {
        body.push_str(r#""type":"error","sequence_number":"#);
        body.push_str(&number.to_string());
        body.push_str(&fields);
        body.push(',');
    }
    body.push_str(r#""error":{"type":""#);
    body.push_str(open_ai_type(refusal.reason));
    body.push('"');
    body.push_str(&fields);
    body.push_str("}}");
    body
}

/// OpenAI names the bucket that is empty (`requests`, `tokens`) as the type of a 429.
const fn open_ai_type(reason: Reason) -> &'static str {
    match reason {
        Reason::RateLimitRequests => "requests",
        Reason::RateLimitTokens | Reason::RequestExceedsLimit => "tokens",
        Reason::RateLimitParallel | Reason::SourceLockedOut => "rate_limit_error",
        Reason::MissingApiKey
        | Reason::InvalidApiKey
        | Reason::ExpiredApiKey
        | Reason::RevokedApiKey => "authentication_error",
        Reason::SourceNotAllowed | Reason::ModelNotAllowed => "permission_error",
        Reason::UnknownEndpoint => "not_found_error",
        Reason::MalformedBody
        | Reason::DlpBlocked
        | Reason::BodyTooLarge
        | Reason::UnsupportedEncoding
        | Reason::UnsupportedMediaType
        | Reason::UpgradeRefused => "invalid_request_error",
        Reason::UnreadableResponse | Reason::ResponseBlocked | Reason::PolicyUnavailable => {
            "server_error"
        }
    }
}

fn anthropic_error(refusal: &Refusal, request_id: Option<&str>) -> String {
    let mut body = String::from(r#"{"type":"error","error":{"type":""#);
    body.push_str(match refusal.reason.status() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    });
    body.push_str(r#"","message":""#);
    escape_into(&refusal.message, &mut body);
    body.push_str(r#""}"#);
    if let Some(id) = request_id {
        body.push_str(r#","request_id":""#);
        escape_into(id, &mut body);
        body.push('"');
    }
    body.push('}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(reply: &'a LocalReply, name: &str) -> Option<&'a str> {
        reply
            .headers
            .iter()
            .find(|(have, _)| *have == name)
            .map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_reason_is_spelled_as_json_in_both_dialects() {
        for reason in Reason::ALL {
            let value = Refusal::new(reason, "it's \"so\"\n\u{1}é");
            let open_ai = refusal(Dialect::OpenAi, &value, "id-1");
            let body: serde_json::Value = serde_json::from_slice(&open_ai.body).unwrap();
            assert_eq!(body["error"]["message"], "it's \"so\"\n\u{1}é");
            assert_eq!(body["error"]["code"], reason.code());
            assert!(body["error"]["param"].is_null());
            let anthropic = refusal(Dialect::Anthropic, &value, "id-\"1");
            let body: serde_json::Value = serde_json::from_slice(&anthropic.body).unwrap();
            assert_eq!(body["type"], "error");
            assert_eq!(body["error"]["message"], "it's \"so\"\n\u{1}é");
            assert_eq!(body["request_id"], "id-\"1");
            for reply in [open_ai, anthropic] {
                assert_eq!(reply.status, reason.status());
                assert_eq!(header(&reply, "x-portcullis-reason"), Some(reason.code()));
                assert_eq!(
                    header(&reply, "x-should-retry"),
                    Some(if reason.retryable() { "true" } else { "false" })
                );
                assert_eq!(
                    header(&reply, "retry-after").is_some(),
                    reason.status() == 429
                );
            }
        }
    }

    #[test]
    fn retry_after_rounds_up_and_is_never_zero() {
        for (wait, seconds, millis) in [
            (Duration::ZERO, "1", "1"),
            (Duration::from_nanos(1), "1", "1"),
            (Duration::from_millis(1000), "1", "1000"),
            (Duration::from_millis(1001), "2", "1001"),
            (Duration::from_secs(90), "90", "90000"),
        ] {
            let value = Refusal::new(Reason::RateLimitTokens, "wait").retry_after(wait);
            let reply = refusal(Dialect::Anthropic, &value, "");
            assert_eq!(header(&reply, "retry-after"), Some(seconds));
            assert_eq!(header(&reply, "retry-after-ms"), Some(millis));
        }
    }

    #[test]
    fn types_follow_the_status() {
        let spelled = |dialect, reason| {
            let body = refusal(dialect, &Refusal::new(reason, "x"), "").body;
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["error"]["type"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        for (reason, open_ai, anthropic) in [
            (
                Reason::MalformedBody,
                "invalid_request_error",
                "invalid_request_error",
            ),
            (
                Reason::InvalidApiKey,
                "authentication_error",
                "authentication_error",
            ),
            (
                Reason::ModelNotAllowed,
                "permission_error",
                "permission_error",
            ),
            (
                Reason::UnknownEndpoint,
                "not_found_error",
                "not_found_error",
            ),
            (
                Reason::BodyTooLarge,
                "invalid_request_error",
                "request_too_large",
            ),
            (
                Reason::UpgradeRefused,
                "invalid_request_error",
                "invalid_request_error",
            ),
            (Reason::RateLimitRequests, "requests", "rate_limit_error"),
            (Reason::RateLimitTokens, "tokens", "rate_limit_error"),
            (
                Reason::RateLimitParallel,
                "rate_limit_error",
                "rate_limit_error",
            ),
            (Reason::UnreadableResponse, "server_error", "api_error"),
            (Reason::PolicyUnavailable, "server_error", "api_error"),
        ] {
            assert_eq!(spelled(Dialect::OpenAi, reason), open_ai);
            assert_eq!(spelled(Dialect::Anthropic, reason), anthropic);
        }
    }
}
