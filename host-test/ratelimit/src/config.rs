//! Limits, written as `envoyproxy/ratelimit` reads them.

use anyhow::{Context, Result, anyhow, ensure};
use limitador::limit::{Condition, Limit};
use serde::Deserialize;

/// A configuration file: <https://github.com/envoyproxy/ratelimit#configuration>, of which this knows what
/// `envoy/global-limits` uses: descriptors of one entry. Anything else is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    domain: String,
    descriptors: Vec<Descriptor>,
}

/// A limit for each value of a key, or for one value in place of that.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Descriptor {
    key: String,
    value: Option<String>,
    rate_limit: RateLimit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimit {
    unit: Unit,
    /// Requests, or whatever else is counted.
    requests_per_unit: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

impl Unit {
    const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }
}

impl Config {
    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is no YAML, or has what this service does not know.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(serde_yaml_ng::from_str(text)?)
    }

    /// The limits in Limitador's terms: one that names a value applies to that value, one that names none to all values that no
    /// other one names.
    ///
    /// # Errors
    /// When a value cannot be written as a condition, or a limit is there twice.
    pub fn limits(&self) -> Result<Vec<Limit>> {
        let mut limits = Vec::with_capacity(self.descriptors.len());
        for descriptor in &self.descriptors {
            let limit = self.limit(descriptor).with_context(|| {
                format!(
                    "{} {}",
                    descriptor.key,
                    descriptor.value.as_deref().unwrap_or("(any)")
                )
            })?;
            ensure!(
                !limits.contains(&limit),
                "{}: the same limit twice",
                descriptor.key
            );
            limits.push(limit);
        }
        Ok(limits)
    }

    fn limit(&self, descriptor: &Descriptor) -> Result<Limit> {
        let key = &descriptor.key;
        let conditions = match &descriptor.value {
            Some(value) => vec![condition(key, "==", value)?],
            None => self
                .descriptors
                .iter()
                .filter(|other| other.key == *key)
                .filter_map(|other| other.value.as_ref())
                .map(|value| condition(key, "!=", value))
                .collect::<Result<_>>()?,
        };
        let RateLimit {
            unit,
            requests_per_unit,
        } = descriptor.rate_limit;
        Ok(Limit::new(
            self.domain.as_str(),
            requests_per_unit.into(),
            unit.seconds(),
            conditions,
            [key.as_str()],
        ))
    }
}

fn condition(key: &str, operator: &str, value: &str) -> Result<Condition> {
    ensure!(!value.contains('\''), "a value with a quote in it");
    Condition::try_from(format!("{key} {operator} '{value}'")).map_err(|error| anyhow!("{error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Config;
    use std::collections::HashMap;

    const LIMITS: &str = "
domain: d
descriptors:
  - { key: user, rate_limit: { unit: minute, requests_per_unit: 5 } }
  - { key: user, value: ci@example.com, rate_limit: { unit: hour, requests_per_unit: 7 } }
  - { key: model, rate_limit: { unit: day, requests_per_unit: 9 } }
";

    /// The limits that apply to a descriptor: how many in how many seconds.
    fn applying(key: &str, value: &str) -> Vec<(i64, u64)> {
        let values = HashMap::from([(key.to_owned(), value.to_owned())]);
        let limits = Config::parse(LIMITS).unwrap().limits().unwrap();
        limits
            .iter()
            .filter(|limit| limit.applies(&values))
            .map(|limit| (limit.max_value(), limit.seconds()))
            .collect()
    }

    #[test]
    fn the_most_specific_limit_applies() {
        assert_eq!(applying("user", "somebody"), [(5, 60)]);
        assert_eq!(applying("user", "ci@example.com"), [(7, 3600)]);
        assert_eq!(applying("model", "ci@example.com"), [(9, 86_400)]);
        assert_eq!(applying("team", "somebody"), []);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for mistake in [
            "domain: d\ndescriptors: [{ key: user }]",
            "domain: d\ndescriptors: [{ key: user, rate_limit: { unit: century, requests_per_unit: 1 } }]",
            "domain: d\ndescriptors: [{ key: user, shadow_mode: true, rate_limit: { unit: day, requests_per_unit: 1 } }]",
        ] {
            assert!(Config::parse(mistake).is_err(), "{mistake}");
        }
        let twice = format!(
            "{LIMITS}  - {{ key: model, rate_limit: {{ unit: day, requests_per_unit: 1 }} }}"
        );
        assert!(Config::parse(&twice).unwrap().limits().is_err());
        let quoted = LIMITS.replace("ci@example.com", "\"it's\"");
        assert!(Config::parse(&quoted).unwrap().limits().is_err());
    }
}
