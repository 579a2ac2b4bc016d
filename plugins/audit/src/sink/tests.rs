use super::*;
use portcullis_policy::MemoryStore;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn settings(overflow: Overflow) -> Settings {
    Settings {
        cluster: "collector".into(),
        path: "/v1/logs".into(),
        authority: "collector".into(),
        service: Some("gw".into()),
        batch: 3,
        flush: Duration::from_secs(1),
        queue: 8,
        timeout: Duration::from_secs(5),
        overflow,
    }
}

fn entry(seq: u64, at: Timestamp) -> Entry {
    Entry {
        line: format!("{{\"record\":{seq}}}"),
        id: "c0".into(),
        seq,
        event: "api_request",
        at,
    }
}

/// A sink, its collector, and a clock.
struct World {
    sink: Sink,
    now: Timestamp,
    next: u64,
    /// The call on its way and the numbers of the records in it.
    on_its_way: Option<(CallId, Vec<u64>)>,
    /// What the collector has, in the order in which it came.
    got: Vec<u64>,
    recorded: Vec<Gap>,
    dropped: u64,
}

impl World {
    fn new(overflow: Overflow) -> Self {
        Self {
            sink: Sink::new(settings(overflow)),
            now: Timestamp::from_secs(1_000_000),
            next: 0,
            on_its_way: None,
            got: Vec::new(),
            recorded: Vec::new(),
            dropped: 0,
        }
    }

    /// A record is written, as the ledger does it. The gap's own record is not counted among the numbers here.
    fn write(&mut self) {
        if let Some(gap) = self.sink.take_gap() {
            self.recorded.push(gap);
        }
        let entry = entry(self.next, self.now);
        self.next += 1;
        self.dropped += u64::from(!self.sink.push(entry, false));
        assert!(self.sink.queue.len() <= 8, "the queue is bounded");
    }

