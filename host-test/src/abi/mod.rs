//! The host functions: one file for each section of the ABI (proxy-wasm/spec, abi-versions/v0.2.1), and the one table
//! that names them all. What is not in the table a module cannot import.

mod buffers;
mod call;
mod foreign;
mod grpc;
mod headers;
mod http_call;
mod logging;
mod metrics;
mod properties;
mod queues;
mod shared_data;
mod streams;
mod time;
mod timers;
mod wasi;

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use wasmtime::{Caller, InstancePre, Linker, Module};

use crate::host_state::HostState;
use crate::transcript::Kind;
use call::Call;

/// The function may be called while `_initialize`, `main` or `_start` run…
const ANY_TIME: bool = true;
/// …or only afterwards; earlier it traps.
const STARTED: bool = false;

/// A host function: the modules it can be imported from, its name, and how it is linked under one of those modules.
struct Row {
    modules: &'static [&'static str],
    name: &'static str,
    define: fn(&mut Linker<HostState>, &str) -> wasmtime::Result<()>,
}

const PROXY: &[&str] = &["env"];
const WASI: &[&str] = &["wasi_snapshot_preview1", "wasi_unstable"];

/// A row is `modules "name" (parameters) when, kind => handler;`. The kind says whether a transcript that leaves reads out
/// shows the call.
macro_rules! table {
    ($($modules:ident $name:literal ($($argument:ident: $type:ty),*) $when:ident, $kind:ident => $handler:path;)*) => {
        &[$(Row {
            modules: $modules,
            name: $name,
            define: |linker, module| {
                let function = |caller: Caller<'_, HostState>, $($argument: $type),*| {
                    Call::run(caller, $name, $when, Kind::$kind, |call| $handler(call, $($argument),*))
                };
                linker.func_wrap(module, $name, function).map(drop)
            },
        }),*]
    };
}

