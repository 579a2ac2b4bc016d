//! `envoy/observability` with the real Prometheus and the real Alertmanager (Debian's), and a mail server of the test's own: what an
//! operator gets to see of the gateway, and who is told.
//!
//! Without those servers the tests say what is missing and pass; under `CI=true` they fail.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod alerts;
mod files;
mod mail;
mod metrics;
mod servers;
