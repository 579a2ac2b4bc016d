use crate::{Gate, Watch, gate, watch};
use portcullis_policy::config::Document;
use portcullis_policy::{
    Action, AuthOutcome, Decision, Effects, Endpoint, Event, Facts, Identity, MemoryStore, Metric,
    NoStore, Policy, Reason, Refusal, RequestHead, Side, Store as _, Timestamp, Usage, Verdict,
};
use proptest::prelude::*;
use std::net::IpAddr;
use std::time::Duration;

const GUIDE: &str = r#"[
    {"name": "High request rate", "condition": "rpm > 1000", "action": "notify security-team@company.com"},
    {"name": "Authentication failures", "condition": "auth_failures > 10 in 5min", "action": "block IP for 1 hour"},
    {"name": "Suspicious patterns", "condition": "prompt contains 'jailbreak'", "action": "flag for review"}]"#;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000).after(Duration::from_millis(millis))
}

/// Workers that share a store, and the policies that each of them has.
struct World {
    gate: Option<Gate>,
    watch: Watch,
    store: MemoryStore,
    metrics: Vec<(Metric, u64)>,
}

/// What an exchange was and what is to be seen of it.
#[derive(Clone)]
struct Sent {
    facts: Facts,
    status: u16,
}

impl World {
    fn new(alerts: &str) -> Self {
        Self::of(&format!(r#"{{"alerts": {alerts}}}"#))
    }

    fn of(policy: &str) -> Self {
        let document = Document::parse(policy.as_bytes()).unwrap();
        let (gate, watch) = (gate(&document), watch(&document, &|_: &str| None).unwrap());
        assert_eq!(document.take_mistakes(), []);
        Self {
            gate,
            watch,
            store: MemoryStore::default(),
            metrics: Vec::new(),
        }
    }

    /// An exchange from its head to its end, at one time; the facts afterwards.
    fn send(&mut self, now: Timestamp, sent: Sent) -> Facts {
        let Sent { mut facts, status } = sent;
        facts.received_at = now;
        let head = RequestHead {
            endpoint: Endpoint::OpenAiChat,
            method: "POST",
            path: "/v1/chat/completions",
            source: facts.source,
            attributes: &[],
            headers: &[],
            upgrade: false,
        };
        let (gate, mut watched) = (self.gate.map(|gate| gate.open()), self.watch.open());
        let mut out = Effects::new(&mut self.store);
        let event = Event::RequestHead(&head);
        let verdict = gate.map(|mut gate| gate.handle(now, &event, &mut facts, &mut out));
        if let Some(Verdict::Refuse(refusal)) = verdict {
            facts.auth = AuthOutcome::None;
            facts.refusal = Some(refusal);
        }
        match facts.refusal.clone() {
            Some(refusal) => watched.handle(now, &Event::Refused(&refusal), &mut facts, &mut out),
            None => watched.handle(now, &event, &mut facts, &mut out),
        };
        watched.handle(now, &Event::End { status }, &mut facts, &mut out);
        self.metrics.append(&mut out.take_metrics());
        facts
    }

    fn counted(&self, alert: &str) -> u64 {
        let of_alert = |(metric, by): &(Metric, u64)| {
            matches!(metric, Metric::Alerts { alert: name } if name == alert).then_some(*by)
        };
        self.metrics.iter().filter_map(of_alert).sum()
    }
}

fn from(source: &str) -> Sent {
    let facts = Facts {
        source: Some(source.parse().unwrap()),
        auth: AuthOutcome::Success,
        ..Facts::default()
    };
    Sent { facts, status: 200 }
}

fn failing(source: &str) -> Sent {
    let mut sent = from(source);
    sent.facts.auth = AuthOutcome::Failure;
    sent.facts.refusal = Some(Refusal::new(Reason::InvalidApiKey, ""));
    sent.status = 401;
    sent
}

fn by(user: &str, team: &str) -> Sent {
    let mut sent = from("10.0.0.9");
    sent.facts.identity = Some(
        Identity {
            user: user.into(),
            team: Some(team.into()),
            key_id: format!("{user}-key"),
        }
        .into(),
    );
    sent
}

fn reason(facts: &Facts) -> Option<Reason> {
    facts.refusal.as_ref().map(|refusal| refusal.reason)
}

#[test]
fn an_address_that_fails_too_often_is_blocked_for_an_hour() {
    let mut world = World::new(GUIDE);
    for n in 0..10 {
        let facts = world.send(at(n * 1000), failing("10.0.0.1"));
        assert_eq!(
            (facts.alerts.len(), reason(&facts)),
            (0, Some(Reason::InvalidApiKey))
        );
    }
    let facts = world.send(at(10_000), failing("10.0.0.1"));
    assert_eq!(facts.alerts, ["Authentication failures"]);
    assert_eq!(world.counted("Authentication failures"), 1);
    let facts = world.send(at(10_001), from("10.0.0.1"));
    let refusal = facts.refusal.unwrap();
    assert_eq!(refusal.reason, Reason::SourceLockedOut);
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(3_599_999)));
    assert_eq!(reason(&world.send(at(10_001), from("10.0.0.2"))), None);
    assert_eq!(
        reason(&world.send(at(3_609_999), from("10.0.0.1"))),
        Some(Reason::SourceLockedOut)
    );
    assert_eq!(reason(&world.send(at(3_610_000), from("10.0.0.1"))), None);
}

