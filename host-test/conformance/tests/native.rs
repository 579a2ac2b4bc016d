//! Every case natively, with and without held headers.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use portcullis_conformance::native::Native;

mod common;

#[test]
fn all_cases() {
    common::every_case("native", |setup| Ok(Box::new(Native::new(setup)?)));
}
