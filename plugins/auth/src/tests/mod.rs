mod lockout;

use crate::{CREDENTIAL_HEADERS, configure};
use portcullis_policy::config::Document;
use portcullis_policy::{
    AuthOutcome, Effects, Endpoint, Event, Exchange, Facts, HeaderEdit, MemoryStore, Metric,
    Policy, Reason, Refusal, RequestHead, RequestMeaning, Timestamp, Verdict,
};

/// `printf alice | sha256sum` and so on.
pub(crate) const ALICE: &str = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
pub(crate) const BOB: &str = "81b637d8fcd2c6da6359e6963113a1170de795e4b725b84d1e0b4cfd9ec58ce9";

pub(crate) fn environment(name: &str) -> Option<String> {
    match name {
        "MASTER" => Some("open sesame".replace(' ', "-") + "\n"),
        "EMPTY" => Some(" ".to_owned()),
        "SPACED" => Some("open sesame".to_owned()),
        "CALLED_ALICE" => Some("alice".to_owned()),
        _ => None,
    }
}

fn policy() -> Box<dyn Policy> {
    let json = format!(
        r#"{{"version": 1, "auth": {{
            "master_key": {{"env": "MASTER"}},
            "keys": [
                {{"id": "alice-1", "sha256": "{ALICE}", "user": "alice", "team": "eng"}},
                {{"id": "bob-1", "sha256": "{BOB}", "user": "bob", "not_before": "2026-01-01T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"}},
                {{"id": "eve-1", "sha256": "85262adf74518bbb70c7cb94cd6159d91669e5a81edf1efebd543eadbda9fa2b", "user": "eve", "revoked": true}}],
            "allow_sources": ["10.0.0.0/8"], "deny_sources": ["10.6.6.6"], "public_paths": ["/healthz"], "on_upgrade": "pass"}},
          "teams": [{{"team_id": "eng", "models": ["claude-3-5-sonnet", "gemini-2.0-*"]}}]}}"#
    );
    let document = Document::parse(json.as_bytes()).unwrap();
    let auth = configure(&document, &environment).unwrap();
    assert_eq!(document.take_mistakes(), []);
    Box::new(auth)
}

/// One request, and what came of its head.
struct Call {
    exchange: Box<dyn Exchange>,
    facts: Facts,
    headers: Vec<HeaderEdit>,
    failures: usize,
    verdict: Verdict,
}

#[derive(Clone, Copy)]
struct Ask<'a> {
    at: &'a str,
    source: Option<&'a str>,
    endpoint: Endpoint,
    upgrade: bool,
    headers: &'a [(&'a str, &'a [u8])],
}

const ASK: Ask<'_> = Ask {
    at: "2026-01-15T00:00:00Z",
    source: Some("10.0.0.1"),
    endpoint: Endpoint::AnthropicMessages,
    upgrade: false,
    headers: &[],
};

fn call(ask: Ask<'_>) -> Call {
    let (mut exchange, mut facts, mut store) =
        (policy().open(), Facts::default(), MemoryStore::default());
    facts.endpoint = Some(ask.endpoint);
    let mut out = Effects::new(&mut store);
    let source = ask.source.map(|source| source.parse().unwrap());
    let Ask {
        endpoint,
        upgrade,
        headers,
        ..
    } = ask;
    let head = RequestHead {
        endpoint,
        method: "POST",
        path: "/v1/messages",
        source,
        attributes: &[],
        headers,
        upgrade,
    };
    let now = Timestamp::parse_rfc3339(ask.at).unwrap();
    let verdict = exchange.handle(now, &Event::RequestHead(&head), &mut facts, &mut out);
    let (headers, failures) = (
        out.take_headers(),
        out.take_metrics()
            .iter()
            .filter(|(metric, _)| *metric == Metric::AuthFailures)
            .count(),
    );
    Call {
        exchange,
        facts,
        headers,
        failures,
        verdict,
    }
}

impl Call {
    fn code(&self) -> &'static str {
        code(&self.verdict)
    }

    fn asks_for(mut self, model: Option<&str>) -> &'static str {
        assert_eq!(self.verdict, Verdict::Continue);
        let meaning = RequestMeaning {
            model: model.map(str::to_owned),
            ..RequestMeaning::default()
        };
        let mut store = MemoryStore::default();
        let event = Event::RequestEnd(&meaning);
        code(&self.exchange.handle(
            Timestamp::default(),
            &event,
            &mut self.facts,
            &mut Effects::new(&mut store),
        ))
    }
}

fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Continue => "ok",
        Verdict::Refuse(Refusal { reason, .. }) => reason.code(),
    }
}

