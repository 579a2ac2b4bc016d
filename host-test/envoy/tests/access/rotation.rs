//! `envoy/rotation`: a key is revoked while everybody works.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_envoy_test::http1::{Request, Response};
use portcullis_envoy_test::{Running, Scenario};
use portcullis_provider::{Provider, Script};
use serde_json::{Value, json};

use crate::common::{
    KEY, Variant, binary, checkout, eventually, messages, messages_with, scenario, streamed_text,
};

/// Within which time a revoked key must have stopped working everywhere.
const WITHIN: Duration = Duration::from_secs(1);

const HTTP_FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";

/// Envoy with the filter from a file in `folder`, as the scenario's README says.
fn start(provider: SocketAddr, folder: &Path) -> Running {
    let files = checkout().root().join("envoy/rotation");
    let filter = std::fs::read_to_string(files.join("filter.yaml")).unwrap();
    let modules = format!("{}/", checkout().plugins().display());
    let filter = filter.replace("target/plugins/", &modules).replace(
        "rpm: 100, tpm: 50000, max_parallel_requests: 10",
        "rpm: 1000000, tpm: 1000000000, max_parallel_requests: 10000",
    );
    std::fs::write(folder.join("filter.yaml"), filter).unwrap();
    let entry = std::fs::read_to_string(files.join("http_filter.yaml")).unwrap();
    let entry = entry.replace("envoy/rotation", &folder.display().to_string());
    let entry: Value = serde_yaml_ng::from_str(&entry).unwrap();
    let mut scenario: Scenario = scenario(Variant::held("local"));
    scenario
        .provider(provider)
        .unwrap()
        .concurrency(2)
        .edit(|bootstrap| {
            let filters = bootstrap
                .pointer_mut(HTTP_FILTERS)
                .unwrap()
                .as_array_mut()
                .unwrap();
            let ours = filters
                .iter_mut()
                .find(|filter| filter["name"] == entry["name"])
                .unwrap();
            *ours = entry;
        });
    scenario.start(binary()).unwrap()
}

fn keys(arguments: &[&str]) {
    let all = ["portcullis", "keys"].iter().chain(arguments);
    assert_eq!(
        format!("{:?}", portcullis_cli::run_with(all)),
        format!("{:?}", ExitCode::SUCCESS)
    );
}

/// A request with the other demo key, whose team may use this model.
fn research(fields: &Value) -> Request {
    let mut body = json!({ "model": "claude-3-opus", "max_tokens": 100, "messages": [{ "role": "user", "content": "hi" }] });
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    Request::post("/v1/messages")
        .header("x-api-key", "sk-demo-research")
        .json(&body)
}

#[test]
fn a_key_is_revoked_under_load_and_nobody_else_notices() {
    let provider = Provider::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut envoy = start(provider.addr(), folder.path());
    let to = envoy.address();
    assert_eq!(messages("hi").send(to).unwrap().status, 200);
    assert_eq!(research(&json!({})).send(to).unwrap().status, 200);

    // Two streams of three seconds: one of a stranger, one that the key which will be revoked began.
    let text =
        "a stream that nobody may cut, however its key ends in the meantime, not even by a moment";
    provider
        .set_script(Script::from_json(&json!({ "text": text, "delta": 1, "delay": 35 })).unwrap());
    let stream = json!({ "stream": true });
    let streams: Vec<_> = [research(&stream), messages_with("hi", &stream)]
        .into_iter()
        .map(|request| {
            let mut exchange = request.open(to).unwrap();
            exchange.read_until("content_block_delta").unwrap();
            exchange
        })
        .collect();
    provider.clear_scripts();

    let (stop, others, failed) = (
        AtomicBool::new(false),
        AtomicU64::new(0),
        Mutex::new(Vec::new()),
    );
    let mut last_good = Duration::ZERO;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    match research(&json!({})).send(to) {
                        Ok(response) if response.status == 200 => {}
                        other => failed.lock().unwrap().push(format!("{other:?}")),
                    }
                    others.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        let file = folder.path().join("filter.yaml");
        keys(&["revoke", file.to_str().unwrap(), "--id", "demo"]);
        // New connections all the time, so that both workers are asked.
        let written = Instant::now();
        while written.elapsed() < WITHIN * 2 {
            let (asked, response) = (written.elapsed(), messages("hi").send(to).unwrap());
            if response.status == 200 {
                last_good = asked;
            } else {
                assert_eq!(reason(&response), "revoked_api_key");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!(
        "a revoked key worked {last_good:?} longer; {} requests of others meanwhile",
        others.load(Ordering::Relaxed)
    );
    assert!(last_good < WITHIN, "{last_good:?}");
    assert_eq!(failed.into_inner().unwrap(), Vec::<String>::new());
    assert!(
        others.load(Ordering::Relaxed) > 50,
        "there was hardly any load"
    );
    for exchange in streams {
        let response = exchange.finish().unwrap();
        assert!(response.complete, "{}", response.text());
        assert_eq!(streamed_text(&response), text);
    }

    // What is wrong is not taken over, and says why.
    let (file, temporary) = (folder.path().join("filter.yaml"), folder.path().join("new"));
    let broken = std::fs::read_to_string(&file)
        .unwrap()
        .replace("rpm: 1000000", "rpm: many");
    std::fs::write(&temporary, broken).unwrap();
    std::fs::rename(&temporary, &file).unwrap();
    eventually("the mistake in the log", Duration::from_secs(5), || {
        envoy
            .log_text()
            .unwrap()
            .contains("limits.user.rpm: expected a positive integer")
    });
    assert_eq!(research(&json!({})).send(to).unwrap().status, 200);
    assert_eq!(reason(&messages("hi").send(to).unwrap()), "revoked_api_key");
    assert_eq!(envoy.stats("vm_reload").unwrap().values().sum::<u64>(), 0);
    envoy.stop().unwrap();
    assert!(!envoy.log_text().unwrap().contains(KEY));
}

fn reason(response: &Response) -> String {
    response.header("x-portcullis-reason").unwrap_or_default()
}
