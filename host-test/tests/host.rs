//! What this host offers beside Envoy's behaviour: worlds, faults, counting, transcripts, and what it says of modules that
//! Envoy would not load. What Envoy does is in `facts/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use common::guest;
use expect_test::expect;
use portcullis_host_test::{
    Callout, FailurePolicy, GrpcStep, LogLevel, Module, Piece, Plugin, Proxy, Request, Response,
    SharedData, Status, Upstream, World,
};

fn probe(script: &str) -> Plugin {
    Plugin::new(&guest("probe"))
        .name("probe")
        .configuration(script)
}

fn run(world: &World, script: &str) -> portcullis_host_test::Outcome {
    Proxy::single(world, probe(script))
        .unwrap()
        .run(&Request::get("/"), Response::new(200))
}

/// A module in text form with the least that Envoy wants, and `more`.
fn module(more: &str) -> Module {
    let text = format!(
        r#"(module {more}
            (memory (export "memory") 1)
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "malloc") (param i32) (result i32) i32.const 1024))"#
    );
    Module::from_bytes(text.as_bytes()).unwrap()
}

fn refusal(module: &Module) -> String {
    format!(
        "{:#}",
        Proxy::single(&World::new(), Plugin::new(module).name("odd"))
            .err()
            .expect("refused")
    )
}

