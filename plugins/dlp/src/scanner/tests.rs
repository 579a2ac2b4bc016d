//! Many texts at once, and each by itself.

use super::*;
use crate::detectors::all;
use crate::rules::{Finder, Rule};
use crate::sift;
use portcullis_pattern::Pattern;
use portcullis_policy::{Action, Placed};
use proptest::prelude::*;
use std::sync::LazyLock;

const PATTERNS: [&str; 5] = [
    r"\b\d{3}-\d{2}-\d{4}\b",
    "^sk-ant-api[0-9a-z]+",
    r"(?i)project\s+nightfall$",
    r"[A-Z]{2}\d{2}-CONF-\d+",
    r"(?i)password\s*[:=]\s*\S{8,64}",
];

fn patterns() -> Vec<Rule> {
    let rule = |pattern: &str| {
        let finder = Pattern::regex(pattern, false).unwrap();
        Rule::new(pattern.to_owned(), Action::Flag, finder)
    };
    PATTERNS.into_iter().map(rule).collect()
}

/// Rules of patterns alone.
static OF_PATTERNS: LazyLock<Rules> = LazyLock::new(|| Rules::new(patterns()).unwrap());

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let detectors = Finder::Detectors(all().collect());
    let detectors = Rule::new("all".to_owned(), Action::Flag, detectors);
    Rules::new(patterns().into_iter().chain([detectors]).collect()).unwrap()
});

/// Which texts are told, of a body that is made of them.
fn sifted(scanner: &mut Scanner, rules: &Rules, texts: &[(String, String)]) -> u64 {
    let mut body = String::new();
    let placed = texts.iter().enumerate().map(|(index, (key, text))| {
        let mut put = |text: &str| {
            body.push_str(text);
            body.len() - text.len()..body.len()
        };
        put("\"");
        let key = put(key);
        // As most write it, and closer together.
        put(["\": \"", "\":\""][index / 3 % 2]);
        let text = put(text);
        put("\", ");
        let (role, place) = (Role::User, Place::Prose);
        Placed {
            text,
            key,
            role,
            place,
        }
    });
    let placed: Vec<_> = placed.collect();
    // A body goes on behind its texts.
    body.push_str("\"model\": \"gpt-4o-mini\"}");
    let (body, texts) = (body.as_str(), placed.as_slice());
    let batch = Batch { body, texts };
    match rules.driver() {
        Some(driver) => scanner.sift(rules, driver, batch, |_| RuleSet::ALL),
        None => sift::unclear(rules, batch, |_| RuleSet::ALL),
    }
}

/// Whether anything is found in one of them.
fn finds(rules: &Rules, key: &str, text: &str) -> bool {
    let mut scanner = Scanner::default();
    let text = Text {
        key,
        ..Text::prose(TextId(0), text, true)
    };
    let result = scanner.text(rules, RuleSet::ALL, &text, false);
    result.is_err() || scanner.report().take_counts().next().is_some()
}

/// What is found in some text or other, or nearly, or across the border of two.
const SHAPES: [&str; 52] = [
    "AKIAIOSFODNN7EXAMPLF",
    "AKIA",
    "4012-8888-8888-1881",
    "4012888888881881",
    "4012-8888-",
    "8888-1881",
    "536-90-4399",
    "536-90-",
    "4399",
    "ssn 536904399",
    "ssn",
    "jane.doe@initech.com",
    "jane.doe@",
    "initech.com",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlc2ln",
    "sk-ant-api03x",
    "Project  nightfall",
    "AB12-CONF-7",
    "-CONF-",
    "password: correcth0rse",
    "password",
    ": correcth0rse9",
    "hunter2hunter2",
    "A K I A I O S F O D N N 7 E X A M P L F",
    "A.K.I.A.I.O.S.F.",
    "5\n3\n6\n-\n9\n0\n-\n4\n3\n9\n9",
    "x",
    "a b",
    "1",
    "1 2 3",
    "41 4b 49 41 49 4f 53 46 4f 44 4e 4e 37 45 58 41 4d 50 4c 46",
    "41 4b 49 41",
    "NTM2LTkwLTQzOTkgNTM2LTkwLTQzOTk=",
    "NTM2LTkwLTQzOTk",
    "3533362d39302d34333939",
    "536%2D90%2D4399",
    "%2D",
    "536-**90**-4399",
    "4012-8888-\n8888-1881",
    "AKIAIOSF\nODNN7EXAMPLF",
    "2026-08-13T14:21:39.725092Z",
    "7c85c0639f778e481d9489ee3e59e443",
    "a57dc29f-3d4b-40d7-3001-c00aa4a5c775",
    "163.174.216.57",
    "/v1/items/317811?token_type=x&key=44067729",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "+49 30 901820",
    "tel",
    "DE89370400440532013000",
    "é",
    "１２",
];

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => prop::sample::select(&SHAPES[..]).prop_map(str::to_owned),
        1 => "[a-z ]{0,70}",
        1 => "[0-9a-zA-Z]{0,40}",
        1 => "[ .,:\"\\-\0]{0,3}",
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn key() -> impl Strategy<Value = String> {
    const KEYS: [&str; 9] = [
        "",
        "id",
        "password",
        "api_key",
        "ssn",
        "aws_secret_access_key",
        "text",
        "tel",
        "k",
    ];
    prop_oneof![6 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => "[a-z0-9_-]{1,80}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// However many texts are looked at together, whatever is in one of them is found as if it were alone.
    #[test]
    fn nothing_is_in_what_is_sifted_out(texts in prop::collection::vec((key(), text()), 1..16)) {
        for rules in [&*RULES, &*OF_PATTERNS] {
            let mut scanner = Scanner::default();
            for texts in [&texts[..], &texts[..1], &texts[..]] {
                let told = sifted(&mut scanner, rules, texts);
                for ((key, text), bit) in texts.iter().zip(0..) {
                    prop_assert!(told >> bit & 1 == 1 || !finds(rules, key, text), "{key:?} {text:?} of {texts:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_nothing_is_not_told() {
    let line = [
        ("ts", "2026-08-13T14:21:39.725092Z"),
        ("trace", "7c85c0639f778e481d9489ee3e59e443"),
        ("span", "a57dc29f-3d4b-40d7-3001-c00aa4a5c775"),
        ("path", "/v1/items/317811?token_type=x&key=44067729"),
        ("ssn", "536-90-4399"),
        ("note", "a word, and another"),
    ];
    let line = line.map(|(key, text)| (key.to_owned(), text.to_owned()));
    let texts: Vec<_> = line.iter().cycle().take(60).cloned().collect();
    let ssn = (4..60)
        .step_by(line.len())
        .fold(0, |bits, at| bits | 1_u64 << at);
    for rules in [&*RULES, &*OF_PATTERNS] {
        assert_eq!(sifted(&mut Scanner::default(), rules, &texts), ssn);
    }
}
