//! What the upstream may do.

use crate::{probe, run};
use portcullis_host_test::{Proxy, Request, Response, Upstream, World};

#[test]
fn the_upstream_may_reset_or_say_nothing() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("log: prop response.code_details")).unwrap();
    let reset = proxy.run(&Request::get("/"), Upstream::Reset(None));
    assert_eq!(reset.client.status(), Some(503));
    let cut = proxy.run(
        &Request::get("/"),
        Upstream::Reset(Some(Response::new(200).body("half"))),
    );
    assert!(cut.client.reset() && cut.client.text() == "half");
    let silent = proxy.run(&Request::get("/"), Upstream::Silence);
    assert!(!silent.client.started() && silent.upstream.reset());
    assert_eq!(silent.details.unwrap(), "downstream_remote_disconnect");
}

#[test]
fn chunked_responses_end_by_themselves() {
    let world = World::new();
    let outcome = run(&world, "response_body: log_level");
    assert_eq!(
        outcome
            .callbacks_of("probe")
            .iter()
            .filter(|name| **name == "on_response_body")
            .count(),
        0
    );
    let proxy = Proxy::single(&world, probe("response_body: body 1 0 9")).unwrap();
    let outcome = proxy.run(
        &Request::get("/"),
        Response::new(200).chunks(["a", "b"]).empty_end(),
    );
    assert_eq!(outcome.client.chunks(), [b"a".as_slice(), b"b", b""]);
    assert!(outcome.client.complete());
    let outcome = proxy.run(
        &Request::get("/"),
        Response::new(200).body("a").trailers([("t", "1")]),
    );
    assert_eq!(outcome.client.trailers().unwrap().text("t").unwrap(), "1");
}
