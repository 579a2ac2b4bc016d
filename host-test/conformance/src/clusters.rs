//! Other services that policies call: what a case lets them answer, and what they were sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::bytes;
use crate::merge::missing;

/// What a cluster does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Reaction {
    /// Answers with this status, without a body.
    Status(u16),
    /// One of the others.
    Other(Silence),
}

/// Ways not to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// Nobody listens: the proxy answers 503 itself.
    Unreachable,
    /// Nobody answers until the caller's time is up: the proxy answers 504 itself.
    Silent,
    /// The cluster has no healthy host: the call cannot be made.
    Unhealthy,
}

/// Clusters and their scripts: a reaction for each call in order, the last for all that follow.
pub type Scripts = BTreeMap<String, Vec<Reaction>>;

/// A call as it arrived.
#[derive(Debug, Clone)]
pub struct Made {
    /// Where.
    pub cluster: String,
    /// With pseudo-headers.
    pub headers: Vec<bytes::Field>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the caller waits.
    pub timeout: Duration,
    /// What came of it.
    pub reaction: Reaction,
}

/// The scripts in force and the calls so far.
#[derive(Debug, Default)]
pub struct Clusters {
    scripts: Scripts,
    made: Vec<Made>,
}

impl Clusters {
    /// Scripts that take the place of those of the same clusters.
    pub fn script(&mut self, scripts: &Scripts) {
        self.scripts.extend(scripts.clone());
    }

    /// A call arrives; `None` when nobody knows the cluster.
    pub fn take(
        &mut self,
        cluster: &str,
        headers: Vec<bytes::Field>,
        body: &[u8],
        timeout: Duration,
    ) -> Option<Reaction> {
        let script = self.scripts.get_mut(cluster)?;
        let reaction = *script.first()?;
        if script.len() > 1 {
            script.remove(0);
        }
        self.made.push(Made {
            cluster: cluster.to_owned(),
            headers,
            body: body.to_vec(),
            timeout,
            reaction,
        });
        Some(reaction)
    }

    /// The calls since the last time.
    pub fn drain(&mut self) -> Vec<Made> {
        std::mem::take(&mut self.made)
    }
}

/// What must have been called since the last step that asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectCalls {
    /// Of this cluster.
    pub cluster: String,
    /// How many calls.
    pub count: Option<usize>,
    /// What must stand in the last of them.
    pub headers: BTreeMap<String, String>,
    /// A part of the last one's body, read as JSON.
    pub json: Option<Value>,
    /// Each of these stands in one of the bodies.
    pub contains: Vec<String>,
    /// None of these stands in any.
    pub lacks: Vec<String>,
}

/// What is wrong with calls.
#[must_use]
pub fn problems(expect: &ExpectCalls, made: &[Made]) -> Vec<String> {
    let calls: Vec<&Made> = made
        .iter()
        .filter(|call| call.cluster == expect.cluster)
        .collect();
    let name = &expect.cluster;
    let mut out = Vec::new();
    if let Some(count) = expect.count
        && count != calls.len()
    {
        out.push(format!(
            "calls of {name}: expected {count}, found {}",
            calls.len()
        ));
    }
    let last = calls.last();
    for (header, expected) in &expect.headers {
        let found = last.and_then(|call| bytes::text(&call.headers, header));
        if found.as_ref() != Some(expected) {
            out.push(format!(
                "{name}: {header}: expected {expected}, found {found:?}"
            ));
        }
    }
    if let Some(expected) = &expect.json {
        let found = last.and_then(|call| serde_json::from_slice(&call.body).ok());
        missing(expected, &found.unwrap_or_default(), name, &mut out);
    }
    let bodies: Vec<_> = calls
        .iter()
        .map(|call| String::from_utf8_lossy(&call.body))
        .collect();
    let stands = |text: &String| bodies.iter().any(|body| body.contains(text.as_str()));
    out.extend(
        expect
            .contains
            .iter()
            .filter(|text| !stands(text))
            .map(|text| format!("{name}: {text:?} stands in no call: {bodies:?}")),
    );
    out.extend(
        expect
            .lacks
            .iter()
            .filter(|text| stands(text))
            .map(|text| format!("{name}: {text:?} stands in a call")),
    );
    out
}

/// What must never be sent anywhere, and was.
#[must_use]
pub fn leaks(planted: &[String], made: &[Made]) -> Vec<String> {
    let mut out = Vec::new();
    for call in made {
        let mut all = String::from_utf8_lossy(&call.body).into_owned();
        for (name, value) in &call.headers {
            all.push_str(name);
            all.push_str(&String::from_utf8_lossy(value));
        }
        let told = planted
            .iter()
            .filter(|secret| all.contains(secret.as_str()));
        out.extend(told.map(|secret| format!("a call of {} tells {secret:?}", call.cluster)));
    }
    out
}
