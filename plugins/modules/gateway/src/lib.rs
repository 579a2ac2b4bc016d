//! Module `gateway`.
