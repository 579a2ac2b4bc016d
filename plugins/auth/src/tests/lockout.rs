//! Sources that fail too often.

use super::{ALICE, environment};
use crate::{Auth, configure};
use portcullis_policy::config::Document;
use portcullis_policy::{
    AuthOutcome, Effects, Endpoint, Event, Facts, MemoryStore, Metric, NoStore, Policy, Reason,
    RequestHead, Timestamp, Verdict,
};

fn policy() -> Auth {
    let json = format!(
        r#"{{"auth": {{"keys": [{{"id": "a", "sha256": "{ALICE}", "user": "a"}}], "lockout": {{"failures": 2, "window": "5m", "block": "1h"}}}}}}"#
    );
    let document = Document::parse(json.as_bytes()).unwrap();
    let auth = configure(&document, &environment).unwrap();
    assert_eq!(document.take_mistakes(), []);
    auth
}

#[test]
fn a_source_that_fails_too_often_is_shut_out_before_its_key_is_looked_at() {
    let auth = policy();
    let mut store = MemoryStore::default();
    let mut lockouts = 0;
    let mut call = |secs: u64, source: &str, endpoint: Endpoint, key: &str| {
        let headers = [("x-api-key", key.as_bytes())];
        let source = source.parse().ok();
        let head = RequestHead {
            endpoint,
            method: "GET",
            path: "/v1/models",
            source,
            attributes: &[],
            headers: &headers,
            upgrade: false,
        };
        let (mut facts, mut out) = (Facts::default(), Effects::new(&mut store));
        let verdict = auth.open().handle(
            Timestamp::from_secs(secs),
            &Event::RequestHead(&head),
            &mut facts,
            &mut out,
        );
        let counted = out.take_metrics();
        lockouts += counted
            .iter()
            .filter(|(metric, _)| *metric == Metric::Lockouts)
            .count();
        let failed = counted
            .iter()
            .any(|(metric, _)| *metric == Metric::AuthFailures);
        assert_eq!(failed, facts.auth == AuthOutcome::Failure);
        match verdict {
            Verdict::Continue => ("ok", 0),
            Verdict::Refuse(refusal) => (
                refusal.reason.code(),
                refusal.retry_after.map_or(0, |wait| wait.as_secs()),
            ),
        }
    };
    let models = Endpoint::Models;
    assert_eq!(
        call(1000, "10.0.0.1", models, "guess"),
        ("invalid_api_key", 0)
    );
    assert_eq!(
        call(1001, "10.0.0.1", models, "alice"),
        ("ok", 0),
        "a success, which clears nothing"
    );
    assert_eq!(call(1002, "10.0.0.1", models, ""), ("missing_api_key", 0));
    assert_eq!(
        call(1003, "10.0.0.1", models, "guess"),
        ("invalid_api_key", 0)
    );
    assert_eq!(
        call(1004, "10.0.0.1", models, "alice"),
        ("source_locked_out", 3599)
    );
    assert_eq!(
        call(1004, "10.0.0.1", models, "guess"),
        ("source_locked_out", 3599)
    );
    assert_eq!(call(1004, "10.0.0.1", Endpoint::Public, ""), ("ok", 0));
    assert_eq!(call(1004, "10.0.0.2", models, "alice"), ("ok", 0));
    assert_eq!(call(4603, "10.0.0.1", models, "alice"), ("ok", 0));
    assert_eq!(lockouts, 1);
}

#[test]
fn a_store_without_an_answer_refuses_whoever_it_is() {
    for (key, endpoint, expected) in [
        ("alice", Endpoint::Models, Some(Reason::PolicyUnavailable)),
        ("guess", Endpoint::Models, Some(Reason::PolicyUnavailable)),
        ("", Endpoint::Public, None),
    ] {
        let headers = [("x-api-key", key.as_bytes())];
        let head = RequestHead {
            endpoint,
            method: "GET",
            path: "/v1/models",
            source: "10.0.0.1".parse().ok(),
            attributes: &[],
            headers: &headers,
            upgrade: false,
        };
        let verdict = policy().open().handle(
            Timestamp::from_secs(1000),
            &Event::RequestHead(&head),
            &mut Facts::default(),
            &mut Effects::new(&mut NoStore),
        );
        let reason = match verdict {
            Verdict::Continue => None,
            Verdict::Refuse(refusal) => Some(refusal.reason),
        };
        assert_eq!(reason, expected, "{key} {endpoint:?}");
    }
}
