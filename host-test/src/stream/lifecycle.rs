//! What comes from outside (client, upstream, resets), and how a stream ends.

use std::rc::Rc;

use super::chain::From;
use super::{Direction, LocalReply, Source, Stream};
use crate::headers::HeaderMap;
use crate::message::Piece;
use crate::transcript::{Kind, show};

impl Stream {
    /// Whether a message may still grow. Pieces that come after its end, or for a stream that is over, are dropped as
    /// the network drops them.
    fn accepts(&self, direction: Direction, piece: &str) -> bool {
        let accepts = self.with(|state| {
            let upstream_waits =
                state.upstream.started() && !state.upstream.reset() && !state.response_is_local;
            let half = state.half(direction);
            !half.observed_end
                && (direction == Direction::Request || upstream_waits)
                && !state.ended
        });
        if !accepts {
            self.remark(&format!("{piece} dropped"));
        }
        accepts
    }

    fn arrives(&self, direction: Direction, what: &str) {
        let from = match direction {
            Direction::Request => "client",
            Direction::Response => "upstream",
        };
        self.world
            .record(Kind::In, format!("{from} #{} {what}", self.id));
    }

    pub(crate) fn headers_arrive(
        self: &Rc<Self>,
        direction: Direction,
        headers: HeaderMap,
        end_stream: bool,
    ) {
        self.arrives(
            direction,
            &Piece::Headers(headers.clone(), end_stream).to_string(),
        );
        let again = self.with(|state| state.half(direction).headers.is_some());
        if again || !self.accepts(direction, "headers") {
            return;
        }
        self.with(|state| {
            let half = state.half(direction);
            half.headers = Some(headers.joined(direction.map_kind(false)));
            half.observed_end = end_stream;
            if direction == Direction::Response {
                state.details = Some("via_upstream".to_owned());
            }
        });
        self.pass_headers(direction, From::Start, end_stream);
    }

    pub(crate) fn data_arrives(
        self: &Rc<Self>,
        direction: Direction,
        bytes: &[u8],
        end_stream: bool,
    ) {
        self.arrives(
            direction,
            &format!(
                "data{} {}",
                if end_stream { " (end)" } else { "" },
                show(bytes)
            ),
        );
        if self.with(|state| state.half(direction).headers.is_none())
            || !self.accepts(direction, "data")
        {
            return;
        }
        self.with(|state| {
            let half = state.half(direction);
            half.chunk = bytes.to_vec();
            half.received_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            half.observed_end = end_stream;
        });
        self.pass_data(direction, From::Start, Source::Chunk, end_stream);
    }

    pub(crate) fn trailers_arrive(self: &Rc<Self>, direction: Direction, trailers: HeaderMap) {
        self.arrives(direction, &Piece::Trailers(trailers.clone()).to_string());
        if self.with(|state| state.half(direction).headers.is_none())
            || !self.accepts(direction, "trailers")
        {
            return;
        }
        self.with(|state| {
            let half = state.half(direction);
            half.trailers = Some(trailers.joined(direction.map_kind(true)));
            half.observed_end = true;
        });
        self.pass_trailers(direction, From::Start);
    }

    /// The client sends something that is no request: Envoy answers before any filter has seen headers.
    pub(crate) fn request_is_malformed(self: &Rc<Self>, reply: LocalReply) {
        self.arrives(
            Direction::Request,
            &format!("malformed request: {}", reply.details),
        );
        if self.with(|state| state.request.headers.is_none() && !state.ended) {
            self.with(|state| state.request.observed_end = true);
            self.reply_locally(reply);
        }
    }

    pub(crate) fn client_resets(self: &Rc<Self>) {
        self.arrives(Direction::Request, "reset");
        if self.with(|state| state.ended) {
            return;
        }
        self.with(|state| {
            state.went_away = true;
            state.details = Some("downstream_remote_disconnect".to_owned());
        });
        self.end(None);
    }

    pub(crate) fn upstream_resets(self: &Rc<Self>) {
        self.arrives(Direction::Response, "reset");
        if !self.accepts(Direction::Response, "reset") {
            return;
        }
        let began = self.with(|state| {
            state.upstream.push(Piece::Reset);
            state.went_away = true;
            state.response.headers.is_some()
        });
        if began {
            self.with(|state| {
                state.details =
                    Some("upstream_reset_after_response_started{connection_termination}".to_owned())
            });
            self.end(Some(Direction::Response));
        } else {
            let body = "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
            self.reply_locally(LocalReply::new(
                503,
                body,
                "upstream_reset_before_response_started{connection_termination}",
            ));
        }
    }

    /// Cuts the stream to the upstream unless both sides have said everything: a local reply takes the place of the
    /// answer, or the stream is over.
    pub(super) fn stop_upstream(&self) {
        let waits = self.with(|state| {
            let answered = state.response.observed_end && !state.response_is_local;
            state.upstream.started()
                && !state.upstream.reset()
                && !(state.upstream.complete() && answered)
        });
        if waits {
            self.leave(Direction::Request, Piece::Reset);
        }
    }

    pub(super) fn end_if_response_is_complete(
        self: &Rc<Self>,
        direction: Direction,
        end_stream: bool,
    ) {
        if direction == Direction::Response && end_stream {
            self.end(None);
        }
    }

    /// Ends the stream, `cut` in the direction in which the other side must hear of it, and runs the last callbacks.
    pub(super) fn end(self: &Rc<Self>, cut: Option<Direction>) {
        let now = self.world.elapsed();
        let over = self.with(|state| {
            state
                .ended_ns
                .get_or_insert(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
            std::mem::replace(&mut state.ended, true)
        });
        if over {
            return;
        }
        if let Some(direction) = cut {
            self.leave(direction, Piece::Reset);
        }
        self.stop_upstream();
        self.run_last_callbacks();
    }

    /// The test is done with the stream: whatever is still open is closed by the client.
    pub(crate) fn finish(self: &Rc<Self>) {
        if !self.with(|state| state.ended) {
            self.client_resets();
        }
    }
}
