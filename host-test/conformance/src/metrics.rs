//! How the contract spells counters. Spelled here once more, not taken from the adapter, so that a change of a name that operators
//! rely on shows.

use portcullis_policy::Metric;

/// `name;label=value;…`, as the adapter defines it at the host.
#[must_use]
pub fn name(metric: &Metric) -> String {
    match metric {
        Metric::Requests { decision, reason } => {
            format!("portcullis_requests_total;decision={decision};reason={reason}")
        }
        Metric::Tokens { direction } => format!("portcullis_tokens_total;direction={direction}"),
        Metric::DlpFindings { rule, action } => format!(
            "portcullis_dlp_findings_total;rule={};action={}",
            label(rule),
            action.name()
        ),
        Metric::ShadowRefusals { reason } => {
            format!("portcullis_shadow_refusals_total;reason={reason}")
        }
        Metric::ExpiringKeyRequests => "portcullis_expiring_key_requests_total".to_owned(),
        Metric::AuthFailures => "portcullis_auth_failures_total".to_owned(),
        Metric::Lockouts => "portcullis_lockouts_total".to_owned(),
        Metric::Notifications { outcome } => {
            format!("portcullis_notifications_total;outcome={outcome}")
        }
        Metric::Alerts { alert } => {
            format!("portcullis_alerts_total;alert={}", label(alert))
        }
        Metric::StoreContention => "portcullis_store_contention_total".to_owned(),
        Metric::AuditDropped => "portcullis_audit_dropped_total".to_owned(),
    }
}

/// A name of the policy's as a label: what stands in no word becomes `_`.
fn label(name: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.chars()
        .map(|c| if word(c) { c } else { '_' })
        .collect()
}
