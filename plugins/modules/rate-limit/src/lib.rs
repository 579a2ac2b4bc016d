//! Module `rate-limit`.
