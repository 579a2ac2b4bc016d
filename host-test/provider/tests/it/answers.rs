//! What is answered: shapes, usage, errors. The real SDKs read the shapes in the end-to-end tests.

use portcullis_provider::{Provider, tokens};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{ANY, Answer, Api, get, provider, send};

const ECHO: &str = "Happy to help. You said: hello, stub";

#[test]
fn the_ordinary_answer_repeats_the_last_user_message() {
    let provider = provider();
    for api in Api::ALL {
        let whole = api.ask(&provider, &[], &json!({}));
        assert_eq!(
            (api.text(&whole).as_str(), whole.header("content-type")),
            (ECHO, Some("application/json"))
        );
        let stream = api.stream(&provider, &[]);
        assert_eq!(api.streamed_text(&stream), ECHO);
        assert_eq!(
            stream.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
    }
    let parts = json!({"model": "m", "messages": [
        {"role": "user", "content": "first"},
        {"role": "user", "content": [
            {"type": "text", "text": "look:"}, {"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": "nice"},
        ]},
        {"role": "assistant", "content": null},
    ]});
    let answer = send(
        &provider,
        "POST",
        "/v1/chat/completions?x=y",
        &[],
        parts.to_string(),
    );
    assert_eq!(
        Api::OpenAi.text(&answer),
        "Happy to help. You said: look: nice"
    );
}

#[test]
fn streams_have_the_events_of_their_api() {
    let provider = provider();
    let script = [("x-stub-text", "one two"), ("x-stub-tool", r#"{"a":1}"#)];
    let kinds: Vec<Value> = Api::Anthropic
        .stream(&provider, &script)
        .events()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    let (start, delta, stop) = (
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    );
    assert_eq!(
        kinds,
        [
            "message_start",
            start,
            "ping",
            delta,
            delta,
            stop,
            start,
            delta,
            stop,
            "message_delta",
            "message_stop"
        ]
    );

    let events = Api::OpenAi.stream(&provider, &script).events();
    let (done, chunks) = events.split_last().unwrap();
    let (usage, chunks) = chunks.split_last().unwrap();
    assert_eq!((done, &usage["choices"]), (&json!("[DONE]"), &json!([])));
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk["object"] == "chat.completion.chunk")
    );
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );

    let without = Api::OpenAi.ask(&provider, &[], &json!({"stream": true}));
    assert!(
        without
            .events()
            .iter()
            .all(|event| event.get("usage").is_none())
    );
}

#[test]
fn choices_take_turns_in_a_stream() {
    let provider = provider();
    let ask = |stream| {
        let more = json!({"n": 3, "stream": stream, "stream_options": {"include_usage": true}});
        Api::OpenAi.ask(
            &provider,
            &[("x-stub-text", "a b"), ("x-stub-tool", "{}")],
            &more,
        )
    };
    let whole = ask(false).json();
    assert_eq!(whole["choices"].as_array().unwrap().len(), 3);
    let streamed = ask(true);
    let events = streamed.events();
    let order: Vec<u64> = events
        .iter()
        .filter_map(|event| event["choices"][0]["index"].as_u64())
        .collect();
    assert!(order.chunks(3).all(|turn| turn == [0, 1, 2]), "{order:?}");
    let texts = |index: u64| -> String {
        let of_choice = events
            .iter()
            .filter(|event| event["choices"][0]["index"] == index);
        of_choice
            .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
            .collect()
    };
    assert_eq!([0, 1, 2].map(texts), ["a b"; 3]);
    assert_eq!(
        Api::OpenAi.streamed_usage(&streamed),
        Some(Api::OpenAi.usage(&whole["usage"]))
    );
}

