//! How fast texts go through the DLP scanner in wasmtime, beside a pass for keywords alone.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis_envoy_test::Checkout;

use crate::build;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A folder with *.txt.gz: `chat`, `logs` and `hostile` have goals
    folder: PathBuf,
    /// How often each text is scanned; the fastest counts
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Write all figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail when a goal is missed
    #[arg(long)]
    strict: bool,
}

/// Builds the module and what it is compared with, and measures.
///
/// # Errors
/// When something does not build or a text cannot be read.
pub fn run(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    build::ensure_target()?;
    eprintln!("building the module …");
    let module = build::module(checkout, "dlp")?;
    let keywords = build::wasm(
        checkout,
        &checkout.root().join("host-test/speed/keywords/Cargo.toml"),
        "portcullis-keywords-guest",
    )?;
    let folder = std::path::absolute(&arguments.folder)?;
    let json = arguments.json.as_ref().map(std::path::absolute);
    let mut command = build::cargo();
    command
        .current_dir(checkout.root())
        .args(["run", "--quiet", "--package", "portcullis-speed"])
        .args(["--bin", "portcullis-speed", "--"])
        .arg(folder)
        .arg("--module")
        .arg(checkout.plugins().join("dlp.wasm"))
        .arg("--keywords")
        .arg(keywords)
        .args(["--rounds", &arguments.rounds.to_string()]);
    if let Some(json) = json.transpose()? {
        command.arg("--json").arg(json);
    }
    if arguments.strict {
        command.arg("--strict");
    }
    println!("dlp.wasm {} KiB", module / 1024);
    finish(command)
}

fn finish(mut command: Command) -> Result<ExitCode> {
    let status = command.status().context("cargo run")?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(1) => Ok(ExitCode::FAILURE),
        _ => bail!("{status}"),
    }
}
