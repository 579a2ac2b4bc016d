//! The section `alerts`, which several policies read: what is counted stands here, what is looked for in texts is found by DLP.
//!
//! Each alert has a `name`, a `condition` and an `action`, both sentences of a small language (see [`Condition`] and [`AlertAction`]):
//!
//! ```yaml
//! alerts:
//!   - { name: High request rate, condition: "rpm > 1000", action: "notify security-team@company.com" }
//!   - { name: Authentication failures, condition: "auth_failures > 10 in 5min", action: "block IP for 1 hour" }
//!   - { name: Suspicious patterns, condition: "prompt contains 'jailbreak'", action: "flag for review" }
//! ```

mod action;
mod condition;
mod parse;

pub use action::{AlertAction, BLOCK_MAX};
pub use condition::{
    Comparison, Condition, Counted, Measure, SubjectKind, Test, TextSearch, WINDOW_MAX,
};
pub use parse::Misread;

use super::{Document, Section};

/// Most alerts. Protects the time of a request, and the memory of a subject: each alert counts on its own.
pub const ALERTS_MAX: usize = 32;

/// Longest name of an alert, in bytes. Names stand in records, metrics and notifications.
pub const ALERT_NAME_BYTES_MAX: usize = 64;

/// Longest condition and longest action, in bytes.
const SENTENCE_BYTES_MAX: usize = 1024;

/// What is watched, and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// `name`: unique, as records, metrics and notifications show it.
    pub name: String,
    /// `condition`.
    pub condition: Condition,
    /// `action`: at least one, each kind once.
    pub actions: Vec<AlertAction>,
}

impl Alert {
    /// Who is counted apart from whom: what the condition says, else what makes sense for it. Somebody who fails to authenticate is known
    /// by nothing but the address, and only an address can be blocked.
    #[must_use]
    pub fn subject(&self) -> SubjectKind {
        let by_source = self.block().is_some()
            || matches!(&self.condition, Condition::Counted(counted) if counted.measure == Measure::AuthFailures);
        match &self.condition {
            Condition::Counted(Counted { by: Some(by), .. })
            | Condition::Text(TextSearch { by: Some(by), .. }) => *by,
            Condition::Counted(_) | Condition::Text(_) if by_source => SubjectKind::Source,
            Condition::Counted(_) => SubjectKind::All,
            Condition::Text(_) => SubjectKind::User,
        }
    }

    /// How long the source is blocked, where it is.
    #[must_use]
    pub fn block(&self) -> Option<std::time::Duration> {
        self.actions.iter().find_map(|action| match action {
            AlertAction::BlockSource(time) => Some(*time),
            AlertAction::Notify(_) | AlertAction::Flag => None,
        })
    }

    /// Whether what sets it off is flagged for review.
    #[must_use]
    pub fn flags(&self) -> bool {
        self.actions.contains(&AlertAction::Flag)
    }

    /// Who is told.
    #[must_use]
    pub fn receiver(&self) -> Option<&str> {
        self.actions.iter().find_map(|action| match action {
            AlertAction::Notify(receiver) => Some(receiver.as_str()),
            AlertAction::BlockSource(_) | AlertAction::Flag => None,
        })
    }
}

/// Reads the section; mistakes are noted in the document. Called once, by [`Document::alerts`].
pub(super) fn read(document: &Document) -> Vec<Alert> {
    let Some(section) = document.section("alerts") else {
        return Vec::new();
    };
    let items = section.items();
    if items.len() > ALERTS_MAX {
        section.mistake(format!(
            "expected at most {ALERTS_MAX} alerts, found {}",
            items.len()
        ));
        return Vec::new();
    }
    let mut alerts: Vec<Alert> = Vec::with_capacity(items.len());
    for item in &items {
        let Some(alert) = alert(item) else { continue };
        if alerts.iter().any(|other| other.name == alert.name) {
            item.mistake("another alert has this name; records would not tell them apart");
            continue;
        }
        alerts.push(alert);
    }
    alerts
}

fn alert(section: &Section<'_>) -> Option<Alert> {
    section.only(&["name", "condition", "action"]);
    let name = section.required("name").and_then(|field| name(&field));
    let condition = sentence(section, "condition", |text| text.parse::<Condition>());
    let action = sentence(section, "action", AlertAction::parse_all);
    let alert = Alert {
        name: name?,
        condition: condition?,
        actions: action?,
    };
    if alert.block().is_some() && alert.subject() != SubjectKind::Source {
        section.mistake(
            "only a source can be blocked: let the condition say `by source`, or leave `by` out",
        );
        return None;
    }
    Some(alert)
}

fn name(field: &Section<'_>) -> Option<String> {
    let name = field.string()?;
    let plain = name.len() <= ALERT_NAME_BYTES_MAX
        && name.trim() == name
        && name
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic() && !b"\"\\[]{}".contains(&byte));
    if plain {
        return Some(name.to_owned());
    }
    field.mistake(format!(
        "expected at most {ALERT_NAME_BYTES_MAX} letters, digits, spaces or signs of ASCII, without quotes, backslashes, brackets and braces"
    ));
    None
}

fn sentence<T>(
    section: &Section<'_>,
    name: &str,
    read: impl Fn(&str) -> Result<T, Misread>,
) -> Option<T> {
    let field = section.required(name)?;
    let text = field.string()?;
    if text.len() > SENTENCE_BYTES_MAX {
        field.mistake(format!("longer than {SENTENCE_BYTES_MAX} bytes"));
        return None;
    }
    read(text)
        .map_err(|misread| field.mistake(misread.to_string()))
        .ok()
}

#[cfg(test)]
mod tests;
