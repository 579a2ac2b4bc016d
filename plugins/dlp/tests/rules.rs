//! What rules do to texts, as an attacker would try them.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use portcullis_policy::{
    Action, Event, Facts, Finding, MemoryStore, Metric, Policy, Side, Text, TextId, Timestamp,
    Verdict,
};
use portcullis_policy::{Effects, RequestMeaning};
use support::{GUIDE, policy, send, send_all_ways};

fn finding(rule: &str, action: Action, count: u32) -> Finding {
    Finding {
        rule: rule.to_owned(),
        action,
        count,
        side: Side::Request,
    }
}

#[test]
fn the_guides_rules_however_the_text_is_cut() {
    let guide = policy(GUIDE);
    let passes = |text: &str| {
        let outcome = send_all_ways(&guide, text);
        assert_eq!(
            (outcome.left.as_deref(), outcome.findings.as_slice()),
            (Some(text), [].as_slice()),
            "{text}"
        );
    };
    let blocks = |rule: &str, text: &str| {
        let outcome = send_all_ways(&guide, text);
        let message = format!("The request was blocked by the data loss prevention rule '{rule}'.");
        assert_eq!(outcome.refused, Some(("dlp_blocked", message)), "{text}");
        assert!(
            outcome.findings.contains(&finding(rule, Action::Block, 1)),
            "{text}"
        );
    };
    let redacts = |text: &str, expected: &str, count: u32| {
        let outcome = send_all_ways(&guide, text);
        assert_eq!(outcome.left.as_deref(), Some(expected), "{text}");
        assert_eq!(
            outcome.findings,
            [finding("anthropic-key", Action::Redact, count)],
            "{text}"
        );
        let metric = Metric::DlpFindings {
            rule: "anthropic-key".to_owned(),
            action: Action::Redact,
        };
        assert_eq!(outcome.metrics, [(metric, u64::from(count))], "{text}");
    };
    for text in [
        "",
        "a",
        "hello",
        "12-345",
        "123-45-678",
        "0123-45-6789",
        "123-45-67890",
        "x123-45-6789",
        "123-45-6789x",
        "_123-45-6789",
    ] {
        passes(text);
    }
    for text in [
        "11111111111111112",
        "411111111111111",
        "4111 1111 1111 1111",
        "sk-ant-api",
        "sk-ant-api-",
        "SK-ANT-API03",
        "sk-ant sk-ant-ap",
    ] {
        passes(text);
    }
    // Beginning and end of the text are word boundaries, and so is every character beyond ASCII.
    for text in [
        "123-45-6789",
        "my ssn: 123-45-6789.",
        "é123-45-6789é",
        "日123-45-6789\u{1F600}",
        "\u{200b}123-45-6789\u{200b}",
        "123-45-67890 123-45-6789",
    ] {
        blocks("ssn", text);
    }
    blocks("ssn", "123-45-678-123-45-6789");
    blocks("ssn", "sk-ant-api03x and then 123-45-6789");
    blocks("card", "4111111111111111");
    blocks("card", "(4111111111111111)");
    let key = "[REDACTED:anthropic-key]";
    redacts("sk-ant-api03", key, 1);
    redacts("key=sk-ant-api03AbC_x", &format!("key={key}_x"), 1);
    redacts(
        "sk-ant-api03 sk-ant-api04,sk-ant-api05",
        &format!("{key} {key},{key}"),
        3,
    );
    // One match: the class takes letters of the next one's beginning.
    redacts("sk-ant-api03sk-ant-api04", &format!("{key}-ant-api04"), 1);
    redacts(
        "sk-sk-ant-sk-ant-apisk-ant-api1é",
        &format!("sk-sk-ant-{key}-ant-api1é"),
        1,
    );
}

