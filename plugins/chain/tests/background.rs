//! What policies do outside of exchanges: each gets its own answers, and a VM waits for all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use portcullis_chain::{Completeness, Gateway, Settings};
use portcullis_policy::{
    Answer, Background, Call, CallId, Effects, Event, Exchange, Facts, Interest, MemoryStore,
    Outbox, Policy, Timestamp, Verdict,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Calls its cluster with every tick, and leaves when all calls are answered.
struct Caller {
    cluster: &'static str,
    period: Duration,
    random: [u8; 32],
    made: u64,
    answered: Vec<(CallId, Answer)>,
}

impl Background for Caller {
    fn period(&self) -> Duration {
        self.period
    }

    fn start(&mut self, random: &[u8; 32]) {
        self.random = *random;
    }

    fn tick(&mut self, _: Timestamp, out: &mut Outbox<'_>) {
        self.made += 1;
        let call = Call {
            cluster: self.cluster.to_owned(),
            method: "POST",
            path: "/".to_owned(),
            authority: self.cluster.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        out.call(CallId(self.made), call);
    }

    fn answered(&mut self, _: Timestamp, call: CallId, answer: &Answer, _: &mut Outbox<'_>) {
        self.answered.push((call, answer.clone()));
    }

    fn stop(&mut self, _: Timestamp, _: &mut Outbox<'_>) -> bool {
        u64::try_from(self.answered.len()).unwrap() == self.made
    }
}

struct Toy(Rc<RefCell<Caller>>);

struct Idle;

impl Exchange for Idle {
    fn handle(
        &mut self,
        _: Timestamp,
        _: &Event<'_>,
        _: &mut Facts,
        _: &mut Effects<'_>,
    ) -> Verdict {
        Verdict::Continue
    }
}

impl Policy for Toy {
    fn interest(&self) -> Interest {
        Interest::default()
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Idle)
    }

    fn background(&self) -> Option<Rc<RefCell<dyn Background>>> {
        Some(Rc::clone(&self.0) as Rc<RefCell<dyn Background>>)
    }
}

fn caller(cluster: &'static str, millis: u64) -> Rc<RefCell<Caller>> {
    Rc::new(RefCell::new(Caller {
        cluster,
        period: Duration::from_millis(millis),
        random: [0; 32],
        made: 0,
        answered: Vec::new(),
    }))
}

#[test]
fn each_policy_gets_its_own_answers_and_the_vm_waits_for_all() {
    let (one, two) = (caller("one", 500), caller("two", 200));
    let policies: Vec<Box<dyn Policy>> = vec![
        Box::new(Toy(Rc::clone(&one))),
        Box::new(Toy(Rc::clone(&two))),
    ];
    let gateway = Gateway::new(policies, Settings::default(), Completeness::Whole);
    assert_eq!(gateway.period(), Some(Duration::from_millis(200)));
    gateway.start(&[7; 32]);
    assert_ne!(one.borrow().random, two.borrow().random);

    let (now, mut store) = (Timestamp::from_secs(1), MemoryStore::default());
    let chores = gateway.tick(now, &mut store);
    let clusters: Vec<&str> = chores
        .calls
        .iter()
        .map(|(_, call)| call.cluster.as_str())
        .collect();
    assert_eq!(clusters, ["one", "two"]);
    assert!(!gateway.stop(now, &mut store).1);

    gateway.answered(now, &mut store, chores.calls[1].0, &Answer::of(200));
    assert_eq!(two.borrow().answered, [(CallId(1), Answer::of(200))]);
    assert!(one.borrow().answered.is_empty());
    assert!(!gateway.stop(now, &mut store).1);
    gateway.answered(now, &mut store, chores.calls[0].0, &Answer::Failed);
    assert!(gateway.stop(now, &mut store).1);
}

#[test]
fn who_needs_no_background_gets_no_timer() {
    let gateway = Gateway::new(Vec::new(), Settings::default(), Completeness::Whole);
    assert_eq!(gateway.period(), None);
    assert!(
        gateway
            .stop(Timestamp::default(), &mut MemoryStore::default())
            .1
    );
}
