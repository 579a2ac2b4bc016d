//! The record itself: names, order and form.

use crate::Settings;
use crate::chain::{Body, Named};
use crate::json::{Object, address, member, text_or_null};
use portcullis_policy::words::{
    LIST_ITEMS_MAX, bounded, method, name, path, plain_name, request_id,
};
use portcullis_policy::{AuthOutcome, Facts, Finding, Raised, Timestamp};
use std::rc::Rc;

/// A record of an exchange, but for persons: they are put in their places when it is sealed.
pub(crate) struct Record<'a> {
    timestamp: String,
    event_type: &'static str,
    model: Option<&'a str>,
    latency_ms: u64,
    status: u16,
    request_id: Option<&'a str>,
    team: Option<&'a str>,
    service: Option<&'a str>,
    facts: &'a Facts,
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
            model: facts.model.as_deref().map(plain_name),
            latency_ms: u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX),
            status,
            request_id: known(&facts.request_id).map(request_id),
            team: identity
                .and_then(|identity| identity.team.as_deref())
                .map(bounded),
            service: settings.service.as_deref().map(bounded),
            facts,
        }
    }

    /// The members in the order of the contract.
    #[inline(never)]
    fn json(&self) -> (String, [usize; 3]) {
        let facts = self.facts;
        let mut line = Object::begin(member!("timestamp"), &self.timestamp);
        line.text(member!("event_type"), self.event_type);
        line.person(member!("user"));
        line.person(member!("source_ip"));
        line.text_or_null(member!("model"), self.model);
        line.number_or_null(member!("tokens_in"), facts.usage.map(|usage| usage.input));
        line.number_or_null(member!("tokens_out"), facts.usage.map(|usage| usage.output));
        line.number(member!("latency_ms"), self.latency_ms);
        line.number(member!("status"), u64::from(self.status));
        line.text_or_null(member!("request_id"), self.request_id);
        line.text_or_null(member!("team"), self.team);
        line.person(member!("key_id"));
        line.text_or_null(member!("method"), known(&facts.method).map(method));
        let path = known(&facts.path).map(|text| path(facts.endpoint, text));
        line.text_or_null(member!("path"), path.as_deref());
        line.flag(member!("stream"), facts.stream);
        line.text(member!("decision"), facts.decision().name());
        let reason = facts.refusal.as_ref().map(|refusal| refusal.reason.code());
        line.text_or_null(member!("reason"), reason);
        line.text(member!("auth"), facts.auth.name());
        let findings = facts.findings.iter().take(LIST_ITEMS_MAX);
        line.list(member!("findings"), findings, push_finding);
        let unscanned = facts.unscanned.iter().take(LIST_ITEMS_MAX);
        line.texts(
            member!("unscanned"),
            unscanned.map(|media_type| name(media_type)),
        );
        let alerts = facts.alerts.iter().take(LIST_ITEMS_MAX);
        line.texts(member!("alerts"), alerts.map(|alert| bounded(alert)));
        // Only where the policy wants to be warned of it.
        if let Some(end) = facts.key_expires_at {
            line.text(member!("key_expires_at"), &end.to_rfc3339());
        }
        if !facts.shadow.is_empty() {
            let codes = facts.shadow.iter().map(|reason| reason.code());
            line.texts(member!("shadow"), codes);
        }
        if let Some(service) = self.service {
            line.text(member!("service"), service);
        }
        line.end()
    }
}

/// The record of an alert that an exchange set off.
#[inline(never)]
fn alert(raised: &Raised, of: &Record<'_>, now: Timestamp) -> (String, [usize; 3]) {
    let mut line = Object::begin(member!("timestamp"), &now.to_rfc3339());
    line.text(member!("event_type"), "alert");
    line.person(member!("user"));
    line.person(member!("source_ip"));
    line.text_or_null(member!("model"), of.model);
    line.text_or_null(member!("request_id"), of.request_id);
    line.text_or_null(member!("team"), of.team);
    line.person(member!("key_id"));
    line.text(member!("alert"), bounded(&raised.alert));
    // Of whom it counts, and what its condition's number was held against.
    line.text(member!("by"), raised.by);
    line.number(member!("value"), raised.value);
    if let Some(service) = of.service {
        line.text(member!("service"), service);
    }
    line.end()
}

/// All records of an exchange: its own, and one of each alert that it set off.
#[inline(never)]
pub(crate) fn of(facts: &Facts, settings: &Settings, now: Timestamp, status: u16) -> Vec<Body> {
    let record = Record::of(facts, settings, now, status);
    let persons = persons(facts, settings);
    let body = |event, (json, places)| Body {
        json,
        persons: persons.clone().map(|values| Named { values, places }),
        event,
    };
    let own = body(record.event_type, record.json());
    let raised = facts.raised.iter().take(LIST_ITEMS_MAX);
    let alerts = raised.map(|raised| body("alert", alert(raised, &record, now)));
    [own].into_iter().chain(alerts).collect()
}

/// Who it was, as JSON text in the order of [`crate::seal::PERSONAL`]; `None` when nothing is known of them.
fn persons(facts: &Facts, settings: &Settings) -> Option<Rc<[String; 3]>> {
    let identity = facts.identity.as_ref();
    let person = |kind: &str, name: Option<&str>| match &settings.pseudonyms {
        Some(pseudonyms) => text_or_null(name.map(|name| pseudonyms.of(kind, name)).as_deref()),
        None => text_or_null(name.map(bounded)),
    };
    let known = identity.is_some() || facts.source.is_some();
    known.then(|| {
        Rc::new([
            person("user", identity.map(|identity| identity.user.as_str())),
            facts.source.map_or_else(
                || text_or_null(None),
                |source| address(source.to_canonical()),
            ),
            person("key", identity.map(|identity| identity.key_id.as_str())),
        ])
    })
}

/// Matches of one rule.
fn push_finding(finding: &Finding, out: &mut String) {
    let mut object = Object::begin(member!("rule"), bounded(&finding.rule));
    object.text(member!("action"), finding.action.name());
    object.number(member!("count"), u64::from(finding.count));
    object.text(member!("where"), finding.side.name());
    out.push_str(&object.end().0);
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
