//! Digests of a policy document: what it says, however it was written down.

use crate::hex::hex;
use portcullis_policy::config::{Document, SECTIONS, Value};
use portcullis_policy::sort::sort_by;
use sha2::{Digest, Sha256};

/// Hex digits of a section's digest: enough to see that it changed.
const SECTION_DIGITS: usize = 16;

/// A policy document by its digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyDigest {
    /// SHA-256 of the whole document.
    pub whole: String,
    /// A digest of each section that is there.
    pub sections: Vec<(&'static str, String)>,
}

impl PolicyDigest {
    pub fn of(document: &Document) -> Self {
        let sections = SECTIONS.iter().filter_map(|name| {
            let section = document.section(name)?;
            let digits = digest(section.value());
            Some((*name, digits.chars().take(SECTION_DIGITS).collect()))
        });
        Self {
            whole: digest(document.root().value()),
            sections: sections.collect(),
        }
    }

    /// Which sections differ, or stand in one of the two only.
    pub fn changed(&self, before: &str) -> Vec<&'static str> {
        let old = |name: &str| {
            let mut words = before.split(' ').filter_map(|word| word.split_once('='));
            words
                .find(|(have, _)| *have == name)
                .map(|(_, digest)| digest)
        };
        let new = |name: &str| {
            let found = self.sections.iter().find(|(have, _)| *have == name);
            found.map(|(_, digest)| digest.as_str())
        };
        let differs = |name: &&&'static str| old(name) != new(name);
        SECTIONS.iter().filter(differs).copied().collect()
    }

    /// For the store: the whole's digest, then `section=digest`, with spaces between.
    pub fn to_text(&self) -> String {
        let mut text = self.whole.clone();
        for (name, digest) in &self.sections {
            text.push_str(&format!(" {name}={digest}"));
        }
        text
    }
}

fn digest(value: &Value) -> String {
    let mut digest = Sha256::new();
    feed(&mut digest, value);
    hex(&digest.finalize())
}

/// Every value begins with its kind and its length, so that no two documents feed the same bytes. Names are sorted.
fn feed(digest: &mut Sha256, value: &Value) {
    let mut head = |kind: u8, length: usize| {
        digest.update([kind]);
        digest.update((length as u64).to_le_bytes());
    };
    match value {
        Value::Null => head(0, 0),
        Value::Bool(flag) => head(1, usize::from(*flag)),
        Value::Number(number) => {
            head(2, 0);
            digest.update(number.to_bits().to_le_bytes());
        }
        Value::String(text) => {
            head(3, text.len());
            digest.update(text);
        }
        Value::List(items) => {
            head(4, items.len());
            items.iter().for_each(|item| feed(digest, item));
        }
        Value::Map(entries) => {
            head(5, entries.len());
            let mut entries: Vec<_> = entries.iter().collect();
            sort_by(&mut entries, |(one, _), (other, _)| one.cmp(other));
            for (name, value) in entries {
                digest.update((name.len() as u64).to_le_bytes());
                digest.update(name);
                feed(digest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> PolicyDigest {
        PolicyDigest::of(&Document::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn what_a_policy_says_counts_and_not_how_it_is_written() {
        let one = of(r#"{"version":1,"limits":{"user":{"rpm":5},"team":{}}}"#);
        assert_eq!(
            one,
            of(r#" {"limits": {"team":{}, "user": {"rpm": 5.0}}, "version": 1}"#)
        );
        let other = of(r#"{"version":1,"limits":{"user":{"rpm":6},"team":{}},"audit":{}}"#);
        assert_eq!(other.changed(&one.to_text()), ["limits", "audit"]);
        assert_eq!(one.changed(&other.to_text()), ["limits", "audit"]);
        assert_eq!(one.changed(&one.to_text()), [""; 0]);
    }

    #[test]
    fn no_two_documents_are_mistaken_for_each_other() {
        let texts = [
            r#"{"teams":[["a"],"b"]}"#,
            r#"{"teams":[["a","b"]]}"#,
            r#"{"teams":["a","b"]}"#,
            r#"{"teams":["ab"]}"#,
            r#"{"teams":[{"a":"b"}]}"#,
            r#"{"teams":[null]}"#,
            r#"{"teams":[0]}"#,
            r#"{"teams":[false]}"#,
            r#"{"teams":[""]}"#,
        ];
        let digests: std::collections::HashSet<String> =
            texts.iter().map(|text| of(text).whole).collect();
        assert_eq!(digests.len(), texts.len());
    }
}
