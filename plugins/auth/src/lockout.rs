//! Shuts out sources that fail too often.
//!
//! A source is an IPv4 address or the /64 of an IPv6 address, since a single subscriber has a /64 to choose addresses from. The times of
//! its latest failures are kept in the store that all workers share; more failures than allowed within the window, and the source
//! is refused for a time before any of its keys is looked at. A success clears nothing: who has one key may still be guessing another.
//! Every kind of failed authentication counts, as it counts in records and metrics.
//!
//! Sources hash to a fixed number of entries of the store, each of bounded size: at most [`SLOTS`] × [`SLOT_BYTES_MAX`] = 8 MiB, however
//! many addresses attack. In a full entry the source goes that has been quiet for the longest time, blocked ones last; that spares
//! somebody a block, never costs anybody one.

use portcullis_policy::{Store, StoreError, Timestamp, update};
use std::net::IpAddr;
use std::time::Duration;

/// Most failures that a policy can allow: their times are kept. Protects the memory of a source.
pub const FAILURES_MAX: u64 = 100;

/// Entries of the store that this policy uses at most.
pub const SLOTS: u64 = 2048;

/// Most bytes of an entry. Protects the proxy's memory, and a worker from reading much for one request.
pub const SLOT_BYTES_MAX: usize = 4096;

/// `auth.lockout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Failures within the window that are still forgiven; at most [`FAILURES_MAX`].
    pub failures: u64,
    /// How long a failure counts.
    pub window: Duration,
    /// How long a source is shut out.
    pub block: Duration,
}

impl Lockout {
    /// How long a source is still shut out; `None` when it is not.
    ///
    /// # Errors
    /// [`StoreError`], also when the store holds what nobody here wrote.
    pub fn blocked(
        &self,
        store: &mut dyn Store,
        now: Timestamp,
        source: IpAddr,
    ) -> Result<Option<Duration>, StoreError> {
        let source = Source::of(source);
        let Some((bytes, _)) = store.load(&source.key())? else {
            return Ok(None);
        };
        for entry in entries(&bytes) {
            let entry = entry.ok_or(StoreError::Unavailable)?;
            if entry.source == source {
                return Ok(self.block_left(&entry, now));
            }
        }
        Ok(None)
    }

    /// Notes a failure; whether it is the one that shuts the source out.
    ///
    /// # Errors
    /// [`StoreError`]: the failure is not counted.
    pub fn note_failure(
        &self,
        store: &mut dyn Store,
        now: Timestamp,
        source: IpAddr,
    ) -> Result<bool, StoreError> {
        let source = Source::of(source);
        update(store, &source.key(), |old| {
            let Some(mut others) = entries(old).collect::<Option<Vec<_>>>() else {
                return (None, false);
            };
            let own = others.iter().position(|entry| entry.source == source);
            let own = own.map(|at| others.swap_remove(at));
            others.retain(|entry| self.matters(entry, now));
            let earlier = own.iter().flat_map(Entry::failures);
            let mut failures: Vec<u8> = earlier
                .filter(|at| self.counts(*at, now))
                .chain([now])
                .flat_map(to_bytes)
                .collect();
            let shut_out = failures.len() as u64 > self.failures * TIME_BYTES as u64;
            let blocked_until = if shut_out {
                failures.clear();
                now.after(self.block)
            } else {
                own.filter(|entry| self.block_left(entry, now).is_some())
                    .map_or(Timestamp::default(), |entry| entry.blocked_until)
            };
            let own = Entry {
                source,
                blocked_until,
                failures: &failures,
            };
            (Some(written(others, &own)), shut_out)
        })
    }

    /// Whether anything that is known of a source still matters.
    fn matters(&self, entry: &Entry<'_>, now: Timestamp) -> bool {
        let latest = entry.latest_failure();
        self.block_left(entry, now).is_some() || latest.is_some_and(|at| self.counts(at, now))
    }

    /// Whether a failure still counts. One in the future is from before the clock was set back; nobody knows how long ago that was.
    fn counts(&self, at: Timestamp, now: Timestamp) -> bool {
        now.since(at) < self.window && at.since(now) < self.window
    }

