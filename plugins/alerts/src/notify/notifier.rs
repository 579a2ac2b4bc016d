//! Sends what is due, and sees which alerts are over.

use super::{Format, Receiver};
use crate::blocks;
use crate::firing::{self, Firing};
use crate::ledger;
use crate::rules::{Rule, Rules};
use crate::series::millis;
use crate::subject::Subject;
use portcullis_policy::{Answer, Background, Call, CallId, Metric, Outbox, Store, Timestamp};
use std::rc::Rc;
use std::time::Duration;

/// How often is looked for what is due: how long a notification may wait.
const PERIOD: Duration = Duration::from_secs(1);

/// Most alerts of one call. Protects the receiver from a body that it refuses.
const BATCH_MAX: usize = 64;

/// Shortest and longest wait before a notification that failed is tried again; doubled each time.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// How long it is tried to tell that an alert is over. Alertmanager knows by itself after a while.
const GIVE_UP: Duration = Duration::from_secs(3600);

/// The background of the watch.
#[derive(Debug)]
pub(crate) struct Notifier {
    rules: Rc<Rules>,
    to: Rc<Receiver>,
    /// The longest block of any alert.
    longest_block: Duration,
    /// The call under way, and what it tells.
    sent: Option<(CallId, Vec<Firing>)>,
    calls: u64,
}

impl Notifier {
    pub fn new(rules: Rc<Rules>, to: Rc<Receiver>) -> Self {
        let blocks = rules.all().iter().filter_map(|rule| rule.alert.block());
        Self {
            longest_block: blocks.max().unwrap_or_default(),
            rules,
            to,
            sent: None,
            calls: 0,
        }
    }

    /// Those that are over: their count has fallen, and whoever they blocked is free.
    fn over(&self, store: &mut dyn Store, now: Timestamp, all: &[Firing]) -> Vec<Firing> {
        let mut over = Vec::new();
        let now_ms = millis(now);
        for firing in all
            .iter()
            .filter(|firing| firing.ended_ms.is_none() && now_ms >= firing.until_ms)
        {
            let subject = Subject {
                id: firing.id,
                place: firing.place,
            };
            let recovered = match self.rules.find(firing.rule) {
                // The policy no longer has it.
                None => true,
                // A store without an answer says nothing about it.
                Some(rule) => match ledger::look(store, now_ms, subject, rule) {
                    Ok(total) => {
                        total.is_none_or(|total| rule.recovered(total))
                            && !self.blocks(store, now, rule, subject)
                    }
                    Err(_) => false,
                },
            };
            if recovered {
                over.push(firing.clone());
            }
        }
        over
    }

    /// Whether a source is still blocked: for longer than is noted here, where it was once more and there was no room to note it.
    fn blocks(&self, store: &mut dyn Store, now: Timestamp, rule: &Rule, source: Subject) -> bool {
        let left = |store| blocks::left(store, now, source, self.longest_block);
        rule.alert.block().is_some() && left(store) != Ok(None)
    }

    fn due(&self, firing: &Firing, now_ms: u64) -> bool {
        // A clock that was set back delays nothing for longer than it would have been delayed anyway.
        let waited = Duration::from_millis(now_ms.abs_diff(firing.told_ms));
        if firing.delivered {
            return self.to.format == Format::Alertmanager && waited >= self.to.resend;
        }
        let retry = RETRY_MIN.saturating_mul(1 << firing.attempts.saturating_sub(1).min(16));
        firing.attempts == 0 || waited >= retry.min(RETRY_MAX)
    }

    /// Notes what is over, and takes what is to be sent now, so that nobody else does.
    #[inline(never)]
    fn claim(&self, store: &mut dyn Store, now: Timestamp) -> Vec<Firing> {
        let now_ms = millis(now);
        let Ok(all) = firing::all(store) else {
            return Vec::new();
        };
        if all.is_empty() {
            return all;
        }
        let over = self.over(store, now, &all);
        let nothing = over.is_empty() && !all.iter().any(|firing| self.due(firing, now_ms));
        if nothing {
            return Vec::new();
        }
        let claimed = firing::edit(store, |all| {
            for firing in all
                .iter_mut()
                .filter(|known| known.ended_ms.is_none() && over.contains(known))
            {
                firing.ended_ms = Some(now_ms);
                firing.delivered = false;
                firing.attempts = 0;
            }
            let give_up = |firing: &Firing| {
                firing
                    .ended_ms
                    .is_some_and(|ended| u128::from(now_ms.abs_diff(ended)) >= GIVE_UP.as_millis())
            };
            all.retain(|firing| !give_up(firing));
            let mut claimed = Vec::new();
            for firing in all
                .iter_mut()
                .filter(|firing| self.due(firing, now_ms))
                .take(BATCH_MAX)
            {
                firing.told_ms = now_ms;
                firing.attempts = firing.attempts.saturating_add(1);
                firing.delivered = false;
                claimed.push(firing.clone());
            }
            claimed
        });
        claimed.unwrap_or_default()
    }
}

impl Background for Notifier {
    fn period(&self) -> Duration {
        PERIOD
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outbox<'_>) {
        if self.sent.is_some() {
            return;
        }
        let claimed = self.claim(out.store, now);
        if claimed.is_empty() {
            return;
        }
        self.calls += 1;
        let id = CallId(self.calls);
        let call = Call {
            cluster: self.to.cluster.clone(),
            method: "POST",
            path: self.to.path.clone(),
            authority: self.to.authority.clone(),
            headers: vec![("content-type", "application/json".to_owned())],
            body: self.to.body(&self.rules, millis(now), &claimed),
            timeout: self.to.timeout,
        };
        out.call(id, call);
        self.sent = Some((id, claimed));
    }

    fn answered(&mut self, now: Timestamp, call: CallId, answer: &Answer, out: &mut Outbox<'_>) {
        let Some((_, sent)) = self.sent.take_if(|(id, _)| *id == call) else {
            return;
        };
        let delivered = answer
            .status()
            .is_some_and(|status| (200..300).contains(&status));
        let outcome = if delivered { "delivered" } else { "failed" };
        out.count(Metric::Notifications { outcome }, sent.len() as u64);
        if !delivered {
            // They stay, and are due again after a while.
            return;
        }
        let told = |known: &Firing| {
            sent.iter()
                .any(|told| told.same(known) && told.ended_ms == known.ended_ms)
        };
        let _ = firing::edit(out.store, |all| {
            all.retain(|known| !(told(known) && known.ended_ms.is_some()));
            for known in all.iter_mut().filter(|known| told(known)) {
                known.delivered = true;
                known.attempts = 0;
            }
        });
        // What waited for this call goes out at once.
        self.tick(now, out);
    }
}
