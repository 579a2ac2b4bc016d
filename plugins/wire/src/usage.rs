//! Tokens as the provider counts them.

use crate::document::{Observe, Value};
use crate::formats::Meaning;
use crate::json::Malformed;
use portcullis_policy::Usage;

/// Kinds of prompt tokens that APIs count apart from each other: plain, written to a cache, read from it.
const INPUT_SLOTS: usize = 3;

/// What was counted so far. Later counts of a kind replace earlier ones: in streams they are cumulative.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UsageCount {
    input: [Option<u64>; INPUT_SLOTS],
    output: Option<u64>,
}

impl UsageCount {
    /// The sums; `None` when the provider said nothing.
    pub(crate) fn sum(&self) -> Option<Usage> {
        if self.output.is_none() && self.input.iter().all(Option::is_none) {
            return None;
        }
        let input = self
            .input
            .iter()
            .flatten()
            .fold(0u64, |sum, tokens| sum.saturating_add(*tokens));
        Some(Usage {
            input,
            output: self.output.unwrap_or_default(),
        })
    }
}

impl Observe for UsageCount {
    /// A count that is no count is passed over: whoever needs one estimates it.
    fn value(&mut self, meaning: Meaning, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Number(text) = value else {
            return Ok(());
        };
        let Ok(tokens) = text.parse() else {
            return Ok(());
        };
        match meaning {
            Meaning::InputTokens(slot) => {
                if let Some(count) = self.input.get_mut(usize::from(slot)) {
                    *count = Some(tokens);
                }
            }
            Meaning::OutputTokens => self.output = Some(tokens),
            Meaning::Once
            | Meaning::Part
            | Meaning::BlobData
            | Meaning::Role
            | Meaning::Model
            | Meaning::CompletionCap
            | Meaning::Choices
            | Meaning::Stream
            | Meaning::StreamOptions
            | Meaning::IncludeUsage
            | Meaning::Answers
            | Meaning::Usage
            | Meaning::Array
            | Meaning::Blob
            | Meaning::BlobKind
            | Meaning::BlobType
            | Meaning::DataUrl
            | Meaning::Remote
            | Meaning::Stored
            | Meaning::AudioFormat
            | Meaning::Completion
            | Meaning::Delta
            | Meaning::Channel(_)
            | Meaning::Whole
            | Meaning::Finish
            | Meaning::Kind
            | Meaning::KindOfText
            | Meaning::Group
            | Meaning::Within
            | Meaning::Sequence
            | Meaning::Elsewhere
            | Meaning::Item
            | Meaning::ItemKind
            | Meaning::Tokens => {}
        }
        Ok(())
    }
}
