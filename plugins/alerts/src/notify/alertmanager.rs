//! Alertmanager's API, version 2: `POST /api/v2/alerts` (its OpenAPI document, `postableAlerts`).
//!
//! Alerts are the same when their labels are, so labels hold nothing that changes. One that is on is sent again and again with an end in
//! the future, and is over for Alertmanager when that comes: so a gateway that vanished resolves what it had begun.

use super::{Receiver, action, condition, receiver};
use crate::firing::Firing;
use crate::rules::Rules;
use portcullis_policy::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// After how many missed notifications an alert that is on counts as over.
const RESENDS_UNTIL_OVER: u32 = 4;

/// An alert of the body, which is a list of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert<'a> {
    labels: Labels<'a>,
    annotations: Annotations,
    starts_at: String,
    ends_at: String,
}

/// Labels without a value stay out.
#[derive(Serialize)]
struct Labels<'a> {
    alertname: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    by: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    service: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    notify: &'a str,
    source: &'static str,
}

#[derive(Serialize)]
struct Annotations {
    summary: String,
    condition: String,
    value: String,
    action: String,
}

pub(super) fn body<'a>(
    to: &'a Receiver,
    rules: &'a Rules,
    now_ms: u64,
    firing: &'a [Firing],
) -> Vec<Alert<'a>> {
    firing
        .iter()
        .map(|one| alert(to, rules, now_ms, one))
        .collect()
}

fn alert<'a>(to: &'a Receiver, rules: &'a Rules, now_ms: u64, firing: &'a Firing) -> Alert<'a> {
    let whom = if firing.subject.is_empty() {
        String::new()
    } else {
        format!(" of {} {}", firing.by, firing.subject)
    };
    let valid = to.resend * RESENDS_UNTIL_OVER + to.timeout;
    let ends = firing
        .ended_ms
        .map_or_else(|| time(now_ms).after(valid), time);
    Alert {
        labels: Labels {
            alertname: &firing.alert,
            by: &firing.by,
            subject: &firing.subject,
            service: to.service.as_deref().unwrap_or_default(),
            notify: receiver(rules, firing).unwrap_or_default(),
            source: "portcullis",
        },
        annotations: Annotations {
            summary: firing.alert.clone() + &whom,
            condition: condition(rules, firing),
            value: firing.value.to_string(),
            action: action(rules, firing),
        },
        starts_at: time(firing.since_ms).to_rfc3339(),
        ends_at: ends.to_rfc3339(),
    }
}

fn time(millis: u64) -> Timestamp {
    Timestamp::default().after(Duration::from_millis(millis))
}
