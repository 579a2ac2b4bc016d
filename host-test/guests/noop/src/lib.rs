//! The cheapest Proxy-Wasm guest: it answers every callback of an HTTP stream with *continue* and looks at nothing.
//!
//! What Envoy loses with this module in the way is the price of entering the VM at all, below which no policy can come.
//! Written against the ABI (0.2.1) directly, so that no SDK's bookkeeping is measured with it.

#![allow(unsafe_code)] // exporting the ABI's symbols is what this guest is for

use std::alloc::{Layout, alloc};

/// `Action::Continue`, also `FilterHeadersStatus::Continue` and its siblings for bodies and trailers.
const CONTINUE: u32 = 0;
/// The answer to start, configuration and done: all is well.
const TRUE: u32 = 1;

/// Names the ABI version the host is to speak; its presence is all that counts.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

/// Where the host puts what it hands in (the configuration, say). It is given away and never freed: a start hands in little.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::from_size_align(size.max(1), 8) {
        // SAFETY: the layout is not empty.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// The VM starts.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_vm_start(_root: u32, _size: u32) -> u32 {
    TRUE
}

/// A configuration arrives, whatever it says.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(_root: u32, _size: u32) -> u32 {
    TRUE
}

/// A root or a stream begins.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_context_create(_context: u32, _parent: u32) {}

/// Request headers.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_headers(_context: u32, _count: u32, _end: u32) -> u32 {
    CONTINUE
}

/// A piece of the request's body.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_body(_context: u32, _size: u32, _end: u32) -> u32 {
    CONTINUE
}

/// Request trailers.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_trailers(_context: u32, _count: u32) -> u32 {
    CONTINUE
}

/// Response headers.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_response_headers(_context: u32, _count: u32, _end: u32) -> u32 {
    CONTINUE
}

/// A piece of the response's body.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_response_body(_context: u32, _size: u32, _end: u32) -> u32 {
    CONTINUE
}

/// Response trailers.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_response_trailers(_context: u32, _count: u32) -> u32 {
    CONTINUE
}

/// A stream is over.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_done(_context: u32) -> u32 {
    TRUE
}

/// A stream is written down.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_log(_context: u32) {}

/// A stream is forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_delete(_context: u32) {}