#[test]
fn a_module_that_imports_what_envoy_has_not_does_not_load() {
    let odd = module(r#"(import "env" "proxy_fly" (func))"#);
    assert_eq!(
        refusal(&odd),
        "plugin \"odd\": missing import: env.proxy_fly is nothing that Envoy offers"
    );
    let odd = module(r#"(import "env" "proxy_log" (func (param i32)))"#);
    assert!(refusal(&odd).contains("proxy_log"), "{}", refusal(&odd));
    // WASI has seven parameters here, Envoy six.
    let odd = module(
        r#"(import "wasi_snapshot_preview1" "path_link"
            (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))"#,
    );
    assert!(refusal(&odd).contains("path_link"), "{}", refusal(&odd));
}

#[test]
fn a_module_without_abi_version_allocator_or_memory_does_not_load() {
    let text = |text: &str| Module::from_bytes(text.as_bytes()).unwrap();
    let odd = text("(module)");
    assert!(
        refusal(&odd).contains("missing or unknown Proxy-Wasm ABI version"),
        "{}",
        refusal(&odd)
    );
    let odd =
        text(r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))"#);
    assert!(refusal(&odd).contains("malloc"), "{}", refusal(&odd));
    let odd = text(r#"(module (func (export "proxy_abi_version_0_2_1")))"#);
    assert!(refusal(&odd).contains("memory"), "{}", refusal(&odd));
}

/// facts/envoy-wasm.md: "runs `_initialize` then `main`, else `_start`"; without the SDK's exports nothing else is needed.
#[test]
fn reactors_and_commands_start() {
    let log = r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (data (i32.const 0) "\10\00\00\00\01\00\00\00")
        (data (i32.const 16) "imsx")
        (func $say (param i32) (i32.store (i32.const 0) (local.get 0)) (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"#;
    let initialize = r#"(func (export "_initialize") (call $say (i32.const 16)))"#;
    let main = r#"(func (export "main") (param i32 i32) (result i32) (call $say (i32.const 17)) (i32.const 0))"#;
    let start = r#"(func (export "_start") (call $say (i32.const 18)))"#;
    for (exports, said) in [
        (format!("{initialize} {main} {start}"), "im"),
        (format!("{main} {start}"), "s"),
        (initialize.to_owned(), "i"),
        (main.to_owned(), ""),
    ] {
        let world = World::new();
        Proxy::single(&world, Plugin::new(&module(&format!("{log} {exports}")))).unwrap();
        // The base VM, the canary, the main thread's and the worker's each start.
        let expected: String = said
            .repeat(4)
            .chars()
            .map(|c| format!("info {c}\n"))
            .collect();
        assert_eq!(world.log_text(), expected);
    }
}

/// facts/envoy-wasm.md: "during `_initialize` only logging, environment, time and random work".
#[test]
fn most_host_functions_trap_during_start() {
    let odd = module(
        r#"(import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
           (func (export "_initialize") (drop (call $tick (i32.const 1))))"#,
    );
    let world = World::new();
    assert!(Proxy::single(&world, Plugin::new(&odd)).is_err());
    assert!(
        world.log_text().contains("restricted_callback"),
        "{}",
        world.log_text()
    );
}

#[test]
fn the_contract_of_a_module_is_text() {
    let odd = module(r#"(import "env" "proxy_done" (func (result i32)))"#);
    expect![[r#"
        imports
          env.proxy_done () -> (i32)
        exports
          malloc (i32) -> (i32)
          memory memory
          proxy_abi_version_0_2_1 () -> ()
    "#]]
    .assert_eq(&odd.contract().unwrap());
}

#[test]
fn a_transcript_tells_the_story() {
    let world = World::new();
    let proxy = Proxy::single(
        &world,
        probe("request_headers: add 0 x 1; get 0 x\nresponse_body: set_body 1 99 0 !"),
    )
    .unwrap();
    let story = world.transcript_of(|| {
        let request = Request::post("/", "hello");
        proxy.run(
            &request,
            Response::new(200)
                .body("world")
                .pause(Duration::from_millis(5)),
        );
    });
    expect![[r#"
        > client #1 headers
        >   :method: POST
        >   :path: /
        >   :authority: localhost
        >   :scheme: http
          probe #1 [worker 0] on_context_create(1)
          probe #1 [worker 0] on_request_headers(4, 0) -> Continue
            | info: 2 request_headers(4,0)
            add_header_map_value request headers x: 1
            | info:   add 0 x 1 -> 0
            | info:   get 0 x -> 0 1
        < upstream #1 headers
        <   :method: POST
        <   :path: /
        <   :authority: localhost
        <   :scheme: http
        <   x: 1
        > client #1 data (end) hello
          probe #1 [worker 0] on_request_body(5, 1) -> Continue
        < upstream #1 data (end) hello
        -- 5 ms
        > upstream #1 headers
        >   :status: 200
          probe #1 [worker 0] on_response_headers(1, 0) -> Continue
        < client #1 headers
        <   :status: 200
        -- 10 ms
        > upstream #1 data (end) world
          probe #1 [worker 0] on_response_body(5, 1) -> Continue
            | info: 2 response_body(5,1)
            set_buffer_bytes 1 99+0 = !
            | info:   set_body 1 99 0 ! -> 0
        < client #1 data (end) world!
          probe #1 [worker 0] on_log()
          probe #1 [worker 0] on_done() -> true
          probe #1 [worker 0] on_delete()
    "#]]
    .assert_eq(&story.render());
    assert_eq!(
        story.render(),
        story.render_all(),
        "reads are recorded only when asked for"
    );
    world.record_reads();
    let story = world.transcript_of(|| drop(proxy.run(&Request::get("/"), Response::new(200))));
    assert!(
        story
            .render_all()
            .contains("get_header_map_value request headers x\n"),
        "{}",
        story.render_all()
    );
    assert!(!story.render().contains("get_header_map_value"));
}

#[test]
fn each_step_says_what_it_let_through() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("request_body#1: pause")).unwrap();
    let exchange = proxy.exchange(0);
    let flow = exchange.request_headers([(":method", "POST"), (":path", "/")], false);
    assert_eq!(flow.to_upstream.len(), 1);
    assert!(exchange.request_data("abc", false).to_upstream.is_empty());
    let flow = exchange.request_data("def", true);
    assert_eq!(flow.to_upstream, [Piece::Data(b"abcdef".to_vec(), true)]);
    let flow = exchange.response_headers([(":status", "204")], true);
    assert_eq!(flow.to_client.len(), 1);
    assert!(exchange.over());
    assert!(exchange.response_data("late", true).to_client.is_empty());
}

#[test]
fn instructions_are_counted_exactly() {
    let spin = |turns: u32| {
        let world = World::new().counting_instructions();
        let outcome = run(&world, &format!("response_headers: spin {turns}"));
        let of = |name: &str| {
            outcome
                .callbacks
                .iter()
                .find(|c| c.name == name)
                .unwrap()
                .instructions
                .unwrap()
        };
        assert_eq!(
            outcome.instructions().unwrap(),
            outcome
                .callbacks
                .iter()
                .map(|c| c.instructions.unwrap())
                .sum::<u64>()
        );
        assert!(world.instructions()["proxy_on_configure"] > 0);
        (of("on_response_headers"), of("on_request_headers"))
    };
    let (little, other) = spin(1000);
    let (much, same) = spin(2000);
    assert_eq!(other, same);
    assert_eq!(
        spin(1000),
        (little, other),
        "the same run takes the same number"
    );
    assert!(
        (5_000..50_000).contains(&(much - little)),
        "{much} - {little}"
    );
    assert_eq!(run(&World::new(), "log: quiet").instructions(), None);
}

#[test]
fn workers_share_data_but_no_memory() {
    let world = World::new();
    let script = "request_headers: sd_get k; sd_set k seen 0; set_prop x 1";
    let proxy = Proxy::new(&world, 2, [probe(script).vm_id("vm")]).unwrap();
    for worker in [0, 1] {
        proxy.run_on(worker, &Request::get("/"), Response::new(200));
    }
    assert_eq!(
        world.shared_data(|data| data.get("vm", "k").unwrap().0.to_vec()),
        b"seen"
    );
    assert!(world.shared_data(|data| data.get("", "k").is_none()));
    let log = world.log_text();
    assert!(
        log.contains("sd_get k -> 1"),
        "the first worker finds nothing: {log}"
    );
    assert!(
        log.contains("sd_get k -> 0 seen"),
        "the second finds it: {log}"
    );
    assert_eq!(
        log.matches("2 request_headers").count(),
        2,
        "each VM counts its own contexts: {log}"
    );
}

#[test]
fn cas_mismatches_to_order() {
    let world = World::new();
    let proxy = Proxy::single(
        &world,
        probe("request_headers: sd_set k 1 0; sd_get k; sd_set k 2 cas; sd_get k"),
    )
    .unwrap();
    let go = || {
        let before = world.logs().len();
        proxy.run(&Request::get("/"), Response::new(200));
        let lines = world.logs();
        lines[before..]
            .iter()
            .map(|line| line.message.trim().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(go().contains("sd_set k 2 cas -> 0\nsd_get k -> 0 2"));
    world.faults(|faults| faults.cas_mismatches = 1);
    assert!(go().contains("sd_set k 2 cas -> 8\nsd_get k -> 0 1"));
    assert!(
        go().contains("sd_set k 2 cas -> 0\nsd_get k -> 0 2"),
        "only one was ordered"
    );
    // Another worker comes in between, for real.
    world.faults(|faults| {
        faults.before_cas = Some(Box::new(|data: &mut SharedData, vm, key| {
            data.set(vm, key, "other", 0).unwrap()
        }));
    });
    assert!(go().contains("sd_set k 2 cas -> 8\nsd_get k -> 0 other"));
    world.faults(|faults| {
        faults.before_cas = None;
        faults.cas_mismatch_permille = 1000;
    });
    assert!(go().contains("sd_set k 2 cas -> 8"));
}

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

#[test]
fn time_is_virtual() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("request_headers: time")).unwrap();
    let times = || {
        proxy.run(&Request::get("/"), Response::new(200));
        world
            .logs()
            .last()
            .unwrap()
            .message
            .rsplit(' ')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let first = times();
    assert_eq!(first, portcullis_host_test::EPOCH_NS);
    world.advance(Duration::from_secs(3600));
    assert_eq!(times(), first + 3_600_000_000_000);
    world.step_clock(-7_200_000_000_000);
    assert_eq!(times(), first - 3_600_000_000_000);
    assert_eq!(
        world.elapsed(),
        Duration::from_secs(3600),
        "the monotonic clock does not step"
    );
    world.set_time(5);
    assert_eq!(times(), 5);
}

#[test]
fn a_seed_gives_the_same_run() {
    let random = |seed| {
        let world = World::seeded(seed);
        run(&world, "request_headers: random");
        world.log_text()
    };
    assert_eq!(random(1), random(1));
    assert_ne!(random(1), random(2));
}

#[test]
fn environment_of_the_host_may_be_missing() {
    let seen = |order: &dyn Fn(&World)| {
        let world = World::new();
        world.set_env("KEY", "secret");
        order(&world);
        let plugin = probe("configure: env KEY; env OWN")
            .host_env("KEY")
            .host_env("UNSET")
            .env("OWN", "1");
        Proxy::single(&world, plugin).unwrap();
        world.log_text()
    };
    assert!(seen(&|_| {}).contains("env KEY -> Ok(\"secret\")"));
    let without = seen(&|world| {
        world.faults(|faults| faults.missing_environment = true);
    });
    assert!(
        without.contains("env KEY -> Err(NotPresent)") && without.contains("env OWN -> Ok(\"1\")"),
        "{without}"
    );
}

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

#[test]
fn properties_can_be_given() {
    let world = World::new();
    let proxy = Proxy::single(
        &world,
        probe("request_headers: prop source.address; prop a.b; prop xds.cluster_name; prop connection.mtls; prop flag; prop filter_state.other"),
    )
    .unwrap();
    proxy.set_source("10.0.0.7:1234");
    let exchange = proxy.exchange(0);
    exchange.set_property(&["a", "b"], "given");
    exchange.set_property(&["flag"], portcullis_host_test::Property::Bool(true));
    exchange.set_filter_state("other", "of another filter");
    exchange.info(|info| info.cluster_name = "openai".to_owned());
    exchange.request_headers([(":path", "/")], true);
    let log = world.log_text();
    for expected in [
        "source.address -> 0 10.0.0.7:1234",
        "a.b -> 0 given",
        "cluster_name -> 0 openai",
        "mtls -> 0 \\x00",
        "flag -> 0 \\x01",
        "other -> 0 of another filter",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
}

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

#[test]
fn log_levels_are_obeyed() {
    let world = World::new();
    world.set_log_level(LogLevel::Error);
    run(&world, "request_headers: log 2 quiet; log 4 loud");
    assert_eq!(world.log_text(), "error loud\n");
    assert_eq!(world.logs()[0].plugin, "probe");
}

#[test]
fn memory_is_reported() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("request_headers: grow 1000000")).unwrap();
    let before = proxy.memory_bytes(0, 0).unwrap();
    proxy.run(&Request::get("/"), Response::new(200));
    assert!(proxy.memory_bytes(0, 0).unwrap() >= before + 1_000_000 - 65_536);
    assert_eq!(proxy.memory_bytes(1, 0), None);
}

#[test]
fn metrics_can_be_read() {
    let world = World::new();
    run(
        &world,
        "request_headers: metric 0 c; metric_add metric 2; metric 1 g; metric_set metric 7; metric 2 h; metric_set metric 3",
    );
    let metrics = world.metrics();
    assert_eq!(
        (
            metrics.counter("c"),
            metrics.gauge("g"),
            metrics.histogram("h")
        ),
        (2, 7, vec![3])
    );
    assert_eq!(metrics.iter().count(), 3);
}

#[test]
fn queues_are_shared_between_plugins() {
    let world = World::new();
    let proxy = Proxy::new(
        &world,
        1,
        [
            probe("configure: queue q\nqueue_ready: dequeue token; dequeue token")
                .vm_id("reader")
                .name("reader"),
            probe("request_headers: resolve reader q; enqueue token one; enqueue token two")
                .vm_id("writer")
                .name("writer"),
        ],
    )
    .unwrap();
    proxy.run(&Request::get("/"), Response::new(200));
    assert_eq!(world.queue("reader", "q"), Vec::<Vec<u8>>::new());
    let log = world.log_text();
    assert!(
        log.contains("dequeue token -> 0 one") && log.contains("dequeue token -> 0 two"),
        "{log}"
    );
    assert!(
        log.contains("dequeue token -> 7"),
        "told twice, empty the second time: {log}"
    );
}

/// Worlds share nothing: tests run in parallel.
#[test]
fn worlds_are_apart() {
    let worlds: Vec<_> = (0..4)
        .map(|number| {
            std::thread::spawn(move || {
                let world = World::seeded(number);
                run(
                    &world,
                    &format!("request_headers: sd_get k; sd_set k {number} 0; sd_get k"),
                );
                world.shared_data(|data| data.get("", "k").unwrap().0.to_vec())
            })
        })
        .collect();
    for (number, world) in worlds.into_iter().enumerate() {
        assert_eq!(world.join().unwrap(), number.to_string().as_bytes());
    }
}

#[test]
fn statuses_have_the_numbers_of_the_abi() {
    let numbers = [
        Status::Ok,
        Status::NotFound,
        Status::BadArgument,
        Status::CasMismatch,
        Status::Unimplemented,
    ];
    assert_eq!(numbers.map(|status| status as u32), [0, 1, 2, 8, 12]);
}
