//! Module `auth`.
