//! What is found in a text that nobody labelled because nothing was planted in it: for each finding of it somebody must be able to say why.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use portcullis_cli::{Action, Preflight};
use serde::Serialize;

use super::tables;

const MIB: f64 = 1024.0 * 1024.0;

/// Findings of a clean text.
#[derive(Debug, Default, Serialize)]
pub(super) struct Clean {
    pub bytes: usize,
    /// By detector: all, and those that are only flagged.
    pub findings: BTreeMap<String, (u64, u64)>,
}

impl Clean {
    /// Scans a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(preflight: &mut Preflight, path: &Path) -> Result<Self> {
        let text = super::bytes(path)?;
        let mut clean = Self {
            bytes: text.len(),
            ..Self::default()
        };
        for finding in preflight.scan(&text) {
            let name = finding.detector.map_or(finding.rule, str::to_owned);
            let (all, flagged) = clean.findings.entry(name).or_default();
            *all += 1;
            *flagged += u64::from(finding.action == Action::Flag);
        }
        Ok(clean)
    }

    /// As a table.
    pub fn render(&self, name: &str) -> String {
        let mib = self.bytes as f64 / MIB;
        let per_mib = |count: u64| format!("{:.1}", count as f64 / mib);
        let mut out = "\n".to_owned();
        let columns = ["findings", "per MiB", "flagged"].map(str::to_owned);
        // Writing to a string cannot fail.
        let _ = tables::row(&mut out, &format!("clean text {name}"), &columns);
        let mut sum = (0, 0);
        for (detector, (all, flagged)) in &self.findings {
            let cells = [all.to_string(), per_mib(*all), flagged.to_string()];
            let _ = tables::row(&mut out, detector, &cells);
            sum = (sum.0 + all, sum.1 + flagged);
        }
        let cells = [sum.0.to_string(), per_mib(sum.0), sum.1.to_string()];
        let _ = tables::row(&mut out, "all", &cells);
        out
    }
}
