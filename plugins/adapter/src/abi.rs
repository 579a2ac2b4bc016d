//! Host calls of Proxy-Wasm 0.2.1, without a panicking path: every status is a value.

#![allow(unsafe_code)]

use std::ptr::null_mut;
use std::time::Duration;

/// A host's answer other than `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such thing (status 1).
    NotFound,
    /// Somebody wrote first (status 8).
    CasMismatch,
    /// Anything else: wrong phase, wrong argument, a host at fault.
    Other,
}

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    CallResponseBody = 4,
    PluginConfiguration = 7,
}

/// Which header map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Map {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
    CallResponse = 6,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Level {
    Warn = 3,
    Error = 4,
}

/// Kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum MetricKind {
    Counter = 0,
    Histogram = 2,
}

/// Which half of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Half {
    Response = 1,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, message_size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        kind: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        kind: u32,
        start: usize,
        length: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_close_stream(half: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_done() -> u32;
    fn proxy_http_call(
        upstream: *const u8,
        upstream_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout_millis: u32,
        token: *mut u32,
    ) -> u32;
}

#[cfg(target_os = "wasi")]
unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// Runs what the C library of WASI needs before anything else, which a module without a main function has to do itself.
pub(crate) fn initialize() {
    #[cfg(target_os = "wasi")]
    // SAFETY: the host calls `_initialize`, from where this is called, once and first.
    unsafe {
        __wasm_call_ctors();
    }
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

fn check(status: u32) -> Result<(), Failure> {
    match status {
        0 => Ok(()),
        1 => Err(Failure::NotFound),
        8 => Err(Failure::CasMismatch),
        _ => Err(Failure::Other),
    }
}

/// Takes over memory that the host asked this module to allocate for an answer.
fn owned(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() || size == 0 {
        return Vec::new();
    }
    // SAFETY: the host got `data` from `proxy_on_memory_allocate(size)`, which allocates exactly `size` bytes and gives them away; the host
    // filled them, and hands them over once.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Calls a host function that answers with bytes.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, Failure> {
    let (mut data, mut size) = (null_mut(), 0);
    check(call(&raw mut data, &raw mut size))?;
    Ok(owned(data, size))
}

// SAFETY, for all calls below: pointers and sizes describe live slices or locals for the time of the call, and the host keeps none of
// them.

/// Writes a line to the host's log.
pub(crate) fn log(level: Level, message: &str) {
    // A line that cannot be logged has nowhere to be reported.
    let _ = unsafe { proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn current_time_nanos() -> Result<u64, Failure> {
    let mut time = 0;
    check(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

/// Bytes of a body, from `start`, at most `max`.
pub(crate) fn buffer(kind: Buffer, start: usize, max: usize) -> Result<Vec<u8>, Failure> {
    bytes(|data, size| unsafe { proxy_get_buffer_bytes(kind as u32, start, max, data, size) })
}

/// Puts these bytes in place of all that a body's buffer holds.
pub(crate) fn replace_buffer(kind: Buffer, with: &[u8]) -> Result<(), Failure> {
    check(unsafe { proxy_set_buffer_bytes(kind as u32, 0, usize::MAX, with.as_ptr(), with.len()) })
}

/// All fields of a header map, serialized; see [`crate::headers`].
pub(crate) fn header_pairs(map: Map) -> Result<Vec<u8>, Failure> {
    bytes(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) })
}

/// Takes every field of a name away.
pub(crate) fn remove_header(map: Map, name: &str) -> Result<(), Failure> {
    check(unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// Puts one field behind all others.
pub(crate) fn add_header(map: Map, name: &str, value: &str) -> Result<(), Failure> {
    check(unsafe {
        proxy_add_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Puts one field in place of all of its name.
pub(crate) fn replace_header(map: Map, name: &str, value: &str) -> Result<(), Failure> {
    check(unsafe {
        proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// A property by its path, segments separated by NUL.
pub(crate) fn property(path: &str) -> Result<Vec<u8>, Failure> {
    bytes(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Writes filter state `wasm.<name>`.
pub(crate) fn set_property(name: &str, value: &[u8]) -> Result<(), Failure> {
    check(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// A shared entry and its version.
pub(crate) fn shared_data(key: &str) -> Result<(Vec<u8>, u32), Failure> {
    let mut version = 0;
    let value = bytes(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut version)
    })?;
    Ok((value, version))
}

/// Writes a shared entry when its version still is `version`. With a version that no entry has it writes only what does not exist yet.
pub(crate) fn set_shared_data(key: &str, value: &[u8], version: u32) -> Result<(), Failure> {
    check(unsafe {
        proxy_set_shared_data(
            key.as_ptr(),
            key.len(),
            value.as_ptr(),
            value.len(),
            version,
        )
    })
}

/// Answers the client in place of the upstream. `headers` as [`crate::headers::serialize`] makes them.
pub(crate) fn send_local_response(
    status: u16,
    details: &str,
    headers: &[u8],
    body: &[u8],
) -> Result<(), Failure> {
    const NO_GRPC_STATUS: i32 = -1;
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Resets a stream: the last resort, when nothing else keeps unchecked bytes from going on.
pub(crate) fn close_stream(half: Half) {
    // The host may answer that the stream is gone, which is what was wanted.
    let _ = unsafe { proxy_close_stream(half as u32) };
}

/// A metric's id.
pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<u32, Failure> {
    let mut id = 0;
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Adds to a counter.
pub(crate) fn increment_metric(id: u32, by: u64) {
    // A count that the host refuses must not fail a request.
    let _ = unsafe { proxy_increment_metric(id, i64::try_from(by).unwrap_or(i64::MAX)) };
}

/// Records a value in a histogram.
pub(crate) fn record_metric(id: u32, value: u64) {
    // As above.
    let _ = unsafe { proxy_record_metric(id, value) };
}

/// Starts the timer of the root context at hand.
pub(crate) fn set_tick_period(period: Duration) -> Result<(), Failure> {
    let millis = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    check(unsafe { proxy_set_tick_period_milliseconds(millis) })
}

/// The root context, whose `on_done` answered that it is not done, is done now.
pub(crate) fn done() {
    // A host that knows of nothing that waits has nothing to end.
    let _ = unsafe { proxy_done() };
}

/// Random bytes that nobody can predict.
pub(crate) fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    check(unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) })?;
    Ok(bytes)
}

/// Calls a cluster; the answer comes to the root context at hand, with this token. `headers` as [`crate::headers::serialize`] makes them.
/// Only in callbacks of a root context.
pub(crate) fn http_call(
    cluster: &str,
    headers: &[u8],
    body: &[u8],
    timeout: Duration,
) -> Result<u32, Failure> {
    let mut token = 0;
    check(unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            NO_PAIRS.as_ptr(),
            NO_PAIRS.len(),
            u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
            &raw mut token,
        )
    })?;
    Ok(token)
}

/// A map without fields.
const NO_PAIRS: [u8; 4] = [0; 4];
