//! How long contexts, configurations and workers live.

use std::time::Duration;

use crate::probe;
use portcullis_host_test::{FailurePolicy, Module, Plugin, Proxy, Request, Response, World};

/// facts/envoy-wasm.md: "If `on_configure` fails on a worker after the canary succeeded, the filter is skipped".
#[test]
fn a_worker_that_refuses_goes_without_the_filter() {
    // Shared data tells the guest how often it was configured: canary, main thread, then the worker, which traps.
    let script =
        "configure: sd_get n; sd_set n 1 0\nconfigure#2: quiet\nrequest_headers: reply 403 no";
    let world = World::new();
    let proxy = Proxy::single(&world, probe(script)).unwrap();
    assert_eq!(
        proxy
            .run(&Request::get("/"), Response::new(200))
            .client
            .status(),
        Some(403)
    );

    // A guest that refuses wherever data of the canary is found.
    let refusing = Module::from_bytes(
        br#"(module
            (import "env" "proxy_get_shared_data" (func $get (param i32 i32 i32 i32 i32) (result i32)))
            (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "k")
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "malloc") (param i32) (result i32) i32.const 1024)
            (func (export "proxy_on_configure") (param i32 i32) (result i32)
                (local $found i32)
                (local.set $found (i32.eqz (call $get (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 12) (i32.const 16))))
                (drop (call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0)))
                (i32.eqz (local.get $found)))
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable))"#,
    )
    .unwrap();
    let world = World::new();
    let proxy = Proxy::single(&world, Plugin::new(&refusing).name("refusing")).unwrap();
    let outcome = proxy.run(&Request::get("/"), Response::new(200));
    assert_eq!(
        outcome.client.status(),
        Some(200),
        "fail open, whatever the policy"
    );
    assert!(outcome.callbacks.is_empty());
    assert!(
        world.log_text().contains("critical left out on worker 0"),
        "{}",
        world.log_text()
    );
}

#[test]
fn a_new_configuration_is_for_new_streams() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("response_headers: add 2 x old\ndone: quiet")).unwrap();
    let old = proxy.exchange(0);
    old.request_headers([(":method", "GET"), (":path", "/")], true);
    assert!(
        proxy.update(0, probe("configure: return 0")).is_err(),
        "what the canary refuses changes nothing"
    );
    proxy
        .update(0, probe("response_headers: add 2 x new"))
        .unwrap();
    let new = proxy.run(&Request::get("/"), Response::new(200));
    assert_eq!(new.client.header("x").unwrap(), "new");
    old.response_headers([(":status", "200")], true);
    assert_eq!(
        old.client().header("x").unwrap(),
        "old",
        "a running stream is not cut"
    );
}

#[test]
fn a_root_context_is_done_when_the_last_stream_lets_go() {
    let world = World::new();
    let proxy = Proxy::new(
        &world,
        1,
        [probe(
            "done: time\ndelete: time\nconfigure: tick 1000\ntick: time",
        )],
    )
    .unwrap();
    let old = proxy.exchange(0);
    old.request_headers([(":method", "GET"), (":path", "/")], true);
    proxy.update(0, probe("request_headers: quiet")).unwrap();
    let log = || {
        world
            .logs()
            .iter()
            .filter(|line| line.message.contains("1 done()"))
            .count()
    };
    assert_eq!(log(), 1, "the main thread's is done at once");
    old.response_headers([(":status", "200")], true);
    drop(old);
    assert_eq!(log(), 2, "the worker's when its last stream is gone");
    let before = world.logs().len();
    world.advance(Duration::from_secs(5));
    assert_eq!(world.logs().len(), before, "its timer has stopped");
}

#[test]
fn a_root_context_may_ask_to_wait_for_its_end() {
    let world = World::new();
    let waiting = "configure: tick 1000\ndone: return 0\ntick: done\ndelete: log_level";
    let proxy = Proxy::single(&world, probe(waiting)).unwrap();
    proxy.update(0, probe("request_headers: quiet")).unwrap();
    let deleted = || world.log_text().matches("1 delete()").count();
    assert_eq!(deleted(), 0);
    world.advance(Duration::from_secs(3));
    assert_eq!(
        deleted(),
        2,
        "on the main thread and on the worker, each once"
    );
}

/// facts/envoy-wasm.md: "the worker serves again after about 1 s (`reload_config.backoff.base_interval` is the knob)".
#[test]
fn a_reload_waits_for_the_back_off() {
    let world = World::new();
    let plugin = probe("request_body: trap").failure_policy(FailurePolicy::Reload);
    let proxy = Proxy::new(&world, 2, [plugin]).unwrap();
    let get = |worker| {
        proxy
            .run_on(worker, &Request::get("/"), Response::new(200))
            .client
            .status()
    };
    world.advance(Duration::from_secs(2));
    let crash = || {
        proxy
            .run(&Request::post("/", "x"), Response::new(200))
            .client
            .status()
    };
    assert_eq!(crash(), Some(503));
    assert_eq!(get(1), Some(200), "other workers have their own VM");
    // The back-off counts from the last start, which was long ago.
    assert_eq!(get(0), Some(200));
    assert_eq!(crash(), Some(503));
    assert_eq!(get(0), Some(503));
    world.advance(Duration::from_millis(999));
    assert_eq!(get(0), Some(503));
    world.advance(Duration::from_millis(1));
    assert_eq!(get(0), Some(200));
}
