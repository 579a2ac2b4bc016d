//! A JSON body on its way through: bytes in, texts to the sink, meanings to an observer.

use crate::TextSink;
use crate::formats::Meaning;
use crate::json::{Malformed, NodeId, Token, Trie, Walker};
use crate::texts::Texts;
use portcullis_policy::Refusal;

/// Bytes of a string that an observer is shown: protects from copies of what nobody reads whole. Longer than any model's name and any
/// media type.
pub(crate) const HEAD_BYTES_MAX: usize = 1024;

/// A value at a place that the table gives a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A string: its beginning, of at most [`HEAD_BYTES_MAX`] bytes, and whether that is all of it.
    String { head: &'a str, whole: bool },
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An array or object begins.
    Open { object: bool },
    /// It ended.
    Close { object: bool },
}

/// What takes note of values that mean something.
pub(crate) trait Observe {
    /// Takes a value. An error ends the reading.
    fn value(&mut self, meaning: Meaning, value: Value<'_>) -> Result<(), Malformed>;
}

/// Why a document could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is not what it should be.
    Malformed(Malformed),
    /// The sink refused.
    Refused(Refusal),
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A body and how far it was read.
#[derive(Debug)]
pub(crate) struct Document {
    body: Vec<u8>,
    walker: Walker,
    texts: Texts,
    /// The beginning of a string that comes in pieces.
    head: String,
    /// It is longer than that.
    cut: bool,
    /// How deep the completion began, while within it.
    completion: Option<usize>,
    text_bytes: u64,
    completion_bytes: u64,
    /// Anything else than an object is refused.
    object_only: bool,
}

impl Document {
    /// With `object_only`, the document must be an object.
    pub(crate) fn new(object_only: bool) -> Self {
        Self {
            body: Vec::new(),
            walker: Walker::new(),
            texts: Texts::default(),
            head: String::new(),
            cut: false,
            completion: None,
            text_bytes: 0,
            completion_bytes: 0,
            object_only,
        }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// Adds bytes; [`Document::read`] looks at them.
    pub(crate) fn extend(&mut self, chunk: &[u8]) {
        self.body.extend_from_slice(chunk);
    }

    /// Bytes of all string values so far, unescaped.
    pub(crate) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// The same, of those below [`Meaning::Completion`].
    pub(crate) fn completion_bytes(&self) -> u64 {
        self.completion_bytes
    }

    /// Reads what can be read; with `end`, the document must be complete.
    pub(crate) fn read(
        &mut self,
        trie: &Trie<Meaning>,
        end: bool,
        mut sink: Option<&mut dyn TextSink>,
        observer: &mut impl Observe,
    ) -> Result<(), Failure> {
        while let Some(step) = self.walker.next(trie, &self.body, end)? {
            if self.object_only {
                let other = match step.token {
                    Token::Open { object } => self.walker.depth() == 1 && !object,
                    Token::Piece { .. } | Token::Number(_) | Token::Bool(_) | Token::Null => {
                        self.walker.depth() == 0
                    }
                    Token::Key(_) | Token::Close { .. } => false,
                };
                if other {
                    return Err(Malformed::Field("The body must be a JSON object.").into());
                }
            }
            let meaning = trie.meaning(step.node);
            let value = match step.token {
                Token::Key(raw) => {
                    if step.node == NodeId::UNKNOWN {
                        self.texts
                            .piece(&self.body, raw, true, reborrow(&mut sink))?;
                    }
                    continue;
                }
                Token::Piece { raw, first, last } => {
                    let piece = self
                        .texts
                        .piece(&self.body, raw, last, reborrow(&mut sink))?;
                    self.text_bytes += piece.len() as u64;
                    if self.completion.is_some() || meaning == Some(Meaning::Completion) {
                        self.completion_bytes += piece.len() as u64;
                    }
                    if meaning.is_none() {
                        continue;
                    }
                    if first {
                        self.head.clear();
                        self.cut = false;
                    }
                    let room = HEAD_BYTES_MAX - self.head.len();
                    let fits = piece
                        .get(..piece.floor_char_boundary(room))
                        .unwrap_or_default();
                    self.cut |= fits.len() < piece.len();
                    if !last || !first {
                        self.head.push_str(fits);
                    }
                    if !last {
                        continue;
                    }
                    Value::String {
                        head: if first { fits } else { &self.head },
                        whole: !self.cut,
                    }
                }
                Token::Number(text) => Value::Number(text),
                Token::Bool(value) => Value::Bool(value),
                Token::Null => Value::Null,
                Token::Open { object } => {
                    if meaning == Some(Meaning::Completion) && self.completion.is_none() {
                        self.completion = Some(self.walker.depth());
                    }
                    Value::Open { object }
                }
                Token::Close { object } => {
                    if self.completion == Some(self.walker.depth() + 1) {
                        self.completion = None;
                    }
                    Value::Close { object }
                }
            };
            if let Some(meaning) = meaning {
                observer.value(meaning, value)?;
            }
        }
        Ok(())
    }

    /// Whether the body leaves as it came.
    pub(crate) fn unchanged(&self) -> bool {
        self.texts.unchanged()
    }

    /// The body with all changes carried out.
    pub(crate) fn render(&mut self) -> Vec<u8> {
        self.texts.render(&self.body)
    }
}

/// The same sink once more, for one call.
pub(crate) fn reborrow<'a>(
    sink: &'a mut Option<&mut dyn TextSink>,
) -> Option<&'a mut dyn TextSink> {
    match sink {
        Some(sink) => Some(&mut **sink),
        None => None,
    }
}
