//! The body of an answer, paced and cut as a script says.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::entry::Entry;

/// How a body leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Every write has so many bytes; without it a piece is a write.
    pub(crate) chunk_bytes: Option<usize>,
    /// The pause between two writes.
    pub(crate) delay: Option<Duration>,
    /// End the connection after so many bytes.
    pub(crate) abort_after_bytes: Option<u64>,
    /// Leave the length unsaid.
    pub(crate) unknown_length: bool,
    /// What follows the body.
    pub(crate) trailers: Option<HeaderMap>,
}

/// A body that is being delivered.
#[derive(Debug)]
pub(crate) struct Body {
    writes: VecDeque<Bytes>,
    /// Bytes still to come, where the length is said; more than `writes` hold if the body is to be aborted.
    left: Option<u64>,
    sent: u64,
    flush_between: bool,
    /// The connection flushes when the body has nothing for it, so before some writes the body has nothing once.
    flush: bool,
    delay: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
    abort: bool,
    trailers: Option<HeaderMap>,
    entry: Option<Entry>,
}

/// The stub closes the connection because a script said so.
#[derive(Debug)]
pub(crate) struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script ends the connection here")
    }
}

impl Error for Aborted {}

impl Body {
    /// A body of `pieces`, whose delivery `entry` accounts for.
    pub(crate) fn new(pieces: Vec<Bytes>, pace: Pace, entry: Option<Entry>) -> Body {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        let mut writes: VecDeque<Bytes> = match pace.chunk_bytes {
            Some(chunk_bytes) => split(&pieces, chunk_bytes).into(),
            None => pieces
                .into_iter()
                .filter(|piece| !piece.is_empty())
                .collect(),
        };
        let abort = pace.abort_after_bytes.is_some();
        if let Some(keep) = pace.abort_after_bytes {
            truncate(&mut writes, keep);
        }
        let mut body = Body {
            left: (!pace.unknown_length && pace.trailers.is_none()).then_some(length),
            sent: 0,
            flush_between: pace.chunk_bytes.is_some(),
            flush: abort && writes.is_empty(),
            delay: pace.delay,
            pause: None,
            abort,
            trailers: pace.trailers,
            entry,
            writes,
        };
        body.settle_if_done();
        body
    }

    /// A body in one piece that no record accounts for.
    pub(crate) fn plain(bytes: impl Into<Bytes>) -> Body {
        Body::new(vec![bytes.into()], Pace::default(), None)
    }

    fn is_done(&self) -> bool {
        self.writes.is_empty() && !self.abort && self.trailers.is_none()
    }

    fn settle_if_done(&mut self) {
        if self.is_done()
            && let Some(mut entry) = self.entry.take()
        {
            entry.delivered(self.sent);
        }
    }

    fn next_frame(&mut self) -> Option<Result<Frame<Bytes>, Aborted>> {
        if let Some(data) = self.writes.pop_front() {
            let bytes = data.len() as u64;
            self.sent = self.sent.saturating_add(bytes);
            self.left = self.left.map(|left| left.saturating_sub(bytes));
            self.flush = if self.writes.is_empty() {
                self.abort
            } else {
                self.flush_between
            };
            self.pause = self
                .delay
                .filter(|_| !self.writes.is_empty())
                .map(|delay| Box::pin(sleep(delay)));
            self.settle_if_done();
            return Some(Ok(Frame::data(data)));
        }
        if self.abort {
            if let Some(mut entry) = self.entry.take() {
                entry.aborted(self.sent);
            }
            return Some(Err(Aborted));
        }
        let trailers = self.trailers.take()?;
        self.settle_if_done();
        Some(Ok(Frame::trailers(trailers)))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
            self.flush = false;
        }
        if self.flush {
            self.flush = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.next_frame())
    }

    fn is_end_stream(&self) -> bool {
        self.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.cancelled(self.sent);
        }
    }
}

/// The same bytes in pieces of `size`, wherever these cut.
fn split(pieces: &[Bytes], size: usize) -> Vec<Bytes> {
    let mut joined = BytesMut::new();
    for piece in pieces {
        joined.extend_from_slice(piece);
    }
    let mut rest = joined.freeze();
    let mut out = Vec::new();
    while !rest.is_empty() {
        out.push(rest.split_to(size.min(rest.len())));
    }
    out
}

/// Keeps the first `keep` bytes.
fn truncate(writes: &mut VecDeque<Bytes>, keep: u64) {
    let mut left = usize::try_from(keep).unwrap_or(usize::MAX);
    writes.retain_mut(|write| {
        write.truncate(left);
        left -= write.len();
        !write.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use proptest::prelude::*;

    /// All frames up to the end or the abort; flushes are passed over.
    fn drain(mut body: Body) -> (Vec<Bytes>, bool) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let mut frames = Vec::new();
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => frames.extend(frame.into_data().ok()),
                    Err(Aborted) => return (frames, true),
                }
            }
            (frames, false)
        })
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_bytes(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
            chunk_bytes in prop::option::of(1_usize..30),
            abort_after_bytes in prop::option::of(0_u64..100),
        ) {
            let whole = pieces.concat();
            let pieces = pieces.into_iter().map(Bytes::from).collect();
            let body = Body::new(pieces, Pace { chunk_bytes, abort_after_bytes, ..Pace::default() }, None);
            let (frames, aborted) = drain(body);
            let keep = abort_after_bytes.map_or(whole.len(), |n| whole.len().min(n as usize));
            prop_assert_eq!(frames.concat(), &whole[..keep]);
            prop_assert_eq!(aborted, abort_after_bytes.is_some());
            if let Some((_, full)) = chunk_bytes.and(frames.split_last()) {
                prop_assert!(full.iter().all(|frame| Some(frame.len()) == chunk_bytes));
            }
        }
    }
}
