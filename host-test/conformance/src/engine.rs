//! What an engine does, and what it tells of an exchange.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use portcullis_chain::names;
use serde_json::Value;

use crate::bytes::Field;
use crate::case::Shared;
use crate::clusters::{Made, Scripts};
use crate::resolve::{Call, Reply};

/// A world in which one case runs: a gateway with its policy, a provider, a clock. Dropped with the case.
pub trait Engine {
    /// Lets time pass.
    ///
    /// # Errors
    /// Without a virtual clock.
    fn advance(&mut self, by: Duration) -> Result<()>;

    /// Sets the wall clock, in nanoseconds since 1970.
    ///
    /// # Errors
    /// Without a virtual clock.
    fn set_clock(&mut self, unix_ns: u64) -> Result<()>;

    /// What all workers share behaves so from now on.
    ///
    /// # Errors
    /// Where that cannot be ordered.
    fn share(&mut self, _: Shared) -> Result<()> {
        bail!("what workers share always answers here")
    }

    /// The clusters of these names answer as the scripts say, from now on.
    ///
    /// # Errors
    /// Where services cannot be scripted.
    fn script(&mut self, clusters: &Scripts) -> Result<()> {
        ensure!(clusters.is_empty(), "no scripted services here");
        Ok(())
    }

    /// What policies called since the last time.
    fn calls(&mut self) -> Vec<Made> {
        Vec::new()
    }

    /// A request that is answered, and what came of it.
    ///
    /// # Errors
    /// When the engine fails, which no case may bring about.
    fn exchange(&mut self, call: &Call, reply: &Reply) -> Result<Seen>;

    /// A request that waits for its answer under a name.
    ///
    /// # Errors
    /// As [`Engine::exchange`], and when exchanges cannot overlap.
    fn open(&mut self, name: &str, call: &Call) -> Result<()>;

    /// The answer to the exchange of this name.
    ///
    /// # Errors
    /// As [`Engine::open`], and when there is no such exchange.
    fn finish(&mut self, name: &str, reply: &Reply) -> Result<Seen>;
}

/// A policy and its surroundings, ready to be loaded.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The policy document, `envoy.hold_headers` included.
    pub policy: Value,
    /// Whether headers are held.
    pub hold: bool,
    /// The environment that the host hands over.
    pub env: BTreeMap<String, String>,
}

/// Filter state that a case can see.
pub const STATE: [&str; 15] = [
    names::AUDIT,
    names::USER,
    names::TEAM,
    names::KEY_ID,
    names::MODEL,
    names::TOKENS_IN,
    names::TOKENS_OUT,
    names::TOKENS_TOTAL,
    names::DECISION,
    names::REASON,
    names::IDENTITY,
    names::AUTH,
    names::KEY_EXPIRES_AT,
    names::SHADOW,
    names::FINDINGS,
];

/// What came of an exchange.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What reached the provider.
    pub provider: Message,
    /// What reached the client; its status stands in `:status`.
    pub client: Message,
    /// Filter state under the names of the contract.
    pub state: BTreeMap<String, String>,
    /// The audit records written for it, one line each.
    pub records: Vec<String>,
    /// By how much counters grew.
    pub metrics: BTreeMap<String, u64>,
    /// What was logged meanwhile.
    pub log: String,
    /// The id that Envoy gave the request.
    pub request_id: String,
}

/// What reached one of the two sides.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Anything at all.
    pub began: bool,
    /// It came to its end.
    pub complete: bool,
    /// With pseudo-headers.
    pub headers: Vec<Field>,
    /// As far as it came.
    pub body: Vec<u8>,
    /// Empty when there were none.
    pub trailers: Vec<Field>,
}

impl Message {
    /// The status of a response; 0 for none.
    #[must_use]
    pub fn status(&self) -> u16 {
        crate::bytes::text(&self.headers, ":status")
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    /// The first value of a header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        crate::bytes::text(&self.headers, name)
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Seen {
    /// The record of the request; `Null` for none.
    #[must_use]
    pub fn record(&self) -> Value {
        self.requests().into_iter().next_back().unwrap_or_default()
    }

    /// The records of requests, without those of other events.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        let parsed = self.parsed();
        parsed
            .filter(|record| {
                matches!(
                    record["event_type"].as_str(),
                    Some("api_request" | "auth_failure")
                )
            })
            .collect()
    }

    /// The records of events of this type.
    #[must_use]
    pub fn events(&self, event_type: &str) -> Vec<Value> {
        self.parsed()
            .filter(|record| record["event_type"] == event_type)
            .collect()
    }

    fn parsed(&self) -> impl Iterator<Item = Value> {
        self.records
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
    }
}
