//! LLM formats: bytes to meaning, edits to bytes.
//!
//! Bodies come in any chunks and are read in one pass, each byte once: a [`RequestReader`] or [`ResponseReader`] hands every string to a
//! [`TextSink`] as soon as it can be read, and learns on the way what a [`Format`](formats::Format) says of some of them (the model, the
//! cap, the usage). What the sink wishes changed is carried out in the bytes as they came: all others stay as they are. This crate
//! decides nothing; what it cannot read it refuses.
//!
//! What is a text: every string value wherever it stands, every object key that no table knows, and of event streams also comments,
//! names and ids; numbers that are long enough for somebody and none of the API's own. Files as base64 are texts once more where they hold text. Strings that are JSON documents (tool arguments) are texts, and the strings in them that hide something behind
//! escapes are texts once more. Deltas of a stream are pieces of one text per choice or block.
//!
//! # Where to look
//!
//! | to learn | look at |
//! |---|---|
//! | what is where in an API's bodies | [`formats`]: one file for each, tables of paths |
//! | whose a text is, and which places hold random strings only | [`places`] |
//! | how JSON is read and edited | [`json`]: tokenizer, trie, positions |
//! | how a body becomes texts | [`document`], [`texts`]; streams: [`sse`], [`stream`] |
//! | how the gateway itself speaks | [`spelling`] |
//!
//! # How to add a format
//!
//! 1. `formats/yours.rs`: a [`Format`](formats::Format), that is three tables of paths and their [`Meaning`](formats::Meaning), one for
//!    request bodies, one for response bodies, one for the JSON of a streamed event, and beside each a table of [`places`]: whose texts
//!    stand where, and where only random strings do. Copy `formats/anthropic.rs`: it uses nearly every
//!    meaning. A path that is not in a table is still scanned, so list what *means* something, what must not stand twice, and keys
//!    that come with every event (a key of a table is no text).
//! 2. `formats/mod.rs`: its row in `Compiled::of`; `endpoint.rs`: its routes.
//! 3. Its errors and headers, if nobody spells them so yet: a [`Dialect`] and its arms in `spelling/`.
//! 4. A line for each of the format's traps in `tests/request.rs`, `tests/response.rs`, `tests/stream.rs`. The properties need none:
//!    that cuts, edits and holds do not matter follows from the machinery.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the page above is for those who work here"
)]

mod document;
mod edits;
mod endpoint;
mod fields;
mod formats;
mod include_usage;
mod json;
mod media;
mod models;
mod payload;
mod places;
mod plain;
mod request;
mod response;
mod sink;
mod spelling;
mod sse;
mod stream;
mod texts;
mod usage;

pub use endpoint::{endpoint, path_without_query};
pub use fields::{may_hold_text, read_fields};
pub use models::shown;
pub use request::RequestReader;
pub use response::{BodyKind, Released, ResponseReader};
pub use sink::TextSink;
pub use spelling::{Dialect, LocalReply, budget_headers, refusal, upstream_header_name};
