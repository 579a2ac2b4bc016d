//! OpenAI's embeddings: <https://platform.openai.com/docs/api-reference/embeddings>.

use super::Format;
use super::Meaning::{InputTokens, Model, Once, Tokens};
use super::PLAIN_JSON;
use crate::places::About::{Are, Whose};
use crate::places::Claim::{Base64, Count};
use portcullis_policy::Role;

pub(super) const FORMAT: Format = Format {
    request: &[
        ("model", Model),
        ("input", Once),
        ("input.*", Tokens),
        ("input.*.*", Tokens),
    ],
    request_places: &[("input", Whose(Role::User)), ("dimensions", Are(Count))],
    response: &[("usage.prompt_tokens", InputTokens(0))],
    response_places: &[("usage", Are(Count)), ("data.*.embedding", Are(Base64))],
    ..PLAIN_JSON
};
