use super::*;
use crate::Side;
use proptest::prelude::*;
use std::time::Duration;

fn parse(json: &str) -> (Vec<Alert>, Vec<String>) {
    let document = Document::parse(json.as_bytes()).unwrap();
    let alerts = document.alerts().to_vec();
    let mistakes = document.take_mistakes();
    (alerts, mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn the_alerts_of_the_security_guide() {
    let (alerts, mistakes) = parse(
        r#"{"alerts": [
            {"name": "High request rate", "condition": "rpm > 1000", "action": "notify security-team@company.com"},
            {"name": "Authentication failures", "condition": "auth_failures > 10 in 5min", "action": "block IP for 1 hour"},
            {"name": "Suspicious patterns", "condition": "prompt contains 'jailbreak'", "action": "flag for review"}]}"#,
    );
    assert_eq!(mistakes, Vec::<String>::new());
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let summary: Vec<_> = alerts
        .iter()
        .map(|alert| {
            (
                alert.condition.to_string(),
                alert.subject(),
                alert.condition.window(),
                alert.actions.clone(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            (
                "rpm > 1000".to_owned(),
                SubjectKind::All,
                minutes(1),
                vec![AlertAction::Notify("security-team@company.com".to_owned())]
            ),
            (
                "auth_failures > 10 in 5min".to_owned(),
                SubjectKind::Source,
                minutes(5),
                vec![AlertAction::BlockSource(minutes(60))]
            ),
            (
                "prompt contains 'jailbreak'".to_owned(),
                SubjectKind::User,
                minutes(5),
                vec![AlertAction::Flag]
            ),
        ]
    );
}

#[test]
fn conditions_and_their_mistakes() {
    for (text, expected) in [
        ("rpm > 1000", Ok("rpm > 1000")),
        ("  RPM>1000 ", Ok("rpm > 1000")),
        (
            "tpm by team >= 5 in 10 minutes",
            Ok("tpm by team >= 5 in 10min"),
        ),
        (
            "requests > 5 in 90s by key",
            Ok("requests by key > 5 in 90s"),
        ),
        ("errors > 0 within 1 day", Ok("errors > 0 in 1d")),
        (
            "latency_ms by all > 30000 in 300s",
            Ok("latency_ms by all > 30000 in 5min"),
        ),
        (
            "response matches \"a\"\"b'c\" by user in 1h",
            Ok("response matches 'a\"b''c' by user in 1h"),
        ),
        (
            "",
            Err(
                "column 1: expected one of rpm, tpm, requests, tokens, errors, auth_failures, dlp_findings, latency_ms, prompt, response, found the end",
            ),
        ),
        (
            "rpms > 1",
            Err(
                "column 1: expected one of rpm, tpm, requests, tokens, errors, auth_failures, dlp_findings, latency_ms, prompt, response, found \"rpms\"",
            ),
        ),
        (
            "rpm 1000",
            Err("column 5: expected `>` or `>=`, found \"1000\""),
        ),
        (
            "rpm > ten",
            Err("column 7: expected a whole number, found \"ten\""),
        ),
        (
            "rpm > 10k",
            Err("column 7: expected a whole number, found \"10k\""),
        ),
        (
            "rpm > 99999999999999999999",
            Err("column 7: expected a whole number"),
        ),
        (
            "rpm > 10 in five",
            Err("column 13: expected a time such as 30s, 5min, 1 hour or 7 days, found \"five\""),
        ),
        (
            "rpm > 10 in 0s",
            Err("column 13: expected a time of at least 1s and at most 31d, found \"0s\""),
        ),
        (
            "rpm > 10 in 5 fortnights",
            Err("column 13: expected a time such as 30s, 5min, 1 hour or 7 days, found \"5\""),
        ),
        (
            "rpm > 10 in 32d",
            Err("column 13: expected a time of at least 1s and at most 31d, found \"32d\""),
        ),
        (
            "rpm > 10 by user by key",
            Err("column 18: expected the end of the condition, found \"by\""),
        ),
        (
            "rpm by nobody > 10",
            Err("column 8: expected one of user, key, team, source, all, found \"nobody\""),
        ),
        (
            "prompt has 'x'",
            Err("column 8: expected `contains` or `matches`, found \"has\""),
        ),
        (
            "prompt contains jailbreak",
            Err("column 17: expected a text in quotes, found \"jailbreak\""),
        ),
        (
            "prompt contains 'x",
            Err("column 17: the text that begins here has no closing '"),
        ),
        (
            "prompt contains ''",
            Err("column 17: expected a text of 1 to 512 bytes"),
        ),
        (
            "prompt contains 'ö' and more",
            Err("column 21: expected the end of the condition, found \"and\""),
        ),
    ] {
        let read = text.parse::<Condition>();
        let found = read
            .as_ref()
            .map(ToString::to_string)
            .map_err(ToString::to_string);
        assert_eq!(
            found,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{text}"
        );
    }
    let below = "rpm < 5".parse::<Condition>().unwrap_err();
    assert!(
        below.column == 5 && below.message.contains("envoy/observability"),
        "{below}"
    );
}

#[test]
fn actions_and_their_mistakes() {
    for (text, expected) in [
        (
            "notify security-team@company.com",
            Ok("notify security-team@company.com"),
        ),
        ("Block ip for 90 seconds", Ok("block IP for 90s")),
        (
            "flag for review and notify soc",
            Ok("flag for review and notify soc"),
        ),
        (
            "notify",
            Err("column 7: expected a receiver such as security-team@company.com, found the end"),
        ),
        (
            "notify a\"b",
            Err(
                "column 8: expected a receiver such as security-team@company.com, found \"a\\\"b\"",
            ),
        ),
        (
            "block user for 1h",
            Err("column 7: expected `IP`, found \"user\""),
        ),
        (
            "block IP",
            Err("column 9: expected `for` and how long, found the end"),
        ),
        (
            "block IP for ever",
            Err("column 14: expected a time such as 30s, 5min, 1 hour or 7 days, found \"ever\""),
        ),
        (
            "flag",
            Err("column 5: expected `for review`, found the end"),
        ),
        (
            "page me",
            Err(
                "column 1: expected `notify <receiver>`, `block IP for <time>` or `flag for review`, found \"page\"",
            ),
        ),
        (
            "notify a, notify b",
            Err("column 8: expected a receiver such as security-team@company.com, found \"a,\""),
        ),
        (
            "notify a and notify b",
            Err(
                "column 14: expected another kind of action: this one stands already, found \"notify\"",
            ),
        ),
        (
            "notify a b",
            Err("column 10: expected `and` or the end of the action, found \"b\""),
        ),
    ] {
        let found = AlertAction::parse_all(text)
            .map(|actions| spelled(&actions))
            .map_err(|misread| misread.to_string());
        assert_eq!(
            found,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{text}"
        );
    }
}

fn spelled(actions: &[AlertAction]) -> String {
    let words: Vec<String> = actions.iter().map(ToString::to_string).collect();
    words.join(" and ")
}

#[test]
fn mistakes_name_the_place_in_the_document() {
    let alert = |fields: &str| {
        format!(
            r#"{{"alerts": [{{"name": "a", "condition": "rpm > 1", "action": "flag for review"}}, {{{fields}}}]}}"#
        )
    };
    for (fields, expected) in [
        (
            r#""name": "b", "condition": "rpm > x", "action": "flag for review""#,
            "alerts[1].condition: column 7: expected a whole number, found \"x\"",
        ),
        (
            r#""name": "b", "condition": "rpm > 1", "action": "mail a@b""#,
            "alerts[1].action: column 1: expected `notify <receiver>`, `block IP for <time>` or `flag for review`, found \"mail\"",
        ),
        (
            r#""name": "b", "condition": 5, "action": "flag for review""#,
            "alerts[1].condition: expected a string that is not empty, found 5",
        ),
        (
            r#""condition": "rpm > 1", "action": "flag for review""#,
            "alerts[1].name: is required",
        ),
        (
            r#""name": "a", "condition": "rpm > 1", "action": "flag for review""#,
            "alerts[1]: another alert has this name; records would not tell them apart",
        ),
        (
            r#""name": "b", "condition": "rpm by user > 1", "action": "block IP for 1h""#,
            "alerts[1]: only a source can be blocked: let the condition say `by source`, or leave `by` out",
        ),
        (
            r#""name": "b", "when": "rpm > 1", "condition": "rpm > 1", "action": "flag for review""#,
            "alerts[1].when: unknown field; known here: name, condition, action",
        ),
    ] {
        assert_eq!(parse(&alert(fields)).1, [expected], "{fields}");
    }
    let many = (0..=ALERTS_MAX).map(|n| {
        format!(r#"{{"name": "{n}", "condition": "rpm > 1", "action": "flag for review"}}"#)
    });
    let many = format!(r#"{{"alerts": [{}]}}"#, many.collect::<Vec<_>>().join(","));
    assert_eq!(
        parse(&many).1,
        ["alerts: expected at most 32 alerts, found 33"]
    );
}

fn durations() -> impl Strategy<Value = Duration> {
    (1..=WINDOW_MAX.as_secs()).prop_map(Duration::from_secs)
}

fn subjects() -> impl Strategy<Value = Option<SubjectKind>> {
    proptest::option::of(proptest::sample::select(
        SubjectKind::ALL.map(|(_, kind)| kind).to_vec(),
    ))
}

fn conditions() -> impl Strategy<Value = Condition> {
    let measures = proptest::sample::select(Measure::ALL.map(|(_, measure)| measure).to_vec());
    let comparisons = prop_oneof![Just(Comparison::Above), Just(Comparison::AtLeast)];
    let within = || proptest::option::of(durations());
    let counted = (measures, subjects(), comparisons, 1..=u64::MAX, within()).prop_map(
        |(measure, by, comparison, number, within)| {
            Condition::Counted(Counted {
                measure,
                by,
                comparison,
                number,
                within,
            })
        },
    );
    let sides = prop_oneof![Just(Side::Request), Just(Side::Response)];
    let tests = prop_oneof![Just(Test::Contains), Just(Test::Matches)];
    let text = (sides, tests, "\\PC{1,40}", subjects(), within()).prop_map(
        |(side, test, wanted, by, within)| {
            Condition::Text(TextSearch {
                side,
                test,
                wanted,
                by,
                within,
            })
        },
    );
    prop_oneof![counted, text]
}

fn actions() -> impl Strategy<Value = Vec<AlertAction>> {
    let notify = "[a-z0-9@._-]{1,20}".prop_map(AlertAction::Notify);
    let block = durations().prop_map(AlertAction::BlockSource);
    let all = (notify, block, Just(AlertAction::Flag)).prop_map(|(a, b, c)| vec![a, b, c]);
    (all.prop_shuffle(), 1..=3usize).prop_map(|(all, count)| all.into_iter().take(count).collect())
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(condition in conditions(), actions in actions()) {
        prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition));
        prop_assert_eq!(AlertAction::parse_all(&spelled(&actions)), Ok(actions));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}", tail in "[a-z'\"><= 0-9_]{0,40}") {
        for text in [text.clone(), format!("rpm {tail}"), format!("prompt contains {tail}"), format!("block IP {text}{tail}")] {
            if let Ok(condition) = text.parse::<Condition>() {
                prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition));
            }
            if let Err(misread) = AlertAction::parse_all(&text) {
                prop_assert!(misread.column <= text.chars().count() + 1);
            }
        }
    }
}
