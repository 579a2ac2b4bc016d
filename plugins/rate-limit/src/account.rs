//! Everything that is known of one subject: what it owes each of its buckets, and its permits. One piece of memory, so that one
//! compare-and-swap takes from all or from none.

use crate::bucket::Debt;
use crate::permits::{Permit, Permits};
use portcullis_policy::config::Limits;
use portcullis_policy::{Budget, Reason, Timestamp, Window};
use std::time::Duration;

/// How far the clock may stand behind the last writer's before it counts as set back. Within it, workers that read the clock a moment
/// ago write after those that read it just now, and time must not be paid out twice. Beyond it, subjects would have to wait until
/// the clock is where it was, so the account goes on from the new time instead.
const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(1);

/// When a refused caller should try again for a parallel slot: nobody knows when a running request will end, and most last seconds.
const PARALLEL_RETRY: Duration = Duration::from_secs(1);

/// State of one subject. The default one is a subject that nobody has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Up to when the buckets were filled.
    at: Timestamp,
    requests: Debt,
    tokens: Debt,
    permits: Permits,
}

/// Why a request cannot pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It asks for more tokens than the bucket ever holds.
    TooLarge,
    /// It could pass after this time; for parallel slots, it might.
    Wait(Reason, Duration),
}

impl Obstacle {
    /// How long it lasts.
    pub const fn wait(&self) -> Duration {
        match self {
            Self::TooLarge => Duration::MAX,
            Self::Wait(_, wait) => *wait,
        }
    }
}

impl Account {
    /// Brings the account to the time `now`.
    pub fn advance(&mut self, now: Timestamp, limits: &Limits) {
        let elapsed = elapsed_nanos(self.at, now);
        match limits.rpm {
            Some(limit) => self.requests.refill(elapsed, limit),
            None => self.requests = Debt::default(),
        }
        match limits.tpm {
            Some(limit) => self.tokens.refill(elapsed, limit),
            None => self.tokens = Debt::default(),
        }
        self.permits.advance(elapsed);
        self.at = resume_at(self.at, now);
    }

    /// What stands against one more request of so many tokens; the obstacle that lasts longest.
    pub fn obstacle(&self, now: Timestamp, limits: &Limits, tokens: u64) -> Option<Obstacle> {
        if limits.tpm.is_some_and(|limit| tokens > limit.get()) {
            return Some(Obstacle::TooLarge);
        }
        // The buckets do not fill while the clock is behind them.
        let behind = self.at.since(now);
        let wait = |nanos: u64| (nanos > 0).then(|| Duration::from_nanos(nanos) + behind);
        let requests = limits
            .rpm
            .and_then(|limit| wait(self.requests.wait_nanos(1, limit)));
        let tokens = limits
            .tpm
            .and_then(|limit| wait(self.tokens.wait_nanos(tokens, limit)));
        let parallel = limits
            .max_parallel_requests
            .and_then(|limit| (self.permits.running() >= limit.get()).then_some(PARALLEL_RETRY));
        [
            (Reason::RateLimitParallel, parallel),
            (Reason::RateLimitTokens, tokens),
            (Reason::RateLimitRequests, requests),
        ]
        .into_iter()
        .filter_map(|(reason, wait)| Some((reason, wait?)))
        .max_by_key(|(_, wait)| *wait)
        .map(|(reason, wait)| Obstacle::Wait(reason, wait))
    }

    /// Takes a request of so many tokens; the permit when parallel requests are limited.
    pub fn take(&mut self, limits: &Limits, tokens: u64, lease: Duration) -> Option<Permit> {
        if let Some(limit) = limits.rpm {
            self.requests.take(1, limit);
        }
        self.take_tokens(limits, tokens);
        limits
            .max_parallel_requests
            .map(|_| self.permits.take(self.at.as_nanos(), lease))
    }

    /// Takes tokens, also those that are not there.
    pub fn take_tokens(&mut self, limits: &Limits, tokens: u64) {
        if let Some(limit) = limits.tpm {
            self.tokens.take(tokens, limit);
        }
    }

    /// Puts a request back.
    pub fn give_back_request(&mut self) {
        self.requests.give_back(1);
    }

    /// Puts tokens back.
    pub fn give_back_tokens(&mut self, tokens: u64) {
        self.tokens.give_back(tokens);
    }

    /// Puts a permit back.
    pub fn give_back_permit(&mut self, permit: Permit) {
        self.permits.give_back(permit);
    }

    /// What is left, as the caller may know it.
    pub fn budget(&self, limits: &Limits) -> Budget {
        let window = |debt: Debt, limit: Option<std::num::NonZeroU64>| {
            let limit = limit?;
            let full_at = self
                .at
                .after(Duration::from_nanos(debt.until_full_nanos(limit)));
            Some(Window {
                limit: limit.get(),
                remaining: debt.remaining(limit),
                full_at,
            })
        };
        Budget {
            requests: window(self.requests, limits.rpm),
            tokens: window(self.tokens, limits.tpm),
        }
    }

    /// Nanoseconds after `at` from which this account says no more than a new one would.
    pub fn idle_after_nanos(&self, limits: &Limits) -> u64 {
        let requests = limits
            .rpm
            .map_or(0, |limit| self.requests.until_full_nanos(limit));
        let tokens = limits
            .tpm
            .map_or(0, |limit| self.tokens.until_full_nanos(limit));
        requests.max(tokens).max(self.permits.until_idle_nanos())
    }

    /// Up to when the buckets were filled.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Appends the bytes that [`Self::from_bytes`] reads; `at` is not among them.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.requests.to_bytes());
        out.extend_from_slice(&self.tokens.to_bytes());
        self.permits.write(out);
    }

    /// From all of `bytes`; `None` when they are not what [`Self::write`] wrote.
    pub fn from_bytes(at: Timestamp, bytes: &[u8]) -> Option<Self> {
        let (requests, bytes) = bytes.split_first_chunk()?;
        let (tokens, bytes) = bytes.split_first_chunk()?;
        let permits = Permits::from_bytes(bytes)?;
        Some(Self {
            at,
            requests: Debt::from_bytes(*requests),
            tokens: Debt::from_bytes(*tokens),
            permits,
        })
    }
}

/// Nanoseconds to pay out when the last writer was at `at` and it is `now`.
fn elapsed_nanos(at: Timestamp, now: Timestamp) -> u64 {
    now.as_nanos().saturating_sub(at.as_nanos())
}

/// The time to go on from when the last writer was at `at` and it is `now`.
pub(crate) fn resume_at(at: Timestamp, now: Timestamp) -> Timestamp {
    if at.since(now) > CLOCK_BEHIND_MAX {
        now
    } else {
        at.max(now)
    }
}
