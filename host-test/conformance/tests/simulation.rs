//! Several workers over one store: requests come, are answered, left, cut and lost with their worker, in an order drawn from a seed,
//! while writes to the store fail without a reason and policies are loaded anew. Through all of it: no bucket gives more than it has, no
//! permit is lost or doubled, every exchange that ends leaves one record.
//!
//! A failing seed is printed; `SEED=n cargo test -p portcullis-conformance --test simulation` runs it alone.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use portcullis_conformance::case::{Request, Upstream};
use portcullis_conformance::engine::{Seen, Setup};
use portcullis_conformance::load::Suite;
use portcullis_conformance::native::{EPOCH_NS, Native, Stream};
use portcullis_conformance::random::Random;
use portcullis_conformance::resolve::{self, Call, Reply};
use portcullis_policy::{MemoryStore, Store, StoreError};
use serde_json::{Value, json};

const SEEDS: u64 = 1000;
const STEPS: u64 = 120;
const WORKERS: usize = 3;
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const RPM: u64 = 20;
const TPM: u64 = 4000;
const PARALLEL: usize = 3;
const LEASE_NS: u64 = 60 * SECOND_NS;
const SECOND_NS: u64 = 1_000_000_000;

/// In so many of 1000 writes somebody else was first.
const CONTENTION_PERMILLE: u64 = 200;

/// A store whose writes fail now and then, as when another worker writes in between.
struct Contended {
    inner: MemoryStore,
    random: Random,
}

impl Store for Contended {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.inner.load(key)
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        if self.random.permille(CONTENTION_PERMILLE) {
            return Ok(false);
        }
        self.inner.swap(key, value, version)
    }
}

/// A request on its way.
struct Running {
    stream: Stream,
    call: Call,
    worker: usize,
    user: usize,
    since_ns: u64,
}

/// What a user was given in all: requests that were answered, and their tokens.
#[derive(Default, Clone, Copy)]
struct Served {
    requests: u64,
    tokens: u64,
}

struct World<'s> {
    suite: &'s Suite,
    policies: &'s [Setup],
    /// Configured once for all seeds; a worker is a copy that shares the store.
    configured: &'s [Native],
    random: Random,
    clock: Rc<Cell<u64>>,
    store: Rc<RefCell<dyn Store>>,
    workers: Vec<Native>,
    running: Vec<Running>,
    /// Permits of exchanges that were lost with their worker: user and when the lease began.
    lost: Vec<(usize, u64)>,
    served: [Served; USERS.len()],
}

#[test]
fn seeds() {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let policies: Vec<Setup> = [json!({}), json!({ "dlp": null })]
        .iter()
        .map(|change| setup(&suite, change))
        .collect();
    let configured: Vec<Native> = policies
        .iter()
        .map(|setup| Native::new(setup).unwrap())
        .collect();
    let seeds = match std::env::var("SEED") {
        Ok(seed) => seed.parse().map(|seed: u64| seed..seed + 1).unwrap(),
        Err(_) => 0..SEEDS,
    };
    for seed in seeds {
        let mut world = World::new(&suite, &policies, &configured, seed);
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run()));
        assert!(run.is_ok(), "SEED={seed} fails");
    }
}

fn setup(suite: &Suite, change: &Value) -> Setup {
    let mut case = suite.cases[0].case.clone();
    case.policy = "base".into();
    case.change = portcullis_conformance::merge::merged(
        json!({ "limits": { "user": { "rpm": RPM, "tpm": TPM, "max_parallel_requests": PARALLEL }, "lease": "60s" },
                "teams": [{ "team_id": "eng" }, { "team_id": "research" }] }),
        change,
    );
    suite.setup(&case, true).unwrap()
}

