//! A guest that does what its configuration says, call by call, and logs what the host answers. Written against the raw
//! ABI, so that no SDK stands between a test and the host. It runs in Envoy as well.
//!
//! Each line of the configuration is `callback: operation arguments; operation arguments; …`. `callback#2` is the second
//! call of that callback in its context and goes before a line without a number. Arguments are separated by blanks and
//! percent-decoded. Every callback and every operation logs a line.

#![allow(clippy::missing_safety_doc, static_mut_refs)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_get_status(code: *mut u32, text: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        at: *mut *mut u8,
        got: *mut usize,
    ) -> u32;
    fn proxy_get_buffer_status(buffer: u32, size: *mut usize, flags: *mut u32) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        bytes: *const u8,
        len: usize,
    ) -> u32;
    fn proxy_get_header_map_size(map: u32, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, at: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_header_map_pairs(map: u32, at: *const u8, size: usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        len: usize,
        at: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        key: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, key: *const u8, len: usize) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc: i32,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        len: usize,
        at: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_register_shared_queue(name: *const u8, len: usize, token: *mut u32) -> u32;
    fn proxy_resolve_shared_queue(
        vm: *const u8,
        vm_len: usize,
        name: *const u8,
        len: usize,
        token: *mut u32,
    ) -> u32;
    fn proxy_enqueue_shared_queue(token: u32, at: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(token: u32, at: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_len: usize,
        headers: *const u8,
        headers_len: usize,
        body: *const u8,
        body_len: usize,
        trailers: *const u8,
        trailers_len: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    fn proxy_grpc_call(
        service: *const u8,
        service_len: usize,
        name: *const u8,
        name_len: usize,
        method: *const u8,
        method_len: usize,
        metadata: *const u8,
        metadata_len: usize,
        message: *const u8,
        message_len: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    fn proxy_grpc_stream(
        service: *const u8,
        service_len: usize,
        name: *const u8,
        name_len: usize,
        method: *const u8,
        method_len: usize,
        metadata: *const u8,
        metadata_len: usize,
        token: *mut u32,
    ) -> u32;
    fn proxy_grpc_send(token: u32, message: *const u8, len: usize, end: u32) -> u32;
    fn proxy_grpc_cancel(token: u32) -> u32;
    fn proxy_grpc_close(token: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, len: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
    fn proxy_get_property(path: *const u8, len: usize, at: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, len: usize, at: *const u8, size: usize) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_len: usize,
        arg: *const u8,
        arg_len: usize,
        at: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_done() -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_fdstat_set_flags(a0: u32, a1: u32) -> u32;
    fn fd_fdstat_set_rights(a0: u32, a1: u64, a2: u64) -> u32;
    fn clock_res_get(a0: u32, a1: u32) -> u32;
    fn fd_advise(a0: u32, a1: u64, a2: u64, a3: u32) -> u32;
    fn fd_allocate(a0: u32, a1: u64, a2: u64) -> u32;
    fn fd_datasync(a0: u32) -> u32;
    fn fd_sync(a0: u32) -> u32;
    fn fd_tell(a0: u32, a1: u32) -> u32;
    fn fd_filestat_get(a0: u32, a1: u32) -> u32;
    fn fd_filestat_set_size(a0: u32, a1: u64) -> u32;
    fn fd_filestat_set_times(a0: u32, a1: u64, a2: u64, a3: u32) -> u32;
    fn fd_pread(a0: u32, a1: u32, a2: u32, a3: u64, a4: u32) -> u32;
    fn fd_pwrite(a0: u32, a1: u32, a2: u32, a3: u64, a4: u32) -> u32;
    fn fd_readdir(a0: u32, a1: u32, a2: u32, a3: u64, a4: u32) -> u32;
    fn fd_renumber(a0: u32, a1: u32) -> u32;
    fn path_create_directory(a0: u32, a1: u32, a2: u32) -> u32;
    fn path_filestat_get(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> u32;
    fn path_filestat_set_times(
        a0: u32,
        a1: u32,
        a2: u32,
        a3: u32,
        a4: u64,
        a5: u64,
        a6: u32,
    ) -> u32;
    fn path_link(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn path_readlink(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn path_remove_directory(a0: u32, a1: u32, a2: u32) -> u32;
    fn path_rename(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn path_symlink(a0: u32, a1: u32, a2: u32, a3: u32) -> u32;
    fn path_unlink_file(a0: u32, a1: u32, a2: u32) -> u32;
    fn poll_oneoff(a0: u32, a1: u32, a2: u32, a3: u32) -> u32;
    fn sched_yield() -> u32;
    fn sock_accept(a0: u32, a1: u32, a2: u32) -> u32;
    fn sock_recv(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn sock_send(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> u32;
    fn sock_shutdown(a0: u32, a1: u32) -> u32;
    fn fd_read(a0: u32, a1: u32, a2: u32, a3: u32) -> u32;
    fn fd_seek(a0: u32, a1: u64, a2: u32, a3: u32) -> u32;
    fn fd_close(a0: u32) -> u32;
    fn fd_fdstat_get(a0: u32, a1: u32) -> u32;
    fn fd_prestat_get(a0: u32, a1: u32) -> u32;
    fn fd_prestat_dir_name(a0: u32, a1: u32, a2: u32) -> u32;
    fn path_open(
        a0: u32,
        a1: u32,
        a2: u32,
        a3: u32,
        a4: u32,
        a5: u64,
        a6: u64,
        a7: u32,
        a8: u32,
    ) -> u32;
    fn args_get(a0: u32, a1: u32) -> u32;
    fn args_sizes_get(a0: u32, a1: u32) -> u32;
    fn clock_time_get(a0: u32, a1: u64, a2: u32) -> u32;
    fn random_get(a0: u32, a1: u32) -> u32;
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let mut bytes = Vec::<u8>::with_capacity(size.max(1));
    let at = bytes.as_mut_ptr();
    std::mem::forget(bytes);
    at
}

/// What the host handed over, at the address and of the size it wrote.
struct Given {
    at: *mut u8,
    size: usize,
}

impl Given {
    fn none() -> Self {
        Self {
            at: std::ptr::null_mut(),
            size: 0,
        }
    }

    fn take(self) -> Vec<u8> {
        if self.at.is_null() {
            return Vec::new();
        }
        // Allocated by `proxy_on_memory_allocate` with at least this capacity.
        unsafe { Vec::from_raw_parts(self.at, self.size, self.size) }
    }
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

fn show(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if (0x20..0x7f).contains(byte) {
            text.push(*byte as char);
        } else {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn unescape(text: &str) -> Vec<u8> {
    if text == "EMPTY" {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' && tail.len() >= 2 {
            let hex = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(byte);
        }
    }
    bytes
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

fn pairs(list: &str) -> Vec<u8> {
    if let Some(count) = list.strip_prefix("many:") {
        let many: Vec<_> = (0..count.parse::<u32>().unwrap())
            .map(|n| format!("h{n}=v"))
            .collect();
        return pairs(&many.join(","));
    }
    let entries: Vec<(Vec<u8>, Vec<u8>)> = list
        .split(',')
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect();
    let mut bytes = (entries.len() as u32).to_le_bytes().to_vec();
    for (name, value) in &entries {
        bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (name, value) in &entries {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

fn show_pairs(bytes: &[u8]) -> String {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    if bytes.is_empty() {
        return "none".to_owned();
    }
    let count = word(0);
    let mut at = 4 + count * 8;
    let mut text = String::new();
    for entry in 0..count {
        let (name, value) = (word(4 + entry * 8), word(8 + entry * 8));
        let _ = write!(
            text,
            "{}={},",
            show(&bytes[at..at + name]),
            show(&bytes[at + name + 1..at + name + 1 + value])
        );
        at += name + value + 2;
    }
    text
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

fn perform(operation: &[String]) -> String {
    let word = |at: usize| operation.get(at).map(String::as_str).unwrap_or_default();
    let text = |at: usize| unescape(word(at));
    let number = |at: usize| -> u32 {
        match word(at) {
            "stream" => STATE.with_borrow(|state| state.last_stream),
            "cas" => STATE.with_borrow(|state| state.last_cas),
            "token" => STATE.with_borrow(|state| state.last_token),
            "metric" => STATE.with_borrow(|state| state.last_metric),
            "max" => u32::MAX,
            other => other.parse().unwrap_or(0),
        }
    };
    let size = |at: usize| number(at) as usize;
    let mut given = Given::none();
    let (mut out, mut wide) = (0_u32, 0_u64);
    let status = |code: u32| code.to_string();
    unsafe {
        match word(0) {
            "log" => status(proxy_log(number(1), word(2).as_ptr(), word(2).len())),
            "log_level" => format!("{} {out}", proxy_get_log_level(&mut out)),
            "status" => {
                let code = proxy_get_status(&mut out, &mut given.at, &mut given.size);
                format!("{code} {out} {}", show(&given.take()))
            }
            "time" => format!("{} {wide}", proxy_get_current_time_nanoseconds(&mut wide)),
            "tick" => status(proxy_set_tick_period_milliseconds(number(1))),
            "body" => {
                let code = proxy_get_buffer_bytes(
                    number(1),
                    size(2),
                    size(3),
                    &mut given.at,
                    &mut given.size,
                );
                format!("{code} {}", show(&given.take()))
            }
            "body_status" => {
                let mut length = 0;
                let code = proxy_get_buffer_status(number(1), &mut length, &mut out);
                format!("{code} {length} {out}")
            }
            "set_body" => {
                let bytes = text(4);
                status(proxy_set_buffer_bytes(
                    number(1),
                    size(2),
                    size(3),
                    bytes.as_ptr(),
                    bytes.len(),
                ))
            }
            "grow_body" => {
                let bytes = vec![b'x'; size(2)];
                status(proxy_set_buffer_bytes(
                    number(1),
                    usize::MAX,
                    0,
                    bytes.as_ptr(),
                    bytes.len(),
                ))
            }
            "size" => {
                let mut length = 0;
                let code = proxy_get_header_map_size(number(1), &mut length);
                format!("{code} {length}")
            }
            "pairs" => {
                let code = proxy_get_header_map_pairs(number(1), &mut given.at, &mut given.size);
                format!("{code} {}", show_pairs(&given.take()))
            }
            "set_pairs" => {
                let bytes = pairs(word(2));
                status(proxy_set_header_map_pairs(
                    number(1),
                    bytes.as_ptr(),
                    bytes.len(),
                ))
            }
            "get" => {
                let key = text(2);
                let code = proxy_get_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                    &mut given.at,
                    &mut given.size,
                );
                format!("{code} {}", show(&given.take()))
            }
            "add" => {
                let (key, value) = (text(2), text(3));
                status(proxy_add_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                    value.as_ptr(),
                    value.len(),
                ))
            }
            "set" => {
                let (key, value) = (text(2), text(3));
                status(proxy_replace_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                    value.as_ptr(),
                    value.len(),
                ))
            }
            "remove" => {
                let key = text(2);
                status(proxy_remove_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                ))
            }
            "resume" => status(proxy_continue_stream(number(1))),
            "close" => status(proxy_close_stream(number(1))),
            "reply" => {
                let (body, headers, details) = (text(2), pairs(word(3)), text(4));
                status(proxy_send_local_response(
                    number(1),
                    details.as_ptr(),
                    details.len(),
                    body.as_ptr(),
                    body.len(),
                    headers.as_ptr(),
                    headers.len(),
                    -1,
                ))
            }
            "sd_get" => {
                let key = text(1);
                let code = proxy_get_shared_data(
                    key.as_ptr(),
                    key.len(),
                    &mut given.at,
                    &mut given.size,
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_cas = out);
                format!("{code} {}", show(&given.take()))
            }
            "sd_set" => {
                let (key, value) = (text(1), text(2));
                status(proxy_set_shared_data(
                    key.as_ptr(),
                    key.len(),
                    value.as_ptr(),
                    value.len(),
                    number(3),
                ))
            }
            "queue" => {
                let name = text(1);
                let code = proxy_register_shared_queue(name.as_ptr(), name.len(), &mut out);
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "resolve" => {
                let (vm, name) = (text(1), text(2));
                let vm = if vm == b"-" { Vec::new() } else { vm };
                let code = proxy_resolve_shared_queue(
                    vm.as_ptr(),
                    vm.len(),
                    name.as_ptr(),
                    name.len(),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "enqueue" => {
                let item = text(2);
                status(proxy_enqueue_shared_queue(
                    number(1),
                    item.as_ptr(),
                    item.len(),
                ))
            }
            "dequeue" => {
                let code = proxy_dequeue_shared_queue(number(1), &mut given.at, &mut given.size);
                format!("{code} {}", show(&given.take()))
            }
            "call" => {
                let (cluster, headers, body) = (text(1), pairs(word(2)), text(4));
                let none = pairs("");
                let code = proxy_http_call(
                    cluster.as_ptr(),
                    cluster.len(),
                    headers.as_ptr(),
                    headers.len(),
                    body.as_ptr(),
                    body.len(),
                    none.as_ptr(),
                    none.len(),
                    number(3),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "grpc_call" => {
                let (service, message, none) = (text(1), text(2), pairs(""));
                let code = proxy_grpc_call(
                    service.as_ptr(),
                    service.len(),
                    b"a.Service".as_ptr(),
                    9,
                    b"Method".as_ptr(),
                    6,
                    none.as_ptr(),
                    none.len(),
                    message.as_ptr(),
                    message.len(),
                    number(3),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "grpc_stream" => {
                let (service, none) = (text(1), pairs(""));
                let code = proxy_grpc_stream(
                    service.as_ptr(),
                    service.len(),
                    b"a.Service".as_ptr(),
                    9,
                    b"Method".as_ptr(),
                    6,
                    none.as_ptr(),
                    none.len(),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "grpc_send" => {
                let message = text(2);
                status(proxy_grpc_send(
                    number(1),
                    message.as_ptr(),
                    message.len(),
                    number(3),
                ))
            }
            "grpc_cancel" => status(proxy_grpc_cancel(number(1))),
            "grpc_close" => status(proxy_grpc_close(number(1))),
            "metric" => {
                let name = text(2);
                let code = proxy_define_metric(number(1), name.as_ptr(), name.len(), &mut out);
                STATE.with_borrow_mut(|state| state.last_metric = out);
                status(code)
            }
            "metric_add" => status(proxy_increment_metric(number(1), word(2).parse().unwrap())),
            "metric_set" => status(proxy_record_metric(number(1), word(2).parse().unwrap())),
            "metric_get" => format!("{} {wide}", proxy_get_metric(number(1), &mut wide)),
            "prop" => {
                let path = word(1).replace('.', "\0");
                let path = unescape(&path);
                let code =
                    proxy_get_property(path.as_ptr(), path.len(), &mut given.at, &mut given.size);
                format!("{code} {}", show(&given.take()))
            }
            "set_prop" => {
                let (path, value) = (text(1), text(2));
                status(proxy_set_property(
                    path.as_ptr(),
                    path.len(),
                    value.as_ptr(),
                    value.len(),
                ))
            }
            "foreign" => {
                let (name, argument) = (text(1), text(2));
                let code = proxy_call_foreign_function(
                    name.as_ptr(),
                    name.len(),
                    argument.as_ptr(),
                    argument.len(),
                    &mut given.at,
                    &mut given.size,
                );
                format!("{code} {}", show(&given.take()))
            }
            "effective" => status(proxy_set_effective_context(number(1))),
            "done" => status(proxy_done()),
            "env" => format!("{:?}", std::env::var(word(1))),
            "random" => {
                let state = std::collections::hash_map::RandomState::new();
                std::hash::BuildHasher::hash_one(&state, 0_u8).to_string()
            }
            "print" => {
                println!("{}", word(1));
                "printed".to_owned()
            }
            "grow" => {
                std::mem::forget(vec![1_u8; size(1)]);
                "grown".to_owned()
            }
            "spin" => (0..number(1))
                .fold(1_u32, |a, b| std::hint::black_box(a.wrapping_mul(3) ^ b))
                .to_string(),
            // Addresses beyond the memory, and lists that overflow: never more than an error of the host.
            "outside" => outside(number(1)),
            "wasi" => wasi(),
            "trap" => std::process::abort(),
            other => panic!("no operation {other}"),
        }
    }
}

/// Calls host functions with an address where nothing is.
unsafe fn outside(address: u32) -> String {
    let at = address as usize as *mut u8;
    let key = b"k";
    unsafe {
        let codes = [
            proxy_log(2, at, 8),
            proxy_get_log_level(at.cast()),
            proxy_get_current_time_nanoseconds(at.cast()),
            proxy_get_buffer_bytes(7, 0, 8, at.cast(), at.cast()),
            proxy_get_buffer_status(7, at.cast(), at.cast()),
            proxy_get_header_map_pairs(0, at.cast(), at.cast()),
            proxy_set_header_map_pairs(0, at, 8),
            proxy_get_header_map_value(0, at, 8, at.cast(), at.cast()),
            proxy_add_header_map_value(0, at, 8, key.as_ptr(), 1),
            proxy_replace_header_map_value(0, key.as_ptr(), 1, at, 8),
            proxy_remove_header_map_value(0, at, 8),
            proxy_send_local_response(200, at, 8, key.as_ptr(), 0, key.as_ptr(), 0, -1),
            proxy_get_shared_data(at, 8, at.cast(), at.cast(), at.cast()),
            proxy_set_shared_data(key.as_ptr(), 1, at, 8, 0),
            proxy_register_shared_queue(at, 8, at.cast()),
            proxy_resolve_shared_queue(at, 8, key.as_ptr(), 1, at.cast()),
            proxy_http_call(at, 8, at, 8, at, 8, at, 8, 0, at.cast()),
            proxy_grpc_call(at, 8, at, 8, at, 8, at, 8, at, 8, 0, at.cast()),
            proxy_grpc_stream(at, 8, at, 8, at, 8, at, 8, at.cast()),
            proxy_define_metric(0, at, 8, at.cast()),
            proxy_get_property(at, 8, at.cast(), at.cast()),
            proxy_set_property(at, 8, at, 8),
            proxy_call_foreign_function(at, 8, at, 8, at.cast(), at.cast()),
            proxy_get_status(at.cast(), at.cast(), at.cast()),
        ];
        codes.map(|code| code.to_string()).join(",")
    }
}

/// Calls the functions of WASI that have no effect in a proxy, on standard output where they take a file.
unsafe fn wasi() -> String {
    let mut place = 0_u64;
    let at = &raw mut place as usize as u32;
    unsafe {
        let answers = [
            ("fd_fdstat_set_flags", fd_fdstat_set_flags(1, 0)),
            ("fd_fdstat_set_rights", fd_fdstat_set_rights(1, 0, 0)),
            ("clock_res_get", clock_res_get(0, 0)),
            ("fd_advise", fd_advise(1, 0, 0, 0)),
            ("fd_allocate", fd_allocate(1, 0, 0)),
            ("fd_datasync", fd_datasync(1)),
            ("fd_sync", fd_sync(1)),
            ("fd_tell", fd_tell(1, 0)),
            ("fd_filestat_get", fd_filestat_get(1, 0)),
            ("fd_filestat_set_size", fd_filestat_set_size(1, 0)),
            ("fd_filestat_set_times", fd_filestat_set_times(1, 0, 0, 0)),
            ("fd_pread", fd_pread(1, 0, 0, 0, 0)),
            ("fd_pwrite", fd_pwrite(1, 0, 0, 0, 0)),
            ("fd_readdir", fd_readdir(1, 0, 0, 0, 0)),
            ("fd_renumber", fd_renumber(1, 0)),
            ("path_create_directory", path_create_directory(0, 0, 0)),
            ("path_filestat_get", path_filestat_get(0, 0, 0, 0, 0)),
            (
                "path_filestat_set_times",
                path_filestat_set_times(0, 0, 0, 0, 0, 0, 0),
            ),
            ("path_link", path_link(0, 0, 0, 0, 0, 0)),
            ("path_readlink", path_readlink(0, 0, 0, 0, 0, 0)),
            ("path_remove_directory", path_remove_directory(0, 0, 0)),
            ("path_rename", path_rename(0, 0, 0, 0, 0, 0)),
            ("path_symlink", path_symlink(0, 0, 0, 0)),
            ("path_unlink_file", path_unlink_file(0, 0, 0)),
            ("poll_oneoff", poll_oneoff(0, 0, 0, 0)),
            ("sched_yield", sched_yield()),
            ("sock_accept", sock_accept(0, 0, 0)),
            ("sock_recv", sock_recv(0, 0, 0, 0, 0, 0)),
            ("sock_send", sock_send(0, 0, 0, 0, 0)),
            ("sock_shutdown", sock_shutdown(0, 0)),
            ("fd_read", fd_read(1, 0, 0, 0)),
            ("fd_seek", fd_seek(1, 0, 0, 0)),
            ("fd_close", fd_close(1)),
            ("fd_fdstat_get", fd_fdstat_get(1, 0)),
            ("fd_prestat_get", fd_prestat_get(1, 0)),
            ("fd_prestat_dir_name", fd_prestat_dir_name(1, 0, 0)),
            ("path_open", path_open(0, 0, 0, 0, 0, 0, 0, 0, 0)),
            ("args_get", args_get(0, 0)),
            ("args_sizes_get", args_sizes_get(at, at)),
            ("clock_time_get", clock_time_get(0, 0, at)),
            ("random_get", random_get(0, 0)),
        ];
        answers
            .map(|(name, errno)| format!("{name}={errno}"))
            .join(" ")
    }
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
