//! `portcullis audit verify`: is every record as it was written, and is none missing?

mod chains;
mod report;
#[cfg(test)]
pub(super) mod testing;

use super::files::{self, Progress};
use super::key::KeyArgs;
use super::line::Line;
use crate::Outcome;
use anyhow::Context as _;
use chains::Chains;
use clap::Args;
use report::{Problem, Report};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;

/// Check that no record was changed, removed, moved, put in or cut off.
///
/// FILEs may be rotated and compressed (gzip, zstd), in any order; `-` is standard input. Exit code: 0 when every chain holds, 1 when not, 2 when a
/// file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Log files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
    /// Heads that were kept elsewhere, as `portcullis audit heads` prints them: every one of them must be in the files.
    #[arg(long, value_name = "FILE")]
    heads: Vec<PathBuf>,
    /// Older files were deleted, as the retention wants it: chains may begin in the middle, and whole chains may be gone.
    #[arg(long)]
    retained: bool,
    /// The files are what a collector got: what the gateway recorded as not delivered is no problem.
    #[arg(long)]
    collector: bool,
    /// One JSON document instead of lines for people.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let mut chains = Chains::new(self.retained, self.collector);
        for path in &self.heads {
            let name = || path.display().to_string();
            let text = fs::read_to_string(path).with_context(name)?;
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                let head: Head = serde_json::from_str(line).with_context(name)?;
                let head = head
                    .claim()
                    .with_context(|| format!("{}: not a head: {line}", name()))?;
                chains.claim(head);
            }
        }
        let seal = self.key.seal()?;
        let mut report = Report::default();
        let logs = files::in_order(&self.files)?;
        let progress = Progress::over(&logs);
        for log in &logs {
            let mut lines = progress.open(log)?;
            let mut number = 0;
            while let Some(raw) = lines.next().with_context(|| log.name.clone())? {
                number += 1;
                report.place(&log.name, number);
                match Line::parse(raw.bytes).filter(|_| !raw.too_long) {
                    Some(line) => {
                        let holds = line.holds(&seal);
                        chains.take(&line, raw.bytes, holds, &mut report);
                    }
                    None => report.problem(Problem::NoRecord),
                }
                if !raw.ended {
                    report.problem(Problem::LineCut);
                }
            }
        }
        progress.finish();
        report.nowhere();
        chains.finish(&mut report);
        report.print(self.json, self.key.name())?;
        Ok(if report.clean() {
            Outcome::Clean
        } else {
            Outcome::Found
        })
    }
}

/// A head as records and `portcullis audit heads` spell it.
#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    seq: u64,
    mac: String,
    #[serde(default)]
    delivered: Option<u64>,
}

/// What somebody says of a chain: that it has a record of this number with this seal.
#[derive(Debug, Clone)]
struct Claim {
    id: String,
    seq: u64,
    mac: [u8; 32],
    /// So many of its records were delivered by then.
    delivered: Option<u64>,
}

impl Head {
    fn claim(self) -> Option<Claim> {
        Some(Claim {
            mac: portcullis_audit::unhex(&self.mac)?,
            id: self.id,
            seq: self.seq,
            delivered: self.delivered,
        })
    }
}