fn with_key<'a>(key: &'a [(&'a str, &'a [u8])]) -> Ask<'a> {
    Ask {
        headers: key,
        ..ASK
    }
}

const AS_ALICE: &[(&str, &[u8])] = &[("x-api-key", b"alice")];
const AS_BOB: &[(&str, &[u8])] = &[("authorization", b"Bearer bob")];
const AS_EVE: &[(&str, &[u8])] = &[("authorization", b"Bearer eve")];
const AS_MASTER: &[(&str, &[u8])] = &[("authorization", b"Bearer open-sesame")];

#[test]
fn a_valid_key_names_its_holder() {
    for (headers, expected) in [
        (AS_ALICE, ("alice", Some("eng"), "alice-1")),
        (AS_BOB, ("bob", None, "bob-1")),
        (AS_MASTER, ("master", None, "master")),
    ] {
        let call = call(with_key(headers));
        assert_eq!(
            (call.code(), call.facts.auth, call.failures),
            ("ok", AuthOutcome::Success, 0)
        );
        let identity = call.facts.identity.unwrap();
        assert_eq!(
            (
                identity.user.as_str(),
                identity.team.as_deref(),
                identity.key_id.as_str()
            ),
            expected
        );
    }
}

#[test]
fn a_failure_is_counted_and_names_only_holders_of_the_secret() {
    for (ask, expected, holder) in [
        (with_key(&[]), "missing_api_key", None),
        (
            with_key(&[("x-api-key", b"alicia")]),
            "invalid_api_key",
            None,
        ),
        (
            with_key(&[("x-api-key", b"alice"), ("authorization", b"Bearer bob")]),
            "invalid_api_key",
            None,
        ),
        (with_key(AS_EVE), "revoked_api_key", Some("eve")),
        (
            Ask {
                at: "2025-12-31T23:59:59.999Z",
                ..with_key(AS_BOB)
            },
            "expired_api_key",
            Some("bob"),
        ),
        (
            Ask {
                at: "2026-02-01T00:00:00Z",
                ..with_key(AS_BOB)
            },
            "expired_api_key",
            Some("bob"),
        ),
    ] {
        let call = call(ask);
        assert_eq!(
            (call.code(), call.facts.auth, call.failures),
            (expected, AuthOutcome::Failure, 1)
        );
        assert_eq!(
            call.facts
                .identity
                .as_ref()
                .map(|identity| identity.user.as_str()),
            holder
        );
    }
    assert_eq!(
        call(Ask {
            at: "2026-01-01T00:00:00Z",
            ..with_key(AS_BOB)
        })
        .code(),
        "ok"
    );
    assert_eq!(
        call(Ask {
            at: "2026-01-31T23:59:59.999Z",
            ..with_key(AS_BOB)
        })
        .code(),
        "ok"
    );
}

#[test]
fn only_public_paths_need_no_key() {
    for (endpoint, expected) in [
        (Endpoint::Public, "ok"),
        (Endpoint::OpenAiChat, "missing_api_key"),
        (Endpoint::AnthropicMessages, "missing_api_key"),
        (Endpoint::AnthropicCountTokens, "missing_api_key"),
        (Endpoint::Models, "missing_api_key"),
        (Endpoint::Probe, "missing_api_key"),
        (Endpoint::Unknown, "missing_api_key"),
    ] {
        assert_eq!(
            call(Ask { endpoint, ..ASK }).code(),
            expected,
            "{endpoint:?}"
        );
    }
    let public = call(Ask {
        endpoint: Endpoint::Public,
        ..with_key(AS_ALICE)
    });
    assert_eq!(
        (public.facts.auth, public.facts.identity),
        (AuthOutcome::None, None)
    );
}

#[test]
fn sources_come_before_keys() {
    for (source, expected) in [
        (Some("10.0.0.1"), "missing_api_key"),
        (Some("::ffff:10.0.0.1"), "missing_api_key"),
        (Some("10.6.6.6"), "source_not_allowed"),
        (Some("::ffff:10.6.6.6"), "source_not_allowed"),
        (Some("192.0.2.1"), "source_not_allowed"),
        (None, "source_not_allowed"),
    ] {
        let refused = call(Ask { source, ..ASK });
        assert_eq!(refused.code(), expected, "{source:?}");
        assert_eq!(
            call(Ask {
                source,
                endpoint: Endpoint::Public,
                ..ASK
            })
            .code()
                == "ok",
            expected != "source_not_allowed"
        );
        assert_eq!(
            refused.facts.auth == AuthOutcome::None,
            expected == "source_not_allowed"
        );
    }
}

