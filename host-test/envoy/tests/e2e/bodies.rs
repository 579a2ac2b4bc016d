//! Bodies pass whole: in any framing, with trailers, and untouched where there is nothing to change.

use portcullis_envoy_test::http1::Request;
use serde_json::json;

use crate::common::{
    CLAUDE, KEY, PROMPT, SECRET, SSN, Variant, World, assert_refused, chat, messages,
    messages_with, streamed_text,
};
use crate::in_every_variant;

in_every_variant! {
    usual from World::new: [clean_bodies_are_untouched, trailers, any_chunks, answers_are_untouched];
    small from up_to_a_mebibyte: [large_bodies];
}

/// A body as no serializer writes it.
fn odd_body() -> String {
    format!(
        "\u{20}{{ \"messages\" :[ {{\"content\":\"{PROMPT} \\u00e9\\/\\ud83d\\ude00 ünï\u{10348}\", \"role\":\"user\"}} ],\n\t\"z\":1.0e+02,\"y\":-0,\
         \"big\":123456789012345678901234567890,\"model\": \"{CLAUDE}\" , \"max_tokens\":10, \"n\":null,\"e\":{{}},\"f\":[ ]}}\r\n"
    )
}

fn clean_bodies_are_untouched(world: &World) {
    let body = odd_body();
    for path in ["/v1/messages?beta=true", "/v1/chat/completions"] {
        let post = || {
            Request::post(path)
                .header("x-api-key", KEY)
                .header("content-type", "application/json; charset=utf-8")
        };
        assert_eq!(world.send(&post().body(body.clone())).status, 200);
        let received = world.take_one();
        assert_eq!(received.body, body.as_bytes());
        assert_eq!(received.path, path);
        assert_eq!(
            world.send(&post().chunks(body.as_bytes().chunks(5))).status,
            200
        );
        assert_eq!(world.take_one().body, body.as_bytes());
    }
}

fn trailers(world: &World) {
    let with = |text: &str| {
        let body = json!({ "model": CLAUDE, "max_tokens": 10, "messages": [{ "role": "user", "content": text }] }).to_string();
        let request = Request::post("/v1/messages")
            .header("x-api-key", KEY)
            .header("content-type", "application/json");
        let request = request
            .chunks(body.as_bytes().chunks(20))
            .trailer("x-checksum", "abc");
        (world.send(&request), body)
    };
    let (response, body) = with(PROMPT);
    assert_eq!(response.status, 200);
    let received = world.take_one();
    assert_eq!(received.body, body.as_bytes());
    assert_eq!(received.trailers, [("x-checksum".to_owned(), "abc".into())]);

    assert_refused(&with(SSN).0, 400, "dlp_blocked");
    world.assert_nothing_received(SSN);

    assert_eq!(with(&format!("before {SECRET} after")).0.status, 200);
    let text = world.take_one().text();
    assert!(
        !text.contains(SECRET) && text.contains("before ") && text.contains(" after"),
        "{text}"
    );

    // And on the way back.
    for stream in [false, true] {
        world.answer(&json!({ "text": format!("before {SECRET} after"), "trailer": "x-sum: 7", "delta": 3, "chunk": 50 }));
        let request = messages_with(PROMPT, &json!({ "stream": stream }));
        let response = world.send(&request.header("te", "trailers"));
        assert_eq!((response.status, response.complete), (200, true));
        assert!(
            !response.text().contains(&SECRET[..14]),
            "{}",
            response.text()
        );
        if stream {
            let text = streamed_text(&response);
            assert!(
                text.starts_with("before ") && text.ends_with(" after"),
                "{text}"
            );
            assert_eq!(response.trailers, [(b"x-sum".to_vec(), b"7".to_vec())]);
        }
    }
}