    fn turn(&mut self, run: impl FnOnce(&mut Sink, Timestamp, &mut Outbox<'_>)) {
        let mut store = MemoryStore::default();
        let mut out = Outbox::new(&mut store);
        run(&mut self.sink, self.now, &mut out);
        for (metric, by) in out.take_metrics() {
            assert_eq!(metric, Metric::AuditDropped);
            self.dropped += by;
        }
        for (id, call) in out.take_calls() {
            assert!(
                self.on_its_way.is_none(),
                "one call at a time keeps the order"
            );
            self.on_its_way = Some((id, numbers(&call)));
        }
    }

    fn tick(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
        self.turn(|sink, now, out| sink.tick(now, out));
    }

    fn answer(&mut self, answer: &Answer) {
        let Some((id, numbers)) = self.on_its_way.take() else {
            return;
        };
        // A call that times out may have arrived all the same.
        if matches!(answer.status(), Some(200 | 504)) {
            self.got.extend(numbers);
        }
        self.turn(|sink, now, out| {
            sink.answered(now, id, answer, out);
        });
    }

    /// The collector is back for good.
    fn recover(&mut self) {
        for _ in 0..200 {
            self.tick(1000);
            self.answer(&Answer::of(200));
        }
    }
}

/// Numbers of the records in a call, which is a batch as OTLP has it.
fn numbers(call: &Call) -> Vec<u64> {
    let request: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    let records = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    let number = |record: &serde_json::Value| {
        let line: serde_json::Value =
            serde_json::from_str(record["body"]["stringValue"].as_str().unwrap()).unwrap();
        line["record"].as_u64().unwrap()
    };
    records.as_array().unwrap().iter().map(number).collect()
}

#[test]
fn a_batch_goes_when_it_is_full_or_its_first_record_has_waited() {
    let mut world = World::new(Overflow::Drop);
    world.write();
    world.tick(900);
    assert!(world.on_its_way.is_none());
    world.tick(100);
    assert_eq!(world.on_its_way.as_ref().unwrap().1, [0]);
    for _ in 0..4 {
        world.write();
    }
    // One at a time, and the next as soon as the answer is there.
    world.tick(2000);
    world.answer(&Answer::of(200));
    assert_eq!(world.on_its_way.as_ref().unwrap().1, [1, 2, 3]);
}

#[test]
fn who_left_records_out_does_so_until_the_queue_is_half_empty() {
    let mut world = World::new(Overflow::Drop);
    (0..9).for_each(|_| world.write());
    assert_eq!(world.dropped, 1);
    world.tick(2000);
    world.answer(&Answer::of(200));
    // Five of eight wait: one more gap is no help to anybody.
    world.write();
    assert_eq!((world.dropped, world.recorded.len()), (2, 0));
    world.answer(&Answer::of(200));
    world.write();
    assert_eq!(world.dropped, 2);
    let gap = world.recorded.first().unwrap();
    assert_eq!((gap.from, gap.to, gap.count), (8, 9, 2));
}

#[test]
fn failures_wait_longer_each_time_and_lose_nothing() {
    let mut world = World::new(Overflow::Drop);
    world.write();
    let mut waits = Vec::new();
    for _ in 0..9 {
        let mut waited = 0;
        while world.on_its_way.is_none() {
            world.tick(100);
            waited += 100;
        }
        waits.push(waited);
        world.answer(&Answer::of(503));
    }
    assert_eq!(
        waits,
        [1000, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]
    );
    world.recover();
    assert_eq!((world.got, world.dropped), (vec![0], 0));
}

#[test]
fn a_collector_says_when_to_come_again() {
    let mut world = World::new(Overflow::Drop);
    world.write();
    world.tick(1000);
    world.answer(&Answer::Status {
        status: 429,
        retry_after_secs: Some(7),
        body: Vec::new(),
    });
    world.tick(6900);
    assert!(world.on_its_way.is_none());
    world.tick(100);
    assert!(world.on_its_way.is_some());
}

#[test]
fn a_clock_set_back_does_not_hold_records_up() {
    let mut world = World::new(Overflow::Drop);
    world.write();
    world.tick(1000);
    world.answer(&Answer::Failed);
    // By less than the longest wait it could be the wait for the next try.
    world.now = world.now.before(BACKOFF_MAX);
    world.tick(0);
    assert!(world.on_its_way.is_some());
}

#[test]
fn what_a_collector_will_never_take_is_given_up_and_counted() {
    let mut world = World::new(Overflow::Drop);
    for _ in 0..5 {
        world.write();
    }
    world.tick(0);
    world.answer(&Answer::of(400));
    world.recover();
    world.write();
    assert_eq!(
        world.recorded,
        [Gap {
            id: "c0".into(),
            from: 0,
            to: 2,
            count: 3
        }]
    );
    world.recover();
    assert_eq!((world.got, world.dropped), (vec![3, 4, 5], 3));

    // Too large together, and one of them by itself.
    let mut world = World::new(Overflow::Drop);
    for _ in 0..3 {
        world.write();
    }
    world.tick(0);
    world.answer(&Answer::of(413));
    assert_eq!(world.on_its_way.as_ref().unwrap().1, [0]);
    world.answer(&Answer::of(413));
    world.recover();
    assert_eq!((world.got, world.dropped), (vec![1, 2], 1));

    // Taken, but not all of it.
    let mut world = World::new(Overflow::Drop);
    (0..3).for_each(|_| world.write());
    world.tick(1000);
    world.answer(&Answer::Status {
        status: 200,
        retry_after_secs: None,
        body: br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}"#.to_vec(),
    });
    assert_eq!(world.dropped, 2);
}

/// A record that takes so many bytes.
fn large(seq: u64, at: Timestamp, bytes: usize) -> Entry {
    Entry {
        line: format!("{{\"record\":{seq},\"x\":\"{}\"}}", "x".repeat(bytes)),
        ..entry(seq, at)
    }
}

