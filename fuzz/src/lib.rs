//! Fuzz targets: each is a function of bytes that panics when something is wrong, so that the same function runs under libFuzzer
//! (`cargo xtask fuzz`) and over the files in `seeds/` and `regressions/` (`cargo xtask test`).

#![allow(
    missing_docs,
    reason = "each target's module says at its top what it checks"
)]

pub mod answer;
pub mod chain;
pub mod config;
pub mod disguise;
pub mod documents;
pub mod input;
pub mod request;
pub mod run;
pub mod scanner;
pub mod sink;
pub mod stream;
pub mod strings;

/// A target's function.
pub type Check = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Check); 6] = [
    ("chain", chain::check),
    ("config", config::check),
    ("request", request::check),
    ("scanner", scanner::check),
    ("stream", stream::check),
    ("strings", strings::check),
];
