//! The alerts of a policy, ready to count.

use crate::series::{Total, window_ms};
use portcullis_policy::config::Document;
use portcullis_policy::config::alerts::{Alert, Comparison, Condition, Measure, SubjectKind};
use portcullis_policy::sort::sort_by_key;
use portcullis_policy::{AuthOutcome, Decision, Facts, Side, sha256};

/// To how much of its number a count must have fallen before the alert is over.
pub const RECOVERED_PERCENT: u64 = 80;

/// Answers with such a status or above are errors.
const ERROR_STATUS_MIN: u16 = 500;

/// The status of every failed authentication.
const UNAUTHORIZED: u16 = 401;

const MINUTE_MS: u64 = 60_000;

/// When something counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When the request arrives.
    Begin,
    /// When the exchange is over.
    End,
}

/// One alert.
#[derive(Debug)]
pub(crate) struct Rule {
    /// As the policy has it.
    pub alert: Alert,
    /// Who is counted apart from whom.
    pub subject: SubjectKind,
    /// How long what happened counts.
    pub window_ms: u64,
    /// Stands for it in the store, which outlives the policy: another condition or name is another alert.
    pub id: u32,
}

/// All alerts.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    /// By whom anything is counted.
    pub kinds: Vec<SubjectKind>,
}

impl Rules {
    /// `None` when the policy has no alerts.
    pub fn read(document: &Document) -> Option<Self> {
        let rules: Vec<Rule> = document.alerts().iter().map(Rule::new).collect();
        let mut kinds: Vec<SubjectKind> = rules.iter().map(|rule| rule.subject).collect();
        sort_by_key(&mut kinds, |kind| *kind);
        kinds.dedup();
        (!rules.is_empty()).then_some(Self { rules, kinds })
    }

    /// In the order of the policy.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule that stands for this in the store.
    pub fn find(&self, id: u32) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

impl Rule {
    fn new(alert: &Alert) -> Self {
        let told_apart = format!(
            "{}\n{}\n{}",
            alert.name,
            alert.condition,
            alert.subject().name()
        );
        let digest = sha256(&[told_apart.as_bytes()]);
        Self {
            subject: alert.subject(),
            window_ms: window_ms(alert.condition.window()),
            id: digest
                .first_chunk()
                .map_or(0, |four| u32::from_le_bytes(*four)),
            alert: alert.clone(),
        }
    }

    /// When it counts.
    pub const fn moment(&self) -> Moment {
        match &self.alert.condition {
            Condition::Counted(counted)
                if matches!(counted.measure, Measure::Rpm | Measure::Requests) =>
            {
                Moment::Begin
            }
            Condition::Counted(_) | Condition::Text(_) => Moment::End,
        }
    }

    /// How much an exchange counts; `None` when nothing of it does.
    pub fn amount(
        &self,
        rules: &Rules,
        facts: &Facts,
        status: u16,
        latency_ms: Option<u64>,
    ) -> Option<u64> {
        let some = |amount: u64| (amount > 0).then_some(amount);
        match &self.alert.condition {
            Condition::Counted(counted) => match counted.measure {
                Measure::Rpm | Measure::Requests => Some(1),
                Measure::Tpm | Measure::Tokens => facts
                    .usage
                    .and_then(|usage| some(usage.input.saturating_add(usage.output))),
                Measure::Errors => (status >= ERROR_STATUS_MIN).then_some(1),
                // In shadow mode nobody is refused for it, so nobody must be blocked for it.
                Measure::AuthFailures => {
                    let shadow = facts
                        .shadow
                        .iter()
                        .any(|reason| reason.status() == UNAUTHORIZED);
                    (facts.auth == AuthOutcome::Failure && !shadow).then_some(1)
                }
                Measure::DlpFindings => some(findings(rules, facts)),
                // What was refused took no time, and would make slow answers look fast.
                Measure::LatencyMs => {
                    latency_ms.filter(|_| status > 0 && facts.decision() != Decision::Refuse)
                }
            },
            Condition::Text(text) => found(facts, &self.alert.name, text.side).then_some(1),
        }
    }

