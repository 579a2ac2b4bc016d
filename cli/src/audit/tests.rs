//! Tampering with a log that the gateway wrote: whatever is done to it is found, but for the erasure of persons.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

use super::line::Line;
use super::verify::testing::{heads, problems};
use portcullis_audit::seal::Seal;
use portcullis_policy::config::Document;
use portcullis_policy::{
    AuthOutcome, Effects, Endpoint, Event, Facts, Identity, MemoryStore, Outbox, Policy, Reason,
    Refusal, Timestamp, Usage,
};
use proptest::prelude::*;
use proptest::sample::Index;
use std::time::Duration;

const KEY: &str = "a key of more than sixteen bytes";

/// A gateway of two workers.
struct World {
    policy: String,
    workers: Vec<portcullis_audit::Audit>,
    store: MemoryStore,
    now: Timestamp,
    started: u8,
    lines: Vec<String>,
}

impl World {
    fn new(policy: &str) -> Self {
        let mut world = Self {
            policy: policy.to_owned(),
            workers: Vec::new(),
            store: MemoryStore::default(),
            now: Timestamp::from_secs(1_764_585_045),
            started: 0,
            lines: Vec::new(),
        };
        world.workers = vec![world.start(), world.start()];
        world
    }

    fn start(&mut self) -> portcullis_audit::Audit {
        let document = Document::parse(self.policy.as_bytes()).unwrap();
        let environment = |name: &str| (name == "KEY").then(|| KEY.to_owned());
        let audit = portcullis_audit::configure(&document, &environment).unwrap();
        self.started += 1;
        audit
            .background()
            .unwrap()
            .borrow_mut()
            .start(&[self.started; 32]);
        audit
    }

    /// The VM of a worker goes, with or without a word, and another takes its place.
    fn restart(&mut self, worker: usize, crash: bool) {
        if !crash {
            let background = self.workers[worker].background().unwrap();
            assert!(
                background
                    .borrow_mut()
                    .stop(self.now, &mut Outbox::new(&mut self.store))
            );
        }
        self.workers[worker] = self.start();
    }

    fn request(&mut self, worker: usize, user: &str) {
        self.now = self.now.after(Duration::from_millis(700));
        let identity = Identity {
            user: format!("{user}@example.com"),
            team: Some("eng".into()),
            key_id: format!("{user}-laptop"),
        };
        let mut facts = Facts {
            received_at: self.now,
            request_id: format!("id-{}", self.lines.len()),
            method: "POST".into(),
            path: "/v1/messages".into(),
            source: Some("10.1.2.3".parse().unwrap()),
            endpoint: Some(Endpoint::AnthropicMessages),
            auth: AuthOutcome::Success,
            identity: (user != "nobody").then_some(identity.into()),
            model: Some("claude-3-5-sonnet".into()),
            usage: Some(Usage {
                input: 10,
                output: 5,
            }),
            alerts: if user == "mallory" {
                vec!["Suspicious patterns".into()]
            } else {
                Vec::new()
            },
            ..Facts::default()
        };
        if user == "nobody" {
            facts.auth = AuthOutcome::Failure;
            facts.refusal = Some(Refusal::new(Reason::InvalidApiKey, ""));
        }
        let mut exchange = self.workers[worker].open();
        let mut out = Effects::new(&mut self.store);
        exchange.handle(self.now, &Event::End { status: 200 }, &mut facts, &mut out);
        self.lines
            .extend(facts.record.unwrap().lines().map(str::to_owned));
    }
}

const KEYED: &str = r#"{"audit":{"hmac_key":{"env":"KEY"}}}"#;
const PLAIN: &str = r#"{"audit":{"service":"gw"}}"#;

fn seal(policy: &str) -> Seal {
    Seal::new((policy == KEYED).then_some(KEY.as_bytes()))
}

/// What happens in a gateway: requests of several people on two workers, restarts and crashes.
fn events() -> impl Strategy<Value = Vec<(bool, u8)>> {
    proptest::collection::vec((any::<bool>(), 0_u8..30), 5..60)
}

