//! The last policy before the record: counts, and sets alerts off.

use crate::blocks;
use crate::firing::{self, Firing};
use crate::gate::longest_block;
use crate::ledger::{self, Counted};
use crate::notify::{Notifier, Receiver};
use crate::rules::{Moment, Rule, Rules};
use crate::series::millis;
use crate::subject::{self, Subject};
use portcullis_policy::config::alerts::{Condition, Measure};
use portcullis_policy::config::{Document, Environment};
use portcullis_policy::{
    Background, Effects, Event, Exchange, Facts, Interest, Metric, Policy, Raised, Reason,
    Remembered, Timestamp, Verdict,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Counts what alerts are about.
#[derive(Debug, Clone)]
pub struct Watch {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: Rc<Rules>,
    /// Who is told.
    receiver: Option<Rc<Receiver>>,
    /// The longest block of any alert.
    longest_block: Duration,
    /// Who has been counted already.
    known: Remembered<Subject>,
}

/// The watch of a policy; `None` when it has no alerts. Mistakes are noted in the document.
#[must_use]
#[inline(never)]
pub fn watch(document: &Document, environment: &dyn Environment) -> Option<Watch> {
    let receiver = Receiver::read(document, environment).map(Rc::new);
    let rules = Rc::new(Rules::read(document)?);
    let longest_block = longest_block(document).unwrap_or_default();
    Some(Watch {
        shared: Rc::new(Shared {
            rules,
            receiver,
            longest_block,
            known: Remembered::default(),
        }),
    })
}

impl Policy for Watch {
    fn interest(&self) -> Interest {
        let counts_tokens =
            self.shared
                .rules
                .all()
                .iter()
                .any(|rule| match &rule.alert.condition {
                    Condition::Counted(counted) => {
                        matches!(counted.measure, Measure::Tpm | Measure::Tokens)
                    }
                    Condition::Text(_) => false,
                });
        Interest {
            request_body: counts_tokens,
            response_usage: counts_tokens,
            source: true,
            identity: true,
            record: true,
            end_status: true,
            ..Interest::default()
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Watched {
            shared: Rc::clone(&self.shared),
            begun: false,
            ignored: false,
            subjects: Vec::new(),
        })
    }

    fn background(&self) -> Option<Rc<RefCell<dyn Background>>> {
        let Shared {
            rules, receiver, ..
        } = &*self.shared;
        let notifier = Notifier::new(Rc::clone(rules), Rc::clone(receiver.as_ref()?));
        Some(Rc::new(RefCell::new(notifier)))
    }
}

/// One exchange, watched.
struct Watched {
    shared: Rc<Shared>,
    /// That it arrived is counted.
    begun: bool,
    /// It counts for nothing.
    ignored: bool,
    /// Who it is counted for, of each kind: hashes that are made once.
    subjects: Vec<Option<Subject>>,
}

impl Exchange for Watched {
    fn handle(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        match event {
            Event::RequestHead(_) | Event::Refused(_) => self.begin(now, event, facts, out),
            Event::End { status } => {
                self.begin(now, event, facts, out);
                self.count(Moment::End, now, *status, facts, out);
            }
            Event::RequestText(_)
            | Event::RequestEnd(_)
            | Event::ResponseHead(_)
            | Event::ResponseText(_)
            | Event::ResponseEnd(_) => {}
        }
        Verdict::Continue
    }
}

impl Watched {
    fn begin(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) {
        if self.begun {
            return;
        }
        self.begun = true;
        let refusal = match event {
            Event::Refused(refusal) => Some(*refusal),
            Event::RequestHead(_)
            | Event::RequestText(_)
            | Event::RequestEnd(_)
            | Event::ResponseHead(_)
            | Event::ResponseText(_)
            | Event::ResponseEnd(_)
            | Event::End { .. } => facts.refusal.as_ref(),
        };
        // Else whoever goes on trying is shut out for ever.
        self.ignored = refusal.is_some_and(|refusal| refusal.reason == Reason::SourceLockedOut);
        self.count(Moment::Begin, now, 0, facts, out);
    }

    /// Counts for all alerts that this moment concerns.
    fn count(
        &mut self,
        moment: Moment,
        now: Timestamp,
        status: u16,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) {
        if self.ignored {
            return;
        }
        let rules = &self.shared.rules;
        // Of a request that was never read, nobody knows when it began.
        let began = Some(facts.received_at).filter(|began| *began != Timestamp::default());
        let latency_ms = began.and_then(|began| u64::try_from(now.since(began).as_millis()).ok());
        self.subjects.resize(rules.kinds.len(), None);
        for (kind, known) in rules.kinds.iter().zip(&mut self.subjects) {
            let event = |rule| {
                let amount = Rule::amount(rule, rules, facts, status, latency_ms)?;
                Some(ledger::Event { rule, amount })
            };
            let concerned = rules
                .all()
                .iter()
                .filter(|rule| rule.subject == *kind && rule.moment() == moment);
            let events: Vec<_> = concerned.filter_map(event).collect();
            if events.is_empty() {
                continue;
            }
            *known = known.or_else(|| Subject::of(*kind, facts, &self.shared.known));
            let Some(subject) = *known else {
                continue;
            };
            // A count that is lost refuses nobody.
            let Ok(counted) = ledger::count(out.store, millis(now), subject, rules, &events) else {
                continue;
            };
            for (event, counted) in events.iter().zip(counted) {
                self.shared
                    .act(now, event.rule, subject, counted, facts, out);
            }
        }
    }
}

impl Shared {
    /// Does what is to be done about a count.
    #[inline(never)]
    fn act(
        &self,
        now: Timestamp,
        rule: &Rule,
        subject: Subject,
        counted: Counted,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) {
        let alert = &rule.alert;
        let flagged = counted.on && alert.flags();
        facts.flagged |= flagged;
        if (counted.fired || flagged) && !facts.alerts.contains(&alert.name) {
            facts.alerts.push(alert.name.clone());
        }
        if !counted.fired {
            return;
        }
        let name = alert.name.clone();
        out.count(
            Metric::Alerts {
                alert: name.clone(),
            },
            1,
        );
        let mut until = now;
        if let Some(time) = alert.block()
            && blocks::block(out.store, now, subject, time, self.longest_block).is_ok()
        {
            until = now.after(time);
            out.count(Metric::Lockouts, 1);
        }
        let by = rule.subject.name();
        if let Some(receiver) = &self.receiver {
            let new = Firing {
                rule: rule.id,
                id: subject.id,
                place: subject.place,
                alert: name.clone(),
                by: by.to_owned(),
                subject: receiver.subject(rule.subject, subject::name(rule.subject, facts)),
                value: counted.value,
                since_ms: millis(now),
                until_ms: millis(until),
                ended_ms: None,
                told_ms: 0,
                attempts: 0,
                delivered: false,
            };
            if firing::raise(out.store, &new) != Ok(true) {
                out.count(Metric::Notifications { outcome: "dropped" }, 1);
            }
        }
        facts.raised.push(Raised {
            alert: name,
            by,
            value: counted.value,
        });
    }
}
