//! The native worker's timer and calls: what Envoy does for the root context of a VM.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use portcullis_chain::{Chores, Errand, Gateway};
use portcullis_policy::{Answer, Call, Store, Timestamp};

use crate::clusters::{Clusters, Reaction, Silence};

/// What is due, and when.
enum Due {
    Tick,
    Answer(Errand, Answer),
}

/// Timer and calls of one worker.
pub struct Background {
    gateway: Rc<Gateway>,
    clusters: Rc<RefCell<Clusters>>,
    /// By time in nanoseconds, then by order.
    due: BTreeMap<(u64, u64), Due>,
    order: u64,
    /// What was counted since it was last asked for.
    pub metrics: Vec<(portcullis_policy::Metric, u64)>,
    stopping: bool,
    stopped: bool,
}

impl Background {
    /// Starts a worker's background. `seed` stands for the host's randomness.
    pub fn new(
        gateway: &Rc<Gateway>,
        clusters: Rc<RefCell<Clusters>>,
        now_ns: u64,
        seed: u64,
    ) -> Self {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&seed.to_le_bytes());
        gateway.start(&random);
        let mut background = Self {
            gateway: Rc::clone(gateway),
            clusters,
            due: BTreeMap::new(),
            order: 0,
            metrics: Vec::new(),
            stopping: false,
            stopped: false,
        };
        background.arm(now_ns);
        background
    }

    /// Does all that is due until then; `clock` shows each thing's time meanwhile.
    pub fn advance(&mut self, until_ns: u64, clock: &mut dyn FnMut(u64), store: &mut dyn Store) {
        while let Some(entry) = self.due.first_entry()
            && entry.key().0 <= until_ns
        {
            let ((at_ns, _), due) = entry.remove_entry();
            clock(at_ns);
            let now = Timestamp::from_nanos(at_ns);
            let ticked = matches!(due, Due::Tick);
            let chores = match due {
                Due::Tick => self.gateway.tick(now, store),
                Due::Answer(errand, answer) => self.gateway.answered(now, store, errand, &answer),
            };
            self.carry_out(chores, at_ns);
            if ticked {
                self.arm(at_ns);
            }
            if self.stopping {
                self.stop(at_ns, store);
            }
        }
    }

    /// The VM is to go, as soon as its policies say so.
    pub fn stop(&mut self, now_ns: u64, store: &mut dyn Store) {
        self.stopping = true;
        let (chores, done) = self.gateway.stop(Timestamp::from_nanos(now_ns), store);
        self.carry_out(chores, now_ns);
        if done {
            self.stopping = false;
            self.stopped = true;
            self.due.clear();
        }
    }

    /// Whether it is gone.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.stopped
    }

    fn arm(&mut self, now_ns: u64) {
        if let Some(period) = self.gateway.period() {
            self.add(now_ns, period, Due::Tick);
        }
    }

    fn add(&mut self, now_ns: u64, after: Duration, due: Due) {
        self.order += 1;
        let at = now_ns.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
        self.due.insert((at, self.order), due);
    }

    fn carry_out(&mut self, chores: Chores, now_ns: u64) {
        self.metrics.extend(chores.metrics);
        for (errand, call) in chores.calls {
            let (after, answer) = self.react(&call);
            self.add(now_ns, after, Due::Answer(errand, answer));
        }
    }

    /// When which answer comes.
    fn react(&self, call: &Call) -> (Duration, Answer) {
        let pseudo = [
            (":method", call.method),
            (":path", &call.path),
            (":authority", &call.authority),
        ];
        let pseudo = pseudo.iter().map(|(name, value)| (*name, *value));
        let headers = call
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let headers = pseudo.chain(headers);
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect();
        let reaction =
            self.clusters
                .borrow_mut()
                .take(&call.cluster, headers, &call.body, call.timeout);
        match reaction {
            Some(Reaction::Status(status)) => (Duration::ZERO, Answer::of(status)),
            Some(Reaction::Other(Silence::Unreachable)) => (Duration::ZERO, Answer::of(503)),
            Some(Reaction::Other(Silence::Silent)) => (call.timeout, Answer::of(504)),
            // The adapter tells of calls that the host did not take with its next tick.
            Some(Reaction::Other(Silence::Unhealthy)) | None => {
                (self.gateway.period().unwrap_or_default(), Answer::Failed)
            }
        }
    }
}