fn log(policy: &str, events: &[(bool, u8)]) -> Vec<String> {
    let mut world = World::new(policy);
    for (worker, event) in events {
        let worker = usize::from(*worker);
        match event {
            0 => world.restart(worker, false),
            1 => world.restart(worker, true),
            2 => world.now = world.now.after(Duration::from_secs(61)),
            event => world.request(
                worker,
                ["alice", "bob", "mallory", "nobody"][usize::from(event % 4)],
            ),
        }
    }
    world.request(0, "alice");
    world.lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_the_gateway_wrote_holds(events in events(), keyed: bool) {
        let policy = if keyed { KEYED } else { PLAIN };
        let lines = log(policy, &events);
        let kept = heads(&lines);
        prop_assert_eq!(problems(&lines, &seal(policy), &kept, false), [""; 0]);
        // Every other key gives other seals.
        let other = Seal::new(Some(b"another key of many more bytes"));
        prop_assert_eq!(problems(&lines, &other, &[], false).len() >= lines.len(), true);
    }

    #[test]
    fn any_changed_byte_is_found(events in events(), keyed: bool, record: Index, at: Index, to: u8) {
        let policy = if keyed { KEYED } else { PLAIN };
        let mut lines = log(policy, &events);
        let index = record.index(lines.len());
        let mut bytes = lines[index].clone().into_bytes();
        let position = at.index(bytes.len());
        let to = 32 + to % 95;
        prop_assume!(bytes[position] != to);
        bytes[position] = to;
        lines[index] = String::from_utf8(bytes).unwrap();
        prop_assert_ne!(problems(&lines, &seal(policy), &[], false), [""; 0], "{}", lines[index]);
    }

    #[test]
    fn any_removed_record_is_found(events in events(), record: Index) {
        let lines = log(KEYED, &events);
        let kept = heads(&lines);
        let mut fewer = lines.clone();
        fewer.remove(record.index(lines.len()));
        prop_assert_ne!(problems(&fewer, &seal(KEYED), &kept, false), [""; 0]);
    }

    #[test]
    fn any_cut_is_found(events in events(), record: Index, from_the_beginning: bool) {
        let lines = log(KEYED, &events);
        let kept = heads(&lines);
        let at = record.index(lines.len());
        let rest = if from_the_beginning { &lines[at + 1..] } else { &lines[..at] };
        prop_assert_ne!(problems(rest, &seal(KEYED), &kept, false), [""; 0]);
    }

    #[test]
    fn any_record_put_in_is_found(events in events(), record: Index, to: Index, user in "[a-z]{1,9}") {
        let mut lines = log(KEYED, &events);
        let mut copy = lines[record.index(lines.len())].clone();
        // The same record elsewhere, or one that somebody made up after it.
        if user.len() > 4 {
            copy = copy.replace("alice", &user).replace("bob", &user);
        }
        lines.insert(to.index(lines.len() + 1), copy);
        prop_assert_ne!(problems(&lines, &seal(KEYED), &[], false), [""; 0]);
    }

    #[test]
    fn any_two_swapped_records_are_found(events in events(), one: Index, other: Index) {
        let mut lines = log(KEYED, &events);
        let order = |lines: &[String]| {
            let mut of_chain: std::collections::BTreeMap<String, Vec<u64>> = std::collections::BTreeMap::new();
            for text in lines {
                let link = Line::parse(text.as_bytes()).unwrap().link;
                of_chain.entry(link.id.to_owned()).or_default().push(link.seq);
            }
            of_chain
        };
        let before = order(&lines);
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        lines.swap(one, other);
        // Records of different workers have no order among them.
        prop_assume!(order(&lines) != before);
        prop_assert_ne!(problems(&lines, &seal(KEYED), &[], false), [""; 0]);
    }

    #[test]
    fn after_an_erasure_the_chain_holds_and_the_person_is_gone(events in events(), keyed: bool) {
        let policy = if keyed { KEYED } else { PLAIN };
        let lines = log(policy, &events);
        let kept = heads(&lines);
        let erase = |text: &String| {
            let erased = text.contains("alice@").then(|| Line::parse(text.as_bytes()).unwrap().erased().unwrap());
            erased.unwrap_or_else(|| text.clone())
        };
        let without: Vec<String> = lines.iter().map(erase).collect();
        prop_assert!(!without.concat().contains("alice"));
        // Nobody has said yet that this was an erasure.
        prop_assert_eq!(problems(&without, &seal(policy), &kept, false), ["unaccounted"]);
        // What is left cannot be put under another name.
        let forged: Vec<String> = without.iter().map(|text| {
            text.replacen(r#""user":null"#, r#""user":"bob@example.com""#, 1)
        }).collect();
        let forged = problems(&forged, &seal(policy), &kept, false);
        prop_assert!(forged.contains(&"changed".to_owned()), "{:?}", forged);
    }
}

#[test]
fn without_a_key_a_chain_written_anew_shows_only_against_heads_kept_elsewhere() {
    let events: Vec<(bool, u8)> = (0..20).map(|n| (n % 3 == 0, 4 + n % 4)).collect();
    let lines = log(PLAIN, &events);
    let kept = heads(&lines);
    let mut other = events;
    other.remove(7);
    let forged = log(PLAIN, &other);
    assert_eq!(problems(&forged, &seal(PLAIN), &[], false), [""; 0]);
    assert_ne!(problems(&forged, &seal(PLAIN), &kept, false), [""; 0]);
}

#[test]
fn without_a_key_other_records_in_the_place_of_as_many_show_against_heads_kept_elsewhere() {
    let mut events: Vec<(bool, u8)> = (0..20).map(|n| (n % 3 == 0, 4 + n % 4)).collect();
    let kept = heads(&log(PLAIN, &events));
    events[7].1 += 1;
    let forged = log(PLAIN, &events);
    assert_eq!(problems(&forged, &seal(PLAIN), &[], false), [""; 0]);
    assert_eq!(
        problems(&forged, &seal(PLAIN), &kept, false),
        ["other_head"]
    );
}

#[test]
fn without_a_key_a_chain_written_anew_shows_against_what_others_recorded_of_it() {
    // One worker has served, then both do, and after a minute the other one records both heads.
    let mut events: Vec<(bool, u8)> = vec![(false, 4), (false, 4), (true, 4), (true, 2), (true, 4)];
    let lines = log(PLAIN, &events);
    let chain = |line: &String| Line::parse(line.as_bytes()).unwrap().link.id.to_owned();
    let first = chain(&lines[0]);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("\"heads\"") && chain(line) != first)
    );
    events[1].1 = 5;
    let forged = log(PLAIN, &events);
    let mixed: Vec<String> = lines
        .iter()
        .zip(&forged)
        .map(|(line, forged)| if chain(line) == first { forged } else { line })
        .cloned()
        .collect();
    let found = problems(&mixed, &seal(PLAIN), &[], false);
    assert!(
        !found.is_empty() && found.iter().all(|problem| problem == "other_head"),
        "{found:?}"
    );
}

