//! JSON as bytes on their way: RFC 8259 read in one pass, and edited in place.

mod escape;
mod nested;
mod scan;
mod token;
mod trie;
mod unescape;
mod walk;

pub(crate) use escape::escape_into;
pub(crate) use nested::{
    NESTED_DEPTH_MAX, fit, hides_text, outward, read as read_nested, starts_document,
};
pub(crate) use scan::string_inside;
pub(crate) use token::{Malformed, Raw, Token, Tokenizer};
#[cfg(test)]
pub(crate) use trie::KEYS_MAX;
pub(crate) use trie::{NodeId, Row, Trie};
pub(crate) use unescape::{escapes, locate, means, unescape_into};
pub(crate) use walk::Walker;
