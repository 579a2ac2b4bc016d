use crate::claim::{Claim, SUBJECT_BYTES, Subject};
use crate::ledger::{Demand, Denial, reserve};
use crate::slot::{self, Slot};
use crate::{RateLimit, SLOT_BYTES_MAX, SLOTS, configure};
use portcullis_policy::config::{Document, Limits};
use portcullis_policy::{
    Effects, Endpoint, Event, Exchange, Facts, Identity, MemoryStore, Policy, Reason, Refusal,
    RequestMeaning, ResponseHead, ResponseMeaning, Store, StoreError, Timestamp, Usage, Verdict,
};
use proptest::prelude::*;
use std::num::NonZeroU64;
use std::time::Duration;

const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) fn policy(limits: &str) -> RateLimit {
    let document = Document::parse(limits.as_bytes()).unwrap();
    let policy = configure(&document).unwrap();
    assert_eq!(document.take_mistakes(), []);
    policy
}

/// Who asks for what.
#[derive(Clone)]
struct Ask {
    user: &'static str,
    team: Option<&'static str>,
    model: &'static str,
    /// Tokens of the prompt; the text has four times as many bytes.
    prompt: u64,
    cap: Option<u64>,
}

const ASK: Ask = Ask {
    user: "ann",
    team: None,
    model: "m",
    prompt: 10,
    cap: Some(10),
};

/// One exchange after its request was read.
struct Call {
    exchange: Box<dyn Exchange>,
    facts: Facts,
    verdict: Verdict,
}

fn ask(policy: &RateLimit, store: &mut dyn Store, now: Timestamp, ask: &Ask) -> Call {
    let mut facts = Facts {
        endpoint: Some(Endpoint::OpenAiChat),
        ..Facts::default()
    };
    let team = ask.team.map(str::to_owned);
    facts.identity = Some(Identity {
        user: ask.user.into(),
        team,
        key_id: "k".into(),
    });
    ask_as(policy, store, now, ask, facts)
}

fn ask_as(
    policy: &RateLimit,
    store: &mut dyn Store,
    now: Timestamp,
    ask: &Ask,
    mut facts: Facts,
) -> Call {
    let mut exchange = policy.open();
    let meaning = RequestMeaning {
        model: Some(ask.model.into()),
        text_bytes: ask.prompt * 4,
        completion_tokens_max: ask.cap,
        ..RequestMeaning::default()
    };
    let verdict = exchange.handle(
        now,
        &Event::RequestEnd(&meaning),
        &mut facts,
        &mut Effects::new(store),
    );
    Call {
        exchange,
        facts,
        verdict,
    }
}

impl Call {
    fn code(&self) -> &'static str {
        match &self.verdict {
            Verdict::Continue => "ok",
            Verdict::Refuse(refusal) => refusal.reason.code(),
        }
    }

    fn retry_after(&self) -> Duration {
        match &self.verdict {
            Verdict::Continue => Duration::ZERO,
            Verdict::Refuse(refusal) => refusal.retry_after.unwrap(),
        }
    }

    fn tell(&mut self, store: &mut dyn Store, now: Timestamp, event: &Event<'_>) {
        assert_eq!(
            self.exchange
                .handle(now, event, &mut self.facts, &mut Effects::new(store)),
            Verdict::Continue
        );
    }

    fn answer(
        &mut self,
        store: &mut dyn Store,
        now: Timestamp,
        status: u16,
        usage: Option<(u64, u64)>,
    ) {
        self.tell(
            store,
            now,
            &Event::ResponseHead(&ResponseHead {
                status,
                stream: false,
                local: false,
            }),
        );
        let usage = usage.map(|(input, output)| Usage { input, output });
        self.tell(
            store,
            now,
            &Event::ResponseEnd(&ResponseMeaning {
                status,
                usage,
                text_bytes: 0,
                complete: true,
            }),
        );
        self.tell(store, now, &Event::End { status });
    }
}

fn secs(secs: u64) -> Timestamp {
    NOON.after(Duration::from_secs(secs))
}

