//! A guest that does what its configuration says, call by call, and logs what the host answers. Written against the raw
//! ABI, so that no SDK stands between a test and the host. It runs in Envoy as well.
//!
//! Each line of the configuration is `callback: operation arguments; operation arguments; …`. `callback#2` is the second
//! call of that callback in its context and goes before a line without a number. Arguments are separated by blanks and
//! percent-decoded. Every callback and every operation logs a line.

#![allow(clippy::missing_safety_doc, static_mut_refs)]

mod host;
mod operations;
mod outside;
mod text;
mod wasi;

use std::cell::RefCell;
use std::collections::HashMap;

use host::{Given, proxy_get_buffer_bytes, proxy_log};
use operations::perform;

#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let mut bytes = Vec::<u8>::with_capacity(size.max(1));
    let at = bytes.as_mut_ptr();
    std::mem::forget(bytes);
    at
}

/// Operations by callback.
type Script = HashMap<String, Vec<Vec<String>>>;

#[derive(Default)]
struct State {
    /// What each plugin's configuration says, by its root context.
    scripts: HashMap<u32, Script>,
    /// The root context of each context.
    roots: HashMap<u32, u32>,
    calls: HashMap<(u32, String), u32>,
    last_stream: u32,
    last_cas: u32,
    last_token: u32,
    last_metric: u32,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
}

fn log(text: &str) {
    unsafe { proxy_log(2, text.as_ptr(), text.len()) };
}

fn parse(configuration: &[u8]) -> Script {
    let mut script = Script::new();
    for line in String::from_utf8_lossy(configuration).lines() {
        let Some((callback, operations)) = line.split_once(": ") else {
            continue;
        };
        let operations = operations
            .split(';')
            .map(|operation| {
                operation
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .filter(|operation| !operation.is_empty())
            .collect();
        script.insert(callback.trim().to_owned(), operations);
    }
    script
}

/// Runs the operations for a callback; answers what the callback is to return.
fn run(context: u32, callback: &str, arguments: &str, default: u32) -> u32 {
    let operations = STATE.with_borrow_mut(|state| {
        let count = state
            .calls
            .entry((context, callback.to_owned()))
            .or_default();
        *count += 1;
        let exact = format!("{callback}#{count}");
        let script = state.scripts.get(state.roots.get(&context)?)?;
        script.get(&exact).or_else(|| script.get(callback)).cloned()
    });
    if let Some(operations) = &operations {
        // `quiet` first: the callback itself is not logged.
        if operations
            .first()
            .is_none_or(|operation| operation[0] != "quiet")
        {
            log(&format!("{context} {callback}({arguments})"));
        }
    }
    let mut answer = default;
    for operation in operations.into_iter().flatten() {
        match operation[0].as_str() {
            "pause" => answer = 1,
            "continue" => answer = 0,
            "quiet" => {}
            "return" => answer = operation[1].parse().unwrap(),
            _ => {
                let result = perform(&operation);
                log(&format!("  {} -> {result}", operation.join(" ")));
            }
        }
    }
    answer
}

macro_rules! callbacks {
    ($($export:ident $name:literal ($($argument:ident),*) = $default:literal;)*) => {
        $(#[unsafe(no_mangle)]
        pub extern "C" fn $export(context: u32, $($argument: u32),*) -> u32 {
            let arguments: &[String] = &[$($argument.to_string()),*];
            run(context, $name, &arguments.join(","), $default)
        })*
    };
}

callbacks! {
    proxy_on_vm_start "vm_start" (size) = 1;
    proxy_on_request_headers "request_headers" (count, end) = 0;
    proxy_on_request_body "request_body" (size, end) = 0;
    proxy_on_request_trailers "request_trailers" (count) = 0;
    proxy_on_response_headers "response_headers" (count, end) = 0;
    proxy_on_response_body "response_body" (size, end) = 0;
    proxy_on_response_trailers "response_trailers" (count) = 0;
    proxy_on_done "done" () = 1;
}

macro_rules! silent_callbacks {
    ($($export:ident $name:literal ($($argument:ident),*);)*) => {
        $(#[unsafe(no_mangle)]
        pub extern "C" fn $export(context: u32, $($argument: u32),*) {
            let arguments: &[String] = &[$($argument.to_string()),*];
            run(context, $name, &arguments.join(","), 0);
        })*
    };
}

silent_callbacks! {
    proxy_on_tick "tick" ();
    proxy_on_queue_ready "queue_ready" (token);
    proxy_on_http_call_response "http_call" (token, headers, body, trailers);
    proxy_on_grpc_receive_initial_metadata "grpc_initial_metadata" (token, headers);
    proxy_on_grpc_receive "grpc_receive" (token, size);
    proxy_on_grpc_receive_trailing_metadata "grpc_trailing_metadata" (token, trailers);
    proxy_on_grpc_close "grpc_close" (token, status);
    proxy_on_log "log" ();
    proxy_on_delete "delete" ();
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    let root_of = if root == 0 { context } else { root };
    STATE.with_borrow_mut(|state| state.roots.insert(context, root_of));
    if root != 0 {
        STATE.with_borrow_mut(|state| state.last_stream = context);
    } else {
        // The configuration can be read already, and the script is needed from here on.
        let mut given = Given::none();
        let end = usize::MAX >> 1;
        unsafe { proxy_get_buffer_bytes(7, 0, end, &mut given.at, &mut given.size) };
        let script = parse(&given.take());
        STATE.with_borrow_mut(|state| state.scripts.insert(context, script));
    }
    run(context, "context_create", &root.to_string(), 0);
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(context: u32, size: u32) -> u32 {
    run(context, "configure", &size.to_string(), 1)
}
