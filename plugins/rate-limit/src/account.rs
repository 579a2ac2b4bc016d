//! Everything that is known of one subject: what it owes each of its buckets, and its permits. One piece of memory, so that one
//! compare-and-swap takes from all or from none.

use crate::bucket::{Debt, Kind, Rate};
use crate::claim::Quota;
use crate::permits::{Permit, Permits};
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
    /// Of each kind of bucket, in the order of [`Kind::ALL`].
    debts: [Debt; 4],
    permits: Permits,
}

/// Why a request cannot pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It asks for more tokens than the bucket ever holds.
    TooLarge,
    /// The bucket is too low, and for so long.
    Wait(Kind, Duration),
    /// Too many requests are running.
    Parallel,
}

impl Obstacle {
    /// How long it lasts; for parallel slots, that is a guess.
    pub const fn wait(&self) -> Duration {
        match self {
            Self::TooLarge => Duration::MAX,
            Self::Wait(_, wait) => *wait,
            Self::Parallel => PARALLEL_RETRY,
        }
    }

    /// Its code.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TooLarge => Reason::RequestExceedsLimit,
            Self::Wait(kind, _) => kind.reason(),
            Self::Parallel => Reason::RateLimitParallel,
        }
    }
}

impl Account {
    /// The buckets that a quota has, each with its debt.
    fn buckets<'a>(&'a self, quota: &'a Quota) -> impl Iterator<Item = (Kind, Rate, Debt)> + 'a {
        let buckets = Kind::ALL.into_iter().zip(quota.rates).zip(self.debts);
        buckets.filter_map(|((kind, rate), debt)| Some((kind, rate?, debt)))
    }

    /// The same, to be changed.
    fn buckets_mut(&mut self, quota: &Quota) -> impl Iterator<Item = (Kind, Rate, &mut Debt)> {
        let buckets = Kind::ALL.into_iter().zip(quota.rates).zip(&mut self.debts);
        buckets.filter_map(|((kind, rate), debt)| Some((kind, rate?, debt)))
    }

    /// Brings the account to the time `now`.
    pub fn advance(&mut self, now: Timestamp, quota: &Quota) {
        let elapsed = elapsed_nanos(self.at, now);
        for (debt, rate) in self.debts.iter_mut().zip(quota.rates) {
            match rate {
                Some(rate) => debt.refill(elapsed, rate),
                None => *debt = Debt::default(),
            }
        }
        self.permits.advance(elapsed);
        self.at = resume_at(self.at, now);
    }

    /// What stands against one more request of so many tokens; the obstacle that lasts longest.
    pub fn obstacle(&self, now: Timestamp, quota: &Quota, tokens: u64) -> Option<Obstacle> {
        // The buckets do not fill while the clock is behind them.
        let behind = self.at.since(now);
        let of_bucket = |(kind, rate, debt): (Kind, Rate, Debt)| {
            let demand = kind.demand(tokens);
            if demand > rate.holds {
                return Some(Obstacle::TooLarge);
            }
            let nanos = debt.wait_nanos(demand, rate);
            (nanos > 0).then(|| Obstacle::Wait(kind, Duration::from_nanos(nanos) + behind))
        };
        let running = quota
            .parallel
            .filter(|limit| self.permits.running() >= limit.get());
        let parallel = running.map(|_| Obstacle::Parallel);
        self.buckets(quota)
            .filter_map(of_bucket)
            .chain(parallel)
            .max_by_key(Obstacle::wait)
    }

    /// Takes a request of so many tokens; the permit when parallel requests are limited.
    pub fn take(&mut self, quota: &Quota, tokens: u64, lease: Duration) -> Option<Permit> {
        for (kind, rate, debt) in self.buckets_mut(quota) {
            debt.take(kind.demand(tokens), rate);
        }
        quota
            .parallel
            .map(|_| self.permits.take(self.at.as_nanos(), lease))
    }

    /// Of the tokens that were reserved, so many were used: the others go back, or those that were not reserved are owed.
    pub fn settle_tokens(&mut self, quota: &Quota, reserved: u64, used: u64) {
        for (kind, rate, debt) in self.buckets_mut(quota) {
            if kind.counts_tokens() {
                debt.give_back(reserved.saturating_sub(used), rate);
                debt.take(used.saturating_sub(reserved), rate);
            }
        }
    }

    /// Puts a request back.
    pub fn give_back_request(&mut self, quota: &Quota) {
        for (kind, rate, debt) in self.buckets_mut(quota) {
            if !kind.counts_tokens() {
                debt.give_back(1, rate);
            }
        }
    }

    /// Puts a permit back.
    pub fn give_back_permit(&mut self, permit: Permit) {
        self.permits.give_back(permit);
    }

    /// What is left, as the caller may know it: of several buckets of a kind, the one with the least.
    pub fn budget(&self, quota: &Quota) -> Budget {
        let mut budget = Budget::default();
        for (kind, rate, debt) in self.buckets(quota) {
            let full = Duration::from_nanos(debt.until_full_nanos(rate));
            let window = Window {
                limit: rate.holds,
                remaining: debt.remaining(rate),
                full_at: self.at.after(full),
            };
            let of_kind = if kind.counts_tokens() {
                &mut budget.tokens
            } else {
                &mut budget.requests
            };
            *of_kind = tighter(*of_kind, Some(window));
        }
        budget
    }

    /// Nanoseconds after `at` from which this account says no more than a new one would.
    pub fn idle_after_nanos(&self, quota: &Quota) -> u64 {
        let full = self
            .buckets(quota)
            .map(|(_, rate, debt)| debt.until_full_nanos(rate));
        full.fold(self.permits.until_idle_nanos(), u64::max)
    }

    /// Up to when the buckets were filled.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Appends the bytes that [`Self::from_bytes`] reads: one that says which buckets lack something, what they lack, and the permits.
    /// `at` is not among them.
    pub fn write(&self, out: &mut Vec<u8>) {
        let owing = self.debts.iter().enumerate();
        let owing = owing.fold(0, |owing, (bit, debt)| {
            owing | u8::from(!debt.is_zero()) << bit
        });
        out.push(owing);
        for debt in self.debts.iter().filter(|debt| !debt.is_zero()) {
            debt.write(out);
        }
        self.permits.write(out);
    }

    /// From all of `bytes`; `None` when they are not what [`Self::write`] wrote.
    pub fn from_bytes(at: Timestamp, bytes: &[u8]) -> Option<Self> {
        let (owing, mut bytes) = bytes.split_first()?;
        let mut account = Self {
            at,
            ..Self::default()
        };
        for (bit, debt) in account.debts.iter_mut().enumerate() {
            if owing & (1 << bit) != 0 {
                (*debt, bytes) = Debt::split(bytes)?;
            }
        }
        account.permits = Permits::from_bytes(bytes)?;
        Some(account)
    }
}

/// Of several limits a caller gets to know the one that is nearest.
pub(crate) fn tighter(one: Option<Window>, other: Option<Window>) -> Option<Window> {
    one.into_iter()
        .chain(other)
        .min_by_key(|window| (window.remaining, std::cmp::Reverse(window.full_at)))
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
