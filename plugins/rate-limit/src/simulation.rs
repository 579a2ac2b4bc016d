//! Several workers over one store: a seeded world in which, whenever a worker is about to write, others may come between, writes fail
//! without a reason, clocks differ and jump, and requests end in every way there is.

use crate::RateLimit;
use crate::bucket::MINUTE;
use crate::tests::policy;
use portcullis_policy::{
    Effects, Endpoint, Event, Exchange, Facts, Identity, MemoryStore, Policy, Reason, Refusal,
    RequestMeaning, ResponseHead, ResponseMeaning, Store, StoreError, Timestamp, Usage, Verdict,
};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const USERS: usize = 3;
/// Each user has so many.
const KEYS: usize = 2;
const USER_RPM: u64 = 30;
const USER_BURST: u64 = 20;
const USER_TPM: u64 = 3000;
const USER_RPD: u64 = 50;
const USER_TPD: u64 = 5000;
const KEY_TPM: u64 = 2000;
const USER_PARALLEL: u64 = 4;
const TEAM_TPM: u64 = 4000;
const GLOBAL_RPM: u64 = 50;

const POLICY: &str = r#"{
    "limits": {"user": {"rpm": 30, "burst": 20, "tpm": 3000, "rpd": 50, "tpd": 5000, "max_parallel_requests": 4}, "key": {"tpm": 2000},
        "global": {"rpm": 50}},
    "teams": [{"team_id": "t", "limits": {"tpm": 4000}}]}"#;

/// A request that is under way.
struct Running {
    exchange: Box<dyn Exchange>,
    facts: Facts,
    user: usize,
    key: usize,
    prompt: u64,
    reserved: u64,
}

/// What was admitted and not given back, in all.
#[derive(Default, Clone, Copy)]
struct Served {
    requests: u64,
    tokens: u64,
}

struct World {
    policy: RateLimit,
    store: RefCell<MemoryStore>,
    random: Cell<u64>,
    now: Cell<Timestamp>,
    /// All time that went by, not counting what the clock was set back.
    elapsed: Cell<Duration>,
    clock_jumps: bool,
    depth: Cell<u32>,
    running: RefCell<Vec<Running>>,
    /// By user and key.
    served: RefCell<[[Served; KEYS]; USERS]>,
}

/// One worker's access to the store.
struct Worker<'w>(&'w World);

impl Store for Worker<'_> {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.0.store.borrow_mut().load(key)
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        if self.0.depth.get() < 3 && self.0.chance(3) {
            self.0.step();
        }
        if self.0.chance(8) {
            Ok(false)
        } else {
            self.0.store.borrow_mut().swap(key, value, version)
        }
    }
}

impl World {
    fn new(seed: u64, clock_jumps: bool) -> Self {
        Self {
            policy: policy(POLICY),
            store: RefCell::default(),
            random: Cell::new(seed),
            now: Cell::new(Timestamp::from_secs(1_800_000_000)),
            elapsed: Cell::default(),
            clock_jumps,
            depth: Cell::default(),
            running: RefCell::default(),
            served: RefCell::default(),
        }
    }

