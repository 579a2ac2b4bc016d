//! `wasm-opt` of Binaryen over what LLVM made: a tenth fewer bytes, which is memory and start-up time of Envoy.
//!
//! It is a program of its own (Debian: `binaryen`) and not needed: without it the modules do the same and are larger.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The least version that reads and writes all of what rustc emits for our target.
const VERSION_MIN: u32 = 105;

/// For those who lack it.
pub const HOW_TO_GET: &str = "on Debian: apt-get install binaryen";

/// What the modules are made of (see `.cargo/config.toml`), which wasm-opt does not see in a stripped module.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// What is done, until nothing changes any more. The second is a half of a hundredth of a module's bytes, and fewer instructions: small offsets move into
/// loads and stores. It holds that no address wraps around to the first KiB of memory. That is the far end of the stack (rustc puts it first), which
/// nothing but a stack that is about to overflow reaches; and an address that would wrap traps.
///
/// The last two: a function with one caller stays one unless it is small, else what is called once ends in one function of 45 KB, which takes 6 MiB to
/// compile that are never given back (ARCHITECTURE.md, "Small functions").
const PASSES: [&str; 4] = [
    "--low-memory-unused",
    "--converge",
    "--one-caller-inline-max-function-size",
    "150",
];

/// For speed, and for size: half a hundredth fewer bytes for a thousandth more instructions.
const FAST: &str = "-O3";
const SMALL: &str = "-Os";

/// What else makes a module smaller, a hundredth of its bytes for a hundredth of its time: first functions that differ in a constant become one (since this
/// version), at last constants that stand often in a function become locals, and functions that are called often get short numbers.
const MERGE: &str = "--merge-similar-functions";
const MERGE_VERSION_MIN: u32 = 106;
const LAST: [&str; 2] = ["--const-hoisting", "--reorder-functions"];

/// A `wasm-opt` that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmOpt {
    path: PathBuf,
    version: u32,
    level: &'static str,
}

impl WasmOpt {
    /// The same, for a module that is to be small.
    pub fn small(self) -> Self {
        Self {
            level: SMALL,
            ..self
        }
    }

    /// The one that `WASM_OPT` names, or else the first in PATH that is new enough; `None` when there is none.
    ///
    /// # Errors
    /// When `WASM_OPT` names something else, or something too old.
    pub fn find() -> Result<Option<Self>> {
        if let Some(path) = env::var_os("WASM_OPT") {
            let path = PathBuf::from(path);
            let found = Self::probe(&path).filter(Self::is_new_enough);
            return match found {
                Some(found) => Ok(Some(found)),
                None => bail!(
                    "WASM_OPT={} is not a wasm-opt of version {VERSION_MIN} or newer",
                    path.display()
                ),
            };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        Ok(env::split_paths(&path)
            .map(|folder| folder.join("wasm-opt"))
            .filter(|file| file.is_file())
            .filter_map(|file| Self::probe(&file))
            .find(Self::is_new_enough))
    }

    fn probe(path: &Path) -> Option<Self> {
        let output = Command::new(path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let version = version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self {
            path: path.to_owned(),
            version,
            level: FAST,
        })
    }

    /// What it is told to do, in the order in which it is done.
    fn passes(&self) -> Vec<&'static str> {
        let is_small = self.level == SMALL;
        let merges = is_small && self.version >= MERGE_VERSION_MIN;
        let passes = merges.then_some(MERGE).into_iter().chain([self.level]);
        let passes = passes.chain(PASSES);
        passes
            .chain(LAST.into_iter().filter(|_| is_small))
            .collect()
    }

    fn is_new_enough(&self) -> bool {
        self.version >= VERSION_MIN
    }

    /// Writes `module`, optimized, to `optimized`.
    ///
    /// # Errors
    /// When wasm-opt refuses it.
    pub fn run(&self, module: &Path, optimized: &Path) -> Result<()> {
        let output = Command::new(&self.path)
            .args(self.passes())
            .args(FEATURES)
            .arg(module)
            .arg("--output")
            .arg(optimized)
            .stdin(Stdio::null())
            .output()
            .with_context(|| self.path.display().to_string())?;
        if !output.status.success() {
            bail!(
                "{self} refuses {}: {}",
                module.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }
}

impl fmt::Display for WasmOpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm-opt {} {}", self.version, self.passes().join(" "))
    }
}

/// Of `wasm-opt version 108` or `wasm-opt version 116 (version_116)`.
fn version(said: &str) -> Option<u32> {
    let rest = said.trim().strip_prefix("wasm-opt version ")?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Puts a module that Cargo has built where Envoy finds it, optimized where `tool` is given; not again when both are as they were. Says
/// how many bytes it has.
///
/// # Errors
/// When a file cannot be read or written, or the tool refuses it.
pub fn install(built: &Path, installed: &Path, tool: Option<&WasmOpt>) -> Result<u64> {
    let metadata = fs::metadata(built).with_context(|| built.display().to_string())?;
    let made_by = tool.map_or_else(|| "rustc".to_owned(), WasmOpt::to_string);
    let made = format!(
        "{made_by} of {} bytes, {:?}",
        metadata.len(),
        metadata.modified()?
    );
    let stamp = installed.with_extension("made");
    if !(installed.is_file() && fs::read_to_string(&stamp).is_ok_and(|before| before == made)) {
        // Moved into place, so that an Envoy that starts meanwhile never reads half a module.
        let partial = installed.with_extension("partial");
        match tool {
            Some(tool) => tool.run(built, &partial)?,
            None => {
                fs::copy(built, &partial).with_context(|| built.display().to_string())?;
            }
        }
        fs::rename(&partial, installed)?;
        fs::write(&stamp, made)?;
    }
    Ok(fs::metadata(installed)?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_one_is_not_asked_for_what_it_does_not_know() {
        let of = |version| WasmOpt {
            path: PathBuf::new(),
            version,
            level: FAST,
        };
        assert!(of(VERSION_MIN).small().passes().starts_with(&[SMALL]));
        assert!(
            of(MERGE_VERSION_MIN)
                .small()
                .passes()
                .starts_with(&[MERGE, SMALL])
        );
        assert!(!of(MERGE_VERSION_MIN).passes().contains(&MERGE));
    }

    #[test]
    fn versions() {
        for (said, expected) in [
            ("wasm-opt version 108\n", Some(108)),
            ("wasm-opt version 116 (version_116)\n", Some(116)),
            ("wasm-opt version 123 (v123-12-gabc)", Some(123)),
            ("wasm-opt version x", None),
            ("Usage: something else", None),
            ("", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
    }
}
