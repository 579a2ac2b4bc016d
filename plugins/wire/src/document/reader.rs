//! Reads a document: texts to the sink, meanings to an observer.

use super::amount::Amount;
use super::head::Head;
use super::key::Key;
use super::{Failure, Observe, Value, reborrow};
use crate::TextSink;
use crate::formats::Meaning;
use crate::json::{self, Malformed, Member, NodeId, Raw, Simple, Step, Token, Trie, Walker};
use crate::places::{self, Ground};
use crate::texts::{Inside, Number, Piece, Texts};
use portcullis_policy::{Part, Refusal, Role};

/// How far a document was read, and what was learned of it.
#[derive(Debug)]
pub(super) struct Reader {
    walker: Walker,
    pub(super) texts: Texts,
    pub(super) amount: Amount,
    head: Head,
    /// What the file at hand holds, when it has come.
    payload: Option<Inside>,
    /// A part of the message at hand has come.
    after_part: bool,
    /// The key of the value that comes, where no table knows it.
    key: Key,
    /// Anything else than an object is refused.
    object_only: bool,
}

impl Reader {
    /// See [`super::Document::new`].
    pub(super) fn new(object_only: bool, role: Role) -> Self {
        Self {
            walker: Walker::new(Ground::of(role)),
            texts: Texts::default(),
            amount: Amount::default(),
            head: Head::default(),
            payload: None,
            after_part: false,
            key: Key::default(),
            object_only,
        }
    }

    /// Reads what can be read of a body, as far as it came; with `end`, it must be complete.
    pub(super) fn read(
        &mut self,
        (body, end): (&str, bool),
        trie: &Trie<Meaning>,
        mut sink: Option<&mut dyn TextSink>,
        observer: &mut dyn Observe,
    ) -> Result<(), Failure> {
        let result = self.read_on((body, end), trie, reborrow(&mut sink), observer);
        // Whatever is wrong stands behind them.
        self.texts.settle(body, sink)?;
        result
    }

    /// The loop of [`Self::read`].
    #[inline]
    fn read_on(
        &mut self,
        (body, end): (&str, bool),
        trie: &Trie<Meaning>,
        mut sink: Option<&mut dyn TextSink>,
        observer: &mut dyn Observe,
    ) -> Result<(), Failure> {
        let numbers_from = sink.as_ref().and_then(|sink| sink.numbers_from());
        let numbers_from = numbers_from.unwrap_or(usize::MAX);
        loop {
            if self.member(body, numbers_from, reborrow(&mut sink))? {
                continue;
            }
            let Some(Step { token, node }) = self.walker.next(trie, body, end)? else {
                break;
            };
            if self.object_only {
                self.expect_object(token)?;
            }
            let value = match token {
                Token::Key(raw) => {
                    self.take_key(body, raw, node, reborrow(&mut sink))?;
                    continue;
                }
                Token::Piece { raw, first, last } => {
                    let part = (raw, first, last);
                    self.string(body, part, (trie, node), reborrow(&mut sink), observer)?;
                    continue;
                }
                Token::Number(text) => {
                    if json::may_have(text, numbers_from) {
                        let number = Number {
                            body,
                            raw: self.walker.number(text),
                            ground: trie.ground(node, self.walker.around()),
                            key: self.key.of(body),
                        };
                        self.texts
                            .number(number, numbers_from, reborrow(&mut sink))?;
                    }
                    Value::Number(text)
                }
                Token::Bool(value) => Value::Bool(value),
                Token::Null => Value::Null,
                Token::Open { object } => Value::Open { object },
                Token::Close { object } => Value::Close { object },
            };
            self.key.clear();
            let meaning = trie.meaning(node);
            self.enter_or_leave(meaning, value);
            if let Some(meaning) = meaning {
                observer.value(meaning, value)?;
                self.file(body, reborrow(&mut sink), observer)?;
            }
        }
        Ok(())
    }

    /// Reads the next member of an object at one look, if its key is known to be nothing to anybody.
    #[inline]
    fn member(
        &mut self,
        body: &str,
        numbers_from: usize,
        mut sink: Option<&mut dyn TextSink>,
    ) -> Result<bool, Refusal> {
        let Some(Member { key, value }) = self.walker.member(body) else {
            return Ok(false);
        };
        match value {
            None => {
                self.key.clear();
                self.key.set(key, "");
            }
            Some(Simple::Number(raw, digits)) => {
                if digits >= numbers_from && !self.walker.dismisses_number(digits) {
                    let number = Number {
                        body,
                        raw,
                        ground: self.walker.around(),
                        key: key.text,
                    };
                    let told = self.texts.number(number, 0, reborrow(&mut sink))?;
                    if told && sink.is_some_and(|sink| sink.dismisses()) {
                        self.walker.dismiss_number(digits);
                    }
                }
            }
            Some(Simple::String(raw)) => {
                self.amount.add(raw.text.len(), false);
                let ground = self.walker.around();
                self.texts.member(body, key, raw, ground, sink)?;
            }
        }
        Ok(true)
    }