    /// splitmix64.
    fn below(&self, bound: u64) -> u64 {
        self.random
            .set(self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.random.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn chance(&self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    /// The clock as the worker at hand read it, a moment ago.
    fn worker_now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now.get().as_nanos() - self.below(5_000_000))
    }

    fn pass_time(&self) {
        let time = Duration::from_millis(self.below(400));
        self.elapsed.set(self.elapsed.get() + time);
        self.now.set(self.now.get().after(time));
        if self.clock_jumps && self.chance(50) {
            self.now.set(Timestamp::from_nanos(
                self.now.get().as_nanos() - self.below(7200) * 1_000_000_000,
            ));
        }
    }

    fn step(&self) {
        self.depth.set(self.depth.get() + 1);
        let nothing_runs = self.running.borrow().is_empty();
        if nothing_runs || self.chance(2) {
            self.arrive(self.below(300), self.below(400));
        } else {
            self.go_on();
        }
        self.depth.set(self.depth.get() - 1);
    }

    fn arrive(&self, prompt: u64, cap: u64) {
        let user = self.below(USERS as u64) as usize;
        let key = self.below(KEYS as u64) as usize;
        let team = (user > 0).then(|| "t".to_owned());
        let mut facts = Facts {
            endpoint: Some(Endpoint::AnthropicMessages),
            identity: Some(
                Identity {
                    user: format!("user-{user}"),
                    team,
                    key_id: format!("key-{user}-{key}"),
                }
                .into(),
            ),
            ..Facts::default()
        };
        let meaning = RequestMeaning {
            text_bytes: 4 * prompt,
            completion_tokens_max: Some(cap),
            ..RequestMeaning::default()
        };
        let mut exchange = self.policy.open();
        let (now, mut worker) = (self.worker_now(), Worker(self));
        match exchange.handle(
            now,
            &Event::RequestEnd(&meaning),
            &mut facts,
            &mut Effects::new(&mut worker),
        ) {
            Verdict::Continue => {
                let reserved = prompt + cap;
                self.serve(user, key, |served| {
                    served.requests += 1;
                    served.tokens += reserved;
                });
                self.running.borrow_mut().push(Running {
                    exchange,
                    facts,
                    user,
                    key,
                    prompt,
                    reserved,
                });
            }
            Verdict::Refuse(refusal) => {
                assert_ne!(refusal.reason, Reason::PolicyUnavailable);
                assert!(refusal.retry_after.is_some_and(|wait| !wait.is_zero()));
            }
        }
    }

    /// One of the requests under way ends somehow.
    fn go_on(&self) {
        let Running {
            mut exchange,
            mut facts,
            user,
            key,
            prompt,
            reserved,
        } = {
            let mut running = self.running.borrow_mut();
            let which = self.below(running.len() as u64) as usize;
            running.swap_remove(which)
        };
        let now = self.worker_now();
        let mut tell = |event: &Event<'_>| {
            let mut worker = Worker(self);
            assert_eq!(
                exchange.handle(now, event, &mut facts, &mut Effects::new(&mut worker)),
                Verdict::Continue
            );
        };
        let head = |status| ResponseHead {
            status,
            stream: false,
            local: false,
        };
        // What is given back is noted first: while it is on its way, another worker may already use it.
        match self.below(5) {
            0 => {
                self.serve(user, key, |served| {
                    served.requests -= 1;
                    served.tokens -= reserved;
                });
                if self.chance(2) {
                    tell(&Event::Refused(&Refusal::new(Reason::DlpBlocked, "")));
                }
            }
            1 => {
                // The client leaves before an answer began.
                self.serve(user, key, |served| served.tokens -= reserved - prompt);
                tell(&Event::End { status: 0 });
            }
            2 => {
                self.serve(user, key, |served| served.tokens -= reserved);
                tell(&Event::ResponseHead(&head(503)));
                tell(&Event::ResponseEnd(&ResponseMeaning {
                    status: 503,
                    ..ResponseMeaning::default()
                }));
            }
            _ => {
                // Now and then a provider counts more than was reserved; that is owed, not overshot.
                let used = self.below(reserved + 1) + if self.chance(10) { reserved } else { 0 };
                self.serve(user, key, |served| {
                    served.tokens -= reserved.saturating_sub(used)
                });
                let usage = Some(Usage {
                    input: used / 2,
                    output: used - used / 2,
                });
                tell(&Event::ResponseHead(&head(200)));
                tell(&Event::ResponseEnd(&ResponseMeaning {
                    status: 200,
                    usage,
                    text_bytes: 0,
                    complete: true,
                }));
            }
        }
        tell(&Event::End { status: 200 });
    }

    fn serve(&self, user: usize, key: usize, change: impl FnOnce(&mut Served)) {
        change(&mut self.served.borrow_mut()[user][key]);
    }

    /// What each user was given with all keys.
    fn of_users(&self) -> [Served; USERS] {
        self.served.borrow().map(|keys| {
            let sum = |of: fn(&Served) -> u64| keys.iter().map(of).sum();
            Served {
                requests: sum(|served| served.requests),
                tokens: sum(|served| served.tokens),
            }
        })
    }

