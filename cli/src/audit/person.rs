//! A person's records in some logs: what both rights of the GDPR are about, to have them and to have them erased.

use super::files::{self, Log};
use super::filter::{Filter, FilterArgs};
use super::key::KeyArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct PersonArgs {
    /// The person.
    #[arg(long)]
    user: String,
    /// Log files; rotated and compressed ones too.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pub key: KeyArgs,
}

impl PersonArgs {
    /// Finds the records.
    pub fn filter(&self) -> anyhow::Result<Filter> {
        let wanted = FilterArgs {
            user: Some(self.user.clone()),
            ..FilterArgs::default()
        };
        wanted.filter(&self.key)
    }

    /// The files, oldest first.
    pub fn logs(&self) -> anyhow::Result<Vec<Log>> {
        files::in_order(&self.files)
    }
}
