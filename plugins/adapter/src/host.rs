//! What a step needs from the host: time, shared counters, facts of other modules, the peer's address.

use crate::abi::{self, Failure};
use portcullis_policy::{Store, StoreError, Timestamp};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The current time; the epoch when the host gives none, which makes keys with a term expire and buckets stay as they are.
pub(crate) fn now() -> Timestamp {
    abi::current_time_nanos()
        .map(Timestamp::from_nanos)
        .unwrap_or_default()
}

/// Shared data of the host as a store.
pub(crate) struct SharedData;

/// A version that the host never gives: with it, a write succeeds only when the entry does not exist.
const VERSION_OF_NOTHING: u32 = u32::MAX;

/// With it, a write succeeds whatever was there.
const ANY_VERSION: u32 = 0;

impl Store for SharedData {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        match abi::shared_data(key) {
            Ok(entry) => Ok(Some(entry)),
            Err(Failure::NotFound) => Ok(None),
            Err(Failure::CasMismatch | Failure::Other) => Err(StoreError::Unavailable),
        }
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        match abi::set_shared_data(key, value, version.unwrap_or(VERSION_OF_NOTHING)) {
            Ok(()) => Ok(true),
            Err(Failure::CasMismatch) => Ok(false),
            Err(Failure::NotFound | Failure::Other) => Err(StoreError::Unavailable),
        }
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        abi::set_shared_data(key, value, ANY_VERSION).map_err(|_| StoreError::Unavailable)
    }
}

/// What another module of the filter chain wrote for this stream.
pub(crate) fn filter_state(name: &str) -> Option<String> {
    String::from_utf8(abi::property(name).ok()?).ok()
}

/// The peer's address as the host trusts it.
pub(crate) fn source() -> Option<IpAddr> {
    let text = String::from_utf8(abi::property("source\0address").ok()?).ok()?;
    text.parse::<SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| text.parse())
        .ok()
}

/// How long ago the request arrived; known at its end.
pub(crate) fn request_age() -> Duration {
    let nanos = integer("request\0duration").and_then(|nanos| u64::try_from(nanos).ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// The status that the client got; 0 when it got none.
pub(crate) fn response_status() -> u16 {
    integer("response\0code")
        .and_then(|code| u16::try_from(code).ok())
        .unwrap_or(0)
}

/// A property that is a number: 8 bytes, little endian.
fn integer(path: &str) -> Option<i64> {
    let bytes = <[u8; 8]>::try_from(abi::property(path).ok()?.as_slice()).ok()?;
    Some(i64::from_le_bytes(bytes))
}

/// Whether the response at hand came from the upstream, not from the proxy itself.
pub(crate) fn from_upstream() -> bool {
    abi::property("response\0code_details").is_ok_and(|details| details == b"via_upstream")
}