    /// Nobody used more than a full bucket and what flowed into it since.
    fn check(&self) {
        let flowed = |limit: u64, window: Duration| {
            u64::try_from(u128::from(limit) * self.elapsed.get().as_millis() / window.as_millis())
                .unwrap()
                + 1
        };
        let limit = |per_minute: u64| per_minute + flowed(per_minute, MINUTE);
        let daily = |per_day: u64| per_day + flowed(per_day, 24 * 60 * MINUTE);
        let served = self.of_users();
        for (user, served) in served.iter().enumerate() {
            assert!(
                served.requests <= (USER_BURST + flowed(USER_RPM, MINUTE)).min(daily(USER_RPD)),
                "user {user}: {} requests",
                served.requests
            );
            assert!(
                served.tokens <= limit(USER_TPM).min(daily(USER_TPD)),
                "user {user}: {} tokens",
                served.tokens
            );
            for key in self.served.borrow()[user] {
                assert!(
                    key.tokens <= limit(KEY_TPM),
                    "user {user}: {} tokens of a key",
                    key.tokens
                );
            }
            let running = self
                .running
                .borrow()
                .iter()
                .filter(|running| running.user == user)
                .count() as u64;
            assert!(
                running <= USER_PARALLEL,
                "user {user}: {running} at the same time"
            );
        }
        let team: u64 = served.iter().skip(1).map(|served| served.tokens).sum();
        assert!(team <= limit(TEAM_TPM), "team: {team} tokens");
        let all: u64 = served.iter().map(|served| served.requests).sum();
        assert!(all <= limit(GLOBAL_RPM), "all: {all} requests");
    }

    fn run(&self, steps: usize) {
        for _ in 0..steps {
            self.pass_time();
            self.step();
            self.check();
        }
    }

    /// When everything has ended and the buckets are full, nothing is missing.
    fn nothing_is_lost(&self) {
        self.depth.set(3);
        while !self.running.borrow().is_empty() {
            self.go_on();
        }
        // More than twice what a debt can take to be paid off; clocks that jumped are in the past then, too.
        self.now.set(self.now.get().after(5 * 24 * 60 * MINUTE));
        self.arrive(0, 0);
        assert_eq!(self.running.borrow().len(), 1);
        self.go_on();
        let mut admitted = 0;
        let all = || {
            self.of_users()
                .iter()
                .map(|served| served.requests)
                .sum::<u64>()
        };
        let before = all();
        for _ in 0..2000 {
            self.arrive(0, 0);
            admitted = all() - before;
        }
        assert_eq!(admitted, USER_PARALLEL * USERS as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_bucket_overshoots_and_permits_are_conserved(seed in any::<u64>(), clock_jumps in any::<bool>()) {
        let world = World::new(seed, clock_jumps);
        world.run(400);
        world.nothing_is_lost();
    }
}

/// A store that threads share as workers share Envoy's: each call is atomic, nothing else is.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<MemoryStore>>);

impl Store for Shared {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.0.lock().unwrap().load(key)
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        self.0.lock().unwrap().swap(key, value, version)
    }
}

#[test]
fn a_burst_over_several_workers_gets_exactly_the_limit() {
    const WORKERS: usize = 4;
    let shared = Shared::default();
    let worker = |mut store: Shared| {
        let policy = policy(r#"{"limits": {"user": {"tpm": 10000}, "global": {"rpm": 1000000}}}"#);
        let mut requests: Vec<_> = (0..50).map(|_| policy.open()).collect();
        let meaning = RequestMeaning {
            text_bytes: 40,
            completion_tokens_max: Some(90),
            ..RequestMeaning::default()
        };
        let admit = |exchange: &mut Box<dyn Exchange>| {
            let identity = Some(
                Identity {
                    user: "ann".into(),
                    team: None,
                    key_id: "k".into(),
                }
                .into(),
            );
            let mut facts = Facts {
                endpoint: Some(Endpoint::OpenAiChat),
                identity,
                ..Facts::default()
            };
            let now = Timestamp::from_secs(1_800_000_000);
            exchange.handle(
                now,
                &Event::RequestEnd(&meaning),
                &mut facts,
                &mut Effects::new(&mut store),
            ) == Verdict::Continue
        };
        requests
            .iter_mut()
            .map(admit)
            .filter(|admitted| *admitted)
            .count()
    };
    let admitted: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| worker(shared.clone())))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert_eq!(
        admitted, 100,
        "of 200 requests of 100 tokens each, 10,000 tokens' worth"
    );
}
