//! Replies that Envoy or a filter makes itself (source/common/http/filter_manager.cc and utility.cc).

use std::rc::Rc;

use super::chain::From;
use super::{Direction, Source, Stream};
use crate::attributes::grpc_status_of_http;
use crate::headers::{HeaderMap, MapKind};
use crate::message::Piece;

/// A reply that does not come from the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status.
    pub status: u32,
    /// The body.
    pub body: Vec<u8>,
    /// What `%RESPONSE_CODE_DETAILS%` shows.
    pub details: String,
    /// The headers that were asked for, without those that Envoy adds.
    pub headers: HeaderMap,
    /// The gRPC status that was asked for; only gRPC requests see it.
    pub grpc_status: Option<u32>,
}

impl LocalReply {
    pub(crate) fn new(status: u32, body: &str, details: &str) -> Self {
        Self {
            status,
            body: body.as_bytes().to_vec(),
            details: details.to_owned(),
            headers: HeaderMap::new(),
            grpc_status: None,
        }
    }

    /// Headers and body as they go into the filter chain.
    fn encode(&self, is_grpc: bool, is_head: bool) -> (HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::from([(":status", self.status.to_string())]);
        // Envoy takes no pseudo-headers from a guest here.
        for (name, value) in self
            .headers
            .iter()
            .filter(|(name, _)| !name.starts_with(b":"))
        {
            headers.add_known(MapKind::Response, name, value);
        }
        if is_grpc {
            let status = self
                .grpc_status
                .unwrap_or_else(|| grpc_status_of_http(self.status));
            headers.set(":status", "200");
            headers.set("content-type", "application/grpc");
            if !headers.contains("grpc-status") {
                headers.set("grpc-status", status.to_string());
            }
            if !self.body.is_empty() && !is_head {
                headers.set("grpc-message", percent_encode(&self.body));
            }
            headers.remove("content-length");
            return (headers, Vec::new());
        }
        if self.body.is_empty() {
            headers.remove("content-type");
            headers.remove("content-length");
        } else {
            headers.set("content-length", self.body.len().to_string());
            if !headers.contains("content-type") {
                headers.set("content-type", "text/plain");
            }
        }
        (
            headers,
            if is_head {
                Vec::new()
            } else {
                self.body.clone()
            },
        )
    }
}

/// Percent encoding of `grpc-message` (gRPC over HTTP/2, "Responses").
fn percent_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if (0x20..0x7f).contains(byte) && *byte != b'%' {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

impl Stream {
    /// Answers the client with a local reply. From a request callback it waits until the callback has returned; once
    /// response headers have passed the filters it goes directly to the client, past them; once they have left for the
    /// client nothing can be said any more and the stream is cut.
    pub(crate) fn reply_locally(self: &Rc<Self>, reply: LocalReply) {
        let (in_request, response_began, headers_left) = self.with(|state| {
            let calls = (state.request.calls > 0, state.response.calls > 0);
            match calls {
                (true, _) => state.request.aborted = true,
                (false, true) => state.response.aborted = true,
                (false, false) => {}
            }
            (
                calls.0,
                state.response.headers.is_some(),
                state.client.started(),
            )
        });
        if self.with(|state| state.ended) {
            return;
        }
        self.with(|state| state.details = Some(reply.details.clone()));
        if headers_left {
            self.remark(&format!(
                "cut because of {}: response headers have left",
                reply.details
            ));
            self.end(Some(Direction::Response));
        } else if response_began {
            self.send_past_filters(reply);
        } else if in_request {
            self.with(|state| state.prepared_reply.get_or_insert(reply).status);
        } else {
            self.send_through_filters(reply);
        }
    }

    pub(super) fn send_prepared_reply(self: &Rc<Self>) {
        if let Some(reply) = self.with(|state| state.prepared_reply.take()) {
            self.send_through_filters(reply);
        }
    }

    fn encode_reply(&self, reply: &LocalReply) -> (HeaderMap, Vec<u8>) {
        let (is_grpc, is_head) = self.with(|state| {
            let header = |name| {
                state
                    .request
                    .headers
                    .as_ref()
                    .and_then(|headers| headers.text(name))
                    .unwrap_or_default()
            };
            let content_type = header("content-type");
            let is_grpc =
                content_type == "application/grpc" || content_type.starts_with("application/grpc+");
            (is_grpc, header(":method") == "HEAD")
        });
        self.remark(&format!("local reply {} {}", reply.status, reply.details));
        self.stop_upstream();
        self.with(|state| {
            state.response_is_local = true;
            state.local_reply = Some(reply.clone());
        });
        reply.encode(is_grpc, is_head)
    }

    fn send_through_filters(self: &Rc<Self>, reply: LocalReply) {
        let (headers, body) = self.encode_reply(&reply);
        let end_stream = body.is_empty();
        self.with(|state| {
            state.response.headers = Some(headers);
            state.response.observed_end = end_stream;
        });
        self.pass_headers(Direction::Response, From::Start, end_stream);
        if !end_stream {
            self.with(|state| {
                state.response.observed_end = true;
                state.response.received_bytes += u64::try_from(body.len()).unwrap_or(u64::MAX);
                state.response.chunk = body;
            });
            self.pass_data(Direction::Response, From::Start, Source::Chunk, true);
        }
    }

    fn send_past_filters(self: &Rc<Self>, reply: LocalReply) {
        let (headers, body) = self.encode_reply(&reply);
        let end_stream = body.is_empty();
        self.with(|state| {
            state.response.headers = Some(headers.clone());
            state.response.aborted = true;
        });
        self.leave(Direction::Response, Piece::Headers(headers, end_stream));
        if !end_stream {
            self.leave(Direction::Response, Piece::Data(body, true));
        }
        self.end_if_response_is_complete(Direction::Response, true);
    }
}
