//! `portcullis audit erase`: takes a person out of the records (GDPR, article 17). The chain still holds afterwards.

mod rewrite;

use super::person::PersonArgs;
use crate::Outcome;
use anyhow::Context as _;
use clap::Args;
use rewrite::Rewrite;

/// Take a person out of every record, in place; the chain still holds.
///
/// User, address and key id are replaced by the digest that was sealed. Each file is written anew beside itself and then takes its place, so a crash
/// leaves the old one or the new one; it ends with a record of the erasure. Files that a running Envoy writes to are refused: rotate them first.
/// Exit code: 0 when records were erased, 1 when there were none.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    person: PersonArgs,
    /// Say what would be erased, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Erase {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let rewrite = Rewrite {
            filter: self.person.filter()?,
            seal: self.person.key.seal()?,
        };
        let logs = self.person.logs()?;
        // Nothing is changed anywhere before it is known that everything can be.
        let mut found = Vec::new();
        for log in &logs {
            let count = rewrite.count(log)?;
            if count > 0 {
                rewrite::nobody_writes(&log.path).with_context(|| log.name.clone())?;
                found.push((log, count));
            }
        }
        let mut total = 0;
        for (log, count) in found {
            if !self.dry_run {
                rewrite.file(log).with_context(|| log.name.clone())?;
            }
            println!("{}: {count} records", log.name);
            total += count;
        }
        println!(
            "{total} records {}",
            if self.dry_run {
                "would be erased"
            } else {
                "erased"
            }
        );
        Ok(if total > 0 {
            Outcome::Clean
        } else {
            Outcome::Found
        })
    }
}