#[test]
fn a_cap_ends_the_answer() {
    let provider = provider();
    let caps = json!({"max_tokens": 2});
    let openai = Api::OpenAi.ask(&provider, &[], &caps);
    assert_eq!(
        (
            Api::OpenAi.text(&openai).as_str(),
            &openai.json()["choices"][0]["finish_reason"]
        ),
        ("Happy to", &json!("length"))
    );
    let anthropic = Api::Anthropic.ask(&provider, &[], &caps);
    assert_eq!(
        (
            Api::Anthropic.text(&anthropic).as_str(),
            &anthropic.json()["stop_reason"]
        ),
        ("Happy to", &json!("max_tokens"))
    );
}

#[test]
fn usage_can_be_dictated_or_left_out() {
    let provider = provider();
    let dictated = [
        ("x-stub-prompt-tokens", "100"),
        ("x-stub-completion-tokens", "7"),
        ("x-stub-cache-read-tokens", "60"),
        ("x-stub-cache-creation-tokens", "30"),
    ];
    for api in Api::ALL {
        assert_eq!(
            api.usage(&api.ask(&provider, &dictated, &json!({})).json()["usage"]),
            (100, 7)
        );
        assert_eq!(
            api.streamed_usage(&api.stream(&provider, &dictated)),
            Some((100, 7))
        );
        assert!(
            api.ask(&provider, &[("x-stub-usage", "off")], &json!({}))
                .json()
                .get("usage")
                .is_none()
        );
        assert_eq!(
            api.streamed_usage(&api.stream(&provider, &[("x-stub-usage", "off")])),
            None
        );
    }
    let anthropic = Api::Anthropic.ask(&provider, &dictated, &json!({})).json();
    assert_eq!(anthropic["usage"]["input_tokens"], 10);
}

#[test]
fn tokens_of_a_prompt_can_be_counted_alone() {
    let provider = provider();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "12345"}]});
    let answer = send(
        &provider,
        "POST",
        "/v1/messages/count_tokens",
        &[],
        body.to_string(),
    );
    assert_eq!(answer.json(), json!({"input_tokens": 2}));
    assert_eq!(provider.totals().prompt_tokens, 0);
}

#[test]
fn models_come_in_the_shape_of_the_api_that_asks() {
    let provider = provider();
    let openai = get(&provider, "/v1/models").json();
    assert_eq!(
        (&openai["object"], &openai["data"][0]["object"]),
        (&json!("list"), &json!("model"))
    );
    let anthropic = send(
        &provider,
        "GET",
        "/v1/models?limit=5",
        &[("anthropic-version", "2023-06-01")],
        "",
    )
    .json();
    assert_eq!(
        (&anthropic["has_more"], &anthropic["data"][0]["type"]),
        (&json!(false), &json!("model"))
    );
    assert_eq!(get(&provider, "/v1/models/abc").json()["id"], "abc");
}

#[test]
fn probes_and_unknown_paths() {
    let provider = provider();
    let head = send(&provider, "HEAD", "/", &[], "");
    assert_eq!((head.status.as_u16(), head.body().len()), (200, 0));
    assert_eq!(get(&provider, "/").status, 200);
    let unknown = get(&provider, "/v2/none");
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["error"]["code"]),
        (404, &json!("unknown_url"))
    );
    assert_eq!(get(&provider, "/v1/chat/completions").status, 404);
    assert_eq!(get(&provider, "/_stub/none").status, 404);
    assert_eq!(provider.totals().requests, 4);
}

