//! Modules as other SDKs, languages and versions of the ABI make them: what loads here loads in Envoy, and what does not, does not.
//! Each is the least that shows the point, in text form. With `ENVOY=path` the real Envoy is asked, too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::literal_string_with_formatting_args
)]

use std::path::Path;
use std::process::Command;

use portcullis_host_test::{Module, Plugin, Proxy, Request, Response, World};
use serde_json::json;

const MEMORY: &str = r#"(memory (export "memory") 2)"#;
const MALLOC: &str = r#"(func (export "malloc") (param i32) (result i32) i32.const 1024)"#;
const ALLOCATE: &str =
    r#"(func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 1024)"#;

fn version(of: &str) -> String {
    format!(r#"(func (export "proxy_abi_version_{of}"))"#)
}

fn import(name: &str, ty: &str) -> String {
    format!(r#"(import "env" "{name}" (func {ty}))"#)
}

/// A module, and whether a host takes it.
struct Shape {
    name: &'static str,
    loads: bool,
    text: String,
}

fn shape(name: &'static str, loads: bool, parts: &[&str]) -> Shape {
    Shape {
        name,
        loads,
        text: format!("(module {})", parts.concat()),
    }
}

fn shapes() -> Vec<Shape> {
    let (v010, v020, v021) = (version("0_1_0"), version("0_2_0"), version("0_2_1"));
    let resume = import("proxy_continue_stream", "(param i32) (result i32)");
    let resume_010 = import("proxy_continue_request", "(result i32)");
    let route_010 = import("proxy_clear_route_cache", "(result i32)");
    let configuration_010 = import("proxy_get_configuration", "(param i32 i32) (result i32)");
    let log_level = import("proxy_get_log_level", "(param i32) (result i32)");
    let growth = import("emscripten_notify_memory_growth", "(param i32)");
    let set_map = import(
        "proxy_set_header_map_pairs",
        "(param i32 i32 i32) (result i32)",
    );
    // What AssemblyScript's runtime asks for when something goes wrong; its proxy-runtime has it replaced.
    let abort = import("abort", "(param i32 i32 i32 i32)");
    // What TinyGo's WASI target imports besides.
    let tinygo = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_sizes_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))"#;
    let old_wasi =
        r#"(import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let start = r#"(func (export "_start"))"#;
    let initialize = r#"(func (export "_initialize"))"#;
    let void_main = r#"(func (export "main") (param i32 i32) (result i32) (i32.const 0))"#;
    vec![
        shape(
            "0.1.0",
            true,
            &[
                &resume_010,
                &route_010,
                &configuration_010,
                &v010,
                MEMORY,
                MALLOC,
            ],
        ),
        shape("0.2.0", true, &[&resume, &v020, MEMORY, MALLOC]),
        shape("0.2.1", true, &[&resume, &log_level, &v021, MEMORY, MALLOC]),
        shape(
            "0.1.0 with what came later",
            false,
            &[&resume, &v010, MEMORY, MALLOC],
        ),
        shape(
            "0.2.0 with what came later",
            false,
            &[&log_level, &v020, MEMORY, MALLOC],
        ),
        shape(
            "0.2.1 with what is gone",
            false,
            &[&resume_010, &v021, MEMORY, MALLOC],
        ),
        shape(
            "two versions, the older first",
            true,
            &[&resume_010, &v010, &v021, MEMORY, MALLOC],
        ),
        shape(
            "two versions, the newer first",
            false,
            &[&resume_010, &v021, &v010, MEMORY, MALLOC],
        ),
        shape(
            "a version that does not exist",
            false,
            &[&version("0_3_0"), MEMORY, MALLOC],
        ),
        shape("no version", false, &[MEMORY, MALLOC]),
        shape("proxy_on_memory_allocate", true, &[&v021, MEMORY, ALLOCATE]),
        shape("no allocator", false, &[&v021, MEMORY]),
        shape("a command", true, &[&v021, MEMORY, MALLOC, start]),
        shape(
            "a reactor",
            true,
            &[&v021, MEMORY, ALLOCATE, initialize, void_main],
        ),
        shape(
            "Emscripten's",
            true,
            &[&growth, old_wasi, &set_map, &v020, MEMORY, MALLOC, start],
        ),
        shape(
            "TinyGo's",
            true,
            &[tinygo, &v020, MEMORY, MALLOC, ALLOCATE, start],
        ),
        shape(
            "AssemblyScript's without its proxy-runtime",
            false,
            &[&abort, &v020, MEMORY, MALLOC],
        ),
        shape(
            "a module that traps at its start",
            false,
            &[
                &v021,
                MEMORY,
                MALLOC,
                r#"(func (export "_initialize") unreachable)"#,
            ],
        ),
    ]
}

