//! Keys that come again, as those of a list's objects do: all that is written from one value to the next is compared with what was written there the
//! last time, and where it is the same it need not be read.

use super::scan::PAIR;
use super::token::Raw;
use super::trie::NodeId;
use portcullis_policy::Role;
use wide::u8x16;

/// So many are remembered. Protects memory, with [`PAIR`], the longest that is.
const SLOTS: usize = if cfg!(test) { 4 } else { 64 };

/// So many keys of a document come before any is remembered: in a short one none comes again.
const BEGIN_WITH: usize = if cfg!(test) { 2 } else { 32 };

/// What is written from the end of a value, or the beginning of an object, to the beginning of the next value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between {
    bytes: [u8; PAIR],
    len: usize,
    /// It stands behind a value.
    follows: bool,
}

impl Between {
    /// `None` when it is longer than what is remembered.
    fn new(written: &str, follows: bool) -> Option<Self> {
        let mut bytes = [0; PAIR];
        let written = written.as_bytes();
        bytes.get_mut(..written.len())?.copy_from_slice(written);
        Some(Self {
            bytes,
            len: written.len(),
            follows,
        })
    }

    /// Its length if `bytes` begin with it.
    #[inline]
    pub(super) fn begins(&self, bytes: &[u8], follows: bool) -> Option<usize> {
        let bytes = bytes.first_chunk::<PAIR>()?;
        let same =
            same_lanes(bytes, &self.bytes) | u32::MAX.checked_shl(self.len as u32).unwrap_or(0);
        (same == u32::MAX && self.follows == follows).then_some(self.len)
    }

    fn slot(&self) -> usize {
        let (words, _) = self.bytes.as_chunks();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let sum = words.fold(0, |sum: u64, word| {
            (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        (sum >> 32) as usize % SLOTS
    }
}

/// Which bytes are the same.
#[inline]
fn same_lanes(one: &[u8; PAIR], other: &[u8; PAIR]) -> u32 {
    let halves = |bytes: &[u8; PAIR]| match bytes.as_chunks().0 {
        [first, second] => (u8x16::new(*first), u8x16::new(*second)),
        _ => (u8x16::ZERO, u8x16::ZERO),
    };
    let ((a, b), (c, d)) = (halves(one), halves(other));
    a.simd_eq(c).to_bitmask() | b.simd_eq(d).to_bitmask() << 16
}

/// A key that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) between: Between,
    /// Where the key stands in it.
    key: (usize, usize),
    /// The object's place, that of the value, and the bit that says that the object had the key.
    around: NodeId,
    pub(super) node: NodeId,
    pub(super) bit: u64,
    /// Of a text of this role it is nothing to anybody.
    dismissed: Option<Role>,
    /// Then a bit for each number of digits: no number that has so many is anything to anybody behind it.
    numbers: u32,
    /// The key that came behind it the last time.
    next: Slot,
}

impl Known {
    /// Whether the key is nothing to anybody as a text of this role.
    #[inline]
    pub(super) fn is_dismissed(&self, role: Role) -> bool {
        self.dismissed == Some(role)
    }

    /// The key, `at` being where what is between begins in `text`.
    #[inline]
    pub(super) fn raw<'a>(&self, text: &'a str, at: usize) -> Raw<'a> {
        let (from, to) = self.key;
        Raw {
            text: text.get(at + from..at + to).unwrap_or_default(),
            at: at + from,
            escaped: false,
            backslashes: false,
        }
    }
}

/// Where a key is remembered, if it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot(Option<u8>);

/// The keys of a document.
#[derive(Debug, Default)]
pub(super) struct Keys {
    slots: Vec<Option<Known>>,
    /// The one that came first in an object the last time.
    first: Slot,
    /// Keys that came before the first was remembered.
    before: usize,
}

impl Keys {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            first: Slot(None),
            before: 0,
        }
    }

    /// Whether none is remembered, as in most documents.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// A key was read; whether it is to be remembered.
    #[inline]
    pub(super) const fn begins(&mut self) -> bool {
        if self.before < BEGIN_WITH {
            self.before += 1;
            return false;
        }
        true
    }

    fn at(&self, slot: Slot) -> Option<&Known> {
        self.slots.get(usize::from(slot.0?))?.as_ref()
    }

    fn at_mut(&mut self, slot: Slot) -> Option<&mut Known> {
        self.slots.get_mut(usize::from(slot.0?))?.as_mut()
    }

    /// The key that may come next in an object, behind the one that came last, and where it is remembered.
    #[inline]
    pub(super) fn next(&self, last: Slot, around: NodeId) -> Option<(&Known, Slot)> {
        let slot = match last {
            Slot(None) => self.first,
            _ => self.at(last)?.next,
        };
        let known = self.at(slot)?;
        (known.around == around).then_some((known, slot))
    }

    /// A key was read that came behind `last` in an object: `written` from the end of a value, or the beginning of the object.
    pub(super) fn remember(
        &mut self,
        written: &str,
        follows: bool,
        (key, at): (Raw<'_>, usize),
        (around, node, bit): (NodeId, NodeId, u64),
        last: Slot,
    ) -> Slot {
        let Some(between) = Between::new(written, follows).filter(|_| !key.escaped) else {
            return Slot(None);
        };
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        let place = between.slot();
        let slot = Slot(u8::try_from(place).ok());
        let from = key.at.saturating_sub(at);
        let known = Known {
            between,
            key: (from, from + key.text.len()),
            around,
            node,
            bit,
            dismissed: None,
            numbers: 0,
            next: Slot(None),
        };
        let is_same = |other: &Known| {
            other.around == around
                && other.between.follows == follows
                && other.between.bytes == between.bytes
                && other.between.len == between.len
        };
        match self.slots.get_mut(place) {
            Some(Some(other)) if is_same(other) => {}
            Some(other) => *other = Some(known),
            None => {}
        }
        match last {
            Slot(None) => self.first = slot,
            _ => {
                if let Some(last) = self.at_mut(last) {
                    last.next = slot;
                }
            }
        }
        slot
    }

    /// See [`Known::is_dismissed`].
    #[inline]
    pub(super) fn is_dismissed(&self, key: Slot, role: Role) -> bool {
        self.at(key).is_some_and(|key| key.is_dismissed(role))
    }

    /// The key is nothing to anybody.
    pub(super) fn dismiss(&mut self, key: Slot, role: Role) {
        if let Some(key) = self.at_mut(key) {
            key.dismissed = Some(role);
            key.numbers = 0;
        }
    }

    /// Whether a number of so many digits is nothing to anybody behind a key that is none.
    #[inline]
    pub(super) fn dismisses_number(&self, key: Slot, digits: usize) -> bool {
        let bit = 1_u32.checked_shl(digits as u32).unwrap_or(0);
        self.at(key).is_some_and(|key| key.numbers & bit != 0)
    }

    /// No number of so many digits is anything to anybody behind it.
    pub(super) fn dismiss_number(&mut self, key: Slot, digits: usize) {
        if let Some(key) = self.at_mut(key) {
            key.numbers |= 1_u32.checked_shl(digits as u32).unwrap_or(0);
        }
    }
}
