//! The texts that were judged otherwise than they are labelled, for somebody to read.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use portcullis_cli::Finding;
use serde::Serialize;

use super::{Label, Sample, tally};

/// A list of them that is being written, one JSON object a line.
pub(super) struct Wrong(BufWriter<File>);

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    label: Label,
    rule: &'a str,
    /// Who found what in it; of a positive nobody.
    detectors: Vec<(&'a str, Option<&'a str>)>,
    text: &'a str,
}

impl Wrong {
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        Ok(Self(BufWriter::new(file)))
    }

    /// Takes a text down if it was judged wrongly.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, source: &str, sample: &Sample, findings: &[Finding]) -> Result<()> {
        if findings.is_empty() != (sample.label == Label::Positive) {
            return Ok(());
        }
        let found = |finding: &'_ Finding| {
            let range = finding.range.clone();
            range.and_then(|range| sample.text.get(range))
        };
        let line = Line {
            source,
            label: sample.label,
            rule: &sample.rule,
            detectors: findings
                .iter()
                .map(|finding| (tally::name(finding), found(finding)))
                .collect(),
            text: &sample.text,
        };
        serde_json::to_writer(&mut self.0, &line)?;
        Ok(self.0.write_all(b"\n")?)
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}
