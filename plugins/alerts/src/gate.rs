//! The first policy: a source that an alert has blocked gets no further.

use crate::blocks;
use crate::subject::Subject;
use portcullis_policy::config::{Alert, Document};
use portcullis_policy::{
    Effects, Endpoint, Event, Exchange, Facts, Interest, Policy, Reason, Refusal, Timestamp,
    Verdict,
};
use std::time::Duration;

/// Refuses blocked sources, before any key is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// The longest block that the policy knows.
    longest: Duration,
}

/// The gate of a policy; `None` when no alert blocks anybody. Mistakes are noted in the document.
#[must_use]
#[inline(never)]
pub fn gate(document: &Document) -> Option<Gate> {
    longest_block(document).map(|longest| Gate { longest })
}

/// The longest block of any alert.
pub(crate) fn longest_block(document: &Document) -> Option<Duration> {
    document.alerts().iter().filter_map(Alert::block).max()
}

impl Policy for Gate {
    fn interest(&self) -> Interest {
        Interest {
            source: true,
            ..Interest::default()
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(*self)
    }
}

impl Exchange for Gate {
    fn handle(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        _: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        let Event::RequestHead(head) = event else {
            return Verdict::Continue;
        };
        // A load balancer's question whether the gateway lives comes from a source that everybody may share.
        let Some(source) = head.source.filter(|_| head.endpoint != Endpoint::Public) else {
            return Verdict::Continue;
        };
        match blocks::left(out.store, now, Subject::source(source), self.longest) {
            Ok(None) => Verdict::Continue,
            Ok(Some(left)) => {
                let message =
                    "This network address is blocked for a time, because of what came from it.";
                Verdict::Refuse(Refusal::new(Reason::SourceLockedOut, message).retry_after(left))
            }
            Err(_) => {
                let message = "Access cannot be checked at the moment.";
                Verdict::Refuse(Refusal::new(Reason::PolicyUnavailable, message))
            }
        }
    }
}
