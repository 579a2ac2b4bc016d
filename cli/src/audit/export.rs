//! `portcullis audit export`: all that is recorded of a person (GDPR, articles 15 and 20).

use super::files::Progress;
use super::person::PersonArgs;
use crate::Outcome;
use anyhow::Context as _;
use clap::Args;
use std::io::{self, BufWriter, Write as _};

/// Every record of a person, one JSON object a line, as it was written.
///
/// Exit code: 0 when there are records, 1 when there are none.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    person: PersonArgs,
}

impl Export {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let filter = self.person.filter()?;
        let logs = self.person.logs()?;
        let progress = Progress::over(&logs);
        let mut out = BufWriter::new(io::stdout().lock());
        let mut count = 0_u64;
        for log in &logs {
            let mut lines = progress.open(log)?;
            while let Some(line) = lines.next().with_context(|| log.name.clone())? {
                if filter.record(line.bytes).is_some() {
                    out.write_all(line.bytes)?;
                    out.write_all(b"\n")?;
                    count += 1;
                }
            }
        }
        out.flush()?;
        progress.finish();
        eprintln!("{count} records");
        Ok(if count > 0 {
            Outcome::Clean
        } else {
            Outcome::Found
        })
    }
}
