//! How headers, data and trailers go from filter to filter: Envoy's `FilterManager` (source/common/http/filter_manager.cc).
//! Requests go through the chain in the order of the configuration, responses in reverse.

use std::rc::Rc;

use super::{Direction, Iteration, LocalReply, Progress, Source, Stream};
use crate::message::Piece;

/// What a filter answers to headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadersStatus {
    Continue,
    StopIteration,
    StopAllAndBuffer,
    StopAllAndWatermark,
}

/// What a filter answers to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataStatus {
    Continue,
    StopAndBuffer,
    StopAndWatermark,
    StopNoBuffer,
}

/// What a filter answers to trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrailersStatus {
    Continue,
    Stop,
}

/// Where an iteration begins: at the first filter, or at or after one that resumes.
#[derive(Clone, Copy)]
pub(super) enum From {
    Start,
    After(usize),
    /// At the filter itself if it had stopped everything and has not seen this yet, else after it.
    CurrentIfWaiting(usize),
}

/// Response headers that Envoy takes away behind the filters, because they are about the connection to the upstream
/// (`ConnectionManagerUtility::mutateResponseHeaders`). It also sets `date` and `server`, which this host does not.
const HOP_BY_HOP: [&str; 4] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
];

impl Stream {
    /// Filters in the order in which this direction passes them, from a given one.
    fn order(&self, direction: Direction, from: From) -> Vec<usize> {
        self.with(|state| {
            let count = state.filters.len();
            let place = |filter: usize| match direction {
                Direction::Request => filter,
                Direction::Response => count.saturating_sub(filter + 1),
            };
            let start = match from {
                From::Start => 0,
                From::After(filter) => place(filter) + 1,
                From::CurrentIfWaiting(filter) => {
                    let waits = state
                        .filters
                        .get_mut(filter)
                        .is_some_and(|f| f.progress(direction).iterate_from_current);
                    place(filter) + usize::from(!waits)
                }
            };
            // `place` is its own inverse.
            (start..count).map(place).collect()
        })
    }

    fn progress<T>(
        &self,
        direction: Direction,
        filter: usize,
        f: impl FnOnce(&mut Progress) -> T,
    ) -> Option<T> {
        self.with(|state| {
            state
                .filters
                .get_mut(filter)
                .map(|filter| f(filter.progress(direction)))
        })
    }

    /// Whether no filter may be called any more in this direction.
    fn stopped(&self, direction: Direction) -> bool {
        self.with(|state| state.ended || state.half(direction).aborted)
    }

    /// A callback of this direction runs meanwhile: local replies are prepared, not sent.
    fn calling<T>(&self, direction: Direction, f: impl FnOnce() -> T) -> T {
        self.with(|state| state.half(direction).calls += 1);
        let result = f();
        self.with(|state| state.half(direction).calls -= 1);
        result
    }

    /// After a callback: whether the chain was given up because of a local reply, which is then sent.
    fn given_up(self: &Rc<Self>, direction: Direction) -> bool {
        let aborted = self.stopped(direction);
        if aborted && direction == Direction::Request {
            self.send_prepared_reply();
        }
        aborted
    }

    pub(super) fn pass_headers(
        self: &Rc<Self>,
        direction: Direction,
        from: From,
        end_stream: bool,
    ) {
        for filter in self.order(direction, from) {
            if self.stopped(direction) {
                return;
            }
            self.progress(direction, filter, |progress| {
                progress.end_stream = end_stream
            });
            let status = self.calling(direction, || {
                self.filter_headers(direction, filter, end_stream)
            });
            if self.given_up(direction) {
                return;
            }
            let stop = match status {
                HeadersStatus::Continue => None,
                HeadersStatus::StopIteration => Some(Iteration::StopSingle),
                HeadersStatus::StopAllAndBuffer => Some(Iteration::StopAllBuffer),
                HeadersStatus::StopAllAndWatermark => Some(Iteration::StopAllWatermark),
            };
            self.progress(direction, filter, |progress| match stop {
                None => progress.headers_continued = true,
                Some(iteration) => progress.iteration = iteration,
            });
            if stop.is_some() {
                return;
            }
        }
        self.headers_leave(direction, end_stream);
    }

