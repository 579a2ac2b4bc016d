//! Clocks, stores and the bytes in them.

use super::*;
use crate::claim::{Claim, Quota, SUBJECT_BYTES, Subject};
use crate::ledger::{Demand, Denial, reserve};
use crate::slot::{self, Slot};
use crate::{SLOT_BYTES_MAX, SLOTS};
use portcullis_policy::StoreError;
use portcullis_policy::config::Limits;
use proptest::prelude::*;
use std::num::NonZeroU64;
use std::rc::Rc;

#[test]
fn a_clock_set_back_delays_nobody() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 60, "max_parallel_requests": 100}}}"#);
    let mut store = MemoryStore::default();
    let calls: Vec<Call> = (0..60)
        .map(|_| ask(&policy, &mut store, secs(7200), &ASK))
        .collect();
    assert_eq!(room(&policy, &store, secs(7200), &ASK), 0);
    assert_eq!(
        room(&policy, &store, secs(1), &ASK),
        0,
        "what is owed stays owed"
    );
    assert_eq!(
        ask(&policy, &mut store, secs(1), &ASK).retry_after(),
        Duration::from_secs(1)
    );
    assert_eq!(
        room(&policy, &store, secs(2), &ASK),
        1,
        "time goes by again also when everybody is refused"
    );
    assert_eq!(room(&policy, &store, secs(31), &ASK), 30);
    let refused = Refusal::new(Reason::DlpBlocked, "");
    for mut call in calls {
        call.tell(&mut store, secs(31), &Event::Refused(&refused));
    }
    assert_eq!(room(&policy, &store, secs(31), &ASK), 60);
}

#[test]
fn a_clock_a_little_behind_pays_nothing_out_twice() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"rpm": 60}}}"#),
        MemoryStore::default(),
    );
    for _ in 0..60 {
        ask(&policy, &mut store, NOON, &ASK);
    }
    let behind = Timestamp::from_nanos(NOON.as_nanos() - 500_000_000);
    for now in [behind, NOON, behind] {
        let refused = ask(&policy, &mut store, now, &ASK);
        let passes_at = now.after(refused.retry_after());
        assert_eq!(passes_at, secs(1));
    }
    assert_eq!(ask(&policy, &mut store, secs(1), &ASK).code(), "ok");
}

/// A store that answers for a while.
struct Dying {
    inner: MemoryStore,
    calls_left: usize,
}

impl Dying {
    fn answer<T>(
        &mut self,
        answer: impl FnOnce(&mut MemoryStore) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.calls_left = self
            .calls_left
            .checked_sub(1)
            .ok_or(StoreError::Unavailable)?;
        answer(&mut self.inner)
    }
}

impl Store for Dying {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.answer(|store| store.load(key))
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        self.answer(|store| store.swap(key, value, version))
    }
}

#[test]
fn a_store_without_an_answer_refuses() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 10}, "global": {"rpm": 10}}}"#);
    for calls_left in 0..8 {
        let mut store = Dying {
            inner: MemoryStore::default(),
            calls_left,
        };
        let mut call = ask(&policy, &mut store, NOON, &ASK);
        assert_eq!(
            call.code(),
            if calls_left < 4 {
                "policy_unavailable"
            } else {
                "ok"
            }
        );
        call.tell(&mut store, NOON, &Event::End { status: 0 });
    }
    // The second of two entries cannot be written: the first is put back.
    struct SecondSwapFails(MemoryStore, usize);
    impl Store for SecondSwapFails {
        fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
            self.0.load(key)
        }
        fn swap(
            &mut self,
            key: &str,
            value: &[u8],
            version: Option<u32>,
        ) -> Result<bool, StoreError> {
            self.1 += 1;
            if self.1 == 2 {
                Err(StoreError::Unavailable)
            } else {
                self.0.swap(key, value, version)
            }
        }
    }
    let mut store = SecondSwapFails(MemoryStore::default(), 0);
    assert_eq!(
        ask(&policy, &mut store, NOON, &ASK).code(),
        "policy_unavailable"
    );
    assert_eq!(room(&policy, &store.0, NOON, &ASK), 10);
}

