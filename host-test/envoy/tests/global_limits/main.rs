//! `envoy/global-limits` end to end: two real Envoys, the rate-limit service of `host-test/ratelimit`, and a Redis of the test's
//! own (`redis-server` in PATH). The limits are the scenario's own file with other numbers.
//!
//! Envoys take seconds to start and the rest does not, so tests share two Envoys, run one after the other, and begin each with
//! [`Shared::reset`].

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod files;
mod limits;
mod outage;
mod redis;
mod service;
mod shared;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::shared::Shared;

/// A test over two Envoys and what they share.
type Test = fn(&mut Shared);

#[test]
fn two_envoys_with_one_service() {
    run(
        Shared::start(2, |_| {}),
        &[
            ("requests_are_shared", limits::requests_are_shared),
            ("tokens_are_shared", limits::tokens_are_shared),
            ("every_kind_of_limit", limits::every_kind_of_limit),
            (
                "what_was_spent_is_charged",
                limits::what_was_spent_is_charged,
            ),
            ("redis_learns_names_only", limits::redis_learns_names_only),
            ("a_service_that_is_down", outage::a_service_that_is_down),
            ("a_service_that_hangs", outage::a_service_that_hangs),
            ("a_redis_that_is_down", outage::a_redis_that_is_down),
            (
                "a_service_that_dies_meanwhile",
                outage::a_service_that_dies_meanwhile,
            ),
        ],
    );
}

#[test]
fn an_envoy_that_allows_what_it_cannot_check() {
    run(
        Shared::start(1, outage::allow),
        &[("a_service_that_is_down", outage::own_limits_still_hold)],
    );
}

/// Runs tests one after the other, all of them also when one fails.
fn run(mut shared: Shared, tests: &[(&str, Test)]) {
    let mut failed = Vec::new();
    for (name, test) in tests {
        if catch_unwind(AssertUnwindSafe(|| test(&mut shared))).is_err() {
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        shared.explain();
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
    shared.finish();
}
