//! 10,000 requests over two workers, VMs that go and come, a collector that is away for a third of the time: nothing is missing that nobody
//! knows of.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use portcullis_conformance::case::Request;
use portcullis_conformance::clusters::{Reaction, Scripts};
use portcullis_conformance::engine::{Engine, Setup};
use portcullis_conformance::load::Suite;
use portcullis_conformance::native::Native;
use portcullis_conformance::resolve;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const KEY: &str = "audit-key-of-the-test";
const REQUESTS: usize = 10_000;
const STEP: Duration = Duration::from_millis(10);

/// How a policy treats a full queue, and how large the queue is.
fn setup(queue: u64) -> Setup {
    let policy = json!({
        "version": 1,
        "auth": { "keys": [{ "id": "alice-laptop", "user": "alice@example.com",
            "sha256": "1a4134f0d93099682b961b5525d58c22fe2fdba51b2922db71f6e8cc27068718" }] },
        "audit": { "hmac_key": { "env": "PORTCULLIS_AUDIT_KEY" },
            "sink": { "cluster": "collector", "batch": 50, "flush": "200ms", "queue": queue, "timeout": "1s" } },
    });
    Setup {
        policy,
        hold: true,
        env: BTreeMap::from([("PORTCULLIS_AUDIT_KEY".to_owned(), KEY.to_owned())]),
    }
}

/// Both logs of a run, and which requests there were.
#[derive(Default)]
struct Run {
    file: Vec<String>,
    collector: Vec<String>,
    requests: BTreeSet<(String, String)>,
}

fn script(status: u16) -> Scripts {
    BTreeMap::from([("collector".to_owned(), vec![Reaction::Status(status)])])
}

fn run(queue: u64) -> Run {
    let suite = Suite::load().unwrap();
    let setup = setup(queue);
    let call = |key: &str| {
        let request = Request {
            key: Some(key.to_owned()),
            ..Request::default()
        };
        resolve::call(&request, &suite.people).unwrap()
    };
    let (known, stranger) = (call("alice"), call("stranger"));
    let reply = resolve::reply(&Default::default(), &known).unwrap();
    let mut workers = vec![Native::new(&setup).unwrap()];
    workers.push(workers[0].beside(&setup).unwrap());
    let mut leaving: Vec<Native> = Vec::new();
    workers[0].script(&script(200)).unwrap();
    let mut run = Run::default();
    for number in 0..REQUESTS {
        let away = (REQUESTS / 3..REQUESTS * 2 / 3).contains(&number);
        if number == REQUESTS / 3 || number == REQUESTS * 2 / 3 {
            workers[0]
                .script(&script(if away { 503 } else { 200 }))
                .unwrap();
        }
        // One while all is well, one while the collector is away, one after it.
        if [2000, 5000, 8000].contains(&number) {
            let new = workers[0].beside(&setup).unwrap();
            let mut old = std::mem::replace(&mut workers[number % 2], new);
            old.stop();
            leaving.push(old);
        }
        let call = if number % 10 == 0 { &stranger } else { &known };
        let seen = workers[number % 2].exchange(call, &reply).unwrap();
        let record = seen.record();
        let text = |name: &str| record["chain"][name].to_string();
        run.requests.insert((text("id"), text("seq")));
        run.file.extend(seen.records);
        pass(&mut workers, &mut leaving, STEP);
        run.collect(&mut workers[0]);
    }
    for _ in 0..600 {
        pass(&mut workers, &mut leaving, Duration::from_millis(200));
        run.collect(&mut workers[0]);
    }
    // The last gaps are recorded with the next requests.
    for worker in 0..2 {
        let seen = workers[worker].exchange(&known, &reply).unwrap();
        run.file.extend(seen.records);
        pass(&mut workers, &mut leaving, Duration::from_secs(1));
    }
    pass(&mut workers, &mut leaving, Duration::from_secs(61));
    let seen = workers[0].exchange(&known, &reply).unwrap();
    run.file.extend(seen.records);
    pass(&mut workers, &mut leaving, Duration::from_secs(2));
    run.collect(&mut workers[0]);
    assert!(leaving.is_empty(), "a VM did not go");
    run
}

