//! What the exchanges of a worker share: the chain of its records, and their delivery.

use crate::chain::{Body, Chain, Entry};
use crate::sink::{Gap, Sink};
use portcullis_policy::{Answer, Background, CallId, Effects, Metric, Outbox, Timestamp};
use serde::Serialize;
use std::time::Duration;

/// Chain and delivery.
pub(crate) struct Ledger {
    chain: Chain,
    sink: Option<Sink>,
}

/// A gap's record.
#[derive(Serialize)]
struct Missing<'a> {
    timestamp: String,
    event_type: &'static str,
    missing: Range<'a>,
}

/// Numbers of records that the collector did not get.
#[derive(Serialize)]
struct Range<'a> {
    id: &'a str,
    from: u64,
    to: u64,
    count: u64,
}

impl Ledger {
    pub const fn new(chain: Chain, sink: Option<Sink>) -> Self {
        Self { chain, sink }
    }

    /// An exchange begins; `false` when its record could not be delivered and nothing may go unaudited.
    pub fn admit(&mut self) -> bool {
        self.sink.as_mut().is_none_or(Sink::reserve)
    }

    /// The exchange for which a place was kept is over.
    pub fn release(&mut self) {
        if let Some(sink) = &mut self.sink {
            sink.release();
        }
    }

    /// Puts records into the chain and into the queue, `kept` when there is a place for them. Answers with all lines that came of it, for the log.
    #[inline(never)]
    pub fn write(
        &mut self,
        now: Timestamp,
        bodies: &[Body],
        kept: bool,
        out: &mut Effects<'_>,
    ) -> String {
        let mut entries = Vec::with_capacity(bodies.len());
        let gap = self.sink.as_mut().and_then(Sink::take_gap);
        let first = gap.map(|gap| gap_body(now, &gap));
        let heads = self.chain.heads_due(now, out.store);
        for body in first.iter().chain(&heads).chain(bodies) {
            self.chain.append(now, out.store, body, &mut entries);
        }
        let mut lines = String::new();
        let mut dropped = 0;
        for entry in entries {
            match &mut self.sink {
                // Nearly always there is but this one.
                None if lines.is_empty() => lines = entry.line,
                sink => {
                    if !lines.is_empty() {
                        lines.push('\n');
                    }
                    lines.push_str(&entry.line);
                    let lost = sink.as_mut().is_some_and(|sink| !sink.push(entry, kept));
                    dropped += u64::from(lost);
                }
            }
        }
        if dropped > 0 {
            out.count(Metric::AuditDropped, dropped);
        }
        lines
    }

    fn delivered(&mut self, now: Timestamp, last: Option<Entry>, out: &mut Outbox<'_>) {
        let Some(last) = last.filter(|last| self.chain.id() == Some(&last.id)) else {
            return;
        };
        self.chain.delivered = Some(last.seq + 1);
        self.chain.publish(now, out.store, false);
    }
}

fn gap_body(now: Timestamp, gap: &Gap) -> Body {
    let missing = Missing {
        timestamp: now.to_rfc3339(),
        event_type: "gap",
        missing: Range {
            id: &gap.id,
            from: gap.from,
            to: gap.to,
            count: gap.count,
        },
    };
    Body::of("gap", &missing)
}

/// How often a worker that delivers nothing is asked; it has nothing to say.
const IDLE: Duration = Duration::from_secs(3600);

impl Background for Ledger {
    fn period(&self) -> Duration {
        self.sink.as_ref().map_or(IDLE, Sink::period)
    }

    fn start(&mut self, random: &[u8; 32]) {
        self.chain.seed(*random);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outbox<'_>) {
        if let Some(sink) = &mut self.sink {
            sink.tick(now, out);
        }
    }

    fn answered(&mut self, now: Timestamp, call: CallId, answer: &Answer, out: &mut Outbox<'_>) {
        if let Some(sink) = &mut self.sink {
            let last = sink.answered(now, call, answer, out);
            self.delivered(now, last, out);
        }
    }

    fn stop(&mut self, now: Timestamp, out: &mut Outbox<'_>) -> bool {
        let done = self.sink.as_mut().is_none_or(|sink| sink.stop(now, out));
        if done {
            self.chain.close(now, out.store);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::PolicyDigest;
    use crate::seal::Seal;
    use crate::sink::{Overflow, Settings};
    use portcullis_policy::config::Document;
    use portcullis_policy::{MemoryStore, Store as _};

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    /// The chain's head: number of the last record, and how many were delivered.
    fn head(store: &mut MemoryStore) -> (String, String) {
        let (bytes, _) = store.load("portcullis/audit/chain/0").unwrap().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let mut words = text.split(' ').skip(1);
        let seq = words.next().unwrap().to_owned();
        (seq, words.nth(1).unwrap().to_owned())
    }

    #[test]
    fn heads_count_what_was_delivered_of_their_chain() {
        let policy = PolicyDigest::of(&Document::parse(b"{}").unwrap());
        let chain = Chain::new(Seal::Plain, policy, None, true);
        let sink = Sink::new(Settings {
            cluster: "collector".into(),
            path: "/v1/logs".into(),
            authority: "collector".into(),
            service: None,
            batch: 2,
            flush: Duration::from_secs(1),
            queue: 8,
            timeout: Duration::from_secs(5),
            overflow: Overflow::Drop,
        });
        let mut ledger = Ledger::new(chain, Some(sink));
        ledger.start(&[1; 32]);
        let mut store = MemoryStore::default();
        let body = Body::of("x", &serde_json::json!({ "event_type": "x" }));
        for secs in 0..2 {
            ledger.write(
                at(secs),
                std::slice::from_ref(&body),
                false,
                &mut Effects::new(&mut store),
            );
        }
        assert_eq!(head(&mut store), ("2".into(), "0".into()));
        let mut out = Outbox::new(&mut store);
        ledger.tick(at(3), &mut out);
        let (call, _) = out.take_calls().pop().unwrap();
        ledger.answered(at(3), call, &Answer::of(200), &mut out);
        assert_eq!(head(&mut store), ("2".into(), "2".into()));
        // An answer about records of a chain that this one has followed.
        let last = Entry {
            line: String::new(),
            id: "another".into(),
            seq: 9,
            event: "x",
            at: at(0),
        };
        ledger.delivered(at(4), Some(last), &mut Outbox::new(&mut store));
        assert_eq!(head(&mut store), ("2".into(), "2".into()));
    }
}
