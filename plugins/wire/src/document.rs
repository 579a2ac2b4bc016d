//! A JSON body on its way through: bytes in, texts to the sink, meanings to an observer.

mod ahead;
mod head;
mod key;
mod observe;

pub(crate) use ahead::{Ahead, Lookahead};
pub(crate) use observe::{Observe, Payload, Value};

use crate::TextSink;
use crate::formats::Meaning;
use crate::include_usage::{self, Patch, Stated};
use crate::json::{self, Malformed, NodeId, Simple, Token, Trie, Walker};
use crate::places::{self, Ground};
use crate::texts::{Inside, Number, Piece, Texts};
use head::Head;
use key::Key;
use portcullis_policy::{Part, Refusal, Role};

/// Room for a body that was announced: so many times what came of it. Protects memory from who announces much and sends little.
const ROOM_PER_BYTE: usize = 8;

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
    body: String,
    /// How long it is said to be.
    announced: usize,
    /// The beginning of a character that is not complete.
    cut_character: Vec<u8>,
    /// What follows is not UTF-8.
    not_utf8: bool,
    walker: Walker,
    texts: Texts,
    patch: Option<Patch>,
    head: Head,
    /// What the file at hand holds, when it has come.
    payload: Option<Inside>,
    /// A part of the message at hand has come.
    after_part: bool,
    /// The key of the value that comes, where no table knows it.
    key: Key,
    /// How deep the completion began, while within it.
    completion: Option<usize>,
    text_bytes: u64,
    completion_bytes: u64,
    /// Anything else than an object is refused.
    object_only: bool,
}

impl Document {
    /// Texts are `role`'s where nothing else is said. With `object_only`, the document must be an object.
    pub(crate) fn new(object_only: bool, role: Role) -> Self {
        Self {
            body: String::new(),
            announced: 0,
            cut_character: Vec::new(),
            not_utf8: false,
            walker: Walker::new(Ground::of(role)),
            texts: Texts::default(),
            patch: None,
            head: Head::default(),
            payload: None,
            after_part: false,
            key: Key::default(),
            completion: None,
            text_bytes: 0,
            completion_bytes: 0,
            object_only,
        }
    }

    /// The body is said to have so many bytes: room is made for just them, as far as they come.
    pub(crate) const fn announce(&mut self, bytes: usize) {
        self.announced = bytes;
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.body.len() + self.cut_character.len()
    }

