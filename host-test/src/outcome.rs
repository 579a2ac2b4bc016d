//! What came of an exchange.

use std::collections::BTreeMap;

use crate::message::{Message, Piece};
use crate::stream::LocalReply;

/// One callback of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The name of its plugin.
    pub plugin: String,
    /// Its name without `proxy_`.
    pub name: String,
    /// What it returned; none for a trap.
    pub answer: Option<u32>,
    /// How many instructions it took, if the world counts them.
    pub instructions: Option<u64>,
}

/// What left in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// For the upstream.
    pub to_upstream: Vec<Piece>,
    /// For the client.
    pub to_client: Vec<Piece>,
}

/// What came of an exchange.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What reached the upstream.
    pub upstream: Message,
    /// What reached the client.
    pub client: Message,
    /// Filter state by Envoy's name: what a guest sets as `["name"]` stands here as `wasm.name`.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// The reply that Envoy or a filter made itself, if one did.
    pub local_reply: Option<LocalReply>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: Option<String>,
    /// Every callback in order.
    pub callbacks: Vec<Callback>,
    /// How often guests cleared the route cache.
    pub route_cache_cleared: u32,
}

impl Outcome {
    /// Filter state as text, by the name a guest gave it (without `wasm.`).
    pub fn state(&self, name: &str) -> Option<String> {
        let value = self.filter_state.get(&format!("wasm.{name}"))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The instructions of all callbacks; none unless the world counts them.
    pub fn instructions(&self) -> Option<u64> {
        self.callbacks
            .iter()
            .map(|callback| callback.instructions)
            .sum()
    }

    /// The names of the callbacks of one plugin, in order.
    pub fn callbacks_of(&self, plugin: &str) -> Vec<&str> {
        self.callbacks
            .iter()
            .filter(|c| c.plugin == plugin)
            .map(|c| c.name.as_str())
            .collect()
    }
}
