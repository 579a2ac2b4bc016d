//! Counters and the histogram under the contract's names.
//!
//! A host's metric has a name and no labels. Labels are written into the name as `;label=value`, and Envoy's `stats_tags` take them out
//! again (see the shipped scenarios): `portcullis_requests_total;decision=refuse;reason=dlp_blocked`.

use crate::abi::{self, MetricKind};
use portcullis_policy::{Metric, Spread};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

/// Histogram of the microseconds that this module worked on an exchange.
const EXCHANGE_TIME: &str = "portcullis_exchange_time_us";

thread_local! {
    /// Ids of this VM's metrics. As many as rules, actions and codes have combinations: all from the policy, none from traffic.
    static IDS: RefCell<HashMap<Metric, u32, Spread>> = RefCell::default();
    static EXCHANGE_TIME_ID: RefCell<Option<u32>> = const { RefCell::new(None) };
    static TIMING: Cell<Timing> = const { Cell::new(Timing { opened: 0, last: None }) };
}

/// Of so many exchanges one is timed, and stands for those that end until the next one does: the clock is a call, and each of an exchange's seven
/// steps would need one at its end. Until the first has ended there is nothing that could stand for others, so all are timed.
const EXCHANGES_ALIKE: u32 = 16;

/// Which exchanges are timed, and how long the last of them took.
#[derive(Clone, Copy)]
struct Timing {
    opened: u32,
    last: Option<Duration>,
}

/// An exchange begins; whether it is one that is timed.
pub(crate) fn times_next() -> bool {
    let timing = TIMING.get();
    TIMING.set(Timing {
        opened: timing.opened.wrapping_add(1),
        ..timing
    });
    timing.last.is_none() || timing.opened.is_multiple_of(EXCHANGES_ALIKE)
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

/// Records how long this module worked on an exchange; `None` for one that was not timed.
pub(crate) fn record_exchange_time(time: Option<Duration>) {
    let Some(time) = ended(time) else {
        return;
    };
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

/// An exchange ended that took so long, where it was timed; how long it counts as.
fn ended(time: Option<Duration>) -> Option<Duration> {
    let timing = TIMING.get();
    let last = time.or(timing.last);
    TIMING.set(Timing { last, ..timing });
    last
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
    fn one_exchange_in_sixteen_is_timed_and_stands_for_the_others() {
        let micros = Duration::from_micros;
        let timed: Vec<bool> = (0..5).map(|_| times_next()).collect();
        assert_eq!(
            timed, [true; 5],
            "none has ended that could stand for others"
        );
        assert_eq!(ended(Some(micros(7))), Some(micros(7)));
        let timed: Vec<usize> = (5..40).filter(|_| times_next()).collect();
        assert_eq!(timed, [16, 32]);
        assert_eq!(ended(None), Some(micros(7)));
        assert_eq!(ended(Some(micros(9))), Some(micros(9)));
        assert_eq!(ended(None), Some(micros(9)));
    }

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
