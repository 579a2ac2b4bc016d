//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat>.

use super::Format;
use super::Meaning::{
    Array, AudioFormat, Channel, Choices, Completion, CompletionCap, DataUrl, Delta, Finish,
    InputTokens, Model, Once, OutputTokens, Stream, Whole,
};

pub(super) const FORMAT: Format = Format {
    request: &[
        ("model", Model),
        ("messages", Array),
        // Two names of one cap, the older one deprecated; both may come, and the upstream may honour either.
        ("max_tokens", CompletionCap),
        ("max_completion_tokens", CompletionCap),
        ("n", Choices),
        ("stream", Stream),
        ("stream_options", Once),
        ("tools", Once),
        ("messages.*.role", Once),
        ("messages.*.content", Once),
        ("messages.*.tool_calls", Once),
        ("messages.*.tool_call_id", Once),
        ("messages.*.content.*.type", Once),
        ("messages.*.content.*.text", Once),
        ("messages.*.content.*.image_url.url", DataUrl),
        ("messages.*.content.*.file.file_data", DataUrl),
        ("messages.*.content.*.input_audio.data", Once),
        ("messages.*.content.*.input_audio.format", AudioFormat),
        ("messages.*.tool_calls.*.id", Once),
        ("messages.*.tool_calls.*.type", Once),
        ("messages.*.tool_calls.*.function.name", Once),
        ("messages.*.tool_calls.*.function.arguments", Once),
    ],
    response: &[
        ("choices.*.message", Completion),
        ("usage.prompt_tokens", InputTokens(0)),
        ("usage.completion_tokens", OutputTokens),
    ],
    event: &[
        ("id", Once),
        ("object", Once),
        ("created", Once),
        ("model", Once),
        ("service_tier", Once),
        ("system_fingerprint", Once),
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
        ("usage.prompt_tokens", InputTokens(0)),
        ("usage.completion_tokens", OutputTokens),
    ],
    ends: &[],
    event_names: &[],
};
