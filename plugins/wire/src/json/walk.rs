//! A document and a table, side by side: tokens with their places.

use super::keys::{Keys, Slot};
use super::token::{Malformed, Raw, Token};
use super::tokenizer::Tokenizer;
use super::trie::{NodeId, Seen, Trie};
use crate::places::Ground;
use portcullis_policy::Role;

#[derive(Debug)]
struct Frame {
    node: NodeId,
    seen: Seen,
    object: bool,
    ground: Ground,
    /// The key that came last in it.
    key: Slot,
}

/// Room for as many open arrays and objects as most documents have.
const DEPTH_ROOM: usize = 8;

/// A token with the place of the value it belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    /// The token.
    pub token: Token<'a>,
    /// Of a key: the place of its value. Of `Close`: the place of what is closed.
    pub node: NodeId,
}

/// What comes next in an object: a key of no table that is nothing to anybody…
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    /// …and has no escapes.
    pub key: Raw<'a>,
    /// Its value, if that is a whole string without escapes, and a number or a string was read.
    pub value: Option<Simple<'a>>,
}

/// A value that is read at one look.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Simple<'a> {
    /// A string without escapes.
    String(Raw<'a>),
    /// A number of digits, and perhaps a point: so many stand before it.
    Number(Raw<'a>, usize),
}

/// Follows a document through a table, and refuses keys of the table that stand twice in an object (their other value might be the
/// one that the upstream acts on).
#[derive(Debug)]
pub(crate) struct Walker {
    tokenizer: Tokenizer,
    frames: Vec<Frame>,
    /// The place of the next value in an object.
    pending: NodeId,
    /// Of the document.
    ground: Ground,
    keys: Keys,
}

impl Walker {
    pub(crate) const fn new(ground: Ground) -> Self {
        Self {
            tokenizer: Tokenizer::new(),
            frames: Vec::new(),
            pending: NodeId::ROOT,
            ground,
            keys: Keys::new(),
        }
    }

    /// See [`Tokenizer::next`]. Inlined, so that a step is not copied from room to room.
    #[inline(always)]
    pub(crate) fn next<'a, M: Copy>(
        &mut self,
        trie: &Trie<M>,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Step<'a>>, Malformed> {
        if !self.keys.is_empty()
            && let Some(key) = self.known_key(text, false)
        {
            return Ok(Some(Step {
                token: Token::Key(key),
                node: self.pending,
            }));
        }
        let (at, follows) = (self.tokenizer.position(), self.tokenizer.may_be_key());
        let Some(token) = self.tokenizer.next(text, end)? else {
            return Ok(None);
        };
        let node = match token {
            Token::Key(raw) => {
                self.pending = self.key(trie, text, raw, at, follows)?;
                self.pending
            }
            Token::Open { object } => {
                let node = self.place(trie);
                let ground = trie.ground(node, self.around());
                if self.frames.capacity() == 0 {
                    self.frames.reserve(DEPTH_ROOM);
                }
                self.frames.push(Frame {
                    node,
                    seen: Seen::default(),
                    object,
                    ground,
                    key: Slot::default(),
                });
                node
            }
            Token::Close { .. } => self
                .frames
                .pop()
                .map_or(NodeId::UNKNOWN, |frame| frame.node),
            Token::Piece { .. } | Token::Number(_) | Token::Bool(_) | Token::Null => {
                self.place(trie)
            }
        };
        Ok(Some(Step { token, node }))
    }

    /// The same for those who ask seldom.
    #[inline(never)]
    pub(crate) fn step<'a, M: Copy>(
        &mut self,
        trie: &Trie<M>,
        text: &'a str,
        end: bool,
    ) -> Result<Option<Step<'a>>, Malformed> {
        self.next(trie, text, end)
    }

    /// See [`Tokenizer::meaning`].
    #[inline]
    pub(crate) fn meaning<'a>(&'a self, raw: Raw<'a>) -> &'a str {
        self.tokenizer.meaning(raw)
    }

    /// The number at hand, and where it stands.
    #[inline]
    pub(crate) fn number<'a>(&self, text: &'a str) -> Raw<'a> {
        Raw {
            text,
            at: self.tokenizer.last_word().start,
            escaped: false,
            backslashes: false,
        }
    }

    /// What is said of the array or object around the value or key at hand.
    #[inline]
    pub(crate) fn around(&self) -> Ground {
        self.frames.last().map_or(self.ground, |frame| frame.ground)
    }

    /// The object around the value at hand said whose it is.
    pub(crate) fn belongs_to(&mut self, role: Role) {
        if let Some(frame) = self.frames.last_mut() {
            frame.ground.role = role;
        }
    }

    /// How many arrays and objects are open.
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    #[inline]
    fn place<M: Copy>(&self, trie: &Trie<M>) -> NodeId {
        match self.frames.last() {
            Some(frame) if !frame.object => trie.element(frame.node),
            _ => self.pending,
        }
    }

    /// The next member of an object of which no table knows anything, if its key is known to be nothing to anybody. What it is not
    /// said to hold is still to come.
    #[inline]
    pub(crate) fn member<'a>(&mut self, text: &'a str) -> Option<Member<'a>> {
        if self.keys.is_empty() {
            return None;
        }
        let key = self.known_key(text, true)?;
        Some(Member {
            key,
            value: self.tokenizer.simple(text),
        })
    }

    /// The key that comes next, if it is the one that came here the last time; with `nothing`, if no table knows it and it is nothing to anybody.
    #[inline(never)]
    fn known_key<'a>(&mut self, text: &'a str, nothing: bool) -> Option<Raw<'a>> {
        let follows = self.tokenizer.may_be_key()?;
        let frame = self.frames.last_mut().filter(|frame| frame.object)?;
        let (known, slot) = self.keys.next(frame.key, frame.node)?;
        if nothing && (known.node != NodeId::UNKNOWN || !known.is_dismissed(frame.ground.role)) {
            return None;
        }
        let at = self.tokenizer.position();
        let len = known
            .between
            .begins(text.as_bytes().get(at..)?, follows)
            .filter(|_| frame.seen.0 & known.bit == 0)?;
        frame.seen.0 |= known.bit;
        frame.key = slot;
        self.pending = known.node;
        self.tokenizer.pass_key(len);
        Some(known.raw(text, at))
    }

    /// The place of the value of a key that was read, from `at` on.
    #[inline(never)]
    fn key<M: Copy>(
        &mut self,
        trie: &Trie<M>,
        text: &str,
        raw: Raw<'_>,
        at: usize,
        follows: Option<bool>,
    ) -> Result<NodeId, Malformed> {
        let Some(frame) = self.frames.last_mut() else {
            return Ok(NodeId::UNKNOWN);
        };
        let key = self.tokenizer.meaning(raw);
        let seen = frame.seen.0;
        let (node, again) = trie.key(frame.node, key, &mut frame.seen);
        if again {
            return Err(Malformed::DuplicateKey);
        }
        let last = std::mem::take(&mut frame.key);
        if self.keys.begins()
            && let Some(follows) = follows.filter(|_| self.tokenizer.is_behind_key())
        {
            let mut end = self.tokenizer.position();
            end += usize::from(text.as_bytes().get(end) == Some(&b' '));
            let written = text.get(at..end).unwrap_or_default();
            let places = (frame.node, node, seen ^ frame.seen.0);
            frame.key = self
                .keys
                .remember(written, follows, (raw, at), places, last);
        }
        Ok(node)
    }

    /// Whether the key just read is remembered: then [`Self::dismiss`] spares it what others have to go through.
    #[inline]
    pub(crate) fn remembers(&self) -> bool {
        let frame = self.frames.last();
        frame.is_some_and(|frame| frame.key != Slot::default())
    }

    /// Whether the key just read is nothing to anybody as a text of this role.
    #[inline]
    pub(crate) fn is_dismissed(&self, role: Role) -> bool {
        let frame = self.frames.last();
        frame.is_some_and(|frame| self.keys.is_dismissed(frame.key, role))
    }

    /// Whether no number of so many digits is anything to anybody behind the member's key.
    #[inline]
    pub(crate) fn dismisses_number(&self, digits: usize) -> bool {
        let frame = self.frames.last();
        frame.is_some_and(|frame| self.keys.dismisses_number(frame.key, digits))
    }

    /// No number of so many digits is.
    pub(crate) fn dismiss_number(&mut self, digits: usize) {
        if let Some(frame) = self.frames.last() {
            self.keys.dismiss_number(frame.key, digits);
        }
    }

    /// The key just read is nothing to anybody as a text of this role.
    pub(crate) fn dismiss(&mut self, role: Role) {
        if let Some(frame) = self.frames.last() {
            self.keys.dismiss(frame.key, role);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::About;
    use proptest::prelude::*;

    const ROWS: [super::super::trie::Row<u8>; 3] = [("a", 1), ("*.a", 2), ("*.bc.a", 3)];
    const PLACES: [super::super::trie::Row<About>; 0] = [];

    type Steps = (Vec<String>, Result<(), Malformed>);

    fn said(step: Step<'_>) -> String {
        match step.token {
            Token::Number(_) => "number".to_owned(),
            Token::Open { .. }
            | Token::Close { .. }
            | Token::Key(_)
            | Token::Piece { .. }
            | Token::Bool(_)
            | Token::Null => format!("{step:?}"),
        }
    }

    /// All steps of a document; with `remembers`, keys that came before are known, and nothing to anybody.
    fn steps(document: &str, remembers: bool, cuts: &[usize]) -> Steps {
        let trie = Trie::new(&ROWS, &PLACES);
        let mut walker = Walker::new(Ground::default());
        let (mut steps, mut keys) = (Vec::new(), Vec::new());
        let ends = cuts.iter().copied().filter(|end| *end < document.len());
        for end in ends.chain([document.len()]) {
            let text = document.get(..end).unwrap();
            loop {
                if !remembers {
                    walker.keys = Keys::new();
                }
                if let Some(Member { key, value }) = walker.member(text) {
                    assert!(keys.contains(&key.text));
                    let node = NodeId::UNKNOWN;
                    let mut add = |token| steps.push(said(Step { token, node }));
                    add(Token::Key(key));
                    match value {
                        None => {}
                        Some(Simple::Number(raw, _)) => add(Token::Number(raw.text)),
                        Some(Simple::String(raw)) => add(Token::Piece {
                            raw,
                            first: true,
                            last: true,
                        }),
                    }
                    continue;
                }
                let step = match walker.next(&trie, text, end == document.len()) {
                    Ok(None) => break,
                    Ok(Some(step)) => step,
                    Err(why) => return (steps, Err(why)),
                };
                steps.push(said(step));
                if let Token::Key(raw) = step.token
                    && remembers
                {
                    assert!(!walker.is_dismissed(Role::Unknown) || keys.contains(&raw.text));
                    walker.dismiss(Role::Unknown);
                    keys.push(raw.text);
                }
            }
        }
        (steps, Ok(()))
    }

    proptest! {
        /// Whatever keys are remembered, and wherever the document is cut, it is read as if none were.
        #[test]
        fn keys_that_come_again_are_read_as_if_they_did_not(
            objects in prop::collection::vec(prop::collection::vec((r#""a": |"bc": |"bc" :|"a":|"longer than most": |"d": |"\\u0061": |"a"#, r#"1|"x"|\{"a": 2, "d": 3\}|\{\}|\[7, \{"a": 1\}\]|null|tru|-1|01|1e5|1\.5|0\.5|12\.|12\.5e3|\.5|1\.\.2|23\.057695150550327|12345678901234567890123456789012\.5|1234567890123456\.7890123456789012345|"x\\n"|""|"a longer string than a register has room for""#), 0..5), 0..12),
            comma in ", |,|,\n  | , ",
            mut cuts in prop::collection::vec(0usize..400, 0..6),
        ) {
            let object = |members: &Vec<(String, String)>| {
                let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}{value}")).collect();
                format!("{{{}}}", members.join(&comma))
            };
            let objects: Vec<_> = objects.iter().map(object).collect();
            let document = format!("[{}]{}", objects.join(&comma), " ".repeat(40));
            cuts.sort_unstable();
            prop_assert_eq!(steps(&document, true, &cuts), steps(&document, false, &cuts));
        }
    }
}
