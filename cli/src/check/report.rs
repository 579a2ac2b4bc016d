//! What a check found, for people and for programs.

use crate::counted;
use crate::policy_file::PolicyText;
use serde::Serialize;
use std::io::{self, Write};

/// What no policy document can show. Said after every check, so that nobody takes it for done.
const NOT_VISIBLE: &str = "TLS of the listener and to the providers, firewall rules, where provider keys are kept, log retention and \
                           its encryption, backups, incident response";

/// The same of a configuration around policies.
pub(super) const NOT_VISIBLE_AROUND: &str = "firewall rules, who may read the files that it names, log retention and its encryption, \
                                             backups, incident response";

/// One thing found, and where.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    line: usize,
    path: String,
    check: &'static str,
    message: String,
}

impl Place {
    /// A line of the file itself.
    pub fn at(line: usize, path: &str, check: &'static str, message: impl Into<String>) -> Self {
        Self {
            line,
            path: path.to_owned(),
            check,
            message: message.into(),
        }
    }

    /// Where the path of a policy leads.
    pub fn of(
        policy: &PolicyText,
        path: &str,
        check: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::at(policy.line(path), path, check, message)
    }

    /// The line of the file.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// One line of text: `file:line: kind: path: message`.
    pub fn write(&self, out: &mut impl Write, file: &str, kind: &str) -> io::Result<()> {
        let (line, path, message) = (self.line, &self.path, &self.message);
        let separator = if path.is_empty() { "" } else { ": " };
        writeln!(out, "{file}:{line}: {kind}: {path}{separator}{message}")
    }
}

/// All that was found in a file.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    file: String,
    policies: usize,
    /// Why the modules would refuse it.
    pub mistakes: Vec<Place>,
    /// There may be more mistakes than are listed.
    pub more: bool,
    /// What the security guide would have otherwise.
    pub warnings: Vec<Place>,
    /// What nobody can see in it.
    pub not_visible: &'static str,
}

impl Report {
    pub const fn new(file: String, policies: usize) -> Self {
        Self {
            file,
            policies,
            mistakes: Vec::new(),
            more: false,
            warnings: Vec::new(),
            not_visible: NOT_VISIBLE,
        }
    }

    /// In the order of the file, as whoever repairs it reads it, and once what several policies share by an anchor.
    pub fn sort(&mut self) {
        for places in [&mut self.mistakes, &mut self.warnings] {
            places.sort_by(|one, other| (one.line, one.check).cmp(&(other.line, other.check)));
            places.dedup();
        }
    }

    pub fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return writeln!(out);
        }
        for (kind, places) in [("error", &self.mistakes), ("warning", &self.warnings)] {
            for place in places {
                place.write(&mut out, &self.file, kind)?;
            }
        }
        let more = if self.more { ", maybe more" } else { "" };
        writeln!(
            out,
            "{}: {}, {}{more}, {}",
            self.file,
            counted(self.policies as u64, "policy", "policies"),
            counted(self.mistakes.len() as u64, "mistake", "mistakes"),
            counted(self.warnings.len() as u64, "warning", "warnings"),
        )?;
        writeln!(out, "not visible in it: {}", self.not_visible)
    }
}
