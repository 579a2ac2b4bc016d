//! Latencies in bounded memory: buckets that grow with the value, so that the error stays below one part in 64.

use std::time::Duration;

/// Values below this have a bucket each; from there on, each power of two has half as many buckets.
const LINEAR: u64 = 128;

/// Buckets for every possible number of microseconds.
const BUCKETS: usize = 128 + 57 * 64;

/// How often each latency was seen.
pub(super) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            buckets: vec![0; BUCKETS],
            count: 0,
        }
    }
}

impl Histogram {
    pub(super) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(index(micros)) {
            *bucket += 1;
            self.count += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The value that the share `q` of all values does not exceed; zero without values.
    pub(super) fn quantile(&self, q: f64) -> Duration {
        let rank = (self.count as f64 * q).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return Duration::from_micros(upper(index));
            }
        }
        Duration::ZERO
    }
}

/// The bucket of a value: its six bits after the leading one, by the number of bits.
fn index(micros: u64) -> usize {
    if micros < LINEAR {
        return usize::try_from(micros).unwrap_or(usize::MAX);
    }
    let shift = micros.ilog2() - 6;
    let mantissa = (micros >> shift) & 63;
    usize::try_from(u64::from(shift) * 64 + 64 + mantissa).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    if index < LINEAR {
        return index;
    }
    let shift = (index - 64) / 64;
    let mantissa = 64 + (index - 64) % 64;
    (mantissa << shift).saturating_add((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for micros in 1..=100 {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.quantile(0.50), Duration::from_micros(50));
        assert_eq!(histogram.quantile(0.99), Duration::from_micros(99));
        assert_eq!(histogram.quantile(1.0), Duration::from_micros(100));
    }

    proptest! {
        #[test]
        fn a_bucket_is_close_to_its_values(micros in prop_oneof![0_u64..10_000, any::<u64>()]) {
            prop_assert!(index(micros) < BUCKETS);
            let upper = upper(index(micros));
            prop_assert!(micros <= upper);
            prop_assert!(upper - micros <= micros / 64);
        }
    }
}
