//! The providers' own Python SDKs through the real Envoy: the checks are in `python/sdk.py`, one run for each way to run the
//! gateway.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use portcullis_envoy_test::Python;
use serde_json::json;

use crate::common::{Variant, World, checkout};

mod common;

/// Of `sk-demo-slow`.
const SLOW_KEY_SHA256: &str = "0578018624082670f37976a678688afc412bac65bb4b9b8e92c1e00dafeb0e9a";

in_every_variant! {
    both from with_a_denied_source: [both_sdks];
}

fn with_a_denied_source(variant: Variant) -> World {
    World::with_policy(variant, |policy| {
        policy["auth"]["deny_sources"] = json!(["127.0.0.2/32"]);
        let slow = json!({ "id": "slow", "sha256": SLOW_KEY_SHA256, "user": "slow@company.com", "limits": { "rpm": 30, "burst": 1 } });
        policy["auth"]["keys"].as_array_mut().unwrap().push(slow);
        let email =
            json!({ "name": "email", "pattern": r"[a-z]+@corp\.example", "action": "mask" });
        policy["dlp"]["rules"].as_array_mut().unwrap().push(email);
        // What the stub is told to answer is for the answer's rules, not for the request's.
        policy["dlp"]["pass_headers"] = json!(["x-stub-text", "x-stub-tool", "x-stub-reasoning"]);
    })
}

fn both_sdks(world: &World) {
    let python = Python::find_or_install(checkout()).expect("the SDKs");
    let url = format!("http://{}", world.envoy.address());
    let output = python
        .run("sdk.py", &[&url])
        .unwrap_or_else(|error| panic!("{error:#}"));
    assert!(output.lines().count() > 40, "{output}");
}
