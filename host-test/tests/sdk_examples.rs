//! The example plugins of the Rust SDK run in this host as they do in Envoy.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::guest;
use portcullis_host_test::{Callout, Plugin, Proxy, Request, Response, World};

#[test]
fn hello_world() {
    let world = World::new();
    let _proxy = Proxy::single(&world, Plugin::new(&guest("hello_world"))).unwrap();
    assert_eq!(
        world.log_text(),
        "info Hello, World!\n".repeat(3),
        "canary, main thread, worker"
    );
    world.advance(Duration::from_secs(11));
    let lines = world.log_text();
    assert!(
        lines.contains("It's 1767225605 and the number is "),
        "{lines}"
    );
    assert!(
        lines.contains("It's 1767225610 and the number is "),
        "{lines}"
    );
}

#[test]
fn http_auth_random() {
    for (byte, granted) in [(b"\x02", true), (b"\x03", false)] {
        let world = World::new();
        world.cluster("httpbin", move |_| {
            Callout::respond(200)
                .body(byte)
                .after(Duration::from_millis(50))
        });
        let proxy = Proxy::single(&world, Plugin::new(&guest("http_auth_random"))).unwrap();
        let outcome = proxy.run(&Request::get("/"), Response::new(200).body("upstream"));
        assert_eq!(outcome.client.header("powered-by").unwrap(), "proxy-wasm");
        if granted {
            assert_eq!(outcome.client.text(), "upstream");
        } else {
            assert_eq!(outcome.client.status(), Some(403));
            assert_eq!(outcome.client.text(), "Access forbidden.\n");
            assert!(!outcome.upstream.started());
        }
    }
}

#[test]
fn http_body() {
    let world = World::new();
    let proxy = Proxy::single(&world, Plugin::new(&guest("http_body"))).unwrap();
    let response = Response::new(200)
        .header("content-length", "17")
        .chunks(["a sec", "ret ", "message!"]);
    let outcome = proxy.run(&Request::get("/"), response);
    assert_eq!(
        outcome.client.text(),
        "Original message body (17 bytes) redacted.\n"
    );
    assert_eq!(outcome.client.header("content-length"), None);
}

#[test]
fn http_config() {
    let world = World::new();
    let proxy = Proxy::single(
        &world,
        Plugin::new(&guest("http_config")).configuration("from the policy"),
    )
    .unwrap();
    let outcome = proxy.run(&Request::get("/"), Response::new(204));
    assert_eq!(
        outcome.client.header("custom-header").unwrap(),
        "from the policy"
    );
}

#[test]
fn http_headers() {
    let world = World::new();
    let proxy = Proxy::single(&world, Plugin::new(&guest("http_headers"))).unwrap();
    let outcome = proxy.run(&Request::get("/hello"), Response::new(500));
    assert_eq!(outcome.client.status(), Some(200));
    assert_eq!(outcome.client.text(), "Hello, World!\n");
    assert_eq!(outcome.client.header("hello").unwrap(), "World");
    assert!(!outcome.upstream.started());
    let log = world.log_text();
    assert!(log.contains("#2 -> :path: /hello\n"), "{log}");
    assert!(
        log.contains("#2 <- hello: World\n"),
        "the local reply passes the response callbacks: {log}"
    );
    assert!(log.ends_with("#2 completed.\n"), "{log}");

    let outcome = proxy.run(&Request::get("/other"), Response::new(404));
    assert_eq!(outcome.client.status(), Some(404));
    println!("{}", world.transcript().render());
}
