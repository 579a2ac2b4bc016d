//! The policies' work outside of exchanges: one timer for all of them, and whose call an answer belongs to.

use crate::Gateway;
use portcullis_policy::{Answer, Background, Call, CallId, Metric, Outbox, Store, Timestamp};
use std::time::Duration;

/// Shortest period of the timer. Protects a worker from a policy that wants to be asked all the time.
const PERIOD_MIN: Duration = Duration::from_millis(10);

/// Whose call it is. Comes back with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errand {
    policy: usize,
    call: CallId,
}

/// What the host has to do after a turn of the background.
#[derive(Debug, Default)]
pub struct Chores {
    /// Calls to make, in order.
    pub calls: Vec<(Errand, Call)>,
    /// What was counted.
    pub metrics: Vec<(Metric, u64)>,
}

impl Gateway {
    /// How often [`Gateway::tick`] is wanted; `None` when nobody wants it.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        let periods = self.backgrounds.iter().map(|one| one.borrow().period());
        periods.min().map(|period| period.max(PERIOD_MIN))
    }

    /// The VM is configured. `random` must be unpredictable and new for each VM.
    pub fn start(&self, random: &[u8; 32]) {
        for (index, background) in self.backgrounds.iter().enumerate() {
            let mut own = *random;
            // No two policies get the same.
            if let (Some(first), Ok(index)) = (own.first_mut(), u8::try_from(index)) {
                *first ^= index;
            }
            background.borrow_mut().start(&own);
        }
    }

    /// The timer's turn.
    pub fn tick(&self, now: Timestamp, store: &mut dyn Store) -> Chores {
        self.each(store, |background, out| background.tick(now, out))
    }

    /// The answer to a call, for who made it.
    pub fn answered(
        &self,
        now: Timestamp,
        store: &mut dyn Store,
        errand: Errand,
        answer: &Answer,
    ) -> Chores {
        let mut chores = Chores::default();
        if let Some(background) = self.backgrounds.get(errand.policy) {
            let mut out = Outbox::new(store);
            background
                .borrow_mut()
                .answered(now, errand.call, answer, &mut out);
            chores.take(errand.policy, &mut out);
        }
        chores
    }

    /// The VM is about to go. True when it may; false when it must stay until a later call of this, after a tick or an answer, says so.
    pub fn stop(&self, now: Timestamp, store: &mut dyn Store) -> (Chores, bool) {
        let mut done = true;
        let chores = self.each(store, |background, out| done &= background.stop(now, out));
        (chores, done)
    }

    fn each(
        &self,
        store: &mut dyn Store,
        mut turn: impl FnMut(&mut dyn Background, &mut Outbox<'_>),
    ) -> Chores {
        let mut chores = Chores::default();
        for (policy, background) in self.backgrounds.iter().enumerate() {
            let mut out = Outbox::new(store);
            turn(&mut *background.borrow_mut(), &mut out);
            chores.take(policy, &mut out);
        }
        chores
    }
}

impl Chores {
    fn take(&mut self, policy: usize, out: &mut Outbox<'_>) {
        let calls = out.take_calls().into_iter();
        self.calls
            .extend(calls.map(|(call, what)| (Errand { policy, call }, what)));
        self.metrics.append(&mut out.take_metrics());
    }
}
