//! Module `audit`.
