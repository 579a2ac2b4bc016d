//! The policy document as a whole.

use super::protobuf::from_struct_bytes;
use super::{Alert, Mistake, Mistakes, Section, Team, Value, alerts, teams};
use std::cell::OnceCell;

/// The sections that a policy document may have, whatever policies the module at hand holds.
pub const SECTIONS: &[&str] = &[
    "version", "auth", "teams", "limits", "dlp", "audit", "alerts", "notify", "envoy",
];

/// The version of the document that this code reads.
const VERSION: u64 = 1;

/// The environment variables that the host lets a module see.
pub trait Environment {
    /// The value of a variable; `None` when it is not set or not text.
    fn variable(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn variable(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// A parsed document, and the mistakes found in it so far.
#[derive(Debug)]
pub struct Document {
    root: Value,
    mistakes: Mistakes,
    teams: OnceCell<Vec<Team>>,
    alerts: OnceCell<Vec<Alert>>,
}

impl Document {
    /// Reads a plugin's configuration: JSON text, or the protobuf `Struct` of a policy written inline in Envoy's YAML.
    ///
    /// The two cannot be confused: a `Struct` begins with the byte 0x0a, which JSON text may also begin with, but is then followed by
    /// control characters that no JSON text can hold outside its strings.
    ///
    /// # Errors
    /// One mistake, when the bytes are neither, or not a mapping.
    pub fn parse(bytes: &[u8]) -> Result<Self, Mistake> {
        let mistake = |message: String| Mistake {
            path: String::new(),
            message,
        };
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.trim_start().starts_with('{') || text.trim().is_empty());
        let json = match text {
            Some(text) if text.trim().is_empty() => {
                return Err(mistake(
                    "the policy is empty: expected JSON text or a protobuf Struct".to_owned(),
                ));
            }
            Some(text) => Value::from_json(text),
            None => Err("expected JSON text or a protobuf Struct".to_owned()),
        };
        let root = match json {
            Ok(value) => value,
            Err(error) => from_struct_bytes(bytes)
                .ok_or_else(|| mistake(format!("the policy cannot be read: {error}")))?,
        };
        Ok(Self::of(root))
    }

    /// The document that a value is, however it was written down.
    #[must_use]
    pub fn of(root: Value) -> Self {
        let document = Self {
            root,
            mistakes: Mistakes::default(),
            teams: OnceCell::new(),
            alerts: OnceCell::new(),
        };
        let root = document.root();
        root.only(SECTIONS);
        if let Some(version) = root.field("version")
            && version.positive().is_some_and(|version| version != VERSION)
        {
            let _: Option<()> = version.expected(&VERSION.to_string());
        }
        document
    }

    /// The whole document.
    #[must_use]
    pub fn root(&self) -> Section<'_> {
        Section::new("", &self.root, &self.mistakes)
    }

    /// One section; `None` when the document has none of that name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Section<'_>> {
        self.root().field(name)
    }

    /// The section `teams`, read once for all policies that ask; empty when there is none.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        self.teams.get_or_init(|| teams::read(self))
    }

    /// The section `alerts`, read once for all policies that ask; empty when there is none.
    #[must_use]
    pub fn alerts(&self) -> &[Alert] {
        self.alerts.get_or_init(|| alerts::read(self))
    }

    /// All mistakes noted since the last call.
    #[must_use]
    pub fn take_mistakes(&self) -> Vec<Mistake> {
        self.mistakes.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        match Document::parse(text.as_bytes()) {
            Ok(document) => document
                .take_mistakes()
                .iter()
                .map(ToString::to_string)
                .collect(),
            Err(mistake) => vec![mistake.to_string()],
        }
    }

    #[test]
    fn documents() {
        assert_eq!(mistakes("\n {\"version\": 1}"), Vec::<String>::new());
        assert_eq!(
            mistakes("{\"version\": 2}"),
            ["version: expected 1, found 2"]
        );
        assert!(
            mistakes("{\"polices\": 2}")
                .concat()
                .starts_with("polices: unknown field; known here: version, auth")
        );
        assert!(mistakes("  ").concat().starts_with("the policy is empty"));
        assert!(
            mistakes("{\"auth\": ")
                .concat()
                .starts_with("the policy cannot be read: EOF")
        );
        assert!(
            mistakes("[]")
                .concat()
                .starts_with("the policy cannot be read: expected JSON text")
        );
    }
}
