//! The alerts that are on, and what of them is still to be told: one entry of the store, for all workers.
//!
//! It is the queue of notifications, too. Whoever sends one notes so before, so that no other worker does; what is not delivered stays and is tried
//! again, by any worker, also after a VM has gone. At most [`FIRING_MAX`] alerts are on at a time as far as notifications go: what is set off
//! beyond them is counted, blocked and recorded like any other, but not told.

use portcullis_policy::{Store, StoreError, update};
use serde::{Deserialize, Serialize};

/// Most alerts that are told of at a time. Protects the receiver, the proxy's memory, and whoever reads what it gets.
pub(crate) const FIRING_MAX: usize = 256;

/// The number names the layout of the value: the store outlives the modules that write to it.
const KEY: &str = "portcullis/alerts/1/firing";

/// An alert that is on for a subject, or just was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Firing {
    /// The rule's number in the store.
    pub rule: u32,
    /// The subject's number in the store.
    pub id: [u8; 16],
    /// The subject's place in the store.
    pub place: u16,
    /// The alert's name.
    pub alert: String,
    /// `user`, `key`, `team`, `source`, `all`.
    pub by: String,
    /// Who it is about, as far as the receiver may know.
    pub subject: String,
    /// What its condition's number was held against when it was set off.
    pub value: u64,
    /// When it was set off, in milliseconds since the epoch, as all times here.
    pub since_ms: u64,
    /// It is on until then, even when its count has fallen: how long a source is blocked.
    pub until_ms: u64,
    /// When it was over.
    pub ended_ms: Option<u64>,
    /// When somebody last began to tell of it.
    pub told_ms: u64,
    /// How often that failed in a row.
    pub attempts: u32,
    /// The receiver knows how it stands.
    pub delivered: bool,
}

impl Firing {
    /// Whether this is about the same.
    pub fn same(&self, other: &Self) -> bool {
        self.rule == other.rule && self.id == other.id
    }
}

/// Notes that an alert is on; whether there was room.
///
/// # Errors
/// [`StoreError`]: it is not noted.
pub(crate) fn raise(store: &mut dyn Store, new: &Firing) -> Result<bool, StoreError> {
    update(store, KEY, |old| {
        if count(old) >= FIRING_MAX {
            // Not even read: whoever can set off alerts must not make every request pay for the whole table.
            return (None, false);
        }
        let mut all = read(old);
        match all.iter_mut().find(|known| known.same(new)) {
            Some(known) => {
                known.until_ms = known.until_ms.max(new.until_ms);
                if known.ended_ms.take().is_some() {
                    *known = new.clone();
                }
            }
            None => all.push(new.clone()),
        }
        (Some(written(&all)), true)
    })
}

/// All that are on or not yet told.
///
/// # Errors
/// [`StoreError`] when the store gives no answer.
pub(crate) fn all(store: &mut dyn Store) -> Result<Vec<Firing>, StoreError> {
    Ok(store
        .load(KEY)?
        .map(|(bytes, _)| read(&bytes))
        .unwrap_or_default())
}

/// Changes them; nothing is written when nothing changes.
///
/// # Errors
/// [`StoreError`]: nothing is changed.
pub(crate) fn edit<T>(
    store: &mut dyn Store,
    mut change: impl FnMut(&mut Vec<Firing>) -> T,
) -> Result<T, StoreError> {
    update(store, KEY, |old| {
        let before = read(old);
        let mut after = before.clone();
        let answer = change(&mut after);
        ((after != before).then(|| written(&after)), answer)
    })
}

/// `number of entries: u16, little endian | JSON`. What nobody here wrote is nothing.
fn count(bytes: &[u8]) -> usize {
    bytes
        .first_chunk()
        .map_or(0, |count| usize::from(u16::from_le_bytes(*count)))
}

fn read(bytes: &[u8]) -> Vec<Firing> {
    bytes
        .split_first_chunk::<2>()
        .and_then(|(_, json)| serde_json::from_slice(json).ok())
        .unwrap_or_default()
}

fn written(all: &[Firing]) -> Vec<u8> {
    let mut bytes = u16::try_from(all.len())
        .unwrap_or(u16::MAX)
        .to_le_bytes()
        .to_vec();
    if !all.is_empty() {
        bytes.extend(serde_json::to_vec(all).unwrap_or_default());
    }
    bytes
}
