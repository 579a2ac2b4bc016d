//! Who gets in, where it takes more than a request: certificates, tokens, and keys that change under load.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod many_keys;
mod rotation;
mod tokens;
