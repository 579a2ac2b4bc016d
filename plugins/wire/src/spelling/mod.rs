//! How each API spells what the gateway itself has to say: refusals, errors within a stream, rate-limit headers.

mod error;
mod limits;

pub use error::{LocalReply, refusal};
pub(crate) use error::{error_body, stream_error};
pub use limits::{budget_headers, upstream_header_name};
use portcullis_policy::Endpoint;

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
            Endpoint::OpenAiChat | Endpoint::OpenAiResponses | Endpoint::OpenAiEmbeddings => {
                Self::OpenAi
            }
            Endpoint::AnthropicMessages | Endpoint::AnthropicCountTokens => Self::Anthropic,
            Endpoint::Models
            | Endpoint::Model
            | Endpoint::Probe
            | Endpoint::Public
            | Endpoint::Unknown => {
                if has_anthropic_version || path.starts_with("/v1/messages") {
                    Self::Anthropic
                } else {
                    Self::OpenAi
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
