//! Streamed responses: however cut they come to the same, nothing is changed that was not asked for, and what was asked for is.
//!
//! Input: choices, then the stream.

use portcullis_policy::{Endpoint, Reason};
use portcullis_wire::{BodyKind, Released, ResponseReader};

use crate::input::{Input, pieces};
use crate::sink::Redact;

/// Panics when cuts matter or untouched bytes were touched.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let endpoint = if input.byte() % 2 == 0 {
        Endpoint::OpenAiChat
    } else {
        Endpoint::AnthropicMessages
    };
    let sizes = input.sizes();
    let body = input.rest();
    let whole = relay(endpoint, &[body]);
    assert_eq!(whole, relay(endpoint, &pieces(body, &sizes)), "cuts matter");
    assert_eq!(whole, relay(endpoint, &pieces(body, &[1])), "cuts matter");
    let (out, refused, sink) = whole;
    if refused.is_none() && sink.found == 0 {
        assert_eq!(out, body, "untouched bytes were touched");
    }
    // The sink edits what is at hand, so no edit can fail.
    assert_ne!(refused, Some(Reason::PolicyUnavailable));
}

fn relay(endpoint: Endpoint, pieces: &[&[u8]]) -> (Vec<u8>, Option<Reason>, Redact) {
    let mut sink = Redact::default();
    let mut reader = ResponseReader::new(endpoint, 200, BodyKind::EventStream, 1 << 20, true);
    let (mut out, mut refused) = (Vec::new(), None);
    for piece in pieces {
        match reader.push(piece, &mut sink) {
            Ok(Released::AsIs) => out.extend_from_slice(piece),
            Ok(Released::Bytes(bytes)) => out.extend(bytes),
            Err(refusal) => {
                out.extend(reader.stop(&refusal));
                refused = refused.or(Some(refusal.reason));
            }
        }
    }
    match reader.finish(&mut sink) {
        Ok(Released::AsIs) => panic!("a stream has no whole"),
        Ok(Released::Bytes(bytes)) => out.extend(bytes),
        Err(refusal) => {
            out.extend(reader.stop(&refusal));
            refused = refused.or(Some(refusal.reason));
        }
    }
    (out, refused, sink)
}
