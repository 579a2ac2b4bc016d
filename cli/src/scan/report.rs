//! What a scan found, for people and for programs. Never what was found itself, unless that is asked for.

use super::Finding;
use crate::Outcome;
use anyhow::{Result, bail};
use portcullis_policy::Action;
use serde::Serialize;
use std::io::{self, Write};

/// A finding and its place.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    /// From 1; absent where a finding stands in several places at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// In characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detector: Option<&'static str>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// What could not be looked at.
#[derive(Debug, Serialize)]
struct Unreadable {
    file: String,
    why: String,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    findings: Vec<Line>,
    unreadable: Vec<Unreadable>,
    #[serde(skip)]
    json: bool,
    #[serde(skip)]
    show: bool,
    #[serde(skip)]
    no_flags: bool,
    #[serde(skip)]
    found: usize,
}

impl Report {
    pub const fn new(json: bool, show: bool, no_flags: bool) -> Self {
        Self {
            findings: Vec::new(),
            unreadable: Vec::new(),
            json,
            show,
            no_flags,
            found: 0,
        }
    }

    /// Adds what was found in an input; for people it is printed at once.
    pub fn add(&mut self, file: &str, input: &[u8], findings: Vec<Finding>) -> Result<()> {
        for finding in findings
            .into_iter()
            .filter(|finding| !self.no_flags || finding.action != Action::Flag)
        {
            let place = finding
                .range
                .as_ref()
                .map(|range| place(input, range.start));
            let value = finding.range.as_ref().filter(|_| self.show).map(|range| {
                String::from_utf8_lossy(input.get(range.clone()).unwrap_or_default()).into_owned()
            });
            let line = Line {
                file: file.to_owned(),
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
                rule: finding.rule,
                detector: finding.detector,
                action: finding.action.name(),
                value,
            };
            self.found += 1;
            if self.json {
                self.findings.push(line);
            } else {
                line.print(&mut io::stdout().lock())?;
            }
        }
        Ok(())
    }

    pub fn unreadable(&mut self, file: &str, why: &str) {
        eprintln!("portcullis: {file}: {why}");
        self.unreadable.push(Unreadable {
            file: file.to_owned(),
            why: why.to_owned(),
        });
    }

    /// # Errors
    /// When something could not be read: what nobody looked at is not clean.
    pub fn finish(self) -> Result<Outcome> {
        if self.json {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &self)?;
            writeln!(out)?;
        }
        match (self.unreadable.len(), self.found) {
            (0, 0) => Ok(Outcome::Clean),
            (0, _) => Ok(Outcome::Found),
            (count, _) => bail!("{count} of the inputs could not be read"),
        }
    }
}

impl Line {
    /// `file:line:column: action rule (detector)`, a form that editors and terminals make a link of.
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{}", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(out, ":{line}:{column}")?;
        }
        write!(out, ": {} {}", self.action, self.rule)?;
        if let Some(detector) = self.detector.filter(|detector| *detector != self.rule) {
            write!(out, " ({detector})")?;
        }
        match &self.value {
            Some(value) => writeln!(out, ": {value}"),
            None => writeln!(out),
        }
    }
}

/// Line and column of a byte, both from 1, columns in characters.
fn place(input: &[u8], position: usize) -> (usize, usize) {
    let before = input.get(..position).unwrap_or(input);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let begin = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(before.get(begin..).unwrap_or_default())
        .chars()
        .count()
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        assert_eq!(place(b"abc", 0), (1, 1));
        assert_eq!(place("é\nüb".as_bytes(), 5), (2, 2));
        assert_eq!(place(b"a\n\nb", 3), (3, 1));
    }
}
