//! JSON on its way: RFC 8259 read in one pass, and edited in place.
//!
//! From the bottom up: `scan` finds the bytes that matter in a string, `unescape` and `unescaped` carry out escapes, `tokenizer` makes [`Token`]s,
//! [`Walker`] gives each its place in a table ([`Trie`]), and reads no key twice where `keys` remembers it. The way back: [`locate()`] finds the bytes that a range of a text stands for,
//! [`fit`] keeps documents within strings documents, [`escape_into`] writes.

mod escape;
mod keys;
mod locate;
mod nested;
mod number;
mod scan;
mod token;
mod tokenizer;
mod trie;
mod unescape;
mod unescaped;
mod walk;

pub(crate) use escape::escape_into;
pub(crate) use locate::locate;
pub(crate) use nested::{
    NESTED_DEPTH_MAX, Portions, fit, hides_text, outward, read as read_nested, starts_document,
};
pub(crate) use number::{integer, may_have, number_inside};
pub(crate) use scan::string_inside;
pub(crate) use token::{Malformed, Raw, Token};
pub(crate) use tokenizer::Tokenizer;
#[cfg(test)]
pub(crate) use trie::KEYS_MAX;
pub(crate) use trie::{NodeId, Row, Trie};
pub(crate) use unescape::{escapes, means};
pub(crate) use unescaped::{Unescaped, string_end};
pub(crate) use walk::{Member, Simple, Step, Walker};
