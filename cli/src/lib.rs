//! The command line of Portcullis: what an operator does with a policy and with what the gateway wrote down.
//!
//! Each subcommand is one file of this crate and one line of [`Command`]. What a policy means is asked of the policies' own `configure`
//! functions, so what passes here passes in the proxy. Nothing here talks to a network.
//!
//! Every subcommand exits with 0 when all is well, with 1 when it looked and found something, and with 2 when it could not look: wrong
//! arguments, a file that cannot be read.

mod audit;
mod check;
mod keys;
mod policy_file;
mod render;
mod replace;
mod scan;
mod yaml;

pub use portcullis_policy::Action;
pub use scan::{Finding, Preflight};

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

/// Guardrails for LLM traffic in the Envoy that you already run: tools for its policy and its records.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One line for each subcommand; its documentation and arguments stand in its own file.
#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Audit),
    Check(check::Check),
    Keys(keys::Keys),
    Render(render::Render),
    Scan(scan::Scan),
}

impl Command {
    fn run(&self) -> anyhow::Result<Outcome> {
        match self {
            Self::Audit(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Keys(command) => command.run(),
            Self::Render(command) => command.run(),
            Self::Scan(command) => command.run(),
        }
    }
}

/// What a subcommand came to, when it could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Clean,
    /// What it looks for is there: a mistake, a finding, a broken chain.
    Found,
}

const EXIT_FOUND: u8 = 1;
const EXIT_FAILED: u8 = 2;

/// `1 record`, `2 records`.
fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Runs the subcommand that the process's arguments name; messages of failures go to standard error.
#[must_use]
pub fn main() -> ExitCode {
    run(&Cli::parse())
}

/// The same with arguments of the caller's, the program's name first: for tests of what the commands do to a running proxy.
#[must_use]
pub fn run_with<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run(&cli),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// What `portcullis render …` writes to standard output; the arguments begin behind `render`. For what starts a proxy with it.
///
/// # Errors
/// Wrong arguments, a policy with mistakes, a file that cannot be read.
pub fn rendered<A: Into<OsString>>(
    arguments: impl IntoIterator<Item = A>,
) -> anyhow::Result<String> {
    let words = ["portcullis", "render"].map(OsString::from);
    let arguments = words
        .into_iter()
        .chain(arguments.into_iter().map(Into::into));
    match Cli::try_parse_from(arguments)?.command {
        Command::Render(render) => render.text(),
        Command::Audit(_) | Command::Check(_) | Command::Keys(_) | Command::Scan(_) => {
            anyhow::bail!("not a command that renders")
        }
    }
}

fn run(cli: &Cli) -> ExitCode {
    match cli.command.run() {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(EXIT_FOUND),
        // Whoever reads our output stopped: `portcullis … | head` is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis: {error:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
