//! Edits of a text that leave every other byte where it is: comments, order, style and all.
//!
//! Each answers one replacement. Whoever makes it reads the text again and compares what it means now with what it should mean; what
//! cannot be edited here in this way is then said, not done.

use super::{Kind, Name, Node, scalar};
use portcullis_policy::config::Value;
use std::ops::Range;

/// Bytes of a text and what stands there instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    range: Range<usize>,
    replacement: String,
}

impl Edit {
    const fn insert(at: usize, replacement: String) -> Self {
        Self {
            range: at..at,
            replacement,
        }
    }

    /// The text with this done.
    pub fn apply(&self, text: &str) -> Option<String> {
        let (before, after) = (text.get(..self.range.start)?, text.get(self.range.end..)?);
        Some([before, &self.replacement, after].concat())
    }
}

/// A text that is edited, and its style.
#[derive(Clone, Copy)]
pub(crate) struct Editor<'a> {
    text: &'a str,
    /// It is JSON: names and strings in quotation marks.
    json: bool,
}

impl<'a> Editor<'a> {
    pub fn new(text: &'a str) -> Self {
        let json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        Self { text, json }
    }

    /// A field of a mapping has this value from now on.
    pub fn set_field(self, map: &Node, name: &str, value: &Value) -> Edit {
        match map.field(name) {
            Some(old) => Edit {
                range: old.span.clone(),
                replacement: self.flow(value),
            },
            None => self.add_field(map, name, value),
        }
    }

    /// One more item of a list, written like the last one.
    pub fn push(self, items: &[Node], list: &Node, flow: bool, value: &Value) -> Edit {
        let Some(last) = items.last() else {
            return Edit {
                range: list.span.clone(),
                replacement: format!("[{}]", self.flow(value)),
            };
        };
        if flow {
            let separator = if self.begins_line(last.span.start) {
                format!(",\n{}", self.indent(last.span.start))
            } else {
                ", ".to_owned()
            };
            return Edit::insert(last.span.end, separator + &self.flow(value));
        }
        let indent = self.dash_indent(last, list);
        let item = match (&last.kind, value) {
            (Kind::Map { flow: false, .. }, Value::Map(fields)) => {
                let lines = fields.iter().map(|(name, value)| self.field(name, value));
                lines.collect::<Vec<_>>().join(&format!("\n{indent}  "))
            }
            _ => self.flow(value),
        };
        Edit::insert(self.line_end(last.span.end), format!("\n{indent}- {item}"))
    }

    fn add_field(self, map: &Node, name: &str, value: &Value) -> Edit {
        let (entries, flow): (&[(Name, Node)], bool) = match &map.kind {
            Kind::Map { entries, flow } => (entries, *flow),
            Kind::Plain(_) | Kind::Text { .. } | Kind::List { .. } => (&[], true),
        };
        let (Some((first, _)), Some((last, last_value))) = (entries.first(), entries.last()) else {
            return Edit {
                range: map.span.clone(),
                replacement: format!("{{ {} }}", self.field(name, value)),
            };
        };
        if flow {
            let separator = if self.begins_line(last.span.start) {
                format!(",\n{}", self.indent(last.span.start))
            } else {
                ", ".to_owned()
            };
            return Edit::insert(last_value.span.end, separator + &self.field(name, value));
        }
        let indent = self.indent(first.span.start);
        let field = match value {
            Value::List(items) if !items.is_empty() => {
                let items = items
                    .iter()
                    .map(|item| format!("\n{indent}  - {}", self.flow(item)));
                format!("{name}:{}", items.collect::<String>())
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Map(_) => self.field(name, value),
        };
        Edit::insert(
            self.line_end(last_value.span.end),
            format!("\n{indent}{field}"),
        )
    }

    fn field(self, name: &str, value: &Value) -> String {
        let name = if self.json {
            quoted(name)
        } else {
            name.to_owned()
        };
        format!("{name}: {}", self.flow(value))
    }

    /// A value in one line.
    fn flow(self, value: &Value) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) if self.json || !is_plain(text) => quoted(text),
            Value::String(text) => text.clone(),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Value::Map(entries) => {
                let fields = entries.iter().map(|(name, value)| self.field(name, value));
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The spaces before the dashes of a list. A list may stand no deeper than the name that it belongs to; the parser then shows it
    /// elsewhere, its items where they are.
    fn dash_indent(self, last: &Node, list: &Node) -> String {
        let before = self.before(last.span.start).trim_end();
        if before.ends_with('-') {
            " ".repeat(before.chars().count() - 1)
        } else {
            self.indent(list.span.start)
        }
    }

    /// As many spaces as stand before a byte in its line, other characters counted as one.
    fn indent(self, at: usize) -> String {
        " ".repeat(self.before(at).chars().count())
    }

    fn begins_line(self, at: usize) -> bool {
        self.before(at).trim().is_empty()
    }

    /// The line of a byte up to it.
    fn before(self, at: usize) -> &'a str {
        let text = self.text.get(..at).unwrap_or_default();
        text.rsplit('\n').next().unwrap_or_default()
    }

