//! An exchange as the adapter drives it, with a policy that writes down what it sees and edits what it is told to.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod ended;
mod kept;
mod probe;

use portcullis_chain::{Completeness, Exchange, Gateway, Origin, Settings, Step, Turn};
use portcullis_policy::{MemoryStore, Policy, Reason, Timestamp};
use probe::Probe;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

/// What came out of an exchange.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    provider_got: Option<Vec<u8>>,
    client_got: Vec<u8>,
    client_status: u16,
    events: Vec<String>,
}

struct Script<'a> {
    path: &'a str,
    request: &'a [u8],
    response: &'a [u8],
    content_type: &'a str,
    hold_headers: bool,
}

/// An exchange whose policy writes into `log`.
fn opened(log: &Rc<RefCell<Vec<String>>>, hold_headers: bool) -> Exchange {
    let settings = Settings {
        hold_headers,
        ..Settings::default()
    };
    let policies: Vec<Box<dyn Policy>> = vec![Box::new(Probe(Rc::clone(log)))];
    Gateway::new(policies, settings, Completeness::Whole).open()
}

/// A moment of a module that stands alone.
fn turn(store: &mut MemoryStore) -> Turn<'_> {
    Turn {
        now: Timestamp::from_secs(1_000),
        store,
        filter_state: &|_: &str| None,
    }
}

/// Runs an exchange with the bodies cut at the given places; `trailers` ends both messages with trailers.
fn run(
    script: &Script<'_>,
    request_cuts: &[usize],
    response_cuts: &[usize],
    trailers: bool,
) -> Outcome {
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut exchange = opened(&log, script.hold_headers);
    let mut store = MemoryStore::default();
    let mut turn = turn(&mut store);
    let mut outcome = Outcome::default();

    let head: [(&str, &[u8]); 3] = [
        (":method", b"POST"),
        (":path", script.path.as_bytes()),
        ("content-type", b"application/json"),
    ];
    let mut held = Vec::new();
    let mut answered = None;
    match exchange.request_head(&mut turn, &head, &|| None, false) {
        Step::Reply(reply) => answered = Some(reply),
        step => assert_eq!(step == Step::Hold, script.hold_headers),
    }
    let pieces = cut(script.request, request_cuts);
    for (index, piece) in pieces.iter().enumerate() {
        if answered.is_some() {
            break;
        }
        held.extend_from_slice(piece);
        let mut step =
            exchange.request_data(&mut turn, piece, !trailers && index + 1 == pieces.len());
        if trailers && index + 1 == pieces.len() && step == Step::Hold {
            step = exchange.request_trailers(&mut turn, &[]);
        }
        match step {
            Step::Hold | Step::Pass => {}
            Step::Release(None) => outcome.provider_got = Some(held.clone()),
            Step::Release(Some(body)) | Step::Replace(body) => outcome.provider_got = Some(body),
            Step::Reply(reply) => answered = Some(reply),
        }
    }

    if answered.is_none() {
        let head: [(&str, &[u8]); 2] = [
            (":status", b"200"),
            ("content-type", script.content_type.as_bytes()),
        ];
        outcome.client_status = 200;
        match exchange.response_head(&mut turn, &head, &|| Origin::Provider, false) {
            Step::Reply(reply) => answered = Some(reply),
            Step::Hold | Step::Pass | Step::Replace(_) | Step::Release(_) => {}
        }
        let mut held = Vec::new();
        let pieces = cut(script.response, response_cuts);
        for (index, piece) in pieces.iter().enumerate() {
            if answered.is_some() {
                break;
            }
            let last = index + 1 == pieces.len();
            held.extend_from_slice(piece);
            let mut carry_out = |step: Step, held: &mut Vec<u8>, client: &mut Vec<u8>| match step {
                Step::Hold => {}
                Step::Pass | Step::Release(None) => client.append(held),
                Step::Release(Some(body)) | Step::Replace(body) => {
                    held.clear();
                    client.extend(body);
                }
                Step::Reply(reply) => answered = Some(reply),
            };
            let step = exchange.response_data(&mut turn, piece, last && !trailers);
            carry_out(step, &mut held, &mut outcome.client_got);
            if last && trailers {
                let step = exchange.response_trailers(&mut turn, &[]);
                carry_out(step, &mut held, &mut outcome.client_got);
            }
        }
    }
    if let Some(reply) = answered {
        outcome.client_status = reply.status;
        outcome.client_got = reply.body;
    }
    exchange.end(&mut turn, &|| outcome.client_status);
    exchange.end(&mut turn, &|| outcome.client_status);
    outcome.events = log.take();
    outcome
}

fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places {
        pieces.push(&bytes[start..place]);
        start = place;
    }
    pieces.push(&bytes[start..]);
    pieces
}

const CHAT: &[u8] = br#"{"model":"gpt-4o","messages":[{"role":"user","content":"a S\u0045CRET and \"more\""}],"max_tokens":5}"#;
const CLEAN: &[u8] = br#"{ "model" : "gpt-4o", "messages":[ {"role":"user","content":"na\u00efve \ud83d\ude00"} ] }"#;
const BAD: &[u8] = br#"{"model":"gpt-4o","messages":[{"role":"user","content":"FORBIDDEN"}]}"#;
const ANSWER: &[u8] =
    br#"{"choices":[{"index":0,"message":{"role":"assistant","content":"the SECRET is out"}}],"usage":{"prompt_tokens":7,"completion_tokens":9}}"#;

fn stream(deltas: &[&str]) -> Vec<u8> {
    let mut body = String::new();
    for delta in deltas {
        let delta = serde_json::to_string(delta).unwrap();
        body.push_str(&format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{delta}}}}}]}}\n\n"
        ));
    }
    body.push_str(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    );
    body.push_str("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":9}}\n\ndata: [DONE]\n\n");
    body.into_bytes()
}

fn chat<'a>(
    request: &'a [u8],
    response: &'a [u8],
    content_type: &'a str,
    hold_headers: bool,
) -> Script<'a> {
    Script {
        path: "/v1/chat/completions?x=1",
        request,
        response,
        content_type,
        hold_headers,
    }
}

#[test]
fn events_come_in_order_and_edits_are_carried_out() {
    let outcome = run(
        &chat(CHAT, ANSWER, "application/json", true),
        &[],
        &[],
        false,
    );
    assert_eq!(
        outcome.events,
        [
            "request POST /v1/chat/completions",
            "request end Some(\"gpt-4o\")",
            "response 200 stream=false local=false",
            "response end Some(Usage { input: 7, output: 9 }) complete=true",
            "end 200",
        ]
    );
    let provider = String::from_utf8(outcome.provider_got.unwrap()).unwrap();
    assert_eq!(
        provider,
        r#"{"model":"gpt-4o","messages":[{"role":"user","content":"a *** and \"more\""}],"max_tokens":5}"#
    );
    assert!(
        String::from_utf8(outcome.client_got)
            .unwrap()
            .contains("the *** is out")
    );
}

#[test]
fn a_refused_request_reaches_nobody_and_every_policy_hears_of_it() {
    for hold_headers in [true, false] {
        let outcome = run(
            &chat(BAD, ANSWER, "application/json", hold_headers),
            &[],
            &[],
            false,
        );
        assert_eq!((outcome.client_status, outcome.provider_got), (400, None));
        assert_eq!(
            outcome.events,
            [
                "request POST /v1/chat/completions",
                "refused dlp_blocked",
                "end 400"
            ]
        );
    }
}

#[test]
fn what_is_given_up_is_a_refusal_of_ours() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut exchange = opened(&log, false);
    let mut store = MemoryStore::default();
    let mut turn = turn(&mut store);
    let Step::Reply(reply) = exchange.give_up(&mut turn, "The host does not answer.") else {
        panic!("no reply");
    };
    assert_eq!(reply.status, 503);
    let head: [(&str, &[u8]); 1] = [(":status", b"503")];
    let passes = exchange.response_head(&mut turn, &head, &|| Origin::Proxy, true);
    assert_eq!(passes, Step::Pass);
    exchange.end(&mut turn, &|| 503);
    let refusal = exchange.facts().refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, Reason::PolicyUnavailable);
    assert_eq!(log.take(), ["refused policy_unavailable", "end 503"]);
}

