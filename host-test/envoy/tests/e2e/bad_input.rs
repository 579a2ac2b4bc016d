//! Bad input of every kind: the answer is a refusal of the contract, nothing reaches the provider, and the worker lives on.

use portcullis_envoy_test::http1::{Request, send_raw};
use serde_json::json;

use crate::common::{CLAUDE, KEY, PROMPT, World, assert_refused, messages, messages_with};
use crate::in_every_variant;

in_every_variant! {
    usual from World::new: [bodies, framing, headers, answers];
}

fn post() -> Request {
    Request::post("/v1/messages").header("x-api-key", KEY)
}

fn bodies(world: &World) {
    let json = || post().header("content-type", "application/json");
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let long_number = format!("{{\"max_tokens\":{}}}", "9".repeat(10_000));
    let mut wrong = Vec::new();
    let mut refused = |request: Request, body: &[u8]| {
        let response = world.send(&request);
        let reason = response.header("x-portcullis-reason");
        if (response.status, reason.as_deref()) != (400, Some("malformed_body")) {
            let body = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            wrong.push(format!("{body:?}: {} {reason:?}", response.status));
        }
    };
    for malformed in [
        "",
        " ",
        "{",
        "nonsense",
        "null",
        "[]",
        "\"text\"",
        "{}",
        "{\"model\":\"claude-3-5-sonnet\",}",
        "{\"model\":\"claude-3-5-sonnet\"} x",
        "{\"model\":\"claude-3-5-sonnet\"}{}",
        "{'model':'claude-3-5-sonnet'}",
        "{\"model\":\"claude-3-5-sonnet\",\"model\":\"claude-3-opus\"}",
        "{\"model\":\"claude-3-5-sonnet\",\"mod\\u0065l\":\"other\"}",
        "{\"model\":\"claude-3-5-sonnet\",\"max_tokens\":1,\"max_tokens\":100000}",
        "{\"model\":[\"claude-3-5-sonnet\"]}",
        "{\"model\":\"claude-3-5-sonnet\",\"x\":\"\\x\"}",
        "{\"model\":\"claude-3-5-sonnet\",\"x\":\"a\nb\"}",
        "{\"model\":\"claude-3-5-sonnet\",\"x\":01}",
        "{\"model\":\"claude-3-5-sonnet\",\"x\":NaN}",
        "{\"model\":\"claude-3-5-sonnet\",\"x\":tru}",
        "\u{feff}{\"model\":\"claude-3-5-sonnet\"}",
        &deep,
        &long_number,
    ] {
        refused(json().body(malformed), malformed.as_bytes());
        refused(
            json().chunks(malformed.as_bytes().chunks(3)),
            malformed.as_bytes(),
        );
    }
    for bytes in [
        &b"{\"model\":\"claude-3-5-sonnet\",\"x\":\"\xff\xfe\"}"[..],
        b"\xff\xfe{\x00}\x00",
        b"\x00",
        b"{\"model\":\"a\0b\"}",
    ] {
        refused(json().body(bytes), bytes);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.assert_nothing_received("sonnet");
}

fn framing(world: &World) {
    let body = json!({ "model": CLAUDE, "max_tokens": 10, "messages": [{ "role": "user", "content": PROMPT }] }).to_string();
    for encoding in [
        "gzip",
        "br",
        "zstd",
        "deflate",
        "identity, gzip",
        "x-unknown",
        "gzip, gzip",
    ] {
        let request = post()
            .header("content-type", "application/json")
            .header("content-encoding", encoding);
        assert_refused(
            &world.send(&request.body(body.clone())),
            415,
            "unsupported_encoding",
        );
    }
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "json",
        "",
    ] {
        let request = post().header("content-type", media_type);
        assert_refused(
            &world.send(&request.body(body.clone())),
            415,
            "unsupported_media_type",
        );
    }
    let twice = post()
        .header("content-type", "application/json")
        .header("content-type", "text/plain");
    assert_refused(
        &world.send(&twice.body(body.clone())),
        415,
        "unsupported_media_type",
    );
    assert_refused(
        &world.send(&post().body(body.clone())),
        415,
        "unsupported_media_type",
    );
    // A call without a body, and one that says so.
    assert_refused(
        &world.send(&post().header("content-type", "application/json")),
        400,
        "malformed_body",
    );
    let upgrade = |to: &str| post().header("connection", "upgrade").header("upgrade", to);
    assert_refused(&world.send(&upgrade("websocket")), 426, "upgrade_refused");
    // Any other protocol Envoy refuses by itself, before the module.
    assert_eq!(world.send(&upgrade("x-unknown")).status, 403);
    world.assert_nothing_received(PROMPT);

    let address = world.envoy.address();
    for raw in [
        &b"GARBAGE\r\n\r\n"[..],
        b"POST /v1/messages HTTP/1.1\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /v1/models HTTP/1.0\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET http://elsewhere/v1/models HTTP/1.1\r\nhost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\xff\xff\xff\xff\xff\xff",
    ] {
        if let Ok(response) = send_raw(address, raw) {
            assert!((400..500).contains(&response.status), "{}", String::from_utf8_lossy(raw));
        }
    }
    // A client that goes away in the middle of its body.
    for _ in 0..5 {
        let partial = post()
            .header("content-type", "application/json")
            .header("content-length", "1000")
            .body(&b"{\"model\""[..]);
        partial
            .send_and_leave(address, std::time::Duration::from_millis(5))
            .unwrap();
    }
    world.assert_nothing_received("model");
}

