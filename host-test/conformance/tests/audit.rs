//! The chain of records and their delivery in wasmtime, where VMs go and come.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_conformance::case::Request;
use portcullis_conformance::clusters::{Reaction, Scripts};
use portcullis_conformance::engine::{Engine, Setup};
use portcullis_conformance::load::Suite;
use portcullis_conformance::resolve;
use portcullis_conformance::wasm::{Chain, Modules, Wasm};
use serde_json::{Value, json};

fn setup(service: &str) -> Setup {
    Setup {
        policy: json!({ "version": 1, "audit": { "service": service, "sink": { "cluster": "collector", "batch": 100, "flush": "30s" } } }),
        hold: false,
        env: BTreeMap::new(),
    }
}

fn script(status: u16) -> Scripts {
    BTreeMap::from([("collector".to_owned(), vec![Reaction::Status(status)])])
}

struct World {
    modules: Modules,
    chain: Chain,
    wasm: Wasm,
    suite: Suite,
}

impl World {
    fn new(chain: Chain) -> Self {
        let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
        let mut wasm = Wasm::new(&modules, chain, &setup("first")).unwrap();
        wasm.script(&script(200)).unwrap();
        Self {
            modules,
            chain,
            wasm,
            suite: Suite::load().unwrap(),
        }
    }

    fn request(&mut self) -> Vec<Value> {
        let request = Request::default();
        let call = resolve::call(&request, &self.suite.people).unwrap();
        let reply = resolve::reply(&Default::default(), &call).unwrap();
        let seen = self.wasm.exchange(&call, &reply).unwrap();
        seen.records
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn reload(&self, service: &str) {
        self.wasm
            .reload(&self.modules, self.chain, &setup(service))
            .unwrap();
    }

    fn bodies(&mut self) -> Vec<String> {
        let calls = self.wasm.calls().into_iter();
        calls
            .map(|call| String::from_utf8(call.body).unwrap())
            .collect()
    }
}

fn flush_before_a_vm_goes(chain: Chain) {
    let mut world = World::new(chain);
    let first = world.request();
    assert!(world.bodies().is_empty(), "the batch is not due");
    world.reload("second");
    world.wasm.advance(Duration::from_millis(1)).unwrap();
    let bodies = world.bodies();
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].contains("api_request"));

    // What follows is the next chain, which names the one before it and what changed.
    let second = world.request();
    assert_eq!(second[0]["event_type"], "config_change");
    assert_eq!(second[0]["policy"]["changed"], json!(["audit"]));
    let last = &first[first.len() - 1]["chain"];
    assert_eq!(
        second[0]["follows"],
        json!({ "id": last["id"], "seq": last["seq"], "delivered": 2 })
    );
    assert_eq!(second[0]["chain"]["prev"], last["mac"]);
    world.wasm.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(world.wasm.world().misuses(), [""; 0]);
}

#[test]
fn gateway_flushes_before_it_goes() {
    flush_before_a_vm_goes(Chain::Gateway);
}

#[test]
fn audit_flushes_before_it_goes() {
    flush_before_a_vm_goes(Chain::Single("audit"));
}

#[test]
fn a_vm_does_not_wait_for_ever_for_a_collector_that_is_away() {
    let mut world = World::new(Chain::Gateway);
    world.wasm.script(&script(503)).unwrap();
    let first = world.request();
    world.reload("second");
    world.wasm.advance(Duration::from_secs(9)).unwrap();
    assert!(world.bodies().len() > 2, "it tries again meanwhile");
    world.wasm.advance(Duration::from_secs(3)).unwrap();
    world.bodies();
    world.wasm.advance(Duration::from_secs(60)).unwrap();
    assert!(world.bodies().is_empty(), "it is gone");
    // Its successor says what the collector has not.
    let follows = world.request()[0]["follows"].clone();
    assert_eq!(
        (&follows["id"], &follows["delivered"]),
        (&first[0]["chain"]["id"], &json!(0))
    );
    assert_eq!(world.wasm.world().misuses(), [""; 0]);
}
