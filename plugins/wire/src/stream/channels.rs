//! Texts that go on from event to event.

use super::flow::{Flow, Teller, Told};
use crate::edits::{Change, Pending, merge};
use crate::json::NESTED_DEPTH_MAX;
use crate::places::Claim;
use crate::response::unreadable;
use crate::texts::not_at_hand;
use portcullis_policy::{Place, Refusal, Role, TextId};
use std::ops::Range;

/// Channels that one stream may have at a time: protects from a provider that opens one with every event. OpenAI's `n` is at most
/// 128, and a choice seldom has more than two.
const CHANNELS_MAX: usize = 1024;

/// Strings, words and escapes that are kept in mind of a channel that is a document, until they leave: protects the worker's memory
/// from a document of nothing else.
const PLACES_MAX: usize = 1 << 18;

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
#[derive(Debug)]
pub(super) struct Channel {
    flow: Flow,
    /// Everything before this is decided.
    decided: usize,
    /// Everything before this has left.
    released: usize,
    /// No more comes.
    ended: bool,
    /// What the sink wishes changed, of what has not left. Sorted, apart from each other.
    wishes: Pending,
    /// What it wishes changed within strings of the document that the text is, ready to be carried out.
    ready: Pending,
    /// As which text it is kept, should it come again.
    pub said: Option<usize>,
}

impl Channel {
    fn new(id: TextId, of: (Role, Place)) -> Self {
        Self {
            said: None,
            flow: Flow::new(id, of, NESTED_DEPTH_MAX),
            decided: 0,
            released: 0,
            ended: false,
            wishes: Pending::default(),
            ready: Pending::default(),
        }
    }

    /// Gives a piece to the sink; returns which part of the text it is.
    pub(super) fn tell(
        &mut self,
        piece: &str,
        last: bool,
        teller: &mut Teller<'_>,
    ) -> Result<Range<usize>, Refusal> {
        let start = self.flow.position();
        if self.flow.is_opaque() && Claim::Base64.still(piece) < piece.len() {
            self.flow.disclaim();
        }
        let told = self.flow.tell(piece, last, teller)?;
        let end = self.flow.position();
        self.ended = last;
        let decided = told.undecided.filter(|_| !last).unwrap_or(end).min(end);
        // The rest of what is cut there may still be changed, and it then is as a whole.
        let decided = self.flow.cut(decided).map_or(decided, |whole| whole.start);
        self.decided = self.decided.max(decided);
        if !(told.wishes.is_empty() && told.ready.is_empty()) {
            self.take(told)?;
        }
        if self.flow.kept() > PLACES_MAX {
            Err(unreadable())
        } else {
            Ok(start..end)
        }
    }

    /// Takes what is to be changed.
    #[inline(never)]
    fn take(&mut self, told: Told) -> Result<(), Refusal> {
        let wishes = told.wishes.into_iter();
        let wishes: Option<Vec<_>> = wishes
            .map(|wish| self.possible(wish, &self.wishes))
            .collect();
        self.wishes.extend(wishes.ok_or_else(not_at_hand)?);
        // What has left was read in the text itself.
        let ready = told.ready.into_iter();
        let ready: Vec<_> = ready
            .filter_map(|change| self.possible(change, &self.ready))
            .collect();
        self.ready.extend(ready);
        Ok(())
    }

    /// Whether all before `position` is decided.
    pub(super) const fn is_decided(&self, position: usize) -> bool {
        position <= self.decided
    }

    /// What has left cannot be changed, nor what it cuts: of a change that reaches back into it, the rest is carried out, if there is any.
    fn possible(&self, mut change: Change, pending: &Pending) -> Option<Change> {
        let cut = self.flow.cut(self.released);
        let free = cut.map_or(self.released, |begun| begun.end);
        let begun = pending.all().first();
        let goes_on = |first: &Change| {
            first.range.start < self.released && first.range.end > change.range.start
        };
        if change.range.start < free && !begun.is_some_and(goes_on) {
            if change.range.end <= free {
                return None;
            }
            change.range.start = free;
        }
        Some(change)
    }