#[test]
fn what_a_changed_record_tells_is_not_believed() {
    let mut lines = log(KEYED, &[(false, 4), (false, 4)]);
    let last = lines.len() - 1;
    lines[last] = Line::parse(lines[last].as_bytes())
        .unwrap()
        .erased()
        .unwrap();
    // The first one is no request's: it may tell of an erasure.
    lines[0] = lines[0].replacen(",\"chain\":", ",\"erasure\":{\"records\":9},\"chain\":", 1);
    assert_eq!(
        problems(&lines, &seal(KEYED), &[], false),
        ["changed", "unaccounted"]
    );
}

#[test]
fn without_a_key_a_record_sealed_anew_does_not_fit_the_one_after_it() {
    let events: Vec<(bool, u8)> = (0..5).map(|_| (false, 4)).collect();
    let mut lines = log(PLAIN, &events);
    let (body, _) = lines[0].split_once(",\"chain\":").unwrap();
    let body = body.replace("\"gw\"", "\"another\"") + "}";
    let link = Line::parse(lines[0].as_bytes()).unwrap().link;
    lines[0] = super::line::sealed(&body, link, &seal(PLAIN));
    assert_eq!(problems(&lines, &seal(PLAIN), &[], false), ["broken"]);
}

#[test]
fn a_collector_may_get_a_batch_twice_and_the_log_may_not() {
    let events: Vec<(bool, u8)> = (0..40).map(|_| (false, 4)).collect();
    let mut lines = log(KEYED, &events);
    let again: Vec<String> = lines[10..30].to_vec();
    lines.splice(30..30, again);
    assert_eq!(problems(&lines, &seal(KEYED), &[], true), [""; 0]);
    assert_eq!(problems(&lines, &seal(KEYED), &[], false), ["repeated"; 20]);
}

#[test]
fn a_configuration_change_is_recorded_once_and_without_its_content() {
    let mut world = World::new(PLAIN);
    world.request(0, "alice");
    world.policy = r#"{"audit":{"service":"gw"},"limits":{"user":{"rpm":77}}}"#.to_owned();
    for worker in [0, 1] {
        world.restart(worker, false);
        world.request(worker, "alice");
    }
    let parsed: Vec<serde_json::Value> = world
        .lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let changes: Vec<_> = parsed
        .iter()
        .filter(|record| record["event_type"] == "config_change")
        .collect();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0]["policy"]["before"], serde_json::Value::Null);
    assert_eq!(
        changes[1]["policy"]["before"],
        changes[0]["policy"]["sha256"]
    );
    assert_eq!(
        changes[1]["policy"]["changed"],
        serde_json::json!(["limits"])
    );
    assert!(!world.lines.concat().contains("77,"));
    let starts = parsed
        .iter()
        .filter(|record| record["event_type"] == "start")
        .count();
    assert_eq!(starts, 1);
}
