//! What the policies of an exchange learned, each for those after it, for the record and for other filters.

use crate::{AllowedModels, Endpoint, Identity, Reason, Refusal, Timestamp, Usage};
use std::net::IpAddr;
use std::rc::Rc;

/// Outcome of authentication, as the record names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthOutcome {
    /// Not asked for.
    #[default]
    None,
    /// A valid credential.
    Success,
    /// A missing or invalid one.
    Failure,
}

impl AuthOutcome {
    /// The record's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// What a DLP rule does with a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Names it in the record.
    Flag,
    /// Puts a placeholder in its place, and the text back where the answer holds the placeholder.
    Mask,
    /// Takes it out of the text.
    Redact,
    /// Refuses the exchange.
    Block,
}

impl Action {
    /// The policy document's and the record's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Mask => "mask",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

/// An alert that was set off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Its name.
    pub alert: String,
    /// Of whom it counts: `user`, `key`, `team`, `source`, `all`.
    pub by: &'static str,
    /// What its condition's number was held against.
    pub value: u64,
}

/// Which message a finding was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// From the client.
    Request,
    /// From the provider.
    Response,
}

impl Side {
    /// The record's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// Matches of one rule in one message: a count, never the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// What was done.
    pub action: Action,
    /// How many matches.
    pub count: u32,
    /// Where.
    pub side: Side,
}

/// One limit as a client may know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Size of the bucket.
    pub limit: u64,
    /// What is left in it, this request already taken.
    pub remaining: u64,
    /// When the bucket will be full again.
    pub full_at: Timestamp,
}

/// What a caller has left: `wire` spells it as the API's own rate-limit headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests.
    pub requests: Option<Window>,
    /// Tokens.
    pub tokens: Option<Window>,
}

/// What became of the request. Ordered: the strongest wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Passed.
    #[default]
    Allow,
    /// Passed, and somebody should look.
    Flag,
    /// Passed with text taken out.
    Redact,
    /// Answered with a refusal, or stopped half way.
    Refuse,
}

impl Decision {
    /// The record's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Flag => "flag",
            Self::Redact => "redact",
            Self::Refuse => "refuse",
        }
    }

    /// The decision of a word, as another module of the chain wrote it into filter state.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Allow, Self::Flag, Self::Redact, Self::Refuse]
            .into_iter()
            .find(|decision| decision.name() == name)
    }
}

/// All that is known of an exchange. Written by `chain` from the wire and by policies; read by those after them.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// When the request's headers arrived.
    pub received_at: Timestamp,
    /// The request's id, from `x-request-id`.
    pub request_id: String,
    /// `:method`.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// The peer's address.
    pub source: Option<IpAddr>,
    /// Which API; `None` while no headers have been read.
    pub endpoint: Option<Endpoint>,
    /// Outcome of authentication.
    pub auth: AuthOutcome,
    /// Who calls.
    pub identity: Option<Rc<Identity>>,
    /// When the caller's key ends, where that is near enough to be warned of.
    pub key_expires_at: Option<Timestamp>,
    /// Which models a list of models may show; `None`: all.
    pub listed_models: Option<AllowedModels>,
    /// The model asked for.
    pub model: Option<String>,
    /// Asked for as a stream.
    pub stream: bool,
    /// Tokens, from the provider's usage.
    pub usage: Option<Usage>,
    /// What a caller has left.
    pub budget: Budget,
    /// What DLP found.
    pub findings: Vec<Finding>,
    /// Parts that were not scanned, by media type.
    pub unscanned: Vec<String>,
    /// Names of alerts that this exchange set off, and of those that are on and want it flagged.
    pub alerts: Vec<String>,
    /// Alerts that this exchange set off: each is on from now, until it has recovered.
    pub raised: Vec<Raised>,
    /// An alert wants somebody to look.
    pub flagged: bool,
    /// The refusal, when there was one.
    pub refusal: Option<Refusal>,
    /// What policies in shadow mode would have refused this for; each reason once, in the order they came.
    pub shadow: Vec<Reason>,
    /// What is to be written about this exchange once it is over: records, each a line of JSON.
    pub record: Option<String>,
}

impl Facts {
    /// What became of the request so far.
    #[must_use]
    pub fn decision(&self) -> Decision {
        if self.refusal.is_some() {
            return Decision::Refuse;
        }
        let flagged = if self.flagged {
            Decision::Flag
        } else {
            Decision::Allow
        };
        self.findings
            .iter()
            .map(|finding| match finding.action {
                Action::Flag => Decision::Flag,
                Action::Mask | Action::Redact => Decision::Redact,
                Action::Block => Decision::Refuse,
            })
            .fold(flagged, Decision::max)
    }

    /// Notes what a policy in shadow mode would have refused this for.
    pub fn shadowed(&mut self, reason: Reason) {
        if !self.shadow.contains(&reason) {
            self.shadow.push(reason);
        }
    }

    /// Adds matches of a rule to those already counted.
    pub fn found(&mut self, rule: &str, action: Action, side: Side, count: u32) {
        let same = |finding: &&mut Finding| {
            finding.rule == rule && finding.action == action && finding.side == side
        };
        if let Some(finding) = self.findings.iter_mut().find(same) {
            finding.count = finding.count.saturating_add(count);
        } else {
            self.findings.push(Finding {
                rule: rule.to_owned(),
                action,
                count,
                side,
            });
        }
    }
}