#[test]
fn a_block_wins_over_redactions_before_it() {
    let guide = policy(GUIDE);
    let outcome = send(
        &guide,
        Side::Response,
        &[
            "sk-ant-api03 sk-ant-api04 ",
            "is fine, ",
            "123-45-67",
            "89 is not, sk-ant-api05",
        ],
    );
    assert_eq!(outcome.refused.unwrap().0, "response_blocked");
    let found: Vec<_> = outcome
        .findings
        .iter()
        .map(|f| (f.rule.as_str(), f.count, f.side))
        .collect();
    assert_eq!(
        found,
        [
            ("ssn", 1, Side::Response),
            ("anthropic-key", 2, Side::Response)
        ]
    );
}

#[test]
fn contains_ignores_case_unless_told_otherwise() {
    let words = policy(
        r#"{"dlp":{"rules":[{"name":"jailbreak","contains":"jailbreak","action":"flag"},
            {"name":"project","contains":"Müller (x)","case_sensitive":true,"action":"redact","replacement":"***"}]}}"#,
    );
    let outcome = send_all_ways(
        &words,
        "a JailBreak, jailbreakjailbreak; Müller (x)Müller (x), müller (x)",
    );
    assert_eq!(
        outcome.left.unwrap(),
        "a JailBreak, jailbreakjailbreak; ******, müller (x)"
    );
    assert_eq!(
        outcome.findings,
        [
            finding("jailbreak", Action::Flag, 3),
            finding("project", Action::Redact, 2)
        ]
    );
}

#[test]
fn redactions_that_overlap_become_one() {
    let rules = policy(
        r#"{"dlp":{"rules":[{"name":"late","pattern":"cd+e","action":"redact"},{"name":"early","pattern":"ab+c","action":"redact"},
            {"name":"inner","pattern":"b","action":"redact"}]}}"#,
    );
    let outcome = send_all_ways(&rules, "-abbcdde-b-cde-abc-");
    assert_eq!(
        outcome.left.unwrap(),
        "-[REDACTED:early]-[REDACTED:inner]-[REDACTED:late]-[REDACTED:early]-"
    );
    let counts: Vec<_> = outcome
        .findings
        .iter()
        .map(|f| (f.rule.as_str(), f.count))
        .collect();
    assert_eq!(counts, [("late", 2), ("early", 2), ("inner", 4)]);
}

#[test]
fn an_endless_token_is_taken_out_to_its_end_and_little_of_it_is_held() {
    let guide = policy(GUIDE);
    for length in [1, 4000, 4085, 4086, 4087, 4096, 5000, 8192, 20_000] {
        let token = format!("sk-ant-api{}", "x".repeat(length));
        let text = format!("before {token} after");
        for size in [1, 7, 1000, 4096, 100_000] {
            let pieces: Vec<&str> = text
                .as_bytes()
                .chunks(size)
                .map(|piece| std::str::from_utf8(piece).unwrap())
                .collect();
            let outcome = send(&guide, Side::Response, &pieces);
            assert_eq!(
                outcome.left.as_deref(),
                Some("before [REDACTED:anthropic-key] after"),
                "{length} {size}"
            );
            assert_eq!(outcome.findings[0].count, 1);
            assert!(outcome.held_max <= 2 * 4096 + size, "{}", outcome.held_max);
        }
    }
}

#[test]
fn nothing_is_held_without_a_candidate() {
    let guide = policy(GUIDE);
    let outcome = send(
        &guide,
        Side::Response,
        &[
            "Nothing to",
            " hide here: 12",
            "3, 4",
            "56-7, and",
            " the like",
        ],
    );
    assert_eq!(outcome.held_max, 2, "12, which could begin a number");
}

#[test]
fn shadow_decides_and_refuses_nothing() {
    let shadow = policy(
        r#"{"dlp":{"mode":"shadow","rules":[{"name":"ssn","pattern":"\\b\\d{3}-\\d{2}-\\d{4}\\b","action":"block"},
            {"name":"key","contains":"secret","action":"redact","mode":"enforce"}]}}"#,
    );
    let outcome = send_all_ways(&shadow, "123-45-6789 secret 123-45-6789");
    assert_eq!(
        outcome.left.unwrap(),
        "123-45-6789 [REDACTED:key] 123-45-6789"
    );
    assert_eq!(
        outcome.findings,
        [
            finding("ssn", Action::Flag, 2),
            finding("key", Action::Redact, 1)
        ]
    );
}

