//! Heads of chains in the store, where all workers see them: what a chain that starts finds of those before it.

use portcullis_policy::{Store, StoreError, Timestamp};
use serde::Serialize;
use std::time::Duration;

/// Most chains whose heads are kept: twice the workers of the largest machines, and those that are going while others come. Bounds the store,
/// from which nothing can be deleted.
pub(crate) const CHAINS_MAX: usize = 64;

/// After so long without a record a chain that was never closed is taken for one whose VM crashed. Should it be alive after all, it notices
/// with its next record, and starts anew.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(600);

/// The policy that the last start found in force.
pub(crate) const POLICY_KEY: &str = "portcullis/audit/policy";

/// When heads of all chains were last recorded.
pub(crate) const HEADS_AT_KEY: &str = "portcullis/audit/heads_at";

/// The last record of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Head {
    /// The chain.
    pub id: String,
    /// The record's number.
    pub seq: u64,
    /// Its seal.
    pub mac: String,
    /// How many of its records the collector has acknowledged; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u64>,
    /// When it was written.
    #[serde(skip)]
    pub at: Timestamp,
    /// No record follows.
    #[serde(skip)]
    pub closed: bool,
}

/// A head for the store: words with spaces between.
pub(crate) fn text(
    id: &str,
    seq: u64,
    mac: &str,
    delivered: Option<u64>,
    at: Timestamp,
    closed: bool,
) -> String {
    let mut numbers = [
        itoa::Buffer::new(),
        itoa::Buffer::new(),
        itoa::Buffer::new(),
    ];
    let [seq_digits, delivered_digits, at_digits] = &mut numbers;
    let words = [
        id,
        seq_digits.format(seq),
        mac,
        delivered.map_or("-", |count| delivered_digits.format(count)),
        at_digits.format(at.as_nanos()),
        if closed { "closed" } else { "open" },
    ];
    words.join(" ")
}

impl Head {
    /// Of an entry of the store; `None` for anything that was not written by [`text`].
    pub fn from_text(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut words = text.split(' ');
        let mut word = || words.next();
        let head = Self {
            id: word()?.to_owned(),
            seq: word()?.parse().ok()?,
            mac: word()?.to_owned(),
            delivered: word().and_then(|count| count.parse().ok()),
            at: Timestamp::from_nanos(word()?.parse().ok()?),
            closed: word()? == "closed",
        };
        Some(head)
    }

    /// Whether a new chain may take its place.
    pub fn gone(&self, now: Timestamp) -> bool {
        self.closed || now.since(self.at) > STALE_AFTER
    }
}

/// The key of a slot.
pub(crate) fn key(slot: usize) -> String {
    format!("portcullis/audit/chain/{slot}")
}

/// A slot of the store and what is in it.
pub(crate) struct Slot {
    pub number: usize,
    /// `None` for one that was never used.
    pub held: Option<(Head, u32)>,
}

/// All slots in use, and the first that is not.
pub(crate) fn slots(store: &mut dyn Store) -> Result<Vec<Slot>, StoreError> {
    let mut slots = Vec::new();
    for number in 0..CHAINS_MAX {
        let loaded = store.load(&key(number))?;
        let unused = loaded.is_none();
        let held = loaded.and_then(|(bytes, version)| Some((Head::from_text(&bytes)?, version)));
        slots.push(Slot { number, held });
        if unused {
            break;
        }
    }
    Ok(slots)
}

/// The heads in slots.
pub(crate) fn heads(slots: &[Slot]) -> Vec<&Head> {
    slots
        .iter()
        .filter_map(|slot| slot.held.as_ref())
        .map(|(head, _)| head)
        .collect()
}

/// Where a new chain's head goes: the place of a chain that is gone, an unused slot, else that of the chain that was silent longest.
pub(crate) fn choose(slots: Vec<Slot>, now: Timestamp) -> Option<Slot> {
    let rank = |slot: &Slot| match &slot.held {
        Some((head, _)) if head.gone(now) => (0, head.at),
        None => (1, Timestamp::default()),
        Some((head, _)) => (2, head.at),
    };
    slots.into_iter().min_by_key(rank)
}
