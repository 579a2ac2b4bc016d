//! A Python environment with the real client SDKs, under the target directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Checkout;

/// What is installed: `host-test/envoy/python/requirements.txt`.
const REQUIREMENTS: &str = "host-test/envoy/python/requirements.txt";

/// A virtual environment that holds what the tests in Python need.
#[derive(Debug, Clone)]
pub struct Python {
    interpreter: PathBuf,
    scripts: PathBuf,
}

impl Python {
    /// The environment in `target/python`, made with pip when it is not there or the requirements have changed since.
    ///
    /// # Errors
    /// When there is no `python3` with `venv` and pip, or the packages cannot be had.
    pub fn find_or_install(checkout: &Checkout) -> Result<Self> {
        let requirements = checkout.root().join(REQUIREMENTS);
        let wanted = fs::read_to_string(&requirements)
            .with_context(|| requirements.display().to_string())?;
        let folder = checkout.target().join("python");
        let stamp = folder.join("installed.txt");
        fs::create_dir_all(checkout.target())?;
        // Tests run in parallel: one installs, the others wait for it.
        let lock = File::create(checkout.target().join("python.lock"))
            .context("the lock of target/python")?;
        lock.lock().context("the lock of target/python")?;
        let interpreter = folder.join("bin/python");
        if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
            eprintln!("installing the client SDKs into {} …", folder.display());
            run(
                Path::new("python3"),
                &[
                    "-m".as_ref(),
                    "venv".as_ref(),
                    "--clear".as_ref(),
                    folder.as_os_str(),
                ],
            )
            .context("no Python environment: needs python3 (3.9 or newer) with venv and pip")?;
            let pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ]
            .map(OsStr::new);
            run(
                &interpreter,
                &[&pip[..], &[requirements.as_os_str()]].concat(),
            )?;
            fs::write(&stamp, &wanted)?;
        }
        Ok(Self {
            interpreter,
            scripts: checkout.root().join("host-test/envoy/python"),
        })
    }

    /// Runs a script of `host-test/envoy/python` and returns what it prints.
    ///
    /// # Errors
    /// When it fails; the message holds all it said.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.interpreter);
        command
            .arg("-B")
            .arg(self.scripts.join(script))
            .args(arguments)
            .stdin(Stdio::null());
        // A proxy of this machine, or an SDK's setting in its environment, must not come between.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().to_ascii_uppercase();
            if name.ends_with("_PROXY")
                || name.starts_with("OPENAI_")
                || name.starts_with("ANTHROPIC_")
            {
                command
                    .env_remove(&name)
                    .env_remove(name.to_ascii_lowercase());
            }
        }
        let output = command.output().with_context(|| format!("{command:?}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "{script} failed:\n{text}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(text)
    }
}

fn run(program: &Path, arguments: &[&OsStr]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| program.display().to_string())?;
    if !output.status.success() {
        bail!(
            "{} {arguments:?}: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