#[rustfmt::skip]
const TABLE: &[Row] = table! {
    // Logging and lifecycle.
    PROXY "proxy_log" (level: u32, message: u32, size: u32) ANY_TIME, Read => logging::log;
    PROXY "proxy_get_log_level" (level_at: u32) STARTED, Read => logging::log_level;
    PROXY "proxy_set_effective_context" (context: u32) STARTED, Change => logging::set_effective_context;
    PROXY "proxy_done" () STARTED, Change => logging::done;
    PROXY "proxy_get_status" (code_at: u32, message_at: u32, size_at: u32) STARTED, Read => logging::status;

    // Time and timers.
    PROXY "proxy_get_current_time_nanoseconds" (time_at: u32) STARTED, Read => time::current_time;
    PROXY "proxy_set_tick_period_milliseconds" (period: u32) STARTED, Change => timers::set_tick_period;

    // Buffers.
    PROXY "proxy_get_buffer_bytes" (buffer: u32, start: u32, size: u32, bytes_at: u32, size_at: u32) STARTED, Read => buffers::get;
    PROXY "proxy_get_buffer_status" (buffer: u32, size_at: u32, flags_at: u32) STARTED, Read => buffers::status;
    PROXY "proxy_set_buffer_bytes" (buffer: u32, start: u32, size: u32, bytes: u32, bytes_size: u32) STARTED, Change => buffers::set;

    // Headers, trailers and metadata.
    PROXY "proxy_get_header_map_size" (map: u32, size_at: u32) STARTED, Read => headers::size;
    PROXY "proxy_get_header_map_pairs" (map: u32, pairs_at: u32, size_at: u32) STARTED, Read => headers::pairs;
    PROXY "proxy_set_header_map_pairs" (map: u32, pairs: u32, size: u32) STARTED, Change => headers::set_pairs;
    PROXY "proxy_get_header_map_value" (map: u32, key: u32, key_size: u32, value_at: u32, size_at: u32) STARTED, Read => headers::value;
    PROXY "proxy_add_header_map_value" (map: u32, key: u32, key_size: u32, value: u32, size: u32) STARTED, Change => headers::add;
    PROXY "proxy_replace_header_map_value" (map: u32, key: u32, key_size: u32, value: u32, size: u32) STARTED, Change => headers::replace;
    PROXY "proxy_remove_header_map_value" (map: u32, key: u32, key_size: u32) STARTED, Change => headers::remove;

    // Streams.
    PROXY "proxy_continue_stream" (stream: u32) STARTED, Change => streams::resume;
    PROXY "proxy_close_stream" (stream: u32) STARTED, Change => streams::close;
    PROXY "proxy_send_local_response" (status: u32, details: u32, details_size: u32, body: u32, body_size: u32, headers: u32, headers_size: u32, grpc_status: u32) STARTED, Change => streams::send_local_response;

    // Shared data and queues.
    PROXY "proxy_get_shared_data" (key: u32, key_size: u32, value_at: u32, size_at: u32, cas_at: u32) STARTED, Read => shared_data::get;
    PROXY "proxy_set_shared_data" (key: u32, key_size: u32, value: u32, size: u32, cas: u32) STARTED, Change => shared_data::set;
    PROXY "proxy_register_shared_queue" (name: u32, name_size: u32, token_at: u32) STARTED, Change => queues::register;
    PROXY "proxy_resolve_shared_queue" (vm_id: u32, vm_id_size: u32, name: u32, name_size: u32, token_at: u32) STARTED, Read => queues::resolve;
    PROXY "proxy_enqueue_shared_queue" (token: u32, item: u32, size: u32) STARTED, Change => queues::enqueue;
    PROXY "proxy_dequeue_shared_queue" (token: u32, item_at: u32, size_at: u32) STARTED, Change => queues::dequeue;

    // Calls to other services.
    PROXY "proxy_http_call" (cluster: u32, cluster_size: u32, headers: u32, headers_size: u32, body: u32, body_size: u32, trailers: u32, trailers_size: u32, timeout: u32, token_at: u32) STARTED, Change => http_call::call;
    PROXY "proxy_grpc_call" (service: u32, service_size: u32, name: u32, name_size: u32, method: u32, method_size: u32, metadata: u32, metadata_size: u32, message: u32, message_size: u32, timeout: u32, token_at: u32) STARTED, Change => grpc::call;
    PROXY "proxy_grpc_stream" (service: u32, service_size: u32, name: u32, name_size: u32, method: u32, method_size: u32, metadata: u32, metadata_size: u32, token_at: u32) STARTED, Change => grpc::stream;
    PROXY "proxy_grpc_send" (token: u32, message: u32, size: u32, end: u32) STARTED, Change => grpc::send;
    PROXY "proxy_grpc_cancel" (token: u32) STARTED, Change => grpc::cancel;
    PROXY "proxy_grpc_close" (token: u32) STARTED, Change => grpc::close;

    // Metrics.
    PROXY "proxy_define_metric" (kind: u32, name: u32, name_size: u32, id_at: u32) STARTED, Read => metrics::define;
    PROXY "proxy_increment_metric" (id: u32, offset: i64) STARTED, Change => metrics::increment;
    PROXY "proxy_record_metric" (id: u32, value: u64) STARTED, Change => metrics::record;
    PROXY "proxy_get_metric" (id: u32, value_at: u32) STARTED, Read => metrics::read;

    // Properties and foreign functions.
    PROXY "proxy_get_property" (path: u32, path_size: u32, value_at: u32, size_at: u32) STARTED, Read => properties::get;
    PROXY "proxy_set_property" (path: u32, path_size: u32, value: u32, size: u32) STARTED, Change => properties::set;
    PROXY "proxy_call_foreign_function" (name: u32, name_size: u32, argument: u32, argument_size: u32, result_at: u32, size_at: u32) STARTED, Change => foreign::call;

    // What ABI 0.1.0 had in the place of buffers, streams and a foreign function.
    PROXY "proxy_get_configuration" (bytes_at: u32, size_at: u32) STARTED, Read => buffers::configuration;
    PROXY "proxy_continue_request" () STARTED, Change => streams::resume_request;
    PROXY "proxy_continue_response" () STARTED, Change => streams::resume_response;
    PROXY "proxy_clear_route_cache" () STARTED, Change => foreign::clear_route_cache;

    // WASI preview 1.
    WASI "fd_write" (fd: u32, iovs: u32, count: u32, written_at: u32) ANY_TIME, Read => wasi::fd_write;
    WASI "clock_time_get" (clock: u32, precision: u64, time_at: u32) ANY_TIME, Read => time::clock_time_get;
    WASI "random_get" (buffer: u32, size: u32) ANY_TIME, Read => wasi::random_get;
    WASI "environ_get" (pointers: u32, buffer: u32) ANY_TIME, Read => wasi::environ_get;
    WASI "environ_sizes_get" (count_at: u32, size_at: u32) ANY_TIME, Read => wasi::environ_sizes_get;
    WASI "args_get" (pointers: u32, buffer: u32) ANY_TIME, Read => wasi::args_get;
    WASI "args_sizes_get" (count_at: u32, size_at: u32) ANY_TIME, Read => wasi::args_sizes_get;
    WASI "fd_fdstat_get" (fd: u32, stat_at: u32) STARTED, Read => wasi::fd_fdstat_get;
    WASI "fd_prestat_get" (fd: u32, prestat_at: u32) ANY_TIME, Read => wasi::fd_prestat_get;
    WASI "fd_prestat_dir_name" (fd: u32, path: u32, size: u32) ANY_TIME, Read => wasi::fd_prestat_dir_name;
    PROXY "pthread_equal" (left: u32, right: u32) ANY_TIME, Read => wasi::pthread_equal;
};