#[test]
fn what_loads_here() {
    for Shape { name, loads, text } in shapes() {
        let module =
            Module::from_bytes(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let world = World::new();
        let proxy = Proxy::single(&world, Plugin::new(&module).name("other"));
        assert_eq!(proxy.is_ok(), loads, "{name}: {:?}", proxy.err());
        let Ok(proxy) = proxy else { continue };
        // None of them has a callback: traffic passes.
        let outcome = proxy.run(
            &Request::post("/", "body"),
            Response::new(200).body("answer"),
        );
        assert_eq!(outcome.client.text(), "answer", "{name}");
        assert_eq!(outcome.upstream.text(), "body", "{name}");
    }
}

#[test]
fn what_loads_in_envoy() {
    let Ok(binary) = std::env::var("ENVOY") else {
        eprintln!("ENVOY is not set: not compared with the real Envoy");
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other-modules");
    std::fs::create_dir_all(&folder).unwrap();
    for (index, Shape { name, loads, text }) in shapes().into_iter().enumerate() {
        let module = Module::from_bytes(text.as_bytes()).unwrap();
        let wasm = folder.join(format!("{index}.wasm"));
        std::fs::write(&wasm, module.bytes()).unwrap();
        let bootstrap = folder.join(format!("{index}.json"));
        std::fs::write(&bootstrap, bootstrap_with(&wasm).to_string()).unwrap();
        let output = Command::new(&binary)
            .args(["--mode", "validate", "--use-dynamic-base-id", "-c"])
            .arg(&bootstrap)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), loads, "{name}: {log}");
    }
}

/// The least configuration with a wasm filter.
fn bootstrap_with(wasm: &Path) -> serde_json::Value {
    let api = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.{name}");
    json!({ "static_resources": { "listeners": [{
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [{ "name": "http", "typed_config": {
            "@type": api("network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "http",
            "route_config": {},
            "http_filters": [
                { "name": "other", "typed_config": { "@type": api("http.wasm.v3.Wasm"), "config": {
                    "name": "other",
                    "vm_config": {
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": { "local": { "filename": wasm } },
                    },
                } } },
                { "name": "router", "typed_config": { "@type": api("http.router.v3.Router") } },
            ],
        } }] }],
    }] } })
}

/// An older module's callbacks get as many arguments as they take, and its own names for resuming a stream work.
#[test]
fn a_module_of_0_1_0_pauses_and_goes_on() {
    let text = format!(
        r#"(module
            (import "env" "proxy_continue_request" (func $continue (result i32)))
            (import "env" "proxy_get_configuration" (func $configuration (param i32 i32) (result i32)))
            (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
            (import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
            (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
            (global $stream (mut i32) (i32.const 0))
            {} {MEMORY} {MALLOC}
            (func (export "proxy_on_configure") (param i32 i32) (result i32)
                (drop (call $configuration (i32.const 0) (i32.const 4)))
                (drop (call $log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4))))
                (drop (call $tick (i32.const 100)))
                (i32.const 1))
            (func (export "proxy_on_request_headers") (param i32 i32) (result i32)
                (global.set $stream (local.get 0))
                (i32.const 1))
            (func (export "proxy_on_tick") (param i32)
                (if (global.get $stream) (then
                    (drop (call $effective (global.get $stream)))
                    (drop (call $continue))))))"#,
        version("0_1_0")
    );
    let module = Module::from_bytes(text.as_bytes()).unwrap();
    let world = World::new();
    let plugin = Plugin::new(&module).name("old").configuration("of old");
    let proxy = Proxy::single(&world, plugin).unwrap();
    assert!(world.log_text().contains("of old"), "{}", world.log_text());
    let exchange = proxy.exchange(0);
    let headers = [(":method", "GET"), (":path", "/"), (":authority", "a")];
    exchange.request_headers(headers, true);
    assert!(!exchange.upstream().started(), "paused");
    world.advance(std::time::Duration::from_millis(150));
    assert!(
        exchange.upstream().complete(),
        "resumed by its own function"
    );
}
