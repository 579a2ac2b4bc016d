//! What this host offers beside Envoy's behaviour: worlds, faults, counting, transcripts, and what it says of modules that
//! Envoy would not load. What Envoy does is in `facts/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;

mod callouts;
mod lives;
mod modules;
mod telling;
mod upstream;
mod worlds;

use common::guest;
use portcullis_host_test::{Module, Plugin, Proxy, Request, Response, World};

fn probe(script: &str) -> Plugin {
    Plugin::new(&guest("probe"))
        .name("probe")
        .configuration(script)
}

fn run(world: &World, script: &str) -> portcullis_host_test::Outcome {
    Proxy::single(world, probe(script))
        .unwrap()
        .run(&Request::get("/"), Response::new(200))
}

/// A module in text form with the least that Envoy wants, and `more`.
fn module(more: &str) -> Module {
    let text = format!(
        r#"(module {more}
            (memory (export "memory") 1)
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "malloc") (param i32) (result i32) i32.const 1024))"#
    );
    Module::from_bytes(text.as_bytes()).unwrap()
}

fn refusal(module: &Module) -> String {
    format!(
        "{:#}",
        Proxy::single(&World::new(), Plugin::new(module).name("odd"))
            .err()
            .expect("refused")
    )
}
