//! Response bodies.

use crate::TextSink;
use portcullis_policy::{Endpoint, Reason, Refusal, ResponseMeaning};

/// What a response's body is, from its `content-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json` and `…+json`.
    Json,
    /// `text/event-stream`.
    EventStream,
    /// Other `text/…`.
    Plain,
}

/// What may go on to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// Exactly the chunk just pushed; from `finish` of a body that does not stream: exactly the whole body.
    AsIs,
    /// These bytes, in place of the chunk. May be empty.
    Bytes(Vec<u8>),
}

/// Reads a response's body, chunk by chunk.
#[derive(Debug)]
pub struct ResponseReader;

impl ResponseReader {
    /// With `want_text` all text goes to the sink; without, only usage is read and nothing is held.
    #[must_use]
    pub fn new(_endpoint: Endpoint, _status: u16, _kind: BodyKind, _body_bytes_max: usize, _want_text: bool) -> Self {
        Self
    }

    /// Whether `push` releases bytes as it goes. If not, `finish` releases all at once.
    #[must_use]
    pub fn streams(&self) -> bool {
        false
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `unreadable_response`, and what the sink refuses.
    pub fn push(&mut self, _chunk: &[u8], _sink: &mut dyn TextSink) -> Result<Released, Refusal> {
        Err(Refusal::new(Reason::PolicyUnavailable, "not there yet"))
    }

    /// The body is complete.
    ///
    /// # Errors
    /// `unreadable_response`, and what the sink refuses.
    pub fn finish(&mut self, _sink: &mut dyn TextSink) -> Result<Released, Refusal> {
        Err(Refusal::new(Reason::PolicyUnavailable, "not there yet"))
    }

    /// Ends a stream half way.
    pub fn stop(&mut self, _refusal: &Refusal) -> Vec<u8> {
        Vec::new()
    }

    /// What is known so far, also after a cut.
    #[must_use]
    pub fn meaning(&self) -> ResponseMeaning {
        ResponseMeaning::default()
    }
}
