//! Refusals as values. How each API spells one is known only to `wire`.

use std::borrow::Cow;
use std::time::Duration;

/// Why an exchange is refused: the codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The body is not what its type says: broken JSON, a key twice that must stand once, a body where none belongs.
    MalformedBody,
    /// A DLP rule with action `block` matched the request.
    DlpBlocked,
    /// No credential came with the request.
    MissingApiKey,
    /// The credential is not one of ours, is doubled, or contradicts another.
    InvalidApiKey,
    /// The key's time is over, or has not come.
    ExpiredApiKey,
    /// The key was revoked.
    RevokedApiKey,
    /// The address may not call.
    SourceNotAllowed,
    /// The caller may not use this model.
    ModelNotAllowed,
    /// No API that this gateway guards lives here.
    UnknownEndpoint,
    /// More bytes than `max_body_bytes`.
    BodyTooLarge,
    /// A `content-encoding` that cannot be read.
    UnsupportedEncoding,
    /// A `content-type` that cannot be read.
    UnsupportedMediaType,
    /// A protocol upgrade or `CONNECT`.
    UpgradeRefused,
    /// The source failed too often.
    SourceLockedOut,
    /// The bucket of requests is empty.
    RateLimitRequests,
    /// The bucket of tokens is too low for this request.
    RateLimitTokens,
    /// Too many requests of this caller are running.
    RateLimitParallel,
    /// This request could never pass, however long it waits.
    RequestExceedsLimit,
    /// The provider's answer cannot be read.
    UnreadableResponse,
    /// A DLP rule with action `block` matched the response.
    ResponseBlocked,
    /// State or configuration that a decision needs is not there.
    PolicyUnavailable,
}

impl Reason {
    /// Every reason, in the order of the contract.
    pub const ALL: [Self; 21] = [
        Self::MalformedBody,
        Self::DlpBlocked,
        Self::MissingApiKey,
        Self::InvalidApiKey,
        Self::ExpiredApiKey,
        Self::RevokedApiKey,
        Self::SourceNotAllowed,
        Self::ModelNotAllowed,
        Self::UnknownEndpoint,
        Self::BodyTooLarge,
        Self::UnsupportedEncoding,
        Self::UnsupportedMediaType,
        Self::UpgradeRefused,
        Self::SourceLockedOut,
        Self::RateLimitRequests,
        Self::RateLimitTokens,
        Self::RateLimitParallel,
        Self::RequestExceedsLimit,
        Self::UnreadableResponse,
        Self::ResponseBlocked,
        Self::PolicyUnavailable,
    ];

    /// The code as header `x-portcullis-reason`, records and metrics show it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MalformedBody => "malformed_body",
            Self::DlpBlocked => "dlp_blocked",
            Self::MissingApiKey => "missing_api_key",
            Self::InvalidApiKey => "invalid_api_key",
            Self::ExpiredApiKey => "expired_api_key",
            Self::RevokedApiKey => "revoked_api_key",
            Self::SourceNotAllowed => "source_not_allowed",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UpgradeRefused => "upgrade_refused",
            Self::SourceLockedOut => "source_locked_out",
            Self::RateLimitRequests => "rate_limit_requests",
            Self::RateLimitTokens => "rate_limit_tokens",
            Self::RateLimitParallel => "rate_limit_parallel",
            Self::RequestExceedsLimit => "request_exceeds_limit",
            Self::UnreadableResponse => "unreadable_response",
            Self::ResponseBlocked => "response_blocked",
            Self::PolicyUnavailable => "policy_unavailable",
        }
    }

    /// The HTTP status that goes with the code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::MalformedBody | Self::DlpBlocked => 400,
            Self::MissingApiKey
            | Self::InvalidApiKey
            | Self::ExpiredApiKey
            | Self::RevokedApiKey => 401,
            Self::SourceNotAllowed | Self::ModelNotAllowed => 403,
            Self::UnknownEndpoint => 404,
            Self::BodyTooLarge => 413,
            Self::UnsupportedEncoding | Self::UnsupportedMediaType => 415,
            Self::UpgradeRefused => 426,
            Self::SourceLockedOut
            | Self::RateLimitRequests
            | Self::RateLimitTokens
            | Self::RateLimitParallel
            | Self::RequestExceedsLimit => 429,
            Self::UnreadableResponse | Self::ResponseBlocked => 502,
            Self::PolicyUnavailable => 503,
        }
    }

    /// The reason of a code, as another module of the chain wrote it into filter state.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Whether the same request can pass later, unchanged.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::SourceLockedOut
                | Self::RateLimitRequests
                | Self::RateLimitTokens
                | Self::RateLimitParallel
                | Self::PolicyUnavailable
        )
    }
}

/// An answer in place of the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which code of the contract.
    pub reason: Reason,
    /// A sentence for the person at the client. Never holds any part of a key, a prompt or a match.
    pub message: Cow<'static, str>,
    /// When trying again can help. Present for every 429.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that waiting does not cure, or cures at an unknown time.
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The same with the time after which trying again can help.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code("nonsense"), None);
    }
}
