//! Sources that alerts have blocked, in the store.
//!
//! As with counts, a fixed number of entries: at most [`SLOTS`] × [`SLOT_BYTES_MAX`] = 4 MiB, room for 170,000 addresses at a time. Where there
//! is no room, the block that would have ended first ends.

use crate::series::millis;
use crate::subject::{SUBJECT_BYTES, Subject};
use portcullis_policy::sort::sort_by_key;
use portcullis_policy::{Store, StoreError, Timestamp, update};
use std::time::Duration;

/// Entries of the store that blocks use at most.
pub(crate) const SLOTS: u16 = 1024;

/// Most bytes of an entry. Protects the proxy's memory, and a worker from reading much for one request.
pub(crate) const SLOT_BYTES_MAX: usize = 4096;

/// `subject | until ms: u64`, little endian.
const BLOCK_BYTES: usize = SUBJECT_BYTES + 8;

/// How long a source is still blocked; `None` when it is not.
///
/// # Errors
/// [`StoreError`] when the store gives no answer.
pub(crate) fn left(
    store: &mut dyn Store,
    now: Timestamp,
    source: Subject,
    longest: Duration,
) -> Result<Option<Duration>, StoreError> {
    let Some((bytes, _)) = store.load(&key(source))? else {
        return Ok(None);
    };
    let until = blocks(&bytes)
        .find(|(id, _)| *id == source.id)
        .map(|(_, until)| until);
    let left = Duration::from_millis(until.unwrap_or(0).saturating_sub(millis(now)));
    // One that would last longer than blocks do is from before the clock was set back, and over.
    Ok((!left.is_zero() && left <= longest).then_some(left))
}

/// Blocks a source for so long from now; a block that lasts longer stays.
///
/// # Errors
/// [`StoreError`]: it is not blocked.
pub(crate) fn block(
    store: &mut dyn Store,
    now: Timestamp,
    source: Subject,
    time: Duration,
    longest: Duration,
) -> Result<(), StoreError> {
    let now_ms = millis(now);
    let end_max = millis(now.after(longest));
    update(store, &key(source), |old| {
        let mut until = millis(now.after(time));
        let mut all = Vec::with_capacity(old.len() / BLOCK_BYTES + 1);
        for (id, other) in blocks(old).filter(|(_, until)| *until > now_ms && *until <= end_max) {
            if id == source.id {
                until = until.max(other);
            } else {
                all.push((id, other));
            }
        }
        sort_by_key(&mut all, |(_, until)| std::cmp::Reverse(*until));
        all.truncate(SLOT_BYTES_MAX / BLOCK_BYTES - 1);
        all.push((source.id, until));
        let mut bytes = Vec::with_capacity(all.len() * BLOCK_BYTES);
        for (id, until) in all {
            bytes.extend_from_slice(&id);
            bytes.extend_from_slice(&until.to_le_bytes());
        }
        (Some(bytes), ())
    })
}

fn key(source: Subject) -> String {
    format!("portcullis/alerts/1/block/{}", source.place % SLOTS)
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = ([u8; SUBJECT_BYTES], u64)> {
    let (chunks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    chunks.iter().filter_map(|chunk| {
        let (id, until) = chunk.split_first_chunk()?;
        Some((*id, u64::from_le_bytes(*until.first_chunk()?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::MemoryStore;
    use std::net::IpAddr;

    const HOUR: Duration = Duration::from_secs(3600);

    fn secs(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn source(n: u32) -> Subject {
        Subject::source(IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
    }

    #[test]
    fn a_block_ends_by_itself_and_never_gets_shorter() {
        let mut store = MemoryStore::default();
        let left = |store: &mut MemoryStore, now| left(store, secs(now), source(1), HOUR).unwrap();
        assert_eq!(left(&mut store, 0), None);
        block(&mut store, secs(0), source(1), HOUR, HOUR).unwrap();
        block(&mut store, secs(10), source(1), HOUR / 2, HOUR).unwrap();
        assert_eq!(left(&mut store, 10), Some(HOUR - Duration::from_secs(10)));
        assert_eq!(left(&mut store, 3599), Some(Duration::from_secs(1)));
        assert_eq!(left(&mut store, 3600), None);
    }

    #[test]
    fn a_clock_set_back_blocks_nobody_for_longer() {
        let mut store = MemoryStore::default();
        block(&mut store, secs(7200), source(1), HOUR, HOUR).unwrap();
        assert_eq!(left(&mut store, secs(0), source(1), HOUR).unwrap(), None);
        block(&mut store, secs(0), source(1), HOUR / 2, HOUR).unwrap();
        assert_eq!(
            left(&mut store, secs(0), source(1), HOUR).unwrap(),
            Some(HOUR / 2)
        );
    }

    #[test]
    fn however_many_are_blocked_memory_is_bounded() {
        let mut store = MemoryStore::default();
        let slot = source(0).place % SLOTS;
        let all: Vec<u32> = (0..400_000)
            .filter(|n| source(*n).place % SLOTS == slot)
            .collect();
        for n in all.iter().copied() {
            block(&mut store, secs(u64::from(n) / 1000), source(n), HOUR, HOUR).unwrap();
        }
        assert!(
            store.bytes() <= SLOT_BYTES_MAX + key(source(0)).len(),
            "{}",
            store.bytes()
        );
        assert!(store.bytes() > SLOT_BYTES_MAX - 100, "{}", store.bytes());
        // Those that end first have made room.
        let mut left = |n| left(&mut store, secs(500), source(n), HOUR).unwrap();
        assert!(all.iter().rev().take(100).all(|n| left(*n).is_some()));
        assert!(all.iter().take(10).all(|n| left(*n).is_none()));
    }
}
