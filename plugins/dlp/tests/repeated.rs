//! A message whose texts come again and again, as names of fields do: each counts as if it were the first.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use portcullis_policy::{
    Edit, Effects, Event, Facts, MemoryStore, Place, Policy, RequestMeaning, Text, TextId,
    Timestamp, Verdict,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::policy;

const RULES: &str = r#"{"dlp":{"rules":[
    {"name":"all","detector":"all","action":"redact"},
    {"name":"names","pattern":"role|sk-[a-z]{4}","action":"flag"},
    {"name":"tools","contains":"tool","action":"redact","roles":["tool"]}]}}"#;

/// Clean and not, with keys that say something of their values and such that do not; ends alike.
const TEXTS: [&str; 16] = [
    "role",
    "rolls",
    "api_key",
    "password",
    "name",
    "content",
    "tool-9f8e7d6c5b4a39281706",
    "9f8e7d6c5b4a39281706",
    "hunter22Xq7!",
    "123-45-6789",
    "jane.doe@corp.com",
    "nobody@all of them",
    "4111 1111 1111 1111",
    "sk-abcd",
    "plain words",
    "päss wörter",
];

#[derive(Debug, Clone, Copy)]
struct Given {
    text: usize,
    key: Option<usize>,
    place: Place,
    role: portcullis_policy::Role,
}

fn given() -> impl Strategy<Value = Given> {
    let role = prop_oneof![
        Just(portcullis_policy::Role::User),
        Just(portcullis_policy::Role::Tool)
    ];
    let place = prop_oneof![4 => Just(Place::Prose), 1 => Just(Place::Opaque)];
    let key = proptest::option::of(0..TEXTS.len());
    (0..TEXTS.len(), key, place, role).prop_map(|(text, key, place, role)| Given {
        text,
        key,
        place,
        role,
    })
}

type Counts = BTreeMap<(String, String), u32>;

fn read(policy: &impl Policy, all: &[Given]) -> (Counts, Vec<Vec<Edit>>) {
    let mut exchange = policy.open();
    let (mut facts, mut store) = (Facts::default(), MemoryStore::default());
    let mut effects = Effects::new(&mut store);
    let mut edits = Vec::new();
    let mut tell = |text: Text<'_>, facts: &mut Facts| {
        let event = Event::RequestText(text);
        let verdict = exchange.handle(Timestamp::default(), &event, facts, &mut effects);
        assert_eq!(verdict, Verdict::Continue);
        effects.take_edits()
    };
    for given in all {
        let mut text = Text::prose(TextId(1), TEXTS.get(given.text).unwrap(), true);
        (text.place, text.role) = (given.place, given.role);
        let mut wished = Vec::new();
        if let Some(key) = given.key {
            text.key = TEXTS.get(key).unwrap();
            let mut key = Text::prose(TextId(0), text.key, true);
            (key.place, key.role) = (Place::Key, given.role);
            wished = tell(key, &mut facts);
        }
        wished.extend(tell(text, &mut facts));
        edits.push(wished);
    }
    let event = Event::RequestEnd(&RequestMeaning::default());
    exchange.handle(Timestamp::default(), &event, &mut facts, &mut effects);
    let counts = facts.findings.iter().map(|finding| {
        let action = format!("{:?}", finding.action);
        ((finding.rule.to_string(), action), finding.count)
    });
    (counts.collect(), edits)
}

#[test]
fn what_came_before_means_nothing() {
    let policy = policy(RULES);
    proptest!(|(all in proptest::collection::vec(given(), 0..200))| {
        let (counts, edits) = read(&policy, &all);
        let (mut alone, mut alone_edits) = (Counts::new(), Vec::new());
        for given in all {
            let (counts, edits) = read(&policy, &[given]);
            alone_edits.extend(edits);
            for (rule, count) in counts {
                *alone.entry(rule).or_default() += count;
            }
        }
        prop_assert_eq!(counts, alone);
        prop_assert_eq!(edits, alone_edits);
    });
}