    /// Only objects may come at the top.
    fn expect_object(&self, token: Token<'_>) -> Result<(), Malformed> {
        let other = match token {
            Token::Open { object } => self.walker.depth() == 1 && !object,
            Token::Piece { .. } | Token::Number(_) | Token::Bool(_) | Token::Null => {
                self.walker.depth() == 0
            }
            Token::Key(_) | Token::Close { .. } => false,
        };
        if other {
            return Err(Malformed::Field("The body must be a JSON object."));
        }
        Ok(())
    }

    /// Takes a key of an object.
    #[inline]
    fn take_key(
        &mut self,
        body: &str,
        raw: Raw<'_>,
        node: NodeId,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<(), Refusal> {
        self.key.clear();
        if node != NodeId::UNKNOWN {
            return Ok(());
        }
        let key = self.walker.meaning(raw);
        self.key.set(raw, key);
        let role = self.walker.around().role;
        if !self.walker.is_dismissed(role) {
            let may_wait = !self.walker.remembers();
            let of = (role, may_wait);
            if self.texts.key(body, raw, key, of, sink)? {
                self.walker.dismiss(role);
            }
        }
        Ok(())
    }

    /// Takes a piece of a string, its first and its last one.
    #[inline]
    fn string(
        &mut self,
        body: &str,
        (raw, first, last): (Raw<'_>, bool, bool),
        (trie, node): (&Trie<Meaning>, NodeId),
        mut sink: Option<&mut dyn TextSink>,
        observer: &mut dyn Observe,
    ) -> Result<(), Failure> {
        let meaning = trie.meaning(node);
        let piece = self.walker.meaning(raw);
        self.amount
            .add(piece.len(), meaning == Some(Meaning::Completion));
        let ground = trie.ground(node, self.walker.around());
        let piece_of = Piece {
            body,
            raw,
            text: piece,
            last,
            ground,
            part: match meaning {
                Some(Meaning::Part) if self.after_part => Part::Next,
                Some(Meaning::Part) => Part::First,
                _ => Part::Alone,
            },
            key: self.key.of(body),
            key_at: self.key.place(),
        };
        self.texts.piece(piece_of, reborrow(&mut sink))?;
        if last {
            self.key.clear();
        }
        let Some(meaning) = meaning else {
            return Ok(());
        };
        if meaning == Meaning::Part {
            self.after_part |= last;
            return Ok(());
        }
        if last && matches!(meaning, Meaning::BlobData | Meaning::DataUrl) {
            self.payload = Some(self.texts.inside(raw, ground.role));
        }
        let Some((head, whole)) = self.head.of(piece, first, last) else {
            return Ok(());
        };
        if meaning == Meaning::Model && self.texts.at_hand_changes(body, reborrow(&mut sink))? {
            // Who may use which model was asked of the name as it came; and a name with a secret in it is told to nobody.
            return Err(Malformed::Field("model holds text that must not leave.").into());
        }
        let mut role = None;
        if meaning == Meaning::Role {
            role = Some(if whole {
                places::role(head)
            } else {
                Role::Unknown
            });
        }
        if meaning == Meaning::ItemKind {
            role = places::role_of_item(head);
        }
        observer.value(meaning, Value::String { head, whole })?;
        if let Some(role) = role {
            self.walker.belongs_to(role);
        }
        self.file(body, sink, observer)?;
        Ok(())
    }

    /// Takes note of arrays and objects that begin and end.
    #[inline]
    fn enter_or_leave(&mut self, meaning: Option<Meaning>, value: Value<'_>) {
        match value {
            Value::Open { object } => {
                self.after_part &= object;
                if meaning == Some(Meaning::Completion) {
                    self.amount.enter(self.walker.depth());
                }
                if meaning == Some(Meaning::Blob) {
                    self.payload = None;
                }
            }
            Value::Close { object } => {
                self.after_part &= object;
                self.amount.leave(self.walker.depth() + 1);
            }
            Value::String { .. } | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    /// Reads the file that ended with the value just taken, if one did.
    #[inline]
    fn file(
        &mut self,
        body: &str,
        sink: Option<&mut dyn TextSink>,
        observer: &mut dyn Observe,
    ) -> Result<(), Refusal> {
        let Some(payload) = observer.payload() else {
            return Ok(());
        };
        let read = match (self.payload.take(), sink) {
            (Some(inside), Some(sink)) => self.texts.payload(body, inside, sink)?,
            _ => false,
        };
        if !read {
            observer.unscanned(payload);
        }
        Ok(())
    }
}
