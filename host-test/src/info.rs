//! What a stream is besides its messages: addresses, names, and properties that a test gives it.

use std::collections::BTreeMap;

/// What a stream's properties show beside its headers and bodies.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// `source.address` with its port.
    pub source_address: String,
    /// `destination.address` with its port.
    pub destination_address: String,
    /// `request.protocol`.
    pub protocol: String,
    /// `xds.cluster_name`.
    pub cluster_name: String,
    /// `xds.route_name`.
    pub route_name: String,
    /// `xds.listener_direction`: 0 unspecified, 1 inbound, 2 outbound.
    pub listener_direction: i64,
    /// `connection.id`.
    pub connection_id: u64,
    /// Properties that take precedence over, or stand beside, those that the host knows; by path.
    pub properties: BTreeMap<Vec<String>, Property>,
    /// The monotonic clock when the stream began.
    pub(crate) began_ns: u64,
    /// The wall clock when the stream began.
    pub(crate) time_ns: u64,
}

/// The value of a property, serialized for the guest as Envoy does it.
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    /// A string or bytes: as they are.
    Bytes(Vec<u8>),
    /// A signed integer, a duration or a time (in nanoseconds): 8 bytes little endian.
    Int(i64),
    /// An unsigned integer: 8 bytes little endian.
    Uint(u64),
    /// A floating-point number: 8 bytes little endian.
    Double(f64),
    /// A boolean: one byte.
    Bool(bool),
    /// A map: serialized pairs.
    Map(Vec<(String, Property)>),
    /// A group of attributes, which cannot be read as a whole.
    Group,
}

impl From<&str> for Property {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}
