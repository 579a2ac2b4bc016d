//! `portcullis audit query`: who did what, when, and how much.

mod totals;

use super::files::{self, Progress};
use super::filter::FilterArgs;
use super::key::KeyArgs;
use super::record::Record;
use crate::Outcome;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use totals::Totals;

/// Find records by who, what and when; count requests and tokens.
///
/// Records are shown as they come; totals of what was found stand on standard error, or with --totals in their place. Exit code: 0.
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// Log files; rotated and compressed ones (gzip, zstd) too, in any order; `-` for standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// The records as they were written, one a line.
    #[arg(long)]
    json: bool,
    /// All columns, with a header, for a spreadsheet.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// No records, but how many requests, refusals and tokens there were.
    #[arg(long)]
    totals: bool,
    /// Totals for each value of this column.
    #[arg(long, value_enum, value_name = "COLUMN", requires = "totals")]
    by: Option<By>,
    /// At most so many records.
    #[arg(long, value_name = "COUNT", conflicts_with = "totals")]
    limit: Option<u64>,
}

/// Columns by which totals are counted.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    User,
    Key,
    Team,
    Source,
    Model,
    Decision,
    Reason,
    Event,
    Day,
}

impl By {
    fn of(self, record: &Record<'_>) -> String {
        let column = match self {
            Self::User => "user",
            Self::Key => "key_id",
            Self::Team => "team",
            Self::Source => "source_ip",
            Self::Model => "model",
            Self::Decision => "decision",
            Self::Reason => "reason",
            Self::Event => "event_type",
            Self::Day => return record.timestamp.chars().take(10).collect(),
        };
        record.column(column)
    }
}

/// The columns of a table for people, and their widths.
const TABLE: [(&str, usize); 10] = [
    ("timestamp", 24),
    ("event_type", 13),
    ("user", 28),
    ("model", 24),
    ("status", 6),
    ("decision", 8),
    ("reason", 20),
    ("tokens_in", 9),
    ("tokens_out", 10),
    ("request_id", 36),
];

/// All columns.
const COLUMNS: [&str; 17] = [
    "timestamp",
    "event_type",
    "user",
    "source_ip",
    "model",
    "tokens_in",
    "tokens_out",
    "latency_ms",
    "status",
    "request_id",
    "team",
    "key_id",
    "path",
    "decision",
    "reason",
    "rules",
    "alerts",
];

impl Query {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let filter = self.filter.filter(&self.key)?;
        let logs = files::in_order(&self.files)?;
        let progress = Progress::over(&logs);
        let mut out = BufWriter::new(io::stdout().lock());
        let mut all = Totals::default();
        let mut shown = 0;
        if !self.totals {
            self.header(&mut out)?;
        }
        'files: for log in &logs {
            let mut lines = progress.open(log)?;
            while let Some(line) = lines.next().with_context(|| log.name.clone())? {
                let Some(record) = filter.record(line.bytes) else {
                    continue;
                };
                if self.limit.is_some_and(|limit| shown >= limit) {
                    break 'files;
                }
                shown += 1;
                all.add(self.by.map(|by| by.of(&record)), &record);
                if !self.totals {
                    self.show(&mut out, line.bytes, &record)?;
                }
            }
        }
        progress.finish();
        if self.totals {
            all.print(&mut out, self.json, self.csv)?;
        }
        out.flush()?;
        if !self.totals && !self.json && !self.csv {
            eprintln!("{}", all.sentence());
        }
        Ok(Outcome::Clean)
    }

    fn header(&self, out: &mut impl Write) -> io::Result<()> {
        if self.csv {
            writeln!(out, "{}", COLUMNS.join(","))
        } else if self.json {
            Ok(())
        } else {
            row(
                out,
                TABLE
                    .iter()
                    .map(|(name, width)| ((*name).to_owned(), *width)),
            )
        }
    }

    fn show(&self, out: &mut impl Write, line: &[u8], record: &Record<'_>) -> io::Result<()> {
        if self.json {
            out.write_all(line)?;
            out.write_all(b"\n")
        } else if self.csv {
            let cells: Vec<String> = COLUMNS
                .iter()
                .map(|name| csv_cell(&record.column(name)))
                .collect();
            writeln!(out, "{}", cells.join(","))
        } else {
            row(
                out,
                TABLE
                    .iter()
                    .map(|(name, width)| (record.column(name), *width)),
            )
        }
    }
}

fn row(out: &mut impl Write, cells: impl Iterator<Item = (String, usize)>) -> io::Result<()> {
    let cells: Vec<String> = cells
        .map(|(text, width)| format!("{text:<width$}"))
        .collect();
    writeln!(out, "{}", cells.join("  ").trim_end())
}

/// A cell as RFC 4180 has it. What a spreadsheet would take for a formula gets an apostrophe before it.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (text, cell) in [
            ("a", "a"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@a,b", "\"'@a,b\""),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }
}
