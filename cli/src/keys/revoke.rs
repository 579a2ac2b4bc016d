//! `portcullis keys revoke`: the end of a key, now.

use super::change::Change;
use anyhow::Result;
use clap::Args;
use portcullis_policy::config::Value;
use std::path::PathBuf;

/// Revoke a key: it is refused from the moment on that Envoy reads the file.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The policy file.
    file: PathBuf,
    /// The key's id.
    #[arg(long)]
    id: String,
}

impl Revoke {
    pub(super) fn run(&self) -> Result<()> {
        let mut change = Change::begin(&self.file)?;
        change.set(&self.id, "revoked", &Value::Bool(true))?;
        change.commit()?;
        eprintln!("the key {:?} is revoked", self.id);
        Ok(())
    }
}
