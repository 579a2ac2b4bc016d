//! The example plugins of the Rust SDK run in this host as they do in Envoy; with `ENVOY=path` the real one is asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::guest;
use portcullis_envoy_test::{Checkout, EnvoyBinary, Scenario, http1};
use portcullis_host_test::{Callout, Plugin, Proxy, Request, Response, World};
use portcullis_provider::{Provider, Script};

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

/// An example, how it is configured, what is asked of it and what its upstream answers.
struct Trial {
    example: &'static str,
    configuration: &'static str,
    path: &'static str,
    upstream: (u16, &'static [u8]),
    headers: &'static [&'static str],
}

const TRIALS: [Trial; 6] = [
    trial(
        "http_body",
        "",
        "/any",
        (200, b"a secret message!"),
        &["content-length"],
    ),
    trial(
        "http_config",
        "from the policy",
        "/any",
        (200, b"x"),
        &["custom-header"],
    ),
    trial(
        "http_headers",
        "",
        "/hello",
        (500, b"x"),
        &["hello", "powered-by"],
    ),
    trial("http_headers", "", "/other", (404, b"gone"), &["hello"]),
    // The service that decides is the upstream itself here: an even byte grants, an odd one does not.
    trial(
        "http_auth_random",
        "",
        "/any",
        (200, b"\x02"),
        &["powered-by"],
    ),
    trial(
        "http_auth_random",
        "",
        "/any",
        (200, b"\x03"),
        &["powered-by"],
    ),
];

const fn trial(
    example: &'static str,
    configuration: &'static str,
    path: &'static str,
    upstream: (u16, &'static [u8]),
    headers: &'static [&'static str],
) -> Trial {
    Trial {
        example,
        configuration,
        path,
        upstream,
        headers,
    }
}

/// What a client sees of it: status, body, and the headers that the example is about.
type Seen = (u16, Vec<u8>, Vec<Option<String>>);

impl Trial {
    fn in_this_host(&self) -> Seen {
        let world = World::new();
        let (status, body) = self.upstream;
        world.cluster("httpbin", move |_| Callout::respond(status).body(body));
        let plugin = Plugin::new(&guest(self.example)).configuration(self.configuration);
        let proxy = Proxy::single(&world, plugin).unwrap();
        let response = Response::new(status)
            .header("content-length", body.len().to_string())
            .body(body);
        let client = proxy.run(&Request::get(self.path), response).client;
        let headers = self.headers.iter().map(|name| client.header(name));
        (
            client.status().unwrap_or(0),
            client.body(),
            headers.collect(),
        )
    }

    fn in_envoy(&self, checkout: &Checkout, binary: &EnvoyBinary) -> Seen {
        let provider = Provider::start(([127, 0, 0, 1], 0).into()).unwrap();
        let (status, body) = self.upstream;
        provider.set_script(Script {
            status: Some(status),
            body: Some(body.into()),
            ..Script::default()
        });
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-examples");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}.wasm", self.example));
        std::fs::write(&file, guest(self.example).bytes()).unwrap();
        let mut scenario = Scenario::load(checkout, "local").unwrap();
        scenario.only_module(&file).unwrap();
        scenario.policy_text(self.configuration).unwrap();
        scenario.edit(|bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            let mut service = clusters[0].clone();
            service["name"] = "httpbin".into();
            service["load_assignment"]["cluster_name"] = "httpbin".into();
            clusters.as_array_mut().unwrap().push(service);
        });
        scenario.provider(provider.addr()).unwrap();
        let envoy = scenario.start(binary).unwrap();
        let response = http1::Request::get(self.path)
            .send(envoy.address())
            .unwrap();
        let headers = self.headers.iter().map(|name| response.header(name));
        (response.status, response.body.clone(), headers.collect())
    }
}

#[test]
fn a_client_sees_the_same_in_envoy() {
    if std::env::var_os("ENVOY").is_none() {
        eprintln!("ENVOY is not set: not compared with the real Envoy");
        return;
    }
    let checkout = Checkout::find().unwrap();
    let binary = EnvoyBinary::find_or_fetch(&checkout).unwrap();
    for trial in TRIALS {
        let what = format!("{} {} {:?}", trial.example, trial.path, trial.upstream);
        assert_eq!(
            trial.in_this_host(),
            trial.in_envoy(&checkout, &binary),
            "{what}"
        );
    }
}