/// Functions of WASI that have nothing to act on in a proxy: they answer one number, whatever they are asked. The
/// signatures are Envoy's, also where they are not those of WASI (`path_link`, `path_symlink`).
macro_rules! stubs {
    ($($name:literal ($($type:ty),*) = $errno:path;)*) => {
        &[$(Row {
            modules: WASI,
            name: $name,
            define: |linker, module| {
                linker.func_wrap(module, $name, |$(_: $type),*| -> u32 { $errno }).map(drop)
            },
        }),*]
    };
}

#[rustfmt::skip]
const STUBS: &[Row] = stubs! {
    "fd_fdstat_set_flags" (u32, u32) = wasi::ENOSYS;
    "fd_fdstat_set_rights" (u32, u64, u64) = wasi::SUCCESS;
    "clock_res_get" (u32, u32) = wasi::SUCCESS;
    "fd_advise" (u32, u64, u64, u32) = wasi::SUCCESS;
    "fd_allocate" (u32, u64, u64) = wasi::SUCCESS;
    "fd_datasync" (u32) = wasi::SUCCESS;
    "fd_sync" (u32) = wasi::SUCCESS;
    "fd_tell" (u32, u32) = wasi::SUCCESS;
    "fd_filestat_get" (u32, u32) = wasi::EBADF;
    "fd_filestat_set_size" (u32, u64) = wasi::SUCCESS;
    "fd_filestat_set_times" (u32, u64, u64, u32) = wasi::SUCCESS;
    "fd_pread" (u32, u32, u32, u64, u32) = wasi::ENOSYS;
    "fd_pwrite" (u32, u32, u32, u64, u32) = wasi::SUCCESS;
    "fd_readdir" (u32, u32, u32, u64, u32) = wasi::EEXIST;
    "fd_renumber" (u32, u32) = wasi::EBADF;
    "path_create_directory" (u32, u32, u32) = wasi::ENOTSUP;
    "path_filestat_get" (u32, u32, u32, u32, u32) = wasi::ENOTSUP;
    "path_filestat_set_times" (u32, u32, u32, u32, u64, u64, u32) = wasi::ENOTSUP;
    "path_link" (u32, u32, u32, u32, u32, u32) = wasi::ENOTSUP;
    "path_readlink" (u32, u32, u32, u32, u32, u32) = wasi::ENOTSUP;
    "path_remove_directory" (u32, u32, u32) = wasi::ENOTSUP;
    "path_rename" (u32, u32, u32, u32, u32, u32) = wasi::ENOTSUP;
    "path_symlink" (u32, u32, u32, u32) = wasi::ENOTSUP;
    "path_unlink_file" (u32, u32, u32) = wasi::ENOTSUP;
    "poll_oneoff" (u32, u32, u32, u32) = wasi::SUCCESS;
    "sched_yield" () = wasi::SUCCESS;
    "sock_accept" (u32, u32, u32) = wasi::ENOTSUP;
    "sock_recv" (u32, u32, u32, u32, u32, u32) = wasi::ENOTSUP;
    "sock_send" (u32, u32, u32, u32, u32) = wasi::ENOTSUP;
    "sock_shutdown" (u32, u32) = wasi::ENOTSUP;
    "fd_read" (u32, u32, u32, u32) = wasi::ENOSYS;
    "fd_seek" (u32, u64, u32, u32) = wasi::SUCCESS;
    "fd_close" (u32) = wasi::SUCCESS;
    "path_open" (u32, u32, u32, u32, u32, u64, u64, u32, u32) = wasi::ENOENT;
};

