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
    let built = wasm(checkout, &manifest, &package)?;
    let installed = checkout.plugins().join(format!("{name}.wasm"));
    wasm_opt::install(&built, &installed, WasmOpt::find()?.as_ref())
}

/// Builds the cdylib of a package for Envoy, and says where Cargo left it.
///
/// # Errors
/// When it does not build.
pub fn wasm(checkout: &Checkout, manifest: &Path, package: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command.args([
        "build",
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