    /// What the condition's number is held against, for people.
    pub fn value(&self, total: Total) -> u64 {
        let (value, scale) = self.scaled(total);
        value.checked_div(scale).unwrap_or(0)
    }

    /// Whether the condition holds.
    pub fn fires(&self, total: Total) -> bool {
        let (value, scale) = self.scaled(total);
        match &self.alert.condition {
            Condition::Counted(counted) => {
                let number = counted.number.saturating_mul(scale);
                scale > 0
                    && match counted.comparison {
                        Comparison::Above => value > number,
                        Comparison::AtLeast => value >= number,
                    }
            }
            Condition::Text(_) => value > 0,
        }
    }

    /// Whether it is over.
    pub fn recovered(&self, total: Total) -> bool {
        let (value, scale) = self.scaled(total);
        let number = match &self.alert.condition {
            Condition::Counted(counted) => counted.number,
            Condition::Text(_) => 0,
        };
        let [value, number, scale] = [value, number, scale].map(u128::from);
        let recovered = number
            .saturating_mul(scale)
            .saturating_mul(RECOVERED_PERCENT.into());
        value.saturating_mul(100) <= recovered
    }

    /// The value times the scale, so that nothing is lost in a division. A scale of 0: there is nothing to say.
    fn scaled(&self, total: Total) -> (u64, u64) {
        let Condition::Counted(counted) = &self.alert.condition else {
            return (total.times, 1);
        };
        match counted.measure {
            Measure::Rpm | Measure::Tpm => (total.amount.saturating_mul(MINUTE_MS), self.window_ms),
            Measure::LatencyMs => (total.amount, total.times),
            Measure::Requests
            | Measure::Tokens
            | Measure::Errors
            | Measure::AuthFailures
            | Measure::DlpFindings => (total.amount, 1),
        }
    }
}

/// Matches of DLP's own rules: those of alerts are no findings of the policy's.
fn findings(rules: &Rules, facts: &Facts) -> u64 {
    let of_alert = |name: &str| {
        rules
            .all()
            .iter()
            .any(|rule| rule.alert.condition.text().is_some() && rule.alert.name == name)
    };
    let own = facts
        .findings
        .iter()
        .filter(|finding| !of_alert(&finding.rule));
    own.map(|finding| u64::from(finding.count)).sum()
}

fn found(facts: &Facts, alert: &str, side: Side) -> bool {
    facts
        .findings
        .iter()
        .any(|finding| finding.rule == alert && finding.side == side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::{Action, Reason, Refusal};

    fn rules(conditions: &[&str]) -> Rules {
        let alert = |condition: &&str| {
            format!(
                r#"{{"name": "{condition}", "condition": "{condition}", "action": "notify x"}}"#
            )
        };
        let alerts: Vec<String> = conditions.iter().map(alert).collect();
        let policy = format!(r#"{{"alerts": [{}]}}"#, alerts.join(","));
        Rules::read(&Document::parse(policy.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn only_answers_take_time() {
        let rules = rules(&["latency_ms > 5"]);
        let took = |facts: &Facts, status| rules.all()[0].amount(&rules, facts, status, Some(70));
        let mut facts = Facts::default();
        assert_eq!(took(&facts, 200), Some(70));
        assert_eq!(took(&facts, 0), None);
        facts.refusal = Some(Refusal::new(Reason::DlpBlocked, ""));
        assert_eq!(took(&facts, 400), None);
    }

    #[test]
    fn what_alerts_look_for_is_no_finding_of_dlp() {
        let rules = rules(&["dlp_findings > 1", "prompt contains 'x'"]);
        let found = |facts: &Facts| rules.all()[0].amount(&rules, facts, 200, None);
        let mut facts = Facts::default();
        facts.found("prompt contains 'x'", Action::Flag, Side::Request, 3);
        assert_eq!(found(&facts), None);
        facts.found("ssn", Action::Flag, Side::Request, 2);
        assert_eq!(found(&facts), Some(2));
    }
}
