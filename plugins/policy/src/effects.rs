//! What a policy wishes done besides its verdict.

use crate::{Action, Store, TextId};
use std::borrow::Cow;
use std::ops::Range;

/// Replace a part of a text. Positions are bytes of the unescaped text from its beginning; `wire` finds the bytes that they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which text of the message at hand.
    pub text: TextId,
    /// Which bytes of it.
    pub range: Range<usize>,
    /// What stands there instead, unescaped.
    pub replacement: String,
}

/// Change a header field of the message at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Take every field of this name away.
    Remove(Cow<'static, str>),
    /// Put this field in place of all of this name.
    Set(Cow<'static, str>, String),
}

/// Something counted, with the contract's labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `portcullis_requests_total{decision,reason}`; reason `none` when nothing was refused.
    Requests {
        /// `allow`, `flag`, `redact`, `refuse`.
        decision: &'static str,
        /// A code of the contract, or `none`.
        reason: &'static str,
    },
    /// `portcullis_tokens_total{direction}`: `input` or `output`.
    Tokens {
        /// `input` or `output`.
        direction: &'static str,
    },
    /// `portcullis_dlp_findings_total{rule,action}`.
    DlpFindings {
        /// The rule's name.
        rule: String,
        /// What was done.
        action: Action,
    },
    /// `portcullis_shadow_refusals_total{reason}`: what policies in shadow mode would have refused.
    ShadowRefusals {
        /// A code of the contract.
        reason: &'static str,
    },
    /// `portcullis_expiring_key_requests_total`: requests with a key that ends soon.
    ExpiringKeyRequests,
    /// `portcullis_auth_failures_total`.
    AuthFailures,
    /// `portcullis_lockouts_total`: sources that were shut out.
    Lockouts,
    /// `portcullis_notifications_total{outcome}`: alerts told, in vain, or for which there was no room.
    Notifications {
        /// `delivered`, `failed`, `dropped`.
        outcome: &'static str,
    },
    /// `portcullis_alerts_total{alert}`: how often an alert was set off.
    Alerts {
        /// The alert's name.
        alert: String,
    },
    /// `portcullis_store_contention_total`: writes to the shared store that another worker's came before; each was tried again.
    StoreContention,
    /// `portcullis_audit_dropped_total`: records that the collector will not get. They are in the log.
    AuditDropped,
}

/// Where a policy puts its wishes; the chain carries them out after each event.
pub struct Effects<'a> {
    /// Counters shared by all workers.
    pub store: &'a mut dyn Store,
    edits: Vec<Edit>,
    headers: Vec<HeaderEdit>,
    metrics: Vec<(Metric, u64)>,
    undecided: Option<usize>,
    dismissed: usize,
}

impl<'a> Effects<'a> {
    /// With nothing wished yet.
    pub fn new(store: &'a mut dyn Store) -> Self {
        Self {
            store,
            edits: Vec::new(),
            headers: Vec::new(),
            metrics: Vec::new(),
            undecided: None,
            dismissed: 0,
        }
    }

    /// Whether nothing is wished.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.edits.is_empty()
            && self.headers.is_empty()
            && self.metrics.is_empty()
            && self.undecided.is_none()
    }

    /// Replaces a part of a text that has not been released.
    pub fn edit(&mut self, edit: Edit) {
        self.edits.push(edit);
    }

    /// Changes a header of the message at hand; possible in `RequestHead` and `ResponseHead`.
    pub fn header(&mut self, edit: HeaderEdit) {
        self.headers.push(edit);
    }

    /// Counts; nothing when `by` is zero.
    pub fn count(&mut self, metric: Metric, by: u64) {
        if by > 0 {
            self.metrics.push((metric, by));
        }
    }

    /// The text of this event is undecided from this position on (bytes of the unescaped text from its beginning): what lies
    /// behind it must wait. A text's piece for which nobody says so is decided as a whole, with all of the text before it.
    pub fn hold_from(&mut self, position: usize) {
        self.undecided = Some(self.undecided.map_or(position, |other| other.min(position)));
    }

    /// The text of this event came whole, and nothing is in it for the policy; nor would there be, should it come once more at the same place of
    /// this message: whoever hands out texts may then leave it out. Of a number ([`crate::Place::Number`]) the same holds for any that has as many digits.
    pub const fn dismiss(&mut self) {
        self.dismissed += 1;
    }

    /// How many policies dismissed the text of this event; leaves none.
    pub const fn take_dismissed(&mut self) -> usize {
        std::mem::replace(&mut self.dismissed, 0)
    }

    /// The edits wished so far; leaves none.
    pub fn take_edits(&mut self) -> Vec<Edit> {
        std::mem::take(&mut self.edits)
    }

    /// The header edits wished so far; leaves none.
    pub fn take_headers(&mut self) -> Vec<HeaderEdit> {
        std::mem::take(&mut self.headers)
    }

    /// What was counted so far; leaves none.
    pub fn take_metrics(&mut self) -> Vec<(Metric, u64)> {
        std::mem::take(&mut self.metrics)
    }

    /// From where the text of this event is undecided; leaves nothing.
    pub fn take_undecided(&mut self) -> Option<usize> {
        self.undecided.take()
    }
}
