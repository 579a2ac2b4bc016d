//! A document and a table, side by side: tokens with their places.

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
}

impl Walker {
    pub(crate) const fn new(ground: Ground) -> Self {
        Self {
            tokenizer: Tokenizer::new(),
            frames: Vec::new(),
            pending: NodeId::ROOT,
            ground,
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
        let Some(token) = self.tokenizer.next(text, end)? else {
            return Ok(None);
        };
        let node = match token {
            Token::Key(raw) => {
                self.pending = self.find(trie, raw)?;
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

    fn find<M: Copy>(&mut self, trie: &Trie<M>, raw: Raw<'_>) -> Result<NodeId, Malformed> {
        let Some(frame) = self.frames.last_mut() else {
            return Ok(NodeId::UNKNOWN);
        };
        let key = self.tokenizer.meaning(raw);
        let (node, again) = trie.key(frame.node, key, &mut frame.seen);
        if again {
            Err(Malformed::DuplicateKey)
        } else {
            Ok(node)
        }
    }
}
