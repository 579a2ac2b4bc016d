//! Ten thousand keys in the real Envoy.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use portcullis_envoy_test::http1::Request;

use crate::common::{Variant, World, messages};

#[test]
fn the_last_of_ten_thousand_keys_opens() {
    let variant = Variant::held("local");
    let start = |keys: usize| {
        let mut world = World::with_policy(variant, |policy| {
            let list = policy["auth"]["keys"].as_array_mut().unwrap();
            for n in 0..keys {
                let mut digest = String::new();
                for byte in Sha256::digest(format!("sk-{n}")) {
                    write!(digest, "{byte:02x}").unwrap();
                }
                list.push(json!({
                    "id": format!("key-{n}"), "sha256": digest, "user": format!("user-{n}@company.com"), "team": "eng-team",
                    "not_before": "2026-01-01T00:00:00Z", "expires_at": "2126-01-01T00:00:00Z",
                }));
            }
        });
        assert_eq!(world.send(&messages("hi")).status, 200);
        for (n, status) in [(keys - 1, 200), (keys, 401)] {
            let of_last = Request::get("/v1/models").header("x-api-key", format!("sk-{n}"));
            assert_eq!(world.send(&of_last).status, status, "key {n} of {keys}");
        }
        let ready = world.envoy.ready_after();
        world.envoy.stop().unwrap();
        ready
    };
    let (few, many) = (start(10), start(10_000));
    // Told, not held against anything: the gate on what reading them costs is in the conformance tests, where other load does not count.
    println!("ready with ten keys after {few:?}, with ten thousand after {many:?}");
}
