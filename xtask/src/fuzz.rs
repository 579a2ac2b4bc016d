//! `cargo xtask fuzz`: each target under libFuzzer for a while. What breaks one becomes a file of `fuzz/regressions/`, which
//! `cargo xtask test` replays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use portcullis_envoy_test::Checkout;

use crate::build::cargo;

/// What to fuzz.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these targets: `scanner`, `strings`, `request`, `stream`, `config`, `chain`
    targets: Vec<String>,
    /// How long each of them runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// The longest input in bytes
    #[arg(long, default_value_t = 2048)]
    max_len: u32,
}

/// What `cargo fuzz` asks of the compiler, as far as a stable one can do it: counters at every edge, and operands of comparisons.
/// Sanitizers are not needed where `unsafe` is denied.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// An input that takes longer than this is a finding, too: all work is linear.
const INPUT_SECONDS_MAX: u32 = 10;

/// Builds the targets and runs each; a failure when one was broken.
///
/// # Errors
/// When they cannot be built or run.
pub fn run(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    let folder = checkout.root().join("fuzz");
    let known = targets(&folder)?;
    let wanted = if arguments.targets.is_empty() {
        known.clone()
    } else {
        arguments.targets.clone()
    };
    if let Some(unknown) = wanted.iter().find(|target| !known.contains(target)) {
        bail!("no target {unknown}; there are {}", known.join(", "));
    }
    let binaries = build(checkout, &folder)?;
    let mut broken = Vec::new();
    for (index, target) in wanted.iter().enumerate() {
        println!(
            "[{}/{}] {target}: {} s",
            index + 1,
            wanted.len(),
            arguments.seconds
        );
        if !fuzz(checkout, &folder, &binaries, target, arguments)? {
            broken.push(target.as_str());
        }
    }
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "broken: {}; the inputs are in fuzz/regressions, and `cargo xtask test unit` replays them",
        broken.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

/// The names of the files of `fuzz/fuzz_targets`.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder.join("fuzz_targets")).context("fuzz/fuzz_targets")?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder where they are.
fn build(checkout: &Checkout, folder: &Path) -> Result<PathBuf> {
    let host = host()?;
    let target_folder = checkout.target().join("fuzz");
    let mut command = cargo();
    command
        .args(["build", "--release", "--bins", "--features", "libfuzzer"])
        // With a target, build scripts and macros are built without the flags.
        .args(["--target", &host])
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_folder)
        .env("RUSTFLAGS", COVERAGE);
    if !command.status().context("cargo")?.success() {
        bail!("the fuzz targets do not build (libFuzzer needs a C++ compiler: Debian's g++)");
    }
    Ok(target_folder.join(host).join("release"))
}

/// The machine's own target triple.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// Runs one target; whether nothing broke it. What is learned of inputs stays in the target directory for the next time.
fn fuzz(
    checkout: &Checkout,
    folder: &Path,
    binaries: &Path,
    target: &str,
    arguments: &Arguments,
) -> Result<bool> {
    let corpus = checkout.target().join("fuzz/corpus").join(target);
    let regressions = folder.join("regressions").join(target);
    for folder in [&corpus, &regressions] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut command = Command::new(binaries.join(target));
    command
        .arg(&corpus)
        .arg(folder.join("seeds").join(target))
        .arg(&regressions)
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-max_len={}", arguments.max_len))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-artifact_prefix={}/", regressions.display()))
        .args(["-use_value_profile=1", "-print_final_stats=1"]);
    let dictionary = folder.join("dictionary.txt");
    command.arg(format!("-dict={}", dictionary.display()));
    let status = command.status().with_context(|| target.to_owned())?;
    Ok(status.success())
}
