//! How much each caller may use: requests, tokens and parallel requests, in token buckets shared by all workers.
//!
//! Limits stand for users, teams, models and all callers together; a request takes from all buckets that apply or from none. Before it
//! leaves it *reserves* its tokens: an estimate of the prompt, and the cap that it names for the answer. When the answer is there it
//! *settles* with what the provider counted, and gives back the rest or owes the difference. Refused requests cost nothing.
//!
//! What is promised, at any number of workers:
//! - A bucket of `n` per minute admits `n` at once and `n` in each minute after that; counted from any moment at which nothing is
//!   reserved, what was settled never exceeds that, unless a provider counts more than was reserved: then the bucket owes it.
//! - `retry-after` is the time after which the request passes, to the nanosecond, if nobody else comes between; for parallel slots it
//!   is a guess.
//! - A permit goes back exactly once: when the answer or the exchange ends, or by itself after the lease.
//! - A clock that is set back delays nobody by more than a second.
//! - Memory in the store is bounded, see [`SLOTS`]; a store without an answer or without room refuses.
//!
//! A request without an identity, because no `auth` stands before this policy, counts for its source: an IPv4 address or the /64 of an
//! IPv6 address. Without an address, too, it is refused: there is nobody to count it for.
//!
//! Endpoints that spend no tokens are not limited here. This crate knows no wire format and reads no clock.

mod account;
mod bucket;
mod claim;
mod config;
mod estimate;
mod ledger;
mod metered;
mod permits;
mod slot;

pub use config::{COMPLETION_TOKENS_DEFAULT, LEASE_DEFAULT, LEASE_MIN, configure};
pub use slot::{SLOT_BYTES_MAX, SLOTS};

use claim::Claim;
use metered::Metered;
use portcullis_policy::config::{Glob, Limits};
use portcullis_policy::{Exchange, Interest, Policy};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// The policy, configured.
pub struct RateLimit {
    rules: Rc<Rules>,
}

/// What a policy document says about limits.
struct Rules {
    /// Of each user.
    user: Limits,
    /// Of each team that says nothing itself.
    team: Limits,
    /// Of teams by id, completed from `team`.
    teams: HashMap<String, Limits>,
    /// Of models: every pattern that covers the model counts, all callers together.
    models: Vec<(Glob, Claim)>,
    /// Of everybody together.
    global: Claim,
    completion_tokens: u64,
    lease: Duration,
}

impl Policy for RateLimit {
    fn interest(&self) -> Interest {
        Interest {
            request_body: true,
            response_usage: true,
            ..Interest::default()
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Metered::new(Rc::clone(&self.rules)))
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
