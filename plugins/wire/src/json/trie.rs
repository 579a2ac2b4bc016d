//! Tables of paths, compiled once: which key means what, and which keys must not stand twice.

use crate::media::cut;
use crate::places::{About, Claim, Ground};
use portcullis_policy::Role;

/// One row of a table: a path such as `messages.*.role` (`*` is any element of an array) and what stands there.
///
/// A colon ends what the path has in common with those of the rows that follow, which begin with one: behind `messages.*:role`, `:content` is
/// `messages.*.content`. Tables are a good part of a small module.
pub(crate) type Row<M> = (&'static str, M);

/// A place in a [`Trie`]. [`NodeId::UNKNOWN`] is everywhere that no row leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u16);

impl NodeId {
    /// Nothing is known of this place, nor of anything below it.
    pub(crate) const UNKNOWN: Self = Self(u16::MAX);
    /// The document itself.
    pub(crate) const ROOT: Self = Self(0);
}

/// Keys that an object in a table may have: one bit each in [`Seen`].
pub(crate) const KEYS_MAX: usize = u64::BITS as usize;

/// Which keys of the table an object had so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen(pub(super) u64);

#[derive(Debug)]
struct Node<M> {
    meaning: Option<M>,
    keys: Vec<(Sketch, &'static str, NodeId)>,
    element: NodeId,
    whose: Option<Role>,
    claim: Option<Claim>,
}

impl<M> Node<M> {
    const EMPTY: Self = Self {
        meaning: None,
        keys: Vec::new(),
        element: NodeId::UNKNOWN,
        whose: None,
        claim: None,
    };
}

/// What tells a key from nearly all others at one look: its length, and the bytes that it begins and ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sketch(u64);

impl Sketch {
    #[inline]
    fn of(key: &str) -> Self {
        let bytes = key.as_bytes();
        let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            let few = bytes
                .iter()
                .fold(0, |all, byte| all << 8 | u64::from(*byte));
            return Self(few);
        };
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        Self((u64::from(first) | u64::from(last) << 32) ^ (bytes.len() as u64) << 56)
    }
}

/// Paths to meanings.
#[derive(Debug)]
pub(crate) struct Trie<M: 'static> {
    nodes: Vec<Node<M>>,
}

impl<M: Copy> Trie<M> {
    /// Compiles a table. Rows beyond what the types hold ([`KEYS_MAX`] keys in one object) are a mistake in a table; `tables_fit`
    /// in `formats` would show it.
    pub(crate) fn new(rows: &[Row<M>], places: &[Row<About>]) -> Self {
        let mut trie = Self {
            nodes: vec![Node::EMPTY],
        };
        trie.add(NodeId::ROOT, rows, places);
        trie
    }

    /// Adds another table below a place.
    pub(crate) fn add(&mut self, root: NodeId, rows: &[Row<M>], places: &[Row<About>]) {
        let mut common = root;
        for (path, meaning) in rows {
            let id = self.at(root, &mut common, path);
            if let Some(node) = self.node_mut(id) {
                node.meaning = Some(*meaning);
            }
        }
        for (path, about) in places {
            let id = self.at(root, &mut common, path);
            let Some(node) = self.node_mut(id) else {
                continue;
            };
            match about {
                About::Whose(role) => node.whose = Some(*role),
                About::Are(claim) => node.claim = Some(*claim),
            }
        }
    }

    /// The place of a row's path below `root`, made when there is none.
    fn at(&mut self, root: NodeId, common: &mut NodeId, path: &'static str) -> NodeId {
        match cut(path, b':') {
            (path, None) => self.below(root, path),
            ("", Some(rest)) => self.below(*common, rest),
            (before, Some(rest)) => {
                *common = self.below(root, before);
                self.below(*common, rest)
            }
        }
    }

    /// The place of a path below another one.
    pub(crate) fn below(&mut self, mut node: NodeId, path: &'static str) -> NodeId {
        let mut rest = Some(path);
        while let Some(path) = rest {
            let (key, behind) = cut(path, b'.');
            node = self.child(node, key);
            rest = behind;
        }
        node
    }

    /// Has `key` of a place, of which nothing is known yet, lead to another one.
    pub(crate) fn alias(&mut self, of: NodeId, key: &'static str, place: NodeId) {
        let Some(node) = self.node_mut(of) else {
            return;
        };
        if key == "*" {
            node.element = place;
        } else {
            node.keys.push((Sketch::of(key), key, place));
        }
    }

