//! The gate of the modules' sizes, recorded in `host-test/sizes.md`: Envoy compiles all of what it loads, so that each byte costs memory (24 bytes of it)
//! and time until the proxy is ready, and bytes come unseen, with each type that is sorted or printed.

#![allow(clippy::panic, reason = "tests")]

use portcullis_conformance::golden;
use portcullis_envoy_test::Checkout;
use wasmparser::{Parser, Payload};

/// A module may grow by so much before somebody has to look at it and bless it.
const GROWTH_MAX_PERCENT: u64 = 3;

/// Most bytes of one function. Envoy compiles all of a module when it starts, the largest functions first and one in each thread, and keeps the memory
/// that took: 400 bytes for each of theirs. So what runs once (reading a policy, beginning a chain of records) stays functions of its own, by
/// `#[inline(never)]` where it has one caller.
const FUNCTION_BYTES_MAX: usize = 12 * 1024;

/// The modules.
const MODULES: [&str; 5] = ["gateway", "auth", "rate-limit", "dlp", "audit"];

const FILE: &str = "sizes.md";

const HEAD: &str = "# Sizes

Bytes of the modules. `cargo test -p portcullis-conformance --test sizes` fails when one grows by more than 3 %, `cargo xtask bless` records
what is found.

| module | bytes |
|---|---:|
";

fn module(name: &str) -> Vec<u8> {
    let folder = Checkout::find()
        .unwrap_or_else(|error| panic!("{error:#}"))
        .plugins();
    let file = folder.join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| {
        panic!("{}: {error}; run `cargo xtask build` first", file.display())
    })
}

#[test]
fn no_module_grows_unseen() {
    let size = |name: &str| (name.to_owned(), module(name).len() as u64);
    let figures: Vec<_> = MODULES.map(size).into();
    golden::not_grown(FILE, HEAD, &figures, GROWTH_MAX_PERCENT)
        .unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn no_function_is_so_large_that_compiling_it_takes_the_memory_of_all_others() {
    for name in MODULES {
        let bytes = module(name);
        let bodies = Parser::new(0).parse_all(&bytes).filter_map(|payload| {
            let payload = payload.unwrap_or_else(|error| panic!("{name}: {error}"));
            let Payload::CodeSectionEntry(body) = payload else {
                return None;
            };
            Some(body.range().len())
        });
        let largest = bodies
            .max()
            .unwrap_or_else(|| panic!("{name} has no functions"));
        assert!(
            largest <= FUNCTION_BYTES_MAX,
            "{name}: a function has {largest} bytes; `twiggy top` or `wasm-opt --func-metrics` tells which (build with `strip = false`)"
        );
    }
}
