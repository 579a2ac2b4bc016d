//! Behaviour of one policy over one store. [`crate::simulation`] has many workers.

mod config;
mod ends;
mod scale;
mod scopes;
mod store;

use crate::{RateLimit, configure};
use portcullis_policy::config::Document;
use portcullis_policy::{
    Effects, Endpoint, Event, Exchange, Facts, Identity, MemoryStore, Policy, Reason, Refusal,
    RequestMeaning, ResponseHead, ResponseMeaning, Store, Timestamp, Usage, Verdict,
};
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
    key: &'static str,
    team: Option<&'static str>,
    model: &'static str,
    /// Tokens of the prompt; the text has four times as many bytes.
    prompt: u64,
    cap: Option<u64>,
}

const ASK: Ask = Ask {
    user: "ann",
    key: "k",
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
    facts.identity = Some(
        Identity {
            user: ask.user.into(),
            team,
            key_id: ask.key.into(),
        }
        .into(),
    );
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
fn what_works_on_no_prompt_is_not_limited() {
    let (policy, mut store) = (
        policy(r#"{"limits": {"user": {"rpm": 1, "max_parallel_requests": 1}}}"#),
        MemoryStore::default(),
    );
    for endpoint in [
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
