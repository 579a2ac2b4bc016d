//! What arrived and what became of it, byte for byte.
//!
//! The store is bounded in entries and in bytes of bodies: the oldest go first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;

/// The most requests kept, so that a stub left running does not grow without end.
pub const RECORDED_REQUESTS_MAX: usize = 10_000;

/// The most bytes of bodies kept; the newest request is kept whatever its size.
pub const RECORDED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One request as it arrived, and what the stub knows of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Counts the requests of this stub; ids in answers and `x-request-id` hold it.
    pub seq: u64,
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Names in lower case and raw values, in the order of arrival; values of one name stand together.
    pub headers: Vec<(String, Bytes)>,
    /// The body, decoded from its transfer coding only; what had arrived if it was cut.
    pub body: Bytes,
    /// As `headers`.
    pub trailers: Vec<(String, Bytes)>,
    /// Whether all of the request arrived.
    pub arrival: Arrival,
    /// The API it was taken for, if any.
    pub api: Option<&'static str>,
    /// The status it was answered with.
    pub status: Option<u16>,
    /// What became of the answer.
    pub delivery: Delivery,
    /// Tokens of the prompt as `usage` says or would have said; `None` where nothing was generated.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, likewise; also those that were not delivered.
    pub completion_tokens: Option<u64>,
}

/// Whether all of a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Its body is still arriving.
    Arriving,
    /// It arrived to its end.
    Complete,
    /// The peer went away, or broke the framing, before the end.
    Cut,
}

/// What became of an answer. Bytes are those of the body handed to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Not begun, or under way.
    Pending,
    /// Written to its end.
    Complete {
        /// Bytes of the body.
        bytes: u64,
    },
    /// The peer went away before the end.
    Cancelled {
        /// Bytes of the body.
        after_bytes: u64,
    },
    /// Ended early by the stub itself, as its script said.
    Aborted {
        /// Bytes of the body.
        after_bytes: u64,
    },
}

impl Received {
    /// What is known when the head has arrived.
    pub(crate) fn new(seq: u64, head: &Parts) -> Received {
        Received {
            seq,
            method: head.method.to_string(),
            path: head
                .uri
                .path_and_query()
                .map_or_else(|| head.uri.to_string(), ToString::to_string),
            version: format!("{:?}", head.version),
            headers: raw(&head.headers),
            body: Bytes::new(),
            trailers: Vec::new(),
            arrival: Arrival::Arriving,
            api: None,
            status: None,
            delivery: Delivery::Pending,
            prompt_tokens: None,
            completion_tokens: None,
        }
    }

    /// The raw values of a header, named in lower case.
    pub fn header(&self, name: &str) -> Vec<&[u8]> {
        self.headers
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| &value[..])
            .collect()
    }

    /// The body as text; lossy where it is no UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The bounded store.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<Received>,
    body_bytes: usize,
}

impl Recorder {
    pub(crate) fn received(&self) -> Vec<Received> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, received: Received) {
        let mut kept = self.lock();
        kept.requests.push_back(received);
        kept.trim();
    }

    /// Changes an entry; one that is gone already stays gone.
    pub(crate) fn update(&self, seq: u64, change: impl FnOnce(&mut Received)) {
        let mut kept = self.lock();
        // An entry is nearly always among the newest.
        if let Some(entry) = kept
            .requests
            .iter_mut()
            .rev()
            .find(|entry| entry.seq == seq)
        {
            let before = entry.body.len();
            change(entry);
            let after = entry.body.len();
            kept.body_bytes = kept.body_bytes.saturating_sub(before).saturating_add(after);
            kept.trim();
        }
    }
}

impl Kept {
    fn trim(&mut self) {
        while self.requests.len() > 1
            && (self.requests.len() > RECORDED_REQUESTS_MAX || self.body_bytes > RECORDED_BYTES_MAX)
        {
            if let Some(oldest) = self.requests.pop_front() {
                self.body_bytes = self.body_bytes.saturating_sub(oldest.body.len());
            }
        }
    }
}

/// Names and raw values.
pub(crate) fn raw(headers: &HeaderMap) -> Vec<(String, Bytes)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(seq: u64) -> Received {
        let (head, ()) = hyper::Request::new(()).into_parts();
        Received::new(seq, &head)
    }

    #[test]
    fn the_store_is_bounded_in_number() {
        let recorder = Recorder::default();
        let extra = 5;
        for seq in 0..RECORDED_REQUESTS_MAX as u64 + extra {
            recorder.insert(received(seq));
        }
        let received = recorder.received();
        assert_eq!(received.len(), RECORDED_REQUESTS_MAX);
        assert_eq!(received.first().map(|entry| entry.seq), Some(extra));
    }

    #[test]
    fn the_store_is_bounded_in_bytes() {
        let recorder = Recorder::default();
        let size = RECORDED_BYTES_MAX / 4;
        for seq in 0..6 {
            recorder.insert(received(seq));
            recorder.update(seq, |entry| entry.body = vec![0; size].into());
        }
        let kept: Vec<u64> = recorder.received().iter().map(|entry| entry.seq).collect();
        assert_eq!(kept, [2, 3, 4, 5]);
    }
}
