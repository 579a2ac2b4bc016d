//! Alertmanager's API, version 2: `POST /api/v2/alerts` (its OpenAPI document, `postableAlerts`).
//!
//! Alerts are the same when their labels are, so labels hold nothing that changes. One that is on is sent again and again with an end in
//! the future, and is over for Alertmanager when that comes: so a gateway that vanished resolves what it had begun.

use super::{Receiver, action, condition, receiver};
use crate::firing::Firing;
use crate::rules::Rules;
use portcullis_policy::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// After how many missed notifications an alert that is on counts as over.
const RESENDS_UNTIL_OVER: u32 = 4;

pub(super) fn body(to: &Receiver, rules: &Rules, now_ms: u64, firing: &[Firing]) -> Value {
    firing
        .iter()
        .map(|one| alert(to, rules, now_ms, one))
        .collect()
}

fn alert(to: &Receiver, rules: &Rules, now_ms: u64, firing: &Firing) -> Value {
    let mut labels = Map::new();
    let mut label = |name: &str, value: &str| {
        if !value.is_empty() {
            labels.insert(name.to_owned(), value.into());
        }
    };
    label("alertname", &firing.alert);
    label("by", &firing.by);
    label("subject", &firing.subject);
    label("service", to.service.as_deref().unwrap_or_default());
    label("notify", receiver(rules, firing).unwrap_or_default());
    label("source", "portcullis");
    let condition = condition(rules, firing);
    let whom = if firing.subject.is_empty() {
        String::new()
    } else {
        format!(" of {} {}", firing.by, firing.subject)
    };
    let valid = to.resend * RESENDS_UNTIL_OVER + to.timeout;
    let ends = firing
        .ended_ms
        .map_or_else(|| time(now_ms).after(valid), time);
    json!({
        "labels": labels,
        "annotations": {
            "summary": format!("{}{whom}", firing.alert),
            "condition": condition,
            "value": firing.value.to_string(),
            "action": action(rules, firing),
        },
        "startsAt": time(firing.since_ms).to_rfc3339(),
        "endsAt": ends.to_rfc3339(),
    })
}

fn time(millis: u64) -> Timestamp {
    Timestamp::default().after(Duration::from_millis(millis))
}
