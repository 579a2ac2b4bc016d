//! Streamed responses: what the sink sees, what leaves, and when.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod support;

use portcullis_policy::{Endpoint, Reason, Refusal, Usage};
use portcullis_wire::{BodyKind, Released, ResponseReader};
use serde_json::{Value, json};
use support::{MARK, Sink, cut, response};

const OPENAI: Endpoint = Endpoint::OpenAiChat;
const ANTHROPIC: Endpoint = Endpoint::AnthropicMessages;

fn reader(endpoint: Endpoint) -> ResponseReader {
    ResponseReader::new(endpoint, 200, BodyKind::EventStream, 1 << 20, true)
}

/// What leaves, however the stream is cut.
fn passed(endpoint: Endpoint, stream: &str, needles: &[&str]) -> (String, Sink) {
    let run = |sizes: &[usize]| {
        let mut sink = Sink::redacting(needles);
        let out = response(&mut reader(endpoint), stream.as_bytes(), sizes, &mut sink).unwrap();
        (String::from_utf8(out).unwrap(), sink)
    };
    let (whole, sink) = run(&[]);
    for sizes in [&[1][..], &[2, 5], &[64]] {
        let (out, other) = run(sizes);
        assert_eq!(out, whole);
        assert_eq!(other.texts, sink.texts);
    }
    assert!(sink.all_ended());
    (whole, sink)
}

fn delta(index: u64, content: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {"content": content}, "index": index}]})
    )
}

fn block(index: u64, field: &str, text: &str) -> String {
    let data =
        json!({"type": "content_block_delta", "delta": {"type": "x", field: text}, "index": index});
    format!("event: content_block_delta\ndata: {data}\n\n")
}

/// The contents of choice `index`, put together as a client does.
fn contents(stream: &str, index: u64) -> String {
    let mut all = String::new();
    for data in stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
    {
        let data: Value = serde_json::from_str(data).unwrap();
        for choice in data["choices"].as_array().unwrap() {
            if choice["index"] == index {
                all.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            }
        }
    }
    all
}

const CHAT: &str = "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n\
    data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"},\"finish_reason\":null}]}\n\n\
    : keep-alive\n\n\
    data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":2,\"total_tokens\":13}}\n\n\
    data: [DONE]\n\n";

#[test]
fn a_clean_chat_stream_passes_byte_for_byte() {
    let (out, sink) = passed(OPENAI, CHAT, &["nothing"]);
    assert_eq!(out, CHAT);
    assert!(sink.texts().contains(&"Hello"), "{:?}", sink.texts());
    assert!(sink.texts().contains(&" keep-alive") || sink.texts().contains(&"keep-alive"));
    let mut reader = reader(OPENAI);
    let mut sink = Sink::default();
    for event in CHAT.split_inclusive("\n\n") {
        assert_eq!(
            reader.push(event.as_bytes(), &mut sink),
            Ok(Released::AsIs),
            "{event}"
        );
    }
    reader.finish(&mut sink).unwrap();
    let meaning = reader.meaning();
    assert_eq!(
        meaning.usage,
        Some(Usage {
            input: 11,
            output: 2
        })
    );
    assert_eq!((meaning.text_bytes, meaning.complete), (5, true));
}

#[test]
fn anthropic_usage_is_cumulative_and_cache_counts() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":10,\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"SE\"}}\n\n\
        event: ping\ndata: {\"type\": \"ping\"}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"CRET\"}}\n\n\
        event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let (out, sink) = passed(ANTHROPIC, stream, &["nothing"]);
    assert_eq!(out, stream);
    assert!(
        sink.texts().contains(&"SECRET"),
        "a block's first text and its deltas are one text"
    );
    let mut reader = ResponseReader::new(ANTHROPIC, 200, BodyKind::EventStream, 0, false);
    assert_eq!(
        response(&mut reader, stream.as_bytes(), &[5], &mut Sink::default()).unwrap(),
        stream.as_bytes()
    );
    assert_eq!(
        reader.meaning().usage,
        Some(Usage {
            input: 113,
            output: 9
        })
    );
    assert_eq!(reader.meaning().text_bytes, 6);
}

#[test]
fn a_match_over_many_deltas_is_replaced_where_it_begins() {
    let stream: String = "say S-E-C-R-E-T now"
        .split('-')
        .map(|piece| delta(0, piece))
        .collect();
    let (out, _) = passed(OPENAI, &stream, &["SECRET"]);
    assert_eq!(contents(&out, 0), format!("say {MARK} now"));
    assert_eq!(out.matches("data: ").count(), 6, "no event is lost");
}

