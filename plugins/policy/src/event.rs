//! What happens in an exchange, as policies see it: meaning, never a wire format.

use crate::{Attribute, Refusal, Text};
use std::net::IpAddr;

/// Which guarded API was called. Decides how refusals are spelled and where texts, caps and usage stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /v1/chat/completions` of OpenAI.
    OpenAiChat,
    /// `POST /v1/responses` of OpenAI.
    OpenAiResponses,
    /// `POST /v1/embeddings` of OpenAI: there is no completion.
    OpenAiEmbeddings,
    /// `POST /v1/messages` of Anthropic.
    AnthropicMessages,
    /// `POST /v1/messages/count_tokens` of Anthropic: text leaves, no tokens are spent.
    AnthropicCountTokens,
    /// `GET /v1/models` of both: needs a key, has no body.
    Models,
    /// `GET /v1/models/{id}` of both: what the provider says of one model, which the path names.
    Model,
    /// `HEAD /` and `GET /`: Claude Code's probe.
    Probe,
    /// One of the policy's `public_paths`: reachable without a key.
    Public,
    /// Nothing that this gateway guards.
    Unknown,
}

impl Endpoint {
    /// Whether a request names the model that it wants, so that the caller's right to it can be asked.
    #[must_use]
    pub const fn names_model(self) -> bool {
        self.takes_prompt() || matches!(self, Self::Model)
    }

    /// Whether a request has a body that goes to a model.
    #[must_use]
    pub const fn takes_prompt(self) -> bool {
        self.spends_tokens() || matches!(self, Self::AnthropicCountTokens)
    }

    /// Whether a request can ask for what the provider kept of earlier calls, whoever made them. Only its body says so.
    #[must_use]
    pub const fn continues_calls(self) -> bool {
        matches!(self, Self::OpenAiResponses)
    }

    /// Whether a call spends tokens.
    #[must_use]
    pub const fn spends_tokens(self) -> bool {
        matches!(
            self,
            Self::OpenAiChat
                | Self::OpenAiResponses
                | Self::OpenAiEmbeddings
                | Self::AnthropicMessages
        )
    }
}

/// The request line, the headers that policies may read, and where the request comes from.
#[derive(Debug, Clone)]
pub struct RequestHead<'a> {
    /// Which API.
    pub endpoint: Endpoint,
    /// `:method`.
    pub method: &'a str,
    /// `:path` without the query string, which may hold secrets.
    pub path: &'a str,
    /// The peer's address as Envoy trusts it; `None` when there is none that can be read.
    pub source: Option<IpAddr>,
    /// What the proxy verified about the caller, of what policies asked for; a list's items stand one after the other.
    pub attributes: &'a [(Attribute, String)],
    /// All header fields in order, names in lower case, values as they came (any bytes).
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The client asks for another protocol (`upgrade`, `CONNECT`).
    pub upgrade: bool,
}

impl<'a> RequestHead<'a> {
    /// Every value of a header field.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(have, _)| *have == name)
            .map(|(_, value)| *value)
    }

    /// Every value of an attribute.
    pub fn attribute(&self, wanted: &Attribute) -> impl Iterator<Item = &'a str> {
        self.attributes
            .iter()
            .filter(move |(have, _)| have == wanted)
            .map(|(_, value)| value.as_str())
    }
}

/// What the request asks for. Known when its body has been read; all empty for a request without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestMeaning {
    /// The model as it stands in the body.
    pub model: Option<String>,
    /// Most tokens that the answer may have: the largest cap named, times the number of choices.
    pub completion_tokens_max: Option<u64>,
    /// How many answers are asked for; 0 where the request does not say, which means one.
    pub choices: u64,
    /// The answer is asked for as a stream.
    pub stream: bool,
    /// Bytes of all text, unescaped: what a prompt's tokens are estimated from.
    pub text_bytes: u64,
    /// Bytes of pictures as they are written (base64), where all files of the request are pictures; else they are among `text_bytes`.
    pub picture_bytes: u64,
    /// Media types of parts that hold no text (an image, audio), named but not scanned.
    pub unscanned: Vec<String>,
}

/// The response line and what its body will be.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead {
    /// HTTP status.
    pub status: u16,
    /// It comes as server-sent events.
    pub stream: bool,
    /// It did not come from the provider: another module or the proxy itself answered.
    pub local: bool,
}

/// Tokens of an exchange as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt, cached ones included.
    pub input: u64,
    /// Of the completion.
    pub output: u64,
}

/// What the response was. Known when its body has been read to its end, or was cut off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseMeaning {
    /// HTTP status.
    pub status: u16,
    /// The provider's own count, when it sent one.
    pub usage: Option<Usage>,
    /// Bytes of all text of the completion that were seen, unescaped: an estimate where `usage` is missing.
    pub text_bytes: u64,
    /// The body came to its end.
    pub complete: bool,
}

impl ResponseMeaning {
    /// Of a response whose body nobody read, or that has none.
    #[must_use]
    pub fn unread(status: u16, complete: bool) -> Self {
        Self {
            status,
            complete,
            ..Self::default()
        }
    }
}

/// One step of an exchange.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Request line and headers.
    RequestHead(&'a RequestHead<'a>),
    /// A piece of a text of the request.
    RequestText(Text<'a>),
    /// All of the request is known; it leaves when nobody refuses.
    RequestEnd(&'a RequestMeaning),
    /// Somebody refused: this module, or another filter of the same proxy. What was taken for this request goes back.
    Refused(&'a Refusal),
    /// Status and kind of the response.
    ResponseHead(&'a ResponseHead),
    /// A piece of a text of the response.
    ResponseText(Text<'a>),
    /// The response's body ended, or will not go on.
    ResponseEnd(&'a ResponseMeaning),
    /// The exchange is over. Once, last, always. `status` is what the client got, 0 when it got nothing or no policy's interest is in it
    /// ([`Interest::end_status`](crate::Interest::end_status)).
    End {
        /// HTTP status that the client got; 0 when the client went first.
        status: u16,
    },
}
