//! Every fact of `tests/facts/`, in this host and in the real Envoy: what passes here passes there.
//!
//! `BLESS=1` rewrites what the facts expect (from this host), `FACT=name` runs only some, and `ENVOY=path` names the binary
//! to compare with (1.40 is the one in which all of them were seen); without it only this host runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "common/envoy/mod.rs"]
mod envoy;
#[path = "common/fact.rs"]
mod fact;
#[path = "common/mod.rs"]
mod guests;

use std::sync::Mutex;

use fact::Fact;

fn chosen() -> Vec<Fact> {
    let only = std::env::var("FACT").ok();
    let mut facts = Fact::all();
    facts.retain(|fact| only.as_ref().is_none_or(|only| fact.name.contains(only)));
    facts
}

fn check(fact: &Fact, actual: &str, engine: &str) -> Option<String> {
    (actual != fact.expected).then(|| {
        format!(
            "{}\n--- expected\n{}--- in {engine}\n{actual}",
            fact.name, fact.expected
        )
    })
}

#[test]
fn facts_in_this_host() {
    let probe = guests::guest("probe");
    let mut wrong = Vec::new();
    for fact in chosen() {
        let actual = fact::run_in_host(&fact, &probe).render();
        if std::env::var("BLESS").is_ok() {
            fact.bless(&actual);
        } else {
            wrong.extend(check(&fact, &actual, "this host"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn facts_in_envoy() {
    let Ok(binary) = std::env::var("ENVOY") else {
        eprintln!("ENVOY is not set: not compared with the real Envoy");
        return;
    };
    let probe = guests::guest("probe");
    let mut facts = chosen();
    facts.retain(|fact| !fact.is("host_only"));
    let (facts, wrong) = (Mutex::new(facts.into_iter()), Mutex::new(Vec::new()));
    // Envoy mostly waits: a few at a time.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(fact) = { facts.lock().unwrap().next() } {
                    // A machine under load may need longer between steps.
                    let outcomes = (1..=3).map(|pace| {
                        check(
                            &fact,
                            &envoy::run(&binary, &fact, &probe, pace).render(),
                            "Envoy",
                        )
                    });
                    // The first that agrees, else the slowest.
                    let mut difference = None;
                    for outcome in outcomes {
                        difference = outcome;
                        if difference.is_none() {
                            break;
                        }
                    }
                    wrong.lock().unwrap().extend(difference);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
