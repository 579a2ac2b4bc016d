//! The speed gate: instructions that a module executes for representative exchanges, recorded in `host-test/instructions.md`. They are
//! exact and the same on every machine, so a change that makes a figure grow by more than 3 % is seen where it is made.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use measured::{Exchange, cost, exchanges, prompt, streamed};
use portcullis_conformance::case::{Case, Upstream};
use portcullis_conformance::engine::Setup;
use portcullis_conformance::golden;
use portcullis_conformance::load::Suite;
use portcullis_conformance::wasm::{Chain, Modules, Wasm};
use portcullis_host_test::World;
use serde_json::{Value, json};

#[path = "common/measured.rs"]
mod measured;

/// A figure may grow by so much before somebody has to look at it and bless it.
const GROWTH_MAX_PERCENT: u64 = 3;

const FILE: &str = "instructions.md";

const HEAD: &str = "# Instructions

WebAssembly instructions (wasmtime fuel) that the modules execute for one exchange, all callbacks together, after a first one has warmed
them up. Exact and free of noise; `cargo test -p portcullis-conformance --test instructions` fails when a figure grows by more than 3 %,
`cargo xtask bless` records what is found.

| exchange | modules | instructions |
|---|---|---:|
";

const CHAINS: [(&str, Chain); 6] = [
    ("gateway", Chain::Gateway),
    ("auth, rate-limit, dlp, audit", Chain::Four),
    ("auth", Chain::Single("auth")),
    ("rate-limit", Chain::Single("rate-limit")),
    ("dlp", Chain::Single("dlp")),
    ("audit", Chain::Single("audit")),
];

fn measure() -> Vec<(String, u64)> {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    let case: Case = serde_json::from_value(json!({ "name": "", "why": "" })).unwrap();
    let setup = suite.setup(&case, true).unwrap();
    let mut figures = Vec::new();
    for (title, chain) in CHAINS {
        let mut found = BTreeMap::new();
        for exchange in exchanges() {
            let count = cost((&suite, &modules), chain, &setup, &exchange, 1).instructions;
            found.insert(exchange.name, count);
            figures.push((format!("{} | {title}", exchange.name), count));
        }
        let per_kib = (found["chat, 62 KiB"] - found["chat, 1 KiB"]) / 61;
        figures.push((format!("each KiB of a prompt | {title}"), per_kib));
        let per_delta = (found["stream of 101 deltas"] - found["stream of 1 delta"]) / 100;
        figures.push((format!("each delta of a stream | {title}"), per_delta));
    }
    let all: Case = serde_json::from_value(json!({
        "name": "", "why": "",
        "change": { "dlp": { "rules": [{ "detector": "all", "action": "redact" }] } }
    }))
    .unwrap();
    let setup = suite.setup(&all, true).unwrap();
    for (title, chain) in [CHAINS[0], CHAINS[4]] {
        let count =
            |exchange: &Exchange| cost((&suite, &modules), chain, &setup, exchange, 1).instructions;
        let [small, one, many] = [150, 1 << 10, 62 << 10].map(|bytes| {
            let of = Exchange {
                name: "",
                request: prompt(bytes),
                upstream: Upstream::default(),
            };
            count(&of)
        });
        let [first, hundred] = [1, 101].map(|deltas| count(&streamed(deltas)));
        for (name, figure) in [
            ("small chat, 150 bytes", small),
            ("each KiB of a prompt", (many - one) / 61),
            ("each delta of a stream", (hundred - first) / 100),
        ] {
            figures.push((format!("{name}, all detectors | {title}"), figure));
        }
    }
    let alerts: Case = serde_json::from_value(
        json!({ "name": "", "why": "", "change": { "alerts": ten_alerts() } }),
    )
    .unwrap();
    let setup = suite.setup(&alerts, true).unwrap();
    for (title, chain) in CHAINS.into_iter().take(2) {
        let small = exchanges().swap_remove(0);
        // After so many the counts are as long as they get.
        let count = cost((&suite, &modules), chain, &setup, &small, 50).instructions;
        figures.push((format!("{}, ten alerts | {title}", small.name), count));
    }
    figures
}

/// Ten alerts, about everything that can be counted, by everybody.
fn ten_alerts() -> Value {
    let alert = |(index, condition): (usize, &&str)| json!({ "name": format!("a{index}"), "condition": condition, "action": "notify soc" });
    [
        "rpm > 1000000",
        "tpm > 1000000000 in 5min",
        "requests by user > 1000000 in 1h",
        "tokens by user > 1000000000 in 1h",
        "requests by source > 1000000 in 10min",
        "latency_ms by team > 1000000 in 5min",
        "dlp_findings by key > 1000000",
        "errors > 1000000 in 5min",
        "auth_failures > 1000000 in 5min",
        "prompt contains 'ignore all previous instructions'",
    ]
    .iter()
    .enumerate()
    .map(alert)
    .collect()
}

#[test]
fn nothing_grows_unseen() {
    let figures = measure();
    golden::not_grown(FILE, HEAD, &figures, GROWTH_MAX_PERCENT)
        .unwrap_or_else(|error| panic!("{error:#}"));
}

/// What this thread worked so far: how much else the machine has to do must not matter.
fn processor_time() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedule.split(' ').next().unwrap().parse().unwrap())
}

/// A policy of ten thousand keys is there within a second, and no request pays for the other 9,990: within this many percent.
const MANY_KEYS_PERCENT: u64 = 5;

#[test]
fn a_request_costs_the_same_among_ten_thousand_keys() {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    let with_keys = |count: usize| {
        let alice = json!({ "id": "alice-laptop", "sha256": "1a4134f0d93099682b961b5525d58c22fe2fdba51b2922db71f6e8cc27068718", "user": "alice@example.com", "team": "eng" });
        let other = |n: usize| {
            json!({ "id": format!("key-{n}"), "sha256": format!("{n:064x}"), "user": format!("user-{n}@example.com"), "team": "eng",
                    "not_before": "2026-01-01T00:00:00Z", "expires_at": "2126-01-01T00:00:00Z" })
        };
        let keys: Vec<Value> = (1..count).map(other).chain([alice]).collect();
        let case: Case = serde_json::from_value(
            json!({ "name": "", "why": "", "change": { "auth": { "keys": keys } } }),
        )
        .unwrap();
        suite.setup(&case, true).unwrap()
    };
    let (few, many) = (with_keys(10), with_keys(10_000));
    for chain in [Chain::Gateway, Chain::Single("auth")] {
        let start = |setup: &Setup| {
            let begin = processor_time();
            Wasm::in_world(World::new(), &modules, chain, setup, 1).unwrap();
            processor_time().saturating_sub(begin)
        };
        // The first one of a module also reads it.
        start(&few);
        let (few_ready, many_ready) = (start(&few), start(&many));
        println!("{chain:?}: 10 keys are there after {few_ready:?}, 10,000 after {many_ready:?}");
        assert!(many_ready < Duration::from_secs(1), "{many_ready:?}");
        for exchange in [exchanges().swap_remove(0), exchanges().swap_remove(3)] {
            let count = |setup| cost((&suite, &modules), chain, setup, &exchange, 3).instructions;
            let (among_few, among_many) = (count(&few), count(&many));
            println!(
                "{chain:?}, {}: {among_few} among 10 keys, {among_many} among 10,000",
                exchange.name
            );
            let bound = among_few * (100 + MANY_KEYS_PERCENT);
            assert!(
                among_many * 100 <= bound,
                "{}: {among_few} {among_many}",
                exchange.name
            );
        }
    }
}
