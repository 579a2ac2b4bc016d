//! How much each caller may use: requests, tokens and parallel requests, in token buckets shared by all workers.
//!
//! Limits stand for users, keys, teams, models and all callers together, for a minute and for a day; a request takes from all buckets
//! that apply or from none. Before it leaves it *reserves* its tokens: an estimate of the prompt, and the cap that it names for the
//! answer, times the answers that it asks for. When the answer is there it *settles* with what the provider counted, and gives back the
//! rest or owes the difference.
//!
//! # What a request costs
//!
//! | it was | requests | tokens |
//! |---|---|---|
//! | answered, and the provider counted | 1 | the provider's count; of an answer that was cut off, the text that was seen if that is more |
//! | answered, without a count | 1 | the estimate of the prompt and of the text that was seen; all that was reserved when nothing could be seen |
//! | answered with an error (status 400 and above) | 1 | 0 |
//! | cancelled by the client, or given up by the proxy (504), before an answer began | 1 | the estimate of the prompt: the provider was at work, and leaving early must not be a way around the limit |
//! | refused, here or elsewhere, or never reached a provider (the proxy's own answer) | 0 | 0 |
//!
//! Estimates learn how many bytes of text a token of each model has, see [`learned`].
//!
//! # What is promised, at any number of workers
//!
//! - A bucket of `n` per minute admits `n` at once (or its `burst`) and `n` in each minute after that; counted from any moment at which
//!   nothing is reserved, what was settled never exceeds that, unless a provider counts more than was reserved: then the bucket owes it.
//!   A day is any 24 hours: its bucket fills steadily, too.
//! - `retry-after` is the time after which the request passes, to the nanosecond, if nobody else comes between; for parallel slots it
//!   is a guess.
//! - A permit goes back exactly once: when the answer or the exchange ends, or by itself after the lease.
//! - A clock that is set back delays nobody by more than a second.
//! - Memory in the store is bounded, see [`SLOTS`]; a store without an answer or without room refuses.
//!
//! A request without an identity, because no `auth` stands before this policy, counts for its source: an IPv4 address or the /64 of an
//! IPv6 address. Without an address, too, it is refused: there is nobody to count it for.
//!
//! In shadow mode everything is counted as if it were enforced: what would have been refused takes nothing, and clients are told no limits.
//!
//! Counting tokens (`/v1/messages/count_tokens`) spends none: it falls under the same limits of requests, from buckets of its own, and no
//! others. Endpoints without a prompt are not limited here. This crate knows no wire format and reads no clock.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the page above is for those who work here"
)]

mod account;
mod bucket;
mod claim;
mod config;
mod estimate;
mod learned;
mod ledger;
mod metered;
mod permits;
mod slot;

pub use config::{COMPLETION_TOKENS_DEFAULT, LEASE_DEFAULT, LEASE_MIN, configure};
pub use learned::{MODEL_SLOTS, MODELS_PER_SLOT_MAX};
pub use slot::{SLOT_BYTES_MAX, SLOTS};

use claim::{Claim, Quota, Subject};
use learned::Learned;
use metered::Metered;
use portcullis_policy::config::Glob;
use portcullis_policy::{Exchange, Interest, Mode, Policy, Remembered, Spread};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// The policy, configured.
pub struct RateLimit {
    rules: Rc<Rules>,
    known: Rc<Known>,
}

/// What a worker remembers.
#[derive(Debug, Default)]
struct Known {
    learned: Learned,
    subjects: Remembered<Subject>,
}

/// What a policy document says about limits. `None`: nothing is limited.
struct Rules {
    mode: Mode,
    /// Of each user.
    user: Option<Rc<Quota>>,
    /// Of each key that says nothing itself.
    key: Option<Rc<Quota>>,
    /// Of keys by id, completed from `key`.
    keys: HashMap<String, Option<Rc<Quota>>, Spread>,
    /// Of each team that says nothing itself.
    team: Option<Rc<Quota>>,
    /// Of teams by id, completed from `team`.
    teams: HashMap<String, Option<Rc<Quota>>, Spread>,
    /// Of models: every pattern that covers the model counts, all callers together.
    models: Vec<(Glob, Claim)>,
    /// Of everybody together.
    global: Option<Claim>,
    completion_tokens: u64,
    lease: Duration,
}

impl RateLimit {
    fn new(rules: Rules) -> Self {
        Self {
            rules: Rc::new(rules),
            known: Rc::default(),
        }
    }
}

impl Policy for RateLimit {
    fn interest(&self) -> Interest {
        Interest {
            request_body: true,
            response_usage: true,
            source_of_strangers: true,
            identity: true,
            end_status: true,
            ..Interest::default()
        }
    }

    fn mode(&self) -> Mode {
        self.rules.mode
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Metered::new(Rc::clone(&self.rules), Rc::clone(&self.known)))
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
