use crate::blocks;
use crate::firing::{self, FIRING_MAX, Firing};
use crate::notify::{Notifier, Receiver};
use crate::rules::Rules;
use crate::subject::Subject;
use portcullis_policy::config::Document;
use portcullis_policy::{Answer, Background, CallId, MemoryStore, Metric, Outbox, Timestamp};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

const POLICY: &str = r#"{"notify": {"cluster": "am"}, "alerts": [{"name": "a", "condition": "errors > 1", "action": "notify soc"}]}"#;
const START_S: u64 = 1_800_000_000;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(START_S + secs)
}

fn notifier() -> Notifier {
    let document = Document::parse(POLICY.as_bytes()).unwrap();
    let to = Receiver::read(&document, &|_: &str| None).unwrap();
    Notifier::new(Rc::new(Rules::read(&document).unwrap()), Rc::new(to))
}

/// On until `until_s`; its count is not there, so that it is over then.
fn firing(n: u16, until_s: u64) -> Firing {
    let document = Document::parse(POLICY.as_bytes()).unwrap();
    let rules = Rules::read(&document).unwrap();
    let mut id = [1; 16];
    id.iter_mut()
        .zip(n.to_le_bytes())
        .for_each(|(to, from)| *to = from);
    Firing {
        rule: rules.all().first().unwrap().id,
        id,
        place: 0,
        alert: "a".into(),
        by: "user".into(),
        subject: format!("user-{n}"),
        value: 2,
        since_ms: START_S * 1000,
        until_ms: (START_S + until_s) * 1000,
        ended_ms: None,
        told_ms: 0,
        attempts: 0,
        delivered: false,
    }
}

/// Subjects of a notification, and whether it says that they are over.
fn told(body: &[u8], now: u64) -> Vec<(String, bool)> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let one = |alert: &Value| {
        let ends = Timestamp::parse_rfc3339(alert["endsAt"].as_str().unwrap()).unwrap();
        (
            alert["labels"]["subject"].as_str().unwrap().to_owned(),
            ends <= at(now),
        )
    };
    body.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn there_is_room_for_so_many_and_the_rest_is_not_told() {
    let mut store = MemoryStore::default();
    for n in 0..FIRING_MAX {
        assert_eq!(
            firing::raise(&mut store, &firing(u16::try_from(n).unwrap(), 60)),
            Ok(true)
        );
    }
    let bytes = store.bytes();
    assert_eq!(firing::raise(&mut store, &firing(9999, 60)), Ok(false));
    assert!(
        store.bytes() == bytes && bytes < 512 * FIRING_MAX,
        "{bytes}"
    );
    // All are told, so many at a time, and go when they are over.
    let (mut notifier, mut seen) = (notifier(), BTreeSet::new());
    for now in 0..70 {
        let mut out = Outbox::new(&mut store);
        notifier.tick(at(now), &mut out);
        while let Some((id, call)) = out.take_calls().pop() {
            seen.extend(told(&call.body, now));
            notifier.answered(at(now), id, &Answer::of(200), &mut out);
        }
    }
    assert_eq!(seen.len(), 2 * FIRING_MAX);
    assert_eq!(firing::all(&mut store), Ok(vec![]));
}

#[test]
fn whoever_is_blocked_once_more_is_not_told_to_be_free_where_there_was_no_room_to_note_it() {
    const BLOCKING: &str = r#"{"notify": {"cluster": "am"}, "alerts": [{"name": "a", "condition": "errors by source > 1", "action": "block IP for 60s"}]}"#;
    let document = Document::parse(BLOCKING.as_bytes()).unwrap();
    let rules = Rules::read(&document).unwrap();
    let rule = rules.all().first().unwrap().id;
    let blocked = Firing {
        rule,
        ..firing(0, 60)
    };
    let (minute, mut store) = (Duration::from_secs(60), MemoryStore::default());
    let source = Subject {
        id: blocked.id,
        place: blocked.place,
    };
    for n in 0..FIRING_MAX {
        let firing = firing(u16::try_from(n).unwrap(), 600);
        let until_ms = blocked.until_ms + u64::from(n > 0) * 600_000;
        let firing = Firing {
            rule,
            until_ms,
            ..firing
        };
        firing::raise(&mut store, &firing).unwrap();
    }
    for (seconds, room) in [(0, false), (50, false)] {
        blocks::block(&mut store, at(seconds), source, minute, minute).unwrap();
        assert_eq!(firing::raise(&mut store, &blocked), Ok(room));
    }
    let to = Receiver::read(&document, &|_: &str| None).unwrap();
    let mut notifier = Notifier::new(Rc::new(rules), Rc::new(to));
    for (seconds, is_over) in [(61, false), (109, false), (111, true)] {
        let mut out = Outbox::new(&mut store);
        notifier.tick(at(seconds), &mut out);
        for (id, _) in out.take_calls() {
            notifier.answered(at(seconds), id, &Answer::Failed, &mut out);
        }
        let all = firing::all(&mut store).unwrap();
        assert_eq!(all[0].ended_ms.is_some(), is_over, "after {seconds} s");
    }
}

