//! Rate-limit headers, ours and the provider's.

use super::Dialect;
use portcullis_policy::{Budget, Timestamp, Window};
use std::time::Duration;

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
    // As 64 bits: longer than any window.
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let millis = nanos.div_ceil(1_000_000);
    if (1..1000).contains(&millis) {
        return millis.to_string() + "ms";
    }
    let seconds = millis.div_ceil(1000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => seconds.to_string() + "s",
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
    ours.then(|| ["x-upstream-", name].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
