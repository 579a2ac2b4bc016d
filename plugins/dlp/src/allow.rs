//! Values that a rule finds and that may pass all the same: test data, the company's own addresses.

use portcullis_pattern::{Dfa, Neighbor, Pattern};
use sha2::{Digest, Sha256};

/// Most entries of one list. Protects the time that a match takes: each pattern is tried.
pub(crate) const ALLOWED_MAX: usize = 256;

/// What a rule lets pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allow {
    /// SHA-256 digests of values, so that the policy need not hold what it protects. Sorted.
    digests: Vec<[u8; 32]>,
    /// Automata that must match a value from its beginning to its end.
    patterns: Vec<Dfa>,
}

impl Allow {
    /// Adds a value.
    pub(crate) fn value(&mut self, value: &str) {
        self.digest(Sha256::digest(value).into());
    }

    /// Adds the digest of a value.
    pub(crate) fn digest(&mut self, digest: [u8; 32]) {
        if let Err(place) = self.place(&digest) {
            self.digests.insert(place, digest);
        }
    }

    /// Where a digest stands, or would. Compared byte by byte: all at once takes a kilobyte of code.
    fn place(&self, digest: &[u8; 32]) -> Result<usize, usize> {
        self.digests
            .binary_search_by(|known| known.iter().cmp(digest))
    }

    /// Adds a pattern.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub(crate) fn pattern(&mut self, text: &str) -> Result<(), String> {
        // Said of the pattern itself, not of what is made of it.
        Pattern::regex(text, false)?;
        self.patterns
            .push(Pattern::regex(&format!(r"\A(?:{text})\z"), false)?.dfa);
        Ok(())
    }

    /// Whether nothing is let pass.
    pub(crate) const fn is_empty(&self) -> bool {
        self.digests.is_empty() && self.patterns.is_empty()
    }

    /// Bytes of its tables.
    pub(crate) fn bytes(&self) -> usize {
        let tables: usize = self.patterns.iter().map(Dfa::bytes).sum();
        tables + size_of::<[u8; 32]>() * self.digests.len()
    }

    /// Whether a value may pass.
    pub(crate) fn permits(&self, value: &[u8]) -> bool {
        if self.is_empty() {
            return false;
        }
        let digest = || self.place(&Sha256::digest(value).into()).is_ok();
        (!self.digests.is_empty() && digest()) || self.patterns.iter().any(|dfa| is_all(dfa, value))
    }
}

/// Whether an automaton that asks for the text's beginning and end matches a value.
fn is_all(dfa: &Dfa, value: &[u8]) -> bool {
    let mut step = dfa.start(Neighbor::of(None));
    for byte in value {
        if step.stops() {
            return false;
        }
        step = dfa.step(step.state(), *byte);
    }
    !step.stops() && {
        let end = dfa.end(step.state());
        end.accepts() || end.ended_before()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_values_pass() {
        let mut allow = Allow::default();
        assert!(!allow.permits(b""));
        allow.value("test@example.com");
        allow.pattern(r"\w+@corp\.com|x").unwrap();
        for (value, permitted) in [
            ("test@example.com", true),
            ("jane@corp.com", true),
            ("x", true),
            ("xx", false),
            ("jane@corp.com.evil", false),
            ("a jane@corp.com", false),
            ("", false),
        ] {
            assert_eq!(allow.permits(value.as_bytes()), permitted, "{value}");
        }
        assert!(allow.pattern("(").is_err());
    }
}
