//! What the host calls: the exports of Proxy-Wasm 0.2.1 that the modules need. A host leaves out what a module does not export.
//!
//! A context is taken by reference count, not borrowed from the table, so a callback may come while another runs; one that finds its own
//! context at work is answered as if the context did not exist, which refuses.

#![allow(unsafe_code)]

use crate::root::Root;
use crate::stream::{self, Action, Stream};
use portcullis_policy::Spread;
use std::alloc::{Layout, alloc};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// By numbers that the host gives.
pub(crate) type ByNumber<T> = HashMap<u32, T, Spread>;

/// The contexts of this VM.
#[derive(Default)]
struct Contexts {
    roots: ByNumber<Rc<RefCell<Root>>>,
    streams: ByNumber<Rc<RefCell<Stream>>>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> = RefCell::default();
}

/// Lets a root context do something; nothing when there is none with this number.
fn with_root<T>(id: u32, run: impl FnOnce(&mut Root) -> T) -> Option<T> {
    let root = CONTEXTS.with_borrow(|contexts| contexts.roots.get(&id).cloned())?;
    let mut root = root.try_borrow_mut().ok()?;
    Some(run(&mut root))
}

/// Lets a stream decide; one that does not exist is refused.
fn with_stream(id: u32, run: impl FnOnce(&mut Stream) -> Action) -> u32 {
    let stream = CONTEXTS.with_borrow(|contexts| contexts.streams.get(&id).cloned());
    let action = match stream.as_ref().map(|stream| stream.try_borrow_mut()) {
        Some(Ok(mut stream)) => run(&mut stream),
        Some(Err(_)) | None => stream::refuse_unknown(),
    };
    action as u32
}

/// Memory for bytes that the host hands over; `abi::owned` takes it.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        // SAFETY: the layout is not empty.
        Ok(layout) if size > 0 => unsafe { alloc(layout) },
        // The host takes null for memory that cannot be had, and hands nothing over.
        Ok(_) | Err(_) => std::ptr::null_mut(),
    }
}

/// Which version of the ABI this is, by being there.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub const extern "C" fn proxy_abi_version_0_2_1() {}

/// A plugin begins (`parent` 0), or a stream of the plugin `parent`.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_context_create(id: u32, parent: u32) {
    if parent == 0 {
        CONTEXTS.with_borrow_mut(|contexts| contexts.roots.insert(id, Rc::default()));
    } else if let Some(stream) = with_root(parent, |root| root.open()) {
        let stream = Rc::new(RefCell::new(stream));
        CONTEXTS.with_borrow_mut(|contexts| contexts.streams.insert(id, stream));
    }
}

/// The VM has started.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub const extern "C" fn proxy_on_vm_start(_: u32, _: usize) -> u32 {
    1
}

/// A plugin gets its configuration.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_configure(id: u32, size: usize) -> u32 {
    u32::from(with_root(id, |root| root.configure(size)) == Some(true))
}

/// The timer.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_tick(id: u32) {
    with_root(id, Root::tick);
}

/// The answer to a call.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_http_call_response(
    id: u32,
    token: u32,
    _: usize,
    body_size: usize,
    _: usize,
) {
    with_root(id, |root| root.answered(token, body_size));
}

/// Request headers.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_request_headers(id: u32, _: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.request_headers(end_of_stream != 0))
}

/// A piece of a request's body.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_request_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.request_body(size, end_of_stream != 0))
}

/// A request's trailers.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_request_trailers(id: u32, _: usize) -> u32 {
    with_stream(id, Stream::request_trailers)
}

/// Response headers.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_response_headers(id: u32, _: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.response_headers(end_of_stream != 0))
}

/// A piece of a response's body.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_response_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.response_body(size, end_of_stream != 0))
}

/// A response's trailers.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_response_trailers(id: u32, _: usize) -> u32 {
    with_stream(id, Stream::response_trailers)
}

/// A stream is over: the last moment at which all of it can be asked for.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_log(id: u32) {
    let stream = CONTEXTS.with_borrow(|contexts| contexts.streams.get(&id).cloned());
    if let Some(Ok(mut stream)) = stream.as_ref().map(|stream| stream.try_borrow_mut()) {
        stream.log();
    }
}

/// A context is to go; false when it still has work, and will say when it is done.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_done(id: u32) -> u32 {
    u32::from(with_root(id, Root::stop) != Some(false))
}

/// A context is gone.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn proxy_on_delete(id: u32) {
    let gone = CONTEXTS
        .with_borrow_mut(|contexts| (contexts.streams.remove(&id), contexts.roots.remove(&id)));
    // Dropped when the table is free again.
    drop(gone);
}