/// The functions that return nothing: not worth a case in the table's macro.
const SILENT: &[Row] = &[
    Row {
        modules: WASI,
        name: "proc_exit",
        // As in the C++ host, nothing: what follows in the guest is `unreachable`.
        define: |linker, module| linker.func_wrap(module, "proc_exit", |_: u32| ()).map(drop),
    },
    Row {
        modules: PROXY,
        name: "emscripten_notify_memory_growth",
        define: |linker, module| {
            linker
                .func_wrap(module, "emscripten_notify_memory_growth", |_: u32| ())
                .map(drop)
        },
    },
];

/// The versions of the ABI that this host speaks, oldest first, as modules export them.
const VERSIONS: [&str; 3] = [
    "proxy_abi_version_0_1_0",
    "proxy_abi_version_0_2_0",
    "proxy_abi_version_0_2_1",
];

/// The functions that only modules of some versions can import, and of which: positions in [`VERSIONS`].
const OF_SOME_VERSIONS: [(&str, std::ops::RangeInclusive<usize>); 7] = [
    ("proxy_get_configuration", 0..=0),
    ("proxy_continue_request", 0..=0),
    ("proxy_continue_response", 0..=0),
    ("proxy_clear_route_cache", 0..=0),
    ("proxy_continue_stream", 1..=2),
    ("proxy_close_stream", 1..=2),
    ("proxy_get_log_level", 2..=2),
];

/// Links a module against the table.
///
/// # Errors
/// When the module names no ABI version that this host speaks, imports what the table does not have for it, or imports it
/// with another signature.
pub(crate) fn link(module: &Module) -> Result<InstancePre<HostState>> {
    let position = |name: &str| VERSIONS.iter().position(|version| *version == name);
    // Of several the first that the module exports is meant.
    let Some(version) = module.exports().find_map(|export| position(export.name())) else {
        bail!(
            "missing or unknown Proxy-Wasm ABI version: the module exports none of {}",
            VERSIONS.join(", ")
        );
    };
    let offered = |name: &str| {
        let of_some = OF_SOME_VERSIONS.iter().find(|(some, _)| *some == name);
        of_some.is_none_or(|(_, versions)| versions.contains(&version))
    };
    let rows = || TABLE.iter().chain(STUBS).chain(SILENT);
    let mut linker = Linker::new(module.engine());
    // Only what is asked for: defining all takes longer than starting a VM. A module may import a function twice.
    let wanted: BTreeSet<_> = module.imports().map(|i| (i.module(), i.name())).collect();
    for (from, name) in wanted {
        let row = rows().find(|row| row.modules.contains(&from) && row.name == name);
        let Some(row) = row else {
            bail!("missing import: {from}.{name} is nothing that Envoy offers");
        };
        if !offered(name) {
            let version = VERSIONS.get(version).unwrap_or(&"this version");
            bail!("missing import: {from}.{name} is nothing that Envoy offers to {version}");
        }
        (row.define)(&mut linker, from)?;
    }
    linker
        .instantiate_pre(module)
        .map_err(|error| anyhow::anyhow!("linking the module: {error:#}"))
}
