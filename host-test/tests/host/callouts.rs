//! Calls that a plugin makes: their answers come, late or not at all, as a script says.

use std::time::Duration;

use crate::{probe, run};
use expect_test::expect;
use portcullis_host_test::{Callout, GrpcStep, Proxy, Request, Response, World};

#[test]
fn callouts_fail_and_come_late_to_order() {
    let script = "request_headers: call service :method=GET,:path=/,:authority=a 1000; pause\n\
        http_call: get 6 :status; body 4 0 999; status; effective stream; resume 0";
    let outcome = |order: &dyn Fn(&World), answer: Callout| {
        let world = World::new();
        world.cluster("service", move |_| answer.clone());
        let proxy = Proxy::single(&world, probe(script)).unwrap();
        order(&world);
        let outcome = proxy.run(&Request::get("/"), Response::new(200));
        (
            world.elapsed().as_millis(),
            world.log_text(),
            outcome.upstream.started(),
        )
    };
    let fine = Callout::from(
        Callout::respond(200)
            .body("yes")
            .after(Duration::from_millis(20)),
    );
    let (at, log, passed) = outcome(&|_| {}, fine.clone());
    assert!(
        at == 20 && passed && log.contains("get 6 :status -> 0 200"),
        "{at} {log}"
    );
    let (at, log, _) = outcome(
        &|world| {
            world.faults(|f| f.callout_delay = Duration::from_millis(30));
        },
        fine.clone(),
    );
    assert!(at == 50 && log.contains("200"), "{at} {log}");
    let (_, log, _) = outcome(
        &|world| {
            world.faults(|f| f.callout_failures = 1);
        },
        fine,
    );
    assert!(log.contains("get 6 :status -> 0 503"), "{log}");
    let (at, log, _) = outcome(&|_| {}, Callout::Never);
    assert!(
        at == 1000 && log.contains("get 6 :status -> 0 504"),
        "{at} {log}"
    );
    let (_, log, _) = outcome(
        &|_| {},
        Callout::Reset {
            after: Duration::ZERO,
        },
    );
    assert!(
        log.contains("get 6 :status -> 2") && log.contains("status -> 0 11 reset"),
        "{log}"
    );
    let (_, log, passed) = outcome(&|_| {}, Callout::NoHealthyUpstream);
    assert!(!passed && log.contains(" 1000 -> 10"), "{log}");
}

#[test]
fn calls_are_recorded_with_what_they_sent() {
    let world = World::new();
    world.cluster("sink", |_| Callout::respond(204));
    run(
        &world,
        "log: call sink :method=POST,:path=/v1/logs,:authority=sink,x=1 500 line",
    );
    world.settle();
    let calls = world.callouts();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].cluster, "sink");
    assert_eq!(calls[0].body, b"line");
    assert_eq!(calls[0].headers.text("content-length").unwrap(), "4");
    assert_eq!(calls[0].timeout, Some(Duration::from_millis(500)));
}

#[test]
fn grpc_calls_and_streams() {
    let world = World::new();
    world.grpc_cluster("grpc", |request| {
        let after = Duration::from_millis(10);
        match (request.stream, request.message.as_slice()) {
            (false, b"fail") => vec![(after, GrpcStep::Close(7, "denied".to_owned()))],
            (false, b"hang") => vec![],
            (false, _) => vec![(after, GrpcStep::Message(b"pong".to_vec()))],
            (true, b"") => vec![(after, GrpcStep::InitialMetadata([("m", "1")].into()))],
            (true, _) => vec![
                (after, GrpcStep::Message(b"echo".to_vec())),
                (after, GrpcStep::TrailingMetadata([("t", "2")].into())),
                (after, GrpcStep::Close(0, String::new())),
            ],
        }
    });
    let proxy = Proxy::single(
        &world,
        probe(
            "request_headers: grpc_call grpc ping 100; grpc_call grpc fail 100; grpc_call grpc hang 100; grpc_call none x 1\n\
             response_headers: grpc_stream grpc; grpc_send token hello 0; grpc_send 3 x 0; grpc_send 42 x 0; grpc_close 42; \
               grpc_call grpc gone 100; grpc_cancel token; grpc_cancel token\n\
             grpc_receive: body 5 0 99\ngrpc_close: status\ngrpc_initial_metadata: pairs 4\n\
             grpc_trailing_metadata: pairs 5; pairs 4",
        ),
    )
    .unwrap();
    proxy.run(&Request::get("/"), Response::new(200));
    world.run_until_idle(Duration::from_secs(10));
    let log: Vec<_> = world
        .logs()
        .iter()
        .map(|line| line.message.trim().to_owned())
        .collect();
    expect![[r#"
        2 request_headers(4,1)
        grpc_call grpc ping 100 -> 0
        grpc_call grpc fail 100 -> 0
        grpc_call grpc hang 100 -> 0
        grpc_call none x 1 -> 4
        1 grpc_receive(5,4)
        body 5 0 99 -> 0 pong
        1 grpc_close(9,7)
        status -> 0 7 denied
        1 grpc_close(13,4)
        status -> 0 4 upstream request timeout
        2 response_headers(1,1)
        grpc_stream grpc -> 0
        grpc_send token hello 0 -> 0
        grpc_send 3 x 0 -> 2
        grpc_send 42 x 0 -> 1
        grpc_close 42 -> 1
        grpc_call grpc gone 100 -> 0
        grpc_cancel token -> 0
        grpc_cancel token -> 1
        1 grpc_initial_metadata(6,1)
        pairs 4 -> 0 m=1,
        1 grpc_receive(6,4)
        body 5 0 99 -> 0 echo
        1 grpc_trailing_metadata(6,1)
        pairs 5 -> 0 t=2,
        pairs 4 -> 0 none
        1 grpc_close(6,0)
        status -> 0 0"#]]
    .assert_eq(&log.join("\n"));
}
