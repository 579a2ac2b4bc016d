//! The gate of the modules' sizes, recorded in `host-test/sizes.md`: Envoy compiles what it loads, so that each byte costs memory in every VM
//! and time until the proxy is ready, and bytes come unseen, with each type that is sorted or printed.

#![allow(clippy::panic, reason = "tests")]

use portcullis_conformance::golden;
use portcullis_envoy_test::Checkout;

/// A module may grow by so much before somebody has to look at it and bless it.
const GROWTH_MAX_PERCENT: u64 = 3;

const FILE: &str = "sizes.md";

const HEAD: &str = "# Sizes

Bytes of the modules. `cargo test -p portcullis-conformance --test sizes` fails when one grows by more than 3 %, `cargo xtask bless` records
what is found.

| module | bytes |
|---|---:|
";

#[test]
fn no_module_grows_unseen() {
    let folder = Checkout::find()
        .unwrap_or_else(|error| panic!("{error:#}"))
        .plugins();
    let size = |name: &str| {
        let file = folder.join(format!("{name}.wasm"));
        let bytes = std::fs::metadata(&file)
            .unwrap_or_else(|error| {
                panic!("{}: {error}; run `cargo xtask build` first", file.display())
            })
            .len();
        (name.to_owned(), bytes)
    };
    let figures: Vec<_> = ["gateway", "auth", "rate-limit", "dlp", "audit"]
        .map(size)
        .into();
    golden::not_grown(FILE, HEAD, &figures, GROWTH_MAX_PERCENT)
        .unwrap_or_else(|error| panic!("{error:#}"));
}