#[test]
fn failures_that_lie_apart_block_nobody() {
    let mut world = World::new(GUIDE);
    for n in 0..100 {
        // Ten within any five minutes.
        let facts = world.send(at(n * 30_000), failing("10.0.0.1"));
        assert_eq!(
            (facts.alerts.len(), reason(&facts)),
            (0, Some(Reason::InvalidApiKey)),
            "{n}"
        );
    }
}

#[test]
fn whoever_goes_on_trying_is_free_after_the_hour() {
    let mut world = World::new(
        r#"[{"name": "a", "condition": "requests by source > 3 in 1 day", "action": "block IP for 1 hour"}]"#,
    );
    let blocked: Vec<bool> = (0..4)
        .map(|n| reason(&world.send(at(n), from("10.0.0.1"))).is_some())
        .collect();
    assert_eq!(blocked, [false; 4]);
    for minute in 0..60 {
        assert!(reason(&world.send(at(1000 + minute * 59_000), from("10.0.0.1"))).is_some());
    }
    for n in 0..4 {
        assert_eq!(
            reason(&world.send(at(3_600_010 + n), from("10.0.0.1"))),
            None,
            "counts anew"
        );
    }
    assert!(reason(&world.send(at(3_600_020), from("10.0.0.1"))).is_some());
}

#[test]
fn an_alert_that_is_on_is_set_off_once_until_it_has_recovered() {
    let mut world = World::new(GUIDE);
    let send = |world: &mut World, from_ms: u64, count: u64| {
        (0..count)
            .filter(|n| {
                !world
                    .send(at(from_ms + n * 20), from("10.0.0.1"))
                    .alerts
                    .is_empty()
            })
            .count()
    };
    assert_eq!(send(&mut world, 0, 1000), 0);
    assert_eq!(
        send(&mut world, 20_000, 2000),
        1,
        "the one above 1000, and none after it"
    );
    // Somewhat less than the number, but not yet recovered.
    assert_eq!(
        (0..300)
            .filter(|n| !world
                .send(at(60_000 + n * 64), from("10.0.0.1"))
                .alerts
                .is_empty())
            .count(),
        0
    );
    assert_eq!(
        send(&mut world, 300_000, 1002),
        1,
        "again, after a time of quiet"
    );
    assert_eq!(world.counted("High request rate"), 2);
}