    /// What is left of a block. One that would last longer than blocks do is from before the clock was set back, and over.
    fn block_left(&self, entry: &Entry<'_>, now: Timestamp) -> Option<Duration> {
        let left = entry.blocked_until.since(now);
        (!left.is_zero() && left <= self.block).then_some(left)
    }
}

/// A source as the store knows it: the address or its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source([u8; 9]);

impl Source {
    fn of(address: IpAddr) -> Self {
        let (family, bits) = match address.to_canonical() {
            IpAddr::V4(address) => (4, u64::from(address.to_bits())),
            IpAddr::V6(address) => (
                6,
                u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
            ),
        };
        let mut bytes = [family; 9];
        bytes
            .iter_mut()
            .skip(1)
            .zip(bits.to_le_bytes())
            .for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// The entry it lives in. The number names the layout of the value, since the store outlives the modules that write to it. Mixed
    /// with the finalizer of MurmurHash3, so that neighbouring addresses do not share an entry.
    fn key(&self) -> String {
        let mut mixed = self
            .0
            .iter()
            .fold(0u64, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte));
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        mixed ^= mixed >> 33;
        format!("portcullis/lockout/1/{}", mixed % SLOTS)
    }
}

/// Bytes of a time in the store.
const TIME_BYTES: usize = 8;

/// What is known of one source: `source | blocked until: u64 | number of failures: u8 | failures: u64 each`, numbers little endian.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    source: Source,
    /// In the past: not blocked.
    blocked_until: Timestamp,
    /// Times, oldest first.
    failures: &'a [u8],
}

impl<'a> Entry<'a> {
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (source, bytes) = bytes.split_first_chunk()?;
        let (blocked_until, bytes) = bytes.split_first_chunk()?;
        let (count, bytes) = bytes.split_first()?;
        let (failures, rest) = bytes.split_at_checked(usize::from(*count) * TIME_BYTES)?;
        let blocked_until = from_bytes(blocked_until);
        Some((
            Self {
                source: Source(*source),
                blocked_until,
                failures,
            },
            rest,
        ))
    }

    fn failures(&self) -> impl Iterator<Item = Timestamp> {
        self.failures
            .chunks_exact(TIME_BYTES)
            .filter_map(|chunk| chunk.first_chunk())
            .map(from_bytes)
    }

    fn latest_failure(&self) -> Option<Timestamp> {
        self.failures.last_chunk().map(from_bytes)
    }

    /// Who goes first when there is no room: those that are not blocked, and of them the one that has been quiet for the longest time.
    fn rank(&self) -> (Timestamp, Option<Timestamp>) {
        (self.blocked_until, self.latest_failure())
    }

    const fn size(&self) -> usize {
        self.source.0.len() + TIME_BYTES + 1 + self.failures.len()
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Ok(count) = u8::try_from(self.failures.len() / TIME_BYTES) else {
            return;
        };
        out.extend_from_slice(&self.source.0);
        out.extend(to_bytes(self.blocked_until));
        out.push(count);
        out.extend_from_slice(self.failures);
    }
}

const fn from_bytes(bytes: &[u8; TIME_BYTES]) -> Timestamp {
    Timestamp::from_nanos(u64::from_le_bytes(*bytes))
}

const fn to_bytes(time: Timestamp) -> [u8; TIME_BYTES] {
    time.as_nanos().to_le_bytes()
}

/// Reads entries; `None` once, last, when the bytes are not ours.
fn entries(mut bytes: &[u8]) -> impl Iterator<Item = Option<Entry<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let split = Entry::split(bytes);
        bytes = split.map_or(&[], |(_, rest)| rest);
        Some(split.map(|(entry, _)| entry))
    })
}

