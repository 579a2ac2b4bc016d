//! What happened within a window, for one alert and one subject.
//!
//! Each time is kept as long as there are few; so a condition such as `auth_failures > 10` is exact. When there are more than
//! [`ENTRIES_MAX`], those of the same [`CELLS`]th part of the window become one, at their mean time: the count is then exact but for what
//! happened within one part around the window's beginning.

use portcullis_policy::Timestamp;
use portcullis_policy::sort::sort_by_key;
use std::time::Duration;

/// Most times that are kept of one alert and subject.
pub(crate) const ENTRIES_MAX: usize = 24;

/// Into how many parts a window falls when times are put together.
const CELLS: u64 = 12;

/// Bytes of an entry in the store.
pub(crate) const ENTRY_BYTES: usize = 16;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    at_ms: u64,
    amount: u64,
    times: u32,
}

/// How much happened, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub amount: u64,
    pub times: u64,
}

/// All that happened within a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Series {
    entries: Vec<Entry>,
}

/// Milliseconds since the epoch, in which this module counts.
pub(crate) fn millis(time: Timestamp) -> u64 {
    time.as_nanos() / 1_000_000
}

/// Milliseconds of a window; at least one.
pub(crate) fn window_ms(window: Duration) -> u64 {
    u64::try_from(window.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl Series {
    /// Forgets what lies before the window. A time in the future is from before the clock was set back; nobody knows how long ago that
    /// was, so it counts as now.
    pub fn advance(&mut self, now_ms: u64, window_ms: u64) {
        self.entries.retain_mut(|entry| {
            entry.at_ms = entry.at_ms.min(now_ms);
            now_ms - entry.at_ms < window_ms
        });
    }

    /// Adds what happened now.
    pub fn add(&mut self, now_ms: u64, window_ms: u64, amount: u64) {
        let new = Entry {
            at_ms: now_ms,
            amount,
            times: 1,
        };
        match self.entries.last_mut().filter(|last| last.at_ms == now_ms) {
            Some(last) => last.join(new),
            None => self.entries.push(new),
        }
        if self.entries.len() > ENTRIES_MAX {
            self.put_together(window_ms);
        }
    }

    /// How much is in the window.
    pub fn total(&self) -> Total {
        self.entries
            .iter()
            .fold(Total::default(), |total, entry| Total {
                amount: total.amount.saturating_add(entry.amount),
                times: total.times + u64::from(entry.times),
            })
    }

    fn put_together(&mut self, window_ms: u64) {
        let cell_ms = (window_ms / CELLS).max(1);
        sort_by_key(&mut self.entries, |entry| entry.at_ms);
        self.entries.dedup_by(|later, earlier| {
            let same = later.at_ms / cell_ms == earlier.at_ms / cell_ms;
            if same {
                earlier.join(*later);
            }
            same
        });
    }

    /// Appends the bytes that [`Self::read`] reads: `age before base in ms: u32 | amount: u64 | times: u32` of each entry.
    pub fn write(&self, base_ms: u64, out: &mut Vec<u8>) {
        for entry in &self.entries {
            let age = u32::try_from(base_ms.saturating_sub(entry.at_ms)).unwrap_or(u32::MAX);
            out.extend_from_slice(&age.to_le_bytes());
            out.extend_from_slice(&entry.amount.to_le_bytes());
            out.extend_from_slice(&entry.times.to_le_bytes());
        }
    }

    /// From all of `bytes`; `None` when nobody here wrote them.
    pub fn read(base_ms: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return None;
        }
        let entry = |chunk: &[u8; ENTRY_BYTES]| {
            let (age, chunk) = chunk.split_first_chunk()?;
            let (amount, chunk) = chunk.split_first_chunk()?;
            let (times, _) = chunk.split_first_chunk()?;
            Some(Entry {
                at_ms: base_ms.saturating_sub(u64::from(u32::from_le_bytes(*age))),
                amount: u64::from_le_bytes(*amount),
                times: u32::from_le_bytes(*times),
            })
        };
        let entries = chunks.iter().map(entry).collect::<Option<_>>()?;
        Some(Self { entries })
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    /// Both at their mean time.
    fn join(&mut self, other: Self) {
        let (own, others) = (
            u128::from(self.amount.max(1)),
            u128::from(other.amount.max(1)),
        );
        let later = u128::from(other.at_ms.saturating_sub(self.at_ms));
        let shift = later * others / (own + others);
        self.at_ms = self
            .at_ms
            .saturating_add(u64::try_from(shift).unwrap_or(u64::MAX));
        self.amount = self.amount.saturating_add(other.amount);
        self.times = self.times.saturating_add(other.times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW_MS: u64 = 300_000;

    proptest! {
        #[test]
        fn few_times_are_counted_exactly(gaps in proptest::collection::vec(0u64..100_000, 1..200)) {
            let (mut series, mut now, mut times) = (Series::default(), 1_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                times.push(now);
                series.advance(now, WINDOW_MS);
                series.add(now, WINDOW_MS, 1);
                times.retain(|at| now - at < WINDOW_MS);
                let exact = times.len() as u64;
                prop_assume!(exact <= ENTRIES_MAX as u64);
                prop_assert_eq!(series.total().times, exact);
            }
        }

        #[test]
        fn many_times_are_counted_but_for_one_part_of_the_window(gaps in proptest::collection::vec(0u64..2_000, 1..2_000)) {
            let (mut series, mut now, mut times) = (Series::default(), 1_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                times.push(now);
                series.advance(now, WINDOW_MS);
                series.add(now, WINDOW_MS, 1);
                prop_assert!(series.entries.len() <= ENTRIES_MAX);
                let within = |window: u64| times.iter().filter(|at| now - **at < window).count() as u64;
                let part = WINDOW_MS / CELLS;
                let found = series.total().times;
                prop_assert!(found >= within(WINDOW_MS - part) && found <= within(WINDOW_MS + part), "{found}");
            }
        }

        #[test]
        fn what_is_written_is_read_back(gaps in proptest::collection::vec((0u64..100_000, any::<u64>()), 0..100)) {
            let (mut series, mut now) = (Series::default(), 1_000_000);
            for (gap, amount) in gaps {
                now += gap;
                series.advance(now, WINDOW_MS);
                series.add(now, WINDOW_MS, amount);
            }
            let mut bytes = Vec::new();
            series.write(now, &mut bytes);
            prop_assert_eq!(bytes.len(), series.len() * ENTRY_BYTES);
            prop_assert_eq!(Series::read(now, &bytes), Some(series));
        }
    }

    #[test]
    fn a_clock_set_back_keeps_nothing_for_longer_than_a_window() {
        let mut series = Series::default();
        series.add(10_000_000, WINDOW_MS, 1);
        series.advance(1_000_000, WINDOW_MS);
        assert_eq!(series.total().times, 1);
        series.advance(1_000_000 + WINDOW_MS, WINDOW_MS);
        assert_eq!(series.len(), 0);
    }
}
