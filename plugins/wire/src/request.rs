//! Request bodies.

use crate::TextSink;
use portcullis_policy::{Endpoint, Reason, Refusal, RequestMeaning};

/// Reads a request's body, chunk by chunk.
#[derive(Debug)]
pub struct RequestReader;

impl RequestReader {
    /// For a body of at most `body_bytes_max` bytes.
    #[must_use]
    pub fn new(_endpoint: Endpoint, _body_bytes_max: usize) -> Self {
        Self
    }

    /// Takes the next bytes; texts go to `sink` as far as they can be read.
    ///
    /// # Errors
    /// `malformed_body`, `body_too_large`, and what the sink refuses.
    pub fn push(&mut self, _chunk: &[u8], _sink: &mut dyn TextSink) -> Result<(), Refusal> {
        Err(Refusal::new(Reason::PolicyUnavailable, "not there yet"))
    }

    /// The body is complete: what it means.
    ///
    /// # Errors
    /// `malformed_body` when it is not complete or means nothing, and what the sink refuses.
    pub fn finish(&mut self, _sink: &mut dyn TextSink) -> Result<RequestMeaning, Refusal> {
        Err(Refusal::new(Reason::PolicyUnavailable, "not there yet"))
    }

    /// The body with all edits carried out; `None` when there were none and the body leaves as it came.
    pub fn edited(&mut self) -> Option<Vec<u8>> {
        None
    }
}
