//! `portcullis keys rotate`: a new secret for the holder of a key, and an end for the old one.

use super::change::Change;
use super::secret::Secret;
use super::term::{Term, duration, time_value};
use crate::check::now;
use anyhow::{Result, bail};
use clap::Args;
use portcullis_policy::Timestamp;
use portcullis_policy::config::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Give the holder of a key a new one, print its secret, once, and let the old one end after an overlap.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The policy file.
    file: PathBuf,
    /// The old key's id.
    #[arg(long)]
    id: String,
    /// The new key's id; the old one with the next free number behind it unless given.
    #[arg(long)]
    new_id: Option<String>,
    /// How long the old key stays valid beside the new one; never longer than it would be anyway.
    #[arg(long, value_name = "TIME", default_value = "48h", value_parser = duration)]
    overlap: Duration,
    #[command(flatten)]
    term: Term,
}

/// Fields that are a key's own, not its holder's.
const OWN_FIELDS: [&str; 5] = ["id", "sha256", "not_before", "expires_at", "revoked"];

impl Rotate {
    pub(super) fn run(&self) -> Result<()> {
        let mut change = Change::begin(&self.file)?;
        let Value::Map(old) = change.key(&self.id)? else {
            bail!("the key {:?} is no mapping", self.id);
        };
        let new_id = match &self.new_id {
            Some(id) => id.clone(),
            None => next_id(&self.id, |id| change.key(id).is_ok()),
        };
        let secret = Secret::random()?;
        let string = |text: &str| Value::String(text.to_owned());
        let mut fields = vec![
            ("id".to_owned(), string(&new_id)),
            ("sha256".to_owned(), string(&secret.digest())),
        ];
        let holder = |(name, _): &&(String, Value)| !OWN_FIELDS.contains(&name.as_str());
        fields.extend(old.iter().filter(holder).cloned());
        fields.extend(self.term.fields());
        let end = now().after(self.overlap);
        if written_end(&old).is_none_or(|written| end < written) {
            change.set(&self.id, "expires_at", &time_value(end))?;
        }
        change.add(&Value::Map(fields))?;
        change.commit()?;
        eprintln!("the new key is {new_id:?}");
        secret.print()
    }
}

fn written_end(key: &[(String, Value)]) -> Option<Timestamp> {
    let (_, value) = key.iter().find(|(name, _)| name == "expires_at")?;
    let Value::String(text) = value else {
        return None;
    };
    Timestamp::parse_rfc3339(text)
}

/// `laptop` → `laptop-2` → `laptop-3`.
fn next_id(id: &str, taken: impl Fn(&str) -> bool) -> String {
    let (stem, number) = id
        .rsplit_once('-')
        .and_then(|(stem, digits)| Some((stem, digits.parse::<u32>().ok()?)))
        .unwrap_or((id, 1));
    let mut next = number.saturating_add(1);
    loop {
        let id = format!("{stem}-{next}");
        if !taken(&id) || next == u32::MAX {
            return id;
        }
        next += 1;
    }
}