/// How many requests of this kind pass right now; they are taken back.
fn room(policy: &RateLimit, store: &MemoryStore, now: Timestamp, what: &Ask) -> usize {
    let mut store = store.clone();
    (0..10_000)
        .take_while(|_| ask(policy, &mut store, now, what).code() == "ok")
        .count()
}

#[test]
fn requests_per_minute() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"rpm": 3}}}"#),
        MemoryStore::default(),
    );
    assert_eq!(room(&policy, &store, NOON, &ASK), 3);
    for remaining in [2, 1, 0] {
        let call = ask(&policy, &mut store, NOON, &ASK);
        let window = call.facts.budget.requests.unwrap();
        assert_eq!(
            (call.code(), window.limit, window.remaining),
            ("ok", 3, remaining)
        );
        assert_eq!(window.full_at, secs(20 * (3 - remaining)));
        assert_eq!(call.facts.budget.tokens, None);
    }
    let refused = ask(&policy, &mut store, secs(5), &ASK);
    assert_eq!(
        (refused.code(), refused.retry_after()),
        ("rate_limit_requests", Duration::from_secs(15))
    );
    assert_eq!(refused.facts.budget.requests.unwrap().remaining, 0);
    assert_eq!(
        ask(
            &policy,
            &mut store,
            Timestamp::from_nanos(secs(20).as_nanos() - 1),
            &ASK
        )
        .code(),
        "rate_limit_requests"
    );
    assert_eq!(ask(&policy, &mut store, secs(20), &ASK).code(), "ok");
    assert_eq!(
        room(&policy, &store, secs(20), &Ask { user: "bob", ..ASK }),
        3
    );
    assert_eq!(room(&policy, &store, secs(3600), &ASK), 3);
}

#[test]
fn tokens_are_reserved_and_settled() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"tpm": 600}, "default_completion_tokens": 90}}"#),
        MemoryStore::default(),
    );
    let no_cap = Ask { cap: None, ..ASK };
    let mut call = ask(&policy, &mut store, NOON, &no_cap);
    assert_eq!(call.facts.budget.tokens.unwrap().remaining, 500);
    call.answer(&mut store, NOON, 200, Some((20, 30)));
    let small = Ask {
        prompt: 1,
        cap: Some(0),
        ..ASK
    };
    assert_eq!(room(&policy, &store, NOON, &small), 550);

    // A provider that counts more than was reserved: the bucket owes it.
    ask(&policy, &mut store, NOON, &no_cap).answer(&mut store, NOON, 200, Some((500, 650)));
    let refused = ask(&policy, &mut store, NOON, &small);
    assert_eq!(
        (refused.code(), refused.retry_after()),
        ("rate_limit_tokens", Duration::from_millis(60_100))
    );

    // An error without a count costs no tokens, and so does what never fits.
    let mut other = MemoryStore::default();
    ask(&policy, &mut other, NOON, &no_cap).answer(&mut other, NOON, 529, None);
    assert_eq!(room(&policy, &other, NOON, &small), 600);
    let never = ask(
        &policy,
        &mut other,
        NOON,
        &Ask {
            cap: Some(591),
            ..ASK
        },
    );
    assert_eq!(
        (never.code(), never.retry_after()),
        ("request_exceeds_limit", Duration::from_secs(60))
    );
    assert_eq!(room(&policy, &other, NOON, &small), 600);
    assert_eq!(
        ask(
            &policy,
            &mut other,
            NOON,
            &Ask {
                cap: Some(590),
                ..ASK
            }
        )
        .code(),
        "ok"
    );
}

