//! See `portcullis_fuzz::config`.
#![no_main]
#![allow(unsafe_code, reason = "the fuzzer's entry is a C function")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::config::check(data));