#[test]
fn a_model_whose_name_would_be_edited_is_refused() {
    let request = br#"{"model":"gpt-SECRET","messages":[]}"#;
    for cuts in [&[][..], &[14], &[12, 15, 18]] {
        let outcome = run(
            &chat(request, ANSWER, "application/json", true),
            cuts,
            &[],
            false,
        );
        let client = String::from_utf8(outcome.client_got).unwrap();
        assert!(
            outcome.client_status == 400 && client.contains("malformed_body"),
            "{client}"
        );
        assert!(!client.contains("SECRET") && outcome.provider_got.is_none());
    }
}

#[test]
fn a_path_with_a_model_is_judged_before_its_headers_leave() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let status = |complete: bool| {
        // Headers are not held: what passes is gone.
        let mut store = MemoryStore::default();
        let mut turn = turn(&mut store);
        let head: [(&str, &[u8]); 2] = [(":method", b"GET"), (":path", b"/v1/models/gpt-4o")];
        let mut exchange = opened(&log, false);
        match exchange.request_head(&mut turn, &head, &|| None, complete) {
            Step::Reply(reply) => Some(reply.status),
            Step::Pass | Step::Hold | Step::Replace(_) | Step::Release(_) => None,
        }
    };
    assert_eq!(status(true), None);
    assert_eq!(
        status(false),
        Some(400),
        "a body may follow, and be waited for"
    );
}

#[test]
fn a_blocked_answer_does_not_get_through_in_either_mode() {
    let answer = br#"{"choices":[{"index":0,"message":{"content":"this is FORBIDDEN to see"}}],"usage":{"prompt_tokens":7,"completion_tokens":9}}"#;
    for (hold_headers, status) in [(true, 502), (false, 200)] {
        let outcome = run(
            &chat(CLEAN, answer, "application/json", hold_headers),
            &[],
            &[],
            false,
        );
        assert_eq!(outcome.client_status, status);
        let body = String::from_utf8(outcome.client_got).unwrap();
        assert!(
            body.contains("response_blocked") && !body.contains("to see"),
            "{body}"
        );
    }
}

#[test]
fn a_blocked_stream_ends_with_an_error_and_its_usage_still_counts() {
    let body = stream(&["fine ", "FORB", "IDDEN", " more"]);
    let outcome = run(
        &chat(CLEAN, &body, "text/event-stream", true),
        &[],
        &[40, 90, 200],
        false,
    );
    let client = String::from_utf8(outcome.client_got).unwrap();
    assert!(
        client.contains("fine") && client.contains("response_blocked"),
        "{client}"
    );
    assert!(
        !client.contains("FORB") && !client.contains("more"),
        "{client}"
    );
    assert!(
        outcome
            .events
            .contains(&"response end Some(Usage { input: 7, output: 9 }) complete=true".to_owned()),
        "{:?}",
        outcome.events
    );
}

#[test]
fn an_answer_that_cannot_be_read_is_refused() {
    for (content_type, body) in [
        ("application/octet-stream", &b"x"[..]),
        ("application/json", b"{\"a\":"),
        ("application/json", b"not json"),
        ("text/event-stream", b"data: nope\n\n"),
    ] {
        let outcome = run(&chat(CLEAN, body, content_type, true), &[], &[], false);
        let client = String::from_utf8(outcome.client_got).unwrap();
        assert!(
            client.contains("unreadable_response"),
            "{content_type}: {client}"
        );
    }
}

/// Sends the script's request and then the head of a response with this status, and says what is done with that.
fn answered(
    exchange: &mut Exchange,
    turn: &mut Turn<'_>,
    script: &Script<'_>,
    status: &str,
) -> Step {
    let head: [(&str, &[u8]); 3] = [
        (":method", b"POST"),
        (":path", script.path.as_bytes()),
        ("content-type", b"application/json"),
    ];
    let _ = exchange.request_head(turn, &head, &|| None, false);
    let _ = exchange.request_data(turn, script.request, true);
    let head: [(&str, &[u8]); 2] = [
        (":status", status.as_bytes()),
        ("content-type", script.content_type.as_bytes()),
    ];
    exchange.response_head(turn, &head, &|| Origin::Provider, false)
}

