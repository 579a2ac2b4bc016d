//! Whose limits apply, and which.

use super::*;

#[test]
fn a_request_takes_from_all_buckets_or_from_none() {
    let policy = policy(
        r#"{"limits": {"user": {"rpm": 3}, "team": {"rpm": 4}, "model": {"opus-*": {"rpm": 1}, "*": {}}, "global": {"rpm": 6}},
            "teams": [{"team_id": "eng", "limits": {"rpm": 5}}, {"team_id": "ops", "limits": {"tpm": 1000000}}]}"#,
    );
    let mut store = MemoryStore::default();
    let (ann, bob) = (
        Ask {
            team: Some("eng"),
            ..ASK
        },
        Ask {
            user: "bob",
            team: Some("eng"),
            ..ASK
        },
    );
    let ops = Ask {
        user: "cat",
        team: Some("ops"),
        ..ASK
    };
    let opus = Ask {
        model: "opus-3",
        ..bob.clone()
    };
    assert_eq!(
        [&ann, &bob, &opus, &ops].map(|who| room(&policy, &store, NOON, who)),
        [3, 3, 1, 3]
    );
    for _ in 0..3 {
        assert_eq!(ask(&policy, &mut store, NOON, &ann).code(), "ok");
    }
    // Ann has none left; that costs her team nothing. Of the team's five, two are left.
    assert_eq!(
        ask(&policy, &mut store, NOON, &ann).code(),
        "rate_limit_requests"
    );
    assert_eq!(room(&policy, &store, NOON, &bob), 2);
    assert_eq!(ask(&policy, &mut store, NOON, &opus).code(), "ok");
    let refused = ask(&policy, &mut store, NOON, &opus);
    assert_eq!(
        refused.retry_after(),
        Duration::from_secs(60),
        "the longest of all waits"
    );
    assert_eq!(room(&policy, &store, NOON, &bob), 1);
    assert_eq!(
        room(&policy, &store, NOON, &ops),
        2,
        "the rest of the global limit"
    );
    // What a later policy refuses goes back to all.
    let mut call = ask(&policy, &mut store, NOON, &bob);
    call.tell(
        &mut store,
        NOON,
        &Event::Refused(&Refusal::new(Reason::DlpBlocked, "")),
    );
    assert_eq!(
        [&bob, &ops].map(|who| room(&policy, &store, NOON, who)),
        [1, 2]
    );
}

#[test]
fn who_must_wait_for_several_buckets_waits_for_the_slowest() {
    for limits in [
        r#"{"limits": {"user": {"rpm": 1}, "global": {"rpm": 60, "burst": 1}}}"#,
        r#"{"limits": {"user": {"rpm": 60, "burst": 1}, "global": {"rpm": 1}}}"#,
    ] {
        let (policy, mut store) = (policy(limits), MemoryStore::default());
        assert_eq!(ask(&policy, &mut store, NOON, &ASK).code(), "ok");
        let refused = ask(&policy, &mut store, NOON, &ASK);
        assert_eq!(refused.retry_after(), Duration::from_secs(60));
    }
}

#[test]
fn a_team_says_what_it_wants_to_say_and_takes_the_rest_from_the_default() {
    let with = |text: &str| {
        room(
            &policy(text),
            &MemoryStore::default(),
            NOON,
            &Ask {
                team: Some("eng"),
                ..ASK
            },
        )
    };
    assert_eq!(
        with(r#"{"teams": [{"team_id": "eng", "limits": {"rpm": 7}}]}"#),
        7
    );
    assert_eq!(with(r#"{"limits": {"team": {"rpm": 4}}}"#), 4);
    assert_eq!(
        with(
            r#"{"limits": {"team": {"rpm": 4}}, "teams": [{"team_id": "eng", "limits": {"max_parallel_requests": 3}}]}"#
        ),
        3
    );
}

#[test]
fn without_an_identity_the_source_counts() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"rpm": 1}}}"#),
        MemoryStore::default(),
    );
    let mut from = |source: Option<&str>| {
        let source = source.map(|source| source.parse().unwrap());
        let facts = Facts {
            endpoint: Some(Endpoint::AnthropicMessages),
            source,
            ..Facts::default()
        };
        ask_as(&policy, &mut store, NOON, &ASK, facts).code()
    };
    assert_eq!(
        [
            from(Some("10.0.0.1")),
            from(Some("10.0.0.1")),
            from(Some("10.0.0.2"))
        ],
        ["ok", "rate_limit_requests", "ok"]
    );
    assert_eq!(from(None), "policy_unavailable");
}

