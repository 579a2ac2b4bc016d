//! Steps with a line each, and what came of them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

/// What became of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    const PASSED: Self = Self {
        passed: 1,
        failed: 0,
        skipped: 0,
    };
    const FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Adds up the lines in which Rust's test harness sums up: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn of_harness(output: &str) -> Self {
        let mut tally = Self::default();
        for line in output
            .lines()
            .filter_map(|line| line.strip_prefix("test result: "))
        {
            let count = |word: &str| {
                let part = line
                    .split(['.', ';'])
                    .find_map(|part| part.trim().strip_suffix(word));
                part.and_then(|number| number.trim().parse::<u64>().ok())
                    .unwrap_or(0)
            };
            tally.add(Self {
                passed: count("passed"),
                failed: count("failed"),
                skipped: count("ignored"),
            });
        }
        tally
    }
}

/// Runs steps one after the other.
#[derive(Debug)]
pub struct Progress {
    /// Whether a part that cannot run here is a failure: `CI=true`.
    is_strict: bool,
    logs: PathBuf,
    total: Tally,
    notes: Vec<String>,
}

impl Progress {
    /// The output of each step goes to a file in `logs`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(logs: PathBuf) -> Result<Self> {
        fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;
        let is_strict = std::env::var("CI").is_ok_and(|value| value == "true");
        Ok(Self {
            is_strict,
            logs,
            total: Tally::default(),
            notes: Vec::new(),
        })
    }

    /// Runs a command. It counts as one test, or as all that Rust's test harness says it ran.
    ///
    /// # Errors
    /// When the command cannot be run at all.
    pub fn command(&mut self, title: &str, command: &mut Command) -> Result<()> {
        let begin = begin(title);
        let path = self
            .logs
            .join(format!("{}.log", title.replace([' ', ',', ':'], "-")));
        let log = File::create(&path).with_context(|| path.display().to_string())?;
        let status = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status();
        let status = status.with_context(|| format!("{command:?}"))?;
        let output = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let mut tally = Tally::of_harness(&output);
        // What fails without a test that failed did not come to run one.
        if !status.success() && tally.failed == 0 {
            tally.add(Tally::FAILED);
        } else if tally == Tally::default() {
            tally = Tally::PASSED;
        }
        self.end(begin, tally);
        if !status.success() {
            println!("{output}");
            self.notes
                .push(format!("failed: {title} ({})", path.display()));
        }
        Ok(())
    }

    /// Runs a part of this program, which counts as one test.
    pub fn step<T>(&mut self, title: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        let begin = begin(title);
        match work() {
            Ok(value) => {
                self.end(begin, Tally::PASSED);
                Some(value)
            }
            Err(error) => {
                self.end(begin, Tally::FAILED);
                println!("{error:#}");
                self.notes.push(format!("failed: {title}"));
                None
            }
        }
    }

    /// A part that cannot run here: `missing` says what it lacks and how to get it.
    pub fn skip(&mut self, title: &str, missing: &anyhow::Error) {
        let begin = begin(title);
        if self.is_strict {
            self.end(begin, Tally::FAILED);
            self.notes.push(format!("failed: {title}: {missing:#}"));
        } else {
            self.end(
                begin,
                Tally {
                    passed: 0,
                    failed: 0,
                    skipped: 1,
                },
            );
            self.notes.push(format!("skipped: {title}: {missing:#}"));
        }
    }

    fn end(&mut self, begin: Instant, tally: Tally) {
        self.total.add(tally);
        let Tally {
            passed,
            failed,
            skipped,
        } = tally;
        println!(
            "{passed:>5} passed {failed:>3} failed {skipped:>3} skipped  {:>6.1} s",
            begin.elapsed().as_secs_f64()
        );
    }

    /// Says what failed and what was skipped, and the sum as the last line; whether all is well.
    pub fn finish(self) -> bool {
        println!();
        for note in &self.notes {
            println!("{note}");
        }
        let Tally {
            passed,
            failed,
            skipped,
        } = self.total;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        failed == 0
    }
}

fn begin(title: &str) -> Instant {
    print!("{title:<48}");
    io::stdout().flush().ok();
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn adds_up_what_the_harness_says() {
        let output = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            noise\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.00s\n";
        assert_eq!(
            Tally::of_harness(output),
            Tally {
                passed: 13,
                failed: 2,
                skipped: 1
            }
        );
        assert_eq!(Tally::of_harness("nothing of the kind"), Tally::default());
    }
}
