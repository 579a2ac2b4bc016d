//! The three limits that a subject can have: read the same way for users, teams, models and all together.

use super::Section;
use std::num::NonZeroU64;

/// Largest limit that can be written. Protects the arithmetic of buckets, which counts billionths of a minute, from overflow; no real
/// limit comes near.
pub const LIMIT_MAX: u64 = 1_000_000_000;

/// What one subject may use. `None`: not limited in this respect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<NonZeroU64>,
    /// Tokens per minute, of prompt and completion together.
    pub tpm: Option<NonZeroU64>,
    /// Requests that may run at the same time.
    pub max_parallel_requests: Option<NonZeroU64>,
}

impl Limits {
    /// Reads a mapping such as `{ rpm: 100, tpm: 50000, max_parallel_requests: 10 }`; what is wrong is noted and counts as absent.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        section.only(&["rpm", "tpm", "max_parallel_requests"]);
        let limit = |name: &str| {
            let field = section.field(name)?;
            let limit = field.positive()?;
            if limit > LIMIT_MAX {
                field.mistake(format!("is larger than {LIMIT_MAX}"));
            }
            NonZeroU64::new(limit.min(LIMIT_MAX))
        };
        Self {
            rpm: limit("rpm"),
            tpm: limit("tpm"),
            max_parallel_requests: limit("max_parallel_requests"),
        }
    }

    /// These, with those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rpm: self.rpm.or(other.rpm),
            tpm: self.tpm.or(other.tpm),
            max_parallel_requests: self.max_parallel_requests.or(other.max_parallel_requests),
        }
    }

    /// Nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Mistakes, Value};

    fn read(json: &str) -> (Limits, Vec<String>) {
        let (value, mistakes) = (Value::from_json(json).unwrap(), Mistakes::default());
        let limits = Limits::read(&Section::new("limits.user", &value, &mistakes));
        (
            limits,
            mistakes.take().iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn limits() {
        let (limits, mistakes) = read(r#"{"rpm": 100, "max_parallel_requests": 10}"#);
        assert_eq!(
            limits,
            Limits {
                rpm: NonZeroU64::new(100),
                tpm: None,
                max_parallel_requests: NonZeroU64::new(10)
            }
        );
        assert_eq!(mistakes, Vec::<String>::new());
        assert_eq!(
            limits
                .or(Limits {
                    rpm: NonZeroU64::new(1),
                    tpm: NonZeroU64::new(2),
                    ..Limits::default()
                })
                .tpm,
            NonZeroU64::new(2)
        );
        assert_eq!(
            read("{\"rpm\": 1000000001}").1,
            ["limits.user.rpm: is larger than 1000000000"]
        );
        assert_eq!(
            read("{\"rpm\": 0}").1,
            ["limits.user.rpm: expected a positive integer, found 0"]
        );
        assert_eq!(
            read("{\"rps\": 1}").1,
            ["limits.user.rps: unknown field; known here: rpm, tpm, max_parallel_requests"]
        );
        assert_eq!(
            read("100").1,
            ["limits.user: expected a mapping, found 100"]
        );
    }
}
