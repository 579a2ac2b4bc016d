//! Whose a text is and where it stands, however the body is cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use portcullis_policy::Place::{Arguments, Key, Opaque, Prose};
use portcullis_policy::Role::{Assistant, System, Tool, Unknown, User};
use portcullis_policy::{Edit, Endpoint, Place, Refusal, Role, Text, TextId};
use portcullis_wire::{BodyKind, RequestReader, ResponseReader, TextSink};
use proptest::prelude::*;

/// Joins the pieces of a text that are said to be the same.
#[derive(Debug, Default)]
struct Seen(Vec<(TextId, Role, Place, String)>);

impl TextSink for Seen {
    fn text(&mut self, text: Text<'_>, _: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let same = |(id, role, place, _): &&mut (TextId, Role, Place, String)| {
            (*id, *role, *place) == (text.id, text.role, text.place)
        };
        match self.0.iter_mut().rev().find(same) {
            Some((.., joined)) => joined.push_str(text.piece),
            None => self
                .0
                .push((text.id, text.role, text.place, text.piece.to_owned())),
        }
        Ok(None)
    }
}

impl Seen {
    fn all(&self) -> Vec<(Role, Place, &str)> {
        let texts = self.0.iter().filter(|(.., text)| !text.is_empty());
        texts
            .map(|(_, role, place, text)| (*role, *place, text.as_str()))
            .collect()
    }
}

fn request(endpoint: Endpoint, body: &str, sizes: &[usize]) -> Seen {
    let mut seen = Seen::default();
    let mut reader = RequestReader::new(endpoint, 1 << 20);
    for chunk in support::cut(body.as_bytes(), sizes) {
        reader.push(chunk, &mut seen).unwrap();
    }
    reader.finish(&mut seen).unwrap();
    seen
}

fn response(endpoint: Endpoint, kind: BodyKind, body: &str) -> Seen {
    let mut seen = Seen::default();
    let mut reader = ResponseReader::new(endpoint, 200, kind, 1 << 20, true);
    support::response(&mut reader, body.as_bytes(), &[7], &mut seen).unwrap();
    seen
}

const ANTHROPIC: &str = r#"{"model":"m","system":[{"type":"text","text":"be kind"}],"messages":[
    {"role":"user","content":"hi"},
    {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"EqQBCkYIARgCKkA="},
        {"type":"tool_use","id":"toolu_01A","name":"f","input":{"deep":[{"er":"x"}]}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01A","content":[{"type":"text","text":"found"}]},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]},
    {"content":"early","role":"user"}],"tools":[{"name":"f"}],"metadata":{"user_id":"u"}}"#;

#[test]
fn every_text_has_an_owner_and_a_place() {
    let said = [
        (Unknown, Prose, "m"),
        (System, Prose, "text"),
        (System, Prose, "be kind"),
        (Unknown, Prose, "user"),
        (User, Prose, "hi"),
        (Unknown, Prose, "assistant"),
        (Assistant, Prose, "thinking"),
        (Assistant, Prose, "hm"),
        (Assistant, Opaque, "EqQBCkYIARgCKkA="),
        (Assistant, Prose, "tool_use"),
        (Assistant, Opaque, "toolu_01A"),
        (Assistant, Key, "name"),
        (Assistant, Prose, "f"),
        (Assistant, Key, "deep"),
        (Assistant, Key, "er"),
        (Assistant, Arguments, "x"),
        (Unknown, Prose, "user"),
        (User, Prose, "tool_result"),
        (User, Opaque, "toolu_01A"),
        (Tool, Prose, "text"),
        (Tool, Prose, "found"),
        (User, Prose, "image"),
        (User, Prose, "base64"),
        (User, Prose, "image/png"),
        (User, Opaque, "iVBORw0KGgo="),
        // Nobody's, as long as it is not known whose.
        (Unknown, Prose, "early"),
        (Unknown, Prose, "user"),
        (System, Key, "name"),
        (System, Prose, "f"),
        (Unknown, Key, "metadata"),
        (Unknown, Key, "user_id"),
        (Unknown, Prose, "u"),
    ];
    assert_eq!(
        request(Endpoint::AnthropicMessages, ANTHROPIC, &[usize::MAX]).all(),
        said
    );
}

#[test]
fn nothing_hides_in_an_opaque_place() {
    for (place, text) in [
        ("tool_call_id", "my number is 123-45-6789".to_owned()),
        ("tool_call_id", "a".repeat(300)),
        ("tool_call_id", r"call\u0020me".to_owned()),
    ] {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"tool","{place}":"{text}","content":"x"}}]}}"#
        );
        for size in [1, 2, 5, 64, usize::MAX] {
            let seen = request(Endpoint::OpenAiChat, &body, &[size]);
            assert!(
                seen.all().iter().all(|(_, place, _)| *place != Opaque),
                "{text} {size}"
            );
        }
    }
    // What follows the first byte that no base64 has is prose, what stands before could be nothing else.
    let image = |url: &str| {
        format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[{{"image_url":{{"url":"{url}"}}}}]}}]}}"#
        )
    };
    for size in [1, 3, 17, usize::MAX] {
        let body = image("data:image/png;base64,iVBORw0K my number");
        let seen = request(Endpoint::OpenAiChat, &body, &[size]);
        let said = seen.all();
        assert!(said.contains(&(User, Opaque, "data:image/png;base64,iVBORw0K")));
        assert!(said.contains(&(User, Prose, " my number")), "{size}");
        let body = image("data:my number is 123-45-6789;base64,AAAA");
        let seen = request(Endpoint::OpenAiChat, &body, &[size]);
        assert!(seen.all().iter().all(|(_, place, _)| *place != Opaque));
        // PHP escapes slashes.
        let body = image(r"data:image\/png;base64,iV\/BOR");
        let seen = request(Endpoint::OpenAiChat, &body, &[size]);
        assert!(
            seen.all()
                .contains(&(User, Opaque, "data:image/png;base64,iV/BOR"))
        );
    }
}

#[test]
fn answers_are_the_models() {
    let seen = response(
        Endpoint::OpenAiChat,
        BodyKind::Json,
        r#"{"id":"chatcmpl-9","choices":[{"message":{"content":"hi","tool_calls":[{"id":"call_1","function":{"arguments":"{\"a\":\"b\\u0063\"}"}}]}}]}"#,
    );
    assert_eq!(
        seen.all(),
        [
            (Assistant, Opaque, "chatcmpl-9"),
            (Assistant, Key, "content"),
            (Assistant, Prose, "hi"),
            (Assistant, Opaque, "call_1"),
            (Assistant, Arguments, r#"{"a":"b\u0063"}"#),
            (Assistant, Arguments, "bc"),
        ]
    );
    let stream = concat!(
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQB\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"Ckx=\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"and words\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\"\"}}\n\n",
    );
    let seen = response(Endpoint::AnthropicMessages, BodyKind::EventStream, stream);
    for said in [
        (Assistant, Opaque, "EqQBCkx="),
        (Assistant, Prose, "and words"),
        (Assistant, Arguments, "{\"a\""),
    ] {
        assert!(seen.all().contains(&said), "{said:?} in {seen:?}");
    }
}

proptest! {
    /// Neither owner nor place depend on where the body was cut.
    #[test]
    fn cuts_do_not_matter(sizes in prop::collection::vec(1usize..40, 1..4)) {
        let whole = request(Endpoint::AnthropicMessages, ANTHROPIC, &[usize::MAX]);
        let cut = request(Endpoint::AnthropicMessages, ANTHROPIC, &sizes);
        prop_assert_eq!(whole.all(), cut.all());
    }
}
