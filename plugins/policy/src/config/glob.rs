//! Patterns for names, as model lists use them.

/// A name in which `*` stands for any run of characters, also an empty one. Everything else is compared exactly, letter case included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// From the text of the policy document. Every text is a pattern.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern covers all of `name`. Linear in both: each literal run between two `*` is taken at its first place, which
    /// leaves the most for those behind it, so nothing is ever tried twice.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut literals = self.0.split('*');
        let first = literals.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let Some(last) = literals.next_back() else {
            return rest.is_empty();
        };
        for literal in literals {
            let Some((_, behind)) = rest.split_once(literal) else {
                return false;
            };
            rest = behind;
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, by trying every split.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => {
                (0..=name.len()).any(|skipped| by_definition(rest, &name[skipped..]))
            }
            Some((letter, rest)) => name.first() == Some(letter) && by_definition(rest, &name[1..]),
        }
    }

    #[test]
    fn models() {
        for (pattern, name, expected) in [
            ("claude-3-5-sonnet", "claude-3-5-sonnet", true),
            ("claude-3-5-sonnet", "claude-3-5-sonnet-20241022", false),
            ("claude-3-5-sonnet", "Claude-3-5-Sonnet", false),
            ("claude-3-5-sonnet", " claude-3-5-sonnet", false),
            ("gemini-2.0-*", "gemini-2.0-", true),
            ("gemini-2.0-*", "gemini-2x0-flash", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    proptest! {
        #[test]
        fn matches_as_defined(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(Glob::new(pattern).matches(&name), by_definition(&p, &n));
        }
    }
}
