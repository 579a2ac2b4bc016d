//! The limits that a subject can have: read the same way for users, keys, teams, models and all together.

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
    /// Requests per day.
    pub rpd: Option<NonZeroU64>,
    /// Tokens per day.
    pub tpd: Option<NonZeroU64>,
    /// Requests at once, when not as many as in a minute.
    pub burst: Option<NonZeroU64>,
    /// Tokens at once, when not as many as in a minute.
    pub burst_tokens: Option<NonZeroU64>,
    /// Requests that may run at the same time.
    pub max_parallel_requests: Option<NonZeroU64>,
}

impl Limits {
    /// Reads a mapping such as `{ rpm: 100, tpm: 50000, max_parallel_requests: 10 }`; what is wrong is noted and counts as absent.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        section.only(&[
            "rpm",
            "tpm",
            "rpd",
            "tpd",
            "burst",
            "burst_tokens",
            "max_parallel_requests",
        ]);
        let limit = |name| limit(section, name);
        Self {
            rpm: limit("rpm"),
            tpm: limit("tpm"),
            rpd: limit("rpd"),
            tpd: limit("tpd"),
            burst: limit("burst"),
            burst_tokens: limit("burst_tokens"),
            max_parallel_requests: limit("max_parallel_requests"),
        }
    }

    /// These, with those of `other` where these say nothing. A burst goes with its limit: who has an `rpm` of their own does not get
    /// the `burst` of another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let inherited =
            |limit: Option<NonZeroU64>, burst| if limit.is_none() { burst } else { None };
        Self {
            rpm: self.rpm.or(other.rpm),
            tpm: self.tpm.or(other.tpm),
            rpd: self.rpd.or(other.rpd),
            tpd: self.tpd.or(other.tpd),
            burst: self.burst.or(inherited(self.rpm, other.burst)),
            burst_tokens: self
                .burst_tokens
                .or(inherited(self.tpm, other.burst_tokens)),
            max_parallel_requests: self.max_parallel_requests.or(other.max_parallel_requests),
        }
    }

    /// Notes a burst that no limit stands beside: it would limit nothing, and whoever wrote it believes otherwise.
    pub fn check(&self, section: &Section<'_>) {
        for (name, burst, limit, limited) in [
            ("burst", self.burst, "rpm", self.rpm),
            ("burst_tokens", self.burst_tokens, "tpm", self.tpm),
        ] {
            if burst.is_some()
                && limited.is_none()
                && let Some(field) = section.field(name)
            {
                field.mistake(format!("means nothing without {limit}"));
            }
        }
    }

    /// Nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One of them. Called for each, so it is not inlined.
#[inline(never)]
fn limit(section: &Section<'_>, name: &str) -> Option<NonZeroU64> {
    let field = section.field(name)?;
    let limit = field.positive()?;
    if limit > LIMIT_MAX {
        field.mistake(format!("is larger than {LIMIT_MAX}"));
    }
    NonZeroU64::new(limit.min(LIMIT_MAX))
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
                max_parallel_requests: NonZeroU64::new(10),
                ..Limits::default()
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
            [
                "limits.user.rps: unknown field; known here: rpm, tpm, rpd, tpd, burst, burst_tokens, max_parallel_requests"
            ]
        );
        assert_eq!(
            read("100").1,
            ["limits.user: expected a mapping, found 100"]
        );
    }

    #[test]
    fn a_burst_goes_with_its_limit() {
        let (default, _) = read(r#"{"rpm": 100, "burst": 10, "tpm": 1000, "rpd": 7}"#);
        let with = |json: &str| {
            let limits = read(json).0.or(default);
            [limits.rpm, limits.burst, limits.rpd].map(|limit| limit.map_or(0, NonZeroU64::get))
        };
        assert_eq!(with("{}"), [100, 10, 7]);
        assert_eq!(with(r#"{"rpm": 500}"#), [500, 0, 7]);
        assert_eq!(with(r#"{"burst": 5, "rpd": 9}"#), [100, 5, 9]);
    }

    #[test]
    fn a_burst_without_a_limit_is_a_mistake() {
        let (value, mistakes) = (
            Value::from_json(r#"{"burst": 5, "burst_tokens": 6, "tpm": 1}"#).unwrap(),
            Mistakes::default(),
        );
        let section = Section::new("limits.user", &value, &mistakes);
        Limits::read(&section).check(&section);
        assert_eq!(
            mistakes
                .take()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["limits.user.burst: means nothing without rpm"]
        );
    }
}
