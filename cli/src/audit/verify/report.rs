//! What was found, for people and for programs.

use crate::counted;
use serde::Serialize;
use std::fmt;
use std::io::{self, Write as _};

/// Most problems that are told one by one; the others are counted. Keeps a log of another key from filling a screen and memory.
const PROBLEMS_MAX: usize = 1000;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "problem")]
pub(super) enum Problem {
    /// The seal does not fit the record.
    Changed { id: String, seq: u64 },
    /// The record does not follow from the one before it.
    Broken { id: String, seq: u64 },
    /// Records of these numbers are not there.
    Missing { id: String, from: u64, to: u64 },
    /// The same record once more.
    Repeated { id: String, seq: u64 },
    /// A record after one that was written later.
    OutOfOrder { id: String, seq: u64, after: u64 },
    /// The chain's first records are not there.
    NoBeginning { id: String, seq: u64 },
    /// The chain's last records are not there.
    CutOff { id: String, seq: u64, known: u64 },
    /// Nothing is there of a chain that is known to have been.
    Vanished { id: String, known: u64 },
    /// The record is not the one whose seal was kept.
    OtherHead { id: String, seq: u64 },
    /// The line is no record.
    NoRecord,
    /// The file ends in the middle of a line.
    LineCut,
    /// Persons were taken out that no record of an erasure accounts for.
    Unaccounted { erased: u64, accounted: u64 },
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { id, seq } => write!(
                out,
                "record {seq} of chain {id} was changed: its seal does not fit"
            ),
            Self::Broken { id, seq } => write!(
                out,
                "record {seq} of chain {id} does not follow from the one before it"
            ),
            Self::Missing { id, from, to } if from == to => {
                write!(out, "record {from} of chain {id} is missing")
            }
            Self::Missing { id, from, to } => {
                write!(out, "records {from} to {to} of chain {id} are missing")
            }
            Self::Repeated { id, seq } => {
                write!(out, "record {seq} of chain {id} stands here once more")
            }
            Self::OutOfOrder { id, seq, after } => write!(
                out,
                "record {seq} of chain {id} stands after record {after}"
            ),
            Self::NoBeginning { id, seq } => write!(
                out,
                "chain {id} begins with record {seq}: those before it are missing (--retained: because older files were deleted)"
            ),
            Self::CutOff { id, seq, known } => write!(
                out,
                "chain {id} ends with record {seq}, but had record {known}: its end was cut off"
            ),
            Self::Vanished { id, known } => write!(
                out,
                "chain {id} is missing, which had record {known} (--retained: because older files were deleted)"
            ),
            Self::OtherHead { id, seq } => write!(
                out,
                "record {seq} of chain {id} is not the one whose seal was kept"
            ),
            Self::NoRecord => write!(out, "this line is no record"),
            Self::LineCut => write!(out, "the file ends in the middle of a line"),
            Self::Unaccounted { erased, accounted } => write!(
                out,
                "{erased} records were taken their persons, and records of erasures account for {accounted}"
            ),
        }
    }
}

/// A problem and where it was found.
#[derive(Debug, Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(flatten)]
    problem: Problem,
}

#[derive(Debug, Serialize)]
struct Chain {
    id: String,
    records: u64,
    seq: u64,
    mac: String,
}

/// All that was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(skip)]
    file: String,
    #[serde(skip)]
    line: Option<u64>,
    records: u64,
    chains: Vec<Chain>,
    /// Records that a collector did not get, as the gateway recorded it.
    undelivered: u64,
    problem_count: u64,
    problems: Vec<Found>,
}

impl Report {
    /// What is told from now on concerns this line.
    pub fn place(&mut self, file: &str, line: u64) {
        if self.file != file {
            file.clone_into(&mut self.file);
        }
        self.line = Some(line);
    }

    /// What is told from now on concerns the files as a whole.
    pub const fn nowhere(&mut self) {
        self.line = None;
    }

    pub const fn record(&mut self) {
        self.records += 1;
    }

    pub const fn excuse(&mut self, count: u64) {
        self.undelivered += count;
    }

    pub fn problem(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Found {
                file: self.line.map(|_| self.file.clone()),
                line: self.line,
                problem,
            });
        }
    }

    pub fn chain(&mut self, id: &str, records: u64, seq: u64, mac: &[u8; 32]) {
        self.chains.push(Chain {
            id: id.to_owned(),
            records,
            seq,
            mac: portcullis_audit::hex(mac),
        });
    }

    /// The names of the problems found.
    #[cfg(test)]
    pub fn kinds(&self) -> Vec<String> {
        let name = |found: &Found| {
            let value = serde_json::to_value(&found.problem).unwrap();
            value["problem"].as_str().unwrap().to_owned()
        };
        self.problems.iter().map(name).collect()
    }

    pub const fn clean(&self) -> bool {
        self.problem_count == 0
    }

    pub fn print(&self, json: bool, key: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            return writeln!(out);
        }
        for Found {
            file,
            line,
            problem,
        } in &self.problems
        {
            if let (Some(file), Some(line)) = (file, line) {
                write!(out, "{file}:{line}: ")?;
            }
            writeln!(out, "{problem}")?;
        }
        let told = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        if self.problem_count > told {
            writeln!(out, "… and {} more", self.problem_count - told)?;
        }
        for Chain {
            id, records, seq, ..
        } in &self.chains
        {
            writeln!(out, "chain {id}: {records} records, the last is {seq}")?;
        }
        if self.undelivered > 0 {
            writeln!(
                out,
                "{} records were not delivered, as the gateway recorded",
                self.undelivered
            )?;
        }
        let read = format!(
            "{} in {}",
            counted(self.records, "record", "records"),
            counted(self.chains.len() as u64, "chain", "chains")
        );
        if self.clean() {
            let outcome = match self.records {
                0 => "nothing to verify",
                _ => "all hold",
            };
            return writeln!(out, "{read}: {outcome}");
        }
        let changed = |found: &Found| matches!(found.problem, Problem::Changed { .. });
        if self.problem_count >= self.records && self.problems.iter().all(changed) {
            writeln!(
                out,
                "not one seal fits: is the key in {key} the one that the gateway had?"
            )?;
        }
        let problems = counted(self.problem_count, "problem", "problems");
        writeln!(out, "{read}: {problems}")
    }
}
