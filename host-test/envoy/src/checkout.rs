//! Where the repository and what is built from it lie.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A clone of the repository and its target directory.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
    target: PathBuf,
}

impl Checkout {
    /// The repository around the current directory: the nearest folder upwards that holds `envoy/local/envoy.yaml`. The target
    /// directory is the one Cargo uses there, whether set by `CARGO_TARGET_DIR`, a configuration file or not at all.
    ///
    /// # Errors
    /// When there is none, or Cargo cannot be asked.
    pub fn find() -> Result<Self> {
        let here = env::current_dir().context("the current directory")?;
        let Some(root) = here
            .ancestors()
            .find(|folder| folder.join("envoy/local/envoy.yaml").is_file())
        else {
            bail!("{} is not inside a clone of Portcullis", here.display());
        };
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "metadata",
                "--no-deps",
                "--offline",
                "--format-version",
                "1",
            ])
            .current_dir(root)
            .output()
            .context("cargo metadata")?;
        if !output.status.success() {
            bail!(
                "cargo metadata: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
        let target = metadata
            .get("target_directory")
            .and_then(Value::as_str)
            .context("cargo metadata names no target directory")?;
        Ok(Self {
            root: root.to_owned(),
            target: target.into(),
        })
    }

    /// The root of the repository.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where `cargo xtask build` leaves the modules.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }
}