#[test]
fn an_alert_that_is_set_off_again_lasts_longer_and_is_told_again_once_it_was_over() {
    let mut store = MemoryStore::default();
    let once = firing(1, 60);
    firing::raise(&mut store, &once).unwrap();
    firing::raise(&mut store, &firing(1, 90)).unwrap();
    firing::raise(&mut store, &firing(1, 30)).unwrap();
    let on = firing::all(&mut store).unwrap();
    assert_eq!(on, [firing(1, 90)]);
    let over = |all: &mut Vec<Firing>| {
        all[0].ended_ms = Some((START_S + 90) * 1000);
        all[0].delivered = true;
    };
    firing::edit(&mut store, over).unwrap();
    firing::raise(&mut store, &firing(1, 200)).unwrap();
    assert_eq!(firing::all(&mut store).unwrap(), [firing(1, 200)]);
}

#[test]
fn what_a_worker_took_with_it_is_told_by_another() {
    let mut store = MemoryStore::default();
    firing::raise(&mut store, &firing(1, 3600)).unwrap();
    let mut gone = notifier();
    let mut out = Outbox::new(&mut store);
    gone.tick(at(0), &mut out);
    assert_eq!(out.take_calls().len(), 1);
    drop(gone);
    let mut other = notifier();
    other.tick(at(0), &mut out);
    assert!(out.take_calls().is_empty(), "it could still be under way");
    other.tick(at(2), &mut out);
    assert_eq!(out.take_calls().len(), 1);
}

#[test]
fn a_table_that_nobody_here_wrote_is_begun_anew() {
    use portcullis_policy::Store;
    for bytes in [
        &b""[..],
        b"x",
        b"\x01\x00",
        b"\x01\x00[{}]",
        b"\xff\xff",
        b"\x02\x00nonsense",
    ] {
        let mut store = MemoryStore::default();
        store
            .swap("portcullis/alerts/1/firing", bytes, None)
            .unwrap();
        assert_eq!(firing::all(&mut store), Ok(vec![]));
        notifier().tick(at(0), &mut Outbox::new(&mut store));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Three workers, a receiver that answers as it likes: whatever happens, each alert is told, told to be over, and never told by two
    /// workers for the same reason at the same time.
    #[test]
    fn everything_is_told_in_the_end(
        alerts in proptest::collection::vec((0u64..300, 1u64..200), 1..20),
        answers in proptest::collection::vec((0usize..4, 0u64..8), 0..60),
    ) {
        let mut store = MemoryStore::default();
        let mut workers = [notifier(), notifier(), notifier()];
        let mut under_way: Vec<(u64, usize, CallId, Answer)> = Vec::new();
        let (mut on, mut over) = (BTreeSet::new(), BTreeSet::new());
        let mut answers = answers.into_iter();
        for now in 0..2000u64 {
            for (n, (begins, lasts)) in alerts.iter().enumerate() {
                if *begins == now {
                    firing::raise(&mut store, &firing(u16::try_from(n).unwrap(), now + lasts)).unwrap();
                }
            }
            let mut out = Outbox::new(&mut store);
            let mut sent = BTreeSet::new();
            for (index, worker) in workers.iter_mut().enumerate() {
                let (due, later): (Vec<_>, Vec<_>) = under_way.drain(..).partition(|(when, whose, ..)| *when <= now && *whose == index);
                under_way = later;
                for (_, _, id, answer) in due {
                    worker.answered(at(now), id, &answer, &mut out);
                }
                worker.tick(at(now), &mut out);
                for (id, call) in out.take_calls() {
                    let (kind, delay) = answers.next().unwrap_or((0, 0));
                    let answer = [Answer::of(200), Answer::of(503), Answer::Failed, Answer::of(429)][kind].clone();
                    for (subject, is_over) in told(&call.body, now) {
                        prop_assert!(sent.insert((subject.clone(), is_over)), "told twice at {now}");
                        if kind == 0 {
                            if is_over { over.insert(subject) } else { on.insert(subject) };
                        }
                    }
                    under_way.push((now + delay, index, id, answer));
                }
            }
        }
        prop_assert_eq!(over.len(), alerts.len());
        prop_assert!(on.is_subset(&over));
        prop_assert_eq!(firing::all(&mut store), Ok(vec![]));
    }
}

#[test]
fn failures_are_counted_and_become_rarer() {
    let mut store = MemoryStore::default();
    firing::raise(&mut store, &firing(1, 36_000)).unwrap();
    let (mut notifier, mut times) = (notifier(), Vec::new());
    let mut failed = 0;
    for now in 0..600 {
        let mut out = Outbox::new(&mut store);
        notifier.tick(at(now), &mut out);
        for (id, call) in out.take_calls() {
            assert_eq!(call.timeout, Duration::from_secs(5));
            times.push(now);
            notifier.answered(at(now), id, &Answer::Failed, &mut out);
        }
        failed += out
            .take_metrics()
            .iter()
            .filter(|(metric, _)| *metric == Metric::Notifications { outcome: "failed" })
            .count();
    }
    assert_eq!(
        times.iter().take(8).copied().collect::<Vec<_>>(),
        [0, 1, 3, 7, 15, 31, 63, 123]
    );
    assert_eq!(failed, times.len());
    assert!(times.len() < 20);
}
