//! Addresses where nothing is.

use crate::host::*;

/// Calls host functions with an address where nothing is.
pub(crate) unsafe fn outside(address: u32) -> String {
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