fn headers(world: &World) {
    let json = |request: Request| {
        let body = json!({ "model": CLAUDE, "max_tokens": 10, "messages": [{ "role": "user", "content": PROMPT }] });
        request.json(&body)
    };
    // Not UTF-8, where it matters and where it does not.
    for credential in [
        &b"\xff\xfe"[..],
        b"Bearer \xc3\x28",
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic Og==",
        b"\xe2\x82",
    ] {
        let response = world.send(&json(
            Request::post("/v1/messages").header("authorization", credential),
        ));
        let code = response.header("x-portcullis-reason").unwrap_or_default();
        assert!(
            code == "missing_api_key" || code == "invalid_api_key",
            "{code}"
        );
        assert_refused(&response, 401, &code);
        let response = world.send(&json(
            Request::post("/v1/messages").header("x-api-key", credential),
        ));
        assert_eq!(response.status, 401, "{credential:?}");
    }
    assert_eq!(
        world
            .send(&messages(PROMPT).header("x-odd", b"\xff\xfe\x80"))
            .status,
        200
    );
    assert_eq!(world.take_one().header("x-odd"), [b"\xff\xfe\x80"]);
    assert_eq!(
        world
            .send(
                &messages(PROMPT)
                    .header("user-agent", b"\xff")
                    .header("accept-encoding", b"\xff")
            )
            .status,
        200
    );
    assert_refused(
        &world.send(&json(post().header("content-type", b"\xff"))),
        415,
        "unsupported_media_type",
    );
    world.take_received();
    // Two credentials: which of them would count?
    for (first, second) in [("wrong", KEY), (KEY, "wrong")] {
        let both = json(
            Request::post("/v1/messages")
                .header("x-api-key", first)
                .header("x-api-key", second),
        );
        assert_refused(&world.send(&both), 401, "invalid_api_key");
        let both = json(
            Request::post("/v1/messages")
                .header("authorization", format!("Bearer {first}"))
                .header("x-api-key", second),
        );
        assert_refused(&world.send(&both), 401, "invalid_api_key");
    }
    // What only a gateway may say.
    let forged = messages(PROMPT)
        .header("x-portcullis-reason", "allow")
        .header("x-portcullis-user", "root");
    assert_eq!(world.send(&forged).status, 200);
    assert!(
        world
            .take_one()
            .headers
            .iter()
            .all(|(name, _)| !name.starts_with("x-portcullis"))
    );
    // Many, and large: Envoy's own limits.
    let many = (0..200).fold(messages(PROMPT), |request, n| {
        request.header(&format!("x-{n}"), "1")
    });
    assert_eq!(world.send(&many).status, 431);
    assert_eq!(
        world
            .send(&messages(PROMPT).header("x-large", "a".repeat(70_000)))
            .status,
        431
    );
    assert_eq!(
        world
            .send(&messages(PROMPT).header("x_underscore", "1"))
            .status,
        400
    );
    world.assert_nothing_received(PROMPT);
}

/// An answer that cannot be read is not let through.
fn answers(world: &World) {
    for script in [
        json!({ "malformed": true }),
        json!({ "gzip": true }),
        json!({ "body": "{\"content\":", "header": "content-type: application/json" }),
        json!({ "body": "base64:/v8A/w==", "header": "content-type: application/json" }),
        json!({ "text": "hello", "header": "content-encoding: br" }),
    ] {
        world.answer(&script);
        world.assert_response_refused(&world.send(&messages(PROMPT)), "unreadable_response");
    }
    world.answer(&json!({ "gzip": true }));
    let stream = messages_with(PROMPT, &json!({ "stream": true }));
    assert_refused(&world.send(&stream), 502, "unreadable_response");
    // No provider at all.
    world.answer(&json!({ "drop": true }));
    let response = world.send(&messages(PROMPT));
    assert_eq!(response.status, 503, "{}", response.text());
}
