use crate::{Audit, configure};
use portcullis_policy::config::Document;
use portcullis_policy::words::{LIST_ITEMS_MAX, WORD_BYTES_MAX};
use portcullis_policy::{
    Action, AuthOutcome, Effects, Endpoint, Event, Facts, Identity, MemoryStore, Metric, Policy,
    Reason, Refusal, RequestMeaning, Side, Timestamp, Usage, Verdict,
};
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;

fn environment(name: &str) -> Option<String> {
    match name {
        "AUDIT_KEY" => Some("a key of more than sixteen bytes".to_owned()),
        "OTHER_KEY" => Some("another key of many more bytes".to_owned()),
        "SHORT" => Some("too short".to_owned()),
        _ => None,
    }
}

fn policy(json: &str) -> Audit {
    let document = Document::parse(json.as_bytes()).unwrap();
    let audit = configure(&document, &environment).unwrap();
    assert_eq!(document.take_mistakes(), []);
    audit
}

/// 2025-12-01T10:30:45.067Z
const BEGAN: Timestamp = Timestamp::from_nanos(1_764_585_045_067_000_000);

fn facts() -> Facts {
    Facts {
        received_at: BEGAN,
        request_id: "7c9e6679-7425".into(),
        method: "POST".into(),
        path: "/v1/messages".into(),
        source: Some("10.0.0.123".parse().unwrap()),
        endpoint: Some(Endpoint::AnthropicMessages),
        auth: AuthOutcome::Success,
        identity: Some(
            Identity {
                user: "john.doe@company.com".into(),
                team: Some("eng-team".into()),
                key_id: "john-laptop".into(),
            }
            .into(),
        ),
        model: Some("claude-3-5-sonnet".into()),
        stream: true,
        usage: Some(Usage {
            input: 150,
            output: 300,
        }),
        ..Facts::default()
    }
}

fn record_by(policy: &Audit, mut facts: Facts, status: u16) -> (String, Vec<(Metric, u64)>) {
    let (mut exchange, mut store) = (policy.open(), MemoryStore::default());
    let mut out = Effects::new(&mut store);
    let now = BEGAN.after(Duration::from_micros(450_999));
    let meaning = RequestMeaning::default();
    for event in [Event::RequestEnd(&meaning), Event::End { status }] {
        assert_eq!(facts.record, None);
        assert_eq!(
            exchange.handle(now, &event, &mut facts, &mut out),
            Verdict::Continue
        );
    }
    let lines = facts.record.unwrap();
    let record = lines.lines().last().unwrap().to_owned();
    assert_eq!(
        event_types(&lines).first().map(String::as_str),
        Some("config_change")
    );
    (record, out.take_metrics())
}

