//! The formats that pass through the gateway: tables, and one row here for each.

mod anthropic;
mod openai_chat;
mod openai_embeddings;
mod openai_responses;

use crate::json::{NodeId, Row, Trie};
use crate::places::{About, Claim};
use portcullis_policy::Endpoint;
use std::sync::LazyLock;

/// What stands at a path of a table. A path without any meaning is still text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing but that it must not stand twice.
    Once,
    /// Of a request: whose the texts of the object around it are, those of them that stand behind it.
    Role,
    /// Part of a message: the next part goes on where it ends.
    Part,
    /// Of a request: the model. Required.
    Model,
    /// Of a request: most tokens that the answer may have. The largest counts.
    CompletionCap,
    /// Of a request: how many answers are asked for.
    Choices,
    /// Of a request: whether the answer is asked for as a stream.
    Stream,
    /// Of a request: what is asked of its stream.
    StreamOptions,
    /// Of these options: whether the stream is to tell its usage.
    IncludeUsage,
    /// Of a request: an array.
    Array,
    /// Of a request: an object that may hold something that is no text, by its two fields below.
    Blob,
    /// Of a [`Meaning::Blob`]: `text` says that it is text after all.
    BlobKind,
    /// Of a [`Meaning::Blob`]: its media type.
    BlobType,
    /// Of a [`Meaning::Blob`]: what it holds, as base64 or text.
    BlobData,
    /// Of a request: a `data:` URL, bare base64, or where something lies.
    DataUrl,
    /// Of a request: where something lies that the provider fetches.
    Remote,
    /// Of a request: the id of something that lies at the provider.
    Stored,
    /// Of a [`Meaning::Blob`]: the name of its audio format.
    AudioFormat,
    /// Of a response: tokens of the prompt; all slots together are the sum, the last value of each counts.
    InputTokens(u8),
    /// Of a response: tokens of the completion; the last value counts.
    OutputTokens,
    /// Of a response: what is below it is the completion.
    Completion,
    /// Of an event: strings below it go on in the next event, each in a channel of its own by its path and by the `index` of the
    /// objects above it.
    Delta,
    /// Of an event: a string of this channel, wherever it stands (and not by its path).
    Channel(Voice),
    /// Of an event, below [`Meaning::Delta`]: a string, or strings, that do not go on.
    Whole,
    /// Of an event: when it is not null, the channels of the object's `index` end.
    Finish,
    /// Of an event: an array of what it says of each answer.
    Answers,
    /// Of an event: an object of counts, for all answers.
    Usage,
    /// Of an event: its type, looked up in [`Format::ends`].
    Kind,
    /// The same, where it also says to which text a string belongs: `….delta` goes on, `….done` ends it.
    KindOfText,
    /// Of an event: the number of the item that it is about, which is what ends together.
    Group,
    /// Of an event: a number within that, which tells texts apart.
    Within,
    /// Of an event: its own number in the stream.
    Sequence,
    /// Of a request: what the answer would depend on, or be kept, where nobody reads it: it must not be asked for.
    Elsewhere,
    /// Of a request: one of the items that are its messages.
    Item,
    /// Of an item: its type, which says whose its texts are when it is no message.
    ItemKind,
    /// Of a request: a text, or one token of it as a number.
    Tokens,
}

/// What a string says, which tells it from other strings that go on at the same place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Voice {
    /// To the user.
    Text = b't',
    /// That it will not.
    Refusal = b'r',
    /// To a tool.
    Arguments = b'a',
    /// To itself.
    Thinking = b'k',
    /// That it was itself.
    Signature = b's',
    /// The text once more, token by token.
    Tokens = b'T',
    /// The refusal once more.
    RefusalTokens = b'R',
}

/// What an event of a certain type ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The channels of the event's `index`.
    Index,
    /// All channels.
    All,
}

/// One API's bodies, as tables.
#[derive(Debug)]
pub(crate) struct Format {
    /// Request bodies.
    pub request: &'static [Row<Meaning>],
    /// What stands where in them.
    pub request_places: &'static [Row<About>],
    /// A place in them, and others where the same may stand: below each first one, at its key.
    pub request_again: Option<(&'static str, &'static [(&'static str, &'static str)])>,
    /// Response bodies.
    pub response: &'static [Row<Meaning>],
    /// What stands where in them.
    pub response_places: &'static [Row<About>],
    /// The JSON of one event of a streamed response.
    pub event: &'static [Row<Meaning>],
    /// What stands where in it.
    pub event_places: &'static [Row<About>],
    /// Types of events that end something.
    pub ends: &'static [(&'static str, Ends)],
    /// Names of events (`event:` lines) that are not worth reading.
    pub event_names: &'static [&'static str],
    /// Its streams say what they said once more: as [`Repeats`] says.
    pub repeats: Option<&'static Repeats>,
}

/// How the events of a stream repeat parts of the document that the answer would otherwise have been.
#[derive(Debug)]
pub(crate) struct Repeats {
    /// The key of the whole document.
    pub whole: &'static str,
    /// Keys of its parts, and where these stand in it.
    pub parts: &'static [(&'static str, &'static str)],
}