#[test]
fn every_end_gives_the_permit_back_once() {
    let policy =
        policy(r#"{"limits": {"user": {"rpm": 100, "tpm": 100, "max_parallel_requests": 2}}}"#);
    let refusal = |reason| Refusal::new(reason, "");
    let head = |local| ResponseHead {
        status: 200,
        stream: true,
        local,
    };
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
    let ends: [(&[Event<'_>], usize, u64); 8] = [
        (&[Event::Refused(&blocked)], 0, 0),
        (&[], 0, 0),
        (&[Event::ResponseHead(&head(true))], 0, 0),
        (
            &[
                Event::ResponseHead(&head(false)),
                Event::ResponseEnd(&ended),
            ],
            1,
            10,
        ),
        (&[Event::ResponseEnd(&ended)], 1, 10),
        (&[Event::ResponseHead(&head(false))], 1, 10),
        (
            &[
                Event::ResponseHead(&head(false)),
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
fn a_permit_gives_itself_back_after_its_lease() {
    let policy = policy(r#"{"limits": {"user": {"max_parallel_requests": 1}, "lease": "160s"}}"#);
    let mut store = MemoryStore::default();
    let mut lost = ask(&policy, &mut store, NOON, &ASK);
    assert_eq!(
        ask(&policy, &mut store, secs(159), &ASK).code(),
        "rate_limit_parallel"
    );
    assert_eq!(ask(&policy, &mut store, secs(160), &ASK).code(), "ok");
    lost.answer(&mut store, secs(161), 200, None);
    assert_eq!(
        ask(&policy, &mut store, secs(161), &ASK).code(),
        "rate_limit_parallel",
        "the late end frees nobody else's slot"
    );
}

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
fn what_spends_no_tokens_is_not_limited() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"rpm": 1, "max_parallel_requests": 1}}}"#),
        MemoryStore::default(),
    );
    for endpoint in [
        Endpoint::AnthropicCountTokens,
        Endpoint::Models,
        Endpoint::Probe,
        Endpoint::Public,
        Endpoint::Unknown,
    ] {
        let facts = Facts {
            endpoint: Some(endpoint),
            ..Facts::default()
        };
        assert_eq!(
            ask_as(&policy, &mut store, NOON, &ASK, facts).code(),
            "ok",
            "{endpoint:?}"
        );
    }
    assert!(store.is_empty());
}

#[test]
fn a_clock_set_back_delays_nobody() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 60, "max_parallel_requests": 100}}}"#);
    let mut store = MemoryStore::default();
    let calls: Vec<Call> = (0..60)
        .map(|_| ask(&policy, &mut store, secs(7200), &ASK))
        .collect();
    assert_eq!(room(&policy, &store, secs(7200), &ASK), 0);
    assert_eq!(
        room(&policy, &store, secs(1), &ASK),
        0,
        "what is owed stays owed"
    );
    assert_eq!(
        ask(&policy, &mut store, secs(1), &ASK).retry_after(),
        Duration::from_secs(1)
    );
    assert_eq!(
        room(&policy, &store, secs(2), &ASK),
        1,
        "time goes by again also when everybody is refused"
    );
    assert_eq!(room(&policy, &store, secs(31), &ASK), 30);
    for mut call in calls {
        call.tell(&mut store, secs(31), &Event::End { status: 0 });
    }
    assert_eq!(room(&policy, &store, secs(31), &ASK), 60);
}

#[test]
fn a_clock_a_little_behind_pays_nothing_out_twice() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"rpm": 60}}}"#),
        MemoryStore::default(),
    );
    for _ in 0..60 {
        ask(&policy, &mut store, NOON, &ASK);
    }
    let behind = Timestamp::from_nanos(NOON.as_nanos() - 500_000_000);
    for now in [behind, NOON, behind] {
        let refused = ask(&policy, &mut store, now, &ASK);
        let passes_at = now.after(refused.retry_after());
        assert_eq!(passes_at, secs(1));
    }
    assert_eq!(ask(&policy, &mut store, secs(1), &ASK).code(), "ok");
}

/// A store that answers for a while.
struct Dying {
    inner: MemoryStore,
    calls_left: usize,
}

impl Dying {
    fn answer<T>(
        &mut self,
        answer: impl FnOnce(&mut MemoryStore) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.calls_left = self
            .calls_left
            .checked_sub(1)
            .ok_or(StoreError::Unavailable)?;
        answer(&mut self.inner)
    }
}