    /// Where the line of a byte ends. Where that byte already begins a line (a block scalar ended before it): the end of the line before.
    fn line_end(self, at: usize) -> usize {
        let at = if self.text.get(..at).is_some_and(|text| text.ends_with('\n')) {
            at - 1
        } else {
            at
        };
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.find('\n').unwrap_or(rest.len())
    }
}

/// Whether a string may stand without quotation marks: it reads as itself, in flow style, too. Digests never do, since one in a few
/// billion reads as a number.
fn is_plain(text: &str) -> bool {
    const PLAIN_BYTES_MAX: usize = 63;
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let mark = |b: u8| b.is_ascii_alphanumeric() || b"-_.@/+:".contains(&b);
    begins
        && text.len() <= PLAIN_BYTES_MAX
        && text.bytes().all(mark)
        && !text.ends_with(':')
        && scalar::plain(text) == Value::String(text.to_owned())
}

/// A string in quotation marks, as JSON and so YAML has it.
fn quoted(text: &str) -> String {
    // A string always serializes.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn item() -> Value {
        let string = |text: &str| Value::String(text.into());
        Value::Map(vec![
            ("id".into(), string("new")),
            ("user".into(), string("a b")),
            ("revoked".into(), Value::Bool(false)),
        ])
    }

    /// The text with one more item in `keys`, which must then mean just that.
    fn pushed(text: &str) -> String {
        let documents = parse(text).unwrap();
        let list = documents[0].field("keys").unwrap();
        let Kind::List { items, flow } = &list.kind else {
            panic!("no list")
        };
        let edited = Editor::new(text)
            .push(items, list, *flow, &item())
            .apply(text)
            .unwrap();
        let now = parse(&edited).unwrap_or_else(|error| panic!("{error}\n{edited}"));
        let items = now[0].field("keys").unwrap().items().to_vec();
        assert_eq!(items.last().unwrap().value(), item(), "{edited}");
        edited
    }

    #[test]
    fn an_item_is_written_like_the_last_one() {
        for (text, expected) in [
            (
                "keys:   # all\n  - id: a   # é\n    user: x   # who\n\n# end\nb: 1\n",
                "keys:   # all\n  - id: a   # é\n    user: x   # who\n  - id: new\n    user: \"a b\"\n    revoked: false\n\n# end\nb: 1\n",
            ),
            (
                "keys:\n- { id: a }   # é\nb: 1",
                "keys:\n- { id: a }   # é\n- { id: new, user: \"a b\", revoked: false }\nb: 1",
            ),
            (
                "keys: [{ id: a }] # x",
                "keys: [{ id: a }, { id: new, user: \"a b\", revoked: false }] # x",
            ),
            (
                "keys: [\n  { id: a },   # first\n]\n",
                "keys: [\n  { id: a },\n  { id: new, user: \"a b\", revoked: false },   # first\n]\n",
            ),
            (
                "keys: []   # none\n",
                "keys: [{ id: new, user: \"a b\", revoked: false }]   # none\n",
            ),
            (
                "{\"keys\": [{\"id\": \"a\"}]}",
                "{\"keys\": [{\"id\": \"a\"}, { \"id\": \"new\", \"user\": \"a b\", \"revoked\": false }]}",
            ),
            (
                "keys:\n  - id: a\n    note: |\n      text\n\nb: 1\n",
                "keys:\n  - id: a\n    note: |\n      text\n\n  - id: new\n    user: \"a b\"\n    revoked: false\nb: 1\n",
            ),
        ] {
            assert_eq!(pushed(text), expected);
        }
    }

    #[test]
    fn a_field_is_set_where_it_is_or_added_at_the_end() {
        for (text, expected) in [
            (
                "a: 1\nb: x   # why\nc: 2\n",
                "a: 1\nb: true   # why\nc: 2\n",
            ),
            ("a: 1   # one\n# two\n", "a: 1   # one\nb: true\n# two\n"),
            ("{ a: 1 }   # é", "{ a: 1, b: true }   # é"),
            ("{\"a\": 1, \"b\": \"x\"}", "{\"a\": 1, \"b\": true}"),
            ("{}", "{ b: true }"),
            ("a:\n  - 1\n  - 2 # x", "a:\n  - 1\n  - 2 # x\nb: true"),
        ] {
            let node = &parse(text).unwrap()[0];
            let edited = Editor::new(text)
                .set_field(node, "b", &Value::Bool(true))
                .apply(text)
                .unwrap();
            assert_eq!(
                edited,
                if text == "{}" {
                    "{ \"b\": true }"
                } else {
                    expected
                }
            );
            assert_eq!(
                parse(&edited).unwrap()[0].field("b").unwrap().value(),
                Value::Bool(true)
            );
        }
    }

    #[test]
    fn strings_that_read_as_something_else_are_quoted() {
        let flow = |text: &str| Editor::new("a: b").flow(&Value::String(text.into()));
        for text in ["john.doe@company.com", "2026-01-01T00:00:00Z", "eng-team"] {
            assert_eq!(flow(text), text);
        }
        for text in [
            "no",
            "17",
            "a b",
            "#x",
            "a: b",
            "",
            "-",
            "a,b",
            "1e5",
            &"5".repeat(64),
        ] {
            assert_eq!(flow(text), format!("{text:?}"));
        }
    }
}