#[test]
fn errors_are_spelled_as_the_api_spells_them() {
    let provider = provider();
    let fail = |api: Api, status| {
        api.ask(
            &provider,
            &[("x-stub-status", status), ("x-stub-error", "no%20way")],
            &json!({}),
        )
    };
    for (status, kind) in [
        ("400", "invalid_request_error"),
        ("429", "rate_limit_error"),
        ("500", "api_error"),
        ("529", "overloaded_error"),
    ] {
        let answer = fail(Api::Anthropic, status);
        let json = answer.json();
        assert_eq!(
            (
                answer.status.as_str(),
                &json["type"],
                &json["error"]["type"]
            ),
            (status, &json!("error"), &json!(kind))
        );
        assert_eq!(json["error"]["message"], "no way");
    }
    for (status, kind) in [
        ("400", "invalid_request_error"),
        ("429", "requests"),
        ("500", "server_error"),
    ] {
        let answer = fail(Api::OpenAi, status);
        assert_eq!(
            (answer.status.as_str(), &answer.json()["error"]["type"]),
            (status, &json!(kind))
        );
    }
    assert_eq!(fail(Api::OpenAi, "429").header("retry-after"), Some("1"));
    let later = Api::OpenAi.ask(
        &provider,
        &[("x-stub-status", "503"), ("x-stub-retry-after", "9")],
        &json!({}),
    );
    assert_eq!(later.header("retry-after"), Some("9"));
}

#[test]
fn what_the_apis_require_is_required() {
    let provider = provider();
    for (path, body) in [
        ("/v1/chat/completions", "{"),
        (
            "/v1/chat/completions",
            r#"{"messages":[{"role":"user","content":"x"}]}"#,
        ),
        ("/v1/chat/completions", r#"{"model":"m","messages":[]}"#),
        (
            "/v1/chat/completions",
            r#"{"model":"m","n":0,"messages":[{"role":"user","content":"x"}]}"#,
        ),
        (
            "/v1/messages",
            r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
        ),
    ] {
        let answer = send(&provider, "POST", path, &[], body);
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["type"]),
            (400, &json!("invalid_request_error")),
            "{body}"
        );
    }
    assert_eq!(provider.totals().errors, 5);
}

#[test]
fn the_providers_own_headers_stand_in_every_answer() {
    let provider = provider();
    let has = |answer: &Answer, names: &[&str]| {
        names.iter().all(|name| answer.headers.contains_key(*name))
    };
    for script in [&[][..], &[("x-stub-status", "500")]] {
        let openai = Api::OpenAi.ask(&provider, script, &json!({}));
        assert!(
            has(
                &openai,
                &[
                    "x-request-id",
                    "x-ratelimit-remaining-tokens",
                    "openai-version"
                ]
            ),
            "{openai:?}"
        );
        let anthropic = Api::Anthropic.stream(&provider, script);
        assert!(
            has(
                &anthropic,
                &["request-id", "anthropic-ratelimit-tokens-reset"]
            ),
            "{anthropic:?}"
        );
    }
}