    /// Adds bytes; [`Document::read`] looks at them.
    pub(crate) fn extend(&mut self, mut chunk: &[u8]) {
        while !self.cut_character.is_empty() && !self.not_utf8 {
            let Some((byte, rest)) = chunk.split_first() else {
                return;
            };
            chunk = rest;
            self.cut_character.push(*byte);
            let cut = std::mem::take(&mut self.cut_character);
            self.append(&cut);
        }
        self.append(chunk);
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.not_utf8 {
            return;
        }
        let (text, rest) = match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                self.not_utf8 = error.error_len().is_some();
                let (valid, rest) = bytes
                    .split_at_checked(error.valid_up_to())
                    .unwrap_or_default();
                (str::from_utf8(valid).unwrap_or_default(), rest)
            }
        };
        self.make_room(text.len());
        self.body.push_str(text);
        self.cut_character.extend_from_slice(rest);
    }

    /// Doubling, as strings do by themselves, would leave up to half of a large body's room unused, and what it had before behind.
    fn make_room(&mut self, more: usize) {
        let needed = self.body.len() + more;
        let room = self.announced.min(needed.saturating_mul(ROOM_PER_BYTE));
        if needed > self.body.capacity() && room >= needed {
            self.body.reserve_exact(room - self.body.len());
        }
    }

    /// Bytes of all string values so far, unescaped.
    pub(crate) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// How many of them are no text, see [`Texts::file_bytes`].
    pub(crate) const fn file_bytes(&self) -> u64 {
        self.texts.file_bytes()
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
        observer: &mut dyn Observe,
    ) -> Result<(), Failure> {
        let result = self.read_on(trie, end, reborrow(&mut sink), observer);
        // Whatever is wrong stands behind them.
        self.texts.settle(&self.body, sink)?;
        result
    }

    #[inline]
    fn read_on(
        &mut self,
        trie: &Trie<Meaning>,
        end: bool,
        mut sink: Option<&mut dyn TextSink>,
        observer: &mut dyn Observe,
    ) -> Result<(), Failure> {
        let numbers_from = sink.as_ref().and_then(|sink| sink.numbers_from());
        let numbers_from = numbers_from.unwrap_or(usize::MAX);
        loop {
            if let Some(member) = self.walker.member(&self.body) {
                match member.value {
                    None => {
                        self.key.clear();
                        self.key.set(member.key, "");
                    }
                    Some(Simple::Number(raw, digits)) => {
                        if digits >= numbers_from && !self.walker.dismisses_number(digits) {
                            let number = Number {
                                body: &self.body,
                                raw,
                                ground: self.walker.around(),
                                key: member.key.text,
                            };
                            let told = self.texts.number(number, 0, reborrow(&mut sink))?;
                            if told && sink.as_ref().is_some_and(|sink| sink.dismisses()) {
                                self.walker.dismiss_number(digits);
                            }
                        }
                        continue;
                    }
                    Some(Simple::String(raw)) => {
                        let bytes = raw.text.len() as u64;
                        self.text_bytes += bytes;
                        if self.completion.is_some() {
                            self.completion_bytes += bytes;
                        }
                        let ground = self.walker.around();
                        let (body, sink) = (&self.body, reborrow(&mut sink));
                        self.texts.member(body, member.key, raw, ground, sink)?;
                        continue;
                    }
                }
            }
            let Some(step) = self.walker.next(trie, &self.body, end)? else {
                break;
            };
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
            if let Token::Open { object: false } | Token::Close { object: false } = step.token {
                self.after_part = false;
            }
            let meaning = trie.meaning(step.node);
            let mut role = None;
            let value = match step.token {
                Token::Key(raw) => {
                    self.key.clear();
                    if step.node == NodeId::UNKNOWN {
                        let key = self.walker.meaning(raw);
                        self.key.set(raw, key);
                        let role = self.walker.around().role;
                        if !self.walker.is_dismissed(role)
                            && self
                                .texts
                                .key(&self.body, raw, key, role, reborrow(&mut sink))?
                        {
                            self.walker.dismiss(role);
                        }
                    }
                    continue;
                }
                Token::Piece { raw, first, last } => {
                    let piece = self.walker.meaning(raw);
                    self.text_bytes += piece.len() as u64;
                    if self.completion.is_some() || meaning == Some(Meaning::Completion) {
                        self.completion_bytes += piece.len() as u64;
                    }
                    let ground = trie.ground(step.node, self.walker.around());
                    let piece_of = Piece {
                        body: &self.body,
                        raw,
                        text: piece,
                        last,
                        ground,
                        part: match meaning {
                            Some(Meaning::Part) if self.after_part => Part::Next,
                            Some(Meaning::Part) => Part::First,
                            _ => Part::Alone,
                        },
                        key: self.key.of(&self.body),
                    };
                    self.texts.piece(piece_of, reborrow(&mut sink))?;
                    if last {
                        self.key.clear();
                    }
                    if meaning.is_none() {
                        continue;
                    }
                    if meaning == Some(Meaning::Part) {
                        self.after_part |= last;
                        continue;
                    }
                    if last && matches!(meaning, Some(Meaning::BlobData | Meaning::DataUrl)) {
                        self.payload = Some(self.texts.inside(raw, ground.role));
                    }
                    let Some((head, whole)) = self.head.of(piece, first, last) else {
                        continue;
                    };
                    if meaning == Some(Meaning::Model)
                        && self
                            .texts
                            .at_hand_changes(&self.body, reborrow(&mut sink))?
                    {
                        // Who may use which model was asked of the name as it came; and a name with a secret in it is told to nobody.
                        return Err(
                            Malformed::Field("model holds text that must not leave.").into()
                        );
                    }
                    if meaning == Some(Meaning::Role) {
                        role = Some(if whole {
                            places::role(head)
                        } else {
                            Role::Unknown
                        });
                    }
                    if meaning == Some(Meaning::ItemKind) {
                        role = places::role_of_item(head);
                    }
                    Value::String { head, whole }
                }
                Token::Number(text) => {
                    if json::may_have(text, numbers_from) {
                        let number = Number {
                            body: &self.body,
                            raw: self.walker.number(text),
                            ground: trie.ground(step.node, self.walker.around()),
                            key: self.key.of(&self.body),
                        };
                        self.texts
                            .number(number, numbers_from, reborrow(&mut sink))?;
                    }
                    self.key.clear();
                    Value::Number(text)
                }
                Token::Bool(value) => Value::Bool(value),
                Token::Null => Value::Null,
                Token::Open { object } => {
                    self.key.clear();
                    if meaning == Some(Meaning::Completion) && self.completion.is_none() {
                        self.completion = Some(self.walker.depth());
                    }
                    if meaning == Some(Meaning::Blob) {
                        self.payload = None;
                    }
                    Value::Open { object }
                }
                Token::Close { object } => {
                    self.key.clear();
                    if self.completion == Some(self.walker.depth() + 1) {
                        self.completion = None;
                    }
                    Value::Close { object }
                }
            };
            if let Some(meaning) = meaning {
                observer.value(meaning, value)?;
            }
            if let Some(role) = role {
                self.walker.belongs_to(role);
            }
            if let Some(payload) = observer.payload() {
                let inside = self.payload.take();
                let read = match (inside, reborrow(&mut sink)) {
                    (Some(inside), Some(sink)) => self.texts.payload(&self.body, inside, sink)?,
                    _ => false,
                };
                if !read {
                    observer.unscanned(payload);
                }
            }
        }
        if self.not_utf8 || (end && !self.cut_character.is_empty()) {
            return Err(Malformed::Syntax.into());
        }
        Ok(())
    }

    /// Whether the body leaves as it came.
    pub(crate) fn unchanged(&self) -> bool {
        self.texts.unchanged() && self.patch.is_none()
    }

    /// Has the body ask for the usage of its stream; false when it does already, or cannot.
    pub(crate) fn ask_usage(&mut self, stated: Stated, table: &Trie<Meaning>) -> bool {
        self.patch = include_usage::patch(&self.body, stated, table);
        self.patch.is_some()
    }

    /// The body with all changes carried out.
    pub(crate) fn render(&mut self) -> Vec<u8> {
        self.texts.render(&self.body, self.patch.as_ref())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_body_gets_the_room_it_needs_as_it_comes() {
        let body = "x".repeat(100_000);
        for announced in [0, 7, 99_999, 100_000, 100_001, usize::MAX] {
            let mut document = Document::new(false, Role::User);
            document.announce(announced);
            for chunk in body.as_bytes().chunks(1000) {
                document.extend(chunk);
                let most = announced.min(ROOM_PER_BYTE * document.len());
                assert!(document.body.capacity() <= most.max(2 * document.len()));
            }
            assert_eq!(document.body, body);
            if announced == body.len() {
                assert_eq!(document.body.capacity(), body.len());
            }
        }
    }
}
