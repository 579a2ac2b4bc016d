//! How what is answered leaves, and how scripts are set.

use std::io::Read as _;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use portcullis_provider::{Delivery, SCRIPTS_MAX, Script};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{Api, Version, get, provider, request, send, try_send};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn any_chunking_gives_the_same_bytes(chunk in 1_usize..200, stream in any::<bool>(), http2 in any::<bool>()) {
        // Ids count requests, so what is compared comes from stubs of its own.
        let ask = |headers: &[(&str, &str)], version| {
            let provider = provider();
            let body = Api::Anthropic.body("hello", &json!({"stream": stream}));
            try_send(&provider, version, request(&provider, "POST", "/v1/messages", headers, body)).unwrap()
        };
        let whole = ask(&[], Version::Http1);
        let version = if http2 { Version::Http2 } else { Version::Http1 };
        let chunked = ask(&[("x-stub-chunk", &chunk.to_string())], version);
        prop_assert_eq!(whole.body(), chunked.body());
        prop_assert!(!chunked.cut);
        if stream {
            let (_, full) = chunked.frames.split_last().unwrap();
            prop_assert!(http2 || full.iter().all(|frame| frame.len() == chunk));
        }
    }
}

#[test]
fn lines_of_events_end_as_told_and_pings_come_between() {
    let provider = provider();
    for api in Api::ALL {
        let plain = api.streamed_text(&api.stream(&provider, &[]));
        for (name, end) in [("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")] {
            let answer = api.stream(
                &provider,
                &[("x-stub-line-end", name), ("x-stub-pings", "on")],
            );
            assert_eq!(api.streamed_text(&answer), plain);
            let text = answer.text();
            assert_eq!(text.replace(end, "").find(['\r', '\n']), None);
            assert!(text.contains(&format!("{end}{end}: keep-alive{end}{end}")));
            assert_eq!(text.contains("event: ping"), api == Api::Anthropic);
        }
    }
}

#[test]
fn an_abort_ends_the_connection_after_exactly_so_many_bytes() {
    for bytes in [0_u64, 1, 100, 1_000_000] {
        let provider = provider();
        let whole = Api::OpenAi.stream(&provider, &[]).body();
        let answer = Api::OpenAi.stream(&provider, &[("x-stub-abort", &bytes.to_string())]);
        let after_bytes = bytes.min(whole.len() as u64);
        assert_eq!((answer.status.as_u16(), answer.cut), (200, true));
        assert_eq!(answer.body().len() as u64, after_bytes);
        assert_eq!(
            provider.received()[1].delivery,
            Delivery::Aborted { after_bytes }
        );
        assert_eq!((provider.totals().answers, provider.totals().cut), (1, 1));
    }
    let provider = provider();
    let json = Api::OpenAi.ask(&provider, &[("x-stub-abort", "10")], &json!({}));
    assert_eq!((json.cut, json.body().len()), (true, 10));
}

#[test]
fn a_connection_can_be_dropped_without_an_answer() {
    let provider = provider();
    let request = request(&provider, "GET", "/v1/models", &[("x-stub-drop", "on")], "");
    assert!(try_send(&provider, Version::Http1, request).is_none());
    assert_eq!(
        provider.received()[0].delivery,
        Delivery::Aborted { after_bytes: 0 }
    );
}

#[test]
fn a_stream_can_end_with_the_error_of_its_api() {
    let provider = provider();
    for (api, kind) in [
        (Api::OpenAi, "server_error"),
        (Api::Anthropic, "overloaded_error"),
    ] {
        let answer = api.stream(
            &provider,
            &[("x-stub-error-after", "2"), ("x-stub-status", "529")],
        );
        assert_eq!(
            (answer.status.as_u16(), api.streamed_text(&answer).as_str()),
            (200, "Happy to ")
        );
        assert_eq!(answer.events().last().unwrap()["error"]["type"], kind);
    }
    assert_eq!(provider.totals().cut, 2);
}

