//! Many subjects.

use super::*;
use crate::{SLOT_BYTES_MAX, SLOTS};

/// All that this policy ever keeps in the store for subjects, their keys included.
const STORE_BYTES_MAX: usize = SLOTS as usize * (SLOT_BYTES_MAX + "portcullis/limits/2/4095".len());

/// Requests of distinct sources, so many a second; those that were admitted.
fn arrive(policy: &RateLimit, store: &mut MemoryStore, sources: u32, per_second: u32) -> u32 {
    let meaning = RequestMeaning {
        text_bytes: 400,
        completion_tokens_max: Some(100),
        ..RequestMeaning::default()
    };
    let admitted = |n: &u32| {
        let mut facts = Facts {
            endpoint: Some(Endpoint::OpenAiChat),
            source: Some(std::net::Ipv4Addr::from_bits(*n).into()),
            ..Facts::default()
        };
        let now = NOON.after(Duration::from_secs(1) * *n / per_second);
        let (mut exchange, mut out) = (policy.open(), Effects::new(store));
        let verdict = exchange.handle(now, &Event::RequestEnd(&meaning), &mut facts, &mut out);
        let ended = Event::ResponseEnd(&ResponseMeaning {
            status: 200,
            usage: Some(Usage {
                input: 100,
                output: 50,
            }),
            text_bytes: 200,
            complete: true,
        });
        let _ = exchange.handle(now, &ended, &mut facts, &mut out);
        verdict == Verdict::Continue
    };
    u32::try_from((0..sources).filter(admitted).count()).unwrap()
}

/// One million distinct users of the guide's limits: none is refused, and memory stays far below the bound, because accounts that are
/// idle again cost nothing.
#[test]
fn a_million_users() {
    let policy =
        policy(r#"{"limits": {"user": {"rpm": 100, "tpm": 50000, "max_parallel_requests": 10}}}"#);
    let mut store = MemoryStore::default();
    assert_eq!(arrive(&policy, &mut store, 1_000_000, 20_000), 1_000_000);
    let bytes = store.bytes();
    println!(
        "a million users, 20,000 a second: {bytes} bytes in {} entries",
        store.len()
    );
    assert!(bytes < STORE_BYTES_MAX / 4, "{bytes}");
}

/// More than fit, all at once and with limits that last: who does not fit is refused, and the bound holds.
#[test]
fn more_users_than_fit() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 1, "rpd": 10, "tpd": 1000}}}"#);
    let mut store = MemoryStore::default();
    let admitted = arrive(&policy, &mut store, 300_000, 1_000_000_000);
    let bytes = store.bytes();
    println!(
        "300,000 users at once: {admitted} admitted, {bytes} bytes in {} entries",
        store.len()
    );
    assert!(bytes <= STORE_BYTES_MAX, "{bytes}");
    assert!(admitted > 200_000, "{admitted}");
}