/// Time passes for all of them, who share one clock.
fn pass(workers: &mut [Native], leaving: &mut Vec<Native>, by: Duration) {
    let mut by = by;
    for worker in workers.iter_mut().chain(leaving.iter_mut()) {
        worker.advance(by).unwrap();
        by = Duration::ZERO;
    }
    leaving.retain(|worker| !worker.stopped());
}

impl Run {
    /// What the collector took, as it understands it.
    fn collect(&mut self, worker: &mut Native) {
        for call in worker.calls() {
            let records = portcullis_collector::parse(&call.body).unwrap();
            if call.reaction == Reaction::Status(200) {
                self.collector
                    .extend(records.into_iter().map(|record| record.body));
            }
        }
    }
}

fn verify(folder: &Path, name: &str, lines: &[String], more: &[&str]) -> (Output, Value) {
    let file = folder.join(name);
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["audit", "verify", "--json"])
        .args(more)
        .arg(&file)
        .env("PORTCULLIS_AUDIT_KEY", KEY)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output, report)
}

/// The file holds every request, and both it and what the collector got verify; the report on the collector's.
fn both_verify(folder: &Path, run: &Run) -> Value {
    let (output, report) = verify(folder, "audit.log", &run.file, &[]);
    assert!(output.status.success(), "{report:#}");
    assert!(run.requests.is_subset(&places(&run.file)));
    let (output, report) = verify(folder, "collector.log", &run.collector, &["--collector"]);
    assert!(output.status.success(), "{report:#}");
    report
}

/// Numbers of each chain that records of gaps name.
fn gaps(lines: &[String]) -> Vec<(String, u64, u64)> {
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .filter(|record| record["event_type"] == "gap")
        .map(|record| {
            let gap = &record["missing"];
            (
                gap["id"].to_string(),
                gap["from"].as_u64().unwrap(),
                gap["to"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn places(lines: &[String]) -> BTreeSet<(String, String)> {
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .map(|record| {
            (
                record["chain"]["id"].to_string(),
                record["chain"]["seq"].to_string(),
            )
        })
        .collect()
}

#[test]
fn a_queue_that_holds_everything_loses_only_what_a_vm_had_to_leave_behind() {
    let run = run(100_000);
    let folder = tempfile::tempdir().unwrap();
    let report = both_verify(folder.path(), &run);
    // The VM that went while the collector was away waited ten seconds, and left what it had.
    let missing: Vec<_> = run
        .requests
        .difference(&places(&run.collector))
        .cloned()
        .collect();
    let chains: BTreeSet<_> = missing.iter().map(|(id, _)| id).collect();
    assert!(chains.len() <= 1, "{chains:?}");
    assert!(report["undelivered"].as_u64().unwrap() >= missing.len() as u64);
}

#[test]
fn what_a_full_queue_drops_lies_in_a_recorded_gap() {
    let run = run(400);
    let folder = tempfile::tempdir().unwrap();
    both_verify(folder.path(), &run);
    let gaps = gaps(&run.file);
    assert!(!gaps.is_empty());
    let got = places(&run.collector);
    let mut lost = 0;
    for (id, seq) in run.requests.difference(&got) {
        lost += 1;
        let number: u64 = seq.parse().unwrap();
        let known = gaps
            .iter()
            .any(|(of, from, to)| of == id && (*from..=*to).contains(&number));
        // Or it is the end of the chain of the VM that went while the collector was away: its successor's heads say so.
        let ended = !got
            .iter()
            .any(|(of, seq)| of == id && seq.parse::<u64>().unwrap() > number);
        assert!(known || ended, "{id} {seq}");
    }
    println!("{lost} of {REQUESTS} requests are not at the collector, all of them known");
    // A collector's copy does not pass for the log itself.
    let (output, _) = verify(folder.path(), "collector.log", &run.collector, &[]);
    assert_eq!(output.status.code(), Some(1));
}
