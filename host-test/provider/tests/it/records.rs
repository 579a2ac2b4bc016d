//! What is remembered of a request.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame};
use portcullis_provider::{Arrival, Delivery, Provider, Totals};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{
    ANY, Api, Version, get, provider, raw, read_until, request, send, settled, try_send,
};

#[test]
fn a_request_is_recorded_byte_for_byte() {
    let provider = provider();
    let mut connection = raw(
        &provider,
        b"POST /v1/messages?beta=true&x=%00 HTTP/1.1\r\nHost: stub\r\nX-Twice: 1\r\nx-raw: \xff\x80\r\nX-Twice: 2\r\n\
          Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\n{\x00\xff \"\r\n3\r\n\r\n\xfe\r\n0\r\nX-Checksum: 7\r\nX-Raw: \xfd\r\n\r\n",
    );
    read_until(&mut connection, "\r\n\r\n");

    let received = settled(&provider, |received| received.status.is_some());
    assert_eq!(
        (received.method.as_str(), received.version.as_str()),
        ("POST", "HTTP/1.1")
    );
    assert_eq!(received.path, "/v1/messages?beta=true&x=%00");
    assert_eq!(received.api, Some("anthropic"));
    assert_eq!(received.header("x-twice"), [b"1", b"2"]);
    assert_eq!(received.header("x-raw"), [b"\xff\x80"]);
    assert_eq!(&received.body[..], b"{\x00\xff \"\r\n\xfe");
    let trailers: Vec<_> = received
        .trailers
        .iter()
        .map(|(name, value)| (name.as_str(), &value[..]))
        .collect();
    assert_eq!(trailers, [("x-checksum", &b"7"[..]), ("x-raw", b"\xfd")]);
    assert_eq!(received.arrival, Arrival::Complete);
    assert_eq!(received.status, Some(400));

    let json = get(&provider, "/_stub/received").json();
    assert_eq!(json[0]["body"], "ewD/ICINCv4=");
    assert_eq!(json[0]["body_text"], Value::Null);
    assert_eq!(
        json[0]["trailers"],
        json!([["x-checksum", "7"], ["x-raw", {"base64": "/Q=="}]])
    );
    assert!(
        json[0]["headers"]
            .as_array()
            .unwrap()
            .contains(&json!(["x-raw", {"base64": "/4A="}]))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn any_body_in_any_chunks_is_recorded_as_it_is(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..6),
        http2 in any::<bool>(),
    ) {
        let provider = provider();
        let body = chunks.concat();
        let pieces = Pieces(chunks.into_iter().map(Bytes::from).collect());
        let request = Request::post(format!("http://{}/anything", provider.addr())).body(pieces).unwrap();
        let version = if http2 { Version::Http2 } else { Version::Http1 };
        try_send(&provider, version, request).unwrap();
        let received = settled(&provider, |_| true);
        prop_assert_eq!(&received.body[..], &body[..]);
        prop_assert_eq!(received.arrival, Arrival::Complete);
    }
}

#[test]
fn a_request_that_breaks_off_is_recorded_as_cut() {
    let provider = provider();
    drop(raw(
        &provider,
        b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf of",
    ));
    let received = settled(&provider, |received| received.arrival != Arrival::Arriving);
    assert_eq!(
        (received.arrival, &received.body[..]),
        (Arrival::Cut, &b"half of"[..])
    );
    assert_eq!(
        (received.status, received.delivery),
        (None, Delivery::Cancelled { after_bytes: 0 })
    );
}