#[test]
fn a_slot_is_bounded_and_idle_subjects_cost_nothing() {
    let quota = Quota::of(&Limits {
        rpm: NonZeroU64::new(1),
        max_parallel_requests: NonZeroU64::new(1),
        ..Limits::default()
    });
    let quota = quota.unwrap();
    let mut store = MemoryStore::default();
    let mut admitted = |from: u32, to: u32, now: Timestamp| {
        let mut count = 0;
        for n in from..to {
            let mut id = [0; SUBJECT_BYTES];
            id.iter_mut()
                .zip(n.to_le_bytes())
                .for_each(|(to, from)| *to = from);
            let claim = Claim {
                subject: Subject {
                    slot: slot::key(7).into(),
                    id,
                },
                quota: Rc::clone(&quota),
            };
            let demand = Demand {
                now,
                tokens: 10,
                lease: Duration::from_secs(1),
            };
            match reserve(&mut store, &[claim], demand) {
                Ok(_) => count += 1,
                Err(denial) => assert_eq!(denial, Denial::Unavailable, "a full slot refuses"),
            }
            assert!(store.bytes() <= SLOT_BYTES_MAX + slot::key(7).len());
        }
        count
    };
    assert_eq!(admitted(0, 1000, NOON), 61, "67 bytes each");
    // A minute later all of them are idle, and nobody is in anybody's way.
    assert_eq!(admitted(1000, 1040, secs(60)), 40);
    assert_eq!(admitted(2000, 3000, secs(60)), 21);
}

proptest! {
    #[test]
    fn any_bytes_in_the_store_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Slot::read(&[], NOON, &[]).is_some());
        if let Some(slot) = Slot::read(&bytes, NOON, &[]) {
            let written = slot.into_bytes();
            prop_assert!(written.len() <= bytes.len());
            prop_assert!(Slot::read(&written, NOON, &[]).is_some_and(|slot| slot.into_bytes() == written));
        }
    }

    #[test]
    fn the_retry_time_is_exact(
        rpm in 1u64..200,
        tpm in 100u64..5000,
        (burst, rpd, tpd) in (1u64..100, 1u64..100, 100u64..10_000),
        taken in proptest::collection::vec((0u64..60, 0u64..90), 0..300),
        prompt in 0u64..100,
    ) {
        // Requests as they come; then one that waits as it is told.
        let policy = policy(&format!(
            r#"{{"limits": {{"user": {{"rpm": {rpm}, "burst": {burst}, "tpm": {tpm}, "tpd": {tpd}}}, "key": {{"rpd": {rpd}}}, "global": {{"rpm": 150}}}}}}"#
        ));
        let (mut store, mut now) = (MemoryStore::default(), NOON);
        for (prompt, wait_millis) in taken {
            now = now.after(Duration::from_millis(wait_millis));
            ask(&policy, &mut store, now, &Ask { prompt, cap: Some(0), ..ASK });
        }
        let last = Ask { prompt, cap: Some(0), ..ASK };
        let before = store.bytes();
        let wait = ask(&policy, &mut store, now, &last).retry_after();
        if !wait.is_zero() {
            prop_assert_eq!(store.bytes(), before, "a refusal writes nothing");
            let almost = Timestamp::from_nanos(now.after(wait).as_nanos() - 1);
            prop_assert_ne!(ask(&policy, &mut store.clone(), almost, &last).code(), "ok");
            prop_assert_eq!(ask(&policy, &mut store, now.after(wait), &last).code(), "ok");
        }
    }
}

#[test]
fn foreign_bytes_refuse() {
    let policy = policy(r#"{"limits": {"global": {"rpm": 10}}}"#);
    let mut store = MemoryStore::default();
    for number in 0..SLOTS {
        store.swap(&slot::key(number), b"garbage", None).unwrap();
    }
    assert_eq!(
        ask(&policy, &mut store, NOON, &ASK).code(),
        "policy_unavailable"
    );
}
