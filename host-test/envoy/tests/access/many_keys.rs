//! Ten thousand keys in the real Envoy.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::common::{Variant, World, messages};

#[test]
fn ten_thousand_keys_are_there_within_a_second() {
    let variant = Variant {
        scenario: "local",
        hold_headers: true,
    };
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
        let ready = world.envoy.ready_after();
        world.envoy.stop().unwrap();
        ready
    };
    let (few, many) = (start(10), start(10_000));
    println!("ready with ten keys after {few:?}, with ten thousand after {many:?}");
    // The canary and one worker each read all of them.
    assert!(
        many.saturating_sub(few) < Duration::from_secs(2),
        "{few:?} {many:?}"
    );
}
