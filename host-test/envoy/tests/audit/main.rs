//! `envoy/audit` end to end: a real Envoy with two workers, a collector that speaks OTLP and is away for a while, policies that change
//! meanwhile. What is in the file and at the collector is checked with `portcullis audit verify`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod retention;

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use portcullis_collector::Collector;
use portcullis_envoy_test::http1::Request;
use portcullis_envoy_test::{Running, Scenario};
use portcullis_provider::Provider;
use serde_json::{Value, json};

use common::{PROMPT, WRONG_KEY, binary, chat, checkout, eventually, messages};

const KEY: &str = "audit-key-of-the-test";
const FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";

/// A gateway whose filter comes from a file, so that its policy can change under traffic.
struct World {
    collector: Collector,
    envoy: Running,
    filter: Value,
    filter_file: PathBuf,
    sent: BTreeSet<String>,
    _folder: tempfile::TempDir,
    _provider: Provider,
}

impl World {
    fn start() -> Self {
        let provider = Provider::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let collector = Collector::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let filter_file = folder.path().join("filter.json");
        let mut scenario = Scenario::load(checkout(), "audit").unwrap();
        scenario
            .cluster("openai", provider.addr())
            .and_then(|scenario| scenario.cluster("anthropic", provider.addr()))
            .and_then(|scenario| scenario.cluster("audit-collector", collector.http()))
            .and_then(|scenario| scenario.cluster("audit-collector-grpc", collector.grpc()))
            .and_then(|scenario| {
                scenario.edit_policy(|policy| {
                    policy["limits"]["user"] = json!({ "rpm": 100_000, "tpm": 100_000_000 });
                    policy["audit"]["sink"]["flush"] = "100ms".into();
                })
            })
            .unwrap();
        let mut filter = Value::Null;
        scenario.concurrency(2).edit(|bootstrap| {
            let slot = bootstrap.pointer_mut(FILTERS).unwrap().get_mut(0).unwrap();
            filter = slot.take();
            *slot = json!({ "name": filter["name"], "config_discovery": {
                "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
                "config_source": { "path_config_source": { "path": filter_file, "watched_directory": { "path": folder.path() } } } } });
        });
        write_filter(&filter_file, &filter);
        let envoy = scenario.start(binary()).unwrap();
        Self {
            collector,
            envoy,
            filter,
            filter_file,
            sent: BTreeSet::new(),
            _folder: folder,
            _provider: provider,
        }
    }

    /// Requests on connections of their own, so that both workers get some.
    fn send(&mut self, count: usize) {
        for number in 0..count {
            let request = match number % 3 {
                0 => chat(PROMPT),
                1 => messages(PROMPT),
                _ => Request::post("/v1/chat/completions")
                    .header("authorization", format!("Bearer {WRONG_KEY}"))
                    .json(&json!({ "model": "x", "messages": [] })),
            };
            let response = request.send(self.envoy.address()).unwrap();
            assert_eq!(
                response.status,
                if number % 3 == 2 { 401 } else { 200 },
                "{}",
                response.text()
            );
            self.sent.insert(response.header("x-request-id").unwrap());
        }
    }

    /// Another policy is in force from now on.
    fn change_policy(&mut self, service: &str) {
        let value = "/typed_config/config/configuration/value/audit/service";
        *self.filter.pointer_mut(value).unwrap() = service.into();
        let before = self.envoy.stats("extension_config_discovery").unwrap();
        write_filter(&self.filter_file, &self.filter);
        eventually(
            "the new policy is in force",
            Duration::from_secs(10),
            || {
                let now = self.envoy.stats("extension_config_discovery").unwrap();
                let reloads = |stats: &std::collections::BTreeMap<String, u64>| {
                    stats
                        .iter()
                        .filter(|(name, _)| name.ends_with("config_reload"))
                        .map(|(_, value)| *value)
                        .sum::<u64>()
                };
                reloads(&now) > reloads(&before)
            },
        );
    }

    /// Lines that the module delivered, and those that Envoy's logger did.
    fn delivered(&self) -> (Vec<String>, Vec<String>) {
        let records = self.collector.records();
        let (module, envoy): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|record| !record.event.is_empty());
        let lines = |records: Vec<portcullis_collector::Record>| {
            let bodies = records.into_iter().map(|record| record.body);
            bodies
                .flat_map(|body| body.lines().map(str::to_owned).collect::<Vec<_>>())
                .collect()
        };
        (lines(module), lines(envoy))
    }
}

/// In one step, as Envoy wants it: a new file in the place of the old one.
fn write_filter(file: &Path, filter: &Value) {
    let resource = json!({ "version_info": "1", "resources": [{ "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": filter["name"], "typed_config": filter["typed_config"] }] });
    let new = file.with_extension("new");
    fs::write(&new, resource.to_string()).unwrap();
    fs::rename(&new, file).unwrap();
}

fn request_ids(lines: &[String]) -> BTreeSet<String> {
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .filter_map(|record| record["request_id"].as_str().map(str::to_owned))
        .collect()
}

fn portcullis(arguments: &[&str]) -> Output {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    Command::new(cargo)
        .args(["run", "--quiet", "--package", "portcullis-cli", "--"])
        .args(arguments)
        .current_dir(checkout().root())
        .env("PORTCULLIS_AUDIT_KEY", KEY)
        .output()
        .unwrap()
}

#[track_caller]
fn verify(file: &Path, more: &[&str]) {
    let file = file.to_string_lossy();
    let output = portcullis(&[&["audit", "verify", &file], more].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_request_is_in_the_file_and_at_the_collector() {
    let mut world = World::start();
    world.send(60);
    world.change_policy("second");
    world.send(60);
    world.collector.refuse(Some(503));
    world.send(60);
    world.change_policy("third");
    world.send(60);
    world.collector.refuse(None);
    world.change_policy("fourth");
    world.send(60);
    eventually(
        "all records are at the collector",
        Duration::from_secs(30),
        || {
            let (module, envoy) = world.delivered();
            request_ids(&module).is_superset(&world.sent)
                && request_ids(&envoy).is_superset(&world.sent)
        },
    );
    let (module, envoy) = world.delivered();
    assert_eq!(world.collector.misunderstood(), [""; 0]);
    assert_eq!(
        world
            .envoy
            .stats("audit_dropped")
            .unwrap()
            .values()
            .sum::<u64>(),
        0
    );
    eventually(
        "all records are in the file",
        Duration::from_secs(5),
        || {
            let text = fs::read_to_string(world.envoy.audit_log()).unwrap();
            request_ids(&text.lines().map(str::to_owned).collect::<Vec<_>>())
                .is_superset(&world.sent)
        },
    );

    let folder = tempfile::tempdir().unwrap();
    for (name, lines) in [("module.log", &module), ("envoy.log", &envoy)] {
        let file = folder.path().join(name);
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        verify(&file, &["--collector"]);
    }
    verify(world.envoy.audit_log(), &[]);
    // Each policy is named once when it came into force.
    let text = fs::read_to_string(world.envoy.audit_log()).unwrap();
    assert_eq!(text.matches(r#""event_type":"config_change""#).count(), 4);
    for text in [
        &text,
        &module.concat(),
        &envoy.concat(),
        &world.envoy.log_text().unwrap(),
    ] {
        for planted in [PROMPT, WRONG_KEY, common::KEY, KEY] {
            assert!(!text.contains(planted), "{planted}");
        }
    }
}
