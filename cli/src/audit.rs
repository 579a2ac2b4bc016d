//! `portcullis audit`: what the gateway wrote down, and whether it still stands as it was written.
//!
//! All of it streams: files may be larger than memory, rotated ones may be compressed (gzip, zstd). `docs/audit.md` describes what a record is and
//! how records are sealed.

mod erase;
mod export;
mod files;
mod filter;
mod heads;
mod key;
mod line;
mod lines;
mod person;
mod query;
mod record;
mod verify;

use crate::Outcome;
use clap::{Args, Subcommand};

/// Verify, query, export and erase audit records.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Verify),
    Query(Box<query::Query>),
    Export(export::Export),
    Erase(erase::Erase),
    Heads(heads::Heads),
}

impl Audit {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        match &self.command {
            Command::Verify(command) => command.run(),
            Command::Query(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Erase(command) => command.run(),
            Command::Heads(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests;
