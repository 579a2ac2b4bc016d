//! A whole exchange with all policies: no bytes of a client or a provider break it, however they are cut it comes to the same, and
//! it leaves one record.
//!
//! Input: choices, then the request's body, a byte 0xff, the response's.

use std::net::{IpAddr, Ipv4Addr};

use portcullis_conformance::case::Api;
use portcullis_conformance::engine::{Seen, Setup};
use portcullis_conformance::load::Suite;
use portcullis_conformance::native::Native;
use portcullis_conformance::resolve::{Call, Reply, Response};
use portcullis_conformance::trace;
use serde_json::json;

use crate::input::{Input, pieces};

thread_local! {
    static SETUPS: [Setup; 2] = [true, false].map(setup);
    static KEY: String = Suite::load().expect("cases").people["carol"].clone();
}

/// The policy of most cases.
fn setup(hold: bool) -> Setup {
    let suite = Suite::load().expect("cases");
    let case = serde_json::from_value(json!({ "name": "fuzz", "why": "." })).expect("a case");
    suite.setup(&case, hold).expect("a policy")
}

/// Panics when cuts matter, or there is not one record.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let sizes = input.sizes();
    let (request, response) = input.two();
    let hold = usize::from(choice & 1);
    let api = match (choice & 16, choice & 2) {
        (0, 0) => Api::Openai,
        (0, _) => Api::Anthropic,
        _ => Api::Responses,
    };
    let streamed = choice & 4 != 0;
    let trailers = choice & 8 != 0;
    let run = |sizes: &[usize]| {
        let call = call(api, pieces(request, sizes), trailers);
        let reply = reply(streamed, pieces(response, sizes), trailers);
        let seen = SETUPS.with(|setups| exchange(&setups[hold], &call, &reply));
        assert_eq!(seen.log, "");
        assert_eq!(seen.requests().len(), 1, "{:?}", seen.records);
        trace::describe(&call, &reply, &seen)
    };
    let whole = run(&[usize::MAX]);
    assert_eq!(whole, run(&sizes), "cuts matter");
}

/// In a world of its own with policies of its own: what they read of the store they may rely on for a second.
fn exchange(setup: &Setup, call: &Call, reply: &Reply) -> Seen {
    let mut stream = Native::new(setup).expect("a good policy").stream();
    stream.request(call);
    stream.answer(reply)
}

fn call(api: Api, pieces: Vec<&[u8]>, trailers: bool) -> Call {
    let bearer = || KEY.with(|key| format!("Bearer {key}"));
    let (path, header, key) = match api {
        Api::Openai => ("/v1/chat/completions", "authorization", bearer()),
        Api::Responses => ("/v1/responses", "authorization", bearer()),
        Api::Anthropic => ("/v1/messages", "x-api-key", KEY.with(Clone::clone)),
    };
    let headers = [
        (":method", "POST"),
        (":path", path),
        (":authority", "gateway.test"),
        (":scheme", "http"),
        ("content-type", "application/json"),
        (header, key.as_str()),
    ];
    Call {
        source: IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into(),
        pieces: pieces.into_iter().map(<[u8]>::to_vec).collect(),
        trailers: trailers.then(Vec::new),
        leaves_after: None,
        api,
        verified: Default::default(),
    }
}

fn reply(streamed: bool, pieces: Vec<&[u8]>, trailers: bool) -> Reply {
    let content_type = if streamed {
        "text/event-stream"
    } else {
        "application/json"
    };
    Reply {
        response: Some(Response {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.into())],
            pieces: pieces.into_iter().map(<[u8]>::to_vec).collect(),
            trailers: trailers.then(Vec::new),
        }),
        cut_after: None,
        client_leaves_after: None,
    }
}
