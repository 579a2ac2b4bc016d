//! What a subject owes a bucket.
//!
//! A bucket fills steadily, by its limit in each of its windows, and holds as much as may be used at once. Instead of its level we keep
//! what is missing from it, its debt: no debt is a full bucket, which needs no memory, and a debt stays what it is when a new policy
//! changes the limit.
//!
//! A debt is counted so that everything is exact, without fractions: one token is as much as its window has nanoseconds, and a limit of
//! `n` pays off `n` in a nanosecond.

use portcullis_policy::Reason;
use portcullis_policy::config::Limits;
use std::num::{NonZeroU64, NonZeroU128};
use std::time::Duration;

/// The minute of `rpm` and `tpm`.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The day of `rpd` and `tpd`: any 24 hours, not the calendar's.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long more than an empty bucket can be owed, in a bucket of minutes. Protects a subject from being shut out for good by one
/// absurd count of a provider.
const OVERDRAWN_MAX_NANOS: u64 = 60 * 60 * 1_000_000_000;

/// Bytes of a debt in the store: the largest is below 2^78.
const DEBT_BYTES: usize = 12;

/// Which limit a bucket is of, in the order of [`Buckets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RequestsPerMinute,
    TokensPerMinute,
    RequestsPerDay,
    TokensPerDay,
}

impl Kind {
    pub const ALL: [Self; 4] = [
        Self::RequestsPerMinute,
        Self::TokensPerMinute,
        Self::RequestsPerDay,
        Self::TokensPerDay,
    ];

    /// What a request of so many tokens takes.
    pub const fn demand(self, tokens: u64) -> u64 {
        if self.counts_tokens() { tokens } else { 1 }
    }

    /// Tokens, not requests.
    pub const fn counts_tokens(self) -> bool {
        matches!(self, Self::TokensPerMinute | Self::TokensPerDay)
    }

    /// Why a request is refused when the bucket is too low.
    pub const fn reason(self) -> Reason {
        if self.counts_tokens() {
            Reason::RateLimitTokens
        } else {
            Reason::RateLimitRequests
        }
    }

    /// The same as a sentence.
    pub const fn message(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "The limit of requests per minute is reached.",
            Self::TokensPerMinute => "The limit of tokens per minute is reached.",
            Self::RequestsPerDay => "The limit of requests per day is reached.",
            Self::TokensPerDay => "The limit of tokens per day is reached.",
        }
    }
}

/// How fast a bucket fills, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    limit: NonZeroU64,
    window_nanos: u64,
    /// What may be used at once.
    pub holds: u64,
}

impl Rate {
    /// The rate of each kind of bucket that the limits ask for.
    pub fn all(limits: &Limits) -> [Option<Self>; 4] {
        let rate = |limit: Option<NonZeroU64>, window: Duration, burst: Option<NonZeroU64>| {
            limit.map(|limit| Self {
                limit,
                window_nanos: u64::try_from(window.as_nanos()).unwrap_or(u64::MAX),
                holds: burst.unwrap_or(limit).get(),
            })
        };
        [
            rate(limits.rpm, MINUTE, limits.burst),
            rate(limits.tpm, MINUTE, limits.burst_tokens),
            rate(limits.rpd, DAY, None),
            rate(limits.tpd, DAY, None),
        ]
    }

    fn cost(self, amount: u64) -> u128 {
        product(amount, self.window_nanos)
    }

    /// What can be owed at most: an empty bucket, and some windows more.
    fn debt_max(self) -> u128 {
        let nanos = OVERDRAWN_MAX_NANOS.max(self.window_nanos);
        self.cost(self.holds) + product(self.limit.get(), nanos)
    }

    fn nanos_to_pay(self, owed: u128) -> u64 {
        if let Ok(owed) = u64::try_from(owed) {
            return owed.div_ceil(self.limit.get());
        }
        let per_nano = NonZeroU128::from(self.limit);
        let whole = owed / per_nano;
        let begun = u128::from(owed % per_nano != 0);
        u64::try_from(whole + begun).unwrap_or(u64::MAX)
    }
}

/// A product of two numbers. WebAssembly multiplies 64 bits at most, which nearly all products fit into.
fn product(one: u64, other: u64) -> u128 {
    if one.leading_zeros() + other.leading_zeros() >= u64::BITS {
        u128::from(one * other)
    } else {
        u128::from(one) * u128::from(other)
    }
}

/// What is missing from a full bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Debt(u128);

impl Debt {
    /// Whether nothing is missing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Time went by.
    pub fn refill(&mut self, elapsed_nanos: u64, rate: Rate) {
        let paid = product(elapsed_nanos, rate.limit.get());
        self.0 = self.0.saturating_sub(paid);
    }

    /// Takes out of the bucket, also what is not in it: who asked [`Self::wait_nanos`] before knows better.
    pub fn take(&mut self, amount: u64, rate: Rate) {
        self.0 = self
            .0
            .saturating_add(rate.cost(amount))
            .min(rate.debt_max());
    }