    #[inline]
    fn node(&self, id: NodeId) -> Option<&Node<M>> {
        self.nodes.get(usize::from(id.0))
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<M>> {
        self.nodes.get_mut(usize::from(id.0))
    }

    fn child(&mut self, of: NodeId, key: &'static str) -> NodeId {
        let next = u16::try_from(self.nodes.len()).map_or(NodeId::UNKNOWN, NodeId);
        let Some(node) = self.node_mut(of) else {
            return NodeId::UNKNOWN;
        };
        if key == "*" {
            if node.element != NodeId::UNKNOWN {
                return node.element;
            }
            node.element = next;
        } else {
            if let Some((_, _, id)) = node.keys.iter().find(|(_, have, _)| *have == key) {
                return *id;
            }
            node.keys.push((Sketch::of(key), key, next));
        }
        self.nodes.push(Node::EMPTY);
        next
    }

    /// What the table says of a place.
    #[inline]
    pub(crate) fn meaning(&self, id: NodeId) -> Option<M> {
        self.node(id)?.meaning
    }

    /// What the texts at a place are, `around` being said of what is around it.
    #[inline]
    pub(crate) fn ground(&self, id: NodeId, around: Ground) -> Ground {
        self.node(id).map_or(around, |node| Ground {
            role: node.whose.unwrap_or(around.role),
            claim: node.claim.unwrap_or(around.claim),
        })
    }

    /// The place of an array's elements.
    #[inline]
    pub(crate) fn element(&self, of: NodeId) -> NodeId {
        self.node(of).map_or(NodeId::UNKNOWN, |node| node.element)
    }

    /// The place of the value of `key`, and whether the object had this key before. Only keys of the table are watched.
    pub(crate) fn key(&self, of: NodeId, key: &str, seen: &mut Seen) -> (NodeId, bool) {
        let Some(node) = self.node(of) else {
            return (NodeId::UNKNOWN, false);
        };
        let sketch = Sketch::of(key);
        // Keys mostly come in the order of the table.
        let count = node.keys.len().min(KEYS_MAX);
        let next = (u64::BITS - seen.0.leading_zeros()) as usize;
        let found = |index: &usize| {
            let known = node.keys.get(*index);
            known.is_some_and(|(known, have, _)| *known == sketch && *have == key)
        };
        let index = (next..count).find(found);
        let Some(index) = index.or_else(|| (0..next.min(count)).find(found)) else {
            return (NodeId::UNKNOWN, false);
        };
        let bit = 1 << index;
        let before = seen.0 & bit != 0;
        seen.0 |= bit;
        let id = node.keys.get(index).map(|(_, _, id)| *id);
        (id.unwrap_or(NodeId::UNKNOWN), before)
    }

    /// The most keys that an object of the table has.
    #[cfg(test)]
    pub(crate) fn keys_most(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| node.keys.len())
            .max()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_meaning() {
        let trie = Trie::new(
            &[("a", 1), ("a.*.b", 2), ("a.*", 3), ("c.b", 4)],
            &[
                ("c", About::Whose(Role::Tool)),
                ("c.b", About::Are(Claim::Id)),
            ],
        );
        let mut seen = Seen::default();
        let (a, again) = trie.key(NodeId::ROOT, "a", &mut seen);
        assert_eq!((trie.meaning(a), again), (Some(1), false));
        assert!(trie.key(NodeId::ROOT, "a", &mut seen).1);
        assert!(!trie.key(NodeId::ROOT, "c", &mut seen).1);
        let element = trie.element(a);
        assert_eq!(trie.meaning(element), Some(3));
        let (b, _) = trie.key(element, "b", &mut Seen::default());
        assert_eq!(trie.meaning(b), Some(2));
        for unknown in [
            trie.key(b, "x", &mut seen).0,
            trie.element(b),
            trie.key(NodeId::UNKNOWN, "a", &mut seen).0,
        ] {
            assert_eq!(unknown, NodeId::UNKNOWN);
            assert_eq!(trie.meaning(unknown), None);
        }
        assert_eq!(trie.keys_most(), 2);
        let (c, _) = trie.key(NodeId::ROOT, "c", &mut Seen::default());
        let ground = trie.ground(c, Ground::default());
        assert_eq!(ground, Ground::of(Role::Tool));
        let (b, _) = trie.key(c, "b", &mut Seen::default());
        assert_eq!(trie.ground(b, ground).claim, Claim::Id);
        assert_eq!(trie.ground(NodeId::UNKNOWN, ground), ground);
    }
}
