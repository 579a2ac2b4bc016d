//! Data loss prevention: rules that block, redact or flag what they find in the texts of requests and responses.
//!
//! The way of a byte: [`trigger`] looks at every byte of every text and finds where a match of any rule could begin or does contain its rarest
//! part; [`candidates`] then follows those places with the rule's automaton ([`portcullis_pattern`]), and where the text is not what it looks like,
//! [`patterns`] has both read over the folded [`view`] too; [`report`] decides by the rule's options what becomes of
//! a match, [`redactions`] joins what overlaps, [`mask`] keeps what an answer gets back. Built-in [`detectors`] are driven over that view alone ([`drive`]). All of it goes
//! forward only, byte by byte, so a match is found wherever the text is cut into pieces ([`text`]), in linear time and bounded memory.
//!
//! This crate knows no wire format: it is given texts, unescaped, and answers with positions in them.

mod alerts;
mod allow;
mod candidates;
mod config;
mod detectors;
mod drive;
mod exchange;
mod joint;
mod known;
mod marks;
mod mask;
mod matcher;
mod page;
mod patterns;
mod placeholder;
mod redactions;
mod report;
mod rules;
mod scanner;
mod scope;
mod seen;
mod sift;
mod spare;
mod survey;
mod teddy;
mod text;
mod trigger;
mod view;
mod window;

#[cfg(test)]
mod oracle;

pub use detectors::{Specimens, specimens};
pub use exchange::Dlp;
use portcullis_policy::config::{Document, Environment};
pub use survey::{Finding, Survey};

/// Reads section `dlp` of the policy, and the texts that its alerts are about; the key for masks comes from the environment. `None` when there is
/// neither, or no policy can be made of it. Mistakes are noted in the document; one that
/// has any is not to be put into force.
#[must_use]
#[inline(never)]
pub fn configure(document: &Document, environment: &dyn Environment) -> Option<Dlp> {
    config::read(document, environment).map(Dlp::new)
}
