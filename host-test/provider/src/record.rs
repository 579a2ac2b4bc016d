//! What arrived and what became of it, byte for byte, and the stub's own accounting.
//!
//! The store is bounded in entries and in bytes of bodies: the oldest go first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
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

/// The stub's accounting since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests of any kind but `/_stub`.
    pub requests: u64,
    /// Answers generated and delivered to their end.
    pub answers: u64,
    /// Answers generated and not delivered to their end: cancelled, aborted, or ended by an error event.
    pub cut: u64,
    /// Errors answered.
    pub errors: u64,
    /// Prompt tokens of `answers` and `cut`.
    pub prompt_tokens: u64,
    /// Completion tokens of `answers`.
    pub completion_tokens: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    answers: AtomicU64,
    cut: AtomicU64,
    errors: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
}

impl Counters {
    pub(crate) fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        Totals {
            requests: read(&self.requests),
            answers: read(&self.answers),
            cut: read(&self.cut),
            errors: read(&self.errors),
            prompt_tokens: read(&self.prompt_tokens),
            completion_tokens: read(&self.completion_tokens),
        }
    }

    pub(crate) fn reset(&self) {
        for counter in [
            &self.requests,
            &self.answers,
            &self.cut,
            &self.errors,
            &self.prompt_tokens,
            &self.completion_tokens,
        ] {
            counter.store(0, Ordering::Release);
        }
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::AcqRel);
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

    fn insert(&self, received: Received) {
        let mut kept = self.lock();
        kept.requests.push_back(received);
        kept.trim();
    }

    /// Changes an entry; one that is gone already stays gone.
    fn update(&self, seq: u64, change: impl FnOnce(&mut Received)) {
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

/// The account of one request, open until its answer is delivered. Dropping it early means that the peer went away.
#[derive(Debug)]
pub(crate) struct Entry {
    seq: u64,
    recorder: Option<Arc<Recorder>>,
    counters: Arc<Counters>,
    body: BytesMut,
    arriving: bool,
    /// Tokens of the prompt and of the answer, once something is generated.
    generated: Option<(u64, u64)>,
    delivered: bool,
}

impl Entry {
    /// Opens the account when the head of a request has arrived.
    pub(crate) fn open(
        seq: u64,
        head: &Parts,
        recorder: Option<&Arc<Recorder>>,
        counters: &Arc<Counters>,
    ) -> Entry {
        add(&counters.requests, 1);
        if let Some(recorder) = recorder {
            recorder.insert(Received {
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
            });
        }
        Entry {
            seq,
            recorder: recorder.cloned(),
            counters: Arc::clone(counters),
            body: BytesMut::new(),
            arriving: true,
            generated: None,
            delivered: false,
        }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Bytes of the body that have arrived.
    pub(crate) fn arrived(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn push(&mut self, data: &[u8]) {
        self.body.extend_from_slice(data);
    }

    /// The request has arrived to its end; returns its body.
    pub(crate) fn complete(&mut self, trailers: Option<&HeaderMap>) -> Bytes {
        let body = self.body.split().freeze();
        self.arriving = false;
        self.update(|entry| {
            entry.arrival = Arrival::Complete;
            entry.body = body.clone();
            entry.trailers = trailers.map(raw).unwrap_or_default();
        });
        body
    }

    /// The request belongs to an API.
    pub(crate) fn belongs_to(&self, api: &'static str) {
        self.update(|entry| entry.api = Some(api));
    }

    /// The answer begins.
    pub(crate) fn answered(&self, status: u16) {
        if status >= 400 {
            add(&self.counters.errors, 1);
        }
        self.update(|entry| entry.status = Some(status));
    }

    /// Something is generated for the request.
    pub(crate) fn generated(&mut self, prompt_tokens: u64, completion_tokens: u64) {
        self.generated = Some((prompt_tokens, completion_tokens));
        add(&self.counters.prompt_tokens, prompt_tokens);
        self.update(|entry| {
            entry.prompt_tokens = Some(prompt_tokens);
            entry.completion_tokens = Some(completion_tokens);
        });
    }

    /// What is being generated breaks off in the middle, however well it is delivered.
    pub(crate) fn broken_off(&mut self) {
        if self.generated.take().is_some() {
            add(&self.counters.cut, 1);
        }
    }

    /// The account is settled: all of the answer was handed over.
    pub(crate) fn delivered(&mut self, bytes: u64) {
        if let Some((_, completion_tokens)) = self.generated.take() {
            add(&self.counters.answers, 1);
            add(&self.counters.completion_tokens, completion_tokens);
        }
        self.settle(Delivery::Complete { bytes });
    }

    /// The account is settled: the stub ended the answer.
    pub(crate) fn aborted(&mut self, after_bytes: u64) {
        self.broken_off();
        self.settle(Delivery::Aborted { after_bytes });
    }

    /// The account is settled: the peer went away. Also what dropping means, but for the number of bytes.
    pub(crate) fn cancelled(&mut self, after_bytes: u64) {
        if !self.delivered {
            self.broken_off();
            self.settle(Delivery::Cancelled { after_bytes });
        }
    }

    fn settle(&mut self, delivery: Delivery) {
        self.delivered = true;
        self.update(|entry| entry.delivery = delivery);
    }

    fn update(&self, change: impl FnOnce(&mut Received)) {
        if let Some(recorder) = &self.recorder {
            recorder.update(self.seq, change);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.arriving {
            let body = self.body.split().freeze();
            self.update(|entry| {
                entry.arrival = Arrival::Cut;
                entry.body = body;
            });
        }
        self.cancelled(0);
    }
}

fn raw(headers: &HeaderMap) -> Vec<(String, Bytes)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(seq: u64, recorder: &Arc<Recorder>, counters: &Arc<Counters>) -> Entry {
        let (head, ()) = hyper::Request::new(()).into_parts();
        Entry::open(seq, &head, Some(recorder), counters)
    }

    #[test]
    fn the_store_is_bounded_in_number() {
        let (recorder, counters) = (Arc::default(), Arc::default());
        let extra = 5;
        for seq in 0..RECORDED_REQUESTS_MAX as u64 + extra {
            open(seq, &recorder, &counters).complete(None);
        }
        let received = recorder.received();
        assert_eq!(received.len(), RECORDED_REQUESTS_MAX);
        assert_eq!(received.first().map(|entry| entry.seq), Some(extra));
    }

    #[test]
    fn the_store_is_bounded_in_bytes() {
        let (recorder, counters) = (Arc::default(), Arc::default());
        let size = RECORDED_BYTES_MAX / 4;
        for seq in 0..6 {
            let mut entry = open(seq, &recorder, &counters);
            entry.push(&vec![0; size]);
            entry.complete(None);
        }
        let kept: Vec<u64> = recorder.received().iter().map(|entry| entry.seq).collect();
        assert_eq!(kept, [2, 3, 4, 5]);
    }

    #[test]
    fn totals_count_what_was_delivered() {
        let (recorder, counters) = (Arc::default(), Arc::<Counters>::default());
        let mut whole = open(0, &recorder, &counters);
        whole.complete(None);
        whole.generated(10, 20);
        whole.answered(200);
        whole.delivered(100);
        let mut cut = open(1, &recorder, &counters);
        cut.complete(None);
        cut.generated(1, 2);
        drop(cut);
        drop(whole);
        let expected = Totals {
            requests: 2,
            answers: 1,
            cut: 1,
            errors: 0,
            prompt_tokens: 11,
            completion_tokens: 20,
        };
        assert_eq!(counters.totals(), expected);
        let deliveries: Vec<Delivery> = recorder
            .received()
            .iter()
            .map(|entry| entry.delivery)
            .collect();
        assert_eq!(
            deliveries,
            [
                Delivery::Complete { bytes: 100 },
                Delivery::Cancelled { after_bytes: 0 }
            ]
        );
    }
}
