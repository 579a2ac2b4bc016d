//! A stub LLM provider: it speaks the providers' APIs, does what a test tells it, and remembers what it received, byte for byte.
//!
//! [`Provider::start`] runs one inside a test; the binary `portcullis-provider` runs one beside an Envoy. What is answered is
//! said by a [`Script`], from `x-stub-*` headers of the request, from `PUT /_stub/script`, or from the library.
//!
//! It is no model and no reference implementation: it validates only what its answers need, and speaks no TLS.
//!
//! Invariants: an answer's bytes do not depend on how they are cut into writes; `usage` says what [`Totals`] count.

mod answer;
mod api;
mod body;
mod control;
mod entry;
mod exchange;
mod gzip;
pub mod load;
mod prebuilt;
mod record;
mod reply;
mod script;
mod server;
mod sse;
mod stub;
pub mod tokens;
mod totals;

pub use exchange::REQUEST_BODY_BYTES_MAX;
pub use record::{Arrival, Delivery, RECORDED_BYTES_MAX, RECORDED_REQUESTS_MAX, Received};
pub use script::{DELAY_MS_MAX, FILL_TOKENS_MAX, HEADER_PREFIX, LineEnd, Script};
pub use server::{Builder, Provider, SHUTDOWN_GRACE};
pub use stub::SCRIPTS_MAX;
pub use totals::Totals;
