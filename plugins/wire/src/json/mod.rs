//! JSON as bytes on their way: RFC 8259 read in one pass, and edited in place.

mod escape;

pub(crate) use escape::escape_into;
