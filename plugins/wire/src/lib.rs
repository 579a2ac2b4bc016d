//! LLM formats: bytes to meaning and edits to bytes.

mod endpoint;
mod json;
mod request;
mod response;
mod sink;
mod spelling;

pub use endpoint::{endpoint, path_without_query};
pub use request::RequestReader;
pub use response::{BodyKind, Released, ResponseReader};
pub use sink::TextSink;
pub use spelling::{Dialect, LocalReply, budget_headers, refusal, upstream_header_name};
