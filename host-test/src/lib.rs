#![doc = include_str!("../README.md")]
//!
//! # The rooms
//! `abi/` holds the host functions, one file for each section, and the table that names them all. `stream/` is Envoy's way
//! of a stream through its filters. [`World`] is what surrounds them, [`Proxy`] a chain of plugins on its workers,
//! [`Exchange`] one stream through it. No state is global but a memo of compiled modules.

mod abi;
mod attributes;
mod callouts;
mod context;
mod exchange;
mod faults;
mod headers;
mod host_state;
mod info;
mod message;
mod metrics;
mod module;
mod outcome;
mod pairs;
mod plugin;
mod proxy;
mod queues;
mod random;
mod root;
mod schedule;
mod script;
mod shared;
mod status;
mod stream;
mod transcript;
mod vm;
mod world;

pub use callouts::{Callout, CalloutRequest, CalloutResponse, GrpcRequest, GrpcStep};
pub use exchange::Exchange;
pub use faults::{BeforeCas, Faults};
pub use headers::HeaderMap;
pub use info::{Property, StreamInfo};
pub use message::{Message, Piece};
pub use metrics::{MetricKind, Metrics};
pub use module::Module;
pub use outcome::{Callback, Flow, Outcome};
pub use pairs::{PAIRS_BYTES_MAX, PAIRS_COUNT_MAX};
pub use plugin::{FailurePolicy, Plugin};
pub use proxy::{BUFFER_LIMIT_BYTES, Proxy};
pub use script::{Request, Response, Upstream};
pub use shared::SharedData;
pub use status::{LogLevel, Status};
pub use stream::LocalReply;
pub use transcript::{Entry, Kind, Transcript};
pub use world::{EPOCH_NS, LogLine, World};
