//! Who gets in.

use portcullis_envoy_test::http1::{Request, Response};
use serde_json::json;

use crate::common::{
    CLAUDE, KEY, MASTER_KEY, PROMPT, RESEARCH_KEY, Variant, WRONG_KEY, World, assert_refused,
    messages, messages_with,
};
use crate::in_every_variant;

in_every_variant! {
    usual from World::new: [keys, models];
    particular from particular: [key_states, sources, paths];
}

/// A call of either API with these credentials.
fn call(path: &str, credentials: &[(&str, &str)]) -> Request {
    let body = json!({ "model": CLAUDE, "max_tokens": 10, "messages": [{ "role": "user", "content": PROMPT }] });
    let request = credentials
        .iter()
        .fold(Request::post(path), |request, (name, value)| {
            request.header(name, value)
        });
    request.json(&body)
}

fn keys(world: &World) {
    let bearer = |key: &str| format!("Bearer {key}");
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/messages?beta=true",
    ] {
        for good in [KEY, MASTER_KEY] {
            assert_eq!(
                world
                    .send(&call(path, &[("authorization", &bearer(good))]))
                    .status,
                200
            );
            assert_eq!(world.send(&call(path, &[("x-api-key", good)])).status, 200);
        }
        assert_eq!(world.take_received().len(), 4);

        let refused = |credentials: &[(&str, &str)], code: &str| {
            assert_refused(&world.send(&call(path, credentials)), 401, code);
            world.assert_nothing_received(PROMPT);
        };
        refused(&[], "missing_api_key");
        refused(&[("x-other", KEY)], "missing_api_key");
        refused(&[("x-api-key", WRONG_KEY)], "invalid_api_key");
        refused(&[("authorization", &bearer(WRONG_KEY))], "invalid_api_key");
        refused(&[("x-api-key", &KEY[..KEY.len() - 1])], "invalid_api_key");
        refused(&[("x-api-key", &KEY.to_uppercase())], "invalid_api_key");
    }
    let words = |response: Response| {
        (
            response.json()["type"].clone(),
            response.json()["error"]["type"].clone(),
        )
    };
    let wrong = [("x-api-key", WRONG_KEY)];
    assert_eq!(
        words(world.send(&call("/v1/messages", &wrong))),
        (json!("error"), json!("authentication_error"))
    );
    assert_eq!(
        words(world.send(&call("/v1/chat/completions", &wrong))).0,
        json!(null)
    );
}

/// Keys in every state, some addresses, and a path for everybody.
fn particular(variant: Variant) -> World {
    let key = |id: &str, digest: &str| json!({ "id": id, "sha256": digest, "user": format!("{id}@company.com"), "team": "eng-team" });
    // Digests of `sk-expired`, `sk-early` and `sk-revoked`.
    let mut expired = key("expired", EXPIRED);
    expired["expires_at"] = json!("2026-01-01T00:00:00Z");
    let mut early = key("early", EARLY);
    early["not_before"] = json!("2126-01-01T00:00:00Z");
    let mut revoked = key("revoked", REVOKED);
    revoked["revoked"] = json!(true);
    World::with_policy(variant, |policy| {
        let keys = policy["auth"]["keys"].as_array_mut().unwrap();
        keys.extend([expired.clone(), early.clone(), revoked.clone()]);
        policy["auth"]["allow_sources"] = json!(["127.0.0.1", "127.0.0.2/31"]);
        policy["auth"]["deny_sources"] = json!(["127.0.0.2/32"]);
        policy["auth"]["public_paths"] = json!(["/healthz"]);
    })
}

fn key_states(world: &World) {
    for (key, code) in [
        ("sk-expired", "expired_api_key"),
        ("sk-revoked", "revoked_api_key"),
        ("sk-early", "expired_api_key"),
    ] {
        assert_refused(
            &world.send(&call("/v1/messages", &[("x-api-key", key)])),
            401,
            code,
        );
    }
    world.assert_nothing_received(PROMPT);
}

const EXPIRED: &str = "b65020ad45f9cd9c087bcb11aea97ac7579d3c46ea52e0e7584064bfecf2df83";
const EARLY: &str = "0b5eeaca04d4b900b989a8ecc63ca295008a6303bf5b75c33d719b6148d44dc5";
const REVOKED: &str = "c7d61849cc0150fc188470d3f3b04c0d971e72b77b5845f06a4d940d79703c63";

fn models(world: &World) {
    let with_model = |model: &str| world.send(&messages_with(PROMPT, &json!({ "model": model })));
    for allowed in [CLAUDE, "claude-opus-4", "gpt-4o", "gemini-2.0-flash"] {
        assert_eq!(with_model(allowed).status, 200, "{allowed}");
    }
    world.take_received();
    for forbidden in [
        "gpt-3.5-turbo",
        "gemini-2.0-flash-lite",
        "Claude-3-5-sonnet",
        " claude-3-5-sonnet",
        "*",
    ] {
        assert_refused(&with_model(forbidden), 403, "model_not_allowed");
        world.assert_nothing_received(PROMPT);
    }
    let other_team = call("/v1/messages", &[("x-api-key", RESEARCH_KEY)]);
    assert_refused(&world.send(&other_team), 403, "model_not_allowed");
}

fn sources(world: &World) {
    let from = |address: &str| world.send(&messages(PROMPT).from(address.parse().unwrap()));
    assert_refused(&from("127.0.0.2"), 403, "source_not_allowed");
    assert_refused(&from("127.0.0.4"), 403, "source_not_allowed");
    assert_eq!(from("127.0.0.3").status, 200);
    // What a client claims about its address does not count.
    let claimed = messages(PROMPT)
        .header("x-forwarded-for", "127.0.0.3")
        .from("127.0.0.2".parse().unwrap());
    assert_refused(&world.send(&claimed), 403, "source_not_allowed");
    assert_eq!(world.take_received().len(), 1);
}

fn paths(world: &World) {
    let with_key = |request: Request| world.send(&request.header("x-api-key", KEY));
    assert_eq!(with_key(Request::get("/v1/models")).status, 200);
    assert_eq!(
        with_key(Request::get("/v1/models").header("anthropic-version", "2023-06-01")).status,
        200
    );
    let count = messages_with(PROMPT, &json!({}));
    assert_eq!(world.send(&count).status, 200);
    assert_eq!(
        with_key(Request::new("HEAD", "/")).header("x-portcullis-reason"),
        None
    );
    // Nobody's key, and the provider does not know it either.
    let public = world.send(&Request::get("/healthz"));
    assert_eq!(
        (public.status, public.header("x-portcullis-reason")),
        (404, None)
    );
    world.take_received();

    assert_refused(
        &world.send(&Request::get("/v1/models")),
        401,
        "missing_api_key",
    );
    for unknown in [
        "/v1/audio/speech",
        "/v1/messages/x",
        "/v1/chat/completions/",
        "/",
        "/v2/messages",
        "/v1/messages%2f..",
        "//",
    ] {
        assert_refused(
            &with_key(Request::post(unknown).json(&json!({ "text": PROMPT }))),
            404,
            "unknown_endpoint",
        );
    }
    assert_refused(
        &with_key(Request::get("/v1/chat/completions")),
        404,
        "unknown_endpoint",
    );
    assert_refused(
        &with_key(Request::new("DELETE", "/v1/messages")),
        404,
        "unknown_endpoint",
    );
    world.assert_nothing_received(PROMPT);
}
