//! Request bodies: what they mean, what the sink sees, what leaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

use portcullis_policy::{Endpoint, Reason, RequestMeaning};
use portcullis_wire::RequestReader;
use serde_json::{Value, json};
use support::{MARK, Sink, request};

fn read(endpoint: Endpoint, body: &str) -> Result<RequestMeaning, (Reason, String)> {
    let meaning = |sizes: &[usize]| {
        request(
            RequestReader::new(endpoint, 1 << 20),
            body.as_bytes(),
            sizes,
            &mut Sink::default(),
        )
        .map(|(meaning, _)| meaning)
        .map_err(|refusal| (refusal.reason, refusal.message.into_owned()))
    };
    let whole = meaning(&[]);
    assert_eq!(meaning(&[1]), whole, "{body}");
    whole
}

fn chat(body: &str) -> Result<RequestMeaning, (Reason, String)> {
    read(Endpoint::OpenAiChat, body)
}

fn messages(body: &str) -> Result<RequestMeaning, (Reason, String)> {
    read(Endpoint::AnthropicMessages, body)
}

#[test]
fn a_chat_request_means() {
    let body = r#"{"mo\u0064el":"gpt-4o","messages":[{"role":"user","content":"h\u00e9"}],
        "max_tokens":10,"max_completion_tokens":30,"n":3,"stream":true}"#;
    assert_eq!(
        chat(body).unwrap(),
        RequestMeaning {
            model: Some("gpt-4o".to_owned()),
            completion_tokens_max: Some(90),
            choices: 3,
            stream: true,
            text_bytes: 6 + 4 + 3,
            picture_bytes: 0,
            unscanned: Vec::new(),
        }
    );
    let plain =
        chat(r#"{"model":"m","max_tokens":null,"n":null,"stream":null,"messages":[]}"#).unwrap();
    assert_eq!((plain.completion_tokens_max, plain.stream), (None, false));
    let zero = chat(r#"{"model":"m","max_tokens":7,"n":0}"#).unwrap();
    assert_eq!(zero.completion_tokens_max, Some(7));
    let huge = chat(r#"{"model":"m","max_tokens":99999999999999999999999,"n":9}"#).unwrap();
    assert_eq!(huge.completion_tokens_max, Some(u64::MAX));
}

#[test]
fn a_messages_request_means() {
    let body = r#"{"model":"claude","max_tokens":1024,"system":"be kind","messages":[
        {"role":"user","content":[
            {"type":"image","source":{"media_type":"image/png","type":"base64","data":"AAAA"}},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"BBBB"}},
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"words"}},
            {"type":"image","source":{"type":"url","url":"https://example.com"}},
            {"type":"tool_result","content":[{"type":"image","source":{"type":"base64","media_type":"image/x","data":""}}]}
        ]}]}"#;
    let meaning = messages(body).unwrap();
    assert_eq!(meaning.completion_tokens_max, Some(1024));
    assert_eq!(meaning.unscanned, ["image/png", "url", "image/*"]);
}

