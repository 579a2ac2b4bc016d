//! Every mistake of section `dlp` is told with its place.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{GUIDE, environment, mistakes, policy};

#[test]
fn no_section_is_no_policy() {
    let document = portcullis_policy::config::Document::parse(b"{}").unwrap();
    assert!(portcullis_dlp::configure(&document, &environment).is_none());
    assert_eq!(document.take_mistakes(), []);
    let _ = policy(GUIDE);
    let _ = policy(r#"{"dlp":{"rules":[],"request":false,"response":true,"max_body_bytes":1}}"#);
}

#[test]
fn mistakes_name_the_path() {
    let check = |section: &str, expected: &[&str]| {
        assert_eq!(
            mistakes(&format!(r#"{{"dlp":{section}}}"#)),
            expected,
            "{section}"
        )
    };
    let rule =
        |rule: &str, expected: &[&str]| check(&format!(r#"{{"rules":[{{{rule}}}]}}"#), expected);
    check(
        r#"{"rules":{}}"#,
        &["dlp.rules: expected a list, found a mapping"],
    );
    check(
        r#"{"request":1,"rule":[]}"#,
        &[
            "dlp.rule: unknown field; known here: rules, request, response, max_body_bytes, pass_headers, mode, mask_key, unscannable",
            "dlp.request: expected true or false, found 1",
        ],
    );
    rule(r#""contains":"x","action":"flag""#, &[]);
    rule(r#""detector":"pii","action":"redact","hold":"word""#, &[]);
    rule(
        r#""detector":"ssn","action":"redact","hold":"word""#,
        &[
            "dlp.rules[0].hold: words are held back for addresses only, and this rule does not look for any",
        ],
    );
    rule(
        r#""detector":"email","action":"flag","hold":"word""#,
        &["dlp.rules[0].hold: only a rule that blocks or redacts holds anything back in an answer"],
    );
    rule(r#""contains":"x""#, &["dlp.rules[0].action: is required"]);
    rule(
        r#""contains":"x","action":"warn""#,
        &[r#"dlp.rules[0].action: expected one of block, redact, mask, flag, found "warn""#],
    );
    rule(
        r#""action":"flag""#,
        &[
            "dlp.rules[0]: a rule needs a detector (a name), a pattern (a regular expression) or contains (a text)",
        ],
    );
    rule(
        r#""action":"flag","pattern":"x","contains":"x""#,
        &["dlp.rules[0]: a rule has either pattern or contains, not both"],
    );
    rule(
        r#""action":"flag","contains":"""#,
        &[r#"dlp.rules[0].contains: expected a string that is not empty, found """#],
    );
    rule(
        r#""action":"flag","contains":"x","replacement":"y""#,
        &["dlp.rules[0].replacement: only a rule with action redact has a replacement"],
    );
    rule(
        r#""action":"flag","contains":"x","mode":"off""#,
        &[r#"dlp.rules[0].mode: expected one of enforce, shadow, found "off""#],
    );
    rule(
        r#""action":"flag","contains":"x","case_sensitive":"no""#,
        &[r#"dlp.rules[0].case_sensitive: expected true or false, found "no""#],
    );
    let name = "dlp.rules[0].name: expected at most 64 letters, digits, spaces or signs of ASCII, without quotes, backslashes, brackets and braces";
    rule(r#""action":"flag","contains":"x","name":"a]b""#, &[name]);
    rule(
        &format!(
            r#""action":"flag","contains":"x","name":"{}""#,
            "n".repeat(65)
        ),
        &[name],
    );
    check(
        r#"{"rules":[{"name":"a","contains":"x","action":"flag"},{"name":"a","contains":"y","action":"flag"}]}"#,
        &[r#"dlp.rules[1]: the name "a" stands twice; records would not tell the rules apart"#],
    );
    let many = vec![r#"{"contains":"x","action":"flag"}"#; 65].join(",");
    check(
        &format!(r#"{{"rules":[{many}]}}"#),
        &["dlp: expected at most 64 rules, found 65"],
    );
}

#[test]
fn patterns_that_cannot_be_are_refused_with_a_reason() {
    let check = |pattern: &str, expected: &str| {
        let document = format!(
            r#"{{"dlp":{{"rules":[{{"pattern":"{}","action":"block"}}]}}}}"#,
            pattern.replace('\\', r"\\")
        );
        let expected = if expected.is_empty() {
            vec![]
        } else {
            vec![format!("dlp.rules[0].pattern: {expected}")]
        };
        assert_eq!(mistakes(&document), expected, "{pattern}");
    };
    for pattern in [
        r"\b\d{16}\b",
        "a",
        "(?i)straße",
        r"[^a]{3}",
        "(?x) a b # c",
        "a{2,}b*?",
        r"(?P<n>a)(?<m>b)",
        r"\x41\u{1F600}",
        "a{1,500}",
    ] {
        check(pattern, "");
    }
    let empty =
        "matches the empty text, which is everywhere; every match must take at least one character";
    for pattern in [
        "a*", "(a|)", r"\b", "^$", r"\b|foo", "a{0}", "(?:)", "(?m)^", "x??",
    ] {
        check(pattern, empty);
    }
    for pattern in [r"[^\s\S]", r"a\bb", "a^b", r"\zx", "$a"] {
        check(pattern, "can never match");
    }
    check(
        "(",
        "not a regular expression: unclosed group (character 1)",
    );
    check(
        "a**(",
        "not a regular expression: unclosed group (character 4)",
    );
    check(
        "a(?=b)",
        "not a regular expression: look-around, including look-ahead and look-behind, is not supported (character 2)",
    );
    check(
        r"(a)\1",
        "not a regular expression: backreferences are not supported (character 4)",
    );
    check(r"\pL", r"Unicode classes (\p) are not supported");
    check(r"[\p{Greek}]", r"Unicode classes (\p) are not supported");
    check(
        "[a&&b]",
        "set operations in character classes (&&, --, ~~) are not supported",
    );
    check("[a[b]]", "nested character classes are not supported");
    check(
        "(?:a{1000}){1000}",
        "too large: with counted repetitions written out it has too many states",
    );
    check("(?:(?:){1000000000}){1000000000}a", "");
    check(
        "[ab]*a[ab]{20}",
        "too complex: its automaton has too many states; use shorter counted repetitions",
    );
    check(
        &format!("{}a{}", "(".repeat(40), ")".repeat(40)),
        "not a regular expression: exceed the maximum number of nested parentheses/brackets (32) (character 33)",
    );
    check(&"a".repeat(5000), "longer than 4096 bytes");
}

/// The `dlp` section of the example policy that operators start from, with the audit's key and no other in the environment.
#[test]
fn the_example_loads() {
    let document = r#"{"dlp":{"rules":[
        {"name":"ssn","pattern":"\\b\\d{3}-\\d{2}-\\d{4}\\b","action":"block"},
        {"name":"anthropic-key","pattern":"sk-ant-api[0-9a-zA-Z]+","action":"redact"},
        {"detector":"payment_card","action":"block"},
        {"detector":"email","action":"mask"},
        {"detector":"private_key","action":"block"},
        {"name":"jailbreak","contains":"jailbreak","action":"flag"}],
        "request":true,"response":true,"max_body_bytes":33554432},
        "audit":{"hmac_key":{"env":"MASK_KEY"}}}"#;
    assert_eq!(mistakes(document), Vec::<String>::new());
    let _ = policy(document);
}