#[test]
fn credentials_never_leave() {
    let all: Vec<(&str, &[u8])> = CREDENTIAL_HEADERS
        .iter()
        .map(|name| (*name, &b"x"[..]))
        .chain([("accept", &b"*/*"[..])])
        .collect();
    for endpoint in [Endpoint::AnthropicMessages, Endpoint::Public] {
        let edits = call(Ask {
            endpoint,
            headers: &all,
            ..ASK
        })
        .headers;
        let removed: Vec<&str> = edits
            .iter()
            .map(|edit| {
                if let HeaderEdit::Remove(name) = edit {
                    name
                } else {
                    ""
                }
            })
            .collect();
        assert_eq!(removed, CREDENTIAL_HEADERS);
    }
    assert_eq!(
        call(with_key(AS_ALICE)).headers,
        [HeaderEdit::Remove("x-api-key".into())]
    );
}

#[test]
fn models_are_compared_exactly() {
    for (model, expected) in [
        (Some("claude-3-5-sonnet"), "ok"),
        (Some("gemini-2.0-flash"), "ok"),
        (Some("claude-3-opus"), "model_not_allowed"),
        (Some("Claude-3-5-Sonnet"), "model_not_allowed"),
        (Some("claude-3-5-sonnet "), "model_not_allowed"),
        (Some(""), "model_not_allowed"),
        (None, "model_not_allowed"),
    ] {
        assert_eq!(
            call(with_key(AS_ALICE)).asks_for(model),
            expected,
            "{model:?}"
        );
        assert_eq!(call(with_key(AS_BOB)).asks_for(model), "ok");
        assert_eq!(call(with_key(AS_MASTER)).asks_for(model), "ok");
        assert_eq!(
            call(Ask {
                endpoint: Endpoint::Models,
                ..with_key(AS_ALICE)
            })
            .asks_for(model),
            "ok"
        );
    }
}

#[test]
fn an_upgrade_hides_the_model() {
    for (headers, admitted, code) in [(AS_ALICE, "ok", "model_not_allowed"), (AS_BOB, "ok", "ok")] {
        let call = call(Ask {
            upgrade: true,
            ..with_key(headers)
        });
        assert_eq!(call.code(), admitted);
        assert_eq!(call.asks_for(None), code);
    }
    let nobody = Ask {
        upgrade: true,
        ..ASK
    };
    assert_eq!(call(nobody).code(), "missing_api_key");
}

#[test]
fn bodies_are_read_only_where_somebody_is_restricted() {
    assert!(policy().interest().request_body);
    let open = format!(
        r#"{{"auth": {{"keys": [{{"id": "a", "sha256": "{ALICE}", "user": "a", "team": "t"}}]}}, "teams": [{{"team_id": "t"}}]}}"#
    );
    let document = Document::parse(open.as_bytes()).unwrap();
    assert!(
        !configure(&document, &environment)
            .unwrap()
            .interest()
            .request_body
    );
}

#[test]
fn without_a_section_there_is_no_policy() {
    let document = Document::parse(b"{}").unwrap();
    assert!(configure(&document, &environment).is_none());
}

#[test]
fn ten_thousand_keys_load_and_each_is_found() {
    let hex = |n: usize| {
        portcullis_policy::sha256(&[format!("key-{n}").as_bytes()])
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let keys: Vec<String> = (0..10_000)
        .map(|n| {
            format!(
                r#"{{"id": "k{n}", "user": "u{n}", "sha256": "{}"}}"#,
                hex(n)
            )
        })
        .collect();
    let document =
        Document::parse(format!(r#"{{"auth": {{"keys": [{}]}}}}"#, keys.join(",")).as_bytes())
            .unwrap();
    let auth = configure(&document, &environment).unwrap();
    assert_eq!(document.take_mistakes(), []);
    let mut store = MemoryStore::default();
    for n in [0, 1, 4_999, 9_999, 10_000] {
        let (mut facts, key) = (Facts::default(), format!("key-{n}"));
        let headers = [("x-api-key", key.as_bytes())];
        let head = RequestHead {
            endpoint: Endpoint::Models,
            method: "GET",
            path: "/v1/models",
            source: None,
            attributes: &[],
            headers: &headers,
            upgrade: false,
        };
        let verdict = auth.open().handle(
            Timestamp::default(),
            &Event::RequestHead(&head),
            &mut facts,
            &mut Effects::new(&mut store),
        );
        match verdict {
            Verdict::Continue => assert_eq!(facts.identity.unwrap().user, format!("u{n}")),
            Verdict::Refuse(refusal) => {
                assert_eq!((n, refusal.reason), (10_000, Reason::InvalidApiKey))
            }
        }
    }
}