#[test]
fn a_body_can_be_compressed_or_only_say_so() {
    let provider = provider();
    let answer = Api::OpenAi.ask(
        &provider,
        &[("x-stub-gzip", "on"), ("x-stub-text", "hidden")],
        &json!({}),
    );
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(&answer.body()[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("hidden"));

    let garbage = [
        ("x-stub-header", "content-encoding: gzip"),
        ("x-stub-body", "no gzip"),
    ];
    let answer = Api::OpenAi.ask(&provider, &garbage, &json!({}));
    assert_eq!(
        (answer.header("content-encoding"), answer.text().as_str()),
        (Some("gzip"), "no gzip")
    );
}

#[test]
fn json_can_be_broken() {
    let provider = provider();
    for api in Api::ALL {
        let whole = api.ask(&provider, &[("x-stub-malformed", "on")], &json!({}));
        assert!(serde_json::from_slice::<Value>(&whole.body()).is_err());
        let broken = |event: &Value| event.as_str().is_some_and(|text| text != "[DONE]");
        let stream = api.stream(&provider, &[("x-stub-malformed", "on")]);
        assert_eq!(
            stream.events().iter().filter(|event| broken(event)).count(),
            1
        );
    }
}

#[test]
fn anything_else_can_be_answered_raw() {
    let provider = provider();
    let script = [
        ("x-stub-status", "418"),
        ("x-stub-body", "base64:AP8K"),
        ("x-stub-header", "content-type: text/teapot"),
        ("x-stub-header", "x-request-id:"),
        ("x-stub-header", "x-new: 1"),
        ("x-stub-header", "x-new: 2"),
        ("x-stub-content-length", "off"),
    ];
    let answer = Api::OpenAi.ask(&provider, &script, &json!({}));
    assert_eq!(
        (answer.status.as_u16(), answer.body()),
        (418, vec![0, 255, 10])
    );
    assert_eq!(answer.header("content-type"), Some("text/teapot"));
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(answer.header("x-request-id"), None);
    assert_eq!(
        answer.headers.get_all("x-new").iter().collect::<Vec<_>>(),
        ["1", "2"]
    );
}

#[test]
fn trailers_follow_a_body() {
    let provider = provider();
    let script = [
        ("te", "trailers"),
        ("x-stub-trailer", "x-sum: 1"),
        ("x-stub-trailer", "x-end: 2"),
    ];
    for answer in [
        Api::OpenAi.ask(&provider, &script, &json!({})),
        Api::OpenAi.stream(&provider, &script),
    ] {
        let trailers = answer.trailers.unwrap();
        assert_eq!(
            ["x-sum", "x-end"].map(|name| trailers[name].to_str().unwrap()),
            ["1", "2"]
        );
    }
}

#[test]
fn delays_are_kept() {
    let provider = provider();
    let took = |headers: &[(&str, &str)]| {
        let start = Instant::now();
        Api::OpenAi.stream(&provider, headers);
        start.elapsed()
    };
    assert!(took(&[("x-stub-delay-headers", "60")]) >= Duration::from_millis(60));
    let events = Api::OpenAi.stream(&provider, &[]).events().len() as u32;
    assert!(took(&[("x-stub-delay", "5")]) >= Duration::from_millis(5) * (events - 1));
}

#[test]
fn scripts_are_queued_then_standing_and_headers_come_on_top() {
    let provider = provider();
    let put = |script: Value| {
        send(&provider, "PUT", "/_stub/script", &[], script.to_string())
            .status
            .as_u16()
    };
    assert_eq!(put(json!({"text": "100%25 standing"})), 204);
    assert_eq!(put(json!([{"status": 429}, {"text": "second"}])), 204);
    let ask = |headers: &[(&str, &str)]| Api::OpenAi.ask(&provider, headers, &json!({}));
    // Probes and unknown paths use up no script.
    get(&provider, "/");
    get(&provider, "/nowhere");
    assert_eq!(ask(&[]).status, 429);
    assert_eq!(Api::OpenAi.text(&ask(&[])), "second");
    assert_eq!(Api::OpenAi.text(&ask(&[])), "100%25 standing");
    assert_eq!(
        Api::OpenAi.text(&ask(&[("x-stub-text", "on%20top")])),
        "on top"
    );
    assert_eq!(
        send(&provider, "DELETE", "/_stub/script", &[], "").status,
        204
    );
    assert!(Api::OpenAi.text(&ask(&[])).starts_with("Happy"));

    provider.set_script(Script {
        status: Some(500),
        ..Script::default()
    });
    provider.push_scripts([Script::default()]).unwrap();
    assert_eq!(
        [ask(&[]).status.as_u16(), ask(&[]).status.as_u16()],
        [200, 500]
    );
    provider.clear_scripts();
    assert_eq!(ask(&[]).status, 200);
}

#[test]
fn scripts_do_not_pile_up_without_end() {
    let provider = provider();
    let scripts = |count| std::iter::repeat_n(Script::default(), count);
    provider.push_scripts(scripts(SCRIPTS_MAX)).unwrap();
    assert!(provider.push_scripts(scripts(1)).is_err());
    assert_eq!(
        send(&provider, "PUT", "/_stub/script", &[], "[{}]").status,
        400
    );
}

#[test]
fn a_wrong_script_is_refused() {
    let provider = provider();
    let answer = send(
        &provider,
        "PUT",
        "/_stub/script",
        &[],
        r#"[{"text":"fine"},{"chnuk":1}]"#,
    );
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("chnuk"));
    // None of the array was taken.
    assert!(
        Api::OpenAi
            .text(&Api::OpenAi.ask(&provider, &[], &json!({})))
            .starts_with("Happy")
    );
    let answer = Api::Anthropic.ask(&provider, &[("x-stub-delay", "soon")], &json!({}));
    assert_eq!(answer.status, 400);
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("delay")
    );
}
