//! What a policy does outside of exchanges: by timer, and with calls to other services.
//!
//! A policy that needs it keeps its state in an `Rc<RefCell<_>>` that its exchanges share, and hands the same to the module as its
//! [`Background`]. Still without I/O: calls are put into an [`Outbox`], answers come back as an argument.

use crate::{Metric, Store, Timestamp};
use std::time::Duration;

/// Most bytes of an answer's body that a policy gets to see: what it says beyond them means nothing to a sender. Protects a worker's
/// memory from a receiver.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The part of a policy that no exchange drives. One for each root context of a worker; the main thread has one too, which sees no exchange.
pub trait Background {
    /// How often [`Background::tick`] is wanted; asked once.
    fn period(&self) -> Duration;

    /// The VM is configured. `random` is fit for keys and salts and differs from VM to VM. Nothing can be sent yet.
    fn start(&mut self, random: &[u8; 32]) {
        let _ = random;
    }

    /// The timer's turn.
    fn tick(&mut self, now: Timestamp, out: &mut Outbox<'_>);

    /// The answer to a call of this policy, or that there will be none.
    fn answered(&mut self, now: Timestamp, call: CallId, answer: &Answer, out: &mut Outbox<'_>);

    /// The VM is about to go: no exchange follows. True when nothing is left to do. With false the VM stays, timer and answers go on, and
    /// after each of them this is asked again.
    fn stop(&mut self, now: Timestamp, out: &mut Outbox<'_>) -> bool {
        let _ = (now, out);
        true
    }
}

/// An HTTP call to a cluster that the proxy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The cluster's name.
    pub cluster: String,
    /// `:method`.
    pub method: &'static str,
    /// `:path`.
    pub path: String,
    /// `:authority`.
    pub authority: String,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait for the whole answer.
    pub timeout: Duration,
}

/// Which call of a policy an answer belongs to: its own number, which the policy chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer. A proxy that reaches nobody answers 503 itself, and 504 when time was up.
    Status {
        /// HTTP status.
        status: u16,
        /// `retry-after` in seconds, when it stands there as a number.
        retry_after_secs: Option<u64>,
        /// The body, at most [`ANSWER_BYTES_MAX`] of it.
        body: Vec<u8>,
    },
    /// The call could not be made (no such cluster, no healthy host), or the answer broke off.
    Failed,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        Self::Status {
            status,
            retry_after_secs: None,
            body: Vec::new(),
        }
    }

    /// Its status; `None` when there was no answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Failed => None,
        }
    }
}

/// Where background work puts what is to be done.
pub struct Outbox<'a> {
    /// Counters shared by all workers.
    pub store: &'a mut dyn Store,
    calls: Vec<(CallId, Call)>,
    metrics: Vec<(Metric, u64)>,
}

impl<'a> Outbox<'a> {
    /// With nothing in it.
    pub fn new(store: &'a mut dyn Store) -> Self {
        Self {
            store,
            calls: Vec::new(),
            metrics: Vec::new(),
        }
    }

    /// Makes a call. Exactly one [`Background::answered`] with its id follows, unless the VM goes first.
    pub fn call(&mut self, id: CallId, call: Call) {
        self.calls.push((id, call));
    }

    /// Counts.
    pub fn count(&mut self, metric: Metric, by: u64) {
        self.metrics.push((metric, by));
    }

    /// The calls so far; leaves none.
    pub fn take_calls(&mut self) -> Vec<(CallId, Call)> {
        std::mem::take(&mut self.calls)
    }

    /// What was counted so far; leaves none.
    pub fn take_metrics(&mut self) -> Vec<(Metric, u64)> {
        std::mem::take(&mut self.metrics)
    }
}
