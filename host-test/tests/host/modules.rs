//! What is said of modules that Envoy would not load, and what those that load are made of.

use crate::{module, refusal};
use expect_test::expect;
use portcullis_host_test::{Module, Plugin, Proxy, World};

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