#[test]
fn a_batch_and_the_queue_are_bounded_in_bytes() {
    let mut world = World::new(Overflow::Drop);
    let half = BATCH_BYTES_MAX / 2;
    for (seq, bytes) in [(0, half), (1, half), (2, 2 * BATCH_BYTES_MAX)] {
        assert!(world.sink.push(large(seq, world.now, bytes), false));
    }
    world.tick(1000);
    for seq in 0..3 {
        assert_eq!(world.on_its_way.as_ref().unwrap().1, [seq]);
        world.answer(&Answer::of(200));
    }

    let mut world = World::new(Overflow::Refuse);
    assert!(world.sink.reserve());
    assert!(world.sink.push(large(0, world.now, QUEUE_BYTES_MAX), true));
    assert!(!world.sink.reserve());
}

#[test]
fn so_many_gaps_are_told_apart() {
    let mut world = World::new(Overflow::Drop);
    (0..8).for_each(|_| world.write());
    // Every other record finds no room.
    let id: Rc<str> = "c0".into();
    for seq in (0..).step_by(2).take(3 * GAPS_MAX) {
        world.sink.miss(&id, seq);
    }
    assert_eq!(world.sink.gaps.len(), GAPS_MAX);
    let missing: u64 = world.sink.gaps.iter().map(|gap| gap.count).sum();
    assert_eq!(missing, 3 * GAPS_MAX as u64);
    assert_eq!(world.sink.gaps.back().unwrap().to, 6 * GAPS_MAX as u64 - 2);
}

#[test]
fn who_must_not_go_unaudited_is_refused_before_there_is_no_room() {
    let mut world = World::new(Overflow::Refuse);
    let admitted = (0..20).filter(|_| world.sink.reserve()).count();
    assert_eq!(admitted, 8);
    for seq in 0..8 {
        world.sink.release();
        assert!(
            world.sink.push(entry(seq, world.now), true),
            "a kept place is there"
        );
    }
    assert!(!world.sink.reserve());
    // The refused request's own record has no place kept for it.
    assert!(!world.sink.push(entry(8, world.now), false));
    world.recover();
    assert!(world.sink.reserve());
    assert_eq!(world.got, (0..8).collect::<Vec<_>>());
}

#[test]
fn a_vm_that_goes_waits_for_a_collector_but_not_for_ever() {
    let mut world = World::new(Overflow::Drop);
    world.write();
    let stop = |world: &mut World| {
        let mut done = false;
        world.turn(|sink, now, out| done = sink.stop(now, out));
        done
    };
    assert!(!stop(&mut world), "what is in the queue goes at once");
    world.answer(&Answer::of(200));
    assert!(stop(&mut world));
    assert_eq!(world.got, [0]);

    let mut world = World::new(Overflow::Drop);
    world.write();
    let mut waited = 0;
    while !stop(&mut world) {
        world.answer(&Answer::Failed);
        world.tick(100);
        waited += 100;
        assert!(waited <= 10_000);
    }
    assert_eq!((waited, world.dropped), (10_000, 1));
}

proptest! {
    #[test]
    fn every_record_arrives_in_order_or_lies_in_a_recorded_gap(steps in proptest::collection::vec(0_u8..12, 0..200)) {
        let mut world = World::new(Overflow::Drop);
        for step in steps {
            match step {
                0..=4 => world.write(),
                5 => world.tick(100),
                6 => world.tick(1500),
                7 => world.answer(&Answer::of(200)),
                8 => world.answer(&Answer::of(503)),
                9 => world.answer(&Answer::of(504)),
                10 => world.answer(&Answer::Failed),
                _ => world.answer(&Answer::of(400)),
            }
        }
        world.recover();
        // The gaps are recorded with the requests that follow.
        for _ in 0..100 {
            world.write();
            world.recover();
        }
        let mut first: Vec<u64> = Vec::new();
        let mut seen = BTreeSet::new();
        for number in &world.got {
            if seen.insert(*number) {
                first.push(*number);
            }
        }
        prop_assert!(first.is_sorted(), "{:?}", world.got);
        let mut missing = 0;
        for number in 0..world.next {
            let gap = world.recorded.iter().any(|gap| (gap.from..=gap.to).contains(&number));
            prop_assert!(seen.contains(&number) || gap, "{} of {:?}, {:?}", number, world.got, world.recorded);
            missing += u64::from(gap);
        }
        prop_assert!(missing <= world.dropped);
    }
}
