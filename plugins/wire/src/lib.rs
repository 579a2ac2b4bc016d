//! LLM formats: bytes to meaning and edits to bytes.

mod document;
mod edits;
mod endpoint;
mod formats;
mod json;
mod media;
mod plain;
mod request;
mod response;
mod sink;
mod spelling;
mod sse;
mod stream;
mod texts;
mod usage;

pub use endpoint::{endpoint, path_without_query};
pub use request::RequestReader;
pub use response::{BodyKind, Released, ResponseReader};
pub use sink::TextSink;
pub use spelling::{Dialect, LocalReply, budget_headers, refusal, upstream_header_name};
