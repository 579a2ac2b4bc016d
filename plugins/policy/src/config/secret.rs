//! Secrets that a policy needs: the document names where they are, never what they are.

use super::{Environment, Section, Value};

/// Field names under which people write secrets down. They get a better answer than "unknown field".
const LITERAL_FIELDS: [&str; 6] = ["key", "api_key", "value", "secret", "token", "password"];

impl Section<'_> {
    /// Notes `message` where a secret itself is written down: in place of this mapping, or in a field that people write secrets into.
    /// Whether there was one. The secret is not repeated.
    #[must_use]
    pub fn refuse_literal(&self, message: &str) -> bool {
        if matches!(self.value(), Value::String(_)) {
            self.mistake(message);
            return true;
        }
        let fields = LITERAL_FIELDS.iter().filter_map(|name| self.field(name));
        fields.map(|field| field.mistake(message)).count() > 0
    }

    /// This is the name of an environment variable: the secret that it holds, without white space around it, since files and `echo` leave
    /// line ends. No message names the variable, which might be a secret in the wrong place.
    #[must_use]
    pub fn variable(&self, environment: &dyn Environment) -> Option<String> {
        let section = self.clone().secret();
        let name = section.string()?;
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !name.bytes().all(word) || name.starts_with(|first: char| first.is_ascii_digit()) {
            return section.expected("the name of an environment variable");
        }
        let secret = environment.variable(name).unwrap_or_default();
        if secret.trim().is_empty() {
            section.mistake(
                "the environment variable of this name is not set, or empty (Envoy hands over those in `host_env_keys` only)",
            );
            return None;
        }
        Some(secret.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mistakes;

    #[test]
    fn variables() {
        let environment = |name: &str| match name {
            "HELD" => Some(" open sesame\n".to_owned()),
            "EMPTY" => Some("\n".to_owned()),
            _ => None,
        };
        let unset = "v: the environment variable of this name is not set, or empty (Envoy hands over those in `host_env_keys` only)";
        for (json, secret, mistake) in [
            ("\"HELD\"", Some("open sesame"), ""),
            ("\"EMPTY\"", None, unset),
            ("\"SECRET\"", None, unset),
            (
                "\"sk-SECRET\"",
                None,
                "v: expected the name of an environment variable",
            ),
            (
                "\"1SECRET\"",
                None,
                "v: expected the name of an environment variable",
            ),
            ("\"\"", None, "v: expected a string that is not empty"),
            ("7", None, "v: expected a string that is not empty"),
        ] {
            let (value, mistakes) = (Value::from_json(json).unwrap(), Mistakes::default());
            assert_eq!(
                Section::new("v", &value, &mistakes)
                    .variable(&environment)
                    .as_deref(),
                secret,
                "{json}"
            );
            assert_eq!(
                mistakes
                    .take()
                    .iter()
                    .map(ToString::to_string)
                    .collect::<String>(),
                mistake,
                "{json}"
            );
        }
    }

    #[test]
    fn literals() {
        for (json, literal) in [
            ("\"SECRET\"", true),
            ("{\"value\": \"SECRET\"}", true),
            ("{\"env\": \"NAME\"}", false),
            ("7", false),
        ] {
            let (value, mistakes) = (Value::from_json(json).unwrap(), Mistakes::default());
            assert_eq!(
                Section::new("v", &value, &mistakes).refuse_literal("no"),
                literal,
                "{json}"
            );
            let found: String = mistakes.take().iter().map(ToString::to_string).collect();
            assert_eq!(found.is_empty(), !literal);
            assert!(!found.contains("SECRET"));
        }
    }
}
