//! Files that record what came out, to be reviewed when they change. With `UPDATE_EXPECT` in the environment (as `cargo xtask bless`
//! sets it) they are rewritten.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Whether recorded files are rewritten in this run.
#[must_use]
pub fn blessing() -> bool {
    ["UPDATE_EXPECT", "PORTCULLIS_BLESS"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| value != "0"))
}

/// A file of `host-test/`.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(name)
}

/// Compares a text with what was recorded, or records it.
///
/// # Errors
/// The first difference, when there is one.
pub fn check(name: &str, found: &str) -> Result<()> {
    let path = path(name);
    if blessing() {
        return fs::write(&path, found).with_context(|| path.display().to_string());
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    if recorded == found {
        return Ok(());
    }
    let lines = recorded.lines().chain(std::iter::repeat(""));
    let difference = found
        .lines()
        .zip(lines)
        .enumerate()
        .find(|(_, (new, old))| new != old);
    match difference {
        Some((line, (new, old))) => bail!(
            "host-test/{name}, line {}: recorded\n  {old}\nand found\n  {new}\n`cargo xtask bless` records what is found",
            line + 1
        ),
        None => bail!(
            "host-test/{name} records more than was found; `cargo xtask bless` records what is found"
        ),
    }
}

/// Compares figures with those of a recorded table (`head`, then `| name | figure |` in each line), none of which may have grown by more than
/// so many percent; or records them.
///
/// # Errors
/// All that grew, and all of which nothing is recorded.
pub fn not_grown(
    name: &str,
    head: &str,
    figures: &[(String, u64)],
    growth_max_percent: u64,
) -> Result<()> {
    let text: String = figures
        .iter()
        .map(|(name, figure)| format!("| {name} | {figure} |\n"))
        .collect();
    if blessing() {
        return check(name, &format!("{head}{text}"));
    }
    println!("{text}");
    let recorded = fs::read_to_string(path(name)).unwrap_or_default();
    let before = |name: &str| {
        let row = format!("| {name} | ");
        let rest = recorded.lines().find_map(|line| line.strip_prefix(&row))?;
        rest.trim_end_matches([' ', '|']).parse::<u64>().ok()
    };
    let grown: Vec<String> = figures
        .iter()
        .filter_map(|(name, figure)| match before(name) {
            None => Some(format!("{name}: {figure}, and nothing is recorded")),
            Some(before) if figure * 100 > before * (100 + growth_max_percent) => {
                Some(format!("{name}: {figure}, recorded are {before}"))
            }
            Some(_) => None,
        })
        .collect();
    if grown.is_empty() {
        return Ok(());
    }
    bail!(
        "host-test/{name}: grown by more than {growth_max_percent} %; `cargo xtask bless` records what is found\n{}",
        grown.join("\n")
    )
}