impl<'s> World<'s> {
    fn new(suite: &'s Suite, policies: &'s [Setup], configured: &'s [Native], seed: u64) -> Self {
        let store = Contended {
            inner: MemoryStore::default(),
            random: Random::new(!seed),
        };
        let store: Rc<RefCell<dyn Store>> = Rc::new(RefCell::new(store));
        let clock = Rc::new(Cell::new(EPOCH_NS));
        let worker = |_| {
            configured[0]
                .worker(Rc::clone(&store), Rc::clone(&clock))
                .unwrap()
        };
        Self {
            suite,
            policies,
            configured,
            random: Random::new(seed),
            workers: (0..WORKERS).map(worker).collect(),
            clock,
            store,
            running: Vec::new(),
            lost: Vec::new(),
            served: [Served::default(); USERS.len()],
        }
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            match self.random.below(100) {
                0..40 => self.arrive(),
                40..65 => self.end(|world, running| world.answered(running)),
                65..75 => self.end(Self::left),
                75..80 => self.end(Self::cut),
                80..83 => self.lose_a_worker(),
                83..86 => self.load_a_policy(),
                _ => self.pass_time(),
            }
            self.check();
        }
        while !self.running.is_empty() {
            self.end(|world, running| world.answered(running));
        }
        self.check();
        self.permits_are_all_back();
    }

    fn call(&mut self, user: usize) -> Call {
        let cap = 50 + self.random.below(1000);
        let stream = self.random.permille(500);
        let mut request = Request {
            key: Some(USERS[user].to_owned()),
            ..Request::default()
        };
        request.fields = json!({ "max_tokens": cap, "stream": stream, "stream_options": { "include_usage": true } });
        if self.random.permille(100) {
            request.prompt = Some("my number is 123-45-6789".to_owned());
        }
        resolve::call(&request, &self.suite.people).unwrap()
    }

    fn arrive(&mut self) {
        let (worker, user) = (self.random.index(WORKERS), self.random.index(USERS.len()));
        let call = self.call(user);
        let mut stream = self.workers[worker].stream();
        stream.request(&call);
        let since_ns = self.clock.get();
        if stream.seen().provider.complete {
            self.running.push(Running {
                stream,
                call,
                worker,
                user,
                since_ns,
            });
            self.parallel_is_bounded(user);
        } else {
            one_record(stream.seen());
        }
    }

    /// Ends one of the running requests in some way.
    fn end(&mut self, how: impl FnOnce(&mut Self, Running)) {
        if self.running.is_empty() {
            return;
        }
        let index = self.random.index(self.running.len());
        let running = self.running.swap_remove(index);
        how(self, running);
    }

    fn answered(&mut self, mut running: Running) {
        let cap = serde_json::from_slice::<Value>(&running.call.body()).unwrap()["max_tokens"]
            .as_u64()
            .unwrap();
        // The estimate of the prompt is above what is told here, and the cap is kept: a provider within what was reserved.
        let output = self.random.below(cap + 1);
        let upstream = Upstream {
            usage: Some(vec![5, output]),
            deltas: Some(vec!["ok".into()]),
            ..Upstream::default()
        };
        let reply = resolve::reply(&upstream, &running.call).unwrap();
        let seen = running.stream.answer(&reply);
        one_record(&seen);
        assert_eq!(seen.record()["tokens_out"], output, "{:?}", seen.records);
        let served = &mut self.served[running.user];
        served.requests += 1;
        served.tokens += 5 + output;
    }

    fn left(&mut self, mut running: Running) {
        let silent = Upstream {
            silent: true,
            ..Upstream::default()
        };
        let reply = resolve::reply(&silent, &running.call).unwrap();
        one_record(&running.stream.answer(&reply));
    }

    fn cut(&mut self, mut running: Running) {
        let upstream = Upstream {
            cut_after: Some(0),
            ..Upstream::default()
        };
        let reply: Reply = resolve::reply(&upstream, &running.call).unwrap();
        one_record(&running.stream.answer(&reply));
    }

    /// A trap: all streams of the worker are gone without a word, and a new VM takes its place.
    fn lose_a_worker(&mut self) {
        let worker = self.random.index(WORKERS);
        for running in self
            .running
            .extract_if(.., |running| running.worker == worker)
        {
            self.lost.push((running.user, running.since_ns));
        }
        self.workers[worker] = self.configured[0]
            .worker(Rc::clone(&self.store), Rc::clone(&self.clock))
            .unwrap();
    }

    /// New requests see the new policy; those that run keep theirs.
    fn load_a_policy(&mut self) {
        let policy = self.random.index(self.policies.len());
        for worker in &mut self.workers {
            *worker = self.configured[policy]
                .worker(Rc::clone(&self.store), Rc::clone(&self.clock))
                .unwrap();
        }
    }

    fn pass_time(&mut self) {
        let by = self.random.below(10 * SECOND_NS);
        self.clock.set(self.clock.get() + by);
    }

    /// Requests that hold a permit: those that run, and those that were lost, until their lease is over.
    fn parallel_is_bounded(&self, user: usize) {
        let now = self.clock.get();
        let within = |since: u64| now - since < LEASE_NS;
        let running = self
            .running
            .iter()
            .filter(|running| running.user == user && within(running.since_ns))
            .count();
        let lost = self
            .lost
            .iter()
            .filter(|(of, since)| *of == user && within(*since))
            .count();
        assert!(
            running + lost <= PARALLEL,
            "{running} run and {lost} are lost of {}",
            USERS[user]
        );
    }

    /// Counted from the beginning: a full bucket, and what has flowed into it since.
    fn check(&self) {
        let elapsed_ns = u128::from(self.clock.get() - EPOCH_NS);
        let most = |limit: u64| {
            u128::from(limit) + u128::from(limit) * elapsed_ns / u128::from(60 * SECOND_NS)
        };
        for (user, served) in USERS.iter().zip(self.served) {
            assert!(
                u128::from(served.requests) <= most(RPM),
                "{} requests of {user}",
                served.requests
            );
            assert!(
                u128::from(served.tokens) <= most(TPM),
                "{} tokens of {user}",
                served.tokens
            );
        }
    }

    /// After the leases of what was lost, everybody can run as many as ever, and no more.
    fn permits_are_all_back(&mut self) {
        self.clock.set(self.clock.get() + 10 * LEASE_NS);
        let mut outcomes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (user, name) in USERS.iter().enumerate() {
            let request = Request {
                key: Some((*name).to_owned()),
                fields: json!({ "max_tokens": 1 }),
                ..Request::default()
            };
            let call = resolve::call(&request, &self.suite.people).unwrap();
            for nth in 0..=PARALLEL {
                let mut stream = self.workers[nth % WORKERS].stream();
                stream.request(&call);
                let reason = stream.seen().client.header("x-portcullis-reason");
                outcomes
                    .entry(name)
                    .or_default()
                    .push(reason.unwrap_or_else(|| "runs".to_owned()));
                let since_ns = self.clock.get();
                self.running.push(Running {
                    stream,
                    call: call.clone(),
                    worker: nth % WORKERS,
                    user,
                    since_ns,
                });
            }
        }
        let mut expected = vec!["runs"; PARALLEL];
        expected.push("rate_limit_parallel");
        for (name, outcomes) in outcomes {
            assert_eq!(outcomes, expected, "{name}");
        }
    }
}

#[track_caller]
fn one_record(seen: &Seen) {
    assert_eq!(seen.requests().len(), 1, "{:?}", seen.records);
}
