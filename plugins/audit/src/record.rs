//! The record itself: names, order and form.

use crate::Settings;
use crate::chain::Body;
use portcullis_policy::words::{LIST_ITEMS_MAX, bounded, method, name, path, plain_name};
use portcullis_policy::{AuthOutcome, Facts, Finding, Timestamp};
use serde::Serialize;
use std::borrow::Cow;
use std::rc::Rc;

/// A record of an exchange. The order of the fields is the order in the line.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    timestamp: String,
    event_type: &'static str,
    /// Personal values are put in their places when the record is sealed.
    user: (),
    source_ip: (),
    model: Option<&'a str>,
    tokens_in: Option<u64>,
    tokens_out: Option<u64>,
    latency_ms: u64,
    status: u16,
    request_id: Option<&'a str>,
    team: Option<&'a str>,
    key_id: (),
    method: Option<&'a str>,
    path: Option<Cow<'a, str>>,
    stream: bool,
    decision: &'static str,
    reason: Option<&'static str>,
    auth: &'static str,
    findings: Vec<FindingRecord<'a>>,
    unscanned: Vec<&'a str>,
    /// Alerts that this exchange set off.
    alerts: Vec<&'a str>,
    /// When the caller's key ends; from the time on that the policy wants to be warned, absent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_expires_at: Option<String>,
    /// What policies in shadow mode would have refused this for; absent where none would.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
}

/// Matches of one rule.
#[derive(Serialize)]
struct FindingRecord<'a> {
    rule: &'a str,
    action: &'static str,
    count: u32,
    #[serde(rename = "where")]
    side: &'static str,
}

impl<'a> Record<'a> {
    /// The record of an exchange that ended `now`; `status` is what the client got.
    pub fn of(facts: &'a Facts, settings: &'a Settings, now: Timestamp, status: u16) -> Self {
        // Of a request that was never read, all that is known is when it ended.
        let began = if facts.received_at == Timestamp::default() {
            now
        } else {
            facts.received_at
        };
        let identity = facts.identity.as_ref();
        Self {
            timestamp: began.to_rfc3339(),
            event_type: if facts.auth == AuthOutcome::Failure {
                "auth_failure"
            } else {
                "api_request"
            },
            user: (),
            source_ip: (),
            model: facts.model.as_deref().map(plain_name),
            tokens_in: facts.usage.map(|usage| usage.input),
            tokens_out: facts.usage.map(|usage| usage.output),
            latency_ms: u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX),
            status,
            request_id: known(&facts.request_id).map(name),
            team: identity
                .and_then(|identity| identity.team.as_deref())
                .map(bounded),
            key_id: (),
            method: known(&facts.method).map(method),
            path: known(&facts.path).map(|text| path(facts.endpoint, text)),
            stream: facts.stream,
            decision: facts.decision().name(),
            reason: facts.refusal.as_ref().map(|refusal| refusal.reason.code()),
            auth: facts.auth.name(),
            findings: facts
                .findings
                .iter()
                .take(LIST_ITEMS_MAX)
                .map(FindingRecord::of)
                .collect(),
            unscanned: facts
                .unscanned
                .iter()
                .take(LIST_ITEMS_MAX)
                .map(|media_type| name(media_type))
                .collect(),
            alerts: facts
                .alerts
                .iter()
                .take(LIST_ITEMS_MAX)
                .map(|alert| bounded(alert))
                .collect(),
            key_expires_at: facts.key_expires_at.map(Timestamp::to_rfc3339),
            shadow: facts.shadow.iter().map(|reason| reason.code()).collect(),
            service: settings.service.as_deref().map(bounded),
        }
    }
}

/// An alert that an exchange set off.
#[derive(Serialize)]
struct AlertRecord<'a> {
    timestamp: String,
    event_type: &'static str,
    user: (),
    source_ip: (),
    model: Option<&'a str>,
    request_id: Option<&'a str>,
    team: Option<&'a str>,
    key_id: (),
    alert: &'a str,
    /// Of whom it counts.
    by: &'static str,
    /// What its condition's number was held against.
    value: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
}

/// All records of an exchange: its own, and one of each alert that it set off.
pub(crate) fn of(facts: &Facts, settings: &Settings, now: Timestamp, status: u16) -> Vec<Body> {
    let record = Record::of(facts, settings, now, status);
    let persons = persons(facts, settings);
    let raised = facts.raised.iter().take(LIST_ITEMS_MAX);
    let alerts = raised.map(|raised| AlertRecord {
        timestamp: now.to_rfc3339(),
        event_type: "alert",
        user: (),
        source_ip: (),
        model: record.model,
        request_id: record.request_id,
        team: record.team,
        key_id: (),
        alert: bounded(&raised.alert),
        by: raised.by,
        value: raised.value,
        service: record.service,
    });
    let with_persons = |body: Body| Body {
        persons: persons.clone(),
        ..body
    };
    let own = with_persons(Body::of(record.event_type, &record));
    [own]
        .into_iter()
        .chain(alerts.map(|alert| with_persons(Body::of("alert", &alert))))
        .collect()
}

/// Who it was, as JSON text in the order of [`crate::seal::PERSONAL`]; `None` when nothing is known of them.
fn persons(facts: &Facts, settings: &Settings) -> Option<Rc<[String; 3]>> {
    let identity = facts.identity.as_ref();
    let person = |kind: &str, name: &str| match &settings.pseudonyms {
        Some(pseudonyms) => pseudonyms.of(kind, name),
        None => bounded(name).to_owned(),
    };
    let json = |text: Option<String>| serde_json::to_string(&text).unwrap_or_default();
    let known = identity.is_some() || facts.source.is_some();
    known.then(|| {
        Rc::new([
            json(identity.map(|identity| person("user", &identity.user))),
            json(facts.source.map(|source| source.to_canonical().to_string())),
            json(identity.map(|identity| person("key", &identity.key_id))),
        ])
    })
}

impl<'a> FindingRecord<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: bounded(&finding.rule),
            action: finding.action.name(),
            count: finding.count,
            side: finding.side.name(),
        }
    }
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