#[test]
fn an_answer_that_nobody_waits_for_is_recorded_as_cancelled() {
    for api in Api::ALL {
        let provider = provider();
        let body = api.body("hello", &json!({"stream": true}));
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nx-stub-delay: 20\r\nx-stub-tokens: 10000\r\ncontent-length: {}\r\n\r\n",
            api.path(),
            body.len()
        );
        let mut connection = raw(&provider, (head + &body).as_bytes());
        read_until(&mut connection, "lorem ");
        drop(connection);
        let received = settled(&provider, |received| received.delivery != Delivery::Pending);
        assert!(
            matches!(received.delivery, Delivery::Cancelled { after_bytes: 1.. }),
            "{received:?}"
        );
        let prompt_tokens = 2;
        assert_eq!(
            provider.totals(),
            Totals {
                requests: 1,
                cut: 1,
                prompt_tokens,
                ..Totals::default()
            }
        );
    }
}

#[test]
fn an_answer_can_be_cancelled_before_it_begins() {
    let provider = provider();
    let mut connection = raw(
        &provider,
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-stub-delay-headers: 30000\r\n\r\n",
    );
    settled(&provider, |received| received.arrival == Arrival::Complete);
    connection.set_nonblocking(true).unwrap();
    assert!(std::io::Read::read(&mut connection, &mut [0]).is_err());
    drop(connection);
    let received = settled(&provider, |received| received.delivery != Delivery::Pending);
    assert_eq!(
        (received.status, received.delivery),
        (None, Delivery::Cancelled { after_bytes: 0 })
    );
}

#[test]
fn recording_can_be_cleared_and_switched_off() {
    let provider = provider();
    get(&provider, "/v1/models");
    assert_eq!(provider.received().len(), 1);
    assert_eq!(
        send(&provider, "DELETE", "/_stub/received", &[], "").status,
        204
    );
    assert_eq!(provider.received(), []);
    assert_eq!(provider.totals().requests, 1);
    assert_eq!(
        send(&provider, "DELETE", "/_stub/totals", &[], "").status,
        204
    );
    assert_eq!(provider.totals(), Totals::default());

    let silent = Provider::builder().record(false).start(ANY).unwrap();
    get(&silent, "/v1/models");
    assert_eq!(silent.received(), []);
    assert_eq!(silent.totals().requests, 1);
    assert_eq!(get(&silent, "/_stub/received").status, 409);
}

#[test]
fn without_records_the_same_request_is_accounted_for_every_time() {
    let provider = Provider::builder()
        .record(false)
        .workers(2)
        .start(ANY)
        .unwrap();
    for api in Api::ALL {
        let first = api.ask(&provider, &[], &json!({})).text();
        assert_eq!(api.ask(&provider, &[], &json!({})).text(), first);
        assert_ne!(
            api.ask(&provider, &[("x-stub-text", "other")], &json!({}))
                .text(),
            first
        );
    }
    let totals = provider.totals();
    assert_eq!(
        (totals.requests, totals.answers, totals.prompt_tokens),
        (6, 6, 18)
    );
}

#[test]
fn both_versions_of_http_are_spoken() {
    let provider = provider();
    for version in [Version::Http1, Version::Http2] {
        let body = Api::Anthropic.body("hello", &json!({}));
        let request = request(
            &provider,
            "POST",
            "/v1/messages",
            &[("te", "trailers"), ("x-stub-trailer", "a: b")],
            body,
        );
        let answer = try_send(&provider, version, request).unwrap();
        assert_eq!(
            Api::Anthropic.text(&answer),
            "Happy to help. You said: hello"
        );
        assert_eq!(answer.trailers.unwrap()["a"], "b");
    }
    let versions: Vec<_> = provider
        .received()
        .into_iter()
        .map(|received| received.version)
        .collect();
    assert_eq!(versions, ["HTTP/1.1", "HTTP/2.0"]);
}

#[test]
fn the_stub_ends_when_it_is_dropped() {
    let provider = provider();
    let addr = provider.addr();
    let _idle = raw(&provider, b"");
    let _busy = raw(
        &provider,
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-stub-delay-headers: 60000\r\n\r\n",
    );
    drop(provider);
    assert!(std::net::TcpStream::connect(addr).is_err());
}

/// A body that is sent in these pieces.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}