#[test]
fn only_the_right_key_is_let_in() {
    let provider = Provider::builder()
        .api_key("general")
        .api_key_of("anthropic", "sk-ant")
        .unwrap()
        .start(ANY)
        .unwrap();
    let status = |api: Api, headers: &[(&str, &str)]| {
        api.ask(&provider, headers, &json!({})).status.as_u16()
    };
    assert_eq!(
        status(Api::OpenAi, &[("authorization", "Bearer general")]),
        200
    );
    assert_eq!(status(Api::Anthropic, &[("x-api-key", "sk-ant")]), 200);
    assert_eq!(status(Api::OpenAi, &[]), 401);
    assert_eq!(status(Api::OpenAi, &[("x-api-key", "general")]), 401);
    assert_eq!(
        status(Api::OpenAi, &[("authorization", "Bearer sk-ant")]),
        401
    );
    assert_eq!(status(Api::Anthropic, &[("x-api-key", "general")]), 401);
    assert_eq!(
        status(Api::Anthropic, &[("authorization", "Bearer sk-ant")]),
        401
    );
    // The client's key beside the provider's.
    assert_eq!(
        status(
            Api::Anthropic,
            &[("x-api-key", "client"), ("x-api-key", "sk-ant")]
        ),
        401
    );
    let refused = Api::Anthropic.ask(&provider, &[], &json!({})).json();
    assert_eq!(refused["error"]["type"], "authentication_error");
    assert_eq!(get(&provider, "/").status, 200);
    assert!(Provider::builder().api_key_of("nobody", "key").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn usage_is_what_was_counted(
        text in "\\PC{0,80}",
        delta in 1_usize..20,
        cap in 1_u64..40,
        streamed in any::<bool>(),
        anthropic in any::<bool>(),
    ) {
        let provider = provider();
        let api = if anthropic { Api::Anthropic } else { Api::OpenAi };
        let script = [
            ("x-stub-text", percent_encode(&text)),
            ("x-stub-delta", delta.to_string()),
        ];
        let script = script.each_ref().map(|(name, value)| (*name, value.as_str()));
        let more = json!({"max_tokens": cap, "stream": streamed, "stream_options": {"include_usage": true}});
        let answer = api.ask(&provider, &script, &more);
        let (said, told) = if streamed {
            (api.streamed_text(&answer), api.streamed_usage(&answer).unwrap())
        } else {
            (api.text(&answer), api.usage(&answer.json()["usage"]))
        };
        prop_assert!(text.starts_with(&said));
        prop_assert_eq!(told, (tokens::of_text("hello, stub"), tokens::of_text(&said)));
        prop_assert!(told.1 <= cap);
        let totals = provider.totals();
        prop_assert_eq!((totals.prompt_tokens, totals.completion_tokens, totals.answers), (told.0, told.1, 1));
        let received = provider.received();
        prop_assert_eq!((received[0].prompt_tokens, received[0].completion_tokens), (Some(told.0), Some(told.1)));
    }
}

fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn responses_say_everything_again() {
    let provider = provider();
    let ask = |headers: &[(&str, &str)], more: Value| {
        let mut body = json!({"model": "m", "input": "hello, stub"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        send(
            &provider,
            "POST",
            "/v1/responses",
            headers,
            body.to_string(),
        )
    };
    let whole = ask(&[], json!({})).json();
    assert_eq!(whole["output"][0]["content"][0]["text"], ECHO);
    assert_eq!(whole["status"], "completed");
    assert_eq!(
        whole["usage"]["input_tokens"],
        tokens::of_text("hello, stub")
    );
    assert_eq!(whole["usage"]["output_tokens"], tokens::of_text(ECHO));

    let script = [
        ("x-stub-reasoning", "well then"),
        ("x-stub-text", "one two"),
        ("x-stub-tool", r#"{"a": 1}"#),
    ];
    let events = ask(&script, json!({"stream": true})).events();
    let joined = |kind: &str| -> String {
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind
            .map(|event| event["delta"].as_str().unwrap())
            .collect()
    };
    let response = &events.last().unwrap()["response"];
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let output = &response["output"];
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    assert_eq!(
        output[0]["summary"][0]["text"],
        joined("response.reasoning_summary_text.delta")
    );
    assert_eq!(
        output[1]["content"][0]["text"],
        joined("response.output_text.delta")
    );
    assert_eq!(
        output[2]["arguments"],
        joined("response.function_call_arguments.delta")
    );
    assert_eq!(output[2]["arguments"], r#"{"a": 1}"#);
    let done: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| event["item"].clone())
        .collect();
    assert_eq!(json!(done), *output);

    let cut = ask(&[], json!({"stream": true, "max_output_tokens": 2})).events();
    assert_eq!(cut.last().unwrap()["type"], "response.incomplete");
    assert_eq!(cut.last().unwrap()["response"]["usage"]["output_tokens"], 2);
    let broken = ask(&[("x-stub-error-after", "1")], json!({"stream": true})).events();
    assert_eq!(broken.last().unwrap()["error"]["type"], "server_error");
    assert_eq!(ask(&[], json!({"input": 7})).status, 400);

    let texts = json!({"model": "m", "input": ["a", "b"]}).to_string();
    let vectors = send(&provider, "POST", "/v1/embeddings", &[], texts).json();
    assert_eq!(vectors["data"].as_array().unwrap().len(), 2);
    assert_eq!(vectors["usage"]["prompt_tokens"], 1);
}
