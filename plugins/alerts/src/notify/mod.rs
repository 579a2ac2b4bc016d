//! Telling somebody: section `notify` of the policy.
//!
//! ```yaml
//! notify:
//!   cluster: alertmanager          # a cluster that Envoy knows
//!   format: alertmanager           # alertmanager (POST /api/v2/alerts) | webhook
//!   path: /api/v2/alerts           # that, unless it says otherwise; a webhook's is /
//!   authority: alertmanager:9093   # the cluster's name, unless it says otherwise
//!   resend: 1m                     # how often Alertmanager hears of an alert that is still on
//!   timeout: 5s
//! ```
//!
//! Without the section nothing is sent: alerts stand in records and in `portcullis_alerts_total`. With it, every alert is told, whatever its
//! action; `notify <receiver>` says to whom, as a label by which Alertmanager routes.
//!
//! Requests never wait for it: they leave a note in the store ([`firing`](crate::firing)), and [`Notifier`] sends what is due when the timer says so.

mod alertmanager;
mod notifier;
mod webhook;

pub(crate) use notifier::Notifier;

use crate::firing::Firing;
use crate::rules::Rules;
use portcullis_policy::Pseudonyms;
use portcullis_policy::config::alerts::SubjectKind;
use portcullis_policy::config::{Document, Environment, Section, Value};
use std::time::Duration;

/// How often Alertmanager hears of an alert that is still on, unless the policy says otherwise.
const RESEND_DEFAULT: Duration = Duration::from_secs(60);

/// How long an answer may take, unless the policy says otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Longest `timeout` and longest `resend`.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// How notifications are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Alertmanager,
    Webhook,
}

/// Where notifications go.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub cluster: String,
    pub format: Format,
    pub path: String,
    pub authority: String,
    pub resend: Duration,
    pub timeout: Duration,
    /// Which gateway says so: `audit.service`.
    pub service: Option<String>,
    /// Persons stand as in records: `audit.user`.
    pub pseudonyms: Option<Pseudonyms>,
}

impl Receiver {
    /// Reads the section; `None` when there is none. Mistakes are noted in the document.
    pub fn read(document: &Document, environment: &dyn Environment) -> Option<Self> {
        let section = document.section("notify")?;
        section.only(&[
            "cluster",
            "format",
            "path",
            "authority",
            "resend",
            "timeout",
        ]);
        let cluster = section.required("cluster")?.string()?.to_owned();
        let formats = [
            ("alertmanager", Format::Alertmanager),
            ("webhook", Format::Webhook),
        ];
        let format = match section.field("format") {
            Some(field) => field.one_of(&formats)?,
            None => Format::Alertmanager,
        };
        let path = match section.field("path") {
            Some(field) => path(&field)?,
            None => match format {
                Format::Alertmanager => "/api/v2/alerts".to_owned(),
                Format::Webhook => "/".to_owned(),
            },
        };
        let authority = match section.field("authority") {
            Some(field) => authority(&field)?,
            None => cluster.clone(),
        };
        let audit = document.section("audit");
        let service = audit.as_ref().and_then(|audit| text(audit, "service"));
        Some(Self {
            format,
            path,
            authority,
            resend: time(&section, "resend", RESEND_DEFAULT)?,
            timeout: time(&section, "timeout", TIMEOUT_DEFAULT)?,
            service: service.map(str::to_owned),
            pseudonyms: audit
                .as_ref()
                .and_then(|audit| pseudonyms(audit, environment)),
            cluster,
        })
    }

    /// Who an alert is about, as far as the receiver may know. An address is written as it is: nobody could act on anything else.
    pub fn subject(&self, kind: SubjectKind, name: String) -> String {
        match (kind, &self.pseudonyms) {
            (SubjectKind::User, Some(pseudonyms)) => pseudonyms.of("user", &name),
            (SubjectKind::Key, Some(pseudonyms)) => pseudonyms.of("key", &name),
            (
                SubjectKind::User
                | SubjectKind::Key
                | SubjectKind::Team
                | SubjectKind::Source
                | SubjectKind::All,
                _,
            ) => name,
        }
    }

    /// The body of a notification.
    pub fn body(&self, rules: &Rules, now_ms: u64, firing: &[Firing]) -> Vec<u8> {
        let body = match self.format {
            Format::Alertmanager => {
                serde_json::to_vec(&alertmanager::body(self, rules, now_ms, firing))
            }
            Format::Webhook => serde_json::to_vec(&webhook::body(self, rules, firing)),
        };
        // Strings and numbers always serialize.
        body.unwrap_or_default()
    }
}

/// What a rule says, for people; of a text only where it is looked for, since the text itself is a match.
fn condition(rules: &Rules, firing: &Firing) -> String {
    let rule = rules.find(firing.rule);
    rule.map_or_else(String::new, |rule| match rule.alert.condition.text() {
        Some(text) => format!(
            "a text in the {}",
            if text.side == portcullis_policy::Side::Request {
                "prompt"
            } else {
                "response"
            }
        ),
        None => rule.alert.condition.to_string(),
    })
}

fn action(rules: &Rules, firing: &Firing) -> String {
    let actions = rules
        .find(firing.rule)
        .map(|rule| rule.alert.actions.as_slice());
    let words: Vec<String> = actions
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    words.join(" and ")
}

fn receiver<'a>(rules: &'a Rules, firing: &Firing) -> Option<&'a str> {
    rules
        .find(firing.rule)
        .and_then(|rule| rule.alert.receiver())
}

fn time(section: &Section<'_>, name: &str, default: Duration) -> Option<Duration> {
    let Some(field) = section.field(name) else {
        return Some(default);
    };
    let time = field.duration()?;
    if time < Duration::from_secs(1) || time > TIME_MAX {
        return field.expected("a time of at least 1s and at most 1h");
    }
    Some(time)
}

fn path(field: &Section<'_>) -> Option<String> {
    let path = field.string()?;
    let plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    plain
        .then(|| path.to_owned())
        .or_else(|| field.expected("an absolute path"))
}

fn authority(field: &Section<'_>) -> Option<String> {
    let name = field.string()?;
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    plain
        .then(|| name.to_owned())
        .or_else(|| field.expected("a host name, with a port if need be"))
}

/// The pseudonyms of `audit`, whose own policy tells what is wrong with them.
fn pseudonyms(audit: &Section<'_>, environment: &dyn Environment) -> Option<Pseudonyms> {
    if text(audit, "user") != Some("pseudonym") {
        return None;
    }
    let variable = audit.field("hmac_key").and_then(|key| text(&key, "env"))?;
    Pseudonyms::new(environment.variable(variable)?.trim().as_bytes())
}

/// A text that somebody else reads; nothing is noted.
fn text<'a>(section: &Section<'a>, name: &str) -> Option<&'a str> {
    match section.field(name)?.value() {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
mod tests;
