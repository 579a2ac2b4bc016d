//! What each module asks of a host and offers to it, recorded in `host-test/contract.txt`: whoever reviews a change there sees whether
//! an older Envoy can still load the module.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use portcullis_conformance::golden;
use portcullis_conformance::wasm::Modules;

#[test]
fn imports_and_exports() {
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    let mut text = String::new();
    for (name, module) in modules.iter() {
        text.push_str(&format!("{name}.wasm\n{}\n", module.contract().unwrap()));
    }
    golden::check("contract.txt", &text).unwrap_or_else(|error| panic!("{error:#}"));
}