#[test]
fn each_side_can_be_left_out() {
    let document = |request: bool, response: bool| {
        format!(
            r#"{{"dlp":{{"request":{request},"response":{response},"rules":[{{"contains":"x","action":"redact"}}]}}}}"#
        )
    };
    for (request, response) in [(true, true), (true, false), (false, true), (false, false)] {
        let rules = policy(&document(request, response));
        let interest = rules.interest();
        assert_eq!(
            (
                interest.request_text,
                interest.request_body,
                interest.request_edits
            ),
            (request, request, request)
        );
        assert_eq!(
            (interest.response_text, interest.response_usage),
            (response, false)
        );
        assert_eq!(
            send(&rules, Side::Request, &["x"]).findings.len(),
            usize::from(request)
        );
        assert_eq!(
            send(&rules, Side::Response, &["x"]).findings.len(),
            usize::from(response)
        );
    }
}

#[test]
fn texts_do_not_mix_and_are_bounded_in_number() {
    let guide = policy(GUIDE);
    let mut exchange = guide.open();
    let (mut facts, mut store) = (Facts::default(), MemoryStore::default());
    let mut give = |id: u64, piece: &str, last: bool| {
        let mut out = Effects::new(&mut store);
        let text = Text::prose(TextId(id), piece, last);
        let verdict = exchange.handle(
            Timestamp::default(),
            &Event::ResponseText(text),
            &mut facts,
            &mut out,
        );
        (verdict, out.take_edits(), out.take_undecided())
    };
    // Two texts whose pieces would be a number together, and one that is a key.
    assert_eq!(
        give(1, "123-45-", false),
        (Verdict::Continue, vec![], Some(0))
    );
    assert_eq!(
        give(2, "6789 sk-ant-", false),
        (Verdict::Continue, vec![], Some(5))
    );
    assert_eq!(give(1, "x", false), (Verdict::Continue, vec![], None));
    let (verdict, edits, undecided) = give(2, "api03", true);
    assert_eq!(
        (verdict, edits[0].range.clone(), edits[0].text, undecided),
        (Verdict::Continue, 5..17, TextId(2), None)
    );
    for id in 3..=257 {
        assert_eq!(give(id, "text", false).0, Verdict::Continue, "{id}");
    }
    let (verdict, _, _) = give(300, "one too many", false);
    assert!(
        matches!(verdict, Verdict::Refuse(refusal) if refusal.reason.code() == "response_blocked")
    );
}

#[test]
fn what_was_found_is_recorded_when_another_refuses() {
    let flags = policy(r#"{"dlp":{"rules":[{"name":"word","contains":"word","action":"flag"}]}}"#);
    for end in [
        Event::RequestEnd(&RequestMeaning::default()),
        Event::End { status: 0 },
    ] {
        let mut exchange = flags.open();
        let (mut facts, mut store) = (Facts::default(), MemoryStore::default());
        let mut out = Effects::new(&mut store);
        let text = Text::prose(TextId(1), "a word, a wor", false);
        exchange.handle(
            Timestamp::default(),
            &Event::RequestText(text),
            &mut facts,
            &mut out,
        );
        exchange.handle(Timestamp::default(), &end, &mut facts, &mut out);
        assert_eq!(facts.findings, [finding("word", Action::Flag, 1)]);
    }
}

#[test]
fn a_text_that_is_all_matches_is_refused_rather_than_stored() {
    let rules = policy(r#"{"dlp":{"rules":[{"name":"digit","pattern":"\\d","action":"redact"}]}}"#);
    assert_eq!(
        send(&rules, Side::Request, &[&"1".repeat(10_000)]).findings[0].count,
        10_000
    );
    let outcome = send(&rules, Side::Request, &[&"1".repeat(100_000)]);
    assert_eq!(
        outcome.refused.unwrap().1,
        "The request was blocked: it holds too many matches of the data loss prevention rule 'digit' to redact them."
    );
}
