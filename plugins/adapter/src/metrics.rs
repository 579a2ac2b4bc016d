//! Counters and the histogram under the contract's names.
//!
//! A host's metric has a name and no labels. Labels are written into the name as `;label=value`, and Envoy's `stats_tags` take them out
//! again (see the shipped scenarios): `portcullis_requests_total;decision=refuse;reason=dlp_blocked`.

use crate::abi::{self, MetricKind};
use portcullis_policy::{Metric, Spread};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// Histogram of the microseconds that this module worked on an exchange.
const EXCHANGE_TIME: &str = "portcullis_exchange_time_us";

thread_local! {
    /// Ids of this VM's metrics. As many as rules, actions and codes have combinations: all from the policy, none from traffic.
    static IDS: RefCell<HashMap<Metric, u32, Spread>> = RefCell::default();
    static EXCHANGE_TIME_ID: RefCell<Option<u32>> = const { RefCell::new(None) };
}

/// Adds to a counter.
pub(crate) fn count(metric: Metric, by: u64) {
    let id = IDS.with_borrow_mut(|ids| {
        if let Some(id) = ids.get(&metric) {
            return Some(*id);
        }
        let id = abi::define_metric(MetricKind::Counter, &name(&metric)).ok()?;
        ids.insert(metric, id);
        Some(id)
    });
    if let Some(id) = id {
        abi::increment_metric(id, by);
    }
}

/// Records how long this module worked on an exchange.
pub(crate) fn record_exchange_time(time: Duration) {
    let id = EXCHANGE_TIME_ID.with_borrow_mut(|id| {
        if id.is_none() {
            *id = abi::define_metric(MetricKind::Histogram, EXCHANGE_TIME).ok();
        }
        *id
    });
    if let Some(id) = id {
        abi::record_metric(id, u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }
}

fn name(metric: &Metric) -> String {
    match metric {
        Metric::Requests { decision, reason } => {
            format!("portcullis_requests_total;decision={decision};reason={reason}")
        }
        Metric::Tokens { direction } => format!("portcullis_tokens_total;direction={direction}"),
        Metric::DlpFindings { rule, action } => {
            format!(
                "portcullis_dlp_findings_total;rule={};action={}",
                label(rule),
                action.name()
            )
        }
        Metric::ShadowRefusals { reason } => {
            format!("portcullis_shadow_refusals_total;reason={reason}")
        }
        Metric::ExpiringKeyRequests => "portcullis_expiring_key_requests_total".to_owned(),
        Metric::AuthFailures => "portcullis_auth_failures_total".to_owned(),
        Metric::Lockouts => "portcullis_lockouts_total".to_owned(),
        Metric::Notifications { outcome } => {
            format!("portcullis_notifications_total;outcome={outcome}")
        }
        Metric::Alerts { alert } => format!("portcullis_alerts_total;alert={}", label(alert)),
        Metric::StoreContention => "portcullis_store_contention_total".to_owned(),
        Metric::AuditDropped => "portcullis_audit_dropped_total".to_owned(),
    }
}

/// A rule's name as a label: what could be mistaken for the syntax of stat names becomes `_`.
fn label(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::Action;

    #[test]
    fn names_carry_labels() {
        let metric = Metric::DlpFindings {
            rule: "a;b.c=d".into(),
            action: Action::Redact,
        };
        assert_eq!(
            name(&metric),
            "portcullis_dlp_findings_total;rule=a_b_c_d;action=redact"
        );
    }
}