#[test]
fn parts_of_a_chat_that_hold_no_text_are_named() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]}]});
    assert_eq!(
        chat(&body.to_string()).unwrap().unscanned,
        ["image/jpeg", "url", "application/pdf", "audio/wav"]
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (body, message) in [
        (r#"{"messages":[]}"#, "model is required."),
        (r#"{"model":null}"#, "model is required."),
        (r#"{"model":""}"#, "model is required."),
        (r#"{"model":7}"#, "model must be a string."),
        (r#"{"model":["m"]}"#, "model must be a string."),
        (
            r#"{"model":"m","max_tokens":-1}"#,
            "The cap on tokens must be a non-negative integer.",
        ),
        (
            r#"{"model":"m","max_tokens":1.5}"#,
            "The cap on tokens must be a non-negative integer.",
        ),
        (
            r#"{"model":"m","max_tokens":1e3}"#,
            "The cap on tokens must be a non-negative integer.",
        ),
        (
            r#"{"model":"m","max_completion_tokens":"9"}"#,
            "The cap on tokens must be a non-negative integer.",
        ),
        (
            r#"{"model":"m","n":[]}"#,
            "n must be a non-negative integer.",
        ),
        (
            r#"{"model":"m","stream":"yes"}"#,
            "stream must be a boolean.",
        ),
        (r#"{"model":"m","stream":1}"#, "stream must be a boolean."),
        (
            r#"{"model":"m","messages":"hi"}"#,
            "A field that must be an array is something else.",
        ),
        (
            r#"{"model":"m","messages":{}}"#,
            "A field that must be an array is something else.",
        ),
        (
            r#"{"model":"m","model":"n"}"#,
            "The body holds a key twice in one object.",
        ),
        (
            r#"{"model":"m","mo\u0064el":"n"}"#,
            "The body holds a key twice in one object.",
        ),
        (
            r#"{"model":"m","max_tokens":1,"max_tokens":1}"#,
            "The body holds a key twice in one object.",
        ),
        (
            r#"{"model":"m","messages":[{"role":"a","role":"b"}]}"#,
            "The body holds a key twice in one object.",
        ),
        (
            r#"{"model":"m","messages":[{"content":"a","content":"b"}]}"#,
            "The body holds a key twice in one object.",
        ),
        (r#"[{"model":"m"}]"#, "The body must be a JSON object."),
        (r#""model""#, "The body must be a JSON object."),
        ("null", "The body must be a JSON object."),
        ("", "The body is not valid JSON."),
        ("  ", "The body is not valid JSON."),
        (r#"{"model":"m"}{}"#, "The body is not valid JSON."),
        (r#"{"model":"m"} x"#, "The body is not valid JSON."),
        (r#"{"model":"m",}"#, "The body is not valid JSON."),
        (r#"{"model":"m""#, "The body is not valid JSON."),
        (r#"{"model":"m\x"}"#, "The body is not valid JSON."),
        ("{\"model\":\"m\n\"}", "The body is not valid JSON."),
        (r#"{"model":"m","x":01}"#, "The body is not valid JSON."),
        ("\u{feff}{\"model\":\"m\"}", "The body is not valid JSON."),
    ] {
        assert_eq!(
            chat(body),
            Err((Reason::MalformedBody, message.to_owned())),
            "{body}"
        );
    }
    let deep = format!(
        r#"{{"model":"m","x":{}1{}}}"#,
        "[".repeat(127),
        "]".repeat(127)
    );
    assert!(chat(&deep).is_ok());
    let deeper = format!(
        r#"{{"model":"m","x":{}1{}}}"#,
        "[".repeat(128),
        "]".repeat(128)
    );
    assert_eq!(
        chat(&deeper),
        Err((
            Reason::MalformedBody,
            "The body is nested too deeply.".to_owned()
        ))
    );
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(1025));
    assert_eq!(
        chat(&long),
        Err((Reason::MalformedBody, "model is too long.".to_owned()))
    );
}

#[test]
fn the_same_unknown_key_twice_is_not_our_business() {
    let mut sink = Sink::default();
    let body = br#"{"model":"m","metadata":{"a":"one","a":"two"}}"#;
    request(
        RequestReader::new(Endpoint::OpenAiChat, 1000),
        body,
        &[],
        &mut sink,
    )
    .unwrap();
    assert_eq!(sink.sorted(), ["a", "a", "m", "metadata", "one", "two"]);
}

#[test]
fn a_body_beyond_the_limit_is_refused_at_the_first_byte_too_many() {
    let body = br#"{"model":"m","messages":[]}"#;
    for sizes in [&[][..], &[1], &[7, 3]] {
        let fits = request(
            RequestReader::new(Endpoint::OpenAiChat, body.len()),
            body,
            sizes,
            &mut Sink::default(),
        );
        assert!(fits.is_ok());
        let refused = request(
            RequestReader::new(Endpoint::OpenAiChat, body.len() - 1),
            body,
            sizes,
            &mut Sink::default(),
        );
        assert_eq!(refused.unwrap_err().reason, Reason::BodyTooLarge);
        let broken = request(
            RequestReader::new(Endpoint::OpenAiChat, 10),
            b"{\"model\" x                  ",
            sizes,
            &mut Sink::default(),
        );
        assert_eq!(
            broken.unwrap_err().reason,
            Reason::MalformedBody,
            "what was wrong first is said"
        );
    }
}

#[test]
fn endpoints_without_a_body_take_none() {
    for endpoint in [Endpoint::Models, Endpoint::Probe] {
        assert_eq!(read(endpoint, "").unwrap(), RequestMeaning::default());
        assert_eq!(read(endpoint, "{}").unwrap_err().0, Reason::MalformedBody);
    }
    assert!(read(Endpoint::Public, r#"["any"]"#).is_ok());
}

fn edited(body: &str, needles: &[&str]) -> String {
    let run = |sizes: &[usize]| {
        let reader = RequestReader::new(Endpoint::AnthropicMessages, 1 << 20);
        let (_, out) = request(
            reader,
            body.as_bytes(),
            sizes,
            &mut Sink::redacting(needles),
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    };
    let whole = run(&[]);
    for sizes in [&[1][..], &[2], &[3, 5, 1]] {
        assert_eq!(run(sizes), whole);
    }
    whole
}

#[test]
fn untouched_bytes_stay_as_they_are() {
    let body = "{ \"model\" :\t\"m\", \"x\":1.50e+3,\"messages\":[{\"role\":\"user\",\"content\":\"\\u0041\\/b SECRET \\u00e9é\"}]}\n";
    assert_eq!(edited(body, &["nothing"]), body);
    assert_eq!(
        edited(body, &["SECRET"]),
        body.replace("SECRET", r#"[\"gone\"\\]"#)
    );
}

#[test]
fn escapes_hide_nothing_and_several_edits_fit_in_one_string() {
    let body = r#"{"model":"m","messages":[{"content":"a \u0053ECRET b SE\u0043RET, SECRET"}],"SECR\u0045T":1}"#;
    let out: Value = serde_json::from_str(&edited(body, &["SECRET"])).unwrap();
    assert_eq!(
        out["messages"][0]["content"],
        format!("a {MARK} b {MARK}, {MARK}")
    );
    assert_eq!(out[MARK], 1);
}

#[test]
fn documents_in_strings_stay_documents() {
    let inner = r#"{"path":"x\nSECRET","\u0053ECRET":["SE\u0043RET",1],"n":12345}"#;
    let outer = json!({"args": inner, "note": "a\nb"}).to_string();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": outer}]}).to_string();
    let out: Value = serde_json::from_str(&edited(&body, &["SECRET", "12345"])).unwrap();
    let outer: Value =
        serde_json::from_str(out["messages"][0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(outer["note"], "a\nb");
    let inner: Value = serde_json::from_str(outer["args"].as_str().unwrap()).unwrap();
    assert_eq!(inner["path"], format!("x\n{MARK}"));
    assert_eq!(inner[MARK][0], MARK);
    assert_eq!(
        inner["n"], MARK,
        "a number that is touched becomes a string"
    );
}

#[test]
fn a_match_across_punctuation_leaves_the_punctuation() {
    let inner = r#"{"a":"one","b":"two","c":true}"#;
    let body = json!({"model": "m", "x": inner}).to_string();
    let out: Value = serde_json::from_str(&edited(&body, &[r#"ne","b":"tw"#])).unwrap();
    let inner: Value = serde_json::from_str(out["x"].as_str().unwrap()).unwrap();
    assert_eq!(inner, json!({"a": format!("o{MARK}"), "": "o", "c": true}));
}

#[test]
fn what_only_looks_like_a_document_is_text() {
    let body =
        json!({"model": "m", "x": "[not \\ json SECRET", "y": "{\"a\":\"SECRET"}).to_string();
    let out: Value = serde_json::from_str(&edited(&body, &["SECRET"])).unwrap();
    assert_eq!(out["x"], format!("[not \\ json {MARK}"));
    assert_eq!(out["y"], format!("{{\"a\":\"{MARK}"));
}

#[test]
fn several_documents_in_one_string_are_all_read() {
    let mut sink = Sink::default();
    let body = json!({"model": "m", "x": "{\"a\":\"\\u0041B\"}\n[\"\\u0043D\"]"}).to_string();
    request(
        RequestReader::new(Endpoint::OpenAiChat, 1000),
        body.as_bytes(),
        &[],
        &mut sink,
    )
    .unwrap();
    assert!(sink.texts().contains(&"AB") && sink.texts().contains(&"CD"));
}

#[test]
fn a_model_that_would_be_edited_is_refused() {
    let body = br#"{"messages":[],"model":"gpt-SECRET"}"#;
    for sizes in [&[][..], &[1], &[5]] {
        let reader = RequestReader::new(Endpoint::OpenAiChat, 1000);
        let refused = request(reader, body, sizes, &mut Sink::redacting(&["SECRET"])).unwrap_err();
        assert_eq!(refused.message, "model holds text that must not leave.");
    }
}
