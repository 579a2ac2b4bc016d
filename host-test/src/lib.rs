//! An Envoy in miniature: a Proxy-Wasm host on wasmtime that behaves as Envoy behaves, for tests of any Proxy-Wasm 0.2.x
//! module. It needs no proxy, no network and no clock.
//!
//! A test makes a [`World`] (virtual clock, seeded randomness, shared data, other services), loads [`Plugin`]s into a
//! [`Proxy`] (a filter chain on a number of workers) and drives [`Exchange`]s through it, step by step or in one call.
//! Nothing is shared between worlds, so tests run in parallel.
//!
//! It does not route, balance, speak HTTP on a socket or run native filters: pieces of messages go in and come out.

mod abi;
mod attributes;
mod callouts;
mod context;
mod exchange;
mod faults;
mod headers;
mod message;
mod metrics;
mod module;
mod pairs;
mod plugin;
mod proxy;
mod queues;
mod random;
mod shared;
mod status;
mod stream;
mod transcript;
mod vm;
mod world;

pub use callouts::{Callout, CalloutRequest, CalloutResponse, GrpcRequest, GrpcStep};
pub use exchange::{
    Callback, Exchange, Flow, Outcome, Property, Request, Response, StreamInfo, Upstream,
};
pub use faults::{BeforeCas, Faults};
pub use headers::HeaderMap;
pub use message::{Message, Piece};
pub use metrics::{MetricKind, Metrics};
pub use module::Module;
pub use pairs::{PAIRS_BYTES_MAX, PAIRS_COUNT_MAX};
pub use plugin::{FailurePolicy, Plugin};
pub use proxy::{BUFFER_LIMIT_BYTES, Proxy};
pub use shared::SharedData;
pub use status::{LogLevel, Status};
pub use stream::LocalReply;
pub use transcript::{Entry, Kind, Transcript};
pub use world::{EPOCH_NS, LogLine, World};