/// What cannot be read tells no usage, so nothing is waited for; of what is blocked the rest may.
#[test]
fn an_answer_that_cannot_be_read_is_not_waited_for() {
    let begun = |answer: &[u8]| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut exchange = opened(&log, true);
        let mut store = MemoryStore::default();
        let mut turn = turn(&mut store);
        let script = chat(CLEAN, answer, "application/json", true);
        let held = answered(&mut exchange, &mut turn, &script, "200");
        assert_eq!(held, Step::Hold);
        exchange.response_data(&mut turn, script.response, false)
    };
    assert!(matches!(begun(b"not json"), Step::Reply(reply) if reply.status == 502));
    assert_eq!(
        begun(b"{\"choices\":[{\"message\":{\"content\":\"FORBIDDEN\"}}"),
        Step::Hold
    );
}

#[test]
fn an_exchange_that_ends_early_still_ends_once() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut store = MemoryStore::default();
    let mut turn = turn(&mut store);
    opened(&log, false).end(&mut turn, &|| 0);
    assert_eq!(log.take(), ["end 0"]);
}

/// What the policies see of an answer that says it is a refusal, and what is left of that word.
fn told_by(origin: Origin, status: u16) -> (Vec<String>, bool) {
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut exchange = opened(&log, false);
    let mut store = MemoryStore::default();
    let mut turn = turn(&mut store);
    let head: [(&str, &[u8]); 3] = [
        (":method", b"POST"),
        (":path", b"/v1/chat/completions"),
        ("content-type", b"application/json"),
    ];
    let _ = exchange.request_head(&mut turn, &head, &|| None, false);
    let _ = exchange.request_data(&mut turn, CLEAN, true);
    let _ = exchange.take_header_edits();
    let text = status.to_string();
    let head: [(&str, &[u8]); 3] = [
        (":status", text.as_bytes()),
        ("content-type", b"application/json"),
        ("x-portcullis-reason", b"rate_limit_tokens"),
    ];
    assert_eq!(
        exchange.response_head(&mut turn, &head, &|| origin, true),
        Step::Pass
    );
    let kept = exchange.take_header_edits().is_empty();
    exchange.end(&mut turn, &|| status);
    let refused = exchange.facts().refusal.as_ref();
    assert_eq!(
        refused.map(|refusal| refusal.reason),
        (origin == Origin::Proxy).then_some(Reason::RateLimitTokens)
    );
    (log.take(), kept)
}

#[test]
fn a_refusal_of_the_proxys_own_filters_is_one_of_ours() {
    // A filter may say it with any status.
    for status in [429, 200] {
        let (events, kept) = told_by(Origin::Proxy, status);
        let end = format!("end {status}");
        assert_eq!(events[2..], ["refused rate_limit_tokens", &end]);
        assert!(kept, "the client is told why");

        let (events, kept) = told_by(Origin::Provider, status);
        let begin = format!("response {status}");
        assert!(events[2].starts_with(&begin), "{events:?}");
        assert!(!kept, "a provider cannot speak for the gateway");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any split of the same bytes, with or without trailers, gives the same events and the same bytes on both sides.
    #[test]
    fn chunking_never_matters(
        request_cuts in proptest::collection::vec(0usize..400, 0..6),
        response_cuts in proptest::collection::vec(0usize..2000, 0..8),
        trailers: bool,
        hold_headers: bool,
        which in 0usize..3,
        streamed in proptest::option::of(proptest::collection::vec("SECRET|SEC|RET|S|FORBIDDEN|FORB|IDDEN|plain |\u{1f600}|\"\\\\", 0..8)),
    ) {
        let request = [CHAT, CLEAN, BAD][which];
        let response = streamed.as_ref().map_or_else(
            || ANSWER.to_vec(),
            |deltas| stream(&deltas.iter().map(String::as_str).collect::<Vec<_>>()),
        );
        let content_type = if streamed.is_some() { "text/event-stream" } else { "application/json" };
        let script = chat(request, &response, content_type, hold_headers);
        let whole = run(&script, &[], &[], false);
        let split = run(&script, &request_cuts, &response_cuts, trailers);
        prop_assert_eq!(&whole, &split);
        if which == 1 {
            prop_assert_eq!(whole.provider_got.as_deref(), Some(CLEAN));
        }
    }
}
