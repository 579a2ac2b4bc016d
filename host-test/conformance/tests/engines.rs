//! The native engine and the modules in wasmtime say the same about every case, down to headers, bodies, records and counters; and the
//! modules do so however their messages are cut.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use portcullis_conformance::engine::Engine;
use portcullis_conformance::load::Suite;
use portcullis_conformance::native::Native;
use portcullis_conformance::run::{self, difference};
use portcullis_conformance::split::{Split, cut};
use portcullis_conformance::wasm::{Chain, Modules, Wasm};

mod common;

#[test]
fn agree() {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    let mut failures = Vec::new();
    for (seed, located) in (0..).zip(&suite.cases) {
        let case = &located.case;
        let skipped = ["native", "gateway"]
            .iter()
            .any(|name| case.skip.contains_key(*name));
        // Counters of exchanges that overlap belong to no one of them.
        let overlap = case.steps.iter().any(|step| step.open.is_some());
        if skipped || overlap || case.rejected.is_some() {
            continue;
        }
        // One of the two ways for each case, so that the whole stays short; every case runs in both in the engines' own tests.
        let hold = case.hold.unwrap_or(seed % 2 == 0);
        let setup = suite.setup(case, hold).unwrap();
        let trace = |engine: &mut dyn Engine, split: Split| {
            run::run_with(&suite, located, &setup, engine, &mut |call, reply| {
                cut(split, call, reply)
            })
            .unwrap()
            .traces
        };
        let native = trace(&mut Native::new(&setup).unwrap(), Split::Whole);
        for split in [Split::Whole, Split::Random(seed)] {
            let mut wasm = Wasm::new(&modules, Chain::Gateway, &setup).unwrap();
            let found = trace(&mut wasm, split);
            if let Some(difference) = difference(&native, &found) {
                failures.push(format!(
                    "{} (hold_headers: {hold}, {split:?})\n{difference}",
                    located.title()
                ));
                break;
            }
        }
    }
    common::assert_none(&failures);
}
