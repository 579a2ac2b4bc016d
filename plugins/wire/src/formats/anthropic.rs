//! Anthropic's messages: <https://docs.anthropic.com/en/api/messages>, and their streams:
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use super::Meaning::{
    Array, Blob, BlobData, BlobKind, BlobType, Channel, Completion, CompletionCap, Delta,
    InputTokens, Kind, Model, Once, OutputTokens, Part, Role as MessageRole, Stream, Whole,
};
use super::{Ends, Format};
use crate::formats::Meaning;
use crate::json::Row;
use crate::places::About::{self, Are, Whose};
use crate::places::Claim::{Arguments, Base64, Count, Id, Schema};
use portcullis_policy::Role;

/// Count tokens takes the same body as messages does.
const REQUEST: &[Row<Meaning>] = &[
    ("model", Model),
    ("messages", Array),
    ("max_tokens", CompletionCap),
    ("stream", Stream),
    ("system", Once),
    ("system.*.type", Once),
    ("system.*.text", Part),
    ("tools", Once),
    ("messages.*.role", MessageRole),
    ("messages.*.content", Once),
    ("messages.*.content.*.type", Once),
    ("messages.*.content.*.text", Part),
    ("messages.*.content.*.input", Once),
    ("messages.*.content.*.thinking", Once),
    ("messages.*.content.*.signature", Once),
    ("messages.*.content.*.source", Blob),
    ("messages.*.content.*.source.type", BlobKind),
    ("messages.*.content.*.source.media_type", BlobType),
    ("messages.*.content.*.source.data", BlobData),
    // Tool results hold blocks of their own.
    ("messages.*.content.*.content", Once),
    ("messages.*.content.*.content.*.type", Once),
    ("messages.*.content.*.content.*.text", Part),
    ("messages.*.content.*.content.*.source", Blob),
    ("messages.*.content.*.content.*.source.type", BlobKind),
    ("messages.*.content.*.content.*.source.media_type", BlobType),
    ("messages.*.content.*.content.*.source.data", BlobData),
];

const REQUEST_PLACES: &[Row<About>] = &[
    ("tools", Are(Schema)),
    ("output_format", Are(Schema)),
    ("output_config", Are(Schema)),
    ("max_tokens", Are(Count)),
    ("temperature", Are(Count)),
    ("top_p", Are(Count)),
    ("top_k", Are(Count)),
    ("thinking.budget_tokens", Are(Count)),
    ("system", Whose(Role::System)),
    ("tools", Whose(Role::System)),
    ("messages.*.content.*.id", Are(Id)),
    ("messages.*.content.*.input", Are(Arguments)),
    ("messages.*.content.*.signature", Are(Base64)),
    // Thinking that only its model can read.
    ("messages.*.content.*.data", Are(Base64)),
    ("messages.*.content.*.source.data", Are(Base64)),
    ("messages.*.content.*.tool_use_id", Are(Id)),
    ("messages.*.content.*.content", Whose(Role::Tool)),
    ("messages.*.content.*.content.*.source.data", Are(Base64)),
];

pub(super) const MESSAGES: Format = Format {
    request: REQUEST,
    request_places: REQUEST_PLACES,
    response: &[
        ("content", Completion),
        ("content.*.text", Part),
        ("usage.input_tokens", InputTokens(0)),
        ("usage.cache_creation_input_tokens", InputTokens(1)),
        ("usage.cache_read_input_tokens", InputTokens(2)),
        ("usage.output_tokens", OutputTokens),
    ],
    response_places: &[
        ("id", Are(Id)),
        ("usage", Are(Count)),
        ("content.*.id", Are(Id)),
        ("content.*.input", Are(Arguments)),
        ("content.*.signature", Are(Base64)),
        ("content.*.data", Are(Base64)),
    ],
    event: &[
        ("type", Kind),
        ("index", Once),
        // A block may begin with text already; clients put the deltas behind it.
        ("content_block.text", Channel("text")),
        ("content_block.thinking", Channel("thinking")),
        ("content_block.signature", Channel("signature")),
        ("delta", Delta),
        ("delta.type", Whole),
        ("delta.text", Channel("text")),
        ("delta.thinking", Channel("thinking")),
        ("delta.signature", Channel("signature")),
        ("delta.partial_json", Channel("partial_json")),
        ("delta.citation", Whole),
        ("delta.stop_reason", Whole),
        ("delta.stop_sequence", Whole),
        ("message.usage.input_tokens", InputTokens(0)),
        ("message.usage.cache_creation_input_tokens", InputTokens(1)),
        ("message.usage.cache_read_input_tokens", InputTokens(2)),
        ("message.usage.output_tokens", OutputTokens),
        ("usage.input_tokens", InputTokens(0)),
        ("usage.cache_creation_input_tokens", InputTokens(1)),
        ("usage.cache_read_input_tokens", InputTokens(2)),
        ("usage.output_tokens", OutputTokens),
    ],
    event_places: &[
        ("usage", Are(Count)),
        ("message.usage", Are(Count)),
        ("message.id", Are(Id)),
        ("content_block.id", Are(Id)),
        ("content_block.input", Are(Arguments)),
        ("content_block.signature", Are(Base64)),
        ("content_block.data", Are(Base64)),
        ("delta.signature", Are(Base64)),
        ("delta.partial_json", Are(Arguments)),
    ],
    ends: &[
        ("content_block_stop", Ends::Index),
        ("message_stop", Ends::All),
    ],
    event_names: &[
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    ],
};

/// The answer counts tokens that nobody spends.
pub(super) const COUNT_TOKENS: Format = Format {
    request: REQUEST,
    request_places: REQUEST_PLACES,
    response: &[],
    response_places: &[("input_tokens", Are(Count))],
    event: &[],
    event_places: &[],
    ends: &[],
    event_names: &[],
};
