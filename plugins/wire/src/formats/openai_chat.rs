//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat>.

use super::Format;
use super::Meaning::{
    Answers, Array, AudioFormat, Channel, Choices, Completion, CompletionCap, DataUrl, Delta,
    Finish, IncludeUsage, InputTokens, Model, Once, OutputTokens, Part, Role as MessageRole,
    Stream, StreamOptions, Usage, Whole,
};
use crate::places::About::{Are, Whose};
use crate::places::Claim::{Arguments, Base64, DataUrl as Url, Id};
use portcullis_policy::Role;

pub(super) const FORMAT: Format = Format {
    request: &[
        ("model", Model),
        ("messages", Array),
        // Two names of one cap, the older one deprecated; both may come, and the upstream may honour either.
        ("max_tokens", CompletionCap),
        ("max_completion_tokens", CompletionCap),
        ("n", Choices),
        ("stream", Stream),
        ("stream_options", StreamOptions),
        ("stream_options.include_usage", IncludeUsage),
        ("tools", Once),
        ("messages.*.role", MessageRole),
        ("messages.*.content", Once),
        ("messages.*.tool_calls", Once),
        ("messages.*.tool_call_id", Once),
        ("messages.*.content.*.type", Once),
        ("messages.*.content.*.text", Part),
        ("messages.*.content.*.image_url.url", DataUrl),
        ("messages.*.content.*.file.file_data", DataUrl),
        ("messages.*.content.*.input_audio.data", Once),
        ("messages.*.content.*.input_audio.format", AudioFormat),
        ("messages.*.tool_calls.*.id", Once),
        ("messages.*.tool_calls.*.type", Once),
        ("messages.*.tool_calls.*.function.name", Once),
        ("messages.*.tool_calls.*.function.arguments", Once),
    ],
    request_places: &[
        ("tools", Whose(Role::System)),
        ("functions", Whose(Role::System)),
        ("messages.*.tool_call_id", Are(Id)),
        ("messages.*.tool_calls.*.id", Are(Id)),
        ("messages.*.tool_calls.*.function.arguments", Are(Arguments)),
        ("messages.*.function_call.arguments", Are(Arguments)),
        ("messages.*.audio.id", Are(Id)),
        ("messages.*.content.*.image_url.url", Are(Url)),
        ("messages.*.content.*.file.file_data", Are(Url)),
        ("messages.*.content.*.file.file_id", Are(Id)),
        ("messages.*.content.*.input_audio.data", Are(Base64)),
    ],
    response: &[
        ("choices.*.message", Completion),
        ("usage.prompt_tokens", InputTokens(0)),
        ("usage.completion_tokens", OutputTokens),
    ],
    response_places: &[
        ("id", Are(Id)),
        ("system_fingerprint", Are(Id)),
        ("choices.*.message.tool_calls.*.id", Are(Id)),
        (
            "choices.*.message.tool_calls.*.function.arguments",
            Are(Arguments),
        ),
        ("choices.*.message.function_call.arguments", Are(Arguments)),
        ("choices.*.message.audio.id", Are(Id)),
        ("choices.*.message.audio.data", Are(Base64)),
    ],
    event: &[
        ("id", Once),
        ("object", Once),
        ("created", Once),
        ("model", Once),
        ("service_tier", Once),
        ("system_fingerprint", Once),
        ("choices", Answers),
        ("choices.*.index", Once),
        ("choices.*.delta", Delta),
        ("choices.*.delta.role", Whole),
        ("choices.*.delta.content", Channel("content")),
        ("choices.*.delta.refusal", Channel("refusal")),
        ("choices.*.delta.tool_calls.*.index", Once),
        ("choices.*.delta.tool_calls.*.id", Whole),
        ("choices.*.delta.tool_calls.*.type", Whole),
        ("choices.*.delta.tool_calls.*.function.name", Whole),
        (
            "choices.*.delta.tool_calls.*.function.arguments",
            Channel("arguments"),
        ),
        ("choices.*.delta.function_call.name", Whole),
        ("choices.*.delta.audio.id", Whole),
        // The same text once more, token by token.
        (
            "choices.*.logprobs.content.*.token",
            Channel("logprobs.content"),
        ),
        (
            "choices.*.logprobs.refusal.*.token",
            Channel("logprobs.refusal"),
        ),
        ("choices.*.finish_reason", Finish),
        ("usage", Usage),
        ("usage.prompt_tokens", InputTokens(0)),
        ("usage.completion_tokens", OutputTokens),
    ],
    event_places: &[
        ("id", Are(Id)),
        ("system_fingerprint", Are(Id)),
        ("choices.*.delta.tool_calls.*.id", Are(Id)),
        (
            "choices.*.delta.tool_calls.*.function.arguments",
            Are(Arguments),
        ),
        ("choices.*.delta.function_call.arguments", Are(Arguments)),
        ("choices.*.delta.audio.id", Are(Id)),
        ("choices.*.delta.audio.data", Are(Base64)),
    ],
    ends: &[],
    event_names: &[],
};
