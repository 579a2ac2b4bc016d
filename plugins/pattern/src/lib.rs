//! Patterns: from their text to an automaton that follows candidates and a factor that finds them.
//!
//! The automaton is built once, at load, instead of handing windows of the text to a regex engine: measured in V8, regex-lite verifies one
//! megabyte a second, this one several hundred; it can stop at any byte and go on with the next piece; and a pattern that could take more
//! than linear time or much memory is refused when the policy is loaded, with a reason. A test holds it to regex-lite's answers.

mod bytes;
mod chars;
mod determinize;
mod dfa;
mod expr;
mod factor;
mod look;
mod nfa;

pub use bytes::ByteSet;
pub use dfa::{Dfa, Step};
pub use factor::{FACTOR_BYTES_MAX, Factor};
pub use look::Neighbor;

use expr::Expr;
use nfa::Nfa;

/// Longest text of a pattern, in bytes. Protects start-up: parsing takes memory in proportion.
pub const PATTERN_BYTES_MAX: usize = 4096;

const TOO_LARGE: &str = "too large: with counted repetitions written out it has too many states";

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    /// Follows a candidate.
    pub dfa: Dfa,
    /// Finds candidates.
    pub factor: Factor,
}

impl Pattern {
    /// Compiles a regular expression in the syntax of regex-lite.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn regex(text: &str, ignore_case: bool) -> Result<Self, String> {
        check_length(text)?;
        Self::new(&Expr::parse(text, ignore_case)?)
    }

    /// Compiles a text that stands for itself.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn literal(text: &str, ignore_case: bool) -> Result<Self, String> {
        check_length(text)?;
        Self::new(&Expr::literal(text, ignore_case))
    }

    fn new(expr: &Expr) -> Result<Self, String> {
        let parts = match expr {
            Expr::Concat(parts) => parts.as_slice(),
            Expr::Empty
            | Expr::Look(_)
            | Expr::Chars(_)
            | Expr::Alternate(_)
            | Expr::Repeat { .. } => std::slice::from_ref(expr),
        };
        let nfa = Nfa::new(parts).map_err(|_| TOO_LARGE)?;
        let dfa = Dfa::new(&nfa)?;
        if dfa.matches_empty() {
            return Err("matches the empty text, which is everywhere; every match must take at least one character".to_owned());
        }
        if !dfa.matches_something() {
            return Err("can never match".to_owned());
        }
        let factor = Factor::of(parts, &nfa, &dfa)?;
        Ok(Self { dfa, factor })
    }
}

fn check_length(text: &str) -> Result<(), String> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(format!("longer than {PATTERN_BYTES_MAX} bytes"));
    }
    Ok(())
}