fn any_chunks(world: &World) {
    let body = json!({ "model": CLAUDE, "max_tokens": 10, "messages": [{ "role": "user", "content": format!("é {SECRET} é") }] });
    let body = body.to_string();
    let mut seen = None;
    for size in (1..40).chain([body.len() - 1, body.len()]) {
        let request = Request::post("/v1/messages")
            .header("x-api-key", KEY)
            .header("content-type", "application/json");
        assert_eq!(
            world
                .send(&request.chunks(body.as_bytes().chunks(size)))
                .status,
            200
        );
        let received = world.take_one().body;
        assert_eq!(
            seen.get_or_insert_with(|| received.clone()),
            &received,
            "chunks of {size}"
        );
    }
    assert!(
        !String::from_utf8(seen.unwrap().to_vec())
            .unwrap()
            .contains(SECRET)
    );
}

fn answers_are_untouched(world: &World) {
    let odd = " {\"id\":\"x\", \"type\" : \"message\",\"role\":\"assistant\",\"content\":[ {\"text\":\"\\u00e9\\/ ü\",\"type\":\"text\"}],\
               \"usage\":{\"input_tokens\":1,\"output_tokens\":2.0},\"n\":-0}\n";
    for chunk in [1, 13, 10_000] {
        world.answer(
            &json!({ "body": odd, "chunk": chunk, "header": "content-type: application/json" }),
        );
        let response = world.send(&messages(PROMPT));
        assert_eq!((response.status, response.text().as_str()), (200, odd));
    }
    // Errors of the provider pass as they are.
    world.answer(&json!({ "status": 529, "error": "Overloaded" }));
    let response = world.send(&messages(PROMPT));
    assert_eq!(
        (
            response.status,
            response.json()["error"]["message"].as_str()
        ),
        (529, Some("Overloaded"))
    );
    assert_eq!(response.header("x-portcullis-reason"), None);
    // Streams too: the same events, byte for byte, but for a key's.
    for delta in [1, 5] {
        world.answer(
            &json!({ "text": "nothing to hide here", "delta": delta, "chunk": 37, "pings": true }),
        );
        for request in [chat(PROMPT), messages(PROMPT)] {
            let through = world.send(&request);
            assert_eq!(through.status, 200);
        }
        let request = messages_with(PROMPT, &json!({ "stream": true }));
        let through = world.send(&request).text();
        let direct = request.send(world.provider.addr()).unwrap().text();
        let without_ids = |text: &str| {
            text.split("stub0")
                .map(|part| part.get(7..).unwrap_or(part).to_owned())
                .collect::<String>()
        };
        assert_eq!(without_ids(&through), without_ids(&direct));
    }
}

/// What `dlp.max_body_bytes` says in the second world.
const LIMIT: usize = 1 << 20;

fn up_to_a_mebibyte(variant: Variant) -> World {
    World::with_policy(variant, |policy| {
        policy["dlp"]["max_body_bytes"] = json!(LIMIT)
    })
}

fn large_bodies(world: &World) {
    let of_size = |size: usize| {
        let empty = json!({ "model": CLAUDE, "max_tokens": 10, "messages": [{ "role": "user", "content": "" }] }).to_string();
        let fill = "lorem ipsum "
            .chars()
            .cycle()
            .take(size - empty.len())
            .collect::<String>();
        let body = empty.replace("\"content\":\"\"", &format!("\"content\":\"{fill}\""));
        assert_eq!(body.len(), size);
        body
    };
    let post = || {
        Request::post("/v1/messages")
            .header("x-api-key", KEY)
            .header("content-type", "application/json")
    };
    let fits = of_size(LIMIT);
    assert_eq!(world.send(&post().body(fits.clone())).status, 200);
    assert_eq!(world.take_one().body, fits.as_bytes());

    let too_large = of_size(LIMIT + 1);
    assert_refused(
        &world.send(&post().body(too_large.clone())),
        413,
        "body_too_large",
    );
    assert_refused(
        &world.send(&post().chunks(too_large.as_bytes().chunks(10_000))),
        413,
        "body_too_large",
    );
    assert_refused(
        &world.send(&post().header("content-length", "9000000000")),
        413,
        "body_too_large",
    );
    world.assert_nothing_received("lorem");
}
