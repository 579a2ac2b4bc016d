//! Whether the proxy is asked what the client got: where a whole success went on from here, and nobody nearer to the client refused it, that is known.

use super::{CLEAN, Probe, answered, chat, opened};
use portcullis_chain::{Completeness, Exchange, Gateway, Settings, Turn, names};
use portcullis_policy::{MemoryStore, Policy, Timestamp};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const ANSWER: &[u8] = b"{\"choices\":[{\"message\":{\"content\":\"hello\"}}]}";

/// How often it is asked at the end of an exchange whose response is this, and what the policies hear; `complete` when all of the response came.
fn asked(
    mut exchange: Exchange,
    filter_state: &dyn Fn(&str) -> Option<String>,
    (status, answer, complete): (&str, &[u8], bool),
    after: fn(&mut Exchange),
) -> u32 {
    let mut store = MemoryStore::default();
    let mut turn = Turn {
        now: Timestamp::from_secs(1_000),
        store: &mut store,
        filter_state,
    };
    let script = chat(CLEAN, answer, "application/json", true);
    let _ = answered(&mut exchange, &mut turn, &script, status);
    let _ = exchange.response_data(&mut turn, script.response, complete);
    after(&mut exchange);
    let asked = Cell::new(0);
    exchange.end(&mut turn, &|| {
        asked.set(asked.get() + 1);
        502
    });
    asked.get()
}

#[test]
fn the_proxy_is_asked_unless_a_whole_success_went_on() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let asked = |answered: (&str, &[u8], bool), after: fn(&mut Exchange)| {
        log.take();
        let asked = asked(opened(&log, true), &|_| None, answered, after);
        (asked, log.take().pop().unwrap())
    };
    let told = |status: u16| format!("end {status}");
    let nothing: fn(&mut Exchange) = |_| {};
    assert_eq!(asked(("200", ANSWER, true), nothing), (0, told(200)));
    for answered in [
        ("200", ANSWER, false),
        ("201", ANSWER, true),
        ("500", ANSWER, true),
        ("200", &b"not json"[..], true),
    ] {
        assert_eq!(asked(answered, nothing), (1, told(502)), "{answered:?}");
    }
    let cut_off = asked(("200", ANSWER, true), Exchange::was_cut_off);
    assert_eq!(cut_off, (1, told(502)));
}

#[test]
fn a_module_nearer_to_the_client_may_have_refused_it() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let part = || {
        let policies: Vec<Box<dyn Policy>> = vec![Box::new(Probe(Rc::clone(&log)))];
        Gateway::new(policies, Settings::default(), Completeness::Part).open()
    };
    let whole = ("200", ANSWER, true);
    assert_eq!(asked(part(), &|_| None, whole, |_| {}), 0);
    let refused = |name: &str| match name {
        names::DECISION => Some("refuse".to_owned()),
        names::REASON => Some("response_blocked".to_owned()),
        _ => None,
    };
    assert_eq!(asked(part(), &refused, whole, |_| {}), 1);
}