/// A format with its tables compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// What only [`Compiled::of`] reads.
    format: &'static Format,
    /// Of request bodies.
    pub request: Trie<Meaning>,
    /// Of response bodies.
    pub response: Trie<Meaning>,
    /// Of events.
    pub event: Trie<Meaning>,
}

impl Compiled {
    fn new(format: &'static Format) -> Self {
        let mut event = Trie::new(format.event, format.event_places);
        if let Some(Repeats { whole, parts }) = format.repeats {
            let root = event.below(NodeId::ROOT, whole);
            event.add(root, format.response, format.response_places);
            for (key, path) in *parts {
                let place = event.below(root, path);
                event.alias(NodeId::ROOT, key, place);
            }
        }
        let mut request = Trie::new(format.request, format.request_places);
        if let Some((place, again)) = format.request_again {
            let place = request.below(NodeId::ROOT, place);
            for (path, key) in again {
                let of = request.below(NodeId::ROOT, path);
                request.alias(of, key, place);
            }
        }
        Self {
            format,
            request,
            response: Trie::new(format.response, format.response_places),
            event,
        }
    }

    /// The tables as they are written.
    pub(crate) const fn format(&self) -> &'static Format {
        self.format
    }

    /// The format that an endpoint speaks: the format table. Endpoints of no API in particular have texts, and no other meaning.
    pub(crate) fn of(endpoint: Endpoint) -> &'static Self {
        static OPENAI_CHAT: LazyLock<Compiled> =
            LazyLock::new(|| Compiled::new(&openai_chat::FORMAT));
        static OPENAI_RESPONSES: LazyLock<Compiled> =
            LazyLock::new(|| Compiled::new(&openai_responses::FORMAT));
        static OPENAI_EMBEDDINGS: LazyLock<Compiled> =
            LazyLock::new(|| Compiled::new(&openai_embeddings::FORMAT));
        static ANTHROPIC: LazyLock<Compiled> =
            LazyLock::new(|| Compiled::new(&anthropic::MESSAGES));
        static ANTHROPIC_COUNT: LazyLock<Compiled> =
            LazyLock::new(|| Compiled::new(&anthropic::COUNT_TOKENS));
        static MODELS: LazyLock<Compiled> = LazyLock::new(|| Compiled::new(&self::MODELS));
        static PLAIN: LazyLock<Compiled> = LazyLock::new(|| Compiled::new(&PLAIN_JSON));
        match endpoint {
            Endpoint::OpenAiChat => &OPENAI_CHAT,
            Endpoint::OpenAiResponses => &OPENAI_RESPONSES,
            Endpoint::OpenAiEmbeddings => &OPENAI_EMBEDDINGS,
            Endpoint::AnthropicMessages => &ANTHROPIC,
            Endpoint::AnthropicCountTokens => &ANTHROPIC_COUNT,
            Endpoint::Model | Endpoint::Models => &MODELS,
            Endpoint::Probe | Endpoint::Public | Endpoint::Unknown => &PLAIN,
        }
    }
}

/// JSON of which nothing is known.
const PLAIN_JSON: Format = Format {
    request: &[],
    request_places: &[],
    request_again: None,
    response: &[],
    response_places: &[],
    event: &[],
    event_places: &[],
    ends: &[],
    event_names: &[],
    repeats: None,
};

/// Models: a list of them (<https://platform.openai.com/docs/api-reference/models>), or one. A request whose path names one is read as if a body
/// did ([`crate::RequestReader::read_path`]).
const MODELS: Format = Format {
    request: &[("model", Meaning::Model)],
    response_places: &[
        ("created", About::Are(Claim::Count)),
        ("data.*.created", About::Are(Claim::Count)),
    ],
    ..PLAIN_JSON
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit() {
        for format in [
            &openai_chat::FORMAT,
            &openai_responses::FORMAT,
            &openai_embeddings::FORMAT,
            &anthropic::MESSAGES,
            &anthropic::COUNT_TOKENS,
            &MODELS,
        ] {
            for (table, places) in [
                (format.request, format.request_places),
                (format.response, format.response_places),
                (format.event, format.event_places),
            ] {
                let paths = whole(table);
                let places: Vec<_> = whole(places)
                    .into_iter()
                    .zip(places)
                    .map(|(path, (_, about))| (path, matches!(about, About::Whose(_))))
                    .collect();
                assert_eq!(apart(&paths), paths.len(), "a path stands twice");
                assert_eq!(apart(&places), places.len(), "a place stands twice");
            }
            let compiled = Compiled::new(format);
            for trie in [&compiled.request, &compiled.response, &compiled.event] {
                assert!(trie.keys_most() <= crate::json::KEYS_MAX);
            }
        }
    }

    fn apart<T: Ord>(all: &[T]) -> usize {
        all.iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The paths of a table, written out.
    fn whole<T>(table: &[Row<T>]) -> Vec<String> {
        let mut common = "";
        let paths = table.iter().map(|(path, _)| match path.split_once(':') {
            None => (*path).to_owned(),
            Some((before, rest)) => {
                common = if before.is_empty() { common } else { before };
                format!("{common}.{rest}")
            }
        });
        paths.collect()
    }
}
