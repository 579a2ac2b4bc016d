//! The project's own commands: `cargo xtask up | build | image | test | bench | dlp-eval | dlp-speed | fuzz | bless`. One command a task, and each gets what it
//! needs by itself: the wasm target, an Envoy, the client SDKs.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use portcullis_envoy_test::Checkout;

mod bench;
mod build;
mod burst;
mod dlp_eval;
mod dlp_speed;
mod fuzz;
mod image;
mod progress;
mod test;
mod up;
mod wasm_opt;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Portcullis: build, try, test, measure"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the modules, start a gateway on a stub provider and say what to try
    Up(up::Arguments),
    /// Build the modules into target/plugins
    Build,
    /// Make OCI images of the modules, for Istio and Envoy Gateway, without a daemon or network
    Image(image::Arguments),
    /// Run everything that is tested
    Test(test::Arguments),
    /// Measure what the gateway costs, in ratios to bare Envoy
    Bench(bench::Arguments),
    /// Measure how well the DLP detectors find, over a folder of labelled texts
    DlpEval(dlp_eval::Arguments),
    /// Measure how fast the DLP scanner is in wasmtime, as ratios to a pass for keywords alone
    DlpSpeed(dlp_speed::Arguments),
    /// Run the fuzz targets; what breaks one is kept in fuzz/regressions
    Fuzz(fuzz::Arguments),
    /// Run the tests and write what came out into the expectations
    Bless,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let checkout = Checkout::find()?;
    match arguments.command {
        Command::Up(arguments) => up::run(&checkout, &arguments),
        Command::Build => build::run(&checkout).map(|()| ExitCode::SUCCESS),
        Command::Image(arguments) => image::run(&checkout, &arguments),
        Command::Test(arguments) => test::run(&checkout, &arguments),
        Command::Bench(arguments) => bench::run(&checkout, &arguments),
        Command::DlpEval(arguments) => dlp_eval::run(&arguments),
        Command::DlpSpeed(arguments) => dlp_speed::run(&checkout, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&checkout, &arguments),
        Command::Bless => test::bless(&checkout),
    }
}
