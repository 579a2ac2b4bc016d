//! Permits to run: how many requests of a subject are under way.
//!
//! A permit is given back when its request ends, or gives itself back after the lease when nobody is left to do so because a worker's VM
//! died. To know which permits are over, they are counted by the sixteenth of a lease in which they were given out, so memory does not
//! depend on their number. A permit gives itself back after one lease at the earliest and a sixteenth later at the latest.

use std::time::Duration;

/// Parts of a lease that are told apart.
const EPOCHS_PER_LEASE: u64 = 16;

/// Most epochs that are kept: those of a lease, and some that a clock set back may add. Protects a subject's memory; when they are all
/// in use, further permits join the newest.
const EPOCHS_MAX: usize = 32;

/// Bytes of an epoch in the store.
const EPOCH_BYTES: usize = 20;

/// Permits given out at about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Epoch {
    id: u64,
    left_nanos: u64,
    permits: u32,
}

/// A permit that is out: which epoch counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit(u64);

/// All permits of a subject, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permits(Vec<Epoch>);

impl Permits {
    /// Requests under way.
    pub fn running(&self) -> u64 {
        self.0.iter().map(|epoch| u64::from(epoch.permits)).sum()
    }

    /// Time went by.
    pub fn advance(&mut self, elapsed_nanos: u64) {
        self.0.retain_mut(|epoch| {
            epoch.left_nanos = epoch.left_nanos.saturating_sub(elapsed_nanos);
            epoch.left_nanos > 0
        });
    }

    /// One more request, at `at_nanos` since the Unix epoch.
    pub fn take(&mut self, at_nanos: u64, lease: Duration) -> Permit {
        let left_nanos = u64::try_from(lease.as_nanos()).unwrap_or(u64::MAX).max(1);
        let id = at_nanos / (left_nanos / EPOCHS_PER_LEASE).max(1);
        let full = self.0.len() >= EPOCHS_MAX;
        let known = self.0.iter_mut().rev().find(|epoch| full || epoch.id == id);
        if let Some(epoch) = known {
            epoch.permits = epoch.permits.saturating_add(1);
            epoch.left_nanos = epoch.left_nanos.max(left_nanos);
            return Permit(epoch.id);
        }
        self.0.push(Epoch {
            id,
            left_nanos,
            permits: 1,
        });
        Permit(id)
    }

    /// One request less. Nothing happens when the lease took the permit back before.
    pub fn give_back(&mut self, permit: Permit) {
        if let Some(epoch) = self.0.iter_mut().find(|epoch| epoch.id == permit.0) {
            epoch.permits = epoch.permits.saturating_sub(1);
        }
        self.0.retain(|epoch| epoch.permits > 0);
    }

    /// Nanoseconds until all leases are over.
    pub fn until_idle_nanos(&self) -> u64 {
        self.0
            .iter()
            .map(|epoch| epoch.left_nanos)
            .max()
            .unwrap_or(0)
    }

    /// Appends the bytes that [`Self::from_bytes`] reads.
    pub fn write(&self, out: &mut Vec<u8>) {
        for epoch in &self.0 {
            out.extend_from_slice(&epoch.id.to_le_bytes());
            out.extend_from_slice(&epoch.left_nanos.to_le_bytes());
            out.extend_from_slice(&epoch.permits.to_le_bytes());
        }
    }

    /// From all of `bytes`; `None` when they are not what [`Self::write`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let epoch = |bytes: &[u8]| {
            let (id, bytes) = bytes.split_first_chunk()?;
            let (left, bytes) = bytes.split_first_chunk()?;
            let (permits, _) = bytes.split_first_chunk()?;
            Some(Epoch {
                id: u64::from_le_bytes(*id),
                left_nanos: u64::from_le_bytes(*left),
                permits: u32::from_le_bytes(*permits),
            })
        };
        let whole =
            bytes.len().is_multiple_of(EPOCH_BYTES) && bytes.len() <= EPOCHS_MAX * EPOCH_BYTES;
        let epochs = bytes
            .chunks_exact(EPOCH_BYTES)
            .map(epoch)
            .collect::<Option<Vec<_>>>();
        epochs.filter(|_| whole).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE: Duration = Duration::from_secs(16);
    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_permit_gives_itself_back_after_its_lease() {
        let mut permits = Permits::default();
        let first = permits.take(10 * SECOND, LEASE);
        permits.advance(16 * SECOND - 1);
        assert_eq!(permits.running(), 1);
        permits.take(26 * SECOND - 1, LEASE);
        permits.advance(1);
        assert_eq!(permits.running(), 1);
        permits.give_back(first);
        assert_eq!(permits.running(), 1, "the lease had taken it back already");
        permits.advance(16 * SECOND);
        assert_eq!(permits, Permits::default());
    }

    #[test]
    fn a_permit_of_an_epoch_that_has_begun_lasts_a_whole_lease() {
        let mut permits = Permits::default();
        permits.take(10 * SECOND, LEASE);
        permits.advance(SECOND * 9 / 10);
        permits.take(10 * SECOND + SECOND * 9 / 10, LEASE);
        permits.advance(16 * SECOND - 1);
        assert!(permits.running() >= 1, "the second has its lease yet");
        permits.advance(1);
        assert_eq!(permits.running(), 0);
    }

    #[test]
    fn memory_is_bounded_whatever_the_clock_does() {
        let mut permits = Permits::default();
        let all: Vec<Permit> = (0..1000)
            .map(|n| permits.take(n * 7 * SECOND % (997 * SECOND), LEASE))
            .collect();
        assert_eq!(permits.running(), 1000);
        let mut bytes = Vec::new();
        permits.write(&mut bytes);
        assert!(bytes.len() <= EPOCHS_MAX * EPOCH_BYTES);
        all.into_iter().for_each(|permit| permits.give_back(permit));
        assert_eq!(permits.running(), 0);
    }

    proptest! {
        #[test]
        fn permits_are_conserved(steps in proptest::collection::vec((0u64..20, any::<bool>()), 0..200)) {
            // Each step: seconds that go by, then a permit is taken or the oldest given back.
            let (mut permits, mut out, mut now) = (Permits::default(), std::collections::VecDeque::new(), 1000 * SECOND);
            for (secs, take) in steps {
                now += secs * SECOND;
                permits.advance(secs * SECOND);
                if take {
                    out.push_back((permits.take(now, LEASE), now));
                } else if let Some((permit, _)) = out.pop_front() {
                    permits.give_back(permit);
                }
                let over = |taken: u64, lease: u64| now - taken >= lease * SECOND;
                let surely_running = out.iter().filter(|(_, taken)| !over(*taken, 16)).count() as u64;
                let maybe_running = out.iter().filter(|(_, taken)| !over(*taken, 17)).count() as u64;
                prop_assert!((surely_running..=maybe_running).contains(&permits.running()));
                let mut bytes = Vec::new();
                permits.write(&mut bytes);
                prop_assert_eq!(Permits::from_bytes(&bytes), Some(permits.clone()));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Permits::from_bytes(&bytes);
        }
    }
}