#[test]
fn each_key_has_buckets_of_its_own_beside_those_of_its_user() {
    let policy = policy(
        r#"{"auth": {"keys": [{"id": "ci", "limits": {"rpm": 5}}, {"id": "cron", "limits": {"rpd": 2}}, {"id": "plain"}]},
            "limits": {"user": {"rpm": 6}, "key": {"rpm": 3}}}"#,
    );
    let mut store = MemoryStore::default();
    let key = |key| Ask { key, ..ASK };
    assert_eq!(
        ["plain", "another", "ci", "cron"].map(|id| room(&policy, &store, NOON, &key(id))),
        [3, 3, 5, 2],
        "cron has the default rpm, too"
    );
    for _ in 0..3 {
        assert_eq!(ask(&policy, &mut store, NOON, &key("plain")).code(), "ok");
    }
    assert_eq!(
        ["plain", "another", "ci"].map(|id| room(&policy, &store, NOON, &key(id))),
        [0, 3, 3],
        "of the user's six, three are left"
    );
    // A refusal for the key's limit costs the user nothing.
    assert_eq!(
        ask(&policy, &mut store, NOON, &key("plain")).code(),
        "rate_limit_requests"
    );
    assert_eq!(room(&policy, &store, NOON, &key("ci")), 3);
}

#[test]
fn limits_of_a_key_alone_are_a_policy() {
    let policy =
        policy(r#"{"auth": {"keys": [{"id": "ci", "limits": {"max_parallel_requests": 2}}]}}"#);
    let store = MemoryStore::default();
    assert_eq!(room(&policy, &store, NOON, &Ask { key: "ci", ..ASK }), 2);
}

#[test]
fn a_day_is_any_24_hours() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 10, "rpd": 24, "tpd": 2400}}}"#);
    let mut store = MemoryStore::default();
    let hours = |hours: u64| secs(3600 * hours);
    assert_eq!(room(&policy, &store, NOON, &ASK), 10);
    for minute in 0..3 {
        let now = secs(60 * minute);
        for _ in 0..room(&policy, &store, now, &ASK) {
            assert_eq!(ask(&policy, &mut store, now, &ASK).code(), "ok");
        }
    }
    let refused = ask(&policy, &mut store, secs(120), &ASK);
    assert_eq!(
        (refused.code(), refused.facts.budget.requests.unwrap().limit),
        ("rate_limit_requests", 24)
    );
    let Verdict::Refuse(refusal) = &refused.verdict else {
        unreachable!()
    };
    assert_eq!(refusal.message, "The limit of requests per day is reached.");
    let passes_at = secs(120).after(refused.retry_after());
    assert_eq!(passes_at, hours(1));
    assert_eq!(
        [2, 12, 24, 48].map(|after| room(&policy, &store, hours(after), &ASK)),
        [2, 10, 10, 10]
    );
    // Tokens of a day: what is owed is paid by the hour.
    let big = Ask {
        user: "bob",
        prompt: 1200,
        cap: Some(1200),
        ..ASK
    };
    assert_eq!(ask(&policy, &mut store, NOON, &big).code(), "ok");
    let refused = ask(&policy, &mut store, NOON, &big);
    assert_eq!(
        (refused.code(), refused.retry_after()),
        ("rate_limit_tokens", Duration::from_secs(24 * 3600))
    );
    let never = Ask {
        prompt: 1201,
        ..big
    };
    assert_eq!(
        ask(&policy, &mut store, NOON, &never).code(),
        "request_exceeds_limit"
    );
}

#[test]
fn a_burst_is_what_may_come_at_once() {
    let policy = policy(
        r#"{"limits": {"user": {"rpm": 60, "burst": 5, "tpm": 600, "burst_tokens": 6000}}}"#,
    );
    let mut store = MemoryStore::default();
    assert_eq!(room(&policy, &store, NOON, &ASK), 5);
    for _ in 0..5 {
        ask(&policy, &mut store, NOON, &ASK);
    }
    assert_eq!(
        ask(&policy, &mut store, NOON, &ASK).retry_after(),
        Duration::from_secs(1)
    );
    assert_eq!(room(&policy, &store, secs(3), &ASK), 3);
    assert_eq!(room(&policy, &store, secs(60), &ASK), 5);
    // One large prompt passes, and is then paid for minute by minute.
    let large = Ask {
        user: "bob",
        prompt: 6000,
        cap: Some(0),
        ..ASK
    };
    assert_eq!(ask(&policy, &mut store, NOON, &large).code(), "ok");
    assert_eq!(
        ask(&policy, &mut store, NOON, &large).retry_after(),
        Duration::from_secs(600)
    );
}

#[test]
fn several_answers_without_a_cap_reserve_for_each() {
    let policy = policy(r#"{"limits": {"user": {"tpm": 1000}, "default_completion_tokens": 300}}"#);
    let mut store = MemoryStore::default();
    let mut asks = |choices| {
        let meaning = RequestMeaning {
            choices,
            ..RequestMeaning::default()
        };
        let mut facts = Facts {
            endpoint: Some(Endpoint::OpenAiChat),
            source: Some("10.0.0.1".parse().unwrap()),
            ..Facts::default()
        };
        let verdict = policy.open().handle(
            NOON,
            &Event::RequestEnd(&meaning),
            &mut facts,
            &mut Effects::new(&mut store),
        );
        match verdict {
            Verdict::Continue => "ok",
            Verdict::Refuse(refusal) => refusal.reason.code(),
        }
    };
    assert_eq!(
        [asks(4), asks(3), asks(0)],
        ["request_exceeds_limit", "ok", "rate_limit_tokens"]
    );
}