    fn headers_leave(self: &Rc<Self>, direction: Direction, end_stream: bool) {
        let headers = self.with(|state| {
            let headers = state.half(direction).headers.as_mut()?;
            if direction == Direction::Response {
                HOP_BY_HOP.iter().for_each(|name| headers.remove(name));
            }
            Some(headers.clone())
        });
        if let Some(headers) = headers {
            self.leave(direction, Piece::Headers(headers, end_stream));
            self.end_if_response_is_complete(direction, end_stream);
        }
    }

    pub(super) fn pass_data(
        self: &Rc<Self>,
        direction: Direction,
        from: From,
        source: Source,
        end_stream: bool,
    ) {
        if self.stopped(direction) {
            return;
        }
        let had_trailers = self.has_trailers(direction);
        let mut end_stream = end_stream;
        let mut trailers_from = None;
        for filter in self.order(direction, from) {
            if self.hold_if_all_is_stopped(direction, filter, source) {
                return;
            }
            // A filter that has seen the end gets no more, nor do those behind it.
            if self.progress(direction, filter, |progress| progress.end_stream) == Some(true) {
                return;
            }
            let last = end_stream && !self.has_trailers(direction);
            self.progress(direction, filter, |progress| progress.end_stream = last);
            let status = self.calling(direction, || {
                self.filter_data(direction, filter, source, last)
            });
            if self.given_up(direction) {
                return;
            }
            if !had_trailers && trailers_from.is_none() && self.has_trailers(direction) {
                end_stream = false;
                trailers_from = Some(filter);
            }
            if !self.after_data(direction, filter, status, source) {
                // Trailers that a filter added to a request follow even if a later filter stopped the data.
                if let (Some(filter), Direction::Request) = (trailers_from, direction) {
                    self.pass_trailers(direction, From::CurrentIfWaiting(filter));
                }
                return;
            }
        }
        let bytes = self.with(|state| {
            let half = state.half(direction);
            half.over_limit &= source == Source::Chunk;
            std::mem::take(half.bytes(source))
        });
        self.leave(direction, Piece::Data(bytes, end_stream));
        if let Some(filter) = trailers_from {
            self.pass_trailers(direction, From::CurrentIfWaiting(filter));
        }
        self.end_if_response_is_complete(direction, end_stream);
    }

    fn has_trailers(&self, direction: Direction) -> bool {
        self.with(|state| state.half(direction).trailers.is_some())
    }

    /// A filter that stopped everything gets no body callback: the bytes wait.
    fn hold_if_all_is_stopped(
        self: &Rc<Self>,
        direction: Direction,
        filter: usize,
        source: Source,
    ) -> bool {
        let Some(Some(iteration)) = self.progress(direction, filter, |progress| {
            progress.stopped_all().then_some(progress.iteration)
        }) else {
            return false;
        };
        self.with(|state| {
            state.half(direction).streaming = iteration == Iteration::StopAllWatermark
        });
        self.buffer(direction, source);
        true
    }

    /// Handles a filter's answer to data; whether the iteration goes on.
    fn after_data(
        self: &Rc<Self>,
        direction: Direction,
        filter: usize,
        status: DataStatus,
        source: Source,
    ) -> bool {
        let stop = |streaming: Option<bool>| {
            self.progress(direction, filter, |progress| {
                progress.iteration = Iteration::StopSingle
            });
            if let Some(streaming) = streaming {
                self.with(|state| state.half(direction).streaming = streaming);
                self.buffer(direction, source);
            }
            false
        };
        match status {
            DataStatus::Continue => {
                let stopped = self.progress(direction, filter, |progress| {
                    progress.iteration == Iteration::StopSingle
                });
                if stopped != Some(true) {
                    return true;
                }
                self.buffer(direction, source);
                self.resume(direction, filter);
                false
            }
            DataStatus::StopAndBuffer => stop(Some(false)),
            DataStatus::StopAndWatermark => stop(Some(true)),
            DataStatus::StopNoBuffer => {
                // So that resuming later passes an empty last frame on.
                self.with(|state| {
                    let half = state.half(direction);
                    if half.observed_end && half.trailers.is_none() {
                        half.buffered.get_or_insert_default();
                    }
                });
                stop(None)
            }
        }
    }

