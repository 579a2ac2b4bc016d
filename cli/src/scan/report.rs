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
    /// How many binary files of directories nobody looked into.
    binary_files: usize,
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
            binary_files: 0,
            json,
            show,
            no_flags,
            found: 0,
        }
    }

    /// Adds what was found in an input; for people it is printed at once.
    pub fn add(&mut self, file: &str, input: &[u8], findings: Vec<Finding>) -> Result<()> {
        let mut places = Places::new(input);
        for finding in findings
            .into_iter()
            .filter(|finding| !self.no_flags || finding.action != Action::Flag)
        {
            let place = finding.range.as_ref().map(|range| places.of(range.start));
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

    pub const fn binary(&mut self) {
        self.binary_files += 1;
    }

    /// # Errors
    /// When something could not be read: what nobody looked at is not clean.
    pub fn finish(self) -> Result<Outcome> {
        if self.json {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &self)?;
            writeln!(out)?;
        } else if self.binary_files > 0 {
            eprintln!(
                "portcullis: binary files left out: {} (a file that is named itself is read as text)",
                self.binary_files
            );
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

/// Lines and columns of bytes, both from 1, columns in characters. Asked for in order, it reads the input once.
struct Places<'a> {
    input: &'a [u8],
    /// A byte, and where it stands.
    position: usize,
    line: usize,
    column: usize,
}

impl<'a> Places<'a> {
    const fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            position: 0,
            line: 1,
            column: 1,
        }
    }

    fn of(&mut self, position: usize) -> (usize, usize) {
        if position < self.position {
            *self = Self::new(self.input);
        }
        for byte in self.input.get(self.position..position).unwrap_or_default() {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // The rest of a character (RFC 3629).
                0x80..0xC0 => {}
                _ => self.column += 1,
            }
        }
        self.position = position;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        assert_eq!(Places::new(b"abc").of(0), (1, 1));
        let mut places = Places::new("é\nüb\n\nc".as_bytes());
        assert_eq!(
            [0, 2, 5, 8, 5].map(|position| places.of(position)),
            [(1, 1), (1, 2), (2, 2), (4, 1), (2, 2)]
        );
    }
}
