//! Every case in wasmtime, through each module or chain of modules that holds all policies.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use portcullis_conformance::wasm::{Chain, Modules, Wasm};

mod common;

#[test]
fn gateway() {
    every_case("gateway", Chain::Gateway);
}

#[test]
fn chain() {
    every_case("chain", Chain::Four);
}

fn every_case(engine: &str, chain: Chain) {
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    common::every_case(engine, |setup| {
        Ok(Box::new(Wasm::new(&modules, chain, setup)?))
    });
}
