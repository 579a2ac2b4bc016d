//! A webhook of anybody's: one JSON object with all that is new, once when an alert is set off and once when it is over.
//!
//! ```json
//! {"version": 1, "service": "llm-gateway", "alerts": [
//!   {"alert": "Authentication failures", "status": "firing", "by": "source", "subject": "10.0.0.1", "condition": "auth_failures > 10 in 5min",
//!    "value": 11, "action": "block IP for 1h", "notify": null, "starts_at": "2026-01-01T00:00:00.000Z", "ends_at": null}]}
//! ```

use super::{Receiver, action, condition, receiver};
use crate::firing::Firing;
use crate::rules::Rules;
use portcullis_policy::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// The body of a notification.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    version: u32,
    service: Option<&'a str>,
    alerts: Vec<Alert<'a>>,
}

#[derive(Serialize)]
struct Alert<'a> {
    alert: &'a str,
    status: &'static str,
    by: &'a str,
    subject: &'a str,
    condition: String,
    value: u64,
    action: String,
    notify: Option<&'a str>,
    starts_at: String,
    ends_at: Option<String>,
}

pub(super) fn body<'a>(to: &'a Receiver, rules: &'a Rules, firing: &'a [Firing]) -> Body<'a> {
    Body {
        version: 1,
        service: to.service.as_deref(),
        alerts: firing.iter().map(|one| alert(rules, one)).collect(),
    }
}

fn alert<'a>(rules: &'a Rules, firing: &'a Firing) -> Alert<'a> {
    let time = |millis: u64| {
        Timestamp::default()
            .after(Duration::from_millis(millis))
            .to_rfc3339()
    };
    Alert {
        alert: &firing.alert,
        status: if firing.ended_ms.is_some() {
            "resolved"
        } else {
            "firing"
        },
        by: &firing.by,
        subject: &firing.subject,
        condition: condition(rules, firing),
        value: firing.value,
        action: action(rules, firing),
        notify: receiver(rules, firing),
        starts_at: time(firing.since_ms),
        ends_at: firing.ended_ms.map(time),
    }
}