/// The bytes of one entry and of as many others as there is room for.
fn written(mut others: Vec<Entry<'_>>, own: &Entry<'_>) -> Vec<u8> {
    let mut bytes_needed = own.size() + others.iter().map(Entry::size).sum::<usize>();
    while bytes_needed > SLOT_BYTES_MAX {
        let ranked = others.iter().enumerate();
        let Some((first_to_go, _)) = ranked.min_by_key(|(_, entry)| entry.rank()) else {
            break;
        };
        bytes_needed -= others.swap_remove(first_to_go).size();
    }
    let mut bytes = Vec::with_capacity(bytes_needed);
    others
        .iter()
        .chain([own])
        .for_each(|entry| entry.write(&mut bytes));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::MemoryStore;
    use proptest::prelude::*;

    const LOCKOUT: Lockout = Lockout {
        failures: 3,
        window: Duration::from_secs(300),
        block: Duration::from_secs(3600),
    };

    fn secs(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn blocked(store: &mut MemoryStore, now: Timestamp, source: &str) -> Option<u64> {
        LOCKOUT
            .blocked(store, now, ip(source))
            .unwrap()
            .map(|left| left.as_secs())
    }

    #[test]
    fn more_failures_than_allowed_within_the_window_shut_a_source_out_for_a_time() {
        let mut store = MemoryStore::default();
        let mut fail = |now: u64, source: &str| {
            LOCKOUT
                .note_failure(&mut store, secs(now), ip(source))
                .unwrap()
        };
        assert_eq!([0, 100, 200].map(|now| fail(now, "10.0.0.1")), [false; 3]);
        assert!(!fail(300, "10.0.0.1"), "the first does not count any more");
        assert!(!fail(301, "10.0.0.2"), "somebody else's do not");
        assert!(
            fail(302, "::ffff:10.0.0.1"),
            "the fourth in five minutes, whatever the spelling"
        );
        assert_eq!(blocked(&mut store, secs(302), "10.0.0.1"), Some(3600));
        assert_eq!(blocked(&mut store, secs(3901), "10.0.0.1"), Some(1));
        assert_eq!(blocked(&mut store, secs(3902), "10.0.0.1"), None);
        assert_eq!(blocked(&mut store, secs(302), "10.0.0.2"), None);
        let mut fail = |now: u64| {
            LOCKOUT
                .note_failure(&mut store, secs(now), ip("10.0.0.1"))
                .unwrap()
        };
        assert_eq!(
            [3902, 3903, 3904, 3905].map(&mut fail),
            [false, false, false, true],
            "and counts anew"
        );
    }

    #[test]
    fn a_subscriber_cannot_hide_in_its_prefix() {
        let mut store = MemoryStore::default();
        for last in 1..=4 {
            LOCKOUT
                .note_failure(&mut store, secs(0), ip(&format!("2001:db8::{last}")))
                .unwrap();
        }
        assert!(blocked(&mut store, secs(1), "2001:db8::ffff").is_some());
        assert!(blocked(&mut store, secs(1), "2001:db8:0:1::1").is_none());
    }

    #[test]
    fn a_clock_set_back_shuts_nobody_out_for_longer() {
        let mut store = MemoryStore::default();
        for _ in 0..4 {
            LOCKOUT
                .note_failure(&mut store, secs(7200), ip("10.0.0.1"))
                .unwrap();
        }
        assert_eq!(blocked(&mut store, secs(7200), "10.0.0.1"), Some(3600));
        assert_eq!(blocked(&mut store, secs(0), "10.0.0.1"), None);
        assert!(
            !LOCKOUT
                .note_failure(&mut store, secs(0), ip("10.0.0.1"))
                .unwrap()
        );
    }

    #[test]
    fn however_many_addresses_attack_memory_is_bounded_and_nobody_is_freed() {
        let mut store = MemoryStore::default();
        for _ in 0..4 {
            LOCKOUT
                .note_failure(&mut store, secs(0), ip("192.0.2.1"))
                .unwrap();
        }
        // All that live in the same entry of the store; there are no more than SLOTS entries.
        let entry = Source::of(ip("192.0.2.1")).key();
        let attackers = (0..500_000u32).map(|n| IpAddr::from((0x0a00_0000 + n).to_be_bytes()));
        let mut bytes_max = 0;
        for attacker in attackers.filter(|address| Source::of(*address).key() == entry) {
            LOCKOUT.note_failure(&mut store, secs(1), attacker).unwrap();
            bytes_max = bytes_max.max(store.bytes() - entry.len());
        }
        assert!(
            bytes_max <= SLOT_BYTES_MAX && bytes_max > SLOT_BYTES_MAX - 100,
            "{bytes_max}"
        );
        assert!(blocked(&mut store, secs(2), "192.0.2.1").is_some());
        // What is over is dropped when the entry is written next.
        LOCKOUT
            .note_failure(&mut store, secs(4000), ip("192.0.2.1"))
            .unwrap();
        assert!(store.bytes() - entry.len() < 100, "{}", store.bytes());
    }

    #[test]
    fn a_million_attackers_fit_into_the_bound() {
        // All of them, half by IPv6 with a /64 each, noted where they fall into one of every 64 entries: a whole run takes minutes without
        // optimization, and left 8,359,936 bytes of the 8 MiB used.
        let (mut store, mut keys) = (MemoryStore::default(), std::collections::HashSet::new());
        for n in 0..1_000_000u32 {
            let attacker = if n % 2 == 0 {
                IpAddr::from((0x0a00_0000 + n).to_be_bytes())
            } else {
                let prefix = 0x2001_0db8_0000_0000 + u128::from(n);
                IpAddr::V6(std::net::Ipv6Addr::from_bits(prefix << 64))
            };
            let key = Source::of(attacker).key();
            let slot: u64 = key.rsplit('/').next().unwrap().parse().unwrap();
            if slot.is_multiple_of(64) {
                LOCKOUT.note_failure(&mut store, secs(1), attacker).unwrap();
            }
            keys.insert(slot);
        }
        assert_eq!(keys.len() as u64, SLOTS);
        assert_eq!(store.len() as u64, SLOTS / 64);
        let bytes = store.bytes() as u64;
        let bound = SLOTS / 64 * SLOT_BYTES_MAX as u64;
        let names = 32 * store.len() as u64;
        assert!(bytes <= bound + names && bytes > bound * 9 / 10, "{bytes}");
    }

    #[test]
    fn addresses_spread_over_all_entries() {
        let mut used = std::collections::HashMap::<String, u32>::new();
        for n in 0..20_480u32 {
            *used
                .entry(Source::of(IpAddr::from((0x0a00_0000 + n).to_be_bytes())).key())
                .or_default() += 1;
        }
        assert!(
            used.len() as u64 <= SLOTS && used.len() > 2000,
            "{}",
            used.len()
        );
        assert!(used.values().all(|addresses| *addresses < 40));
    }

    proptest! {
        #[test]
        fn any_bytes_in_the_store_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = entries(&bytes).collect::<Option<Vec<_>>>();
            if let Some(entries) = read {
                let mut again = Vec::new();
                entries.iter().for_each(|entry| entry.write(&mut again));
                prop_assert_eq!(again, bytes);
            } else {
                let mut store = MemoryStore::default();
                let source = Source::of(ip("10.0.0.1"));
                store.swap(&source.key(), &bytes, None).unwrap();
                prop_assert_eq!(LOCKOUT.blocked(&mut store, secs(0), ip("10.0.0.1")), Err(StoreError::Unavailable));
            }
        }

        #[test]
        fn a_source_is_shut_out_exactly_when_it_failed_too_often(gaps in proptest::collection::vec(0u64..200, 1..60)) {
            // The definition, with all times kept.
            let (mut store, mut now) = (MemoryStore::default(), 0);
            let (mut times, mut until) = (Vec::<u64>::new(), 0);
            for gap in gaps {
                now += gap;
                prop_assert_eq!(blocked(&mut store, secs(now), "10.0.0.1"), (until > now).then(|| until - now));
                if until > now {
                    continue;
                }
                times.push(now);
                let in_window = times.iter().filter(|at| now - **at < 300).count();
                if in_window > 3 {
                    times.clear();
                    until = now + 3600;
                }
                prop_assert_eq!(LOCKOUT.note_failure(&mut store, secs(now), ip("10.0.0.1")).unwrap(), in_window > 3);
            }
        }
    }
}