    /// What is to be changed in a piece, in terms of the piece. The replacement stands where the change begins; what it covers of
    /// later pieces only goes.
    pub(super) fn changes_in(&self, piece: &Range<usize>) -> Vec<Change> {
        if self.wishes.all().is_empty() && self.ready.all().is_empty() {
            return Vec::new();
        }
        let mut changes = self.ready.touching(piece);
        changes.extend(self.flow.fit(self.wishes.touching(&self.whole(piece))));
        merge(&mut changes);
        let is_last = self.ended && piece.end == self.flow.position();
        changes.retain(|change| {
            let Range { start, end } = change.range;
            if start == end {
                piece.contains(&start) || (is_last && start == piece.end)
            } else {
                start < piece.end && end > piece.start
            }
        });
        for change in &mut changes {
            if change.range.start < piece.start {
                change.replacement.clear();
            }
            change.range.start = change.range.start.max(piece.start) - piece.start;
            change.range.end = change.range.end.min(piece.end) - piece.start;
        }
        changes
    }

    /// With all of what is cut at its ends: a wish for one part of it changes the other, too.
    fn whole(&self, piece: &Range<usize>) -> Range<usize> {
        let start = self.flow.cut(piece.start);
        let end = self.flow.cut(piece.end);
        start.map_or(piece.start, |cut| cut.start)..end.map_or(piece.end, |cut| cut.end)
    }

    /// Whether it ended and has nothing left.
    pub(super) const fn is_over(&self) -> bool {
        self.ended && self.released >= self.flow.position()
    }

    /// Everything before `position` has left.
    pub(super) fn release(&mut self, position: usize) {
        self.released = position;
        let needed = self.flow.cut(position).map_or(position, |cut| cut.start);
        self.wishes.forget(needed);
        self.ready.forget(position);
        let needed = self
            .wishes
            .all()
            .first()
            .map_or(position, |wish| wish.range.start.min(position));
        self.flow.forget(needed);
    }
}

/// The channels of a stream: those that are open by their key, those of which something is still held by their id. Both are lists in order:
/// there are seldom more than two, and never more than [`CHANNELS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Channels {
    open: Vec<(Key, TextId)>,
    known: Vec<(TextId, Box<Channel>)>,
}

impl Channels {
    /// The channel of a key, opened with the id that `fresh` gives when there is none, as what `of` says, and as the text that `said` gives. `None`:
    /// there are too many.
    pub(super) fn at(
        &mut self,
        key: Key,
        of: (Role, Place),
        fresh: impl FnOnce() -> TextId,
        said: impl FnOnce() -> Option<usize>,
    ) -> Option<TextId> {
        let place = match self.open.binary_search_by(|(open, _)| open.cmp(&key)) {
            Ok(place) => return self.open.get(place).map(|(_, id)| *id),
            Err(place) => place,
        };
        if self.known.len() >= CHANNELS_MAX {
            return None;
        }
        let id = fresh();
        self.open.insert(place, (key, id));
        let place = self.known.partition_point(|(known, _)| *known < id);
        let mut channel = Box::new(Channel::new(id, of));
        channel.said = said();
        self.known.insert(place, (id, channel));
        Some(id)
    }

    fn place(&self, id: TextId) -> Option<usize> {
        self.known.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    /// A channel of which something is open or held.
    pub(super) fn find(&mut self, id: TextId) -> Option<&mut Channel> {
        let place = self.place(id)?;
        self.known.get_mut(place).map(|(_, channel)| &mut **channel)
    }

    /// Closes the channels that end; the sink must be told of each of them.
    pub(super) fn close(&mut self, ends: &dyn Fn(&Key) -> bool) -> Vec<TextId> {
        let mut closed = Vec::new();
        self.open.retain(|(key, id)| {
            let ends = ends(key);
            if ends {
                closed.push(*id);
            }
            !ends
        });
        closed
    }

    /// Forgets a channel that ended and of which all has left.
    pub(super) fn forget(&mut self, id: TextId) {
        let over = self.find(id).is_some_and(|channel| channel.is_over());
        if over && let Some(place) = self.place(id) {
            self.known.remove(place);
        }
    }
}