#[test]
fn choices_are_texts_of_their_own() {
    let stream = [
        delta(0, "SEC"),
        delta(1, "SEC"),
        delta(0, "RET"),
        delta(1, "OND"),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let (out, _) = passed(OPENAI, &stream, &["SECRET"]);
    assert_eq!(contents(&out, 0), MARK);
    assert_eq!(contents(&out, 1), "SECOND");
    assert!(out.ends_with("data: [DONE]\n\n"));
}

#[test]
fn the_index_may_stand_behind_the_content() {
    let stream = [
        block(0, "text", "SEC"),
        block(1, "text", "SEC"),
        block(0, "text", "RET"),
    ]
    .concat();
    let (out, sink) = passed(ANTHROPIC, &stream, &["SECRET"]);
    assert!(sink.texts().contains(&"SECRET"));
    assert!(out.contains(r#""text":"[\"gone\"\\]""#), "{out}");
}

#[test]
fn fields_nobody_has_heard_of_go_on_too() {
    let event = |text: &str| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"thoughts": [{"x": text}]}}]})
        )
    };
    let (out, sink) = passed(OPENAI, &[event("SEC"), event("RET")].concat(), &["SECRET"]);
    assert!(sink.texts().contains(&"SECRET"));
    assert!(!out.contains("SEC"));
}

#[test]
fn tool_calls_are_told_apart_by_their_index() {
    let call = |index: u64, arguments: &str| {
        let calls = json!([{"function": {"arguments": arguments}, "index": index}]);
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]})
        )
    };
    let (_, sink) = passed(
        OPENAI,
        &[
            call(0, "SEC"),
            call(1, "SEC"),
            call(0, "RET"),
            call(1, "OND"),
        ]
        .concat(),
        &[],
    );
    assert!(
        sink.texts().contains(&"SECRET") && sink.texts().contains(&"SECOND"),
        "{:?}",
        sink.texts()
    );
}

#[test]
fn signatures_survive() {
    let stream = [
        block(0, "thinking", "hm"),
        block(0, "signature", "EqQBCgIYAhIM/+=="),
        block(0, "signature", "xyz"),
    ]
    .concat();
    let (out, sink) = passed(ANTHROPIC, &stream, &["nothing"]);
    assert_eq!(out, stream);
    assert!(sink.texts().contains(&"EqQBCgIYAhIM/+==xyz"));
}

#[test]
fn an_event_leaves_as_soon_as_it_is_decided() {
    let mut reader = reader(OPENAI);
    let mut sink = Sink::redacting(&["SECRET"]);
    let mut push = |event: &str| match reader.push(event.as_bytes(), &mut sink).unwrap() {
        Released::AsIs => event.to_owned(),
        Released::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
    };
    let (first, second, third) = (delta(0, "a SEC"), delta(1, "free"), delta(0, "OND"));
    assert_eq!(push(&first), "");
    assert_eq!(push(&second), "", "order is kept");
    assert_eq!(push(&third), [first, second, third].concat());
    let (fourth, end) = (
        delta(0, "SECR"),
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    );
    assert_eq!(push(&fourth), "");
    assert_eq!(
        push(end),
        [&fourth, end].concat(),
        "what has ended is decided"
    );
}

#[test]
fn content_block_stop_ends_its_block_only() {
    let mut reader = reader(ANTHROPIC);
    let mut sink = Sink::redacting(&["SECRET"]);
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n";
    let (one, other) = (block(1, "text", "SEC"), block(2, "text", "SEC"));
    assert_eq!(
        reader.push(one.as_bytes(), &mut sink),
        Ok(Released::Bytes(Vec::new()))
    );
    assert_eq!(
        reader.push(other.as_bytes(), &mut sink),
        Ok(Released::Bytes(Vec::new()))
    );
    assert_eq!(
        reader.push(stop.as_bytes(), &mut sink),
        Ok(Released::Bytes(one.into_bytes()))
    );
    assert_eq!(
        reader.finish(&mut sink),
        Ok(Released::Bytes(
            [other.as_str(), stop].concat().into_bytes()
        ))
    );
}

