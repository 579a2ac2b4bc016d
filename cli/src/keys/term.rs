//! When a key begins and ends.

use crate::check::now;
use clap::Args;
use portcullis_policy::Timestamp;
use portcullis_policy::config::{Mistakes, Section, Value};
use std::time::Duration;

/// The guide: rotate keys every 90 days.
const LIFE_DEFAULT: &str = "90d";

/// How long a new key is valid.
#[derive(Debug, Args)]
pub(super) struct Term {
    /// How long the new key is valid, from now on; `never` for a key without an end.
    #[arg(long, value_name = "TIME", default_value = LIFE_DEFAULT, value_parser = life)]
    expires_in: Life,
}

/// A length of time, or for ever.
#[derive(Debug, Clone, Copy)]
struct Life(Option<Duration>);

impl Term {
    /// `not_before` and `expires_at` of a key that begins now.
    pub fn fields(&self) -> Vec<(String, Value)> {
        let start = whole_seconds(now());
        let end = self.expires_in.0.map(|life| start.after(life));
        let fields = [("not_before", Some(start)), ("expires_at", end)];
        fields
            .into_iter()
            .filter_map(|(name, time)| Some((name.to_owned(), time_value(time?))))
            .collect()
    }
}

/// A time as policies write it, without a fraction.
pub(super) fn time_value(time: Timestamp) -> Value {
    let text = whole_seconds(time).to_rfc3339();
    Value::String(text.replace(".000Z", "Z"))
}

const fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_secs(time.as_secs())
}

fn life(text: &str) -> Result<Life, String> {
    if text == "never" {
        return Ok(Life(None));
    }
    duration(text).map(|duration| Life(Some(duration)))
}

/// A length of time as policies write it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (value, mistakes) = (Value::String(text.to_owned()), Mistakes::default());
    let duration = Section::new("", &value, &mistakes).duration();
    duration.ok_or_else(|| "expected a length of time such as 30m, 48h or 90d".to_owned())
}
