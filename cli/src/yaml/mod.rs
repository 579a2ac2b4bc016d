//! YAML (and JSON, which is a part of it) with the place of everything, so that a mistake can name its line and an edit its bytes.
//!
//! Scalars mean what they mean to Envoy, which reads them with yaml-cpp: `yes` and `on` are `true` there, and whole numbers beyond 32
//! bits are strings (`source/common/protobuf/yaml_utility.cc`).

mod build;
pub(crate) mod edit;
mod scalar;

use portcullis_policy::config::Value;
use std::fmt;
use std::ops::Range;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its bytes. Of a block collection: from its first entry to the end of its last.
    pub span: Range<usize>,
    /// Line of its first byte, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    /// It stands here by `*name`: its bytes are somebody else's, too.
    pub alias: bool,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A scalar that is not a string.
    Plain(Value),
    /// A string.
    Text {
        /// What it says.
        text: String,
        /// Written as a `|` block: a line of it is a line of the file.
        literal: bool,
    },
    /// A list.
    List {
        /// Its items.
        items: Vec<Node>,
        /// Written with brackets.
        flow: bool,
    },
    /// A mapping; names are strings, whatever they look like.
    Map {
        /// Names and values in order.
        entries: Vec<(Name, Node)>,
        /// Written with braces.
        flow: bool,
    },
}

/// A name in a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    /// What it says.
    pub text: String,
    /// Its bytes.
    pub span: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
}

/// Why a text is no YAML that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for YamlError {}

/// All documents of a text.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, YamlError> {
    build::documents(text)
}

impl Node {
    /// The value of a name, when this is a mapping that has it.
    pub fn field(&self, name: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(have, _)| have.text == name)
            .map(|(_, value)| value)
    }

    /// Names and values of a mapping; nothing of anything else.
    pub fn entries(&self) -> &[(Name, Node)] {
        if let Kind::Map { entries, .. } = &self.kind {
            entries
        } else {
            &[]
        }
    }

    /// The items of a list; nothing of anything else.
    pub fn items(&self) -> &[Node] {
        if let Kind::List { items, .. } = &self.kind {
            items
        } else {
            &[]
        }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        if let Kind::Text { text, .. } = &self.kind {
            Some(text)
        } else {
            None
        }
    }

    /// The value as policies read it.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Plain(value) => value.clone(),
            Kind::Text { text, .. } => Value::String(text.clone()),
            Kind::List { items, .. } => Value::List(items.iter().map(Self::value).collect()),
            Kind::Map { entries, .. } => Value::Map(
                entries
                    .iter()
                    .map(|(name, value)| (name.text.clone(), value.value()))
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
