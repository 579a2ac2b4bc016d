//! `cargo xtask test`: everything that is tested, from the cheapest to the dearest, and `cargo xtask bless`.

use std::process::{Command, ExitCode};

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;
use portcullis_envoy_test::{Checkout, EnvoyBinary, Python};

use crate::build::{self, cargo};
use crate::progress::Progress;
use crate::wasm_opt::{HOW_TO_GET, WasmOpt};

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these parts
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// A part of the tests, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting and lints
    Lint,
    /// Unit tests and properties
    Unit,
    /// The modules in wasmtime
    Wasm,
    /// The modules in the real Envoy
    Envoy,
    /// Limits that several Envoys share, with a rate-limit service and a Redis
    GlobalLimits,
    /// The providers' own SDKs through the real Envoy
    Sdk,
}

/// Runs the parts asked for, or all, and sums up.
///
/// # Errors
/// When something cannot even be tried.
pub fn run(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    let wants = |part: Part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    let mut progress = Progress::new(checkout.target().join("test-logs"))?;
    let cargo = |arguments: &str| {
        let mut command = cargo();
        command
            .args(arguments.split_whitespace())
            .current_dir(checkout.root());
        command
    };

    if wants(Part::Lint) {
        progress.command("formatting", &mut cargo("fmt --all --check"))?;
        let lints = "clippy --workspace --all-targets -- -D warnings";
        progress.command("lints", &mut cargo(lints))?;
    }
    if wants(Part::Unit) {
        let mut tests = cargo("test --workspace --no-fail-fast");
        for elsewhere in NEEDS_MORE {
            tests.args(["--exclude", elsewhere]);
        }
        progress.command("unit tests and properties", &mut tests)?;
        progress.command("cases, natively", &mut cargo(NATIVE_CASES))?;
        let mut inputs = cargo("test --manifest-path fuzz/Cargo.toml --target-dir");
        inputs.arg(checkout.target().join("fuzz-tests"));
        progress.command("inputs of the fuzz targets", &mut inputs)?;
    }
    if [Part::Wasm, Part::Envoy, Part::GlobalLimits, Part::Sdk]
        .into_iter()
        .all(|part| !wants(part))
    {
        return Ok(exit_code(progress));
    }
    if progress
        .step("modules build", || build::modules(checkout))
        .is_none()
    {
        return Ok(exit_code(progress));
    }
    if wants(Part::Wasm) {
        let tests = "test --package portcullis-host-test --no-fail-fast";
        progress.command("the host on wasmtime", &mut cargo(tests))?;
        progress.command("cases, in wasmtime", &mut cargo(WASM_CASES))?;
        let title = "instructions and sizes of the modules";
        match WasmOpt::find()? {
            Some(_) => progress.command(title, &mut cargo(FIGURES))?,
            None => progress.skip(title, &anyhow!(HOW_TO_GET)),
        }
    }
    let envoy = EnvoyBinary::find_or_fetch(checkout);
    if wants(Part::Envoy) {
        for (title, tests) in [
            ("modules in the real Envoy", ENVOY_TESTS),
            ("the host on wasmtime, against Envoy", ENVOY_FACTS),
            ("cases, in the real Envoy", ENVOY_CASES),
            ("runbooks, step by step", RUNBOOKS_TESTS),
        ] {
            match &envoy {
                Ok(binary) => progress.command(title, with_envoy(&mut cargo(tests), binary))?,
                Err(missing) => progress.skip(title, missing),
            }
        }
        let title = "who gets in: certificates, tokens, keys that change under load";
        match (&envoy, missing_servers(&ACCESS_PROGRAMS)) {
            (Ok(binary), None) => {
                progress.command(title, with_envoy(&mut cargo(ACCESS_TESTS), binary))?;
            }
            (Ok(_), Some(missing)) => progress.skip(title, &missing),
            (Err(missing), _) => progress.skip(title, missing),
        }
        let title = "configurations that `portcullis render` writes";
        match (&envoy, missing_servers(&RENDER_PROGRAMS)) {
            (Ok(binary), None) => {
                progress.command(title, with_envoy(&mut cargo(RENDER_TESTS), binary))?;
            }
            (Ok(_), Some(missing)) => progress.skip(title, &missing),
            (Err(missing), _) => progress.skip(title, missing),
        }
        let title = "images, as skopeo reads them";
        match missing_servers(&IMAGE_PROGRAMS) {
            None => progress.command(title, &mut cargo(IMAGE_TESTS))?,
            Some(missing) => progress.skip(title, &missing),
        }
        let title = "alerts and metrics with Alertmanager and Prometheus";
        match (&envoy, missing_servers(&OBSERVABILITY_SERVERS)) {
            (Ok(binary), None) => {
                progress.command(title, with_envoy(&mut cargo(OBSERVABILITY_TESTS), binary))?;
            }
            (Ok(_), Some(missing)) => progress.skip(title, &missing),
            (Err(missing), _) => progress.skip(title, missing),
        }
    }
    if wants(Part::GlobalLimits) {
        global_limits(checkout, &mut progress, &envoy)?;
    }
    if wants(Part::Sdk) {
        let title = "client SDKs through the real Envoy";
        match envoy.and_then(|binary| Python::find_or_install(checkout).map(|_| binary)) {
            Ok(binary) => progress.command(title, with_envoy(&mut cargo(SDK_TESTS), &binary))?,
            Err(missing) => progress.skip(title, &missing),
        }
    }
    Ok(exit_code(progress))
}

