//! What happened: one record for each exchange, whatever its end, without a word of what was said.
//!
//! The record is one line of JSON in [`Facts::record`] when the exchange is over; who writes it where is not decided here, but for delivery to a
//! collector ([`sink`]). Each record has its place in the VM's chain ([`chain`]), whose first record, and those of heads, gaps and alerts,
//! stand as lines of their own beside it. Names and their order are those of the contract: first the nine of the security guide, then ours. All of them stand in every record, so that
//! whoever reads the log finds the same columns everywhere:
//!
//! - What is not known is `null`: the user of a request without a key, the tokens of an answer that nobody counted. A count of `0` is
//!   the provider's own. Lists are empty when there is nothing to list.
//! - `timestamp` is when the request arrived, UTC with milliseconds; `latency_ms` runs from there to the end of the exchange.
//! - `status` is what the client got, `0` when it went before it got anything, as Envoy's own access log has it.
//! - `event_type` is `auth_failure` when authentication failed, else `api_request`.
//! - `service` stands at the end when the policy names one.
//!
//! Text of a client never gets in as it is, see [`portcullis_policy::words`]: a path, a model or an id could hold anything, a key among it.
//!
//! With several modules in a filter chain exactly one must count requests and tokens: it is the one that holds this policy.

mod chain;
mod config;
mod digest;
mod hex;
mod json;
mod ledger;
mod random;
mod record;
pub mod seal;
mod sink;

pub use config::{KEY_BYTES_MIN, configure};
pub use hex::{hex, unhex};

use ledger::Ledger;
use portcullis_policy::{
    Background, Effects, Event, Exchange, Facts, Interest, Metric, Policy, Pseudonyms, Reason,
    Refusal, Timestamp, Verdict,
};
use std::cell::RefCell;
use std::rc::Rc;

/// The policy, configured.
pub struct Audit {
    settings: Rc<Settings>,
    ledger: Rc<RefCell<Ledger>>,
}

/// What a policy document says about records.
struct Settings {
    /// Which gateway writes.
    service: Option<String>,
    /// Persons are written as pseudonyms.
    pseudonyms: Option<Pseudonyms>,
}

impl Policy for Audit {
    fn interest(&self) -> Interest {
        Interest {
            request_body: true,
            response_usage: true,
            source: true,
            record: true,
            end_status: true,
            ..Interest::default()
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Witness {
            settings: Rc::clone(&self.settings),
            ledger: Rc::clone(&self.ledger),
            kept: false,
        })
    }

    fn background(&self) -> Option<Rc<RefCell<dyn Background>>> {
        Some(Rc::clone(&self.ledger) as Rc<RefCell<dyn Background>>)
    }
}

/// Watches one exchange to its end.
struct Witness {
    settings: Rc<Settings>,
    ledger: Rc<RefCell<Ledger>>,
    /// There is a place for its record.
    kept: bool,
}

impl Exchange for Witness {
    fn handle(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        match *event {
            Event::RequestHead(_) => {
                self.kept = self.ledger.borrow_mut().admit();
                if !self.kept {
                    return Verdict::Refuse(Refusal::new(
                        Reason::PolicyUnavailable,
                        "The gateway cannot record requests at the moment.",
                    ));
                }
            }
            Event::End { status } => {
                count(facts, out);
                let bodies = record::of(facts, &self.settings, now, status);
                let mut ledger = self.ledger.borrow_mut();
                if self.kept {
                    ledger.release();
                }
                facts.record = Some(ledger.write(now, &bodies, self.kept, out));
            }
            Event::RequestText(_)
            | Event::RequestEnd(_)
            | Event::Refused(_)
            | Event::ResponseHead(_)
            | Event::ResponseText(_)
            | Event::ResponseEnd(_) => {}
        }
        Verdict::Continue
    }
}

fn count(facts: &Facts, out: &mut Effects<'_>) {
    let reason = facts
        .refusal
        .as_ref()
        .map_or("none", |refusal| refusal.reason.code());
    out.count(
        Metric::Requests {
            decision: facts.decision().name(),
            reason,
        },
        1,
    );
    if let Some(usage) = facts.usage {
        out.count(Metric::Tokens { direction: "input" }, usage.input);
        out.count(
            Metric::Tokens {
                direction: "output",
            },
            usage.output,
        );
    }
}

#[cfg(test)]
mod tests;
