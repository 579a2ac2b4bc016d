//! The time that this thread had a processor: other work on the machine slows it (caches, shared cores), but waiting for a turn does not count.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Since some time in the past. Where the system does not tell (only Linux does), all time counts.
#[must_use]
pub fn now() -> Duration {
    // The count is brought up to date when the scheduler runs.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = told.and_then(|line| line.split_whitespace().next()?.parse().ok());
    ran.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// How long it takes.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = now();
    let result = work();
    (result, now().saturating_sub(began))
}