/// Crates whose tests need built modules or an Envoy, and have parts of their own.
const NEEDS_MORE: [&str; 5] = [
    "portcullis-host-test",
    "portcullis-envoy-test",
    "portcullis-conformance",
    "portcullis-speed",
    "xtask",
];
const NATIVE_CASES: &str =
    "test --package portcullis-conformance --no-default-features --no-fail-fast";
// One call, because another one would build wasmtime again for other features of what it depends on.
const WASM_CASES: &str = "test --package portcullis-conformance --package portcullis-speed --no-fail-fast --test linear \
                          --test wasmtime --test audit --test engines --test refusing_host --test contract --test calls";
// Of modules that wasm-opt has made.
const FIGURES: &str =
    "test --package portcullis-conformance --no-fail-fast --test instructions --test sizes";
const ENVOY_TESTS: &str = "test --package portcullis-envoy-test --package xtask --no-fail-fast \
                           --lib --bins --test e2e --test audit --test up";
const ENVOY_FACTS: &str = "test --package portcullis-host-test --no-fail-fast \
                           --test facts --test other_modules --test sdk_examples";
const ENVOY_CASES: &str = "test --package portcullis-conformance --test envoy";
const ACCESS_TESTS: &str = "test --package portcullis-envoy-test --test access";
const ACCESS_PROGRAMS: [(&str, &str); 2] = [("openssl", "openssl"), ("curl", "curl")];
const RENDER_TESTS: &str = "test --package portcullis-envoy-test --test render";
const RENDER_PROGRAMS: [(&str, &str); 4] = [
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
];
const IMAGE_TESTS: &str = "test --package xtask --test image";
const IMAGE_PROGRAMS: [(&str, &str); 1] = [("skopeo", "skopeo")];
const RUNBOOKS_TESTS: &str = "test --package portcullis-envoy-test --test runbooks";
const OBSERVABILITY_TESTS: &str = "test --package portcullis-envoy-test --test observability";
const OBSERVABILITY_SERVERS: [(&str, &str); 2] = [
    ("prometheus", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
];
const GLOBAL_LIMITS_TESTS: &str = "test --package portcullis-envoy-test --test global_limits";
const GLOBAL_LIMITS_SERVERS: [(&str, &str); 3] = [
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    // The service's client of Redis is built with OpenSSL.
    ("pkg-config", "pkg-config libssl-dev"),
];
const SDK_TESTS: &str = "test --package portcullis-envoy-test --test sdk";

/// Which of these programs, with the Debian packages that have them, are not there, and how to get them.
fn missing_servers(servers: &[(&str, &str)]) -> Option<anyhow::Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there =
        |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing: Vec<&str> = servers
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| *package)
        .collect();
    (!missing.is_empty())
        .then(|| anyhow::anyhow!("on Debian: apt-get install {}", missing.join(" ")))
}

/// The tests of `envoy/global-limits`, with the service that they need: a workspace of its own, in a target directory of its own.
fn global_limits(
    checkout: &Checkout,
    progress: &mut Progress,
    envoy: &Result<EnvoyBinary>,
) -> Result<()> {
    let title = "limits that several Envoys share";
    let binary = match (envoy, missing_servers(&GLOBAL_LIMITS_SERVERS)) {
        (Ok(binary), None) => binary,
        (Ok(_), Some(missing)) => {
            progress.skip(title, &missing);
            return Ok(());
        }
        (Err(missing), _) => {
            progress.skip(title, missing);
            return Ok(());
        }
    };
    let mut service = cargo();
    service
        .args(["build", "--locked", "--manifest-path"])
        .arg(checkout.root().join("host-test/ratelimit/Cargo.toml"))
        .arg("--target-dir")
        .arg(checkout.target().join("ratelimit"));
    progress.command("the rate-limit service builds", &mut service)?;
    let mut tests = cargo();
    tests
        .args(GLOBAL_LIMITS_TESTS.split_whitespace())
        .current_dir(checkout.root());
    progress.command(title, with_envoy(&mut tests, binary))
}

fn with_envoy<'a>(command: &'a mut Command, binary: &EnvoyBinary) -> &'a mut Command {
    command.env("ENVOY", binary.path())
}

fn exit_code(progress: Progress) -> ExitCode {
    if progress.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs the tests that have expectations written down, and writes down what comes out instead.
///
/// # Errors
/// When they cannot be run, or fail otherwise than by an expectation.
pub fn bless(checkout: &Checkout) -> Result<ExitCode> {
    if WasmOpt::find()?.is_none() {
        bail!(
            "sizes and instructions are recorded of modules that wasm-opt has made; {HOW_TO_GET}"
        );
    }
    build::modules(checkout)?;
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--exclude", "portcullis-envoy-test"])
        .current_dir(checkout.root())
        .env("UPDATE_EXPECT", "1");
    if !command.status()?.success() {
        bail!("a test fails also when its expectation is rewritten");
    }
    println!("blessed; `git diff` shows what changed");
    Ok(ExitCode::SUCCESS)
}