#[test]
fn what_is_flagged_is_flagged_as_long_as_the_alert_is_on() {
    let mut world = World::new(
        r#"[{"name": "slow", "condition": "latency_ms by team > 100 in 1min", "action": "flag for review"},
        {"name": "many", "condition": "tokens by user >= 30", "action": "flag for review and notify soc"}]"#,
    );
    let spent = |tokens: u64, user: &str| {
        let mut sent = by(user, "eng");
        sent.facts.usage = Some(Usage {
            input: tokens,
            output: 1,
        });
        sent
    };
    let seen = |facts: Facts| (facts.alerts.clone(), facts.decision());
    assert_eq!(
        seen(world.send(at(0), spent(19, "a"))),
        (vec![], Decision::Allow)
    );
    assert_eq!(
        seen(world.send(at(1), spent(19, "b"))),
        (vec![], Decision::Allow),
        "another user"
    );
    assert_eq!(
        seen(world.send(at(2), spent(9, "a"))),
        (vec!["many".to_owned()], Decision::Flag)
    );
    assert_eq!(
        seen(world.send(at(3), spent(9, "a"))),
        (vec!["many".to_owned()], Decision::Flag)
    );
    assert_eq!(world.counted("many"), 1);
    assert_eq!(
        seen(world.send(at(60_003), spent(9, "a"))),
        (vec![], Decision::Allow)
    );
}

#[test]
fn a_text_that_dlp_found_in_the_right_message_sets_its_alert_off() {
    let mut world = World::new(GUIDE);
    let found = |side, rule: &str| {
        let mut sent = by("a", "eng");
        sent.facts.found(rule, Action::Flag, side, 2);
        sent
    };
    assert!(
        world
            .send(at(0), found(Side::Response, "Suspicious patterns"))
            .alerts
            .is_empty()
    );
    assert!(
        world
            .send(at(0), found(Side::Request, "jailbreak"))
            .alerts
            .is_empty()
    );
    for n in 0..3 {
        assert_eq!(
            world
                .send(at(n), found(Side::Request, "Suspicious patterns"))
                .alerts,
            ["Suspicious patterns"]
        );
    }
    assert_eq!(world.counted("Suspicious patterns"), 1, "told once");
}

#[test]
fn each_measure_counts_what_it_says() {
    let all = ["errors", "dlp_findings", "auth_failures", "requests", "tokens"].map(|measure| {
        format!(r#"{{"name": "{measure}", "condition": "{measure} by source >= 2", "action": "notify x"}}"#)
    });
    let alerts = format!("[{}]", all.join(","));
    let set_off = |sent: Sent| {
        let mut world = World::new(&alerts);
        world.send(at(0), sent.clone());
        world.send(at(1), sent).alerts
    };
    assert_eq!(set_off(from("10.0.0.1")), ["requests"]);
    let mut broken = from("10.0.0.1");
    broken.status = 502;
    assert_eq!(set_off(broken), ["requests", "errors"]);
    assert_eq!(set_off(failing("10.0.0.1")), ["requests", "auth_failures"]);
    let mut found = from("10.0.0.1");
    found.facts.found("ssn", Action::Block, Side::Request, 1);
    assert_eq!(set_off(found), ["requests", "dlp_findings"]);
    let mut spent = from("10.0.0.1");
    spent.facts.usage = Some(Usage {
        input: 1,
        output: 0,
    });
    assert_eq!(set_off(spent), ["requests", "tokens"]);
}

#[test]
fn an_alert_for_which_there_is_no_room_to_be_told_is_counted() {
    let dropped = |world: &World| {
        let dropped = Metric::Notifications { outcome: "dropped" };
        world
            .metrics
            .iter()
            .filter(|(metric, _)| *metric == dropped)
            .count()
    };
    let alert = r#"{"name": "a", "condition": "requests by source >= 1", "action": "notify x"}"#;
    let mut world = World::of(&format!(
        r#"{{"alerts": [{alert}], "notify": {{"cluster": "am"}}}}"#
    ));
    for n in 0..u8::MAX {
        world.send(at(0), from(&format!("10.0.0.{n}")));
    }
    world.send(at(0), from("10.0.1.0"));
    assert_eq!(dropped(&world), 0);
    world.send(at(0), from("10.0.1.1"));
    assert_eq!((dropped(&world), world.counted("a")), (1, 257));
}

#[test]
fn workers_count_together() {
    let mut world = World::new(GUIDE);
    for n in 0..11 {
        // Another worker: policies of its own, the same store.
        world.watch = World::new(GUIDE).watch;
        world.send(at(n), failing("2001:db8::1"));
    }
    assert_eq!(
        reason(&world.send(at(20), from("2001:db8::ffff"))),
        Some(Reason::SourceLockedOut),
        "the whole /64"
    );
    assert_eq!(reason(&world.send(at(20), from("2001:db8:0:1::1"))), None);
}

#[test]
fn however_many_subjects_there_are_memory_is_bounded() {
    let alerts = r#"[{"name": "a", "condition": "requests by source > 5 in 1 day", "action": "block IP for 1 hour"}]"#;
    let mut world = World::new(alerts);
    for n in 0..20_000u32 {
        // Attackers come in order; one of them twice as often as it may.
        let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes()).to_string();
        world.send(at(u64::from(n)), from(&address));
        if n % 1_000 == 0 {
            world.send(at(u64::from(n)), from("192.0.2.1"));
        }
    }
    assert!(
        reason(&world.send(at(20_000), from("192.0.2.1"))).is_some(),
        "the one is not lost among the many"
    );
    let slots = usize::from(crate::ledger::SLOTS) + usize::from(crate::blocks::SLOTS);
    assert!(world.store.len() <= slots, "{}", world.store.len());
    let bytes_max = usize::from(crate::ledger::SLOTS) * (crate::ledger::SLOT_BYTES_MAX / 2);
    assert!(world.store.bytes() < bytes_max, "{}", world.store.bytes());
}

