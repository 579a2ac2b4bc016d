//! Delivery of records to a collector: a bounded queue, batches, one call at a time so that order is kept, retries that wait longer each
//! time.
//!
//! A record leaves the queue when the collector has acknowledged it, so each arrives at least once; a call whose answer was lost makes some arrive
//! twice, with the same chain id and number. What finds no room is counted, and its numbers are recorded in the chain as a *gap* as soon as there
//! is room again.

mod otlp;

use crate::chain::Entry;
use portcullis_policy::{Answer, Call, CallId, Metric, Outbox, Timestamp};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// Most bytes of records that wait. Protects a worker's memory where records are large; `queue` bounds their number.
pub(crate) const QUEUE_BYTES_MAX: usize = 8 << 20;

/// Most bytes of records in one call: collectors refuse bodies of more than a few MiB, and quoting makes them longer.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// How long to wait after the first failure, and at most. Doubled each time in between.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How long a VM that is to go waits for a collector.
const FAREWELL_MAX: Duration = Duration::from_secs(10);

/// Longest time between two looks at the queue.
const PERIOD_MAX: Duration = Duration::from_millis(100);

/// What happens when no record fits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// Records are left out, counted, and their numbers recorded.
    Drop,
    /// Requests are refused before that.
    Refuse,
}

/// Where to, and how much at once.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub cluster: String,
    pub path: String,
    pub authority: String,
    pub service: Option<String>,
    /// Records in one call.
    pub batch: usize,
    /// How long a record waits for others.
    pub flush: Duration,
    /// Records that wait at most.
    pub queue: usize,
    pub timeout: Duration,
    pub overflow: Overflow,
}

/// Records that the collector will never see: numbers of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub id: Rc<str>,
    pub from: u64,
    pub to: u64,
    pub count: u64,
}

/// The queue and what is on its way.
pub(crate) struct Sink {
    settings: Settings,
    queue: VecDeque<Entry>,
    bytes: usize,
    /// Exchanges whose record will need a place.
    open: usize,
    in_flight: Option<Flight>,
    last_call: u64,
    failures: u32,
    not_before: Timestamp,
    /// Records in one call from now on: fewer than `batch` once a collector found one too large.
    batch: usize,
    gaps: VecDeque<Gap>,
    leaves_at: Option<Timestamp>,
}

/// The call that waits for an answer, for the first so many of the queue.
struct Flight {
    call: CallId,
    count: usize,
}

/// What the collector made of a batch.
enum Verdict {
    Taken {
        rejected: u64,
    },
    /// Never to be sent again.
    Refused,
    TooLarge,
    Later {
        wait: Option<Duration>,
    },
}

impl Sink {
    pub fn new(settings: Settings) -> Self {
        Self {
            batch: settings.batch,
            settings,
            queue: VecDeque::new(),
            bytes: 0,
            open: 0,
            in_flight: None,
            last_call: 0,
            failures: 0,
            not_before: Timestamp::default(),
            gaps: VecDeque::new(),
            leaves_at: None,
        }
    }

    pub fn period(&self) -> Duration {
        self.settings.flush.min(PERIOD_MAX)
    }

    /// Keeps a place for the record of an exchange; `false` when the exchange must not be, because its record would find none.
    pub fn reserve(&mut self) -> bool {
        let full =
            self.queue.len() + self.open >= self.settings.queue || self.bytes >= QUEUE_BYTES_MAX;
        if full && self.settings.overflow == Overflow::Refuse {
            return false;
        }
        self.open += 1;
        true
    }

