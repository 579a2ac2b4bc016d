//! `portcullis keys hash`: what a policy keeps of a secret.

use super::secret::hex_digest;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::io::{Read as _, Write as _};

/// Print the digest of a secret that you have already, read from standard input.
///
/// White space around the secret does not count. A secret is never an argument: those show in `ps` and in the shell's history.
#[derive(Debug, Args)]
pub(super) struct Hash {
    /// Read it from this environment variable instead.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

impl Hash {
    pub(super) fn run(&self) -> Result<()> {
        let secret = match &self.env {
            Some(name) => std::env::var(name)
                .with_context(|| format!("cannot read the environment variable {name}"))?,
            None => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .context("cannot read standard input")?;
                text
            }
        };
        let secret = secret.trim();
        ensure!(!secret.is_empty(), "the secret is empty");
        ensure!(
            secret.bytes().all(|b| b.is_ascii_graphic()),
            "the secret holds characters that cannot stand in a header field"
        );
        writeln!(std::io::stdout(), "{}", hex_digest(secret.as_bytes()))?;
        Ok(())
    }
}
