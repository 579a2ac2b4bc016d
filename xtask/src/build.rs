//! `cargo xtask build`: the five modules, for Envoy.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use portcullis_envoy_test::Checkout;

use crate::wasm_opt::{self, HOW_TO_GET, WasmOpt};

/// What Proxy-Wasm hosts with WASI preview 1 run.
pub const TARGET: &str = "wasm32-wasip1";

/// The profile of Cargo.toml that is made for modules.
const PROFILE: &str = "wasm";

/// The modules: `portcullis-module-<name>` becomes `target/plugins/<name>.wasm`.
pub const MODULES: [&str; 5] = ["gateway", "auth", "rate-limit", "dlp", "audit"];

/// The modules that come close to what they may weigh, and the Cargo configuration that makes all they are made of smaller and a tenth slower
/// outside of what runs for every byte.
const SMALL: [&str; 1] = ["dlp"];
const SMALL_CONFIG: &str = ".cargo/small.toml";

/// What LLVM is told where all of a module comes together. It takes what large modules are made of for cheap, and inlines and unrolls more of it than
/// is good for anything but benchmarks of loops: a tenth more bytes, and a fourth more work for each byte of text. (Within a crate, where it knows less,
/// its own thresholds are the better ones.) It does not hear of them twice, so a small module has them from [`SMALL_CONFIG`] alone.
const LAST_STEP: [&str; 1] = ["-Cllvm-args=-inline-threshold=18 -unroll-threshold=60"];

/// Builds all modules and says how large they are.
///
/// # Errors
/// When the target cannot be had or a module does not build.
pub fn run(checkout: &Checkout) -> Result<()> {
    for (name, bytes) in modules(checkout)? {
        println!(
            "{:<40} {:>6} KiB",
            checkout.plugins().join(format!("{name}.wasm")).display(),
            bytes / 1024
        );
    }
    Ok(())
}

/// Builds all modules; name and size in bytes of each.
///
/// # Errors
/// As [`run`].
pub fn modules(checkout: &Checkout) -> Result<Vec<(&'static str, u64)>> {
    ensure_target()?;
    if WasmOpt::find()?.is_none() {
        eprintln!(
            "no wasm-opt, so the modules get a tenth larger than they need to be; {HOW_TO_GET}"
        );
    }
    MODULES
        .into_iter()
        .map(|name| Ok((name, module(checkout, name)?)))
        .collect()
}

/// One call of Cargo for each, because one call for several unites the features of what they depend on, and so would put into
/// each module what only another one needs.
///
/// # Errors
/// When it does not build.
pub fn module(checkout: &Checkout, name: &str) -> Result<u64> {
    fs::create_dir_all(checkout.plugins())?;
    let package = format!("portcullis-module-{name}");
    let manifest = checkout.root().join("Cargo.toml");
    let is_small = SMALL.contains(&name);
    let built = if is_small {
        compile(checkout, &manifest, &package, &["--config", SMALL_CONFIG])
    } else {
        let mut last = vec!["--"];
        last.extend(LAST_STEP);
        compile(checkout, &manifest, &package, &last)
    }?;
    let installed = checkout.plugins().join(format!("{name}.wasm"));
    let tool = WasmOpt::find()?;
    let tool = tool.map(|tool| if is_small { tool.small() } else { tool });
    wasm_opt::install(&built, &installed, tool.as_ref())
}

/// Builds the cdylib of a package for Envoy, and says where Cargo left it.
///
/// # Errors
/// When it does not build.
pub fn wasm(checkout: &Checkout, manifest: &Path, package: &str) -> Result<PathBuf> {
    compile(checkout, manifest, package, &[])
}

/// The same with more arguments for `cargo rustc`.
fn compile(
    checkout: &Checkout,
    manifest: &Path,
    package: &str,
    arguments: &[&str],
) -> Result<PathBuf> {
    let mut command = cargo();
    command.args([
        "rustc",
        "--quiet",
        "--package",
        package,
        "--target",
        TARGET,
        "--profile",
        PROFILE,
    ]);
    command
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(checkout.target())
        .args(arguments)
        .current_dir(checkout.root());
    let status = command
        .stdin(Stdio::null())
        .status()
        .context("cargo build")?;
    if !status.success() {
        bail!("{package} does not build");
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(checkout.target().join(TARGET).join(PROFILE).join(file))
}

/// Adds the wasm target to the toolchain when it is missing.
///
/// # Errors
/// When it is missing and rustup cannot add it.
pub fn ensure_target() -> Result<()> {
    let output = Command::new(or_env("RUSTC", "rustc"))
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("rustc")?;
    if output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    {
        return Ok(());
    }
    eprintln!("adding the target {TARGET} …");
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => bail!(
            "the toolchain has no {TARGET}, and `rustup target add {TARGET}` does not work here"
        ),
    }
}

/// The Cargo that runs this command.
pub fn cargo() -> Command {
    Command::new(or_env("CARGO", "cargo"))
}

fn or_env(variable: &str, default: &str) -> std::ffi::OsString {
    std::env::var_os(variable).unwrap_or_else(|| OsStr::new(default).to_owned())
}
