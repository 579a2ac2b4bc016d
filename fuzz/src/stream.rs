//! Streamed responses: however cut they come to the same, nothing is changed that was not asked for, what was asked for is, and what was masked
//! comes back.
//!
//! Input: choices, sizes, then the stream; or, by choice, texts apart by a byte 0xff, which the target makes a stream of, cut and interleaved.

use portcullis_dlp::Dlp;
use portcullis_policy::{Endpoint, Reason, Side};
use portcullis_wire::{BodyKind, Released, ResponseReader};
use serde_json::Value;

use crate::answer::{Answer, CHANNELS_MAX};
use crate::documents::{begins, replaced};
use crate::input::{Input, pieces, text_pieces};
use crate::run::Run;
use crate::scanner::masks;
use crate::sink::{MARK, NEEDLE, Redact};

/// Panics when cuts matter, untouched bytes were touched, or a text did not become what it should.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let endpoint = match (choice & 16, choice & 1) {
        (0, 0) => Endpoint::OpenAiChat,
        (0, _) => Endpoint::AnthropicMessages,
        _ => Endpoint::OpenAiResponses,
    };
    let sizes = input.sizes();
    let rest = input.rest();
    if choice & 2 == 0 {
        relayed(endpoint, rest, &sizes);
        return;
    }
    let texts = rest.split(|byte| *byte == 0xff).take(CHANNELS_MAX);
    let texts: Option<Vec<&str>> = texts.map(|text| std::str::from_utf8(text).ok()).collect();
    let Some(texts) = texts else { return };
    if choice & 8 != 0 {
        comes_back(endpoint, &texts, &sizes);
        return;
    }
    let deltas: Vec<Vec<&str>> = texts.iter().map(|text| text_pieces(text, &sizes)).collect();
    let answer = Answer::new(endpoint, &deltas, choice & 4 != 0);
    let out = relayed(endpoint, answer.bytes().as_bytes(), &sizes);
    let out = String::from_utf8(out).expect("UTF-8");
    let read = answer.read(&out);
    for (channel, text) in answer.read_again(&out) {
        assert_eq!(text, read[channel], "said otherwise the second time");
    }
    for (after, before) in read.iter().zip(&texts) {
        if !begins(before) {
            assert_eq!(*after, before.replace(NEEDLE, MARK));
        } else if let Some(expected) = replaced(before) {
            assert_eq!(replaced(after), Some(expected), "{before} became {after}");
        }
    }
}

thread_local! {
    static MASKS: Dlp = masks();
}

/// What was masked in questions is in the answer again.
fn comes_back(endpoint: Endpoint, texts: &[&str], sizes: &[usize]) {
    let mut exchange = MASKS.with(Run::of);
    let masked = texts.iter().map(|text| {
        let masked = exchange.pieces(Side::Request, &[text]);
        masked.carried_out(text)
    });
    let masked: Vec<String> = masked.collect();
    exchange.end(Side::Request);
    exchange.begin_stream();
    let deltas: Vec<Vec<&str>> = masked.iter().map(|text| text_pieces(text, sizes)).collect();
    let answer = Answer::new(endpoint, &deltas, false);
    let bytes = answer.bytes().as_bytes();
    let mut reader = ResponseReader::new(endpoint, 200, BodyKind::EventStream, 1 << 20, true);
    let (mut out, mut given) = (Vec::new(), 0);
    for piece in pieces(bytes, sizes) {
        given += piece.len();
        match reader.push(piece, &mut exchange).expect("a good stream") {
            Released::AsIs => out.extend_from_slice(piece),
            Released::Bytes(bytes) => out.extend(bytes),
        }
    }
    assert_eq!(given, bytes.len());
    if let Released::Bytes(bytes) = reader.finish(&mut exchange).expect("a good stream") {
        out.extend(bytes);
    }
    let out = String::from_utf8(out).expect("UTF-8");
    for (after, before) in answer.read(&out).iter().zip(texts) {
        assert_eq!(after, before, "through {masked:?}");
    }
}

/// What leaves of a stream.
fn relayed(endpoint: Endpoint, body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let whole = relay(endpoint, &[body]);
    assert_eq!(whole, relay(endpoint, &pieces(body, sizes)), "cuts matter");
    assert_eq!(whole, relay(endpoint, &pieces(body, &[1])), "cuts matter");
    let (out, refused, sink) = whole;
    // The sink edits what is at hand, so no edit can fail.
    assert_ne!(refused, Some(Reason::PolicyUnavailable));
    if refused.is_none() {
        if sink.found == 0 {
            assert_eq!(out, body, "untouched bytes were touched");
        }
        same_frame(body, &out);
    }
    out
}

/// Line for line, an edited stream is the one that came, and its JSON is JSON.
fn same_frame(body: &[u8], out: &[u8]) {
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        text.split(['\n', '\r']).map(str::to_owned).collect()
    };
    let (before, after) = (lines(body), lines(out));
    assert_eq!(before.len(), after.len(), "lines came or went");
    for (before, after) in before.iter().zip(&after) {
        let json = |line: &str| -> Option<Value> {
            serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()
        };
        assert!(
            json(before).is_none() || json(after).is_some(),
            "{before} became {after}"
        );
    }
}

type Relayed = (Vec<u8>, Option<Reason>, Redact);

fn relay(endpoint: Endpoint, pieces: &[&[u8]]) -> Relayed {
    let mut sink = Redact::default();
    let mut reader = ResponseReader::new(endpoint, 200, BodyKind::EventStream, 1 << 20, true);
    let (mut out, mut refused) = (Vec::new(), None);
    for piece in pieces {
        match reader.push(piece, &mut sink) {
            Ok(Released::AsIs) => out.extend_from_slice(piece),
            Ok(Released::Bytes(bytes)) => out.extend(bytes),
            Err(refusal) => {
                out.extend(reader.stop(&refusal));
                refused = refused.or(Some(refusal.reason));
            }
        }
    }
    match reader.finish(&mut sink) {
        Ok(Released::AsIs) => panic!("a stream has no whole"),
        Ok(Released::Bytes(bytes)) => out.extend(bytes),
        Err(refusal) => {
            out.extend(reader.stop(&refusal));
            refused = refused.or(Some(refusal.reason));
        }
    }
    (out, refused, sink)
}