#[test]
fn line_ends_marks_and_lines_of_data_do_not_matter() {
    let stream = "\u{feff}data: {\"choices\":[{\"index\":0,\r\ndata: \"delta\":{\"content\":\"SE\"}}]}\r\n\r\n\
        id: 7\rdata:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"CRET\"}}]}\r\r\
        :SECRET\nevent: SECRET\nid: SECRET\nSECRET: x\nSECRET\nretry: 5\n\n";
    let (out, sink) = passed(OPENAI, stream, &["SECRET"]);
    assert!(sink.texts().contains(&"SECRET"));
    let expected = stream
        .replace("\"SE\"", r#""[\"gone\"\\]""#)
        .replace("\"CRET\"", "\"\"")
        .replace("SECRET", MARK);
    assert_eq!(out, expected);
}

#[test]
fn an_event_without_its_end_is_read_too() {
    let whole = delta(0, "SECRET");
    let open = whole.trim_end();
    assert_eq!(passed(OPENAI, open, &["nothing"]).0, open);
    assert!(!passed(OPENAI, open, &["SECRET"]).0.contains("SECRET"));
}

#[test]
fn what_is_no_json_is_unreadable() {
    let good = delta(0, "hi");
    for bad in [
        "data: hello\n\n",
        "data: {\"a\":1\n\n",
        "data: {} {}\n\n",
        "data: {\"a\":\"\x07\"}\n\n",
        ": ok\ndata: x",
    ] {
        for sizes in [&[][..], &[1], &[9]] {
            let stream = [&good, bad].concat();
            let mut reader = reader(OPENAI);
            let mut sink = Sink::default();
            let mut out = Vec::new();
            let mut error = None;
            for chunk in cut(stream.as_bytes(), sizes) {
                match reader.push(chunk, &mut sink) {
                    Ok(Released::AsIs) => out.extend_from_slice(chunk),
                    Ok(Released::Bytes(bytes)) => out.extend(bytes),
                    Err(refusal) => {
                        error = Some(refusal);
                        break;
                    }
                }
            }
            let error = error.or_else(|| reader.finish(&mut sink).err()).expect(bad);
            assert_eq!(error.reason, Reason::UnreadableResponse);
            out.extend(reader.stop(&error));
            let text = String::from_utf8(out).unwrap();
            let (before, last) = text.split_at(good.len());
            assert_eq!(before, good, "what was good has left");
            let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(error["error"]["code"], "unreadable_response");
            assert!(last.ends_with("\n\n"));
        }
    }
}

#[test]
fn a_stopped_stream_ends_with_the_apis_own_event_and_still_counts() {
    let refusal = Refusal::new(Reason::ResponseBlocked, "Blocked.");
    let mut reader = reader(ANTHROPIC);
    let mut sink = Sink::refusing("SECRET");
    let (good, bad) = (block(0, "text", "fine "), block(0, "text", "SECRET"));
    let both = [good.as_str(), &bad, &good].concat();
    assert_eq!(
        reader.push(both.as_bytes(), &mut sink).unwrap_err().reason,
        Reason::ResponseBlocked
    );
    let expected = format!(
        "{good}event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"api_error\",\"message\":\"Blocked.\"}}}}\n\n"
    );
    assert_eq!(String::from_utf8(reader.stop(&refusal)).unwrap(), expected);
    let usage = "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\":4,\"output_tokens\":9}}\n\n";
    assert_eq!(
        reader.push(usage.as_bytes(), &mut sink),
        Ok(Released::Bytes(Vec::new()))
    );
    assert_eq!(reader.finish(&mut sink), Ok(Released::Bytes(Vec::new())));
    assert_eq!(
        reader.meaning().usage,
        Some(Usage {
            input: 4,
            output: 9
        })
    );
}

#[test]
fn without_interest_in_text_everything_passes_at_once() {
    let mut reader = ResponseReader::new(OPENAI, 200, BodyKind::EventStream, 0, false);
    let mut sink = Sink::refusing("");
    for chunk in cut(
        b"data: no json\n\ndata: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
        &[3],
    ) {
        assert_eq!(reader.push(chunk, &mut sink), Ok(Released::AsIs));
    }
    reader.finish(&mut sink).unwrap();
    assert_eq!(
        reader.meaning().usage,
        Some(Usage {
            input: 1,
            output: 2
        })
    );
}

#[test]
fn memory_is_bounded() {
    let mut endless = reader(OPENAI);
    let chunk = vec![b'x'; 1 << 20];
    assert!(
        (0..10).any(|_| endless.push(&chunk, &mut Sink::default()).is_err()),
        "an event without end"
    );
    let mut undecided = reader(OPENAI);
    let mut sink = Sink::redacting(&["SECRET"]);
    undecided
        .push(delta(0, "SEC").as_bytes(), &mut sink)
        .unwrap();
    let other = format!("data: [{}]\n\n", "1,".repeat(1 << 20) + "1");
    assert!(
        (0..10).any(|_| undecided.push(other.as_bytes(), &mut sink).is_err()),
        "events behind an undecided one"
    );
    let mut many = reader(OPENAI);
    assert!(
        (0..2000).any(|index| many
            .push(delta(index, "x").as_bytes(), &mut Sink::default())
            .is_err()),
        "channels without end"
    );
}
