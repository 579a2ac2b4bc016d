//! What a subject owes a bucket.
//!
//! A bucket holds as much as may be used in one minute and fills at that rate. Instead of its level we keep what is missing from it, its
//! debt: no debt is a full bucket, which needs no memory, and a debt stays what it is when a new policy changes the limit.
//!
//! A debt is counted in billionths of a token-minute: one token is [`WINDOW_NANOS`] of them, and a limit of `n` pays off `n` of them in a
//! nanosecond. So everything is exact, without fractions.

use std::num::{NonZeroU64, NonZeroU128};

/// The minute of `rpm` and `tpm`, in nanoseconds.
pub(crate) const WINDOW_NANOS: u64 = 60_000_000_000;

/// Most minutes of refill that can be owed. Protects a subject from being shut out for good by one absurd count of a provider.
const DEBT_MINUTES_MAX: u64 = 60;

/// What is missing from a full bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Debt(u128);

impl Debt {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// As bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// Time went by.
    pub fn refill(&mut self, elapsed_nanos: u64, limit: NonZeroU64) {
        self.0 = self
            .0
            .saturating_sub(u128::from(elapsed_nanos) * u128::from(limit.get()));
    }

    /// Takes out of the bucket, also what is not in it: who asked [`Self::wait_nanos`] before knows better.
    pub fn take(&mut self, amount: u64, limit: NonZeroU64) {
        let most = cost(limit.get()) * u128::from(DEBT_MINUTES_MAX);
        self.0 = self.0.saturating_add(cost(amount)).min(most);
    }

    /// Puts back into the bucket, which does not get fuller than full.
    pub fn give_back(&mut self, amount: u64) {
        self.0 = self.0.saturating_sub(cost(amount));
    }

    /// Nanoseconds until `amount`, which is not above the limit, can be taken; 0 now.
    pub fn wait_nanos(self, amount: u64, limit: NonZeroU64) -> u64 {
        nanos_to_pay(
            self.0
                .saturating_add(cost(amount))
                .saturating_sub(cost(limit.get())),
            limit,
        )
    }

    /// What is in the bucket, in whole units.
    pub fn remaining(self, limit: NonZeroU64) -> u64 {
        let left = cost(limit.get()).saturating_sub(self.0) / u128::from(WINDOW_NANOS);
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// Nanoseconds until the bucket is full.
    pub fn until_full_nanos(self, limit: NonZeroU64) -> u64 {
        nanos_to_pay(self.0, limit)
    }
}

fn cost(amount: u64) -> u128 {
    u128::from(amount) * u128::from(WINDOW_NANOS)
}

fn nanos_to_pay(owed: u128, limit: NonZeroU64) -> u64 {
    let per_nano = NonZeroU128::from(limit);
    let whole = owed / per_nano;
    let begun = u128::from(owed % per_nano != 0);
    u64::try_from(whole + begun).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bucket_holds_its_limit_and_not_one_more() {
        for limit in [1, 7, 100, 1_000_000_000] {
            let limit = NonZeroU64::new(limit).unwrap();
            let mut debt = Debt::default();
            debt.take(limit.get() - 1, limit);
            assert_eq!((debt.wait_nanos(1, limit), debt.remaining(limit)), (0, 1));
            debt.take(1, limit);
            assert_eq!(
                (debt.remaining(limit), debt.until_full_nanos(limit)),
                (0, WINDOW_NANOS)
            );
            assert_eq!(
                debt.wait_nanos(1, limit),
                WINDOW_NANOS.div_ceil(limit.get())
            );
        }
    }

    #[test]
    fn a_debt_is_bounded() {
        let limit = NonZeroU64::new(10).unwrap();
        let mut debt = Debt::default();
        debt.take(u64::MAX, limit);
        assert_eq!(
            debt.until_full_nanos(limit),
            DEBT_MINUTES_MAX * WINDOW_NANOS
        );
    }

    proptest! {
        #[test]
        fn the_wait_is_exact(limit in 1u64..5000, taken in 0u64..20_000, amount in 0u64..5000) {
            let (limit, amount) = (NonZeroU64::new(limit).unwrap(), amount.min(limit));
            let mut debt = Debt::default();
            debt.take(taken, limit);
            let wait = debt.wait_nanos(amount, limit);
            let after = |nanos| { let mut later = debt; later.refill(nanos, limit); later.wait_nanos(amount, limit) };
            prop_assert_eq!(after(wait), 0);
            prop_assert!(wait == 0 || after(wait - 1) == 1);
        }
    }
}
