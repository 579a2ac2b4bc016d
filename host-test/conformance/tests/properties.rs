//! Properties over all cases, natively: where bytes are cut means nothing, and whoever leaves, whenever, leaves one record and no
//! permit behind.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use portcullis_conformance::engine::{Engine as _, Setup};
use portcullis_conformance::load::{Located, Suite};
use portcullis_conformance::native::Native;
use portcullis_conformance::resolve::{self, Call, Reply};
use portcullis_conformance::run::{self, difference};
use portcullis_conformance::split::{Split, counts_events, cut};
use serde_json::json;

mod common;

/// Random cuts of each case.
const SEEDS: u64 = 4;

fn suite() -> Suite {
    Suite::load().unwrap_or_else(|error| panic!("{error:#}"))
}

fn runnable(suite: &Suite) -> impl Iterator<Item = (&Located, bool)> {
    let native = |located: &&Located| {
        !located.case.skip.contains_key("native") && located.case.rejected.is_none()
    };
    let both = |located| [(located, true), (located, false)];
    suite
        .cases
        .iter()
        .filter(native)
        .flat_map(both)
        .filter(|(located, hold)| located.case.hold.is_none_or(|only| only == *hold))
}

#[test]
fn cutting_means_nothing() {
    let suite = suite();
    let random = (0..SEEDS).map(Split::Random);
    let splits: Vec<Split> = [Split::Whole, Split::Bytes]
        .into_iter()
        .chain(random)
        .collect();
    let mut failures = Vec::new();
    for (located, hold) in runnable(&suite) {
        let setup = suite.setup(&located.case, hold).unwrap();
        let configured = Native::new(&setup).unwrap();
        let run = |split: Split| {
            let mut engine = configured.anew().unwrap();
            run::run_with(&suite, located, &setup, &mut engine, &mut |call, reply| {
                cut(split, call, reply);
            })
            .unwrap()
        };
        let whole = run(Split::Whole);
        for split in &splits {
            let other = run(*split);
            let difference = difference(&whole.traces, &other.traces);
            if difference.is_some() || !other.problems.is_empty() {
                failures.push(format!(
                    "{} (hold_headers: {hold}, {split:?}) {:?}\n{}",
                    located.title(),
                    other.problems,
                    difference.unwrap_or_default()
                ));
                break;
            }
        }
    }
    common::assert_none(&failures);
}

/// Every request of every case, left by the client after each of its events, and cut by the provider after each of its events.
#[test]
fn leaving_leaves_one_record_and_no_permit() {
    let suite = suite();
    let mut failures = Vec::new();
    for (located, hold) in runnable(&suite) {
        let setup = one_at_a_time(suite.setup(&located.case, hold).unwrap());
        let configured = Native::new(&setup).unwrap();
        for step in located
            .case
            .steps
            .iter()
            .filter(|step| step.request.is_some())
        {
            let request = step.request.clone().unwrap_or_default();
            let mut call = resolve::call(&request, &suite.people).unwrap();
            let upstream = step.upstream.clone().unwrap_or_default();
            let mut reply = resolve::reply(&upstream, &call).unwrap();
            if counts_events(&call, &reply) {
                continue;
            }
            cut(Split::Random(7), &mut call, &mut reply);
            for (what, call, reply) in departures(&call, &reply) {
                if let Some(problem) = left_behind(&suite, &configured, &call, &reply) {
                    failures.push(format!(
                        "{} (hold_headers: {hold}), {what}: {problem}",
                        located.title()
                    ));
                }
            }
        }
    }
    common::assert_none(&failures);
}

/// The case's policy with one permit for everybody together, and everything recorded.
fn one_at_a_time(mut setup: Setup) -> Setup {
    setup.policy["limits"]["global"] = json!({ "max_parallel_requests": 1 });
    let key = setup.policy["audit"]["hmac_key"].take();
    setup.policy["audit"] = if key.is_null() {
        json!({})
    } else {
        json!({ "hmac_key": key })
    };
    setup.policy.as_object_mut().unwrap().remove("notify");
    setup
}

/// All ways to end an exchange early.
fn departures(call: &Call, reply: &Reply) -> Vec<(String, Call, Reply)> {
    let mut all = Vec::new();
    let events = 1 + call.pieces.len() + usize::from(call.trailers.is_some());
    for after in 0..=events {
        let call = Call {
            leaves_after: Some(after),
            ..call.clone()
        };
        all.push((
            format!("the client leaves after {after} events"),
            call,
            reply.clone(),
        ));
    }
    let pieces = reply
        .response
        .as_ref()
        .map_or(0, |response| response.pieces.len());
    for after in 0..=pieces + 1 {
        let left = Reply {
            client_leaves_after: Some(after),
            ..reply.clone()
        };
        all.push((
            format!("the client leaves after {after} events of the answer"),
            call.clone(),
            left,
        ));
        let cut = Reply {
            cut_after: Some(after),
            ..reply.clone()
        };
        all.push((
            format!("the provider cuts after {after} events"),
            call.clone(),
            cut,
        ));
    }
    all
}

fn left_behind(suite: &Suite, configured: &Native, call: &Call, reply: &Reply) -> Option<String> {
    let mut engine = configured.anew().unwrap();
    let seen = engine.exchange(call, reply).unwrap();
    if seen.requests().len() != 1 {
        return Some(format!("records: {:?}", seen.records));
    }
    let next = resolve::call(
        &portcullis_conformance::case::Request::default(),
        &suite.people,
    )
    .unwrap();
    let reply = resolve::reply(&portcullis_conformance::case::Upstream::default(), &next).unwrap();
    let seen = engine.exchange(&next, &reply).unwrap();
    let reason = seen.client.header("x-portcullis-reason");
    (reason.as_deref() == Some("rate_limit_parallel"))
        .then(|| "the permit did not come back".to_owned())
}
