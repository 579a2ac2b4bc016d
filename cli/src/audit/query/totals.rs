//! Counting what was found.

use super::super::record::Record;
use super::csv_cell;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Requests and tokens.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Count {
    records: u64,
    requests: u64,
    refused: u64,
    tokens_in: u64,
    tokens_out: u64,
}

/// Counts by the values of a column, or of everything under one empty value.
#[derive(Debug, Default)]
pub(super) struct Totals {
    counts: BTreeMap<String, Count>,
    by: bool,
}

impl Totals {
    pub fn add(&mut self, value: Option<String>, record: &Record<'_>) {
        self.by |= value.is_some();
        let count = self.counts.entry(value.unwrap_or_default()).or_default();
        count.records += 1;
        count.requests += u64::from(record.is_request());
        count.refused += u64::from(record.decision.as_deref() == Some("refuse"));
        count.tokens_in = count
            .tokens_in
            .saturating_add(record.tokens_in.unwrap_or(0));
        count.tokens_out = count
            .tokens_out
            .saturating_add(record.tokens_out.unwrap_or(0));
    }

    fn all(&self) -> Count {
        self.counts
            .values()
            .fold(Count::default(), |sum, count| Count {
                records: sum.records + count.records,
                requests: sum.requests + count.requests,
                refused: sum.refused + count.refused,
                tokens_in: sum.tokens_in.saturating_add(count.tokens_in),
                tokens_out: sum.tokens_out.saturating_add(count.tokens_out),
            })
    }

    /// For people.
    pub fn sentence(&self) -> String {
        let Count {
            records,
            requests,
            refused,
            tokens_in,
            tokens_out,
        } = self.all();
        format!(
            "{records} records: {requests} requests, {refused} refused, {tokens_in} tokens in, {tokens_out} tokens out"
        )
    }

    pub fn print(&self, out: &mut impl Write, json: bool, csv: bool) -> io::Result<()> {
        if json && self.by {
            serde_json::to_writer(&mut *out, &self.counts)?;
            return writeln!(out);
        }
        if json {
            serde_json::to_writer(&mut *out, &self.all())?;
            return writeln!(out);
        }
        if csv {
            writeln!(out, "value,records,requests,refused,tokens_in,tokens_out")?;
            for (value, count) in &self.counts {
                let Count {
                    records,
                    requests,
                    refused,
                    tokens_in,
                    tokens_out,
                } = count;
                let value = csv_cell(value);
                writeln!(
                    out,
                    "{value},{records},{requests},{refused},{tokens_in},{tokens_out}"
                )?;
            }
            return Ok(());
        }
        if self.by {
            writeln!(
                out,
                "{:<32} {:>10} {:>10} {:>14} {:>14}",
                "", "requests", "refused", "tokens in", "tokens out"
            )?;
            for (value, count) in &self.counts {
                let value = if value.is_empty() { "(none)" } else { value };
                writeln!(
                    out,
                    "{value:<32} {:>10} {:>10} {:>14} {:>14}",
                    count.requests, count.refused, count.tokens_in, count.tokens_out
                )?;
            }
        }
        writeln!(out, "{}", self.sentence())
    }
}
