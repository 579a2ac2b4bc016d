//! What of a record is asked for and shown.

use serde::Deserialize;
use std::borrow::Cow;

/// A record of a request, an alert, or another event; what an event has not is `None`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    pub timestamp: Cow<'a, str>,
    #[serde(borrow)]
    pub event_type: Cow<'a, str>,
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub source_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    pub tokens_in: Option<u64>,
    pub tokens_out: Option<u64>,
    pub latency_ms: Option<u64>,
    pub status: Option<u16>,
    #[serde(borrow)]
    pub request_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub team: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub decision: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub findings: Vec<Finding<'a>>,
    #[serde(borrow)]
    pub alerts: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub alert: Option<Cow<'a, str>>,
}

/// Matches of one rule.
#[derive(Debug, Deserialize)]
pub(crate) struct Finding<'a> {
    #[serde(borrow)]
    pub rule: Cow<'a, str>,
}

impl<'a> Record<'a> {
    /// Of a line; `None` when it is no record.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(line).ok()?;
        (!record.timestamp.is_empty()).then_some(record)
    }

    /// Whether it is of a request: those have a status.
    pub fn is_request(&self) -> bool {
        matches!(self.event_type.as_ref(), "api_request" | "auth_failure")
    }

    /// The column of this name as text; empty for what is not known.
    pub fn column(&self, name: &str) -> String {
        let text = |text: &Option<Cow<'a, str>>| text.as_deref().unwrap_or_default().to_owned();
        let number =
            |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        match name {
            "timestamp" => self.timestamp.to_string(),
            "event_type" => self.event_type.to_string(),
            "user" => text(&self.user),
            "source_ip" => text(&self.source_ip),
            "model" => text(&self.model),
            "tokens_in" => number(self.tokens_in),
            "tokens_out" => number(self.tokens_out),
            "latency_ms" => number(self.latency_ms),
            "status" => number(self.status.map(u64::from)),
            "request_id" => text(&self.request_id),
            "team" => text(&self.team),
            "key_id" => text(&self.key_id),
            "path" => text(&self.path),
            "decision" => text(&self.decision),
            "reason" => text(&self.reason),
            "rules" => self
                .findings
                .iter()
                .map(|finding| finding.rule.as_ref())
                .collect::<Vec<_>>()
                .join(" "),
            "alerts" => match &self.alert {
                Some(alert) => alert.to_string(),
                None => self.alerts.join(" "),
            },
            _ => String::new(),
        }
    }
}