impl Store for Dying {
    fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.answer(|store| store.load(key))
    }

    fn swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        self.answer(|store| store.swap(key, value, version))
    }
}

#[test]
fn a_store_without_an_answer_refuses() {
    let policy = policy(r#"{"limits": {"user": {"rpm": 10}, "global": {"rpm": 10}}}"#);
    for calls_left in 0..8 {
        let mut store = Dying {
            inner: MemoryStore::default(),
            calls_left,
        };
        let mut call = ask(&policy, &mut store, NOON, &ASK);
        assert_eq!(
            call.code(),
            if calls_left < 4 {
                "policy_unavailable"
            } else {
                "ok"
            }
        );
        call.tell(&mut store, NOON, &Event::End { status: 0 });
    }
    // The second of two entries cannot be written: the first is put back.
    struct SecondSwapFails(MemoryStore, usize);
    impl Store for SecondSwapFails {
        fn load(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
            self.0.load(key)
        }
        fn swap(
            &mut self,
            key: &str,
            value: &[u8],
            version: Option<u32>,
        ) -> Result<bool, StoreError> {
            self.1 += 1;
            if self.1 == 2 {
                Err(StoreError::Unavailable)
            } else {
                self.0.swap(key, value, version)
            }
        }
    }
    let mut store = SecondSwapFails(MemoryStore::default(), 0);
    assert_eq!(
        ask(&policy, &mut store, NOON, &ASK).code(),
        "policy_unavailable"
    );
    assert_eq!(room(&policy, &store.0, NOON, &ASK), 10);
}

#[test]
fn a_slot_is_bounded_and_idle_subjects_cost_nothing() {
    let limits = Limits {
        rpm: NonZeroU64::new(1),
        max_parallel_requests: NonZeroU64::new(1),
        ..Limits::default()
    };
    let mut store = MemoryStore::default();
    let mut admitted = |from: u32, to: u32, now: Timestamp| {
        let mut count = 0;
        for n in from..to {
            let mut id = [0; SUBJECT_BYTES];
            id.iter_mut()
                .zip(n.to_le_bytes())
                .for_each(|(to, from)| *to = from);
            let claim = Claim {
                subject: Subject { slot: 7, id },
                limits,
            };
            let demand = Demand {
                now,
                tokens: 10,
                lease: Duration::from_secs(1),
            };
            match reserve(&mut store, &[claim], demand) {
                Ok(_) => count += 1,
                Err(denial) => assert_eq!(denial, Denial::Unavailable, "a full slot refuses"),
            }
            assert!(store.bytes() <= SLOT_BYTES_MAX + slot::key(7).len());
        }
        count
    };
    assert_eq!(admitted(0, 1000, NOON), 47, "86 bytes each");
    // A minute later all of them are idle, and nobody is in anybody's way.
    assert_eq!(admitted(1000, 1040, secs(60)), 40);
    assert_eq!(admitted(2000, 3000, secs(60)), 7);
}

proptest! {
    #[test]
    fn any_bytes_in_the_store_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Slot::read(&[], NOON, std::iter::empty()).is_some());
        if let Some(slot) = Slot::read(&bytes, NOON, std::iter::empty()) {
            let written = slot.into_bytes();
            prop_assert!(written.len() <= bytes.len());
            prop_assert!(Slot::read(&written, NOON, std::iter::empty()).is_some_and(|slot| slot.into_bytes() == written));
        }
    }

    #[test]
    fn the_retry_time_is_exact(
        rpm in 1u64..200,
        tpm in 100u64..5000,
        taken in proptest::collection::vec((0u64..60, 0u64..90), 0..300),
        prompt in 0u64..100,
    ) {
        // Requests as they come; then one that waits as it is told.
        let policy = policy(&format!(r#"{{"limits": {{"user": {{"rpm": {rpm}, "tpm": {tpm}}}, "global": {{"rpm": 150}}}}}}"#));
        let (mut store, mut now) = (MemoryStore::default(), NOON);
        for (prompt, wait_millis) in taken {
            now = now.after(Duration::from_millis(wait_millis));
            ask(&policy, &mut store, now, &Ask { prompt, cap: Some(0), ..ASK });
        }
        let last = Ask { prompt, cap: Some(0), ..ASK };
        let before = store.bytes();
        let wait = ask(&policy, &mut store, now, &last).retry_after();
        if !wait.is_zero() {
            prop_assert_eq!(store.bytes(), before, "a refusal writes nothing");
            let almost = Timestamp::from_nanos(now.after(wait).as_nanos() - 1);
            prop_assert_ne!(ask(&policy, &mut store.clone(), almost, &last).code(), "ok");
            prop_assert_eq!(ask(&policy, &mut store, now.after(wait), &last).code(), "ok");
        }
    }
}

#[test]
fn foreign_bytes_refuse() {
    let policy = policy(r#"{"limits": {"global": {"rpm": 10}}}"#);
    let mut store = MemoryStore::default();
    for number in 0..SLOTS {
        store.swap(&slot::key(number), b"garbage", None).unwrap();
    }
    assert_eq!(
        ask(&policy, &mut store, NOON, &ASK).code(),
        "policy_unavailable"
    );
}

#[test]
fn mistakes_name_their_place() {
    let mistakes = |json: &str| {
        let document = Document::parse(json.as_bytes()).unwrap();
        let _ = configure(&document);
        document
            .take_mistakes()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let limits = "known here: rpm, tpm, max_parallel_requests";
    for (json, expected) in [
        (r#"{"limits": 1}"#, "limits: expected a mapping, found 1".to_owned()),
        (
            r#"{"limits": {"users": {}}}"#,
            "limits.users: unknown field; known here: user, team, model, global, default_completion_tokens, lease".to_owned(),
        ),
        (r#"{"limits": {"user": {"rpm": "many"}}}"#, "limits.user.rpm: expected a positive integer, found \"many\"".to_owned()),
        (r#"{"limits": {"user": {"rpd": 1}}}"#, format!("limits.user.rpd: unknown field; {limits}")),
        (r#"{"limits": {"team": {"tpm": 0}}}"#, "limits.team.tpm: expected a positive integer, found 0".to_owned()),
        (r#"{"limits": {"model": {"rpm": 5}}}"#, "limits.model.rpm: expected a mapping, found 5".to_owned()),
        (r#"{"limits": {"model": []}}"#, "limits.model: expected a mapping, found a list".to_owned()),
        (r#"{"limits": {"global": {"rpm": 1.5}}}"#, "limits.global.rpm: expected a positive integer, found 1.5".to_owned()),
        (r#"{"limits": {"user": {"tpm": 1e12}}}"#, "limits.user.tpm: is larger than 1000000000".to_owned()),
        (r#"{"limits": {"default_completion_tokens": -1}}"#, "limits.default_completion_tokens: expected a positive integer, found -1".to_owned()),
        (r#"{"limits": {"default_completion_tokens": 1e10}}"#, "limits.default_completion_tokens: is larger than 1000000000".to_owned()),
        (
            r#"{"limits": {"lease": 10}}"#,
            "limits.lease: expected a length of time such as 500ms, 30s, 10m, 1h or 90d, found 10".to_owned(),
        ),
        (r#"{"limits": {"lease": "500ms"}}"#, "limits.lease: expected at least 1s, found \"500ms\"".to_owned()),
        (r#"{"limits": {}, "teams": [{"team_id": "a", "limits": {"rps": 1}}]}"#, format!("teams[0].limits.rps: unknown field; {limits}")),
    ] {
        assert_eq!(mistakes(json), [expected], "{json}");
    }
    let none = Document::parse(br#"{"teams": [{"team_id": "a"}]}"#).unwrap();
    assert!(configure(&none).is_none());
    assert_eq!(
        mistakes(r#"{"limits": {"user": {}, "team": {}, "model": {}, "global": {}}}"#),
        Vec::<String>::new()
    );
}
