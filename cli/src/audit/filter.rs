//! Which records are asked for.

use super::key::KeyArgs;
use super::record::Record;
use anyhow::Context as _;
use clap::Args;
use memchr::memmem::Finder;
use portcullis_policy::Timestamp;
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All that is given must fit.
#[derive(Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// This person, by name; with the key in the environment, by pseudonym as well.
    #[arg(long)]
    pub user: Option<String>,
    /// The key of this id.
    #[arg(long, value_name = "KEY_ID")]
    pub key: Option<String>,
    /// The team_id of a team.
    #[arg(long)]
    pub team: Option<String>,
    /// The address that requests came from.
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<IpAddr>,
    /// The model that was asked for, as records name it.
    #[arg(long)]
    pub model: Option<String>,
    /// allow, flag, redact or refuse.
    #[arg(long)]
    pub decision: Option<String>,
    /// A code such as rate_limit_tokens.
    #[arg(long)]
    pub reason: Option<String>,
    /// A DLP rule that found something.
    #[arg(long)]
    pub rule: Option<String>,
    /// api_request, auth_failure, config_change, alert …
    #[arg(long)]
    pub event: Option<String>,
    /// The request with this id, as the client got it in `x-request-id`.
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// From this time on: RFC 3339, a day (2026-01-31), or how long ago (90m, 12h, 7d).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
}

/// A value that a column must have: one of a few spellings of it.
struct Wanted {
    column: fn(&Record<'_>, &str) -> bool,
    values: Vec<String>,
    /// Finds lines that may have it before they are parsed.
    finders: Vec<Finder<'static>>,
}

/// The same, ready to be asked.
pub(crate) struct Filter {
    wanted: Vec<Wanted>,
    since: Option<String>,
    until: Option<String>,
}

fn is(text: &Option<Cow<'_, str>>, value: &str) -> bool {
    text.as_deref() == Some(value)
}

impl FilterArgs {
    pub fn filter(&self, key: &KeyArgs) -> anyhow::Result<Filter> {
        let mut wanted = Vec::new();
        let mut want = |values: Vec<String>, column: fn(&Record<'_>, &str) -> bool| {
            // Values stand in a line as JSON text, without its quotation marks here, since a list's items have them elsewhere.
            let quoted = values
                .iter()
                .filter_map(|value| serde_json::to_string(value).ok());
            let finders = quoted
                .map(|text| Finder::new(text.as_bytes()).into_owned())
                .collect();
            wanted.push(Wanted {
                column,
                values,
                finders,
            });
        };
        if let Some(user) = &self.user {
            want(key.names_of("user", user)?, |record, value| {
                is(&record.user, value)
            });
        }
        if let Some(id) = &self.key {
            want(key.names_of("key", id)?, |record, value| {
                is(&record.key_id, value)
            });
        }
        if let Some(address) = &self.source {
            let text = address.to_canonical().to_string();
            want(vec![text], |record, value| is(&record.source_ip, value));
        }
        let one = |text: &String| vec![text.clone()];
        if let Some(text) = &self.team {
            want(one(text), |record, value| is(&record.team, value));
        }
        if let Some(text) = &self.model {
            want(one(text), |record, value| is(&record.model, value));
        }
        if let Some(text) = &self.decision {
            want(one(text), |record, value| is(&record.decision, value));
        }
        if let Some(text) = &self.reason {
            want(one(text), |record, value| is(&record.reason, value));
        }
        if let Some(text) = &self.event {
            want(one(text), |record, value| record.event_type == value);
        }
        if let Some(text) = &self.request_id {
            want(one(text), |record, value| is(&record.request_id, value));
        }
        if let Some(text) = &self.rule {
            want(one(text), |record, value| {
                record.findings.iter().any(|finding| finding.rule == value)
            });
        }
        Ok(Filter {
            wanted,
            since: self.since.map(Timestamp::to_rfc3339),
            until: self.until.map(Timestamp::to_rfc3339),
        })
    }
}

impl Filter {
    /// The record of a line, when it is one that is asked for.
    pub fn record<'a>(&self, line: &'a [u8]) -> Option<Record<'a>> {
        if !self.within(line) || !self.may_have(line) {
            return None;
        }
        let record = Record::parse(line)?;
        let has = |wanted: &Wanted| {
            let mut values = wanted.values.iter();
            values.any(|value| (wanted.column)(&record, value))
        };
        self.wanted.iter().all(has).then_some(record)
    }

    /// Times of one form and zone are ordered as text is.
    fn within(&self, line: &[u8]) -> bool {
        let Some(time) = super::line::time_of(line) else {
            return false;
        };
        let (since, until) = (self.since.as_deref(), self.until.as_deref());
        since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until)
    }

    fn may_have(&self, line: &[u8]) -> bool {
        let mut wanted = self.wanted.iter();
        wanted.all(|wanted| {
            wanted
                .finders
                .iter()
                .any(|finder| finder.find(line).is_some())
        })
    }
}

fn time(text: &str) -> anyhow::Result<Timestamp> {
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    if let Some(time) = Timestamp::parse_rfc3339(text).or_else(day) {
        return Ok(time);
    }
    let expected = "expected 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 90m, 12h, 7d";
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .context(expected)?;
    let number: u64 = number.parse().context(expected)?;
    let secs = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => anyhow::bail!(expected),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let ago = Duration::from_secs(number.checked_mul(secs).context(expected)?);
    let now = Timestamp::from_nanos(u64::try_from(now.as_nanos())?);
    Ok(now.before(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time("2025-12-01").unwrap().as_secs(), 1_764_547_200);
        assert_eq!(
            time("2025-12-01T01:00:00+01:00").unwrap().as_secs(),
            1_764_547_200
        );
        let day = time("1h").unwrap().since(time("1d").unwrap());
        assert!((82_790..=82_810).contains(&day.as_secs()));
        for text in ["", "yesterday", "h", "5w", "é", "99999999999999999999d"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
