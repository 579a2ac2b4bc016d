//! What is asked and what is answered, before any API has spelled it.

use crate::script::Script;
use crate::tokens;

/// The most choices a request may ask for: OpenAI's own limit for `n`.
pub(crate) const CHOICES_MAX: u64 = 128;

/// The tool that is called when a script names none.
const DEFAULT_TOOL_NAME: &str = "get_weather";

/// What filler is made of.
const FILLER: &str = "lorem ipsum dolor sit amet ";

/// What the stub has to know of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// OpenAI's `stream_options.include_usage`.
    pub(crate) include_usage: bool,
    pub(crate) choices: u64,
    /// The cap on the tokens of each choice.
    pub(crate) max_tokens: Option<u64>,
    pub(crate) prompt_tokens: u64,
    pub(crate) last_user_text: String,
}

/// An answer; every choice says the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// Unique to the request; ids are made of it.
    pub(crate) seq: u64,
    pub(crate) model: String,
    pub(crate) choices: u64,
    /// What the model thought, where the API has a place for it (OpenAI's responses).
    pub(crate) reasoning: Option<Part>,
    pub(crate) text: Option<Part>,
    pub(crate) tool: Option<ToolCall>,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
    /// Whether the answer tells its usage.
    pub(crate) tells_usage: bool,
}

/// Text and how a stream cuts it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) text: String,
    delta_chars: Option<usize>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    pub(crate) arguments: Part,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    ToolCalls,
}

/// Tokens of a request and its answer. The cache's share is part of `prompt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_creation: u64,
}

impl Part {
    /// The text in pieces: so many characters each, else words with the space that follows them.
    pub(crate) fn deltas(&self) -> Vec<&str> {
        let mut deltas = Vec::new();
        let mut rest = self.text.as_str();
        while !rest.is_empty() {
            let end = match self.delta_chars {
                Some(chars) => rest.char_indices().nth(chars).map(|(at, _)| at),
                None => rest.find(' ').map(|at| at + 1),
            };
            let (delta, after) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or((rest, ""));
            deltas.push(delta);
            rest = after;
        }
        deltas
    }
}

/// The answer to `ask` as `script` wants it.
pub(crate) fn compose(ask: &Ask, script: &Script, seq: u64) -> Answer {
    let text = match (&script.text, script.fill_tokens, &script.tool_arguments) {
        (_, Some(count), _) => Some(filler(count)),
        (Some(text), None, _) => Some(text.clone()),
        (None, None, Some(_)) => None,
        (None, None, None) => Some(format!("Happy to help. You said: {}", ask.last_user_text)),
    };
    let name = script.tool_name.as_deref().unwrap_or(DEFAULT_TOOL_NAME);

    let mut budget = Budget::new(ask.max_tokens);
    let reasoning = script.reasoning.clone().map(|text| budget.take(text));
    let text = text.map(|text| budget.take(text));
    let tool = script
        .tool_arguments
        .clone()
        .filter(|_| budget.has_room())
        .map(|arguments| {
            budget.spend(name.len());
            (name.to_owned(), budget.take(arguments))
        });

    let finish = match (budget.exceeded, &tool) {
        (true, _) => Finish::Length,
        (false, Some(_)) => Finish::ToolCalls,
        (false, None) => Finish::Stop,
    };
    let counted = tokens::of_bytes(budget.spent).saturating_mul(ask.choices);
    let part = |text| Part {
        text,
        delta_chars: script.delta_chars,
    };
    let cache_read = script.cache_read_tokens.unwrap_or(0);
    let cache_creation = script.cache_creation_tokens.unwrap_or(0);
    Answer {
        seq,
        model: ask.model.clone(),
        choices: ask.choices,
        reasoning: reasoning.map(part),
        text: text.map(part),
        tool: tool.map(|(name, arguments)| ToolCall {
            name,
            arguments: part(arguments),
        }),
        finish,
        usage: Usage {
            prompt: script
                .prompt_tokens
                .unwrap_or(ask.prompt_tokens)
                .max(cache_read.saturating_add(cache_creation)),
            completion: script.completion_tokens.unwrap_or(counted),
            cache_read,
            cache_creation,
        },
        tells_usage: !script.usage_off,
    }
}

/// Text that counts as exactly `count` tokens.
fn filler(count: u64) -> String {
    let bytes =
        usize::try_from(count.saturating_mul(tokens::BYTES_PER_TOKEN)).unwrap_or(usize::MAX);
    FILLER.chars().cycle().take(bytes).collect()
}

/// The bytes a choice may hold under its cap of tokens.
struct Budget {
    max_bytes: Option<u64>,
    spent: u64,
    exceeded: bool,
}

impl Budget {
    fn new(max_tokens: Option<u64>) -> Budget {
        let max_bytes = max_tokens.map(|tokens| tokens.saturating_mul(tokens::BYTES_PER_TOKEN));
        Budget {
            max_bytes,
            spent: 0,
            exceeded: false,
        }
    }

    fn left(&self) -> Option<usize> {
        self.max_bytes
            .map(|max| usize::try_from(max.saturating_sub(self.spent)).unwrap_or(usize::MAX))
    }

    fn has_room(&mut self) -> bool {
        let room = self.left() != Some(0);
        self.exceeded |= !room;
        room
    }

    fn spend(&mut self, bytes: usize) {
        self.spent = self.spent.saturating_add(bytes as u64);
        if self.max_bytes.is_some_and(|max| self.spent > max) {
            self.spent = self.max_bytes.unwrap_or(self.spent);
            self.exceeded = true;
        }
    }

    /// What of `text` fits, cut between characters.
    fn take(&mut self, mut text: String) -> String {
        if let Some(left) = self.left().filter(|&left| left < text.len()) {
            text.truncate(text.floor_char_boundary(left));
            self.exceeded = true;
        }
        self.spent = self.spent.saturating_add(text.len() as u64);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(max_tokens: Option<u64>) -> Ask {
        Ask {
            model: "m".to_owned(),
            stream: false,
            include_usage: false,
            choices: 1,
            max_tokens,
            prompt_tokens: 7,
            last_user_text: "hello".to_owned(),
        }
    }

    #[test]
    fn filler_counts_exactly() {
        let script = Script {
            fill_tokens: Some(37),
            ..Script::default()
        };
        let answer = compose(&ask(None), &script, 0);
        assert_eq!((answer.usage.completion, answer.finish), (37, Finish::Stop));
    }

    proptest! {
        #[test]
        fn deltas_join_to_the_text(text in any::<String>(), chars in prop::option::of(1_usize..9)) {
            let part = Part { text, delta_chars: chars };
            let deltas = part.deltas();
            prop_assert_eq!(deltas.concat(), part.text.as_str());
            prop_assert!(deltas.iter().all(|delta| !delta.is_empty()));
        }

        #[test]
        fn no_cap_is_exceeded(text in any::<String>(), tool in prop::option::of(any::<String>()), cap in 0_u64..30) {
            let script = Script { text: Some(text.clone()), tool_arguments: tool.clone(), ..Script::default() };
            let free = compose(&ask(None), &script, 0);
            let capped = compose(&ask(Some(cap)), &script, 0);
            prop_assert!(capped.usage.completion <= cap);
            let changed = capped.text != free.text || capped.tool != free.tool;
            let ran_out = capped.finish == Finish::Length;
            // The name of a tool is not cut: a cap that it alone exceeds changes nothing else.
            prop_assert!(ran_out == changed || (ran_out && tool.is_some()));
            prop_assert!(text.starts_with(&capped.text.unwrap().text));
        }
    }
}