    /// Gives a place back, to the record for which it was kept.
    pub fn release(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Takes a record; `false` when there is no room. `kept`: a place was kept for it.
    pub fn push(&mut self, entry: Entry, kept: bool) -> bool {
        let refuses = self.settings.overflow == Overflow::Refuse;
        let others = if refuses { self.open } else { 0 };
        let room = self.queue.len() + others < self.settings.queue
            && self.bytes < QUEUE_BYTES_MAX
            && (self.gaps.is_empty() || self.roomy());
        if !(room || kept && refuses) {
            self.miss(&entry.id, entry.seq);
            return false;
        }
        self.bytes += entry.line.len();
        self.queue.push_back(entry);
        true
    }

    /// A gap that can be recorded now, because there is room for the record of it and for those that follow.
    pub fn take_gap(&mut self) -> Option<Gap> {
        if self.roomy() {
            self.gaps.pop_front()
        } else {
            None
        }
    }

    /// Sends what is due.
    pub fn tick(&mut self, now: Timestamp, out: &mut Outbox<'_>) {
        let Some(oldest) = self.queue.front() else {
            return;
        };
        // A clock that was set back must not make records wait for it.
        let waits = now < self.not_before && self.not_before.since(now) <= BACKOFF_MAX;
        let due = self.queue.len() >= self.batch
            || now.since(oldest.at) >= self.settings.flush
            || now < oldest.at
            || self.leaves_at.is_some();
        if self.in_flight.is_none() && due && !waits {
            self.send(out);
        }
    }

    /// Takes the answer to a call; answers with the last record that the collector has now, when it has more than before.
    pub fn answered(
        &mut self,
        now: Timestamp,
        call: CallId,
        answer: &Answer,
        out: &mut Outbox<'_>,
    ) -> Option<Entry> {
        let flight = self.in_flight.take_if(|flight| flight.call == call)?;
        let delivered = match verdict(answer) {
            Verdict::Taken { rejected } => {
                if rejected > 0 {
                    out.count(Metric::AuditDropped, rejected);
                }
                self.succeeded();
                self.forget(flight.count)
            }
            Verdict::Refused => {
                self.succeeded();
                self.lose(flight.count, out)
            }
            Verdict::TooLarge if flight.count > 1 => {
                self.batch = flight.count / 2;
                None
            }
            Verdict::TooLarge => self.lose(flight.count, out),
            Verdict::Later { wait } => {
                self.failures = self.failures.saturating_add(1);
                let backoff = BACKOFF_MIN
                    .saturating_mul(2_u32.saturating_pow(self.failures.saturating_sub(1)));
                let wait = wait.unwrap_or_default().max(backoff).min(BACKOFF_MAX);
                self.not_before = now.after(wait);
                None
            }
        };
        self.tick(now, out);
        delivered
    }

    /// The VM goes: everything is due. True when nothing is left, or the collector did not come back in time; then what is left is lost to it.
    pub fn stop(&mut self, now: Timestamp, out: &mut Outbox<'_>) -> bool {
        let leaves_at = *self
            .leaves_at
            .get_or_insert_with(|| now.after(FAREWELL_MAX));
        if now >= leaves_at && !self.queue.is_empty() {
            self.in_flight = None;
            out.count(Metric::AuditDropped, count(self.queue.len()));
            self.queue.clear();
            self.bytes = 0;
        }
        self.tick(now, out);
        self.queue.is_empty()
    }

    fn send(&mut self, out: &mut Outbox<'_>) {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.line.len();
            bytes <= BATCH_BYTES_MAX
        };
        // One that is too large by itself goes alone.
        let count = self
            .queue
            .iter()
            .take(self.batch)
            .take_while(fits)
            .count()
            .max(1);
        let settings = &self.settings;
        let body = otlp::request(settings.service.as_deref(), self.queue.iter().take(count));
        self.last_call += 1;
        let call = CallId(self.last_call);
        self.in_flight = Some(Flight { call, count });
        out.call(
            call,
            Call {
                cluster: settings.cluster.clone(),
                method: "POST",
                path: settings.path.clone(),
                authority: settings.authority.clone(),
                headers: vec![("content-type", "application/json".to_owned())],
                body,
                timeout: settings.timeout,
            },
        );
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = Timestamp::default();
    }

    /// Takes the first of the queue out; answers with the last of them.
    fn forget(&mut self, count: usize) -> Option<Entry> {
        self.queue
            .drain(..count.min(self.queue.len()))
            .fold(None, |_, entry| {
                self.bytes = self.bytes.saturating_sub(entry.line.len());
                Some(entry)
            })
    }

    /// The same for records that the collector will never have.
    fn lose(&mut self, count: usize, out: &mut Outbox<'_>) -> Option<Entry> {
        let lost: Vec<_> = self
            .queue
            .iter()
            .take(count)
            .map(|entry| (Rc::clone(&entry.id), entry.seq))
            .collect();
        out.count(Metric::AuditDropped, self::count(lost.len()));
        for (id, seq) in lost {
            self.miss(&id, seq);
        }
        self.forget(count);
        None
    }

    /// Notes that a record will be missing. Once many gaps wait, only the last one's outline and count grow.
    fn miss(&mut self, id: &Rc<str>, seq: u64) {
        let many = self.gaps.len() >= GAPS_MAX;
        if let Some(gap) = self.gaps.back_mut()
            && gap.id == *id
            && (many || gap.to + 1 == seq)
        {
            gap.to = seq;
            gap.count += 1;
            return;
        }
        self.gaps.push_back(Gap {
            id: Rc::clone(id),
            from: seq,
            to: seq,
            count: 1,
        });
    }

    /// Whether there is room again, and not just for one.
    fn roomy(&self) -> bool {
        self.queue.len() < self.settings.queue.div_ceil(2) && self.bytes < QUEUE_BYTES_MAX / 2
    }
}

/// Most gaps that wait to be recorded. Bounds memory while a collector refuses one batch after another.
const GAPS_MAX: usize = 64;

/// As the OTLP specification has it, but for what an operator is more likely to repair than to want forgotten: a wrong path, a wrong credential.
fn verdict(answer: &Answer) -> Verdict {
    match answer {
        Answer::Status {
            status: 200..=299,
            body,
            ..
        } => Verdict::Taken {
            rejected: otlp::rejected(body),
        },
        Answer::Status { status: 400, .. } => Verdict::Refused,
        Answer::Status { status: 413, .. } => Verdict::TooLarge,
        Answer::Status {
            retry_after_secs, ..
        } => Verdict::Later {
            wait: retry_after_secs.map(Duration::from_secs),
        },
        Answer::Failed => Verdict::Later { wait: None },
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