    /// Puts back into the bucket, which does not get fuller than full.
    pub fn give_back(&mut self, amount: u64, rate: Rate) {
        self.0 = self.0.saturating_sub(rate.cost(amount));
    }

    /// Nanoseconds until `amount`, which is not more than the bucket holds, can be taken; 0 now.
    pub fn wait_nanos(self, amount: u64, rate: Rate) -> u64 {
        let owed = self.0.saturating_add(rate.cost(amount));
        rate.nanos_to_pay(owed.saturating_sub(rate.cost(rate.holds)))
    }

    /// What is in the bucket, in whole units.
    pub fn remaining(self, rate: Rate) -> u64 {
        let left = rate.cost(rate.holds).saturating_sub(self.0);
        let window_nanos = rate.window_nanos.max(1);
        u64::try_from(left).map_or_else(
            |_| u64::try_from(left / u128::from(window_nanos)).unwrap_or(u64::MAX),
            |left| left / window_nanos,
        )
    }

    /// Nanoseconds until the bucket is full.
    pub fn until_full_nanos(self, rate: Rate) -> u64 {
        rate.nanos_to_pay(self.0)
    }

    /// Appends the bytes that [`Self::split`] reads.
    pub fn write(self, out: &mut Vec<u8>) {
        let bytes = self.0.to_le_bytes();
        out.extend_from_slice(bytes.get(..DEBT_BYTES).unwrap_or_default());
    }

    /// From the first of `bytes`; and the rest.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (low, rest) = bytes.split_first_chunk()?;
        let (high, rest) = rest.split_first_chunk()?;
        let high = u128::from(u32::from_le_bytes(*high)) << u64::BITS;
        Some((Self(u128::from(u64::from_le_bytes(*low)) | high), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates(json: &str) -> [Option<Rate>; 4] {
        use portcullis_policy::config::{Mistakes, Section, Value};
        let (value, mistakes) = (Value::from_json(json).unwrap(), Mistakes::default());
        Rate::all(&Limits::read(&Section::new("", &value, &mistakes)))
    }

    fn per_minute(limit: u64) -> Rate {
        rates(&format!(r#"{{"rpm": {limit}}}"#))[0].unwrap()
    }

    #[test]
    fn a_bucket_holds_its_limit_and_not_one_more() {
        for limit in [1, 7, 100, 1_000_000_000] {
            for rate in rates(&format!(
                r#"{{"rpm": {limit}, "tpm": {limit}, "rpd": {limit}, "tpd": {limit}}}"#
            )) {
                let rate = rate.unwrap();
                let mut debt = Debt::default();
                debt.take(limit - 1, rate);
                assert_eq!((debt.wait_nanos(1, rate), debt.remaining(rate)), (0, 1));
                debt.take(1, rate);
                assert_eq!(
                    (debt.remaining(rate), debt.until_full_nanos(rate)),
                    (0, rate.window_nanos)
                );
                assert_eq!(debt.wait_nanos(1, rate), rate.window_nanos.div_ceil(limit));
            }
        }
    }

    #[test]
    fn a_burst_is_what_a_bucket_holds_and_not_how_fast_it_fills() {
        let second = 1_000_000_000;
        for (burst, json) in [
            (5, r#"{"rpm": 60, "burst": 5}"#),
            (600, r#"{"rpm": 60, "burst": 600}"#),
        ] {
            let (rate, mut debt) = (rates(json)[0].unwrap(), Debt::default());
            debt.take(burst, rate);
            assert_eq!(debt.wait_nanos(1, rate), second);
            assert_eq!(debt.until_full_nanos(rate), burst * second);
            debt.refill(3 * second, rate);
            assert_eq!(debt.remaining(rate), 3);
        }
    }

    #[test]
    fn a_debt_is_bounded() {
        let day = DAY.as_nanos() as u64;
        let [_, minute, _, daily] = rates(r#"{"tpm": 1000000000, "tpd": 1000000000}"#);
        for (rate, longest) in [
            (minute.unwrap(), 61 * 60_000_000_000),
            (daily.unwrap(), 2 * day),
        ] {
            let mut debt = Debt::default();
            debt.take(u64::MAX, rate);
            assert_eq!(debt.until_full_nanos(rate), longest);
            let mut bytes = Vec::new();
            debt.write(&mut bytes);
            assert_eq!(Debt::split(&bytes), Some((debt, &[][..])));
        }
    }

    proptest! {
        #[test]
        fn the_wait_is_exact(limit in 1u64..5000, taken in 0u64..20_000, amount in 0u64..5000) {
            let (rate, amount) = (per_minute(limit), amount.min(limit));
            let mut debt = Debt::default();
            debt.take(taken, rate);
            let wait = debt.wait_nanos(amount, rate);
            let after = |nanos| { let mut later = debt; later.refill(nanos, rate); later.wait_nanos(amount, rate) };
            prop_assert_eq!(after(wait), 0);
            prop_assert!(wait == 0 || after(wait - 1) == 1);
        }
    }
}
