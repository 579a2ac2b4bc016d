//! The gateway end to end: the modules in the real Envoy, the scenarios that operators run, a stub provider behind them and a
//! client in front that can send anything. Each test has its own Envoy, so they run in parallel.
//!
//! A test is a function over a [`common::World`], named in `in_every_variant!`; after it, or after all that share its world,
//! [`common::World::finish`] checks what must hold after anything.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod auth;
mod bad_config;
mod bad_input;
mod bodies;
mod dlp;
mod http2;
mod limits;
mod scenarios;
mod streams;
