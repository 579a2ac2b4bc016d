//! What the host offers, as it is called, and what it hands over.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(crate) fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    pub(crate) fn proxy_get_log_level(level: *mut u32) -> u32;
    pub(crate) fn proxy_get_status(code: *mut u32, text: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    pub(crate) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    pub(crate) fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        at: *mut *mut u8,
        got: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_get_buffer_status(buffer: u32, size: *mut usize, flags: *mut u32) -> u32;
    pub(crate) fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        bytes: *const u8,
        len: usize,
    ) -> u32;
    pub(crate) fn proxy_get_header_map_size(map: u32, size: *mut usize) -> u32;
    pub(crate) fn proxy_get_header_map_pairs(map: u32, at: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_set_header_map_pairs(map: u32, at: *const u8, size: usize) -> u32;
    pub(crate) fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        len: usize,
        at: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_add_header_map_value(
        map: u32,
        key: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
    ) -> u32;
    pub(crate) fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
    ) -> u32;
    pub(crate) fn proxy_remove_header_map_value(map: u32, key: *const u8, len: usize) -> u32;
    pub(crate) fn proxy_continue_stream(stream: u32) -> u32;
    pub(crate) fn proxy_close_stream(stream: u32) -> u32;
    pub(crate) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc: i32,
    ) -> u32;
    pub(crate) fn proxy_get_shared_data(
        key: *const u8,
        len: usize,
        at: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_set_shared_data(
        key: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
        cas: u32,
    ) -> u32;
    pub(crate) fn proxy_register_shared_queue(name: *const u8, len: usize, token: *mut u32) -> u32;
    pub(crate) fn proxy_resolve_shared_queue(
        vm: *const u8,
        vm_len: usize,
        name: *const u8,
        len: usize,
        token: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_enqueue_shared_queue(token: u32, at: *const u8, size: usize) -> u32;
    pub(crate) fn proxy_dequeue_shared_queue(token: u32, at: *mut *mut u8, size: *mut usize)
    -> u32;
    pub(crate) fn proxy_http_call(
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
    pub(crate) fn proxy_grpc_call(
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
    pub(crate) fn proxy_grpc_stream(
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
    pub(crate) fn proxy_grpc_send(token: u32, message: *const u8, len: usize, end: u32) -> u32;
    pub(crate) fn proxy_grpc_cancel(token: u32) -> u32;
    pub(crate) fn proxy_grpc_close(token: u32) -> u32;
    pub(crate) fn proxy_define_metric(kind: u32, name: *const u8, len: usize, id: *mut u32) -> u32;
    pub(crate) fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    pub(crate) fn proxy_record_metric(id: u32, value: u64) -> u32;
    pub(crate) fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
    pub(crate) fn proxy_get_property(
        path: *const u8,
        len: usize,
        at: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_set_property(
        path: *const u8,
        len: usize,
        at: *const u8,
        size: usize,
    ) -> u32;
    pub(crate) fn proxy_call_foreign_function(
        name: *const u8,
        name_len: usize,
        arg: *const u8,
        arg_len: usize,
        at: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_set_effective_context(context: u32) -> u32;
    pub(crate) fn proxy_done() -> u32;
}

/// What the host handed over, at the address and of the size it wrote.
pub(crate) struct Given {
    pub(crate) at: *mut u8,
    pub(crate) size: usize,
}

impl Given {
    pub(crate) fn none() -> Self {
        Self {
            at: std::ptr::null_mut(),
            size: 0,
        }
    }

    pub(crate) fn take(self) -> Vec<u8> {
        if self.at.is_null() {
            return Vec::new();
        }
        // Allocated by `proxy_on_memory_allocate` with at least this capacity.
        unsafe { Vec::from_raw_parts(self.at, self.size, self.size) }
    }
}
