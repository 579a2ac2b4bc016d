//! Usage that the gateway asks for in the client's place, and hides from it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use portcullis_policy::{Edit, Endpoint, Refusal, Text};
use portcullis_wire::{BodyKind, Released, RequestReader, ResponseReader, TextSink};
use proptest::prelude::*;

struct Passes;

impl TextSink for Passes {
    fn text(&mut self, _: Text<'_>, _: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        Ok(None)
    }
}

/// What the client gets of a stream that comes in chunks of these sizes.
fn client_gets(stream: &[u8], sizes: &[usize], want_text: bool) -> Vec<u8> {
    let mut reader = ResponseReader::new(
        Endpoint::OpenAiChat,
        200,
        BodyKind::EventStream,
        0,
        want_text,
    );
    reader.hide_usage();
    let (mut out, mut rest, mut sizes) = (Vec::new(), stream, sizes.iter().cycle());
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        match reader.push(chunk, &mut Passes).unwrap() {
            Released::AsIs => out.extend_from_slice(chunk),
            Released::Bytes(bytes) => out.extend(bytes),
        }
        rest = after;
    }
    if let Released::Bytes(bytes) = reader.finish(&mut Passes).unwrap() {
        out.extend(bytes);
    }
    let usage = reader
        .meaning()
        .usage
        .map(|usage| (usage.input, usage.output));
    assert_eq!(usage, Some((3, 4)), "what is hidden is counted");
    out
}

const USAGE: &str = r#"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

proptest! {
    #[test]
    fn one_event_is_gone_and_no_other_byte_however_it_is_cut(
        before in proptest::collection::vec("data: \\{\"choices\":\\[\\{\"index\":0,\"delta\":\\{\"content\":\"[a-z]{0,9}\"\\}\\}\\],\"usage\":null\\}|: ping|data: \\{\"choices\":\\[\\]\\}", 0..6),
        end in "\n\n|\r\n\r\n|\r\r",
        sizes in proptest::collection::vec(1usize..60, 1..6),
        want_text: bool,
    ) {
        let mut stream: String = before.iter().map(|event| format!("{event}{end}")).collect();
        let expected = format!("{stream}data: [DONE]{end}");
        stream.push_str(&format!("{USAGE}{end}data: [DONE]{end}"));
        let got = client_gets(stream.as_bytes(), &sizes, want_text);
        prop_assert_eq!(String::from_utf8(got).unwrap(), expected);
    }

    #[test]
    fn a_body_that_asks_means_the_same_otherwise(
        options in proptest::option::of("null|\\{\\}|\\{\"include_usage\":(null|false)\\}|\\{\"a\":\\[1,\"\\}\"\\],\"include_usage\":(null|false),\"b\":\\{\\}\\}|\\{\"b\":[0-9]\\}"),
        space in "[ \n]{0,2}",
        first: bool,
        stream: bool,
    ) {
        let rest = format!("\"model\":{space}\"m\",\"messages\":[{{\"content\":\"{{\"}}],\"stream\":{stream}");
        let body = match &options {
            None => format!("{space}{{{space}{rest}{space}}}"),
            Some(options) if first => format!("{{\"stream_options\"{space}:{space}{options}{space},{rest}}}"),
            Some(options) => format!("{{{rest},\"stream_options\"{space}:{space}{options}{space}}}"),
        };
        let mut reader = RequestReader::new(Endpoint::OpenAiChat, 10_000);
        reader.push(body.as_bytes(), &mut Passes).unwrap();
        reader.finish(&mut Passes).unwrap();
        prop_assert_eq!(reader.ask_usage(), stream);
        let edited = reader.edited();
        prop_assert_eq!(edited.is_some(), stream);
        if let Some(edited) = edited {
            let mut expected: serde_json::Value = serde_json::from_str(&body).unwrap();
            if expected["stream_options"].is_null() {
                expected["stream_options"] = serde_json::json!({});
            }
            expected["stream_options"]["include_usage"] = true.into();
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&edited).unwrap(), expected);
            let mut again = RequestReader::new(Endpoint::OpenAiChat, 10_000);
            again.push(&edited, &mut Passes).unwrap();
            again.finish(&mut Passes).unwrap();
            prop_assert!(!again.ask_usage(), "asking twice changes nothing");
        }
    }
}

#[test]
fn an_event_without_end_passes() {
    let mut reader =
        ResponseReader::new(Endpoint::OpenAiChat, 200, BodyKind::EventStream, 0, false);
    reader.hide_usage();
    let (chunk, mut out) = (vec![b'a'; 1 << 20], 0);
    for _ in 0..10 {
        match reader.push(&chunk, &mut Passes).unwrap() {
            Released::AsIs => out += chunk.len(),
            Released::Bytes(bytes) => out += bytes.len(),
        }
    }
    if let Released::Bytes(bytes) = reader.finish(&mut Passes).unwrap() {
        out += bytes.len();
    }
    assert_eq!(out, 10 << 20);
}
