//! How exchanges end, and what each end costs.

use super::*;

#[test]
fn every_end_gives_the_permit_back_once() {
    let policy =
        policy(r#"{"limits": {"user": {"rpm": 100, "tpm": 100, "max_parallel_requests": 2}}}"#);
    let refusal = |reason| Refusal::new(reason, "");
    let head = |local, status| ResponseHead {
        status,
        stream: true,
        local,
    };
    let (head, local) = (head(false, 200), |status| head(true, status));
    let ended = ResponseMeaning {
        status: 200,
        usage: Some(Usage {
            input: 5,
            output: 5,
        }),
        complete: true,
        text_bytes: 0,
    };
    let (blocked, unreadable) = (
        refusal(Reason::DlpBlocked),
        refusal(Reason::UnreadableResponse),
    );
    // Events after the request, requests that are counted then, and tokens.
    let ends: [(&[Event<'_>], usize, u64); 10] = [
        (&[Event::Refused(&blocked)], 0, 0),
        // A client that leaves: the provider was at work.
        (&[], 1, 10),
        (&[Event::ResponseHead(&local(503))], 0, 0),
        (&[Event::ResponseHead(&local(504))], 1, 10),
        (&[Event::ResponseHead(&local(204))], 1, 10),
        (
            &[Event::ResponseHead(&head), Event::ResponseEnd(&ended)],
            1,
            10,
        ),
        (&[Event::ResponseEnd(&ended)], 1, 10),
        (&[Event::ResponseHead(&head)], 1, 10),
        (
            &[
                Event::ResponseHead(&head),
                Event::Refused(&blocked),
                Event::ResponseEnd(&ended),
            ],
            1,
            10,
        ),
        (&[Event::Refused(&unreadable)], 1, 10),
    ];
    for (events, requests, tokens) in ends {
        let mut store = MemoryStore::default();
        let mut running = ask(&policy, &mut store, NOON, &ASK);
        let mut call = ask(&policy, &mut store, NOON, &ASK);
        let refused = ask(&policy, &mut store, NOON, &ASK);
        assert_eq!(
            (refused.code(), refused.retry_after()),
            ("rate_limit_parallel", Duration::from_secs(1))
        );
        for event in events {
            call.tell(&mut store, NOON, event);
        }
        // Afterwards everything again: nothing may come back twice.
        for event in [
            &[Event::End { status: 0 }],
            events,
            &[Event::Refused(&blocked), Event::End { status: 0 }],
        ]
        .concat()
        {
            call.tell(&mut store, NOON, &event);
        }
        let next = ask(&policy, &mut store, NOON, &ASK);
        assert_eq!(next.code(), "ok", "{events:?}");
        assert_eq!(
            ask(&policy, &mut store, NOON, &ASK).code(),
            "rate_limit_parallel",
            "{events:?}"
        );
        let budget = next.facts.budget;
        assert_eq!(
            budget.requests.unwrap().remaining,
            98 - requests as u64,
            "{events:?}"
        );
        assert_eq!(budget.tokens.unwrap().remaining, 60 - tokens, "{events:?}");
        running.tell(&mut store, NOON, &Event::End { status: 0 });
    }
}

#[test]
fn a_cut_stream_is_charged_for_what_was_seen() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"tpm": 100}}}"#),
        MemoryStore::default(),
    );
    let mut call = ask(
        &policy,
        &mut store,
        NOON,
        &Ask {
            cap: Some(80),
            ..ASK
        },
    );
    call.tell(
        &mut store,
        NOON,
        &Event::ResponseHead(&ResponseHead {
            status: 200,
            stream: true,
            local: false,
        }),
    );
    call.tell(
        &mut store,
        NOON,
        &Event::ResponseEnd(&ResponseMeaning {
            status: 200,
            text_bytes: 80,
            ..ResponseMeaning::default()
        }),
    );
    assert_eq!(
        room(
            &policy,
            &store,
            NOON,
            &Ask {
                prompt: 1,
                cap: Some(0),
                ..ASK
            }
        ),
        70
    );
}

#[test]
fn leaving_early_is_no_way_around_the_limit() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 1000, "tpm": 1000}}}"#);
    let mut store = MemoryStore::default();
    let large = Ask {
        prompt: 300,
        cap: Some(100),
        ..ASK
    };
    let mut left = 0;
    while left < 100 {
        let mut call = ask(&policy, &mut store, NOON, &large);
        if call.code() != "ok" {
            break;
        }
        call.tell(&mut store, NOON, &Event::End { status: 0 });
        left += 1;
    }
    assert_eq!(left, 3, "300 tokens each of 1000, and the caps came back");
    let small = Ask {
        prompt: 0,
        cap: Some(1),
        ..ASK
    };
    assert_eq!(room(&policy, &store, NOON, &small), 100);
}

#[test]
fn what_a_refusal_elsewhere_stopped_costs_nothing_even_when_the_client_leaves() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 1, "tpm": 20}}}"#);
    let mut store = MemoryStore::default();
    let mut call = ask(&policy, &mut store, NOON, &ASK);
    // Another module refused, and the client was gone before its answer came by.
    call.facts.refusal = Some(Refusal::new(Reason::DlpBlocked, ""));
    call.tell(&mut store, NOON, &Event::End { status: 0 });
    assert_eq!(room(&policy, &store, NOON, &ASK), 1);
}

#[test]
fn estimates_learn_from_what_was_counted() {
    let policy = policy(r#"{"limits": {"user": {"tpm": 1000000000}}}"#);
    let mut store = MemoryStore::default();
    let prompt = Ask {
        prompt: 250,
        cap: Some(0),
        ..ASK
    };
    for second in 0..60 {
        // Three times as many tokens as English text of that length has.
        let mut call = ask(&policy, &mut store, secs(second), &prompt);
        call.facts.model = Some(prompt.model.into());
        call.answer(&mut store, secs(second), 200, Some((750, 0)));
    }
    let reserved = |policy: &RateLimit, model| {
        let mut store = store.clone();
        let ask = ask(policy, &mut store, secs(3600), &Ask { model, ..prompt });
        1_000_000_000 - ask.facts.budget.tokens.unwrap().remaining
    };
    assert!((710..=765).contains(&reserved(&policy, "m")));
    assert_eq!(reserved(&policy, "other"), 250);
    // A worker that begins later knows it from the store.
    let another = super::policy(r#"{"limits": {"user": {"tpm": 1000000000}}}"#);
    assert!((710..=765).contains(&reserved(&another, "m")));
}
