//! The account of one request, from its head to the end of its answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hyper::header::HeaderMap;
use hyper::http::request::Parts;

use crate::record::{Arrival, Delivery, Received, Recorder, raw};
use crate::totals::Counters;

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
        counters.count(|totals| totals.requests += 1);
        if let Some(recorder) = recorder {
            recorder.insert(Received::new(seq, head));
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
            self.counters.count(|totals| totals.errors += 1);
        }
        self.update(|entry| entry.status = Some(status));
    }

    /// Something is generated for the request.
    pub(crate) fn generated(&mut self, prompt_tokens: u64, completion_tokens: u64) {
        self.generated = Some((prompt_tokens, completion_tokens));
        self.counters.count(|totals| {
            totals.prompt_tokens = totals.prompt_tokens.saturating_add(prompt_tokens);
        });
        self.update(|entry| {
            entry.prompt_tokens = Some(prompt_tokens);
            entry.completion_tokens = Some(completion_tokens);
        });
    }

    /// What is being generated breaks off in the middle, however well it is delivered.
    pub(crate) fn broken_off(&mut self) {
        if self.generated.take().is_some() {
            self.counters.count(|totals| totals.cut += 1);
        }
    }

    /// The account is settled: all of the answer was handed over.
    pub(crate) fn delivered(&mut self, bytes: u64) {
        if let Some((_, completion_tokens)) = self.generated.take() {
            self.counters.count(|totals| {
                totals.answers += 1;
                totals.completion_tokens =
                    totals.completion_tokens.saturating_add(completion_tokens);
            });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totals::Totals;

    fn open(seq: u64, recorder: &Arc<Recorder>, counters: &Arc<Counters>) -> Entry {
        let (head, ()) = hyper::Request::new(()).into_parts();
        Entry::open(seq, &head, Some(recorder), counters)
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