    /// Moves bytes that just arrived into the buffer; those that come from the buffer stay there.
    pub(super) fn buffer(self: &Rc<Self>, direction: Direction, source: Source) {
        let exceeded = self.with(|state| {
            let half = state.half(direction);
            if source == Source::Chunk {
                let mut chunk = std::mem::take(&mut half.chunk);
                half.buffered.get_or_insert_default().append(&mut chunk);
            }
            let length = half.buffered.as_ref().map_or(0, Vec::len);
            let exceeded = length > half.limit && !half.over_limit;
            half.over_limit = length > half.limit;
            exceeded.then_some(half.streaming)
        });
        match exceeded {
            None => {}
            Some(true) => self.remark("the buffer is full: the sender is slowed down"),
            Some(false) => self.reply_locally(match direction {
                Direction::Request => {
                    LocalReply::new(413, "Payload Too Large", "request_payload_too_large")
                }
                Direction::Response => {
                    LocalReply::new(500, "Internal Server Error", "response_payload_too_large")
                }
            }),
        }
    }

    /// A filter that was resumed from outside has had its bytes buffered once more, although it lets them pass: they go
    /// on with those that pass.
    pub(super) fn unbuffer_if_passing(&self, direction: Direction, filter: usize) {
        let passing = |progress: &mut Progress| progress.iteration == Iteration::Continue;
        if self.progress(direction, filter, passing) == Some(true) {
            self.with(|state| {
                let half = state.half(direction);
                let mut bytes = std::mem::take(half.bytes(Source::Buffered));
                bytes.append(&mut half.chunk);
                half.chunk = bytes;
            });
        }
    }

    pub(super) fn pass_trailers(self: &Rc<Self>, direction: Direction, from: From) {
        if self.stopped(direction) {
            return;
        }
        for filter in self.order(direction, from) {
            if self.progress(direction, filter, |progress| progress.stopped_all()) == Some(true) {
                return;
            }
            let status = self.calling(direction, || self.filter_trailers(direction, filter));
            self.progress(direction, filter, |progress| progress.end_stream = true);
            if self.given_up(direction) {
                return;
            }
            let stopped = self.progress(direction, filter, |progress| {
                let stopped = progress.iteration == Iteration::StopSingle;
                if status == TrailersStatus::Stop && progress.iteration == Iteration::Continue {
                    progress.iteration = Iteration::StopSingle;
                }
                stopped
            });
            match status {
                TrailersStatus::Stop => return,
                TrailersStatus::Continue if stopped == Some(true) => {
                    self.resume(direction, filter);
                    return;
                }
                TrailersStatus::Continue => {}
            }
        }
        if let Some(trailers) = self.with(|state| state.half(direction).trailers.clone()) {
            self.leave(direction, Piece::Trailers(trailers));
            self.end_if_response_is_complete(direction, true);
        }
    }

    /// Whether the headers are in a callback of this filter, or have not come to it.
    pub(super) fn headers_on_their_way(&self, direction: Direction, filter: usize) -> bool {
        let on_their_way = |progress: &mut Progress| {
            !progress.headers_continued && progress.iteration == Iteration::Continue
        };
        self.progress(direction, filter, on_their_way) == Some(true)
    }

    /// Lets the iteration go on after a filter that stopped it (Envoy's `commonContinue`).
    pub(super) fn resume(self: &Rc<Self>, direction: Direction, filter: usize) {
        if self.stopped(direction) {
            return;
        }
        let Some(had_continued) = self.progress(direction, filter, |progress| {
            progress.iterate_from_current = progress.stopped_all();
            progress.iteration = Iteration::Continue;
            std::mem::replace(&mut progress.headers_continued, true)
        }) else {
            return;
        };
        let (ended, buffered) = self.with(|state| {
            let half = state.half(direction);
            (half.observed_end, half.buffered.is_some())
        });
        let had_trailers = self.has_trailers(direction);
        if !had_continued {
            self.pass_headers(
                direction,
                From::After(filter),
                ended && !buffered && !had_trailers,
            );
        }
        if self.with(|state| state.half(direction).buffered.is_some()) {
            self.pass_data(
                direction,
                From::CurrentIfWaiting(filter),
                Source::Buffered,
                ended && !had_trailers,
            );
        }
        if had_trailers {
            self.pass_trailers(direction, From::CurrentIfWaiting(filter));
        }
        self.progress(direction, filter, |progress| {
            progress.iterate_from_current = false
        });
    }
}
