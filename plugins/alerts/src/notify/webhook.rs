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
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn body(to: &Receiver, rules: &Rules, firing: &[Firing]) -> Value {
    let alerts: Vec<Value> = firing.iter().map(|one| alert(rules, one)).collect();
    json!({ "version": 1, "service": to.service, "alerts": alerts })
}

fn alert(rules: &Rules, firing: &Firing) -> Value {
    let time = |millis: u64| {
        Timestamp::default()
            .after(Duration::from_millis(millis))
            .to_rfc3339()
    };
    json!({
        "alert": firing.alert,
        "status": if firing.ended_ms.is_some() { "resolved" } else { "firing" },
        "by": firing.by,
        "subject": firing.subject,
        "condition": condition(rules, firing),
        "value": firing.value,
        "action": action(rules, firing),
        "notify": receiver(rules, firing),
        "starts_at": time(firing.since_ms),
        "ends_at": firing.ended_ms.map(time),
    })
}
