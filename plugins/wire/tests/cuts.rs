//! How a body is cut means nothing, also where it is wrong: what is right before the mistake is told, wherever the cuts are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use portcullis_policy::{Endpoint, Refusal};
use portcullis_wire::{BodyKind, Released, RequestReader, ResponseReader};
use support::{Sink, cut};

/// What a string is made of, with what none may hold.
const PARTS: [&[u8]; 12] = [
    b"d",
    b"dtaa",
    b"data:;base64,",
    b"plain K-9 text of more than one register",
    b"\\n",
    b"\\u01ab",
    b"\\",
    "\u{1ab}".as_bytes(),
    b"\0",
    b"\x9a\xa1",
    b"\xc6",
    b"\"",
];

/// What may be its last part.
const ENDS: [&[u8]; 6] = [b"x", b"\\", b"\0", b"\x9a\xa1", b"\xc6", b"\""];

const REQUESTS: [(&str, &str); 9] = [
    (r#"{"messages":[{"content":""#, r#""}],"model":"m"}"#),
    (
        r#"{"model":"m","messages":[{"content":[{"type":"text","text":""#,
        r#""}]}]}"#,
    ),
    (
        r#"{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":""#,
        r#""}}]}]}"#,
    ),
    (
        r#"{"model":"m","messages":[{"content":[{"type":"file","file":{"file_data":""#,
        r#""}}]}]}"#,
    ),
    (
        r#"{"model":"m","messages":[{"content":[{"type":"document","source":{"type":"base64","media_type":"text/plain","data":""#,
        r#""}}]}]}"#,
    ),
    (
        r#"{"model":"m","messages":[{"role":"tool","tool_call_id":""#,
        r#""}]}"#,
    ),
    (
        r#"{"any":[{"b":"one"},{"b":""#,
        r#""},{"b":"two"}],"model":"m"}"#,
    ),
    (r#"{"model":"m","any":{"b":1,""#, r#"":"value"}}"#),
    (r#"{"model":""#, r#""}"#),
];

const ANSWERS: [(&str, &str); 4] = [
    (
        r#"{"id":"c","choices":[{"message":{"content":""#,
        r#""},"finish_reason":"stop"}]}"#,
    ),
    (
        r#"{"choices":[{"message":{"tool_calls":[{"id":"t","function":{"arguments":""#,
        r#""}}]}}]}"#,
    ),
    (r#"{"id":""#, r#""}"#),
    (r#"{"any":[{"b":"one"},{"b":""#, r#""}]}"#),
];

const DELTAS: [(&str, &str); 3] = [
    (
        r#"{"choices":[{"index":0,"delta":{"content":""#,
        r#""}}],"any":"text"}"#,
    ),
    (
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":""#,
        r#""}}]}}]}"#,
    ),
    (r#"{"id":"a","any":{"b":""#, r#""}}"#),
];

/// Calls with every string of a few parts in every place, and with where each part begins.
fn each(places: &[(&str, &str)], mut check: impl FnMut(&[u8], &[usize])) {
    for (before, behind) in places {
        for one in PARTS {
            for two in PARTS {
                for three in ENDS {
                    let parts = [before.as_bytes(), one, two, three, behind.as_bytes()];
                    let mut seams: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                    for at in 1..seams.len() {
                        seams[at] += seams[at - 1];
                    }
                    check(&parts.concat(), &seams);
                }
            }
        }
    }
}

/// Panics when cuts matter to a reading.
fn same_however_cut<T: PartialEq + std::fmt::Debug>(
    body: &[u8],
    seams: &[usize],
    read: impl Fn(&[usize]) -> T,
) {
    let whole = read(&[]);
    let two = seams.iter().map(|at| vec![*at, body.len()]);
    for sizes in two.chain([vec![1], vec![7, 3, 2]]) {
        assert_eq!(read(&sizes), whole, "{sizes:?} {}", body.escape_ascii());
    }
}

fn sink() -> Sink {
    let mut sink = Sink::redacting(&["K-9"]);
    sink.numbers_from = Some(4);
    sink
}

#[test]
fn of_requests() {
    each(&REQUESTS, |body, seams| {
        let of_anthropic = body.windows(8).any(|word| word == b"document");
        let endpoint = if of_anthropic {
            Endpoint::AnthropicMessages
        } else {
            Endpoint::OpenAiChat
        };
        same_however_cut(body, seams, |sizes| {
            let (mut sink, mut reader) = (sink(), RequestReader::new(endpoint, 1 << 20));
            let pushed = cut(body, sizes)
                .into_iter()
                .try_for_each(|piece| reader.push(piece, &mut sink));
            let meaning = pushed.and_then(|()| reader.finish(&mut sink));
            (
                meaning.map(|meaning| (meaning, reader.edited())),
                sink.texts,
            )
        });
    });
}

/// All that leaves, and why it ended.
fn answer(
    kind: BodyKind,
    body: &[u8],
    sizes: &[usize],
    sink: &mut Sink,
) -> (Vec<u8>, Option<Refusal>) {
    let mut reader = ResponseReader::new(Endpoint::OpenAiChat, 200, kind, 1 << 20, true);
    let mut out = Vec::new();
    let released = cut(body, sizes).into_iter().try_for_each(|piece| {
        match reader.push(piece, sink)? {
            Released::AsIs => out.extend_from_slice(piece),
            Released::Bytes(bytes) => out.extend(bytes),
        }
        Ok(())
    });
    match released.and_then(|()| reader.finish(sink)) {
        Ok(Released::AsIs) => out.extend_from_slice(body),
        Ok(Released::Bytes(bytes)) => out.extend(bytes),
        Err(refusal) => {
            out.extend(reader.stop(&refusal));
            return (out, Some(refusal));
        }
    }
    (out, None)
}

#[test]
fn of_answers() {
    for kind in [BodyKind::Json, BodyKind::Plain] {
        each(&ANSWERS, |body, seams| {
            same_however_cut(body, seams, |sizes| {
                let mut sink = sink();
                let out = answer(kind, body, sizes, &mut sink);
                (out, sink.texts)
            });
        });
    }
}

#[test]
fn of_streams() {
    each(&DELTAS, |body, seams| {
        let event = [b"data: ", body, b"\n\n"].concat();
        let body = [&event[..], &event, b"data: [DONE]\n\n"].concat();
        let seams: Vec<usize> = seams.iter().map(|at| at + b"data: ".len()).collect();
        same_however_cut(&body, &seams, |sizes| {
            let mut sink = sink();
            let out = answer(BodyKind::EventStream, &body, sizes, &mut sink);
            (out, sink.texts)
        });
    });
}
