//! What plugins, workers and worlds share, and what they do not.

use std::time::Duration;

use crate::{probe, run};
use portcullis_host_test::{Proxy, Request, Response, SharedData, World};

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
fn faults_of_shared_data_to_order() {
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
    world.faults(|faults| {
        faults.cas_mismatch_permille = 0;
        faults.refused.insert("proxy_get_shared_data");
    });
    assert!(go().contains("sd_set k 1 0 -> 0\nsd_get k -> 10"));
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
