//! A provider that is out: the next endpoint takes over, and the first one comes back.

use std::net::SocketAddr;
use std::time::Duration;

use portcullis_provider::{Provider, Script};
use serde_json::json;

use crate::common::{PROMPT, binary, eventually, messages};
use crate::{dead_port, scenario, stub};

#[test]
fn nobody_notices_that_the_first_endpoint_is_gone() {
    let (first, second) = (SocketAddr::from(([127, 0, 0, 1], dead_port())), stub());
    let providers = format!("anthropic=http://{first},http://{}", second.addr());
    let envoy = scenario(&["--provider", &providers])
        .start(binary())
        .unwrap();
    for _ in 0..20 {
        assert_eq!(messages(PROMPT).send(envoy.address()).unwrap().status, 200);
    }
    assert_eq!(second.received().len(), 20);
    // It is used again once it answers.
    let first = Provider::start(first).unwrap();
    eventually("the first endpoint", Duration::from_secs(60), || {
        assert_eq!(messages(PROMPT).send(envoy.address()).unwrap().status, 200);
        !first.received().is_empty()
    });
}

/// Errors of a provider reach the client, whose SDK knows what to do, and after a few of them the next endpoint is asked.
#[test]
fn an_endpoint_that_only_fails_is_left_alone() {
    let (first, second) = (stub(), stub());
    first.set_script(Script::from_json(&json!({ "status": 503 })).unwrap());
    let providers = format!("anthropic=http://{},http://{}", first.addr(), second.addr());
    let envoy = scenario(&["--provider", &providers])
        .start(binary())
        .unwrap();
    let mut failed = 0;
    eventually("the second endpoint", Duration::from_secs(10), || {
        let status = messages(PROMPT).send(envoy.address()).unwrap().status;
        failed += usize::from(status == 503);
        status == 200
    });
    assert!((1..=10).contains(&failed), "{failed}");
    assert_eq!(messages(PROMPT).send(envoy.address()).unwrap().status, 200);
}
