//! How each API spells what the gateway itself has to say: refusals, errors within a stream, rate-limit headers.

use crate::json::escape_into;
use portcullis_policy::{Budget, Endpoint, Reason, Refusal, Timestamp, Window};
use std::time::Duration;

/// Whose spelling a client expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// <https://platform.openai.com/docs/guides/error-codes>
    OpenAi,
    /// <https://docs.anthropic.com/en/api/errors>
    Anthropic,
}

impl Dialect {
    /// The dialect of an endpoint; for endpoints of both APIs and of none, what the request looks like.
    #[must_use]
    pub fn of(endpoint: Endpoint, path: &str, has_anthropic_version: bool) -> Self {
        match endpoint {
            Endpoint::OpenAiChat => Self::OpenAi,
            Endpoint::AnthropicMessages | Endpoint::AnthropicCountTokens => Self::Anthropic,
            Endpoint::Models | Endpoint::Probe | Endpoint::Public | Endpoint::Unknown => {
                if has_anthropic_version || path.starts_with("/v1/messages") {
                    Self::Anthropic
                } else {
                    Self::OpenAi
                }
            }
        }
    }
}

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
        Dialect::OpenAi => open_ai_error(refusal),
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
        Dialect::OpenAi => open_ai_error(refusal),
        Dialect::Anthropic => anthropic_error(refusal, None),
    }
    .into_bytes()
}

/// A refusal as the event that ends a stream half way.
pub(crate) fn stream_error(dialect: Dialect, refusal: &Refusal) -> Vec<u8> {
    match dialect {
        Dialect::OpenAi => format!("data: {}\n\n", open_ai_error(refusal)),
        Dialect::Anthropic => format!("event: error\ndata: {}\n\n", anthropic_error(refusal, None)),
    }
    .into_bytes()
}

fn open_ai_error(refusal: &Refusal) -> String {
    let mut body = String::from(r#"{"error":{"message":""#);
    escape_into(&refusal.message, &mut body);
    body.push_str(r#"","type":""#);
    body.push_str(open_ai_type(refusal.reason));
    body.push_str(r#"","param":null,"code":""#);
    body.push_str(refusal.reason.code());
    body.push_str(r#""}}"#);
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

/// What a caller has left, in the API's own rate-limit headers.
#[must_use]
pub fn budget_headers(
    dialect: Dialect,
    budget: &Budget,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let names: [(Option<Window>, [&'static str; 3]); 2] = match dialect {
        Dialect::OpenAi => [
            (
                budget.requests,
                [
                    "x-ratelimit-limit-requests",
                    "x-ratelimit-remaining-requests",
                    "x-ratelimit-reset-requests",
                ],
            ),
            (
                budget.tokens,
                [
                    "x-ratelimit-limit-tokens",
                    "x-ratelimit-remaining-tokens",
                    "x-ratelimit-reset-tokens",
                ],
            ),
        ],
        Dialect::Anthropic => [
            (
                budget.requests,
                [
                    "anthropic-ratelimit-requests-limit",
                    "anthropic-ratelimit-requests-remaining",
                    "anthropic-ratelimit-requests-reset",
                ],
            ),
            (
                budget.tokens,
                [
                    "anthropic-ratelimit-tokens-limit",
                    "anthropic-ratelimit-tokens-remaining",
                    "anthropic-ratelimit-tokens-reset",
                ],
            ),
        ],
    };
    let mut headers = Vec::with_capacity(6);
    for (window, [limit, remaining, reset]) in names {
        let Some(window) = window else { continue };
        headers.push((limit, window.limit.to_string()));
        headers.push((remaining, window.remaining.to_string()));
        let full = match dialect {
            Dialect::OpenAi => go_duration(window.full_at.since(now)),
            Dialect::Anthropic => window.full_at.to_rfc3339(),
        };
        headers.push((reset, full));
    }
    headers
}

/// A duration as Go prints it and OpenAI's headers carry it: `20ms`, `1s`, `6m0s`, `2h0m0s`. Rounded up to milliseconds below one
/// second, to seconds above.
fn go_duration(duration: Duration) -> String {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    if (1..1000).contains(&millis) {
        return format!("{millis}ms");
    }
    let seconds = millis.div_ceil(1000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The name under which a header of the provider reaches the client, when it would be taken for the gateway's own:
/// `x-upstream-` and the name. `None` for all others.
#[must_use]
pub fn upstream_header_name(name: &str) -> Option<String> {
    let ours = name.starts_with("x-ratelimit-")
        || name.starts_with("anthropic-ratelimit-")
        || name == "x-request-id"
        || name == "request-id";
    ours.then(|| format!("x-upstream-{name}"))
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

    #[test]
    fn durations_as_go_prints_them() {
        for (millis, text) in [
            (0, "0s"),
            (20, "20ms"),
            (999, "999ms"),
            (1000, "1s"),
            (1001, "2s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (7_322_000, "2h2m2s"),
        ] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn budgets_in_both_dialects() {
        let now = Timestamp::from_secs(1_764_585_045);
        let window = |limit| {
            Some(Window {
                limit,
                remaining: 7,
                full_at: now.after(Duration::from_secs(6)),
            })
        };
        let budget = Budget {
            requests: window(100),
            tokens: None,
        };
        let open_ai = budget_headers(Dialect::OpenAi, &budget, now);
        assert_eq!(
            open_ai,
            [
                ("x-ratelimit-limit-requests", "100".to_owned()),
                ("x-ratelimit-remaining-requests", "7".to_owned()),
                ("x-ratelimit-reset-requests", "6s".to_owned()),
            ]
        );
        let anthropic = budget_headers(
            Dialect::Anthropic,
            &Budget {
                requests: None,
                tokens: window(9),
            },
            now,
        );
        assert_eq!(
            anthropic,
            [
                ("anthropic-ratelimit-tokens-limit", "9".to_owned()),
                ("anthropic-ratelimit-tokens-remaining", "7".to_owned()),
                (
                    "anthropic-ratelimit-tokens-reset",
                    "2025-12-01T10:30:51.000Z".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn the_providers_own_headers_step_aside() {
        for name in [
            "x-ratelimit-limit-tokens",
            "anthropic-ratelimit-requests-reset",
            "x-request-id",
            "request-id",
        ] {
            assert_eq!(
                upstream_header_name(name),
                Some(format!("x-upstream-{name}"))
            );
        }
        for name in [
            "content-type",
            "x-ratelimit",
            "openai-version",
            "retry-after",
        ] {
            assert_eq!(upstream_header_name(name), None);
        }
    }

    #[test]
    fn dialects_of_shared_endpoints() {
        assert_eq!(
            Dialect::of(Endpoint::OpenAiChat, "/v1/chat/completions", true),
            Dialect::OpenAi
        );
        assert_eq!(
            Dialect::of(Endpoint::AnthropicCountTokens, "", false),
            Dialect::Anthropic
        );
        assert_eq!(
            Dialect::of(Endpoint::Models, "/v1/models", true),
            Dialect::Anthropic
        );
        assert_eq!(
            Dialect::of(Endpoint::Models, "/v1/models", false),
            Dialect::OpenAi
        );
        assert_eq!(
            Dialect::of(Endpoint::Unknown, "/v1/messages/batches", false),
            Dialect::Anthropic
        );
    }
}
