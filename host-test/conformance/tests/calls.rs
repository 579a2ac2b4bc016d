//! The gate of host calls, recorded in `host-test/calls.md`: in Envoy a call out of the VM costs from a tenth of a microsecond to one, so that
//! all of them together cost as much as all of our code, and instructions do not show it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use measured::{cost, exchanges};
use portcullis_conformance::case::Case;
use portcullis_conformance::golden;
use portcullis_conformance::load::Suite;
use portcullis_conformance::wasm::{Chain, Modules};
use serde_json::{Value, json};

#[path = "common/measured.rs"]
mod measured;

/// No call may be added unseen.
const GROWTH_MAX_PERCENT: u64 = 0;

const FILE: &str = "calls.md";

const HEAD: &str = "# Host calls

How often the modules call the host for one exchange, after a first one has warmed them up, by function.
`cargo test -p portcullis-conformance --test calls` fails when one is added, `cargo xtask bless` records what is found.

| exchange | modules | function | calls |
|---|---|---|---:|
";

/// Exchanges, by their names among [`exchanges`].
const MEASURED: [&str; 3] = [
    "small chat, 150 bytes",
    "refused: nobody's key",
    "stream of 101 deltas",
];

fn measure() -> Vec<(String, u64)> {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    let without = |sections: &[&str]| -> Value {
        sections
            .iter()
            .map(|section| ((*section).to_owned(), Value::Null))
            .collect()
    };
    let mut figures = Vec::new();
    for (title, chain, change) in [
        ("gateway", Chain::Gateway, json!({})),
        (
            "gateway, only auth",
            Chain::Gateway,
            without(&["limits", "dlp", "audit"]),
        ),
        (
            "gateway, no policy",
            Chain::Gateway,
            without(&["auth", "teams", "limits", "dlp", "audit"]),
        ),
        ("auth, rate-limit, dlp, audit", Chain::Four, json!({})),
    ] {
        let case: Case =
            serde_json::from_value(json!({ "name": "", "why": "", "change": change })).unwrap();
        let setup = suite.setup(&case, true).unwrap();
        for exchange in exchanges() {
            if !MEASURED.contains(&exchange.name) {
                continue;
            }
            let calls = cost((&suite, &modules), chain, &setup, &exchange, 1).calls;
            let row = |function: &str| format!("{} | {title} | {function}", exchange.name);
            figures.extend(
                calls
                    .iter()
                    .map(|(function, count)| (row(function), *count)),
            );
            figures.push((row("all"), calls.values().sum()));
        }
    }
    figures
}

#[test]
fn no_call_is_added_unseen() {
    golden::not_grown(FILE, HEAD, &measure(), GROWTH_MAX_PERCENT)
        .unwrap_or_else(|error| panic!("{error:#}"));
}
