//! Behaviour as data: the cases of `host-test/cases/`, and three engines that run them.
//!
//! A case says what policy is in force, what happens, and what must come of it. The same file runs natively through `chain`, in
//! wasmtime through every module that can hold it, and in the real Envoy. What differs between engines is a bug of the harness or
//! of the adapter. Adding a case needs no Rust; `host-test/cases/README.md` describes the format.
//!
//! This crate decides nothing about policies: it knows the contract's names and what must hold for every exchange
//! ([`check`]).

#![allow(
    clippy::indexing_slicing,
    clippy::large_enum_variant,
    clippy::wildcard_enum_match_arm,
    reason = "indexing a JSON value never panics, most kinds of YAML are of one kind of mistake, and this is a tool of tests"
)]

pub mod answers;
pub mod asked;
pub mod background;
pub mod bytes;
pub mod case;
pub mod check;
pub mod clusters;
pub mod engine;
#[cfg(feature = "envoy")]
pub mod envoy;
pub mod gateway;
pub mod golden;
pub mod load;
pub mod merge;
mod metrics;
pub mod native;
pub mod random;
pub mod resolve;
pub mod run;
pub mod split;
pub mod trace;
pub mod verified;
#[cfg(feature = "wasm")]
pub mod wasm;

pub use metrics::name as metric_name;
