//! Builds nodes from the parser's events.

use super::scalar;
use super::{Kind, Name, Node, YamlError};
use portcullis_policy::config::{DEPTH_MAX, Value};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Most nodes of a text, aliases written out. Protects from a few lines of aliases that mean gigabytes.
const NODES_MAX: usize = 1_000_000;

/// All documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut builder = Builder {
        offsets: Offsets::of(text),
        text,
        open: Vec::new(),
        documents: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| no_yaml(&error))?;
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

fn no_yaml(error: &ScanError) -> YamlError {
    YamlError {
        line: error.marker().line(),
        message: error.info().to_owned(),
    }
}

/// From the parser's positions, which count characters, to bytes.
enum Offsets {
    /// They are the same.
    Ascii,
    /// The byte at which each character begins, and the end.
    Table(Vec<usize>),
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            Self::Ascii
        } else {
            let begins = text.char_indices().map(|(at, _)| at);
            Self::Table(begins.chain([text.len()]).collect())
        }
    }

    fn byte(&self, index: usize) -> usize {
        match self {
            Self::Ascii => index,
            Self::Table(begins) => begins
                .get(index)
                .or(begins.last())
                .copied()
                .unwrap_or_default(),
        }
    }
}

/// A collection whose end has not come.
struct Open {
    node: Node,
    anchor: usize,
    /// The name whose value comes next.
    name: Option<Name>,
    names: HashSet<String>,
}

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    open: Vec<Open>,
    documents: Vec<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let mut range = self.range(span);
                // The parser counts what follows a closing quote to the scalar, comments included.
                if let Some(end) = quoted_end(self.text, range.start) {
                    range.end = end;
                }
                let node = Node {
                    kind: if tag.is_some() || style != ScalarStyle::Plain {
                        Kind::Text {
                            text: text.into_owned(),
                            literal: style == ScalarStyle::Literal,
                        }
                    } else {
                        plain(&text)
                    },
                    span: range,
                    line: span.start.line(),
                    alias: false,
                };
                self.add(node, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let flow = self.opens_with(span, '[');
                let items = Vec::new();
                self.open(span, anchor, Kind::List { items, flow })
            }
            Event::MappingStart(anchor, _) => {
                let flow = self.opens_with(span, '{');
                let entries = Vec::new();
                self.open(span, anchor, Kind::Map { entries, flow })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let Some(mut node) = self.anchors.get(&anchor).cloned() else {
                    return Err(at(span, "an alias of something that is not complete"));
                };
                self.nodes += size(&node);
                node.alias = true;
                node.line = span.start.line();
                self.add(node, 0)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.offsets.byte(span.start.index())..self.offsets.byte(span.end.index())
    }

    fn opens_with(&self, span: Span, bracket: char) -> bool {
        self.text
            .get(self.range(span).start..)
            .is_some_and(|rest| rest.starts_with(bracket))
    }

    fn open(&mut self, span: Span, anchor: usize, kind: Kind) -> Result<(), YamlError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(at(span, "nested too deeply"));
        }
        let node = Node {
            span: self.range(span),
            line: span.start.line(),
            kind,
            alias: false,
        };
        self.open.push(Open {
            node,
            anchor,
            name: None,
            names: HashSet::new(),
        });
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(Open {
            mut node, anchor, ..
        }) = self.open.pop()
        else {
            return Err(at(span, "an end without a beginning"));
        };
        let (flow, last) = match &node.kind {
            Kind::List { items, flow } => (*flow, items.last()),
            Kind::Map { entries, flow } => (*flow, entries.last().map(|(_, value)| value)),
            Kind::Plain(_) | Kind::Text { .. } => (false, None),
        };
        // The end of a block is noticed at whatever follows it, with comments and empty lines between.
        node.span.end = match last {
            // Of a flow collection, behind its bracket; the parser counts a comment after it to the bracket.
            _ if flow => self.offsets.byte(span.start.index()) + 1,
            Some(last) if !last.alias => last.span.end,
            Some(_) | None => node.span.end,
        };
        self.add(node, anchor)
    }

    /// A complete node goes where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let line = node.line;
        let wrong = |message: &str| YamlError {
            line,
            message: message.to_owned(),
        };
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(wrong("too much, aliases written out"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut parent.node.kind {
            Kind::List { items, .. } => items.push(node),
            Kind::Map { entries, .. } => match parent.name.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let name = name(node, self.text)
                        .ok_or_else(|| wrong("a name in a mapping must be a scalar"))?;
                    if !parent.names.insert(name.text.clone()) {
                        return Err(wrong("this name stands twice in its mapping"));
                    }
                    parent.name = Some(name);
                }
            },
            Kind::Plain(_) | Kind::Text { .. } => return Err(wrong("a scalar holds nothing")),
        }
        Ok(())
    }
}

/// Where the quoted scalar that begins at a byte ends; `None` when none does.
fn quoted_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = bytes.get(start).filter(|b| matches!(b, b'"' | b'\''))?;
    let mut at = start + 1;
    loop {
        let byte = bytes.get(at)?;
        let escaped = match quote {
            b'"' => *byte == b'\\',
            _ => *byte == b'\'' && bytes.get(at + 1) == Some(&b'\''),
        };
        if escaped {
            at += 2;
        } else if byte == quote {
            return Some(at + 1);
        } else {
            at += 1;
        }
    }
}

fn at(span: Span, message: &str) -> YamlError {
    YamlError {
        line: span.start.line(),
        message: message.to_owned(),
    }
}

fn plain(text: &str) -> Kind {
    match scalar::plain(text) {
        Value::String(text) => Kind::Text {
            text,
            literal: false,
        },
        value @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::List(_)
        | Value::Map(_)) => Kind::Plain(value),
    }
}

/// A scalar as a name: `on: 1` has the name `on`.
fn name(node: Node, text: &str) -> Option<Name> {
    let written = match node.kind {
        Kind::Text { text, .. } => text,
        Kind::Plain(_) => text.get(node.span.clone())?.to_owned(),
        Kind::List { .. } | Kind::Map { .. } => return None,
    };
    Some(Name {
        text: written,
        span: node.span,
        line: node.line,
    })
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List { items, .. } => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map { entries, .. } => {
            1 + entries.iter().map(|(_, value)| size(value)).sum::<usize>()
        }
        Kind::Plain(_) | Kind::Text { .. } => 1,
    }
}
