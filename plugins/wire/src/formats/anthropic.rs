//! Anthropic's messages: <https://docs.anthropic.com/en/api/messages>, and their streams:
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use super::Meaning::{
    Array, Blob, BlobData, BlobKind, BlobType, Channel, Completion, CompletionCap, Delta,
    InputTokens, Kind, Model, Once, OutputTokens, Part, Remote, Role as MessageRole, Stored,
    Stream, Whole,
};
use super::{Ends, Format, Voice};
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
    ("system.*:type", Once),
    (":text", Part),
    ("tools", Once),
    ("messages.*:role", MessageRole),
    (":content", Once),
    ("messages.*.content.*:type", Once),
    (":text", Part),
    (":input", Once),
    (":thinking", Once),
    (":signature", Once),
    (":source", Blob),
    (":source.type", BlobKind),
    (":source.media_type", BlobType),
    (":source.data", BlobData),
    (":source.url", Remote),
    (":source.file_id", Stored),
    (":file_id", Stored),
    (":content", Once),
];

/// A block of a message, and where it holds blocks of its own: results of tools and of searches, what was fetched, documents made of blocks.
const BLOCK: &str = "messages.*.content.*";
const WITHIN: &[(&str, &str)] = &[
    ("messages.*.content.*.content", "*"),
    ("messages.*.content.*.content", "content"),
    ("messages.*.content.*.source.content", "*"),
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
    ("messages.*.content.*:id", Are(Id)),
    (":input", Are(Arguments)),
    (":signature", Are(Base64)),
    // Thinking that only its model can read.
    (":data", Are(Base64)),
    (":source.data", Are(Base64)),
    (":source.file_id", Are(Id)),
    (":file_id", Are(Id)),
    (":tool_use_id", Are(Id)),
    (":content", Whose(Role::Tool)),
];

pub(super) const MESSAGES: Format = Format {
    request: REQUEST,
    request_places: REQUEST_PLACES,
    request_again: Some((BLOCK, WITHIN)),
    response: &[
        ("content", Completion),
        ("content.*.text", Part),
        ("usage:input_tokens", InputTokens(0)),
        (":cache_creation_input_tokens", InputTokens(1)),
        (":cache_read_input_tokens", InputTokens(2)),
        (":output_tokens", OutputTokens),
    ],
    response_places: &[
        ("id", Are(Id)),
        ("usage", Are(Count)),
        ("content.*:id", Are(Id)),
        (":input", Are(Arguments)),
        (":signature", Are(Base64)),
        (":data", Are(Base64)),
    ],
    event: &[
        ("type", Kind),
        ("index", Once),
        // A block may begin with text already; clients put the deltas behind it.
        ("content_block:text", Channel(Voice::Text)),
        (":thinking", Channel(Voice::Thinking)),
        (":signature", Channel(Voice::Signature)),
        ("delta", Delta),
        ("delta:type", Whole),
        (":text", Channel(Voice::Text)),
        (":thinking", Channel(Voice::Thinking)),
        (":signature", Channel(Voice::Signature)),
        (":partial_json", Channel(Voice::Arguments)),
        (":citation", Whole),
        (":stop_reason", Whole),
        (":stop_sequence", Whole),
        ("message.usage:input_tokens", InputTokens(0)),
        (":cache_creation_input_tokens", InputTokens(1)),
        (":cache_read_input_tokens", InputTokens(2)),
        (":output_tokens", OutputTokens),
        ("usage:input_tokens", InputTokens(0)),
        (":cache_creation_input_tokens", InputTokens(1)),
        (":cache_read_input_tokens", InputTokens(2)),
        (":output_tokens", OutputTokens),
    ],
    event_places: &[
        ("usage", Are(Count)),
        ("message:usage", Are(Count)),
        (":id", Are(Id)),
        ("content_block:id", Are(Id)),
        (":input", Are(Arguments)),
        (":signature", Are(Base64)),
        (":data", Are(Base64)),
        ("delta:signature", Are(Base64)),
        (":partial_json", Are(Arguments)),
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
    repeats: None,
};

/// The answer counts tokens that nobody spends.
pub(super) const COUNT_TOKENS: Format = Format {
    request: REQUEST,
    request_places: REQUEST_PLACES,
    request_again: Some((BLOCK, WITHIN)),
    response: &[],
    response_places: &[("input_tokens", Are(Count))],
    event: &[],
    event_places: &[],
    ends: &[],
    event_names: &[],
    repeats: None,
};