/// The record without its place in the chain.
fn body(line: &str) -> String {
    let (body, chain) = line.split_once(r#","chain":{"id":""#).unwrap();
    assert!(chain.ends_with(r#""}}"#));
    format!("{body}}}")
}

fn event_types(lines: &str) -> Vec<String> {
    let parsed = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .map(|record| record["event_type"].as_str().unwrap().to_owned())
        .collect()
}

fn record(facts: Facts, status: u16) -> (String, Vec<(Metric, u64)>) {
    record_by(&policy(r#"{"audit": {}}"#), facts, status)
}

#[test]
fn the_line_of_the_contract() {
    let (line, metrics) = record(facts(), 200);
    assert_eq!(
        body(&line),
        concat!(
            r#"{"timestamp":"2025-12-01T10:30:45.067Z","event_type":"api_request","user":"john.doe@company.com","#,
            r#""source_ip":"10.0.0.123","model":"claude-3-5-sonnet","tokens_in":150,"tokens_out":300,"latency_ms":450,"#,
            r#""status":200,"request_id":"7c9e6679-7425","team":"eng-team","key_id":"john-laptop","method":"POST","#,
            r#""path":"/v1/messages","stream":true,"decision":"allow","reason":null,"auth":"success","findings":[],"#,
            r#""unscanned":[],"alerts":[]}"#
        )
    );
    assert_eq!(
        metrics,
        [
            (
                Metric::Requests {
                    decision: "allow",
                    reason: "none"
                },
                1
            ),
            (Metric::Tokens { direction: "input" }, 150),
            (
                Metric::Tokens {
                    direction: "output"
                },
                300
            ),
        ]
    );
}

#[test]
fn the_page_names_every_member_in_its_order() {
    let mut facts = facts();
    facts.key_expires_at = Some(BEGAN);
    facts.shadowed(Reason::RateLimitTokens);
    let policy = policy(r#"{"audit": {"service": "llm-gateway"}}"#);
    let (line, _) = record_by(&policy, facts, 200);
    let members: serde_json::Map<String, Value> = serde_json::from_str(&line).unwrap();
    // In the order of the line; a map sorts them.
    let mut written: Vec<&str> = members.keys().map(String::as_str).collect();
    written.sort_by_key(|name| line.find(&format!("\"{name}\":")));

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("### A request's record").unwrap();
    let (table, _) = table.split_once("\n\nA module can").unwrap();
    let names = table.lines().filter_map(|row| row.strip_prefix("| `"));
    let names = names.filter_map(|row| row.split_once(" | "));
    let documented: Vec<String> = names
        .flat_map(|(names, _)| names.split(", "))
        .map(|name| name.replace('`', ""))
        .collect();
    assert_eq!(documented, written);
}

#[test]
fn a_refusal_and_its_reason() {
    let mut refused = Facts {
        usage: None,
        model: Some("078-05-1120".into()),
        stream: false,
        unscanned: vec!["image/png".into()],
        ..facts()
    };
    refused.found("ssn", Action::Block, Side::Request, 2);
    refused.refusal = Some(Refusal::new(
        Reason::DlpBlocked,
        "A sentence for the client.",
    ));
    let (line, metrics) = record(refused, 400);
    assert!(line.contains(
        r#""decision":"refuse","reason":"dlp_blocked","auth":"success","findings":[{"rule":"ssn","action":"block","count":2,"where":"request"}],"unscanned":["image/png"]"#
    ));
    assert!(line.contains(
        r#""model":"…","tokens_in":null,"tokens_out":null,"latency_ms":450,"status":400"#
    ));
    assert!(!line.contains("sentence"));
    assert_eq!(
        metrics,
        [(
            Metric::Requests {
                decision: "refuse",
                reason: "dlp_blocked"
            },
            1
        )]
    );
}

#[test]
fn failed_authentication_is_an_event_of_its_own() {
    let refusal = Some(Refusal::new(Reason::InvalidApiKey, ""));
    let (line, _) = record(
        Facts {
            auth: AuthOutcome::Failure,
            identity: None,
            refusal,
            ..facts()
        },
        401,
    );
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (
            &value["event_type"],
            &value["auth"],
            &value["user"],
            &value["reason"]
        ),
        (
            &"auth_failure".into(),
            &"failure".into(),
            &Value::Null,
            &"invalid_api_key".into()
        )
    );
}

#[test]
fn of_what_was_never_read_there_is_a_record_too() {
    let (line, _) = record(Facts::default(), 0);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["timestamp"], "2025-12-01T10:30:45.517Z");
    assert_eq!(
        (&value["latency_ms"], &value["status"], &value["path"]),
        (&0.into(), &0.into(), &Value::Null)
    );
    assert_eq!(
        value.as_object().map(serde_json::Map::len),
        Some(22),
        "every field stands in every record"
    );
}

#[test]
fn an_address_has_one_spelling() {
    for (source, expected) in [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
    ] {
        let (line, _) = record(
            Facts {
                source: Some(source.parse().unwrap()),
                ..facts()
            },
            200,
        );
        assert!(
            line.contains(&format!(r#""source_ip":"{expected}""#)),
            "{line}"
        );
    }
}

#[test]
fn persons_as_pseudonyms() {
    let with = |key: &str| {
        policy(&format!(
            r#"{{"audit": {{"service": "gw", "user": "pseudonym", "hmac_key": {{"env": "{key}"}}}}}}"#
        ))
    };
    let (line, _) = record_by(&with("AUDIT_KEY"), facts(), 200);
    let (again, _) = record_by(&with("AUDIT_KEY"), facts(), 200);
    let (other, _) = record_by(&with("OTHER_KEY"), facts(), 200);
    assert!(!line.contains("john"), "{line}");
    assert!(body(&line).ends_with(r#""alerts":[],"service":"gw"}"#));
    assert_eq!(body(&line), body(&again));
    assert_ne!(body(&line), body(&other));
    let value: Value = serde_json::from_str(&line).unwrap();
    // printf 'user/john.doe@company.com' | openssl dgst -sha256 -hmac 'a key of more than sixteen bytes'
    assert_eq!(value["user"], "bc8d40223267afbb06ef28e506cf612a");
    assert_ne!(value["user"], value["key_id"]);
    assert_eq!(value["team"], "eng-team");
}

proptest! {
    #[test]
    fn whatever_a_client_sends_the_record_is_one_short_line(
        path in "\\PC{0,300}|/[a-z/]{0,5000}",
        model in "(?s).{0,300}",
        method in "(?s).{0,30}",
        request_id in "(?s).{0,300}",
        unscanned in proptest::collection::vec("(?s).{0,50}", 0..100),
    ) {
        let (line, _) = record(Facts { path, model: Some(model), method, request_id, unscanned, ..facts() }, 200);
        prop_assert!(!line.contains(char::is_control));
        prop_assert!(line.len() < 16 * WORD_BYTES_MAX);
        prop_assert!(serde_json::from_str::<Value>(&line).is_ok());
    }
}

#[test]
fn mistakes_name_their_place() {
    let literal =
        "a key must not stand in the policy: write { env: <name of an environment variable> }";
    for (audit, expected) in [
        ("[]", "audit: expected a mapping, found a list".to_owned()),
        (r#"{"sinks": {}}"#, "audit.sinks: unknown field; known here: service, hmac_key, user, sink".to_owned()),
        (r#"{"sink": {}}"#, "audit.sink.cluster: is required".to_owned()),
        (r#"{"sink": {"cluster": "c", "format": "json"}}"#, "audit.sink.format: expected one of otlp, found \"json\"".to_owned()),
        (r#"{"sink": {"cluster": "c", "path": "logs"}}"#, "audit.sink.path: expected a path that begins with /".to_owned()),
        (r#"{"sink": {"cluster": "c", "batch": 1001}}"#, "audit.sink.batch: must not be above 1000".to_owned()),
        (r#"{"sink": {"cluster": "c", "flush": "1h"}}"#, "audit.sink.flush: must not be above 60s".to_owned()),
        (r#"{"sink": {"cluster": "c", "queue": 50}}"#, "audit.sink.queue: a queue of 50 never fills a batch of 100".to_owned()),
        (r#"{"sink": {"cluster": "c", "on_overflow": "block"}}"#, "audit.sink.on_overflow: expected one of drop, refuse, found \"block\"".to_owned()),
        (r#"{"service": ""}"#, "audit.service: expected a string that is not empty, found \"\"".to_owned()),
        (r#"{"user": "hashed"}"#, "audit.user: expected one of plain, pseudonym, found \"hashed\"".to_owned()),
        (
            r#"{"user": "pseudonym"}"#,
            "audit.user: pseudonyms need `hmac_key`: without a key anybody could find the person to a pseudonym by trying names".to_owned(),
        ),
        (r#"{"hmac_key": "SECRET"}"#, format!("audit.hmac_key: {literal}")),
        (r#"{"hmac_key": {"key": "SECRET"}}"#, format!("audit.hmac_key.key: {literal}")),
        (r#"{"hmac_key": {}}"#, "audit.hmac_key.env: is required".to_owned()),
        (
            r#"{"hmac_key": {"env": "SHORT"}}"#,
            "audit.hmac_key: expected a key of at least 16 characters".to_owned(),
        ),
        (
            r#"{"user": "pseudonym", "hmac_key": {"env": "UNSET"}}"#,
            "audit.hmac_key.env: the environment variable of this name is not set, or empty (Envoy hands over those in `host_env_keys` only)"
                .to_owned(),
        ),
    ] {
        let document = Document::parse(format!("{{\"audit\": {audit}}}").as_bytes()).unwrap();
        let _ = configure(&document, &environment);
        let found: Vec<String> = document.take_mistakes().iter().map(ToString::to_string).collect();
        assert_eq!(found, [expected], "{audit}");
        assert!(!found.concat().contains("SECRET"));
    }
    assert!(configure(&Document::parse(b"{}").unwrap(), &environment).is_none());
}

#[test]
fn lists_are_bounded() {
    let policy = policy(r#"{"audit": {}}"#);
    let mut facts = facts();
    for n in 0..2 * LIST_ITEMS_MAX {
        facts.found(&format!("rule-{n}"), Action::Flag, Side::Request, 1);
        facts.unscanned.push(format!("image/{n}"));
        facts.alerts.push(format!("alert {n}"));
    }
    let (record, _) = record_by(&policy, facts, 200);
    let record: Value = serde_json::from_str(&record).unwrap();
    for list in ["findings", "unscanned", "alerts"] {
        assert_eq!(
            record[list].as_array().unwrap().len(),
            LIST_ITEMS_MAX,
            "{list}"
        );
    }
}