#[test]
fn a_store_without_an_answer_refuses_at_the_gate_and_costs_counts_only() {
    let world = World::new(GUIDE);
    let (mut store, mut facts) = (NoStore, from("10.0.0.1").facts);
    let head = RequestHead {
        endpoint: Endpoint::OpenAiChat,
        method: "POST",
        path: "/",
        source: facts.source,
        attributes: &[],
        headers: &[],
        upgrade: false,
    };
    let mut out = Effects::new(&mut store);
    let event = Event::RequestHead(&head);
    let verdict = world
        .gate
        .unwrap()
        .open()
        .handle(at(0), &event, &mut facts, &mut out);
    assert!(
        matches!(verdict, Verdict::Refuse(refusal) if refusal.reason == Reason::PolicyUnavailable)
    );
    let verdict = world
        .watch
        .open()
        .handle(at(0), &event, &mut facts, &mut out);
    assert_eq!(verdict, Verdict::Continue);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_in_the_store_are_counted_over(bytes in proptest::collection::vec(any::<u8>(), 0..300), source in any::<u32>()) {
        let mut world = World::new(r#"[{"name": "a", "condition": "requests by source > 5", "action": "block IP for 1h"}, {"name": "b", "condition": "requests > 5", "action": "notify x"}]"#);
        let address = IpAddr::from(source.to_be_bytes()).to_string();
        // Learn the keys, then spoil what is there.
        world.send(at(0), from(&address));
        let place = crate::subject::Subject::source(IpAddr::from(source.to_be_bytes())).place;
        for key in [format!("portcullis/alerts/1/{}", place % crate::ledger::SLOTS), "portcullis/alerts/1/all".to_owned(), format!("portcullis/alerts/1/block/{}", place % crate::blocks::SLOTS)] {
            let version = world.store.load(&key).unwrap().map(|(_, version)| version);
            world.store.swap(&key, &bytes, version).unwrap();
        }
        world.send(at(1), from(&address));
        let sizes = world.store.bytes();
        prop_assert!(sizes < 3 * crate::ledger::SLOT_BYTES_MAX);
    }

    #[test]
    fn a_count_fires_exactly_when_the_definition_says(gaps in proptest::collection::vec(0u64..40_000, 1..80)) {
        // With all times kept; notified again only after the count had fallen to 80 % of ten.
        let mut world = World::new(r#"[{"name": "a", "condition": "requests by source > 10 in 5min", "action": "notify x"}]"#);
        let (mut now, mut times, mut on) = (0, Vec::<u64>::new(), false);
        for gap in gaps {
            now += gap;
            times.retain(|at| now - at < 300_000);
            on = on && times.len() > 8;
            times.push(now);
            let fires = times.len() > 10 && !on;
            on |= times.len() > 10;
            let facts = world.send(at(now), from("10.0.0.1"));
            prop_assert_eq!(!facts.alerts.is_empty(), fires);
        }
    }
}
