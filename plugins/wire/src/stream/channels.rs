//! Texts that go on from event to event.

use crate::edits::{Change, merge};
use crate::texts::not_at_hand;
use portcullis_policy::{Edit, Refusal, TextId};
use std::collections::BTreeMap;
use std::ops::Range;

/// Channels that one stream may have at a time: protects from a provider that opens one with every event. OpenAI's `n` is at most
/// 128, and a choice seldom has more than two.
const CHANNELS_MAX: usize = 1024;

/// What tells channels apart: the `index` of the outermost object that has one (a choice, a block), which also says what ends
/// together; and a name made of the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The choice or block.
    pub group: Option<u64>,
    /// Which of its texts.
    pub name: String,
}

/// One text and how far it has come. Positions are bytes of its unescaped text.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// How much of it was given to the sink.
    position: usize,
    /// Everything before this is decided.
    decided: usize,
    /// Everything before this has left.
    released: usize,
    /// No more comes.
    ended: bool,
    /// Wishes for what has not left, sorted, apart from each other.
    changes: Vec<Change>,
}

impl Channel {
    /// Where the next piece begins.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// A piece was given to the sink, and this is its answer.
    pub(super) fn given(&mut self, len: usize, undecided: Option<usize>, last: bool) {
        self.position += len;
        self.ended = last;
        let decided = undecided
            .filter(|_| !last)
            .unwrap_or(self.position)
            .min(self.position);
        self.decided = self.decided.max(decided);
    }

    /// Whether all before `position` is decided.
    pub(super) const fn is_decided(&self, position: usize) -> bool {
        position <= self.decided
    }

    /// Wishes a change. What has left cannot be changed: of a change that reaches back into it, the rest is carried out.
    fn change(&mut self, mut change: Change) -> Result<(), Refusal> {
        if change.range.start < self.released {
            let continues = self
                .changes
                .first()
                .is_some_and(|first| first.range.end > change.range.start);
            if !continues {
                if change.range.end <= self.released {
                    return Err(not_at_hand());
                }
                change.range.start = self.released;
            }
        }
        let in_order = self
            .changes
            .last()
            .is_none_or(|last| last.range.end <= change.range.start && last.range != change.range);
        self.changes.push(change);
        if !in_order {
            merge(&mut self.changes);
        }
        Ok(())
    }

    /// What is to be changed in a piece, in terms of the piece. The replacement stands where the change begins; what it covers of
    /// later pieces only goes.
    pub(super) fn changes_in(&self, piece: &Range<usize>) -> Vec<Change> {
        let from = self
            .changes
            .partition_point(|change| change.range.end < piece.start);
        let is_last = self.ended && piece.end == self.position;
        self.changes
            .iter()
            .skip(from)
            .take_while(|change| change.range.start <= piece.end)
            .filter(|change| {
                let Range { start, end } = change.range;
                if start == end {
                    piece.contains(&start) || (is_last && start == piece.end)
                } else {
                    start < piece.end && end > piece.start
                }
            })
            .map(|change| Change {
                range: change.range.start.max(piece.start) - piece.start
                    ..change.range.end.min(piece.end) - piece.start,
                replacement: if change.range.start >= piece.start {
                    change.replacement.clone()
                } else {
                    String::new()
                },
            })
            .collect()
    }

    /// Everything before `position` has left.
    fn release(&mut self, position: usize) {
        self.released = position;
        let gone = self
            .changes
            .partition_point(|change| change.range.end <= position);
        self.changes.drain(..gone);
    }
}

/// The channels of a stream: those that are open by their key, those of which something is still held by their id.
#[derive(Debug, Default)]
pub(super) struct Channels {
    open: BTreeMap<Key, TextId>,
    known: BTreeMap<TextId, Channel>,
}

impl Channels {
    /// The channel of a key, opened with the id that `fresh` gives when there is none. `None`: there are too many.
    pub(super) fn at(&mut self, key: Key, fresh: impl FnOnce() -> TextId) -> Option<TextId> {
        if let Some(id) = self.open.get(&key) {
            return Some(*id);
        }
        if self.known.len() >= CHANNELS_MAX {
            return None;
        }
        let id = fresh();
        self.open.insert(key, id);
        self.known.insert(id, Channel::default());
        Some(id)
    }

    /// A channel of which something is open or held.
    pub(super) fn find(&mut self, id: TextId) -> Option<&mut Channel> {
        self.known.get_mut(&id)
    }

    /// Closes the channels of a group, or all; the sink must be told of each of them.
    pub(super) fn close(&mut self, of: Option<Option<u64>>) -> Vec<TextId> {
        let Some(group) = of else {
            return std::mem::take(&mut self.open).into_values().collect();
        };
        let first = Key {
            group,
            name: String::new(),
        };
        let keys: Vec<_> = self
            .open
            .range(first..)
            .take_while(|(key, _)| key.group == group)
            .map(|(key, _)| key.clone())
            .collect();
        keys.iter()
            .filter_map(|key| self.open.remove(key))
            .collect()
    }

    /// Grants the sink's wishes.
    pub(super) fn change(&mut self, edit: Edit) -> Result<(), Refusal> {
        let channel = self.known.get_mut(&edit.text).ok_or_else(not_at_hand)?;
        channel.change(Change {
            range: edit.range,
            replacement: edit.replacement,
        })
    }

    /// A piece has left. A channel that ended and has nothing left is forgotten.
    pub(super) fn release(&mut self, id: TextId, position: usize) {
        let Some(channel) = self.known.get_mut(&id) else {
            return;
        };
        channel.release(position);
        self.forget(id);
    }

    /// Forgets a channel that ended and of which all has left.
    pub(super) fn forget(&mut self, id: TextId) {
        if self
            .known
            .get(&id)
            .is_some_and(|channel| channel.ended && channel.released >= channel.position)
        {
            self.known.remove(&id);
        }
    }
}
