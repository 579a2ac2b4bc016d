//! The stub from outside: over TCP, by its headers, its control paths and its library.

// A test fails by panicking; clippy.toml says so for test functions, and their helpers are no different.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod answers;
mod client;
mod load;
mod records;
mod scripts;
