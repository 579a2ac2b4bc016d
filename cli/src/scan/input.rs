//! What there is to scan: standard input, files, directories.

use anyhow::{Context as _, Result};
use ignore::WalkBuilder;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

/// The largest file that is read. Larger ones are named as unreadable, so that nobody takes them for clean.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How many bytes of a file say whether it is text, as git judges it.
const SNIFF_BYTES: usize = 8000;

/// One thing to scan.
#[derive(Debug)]
pub(super) enum Input {
    /// Its name for people, and what is in it.
    Text { name: String, bytes: Vec<u8> },
    /// It cannot be read.
    Unreadable { name: String, why: String },
}

/// All inputs, read one after the other. Binary files of directories are left out; a file that was named itself is read whatever it is.
///
/// # Errors
/// When standard input cannot be read, or a named path does not exist.
pub(super) fn all(paths: &[PathBuf]) -> Result<Box<dyn Iterator<Item = Input>>> {
    if paths.is_empty() || paths == [PathBuf::from("-")] {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        return Ok(Box::new(std::iter::once(Input::Text {
            name: "-".to_owned(),
            bytes,
        })));
    }
    let mut files = Vec::new();
    for path in paths {
        let metadata =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            let below = walk(path);
            files.extend(below.map(|file| (file, false)));
        } else {
            files.push((path.clone(), true));
        }
    }
    let progress = progress(files.len());
    Ok(Box::new(files.into_iter().filter_map(
        move |(path, is_named)| {
            progress.inc(1);
            read(&path, is_named)
        },
    )))
}

/// The files of a directory in a stable order, as git sees them; what begins with a dot too, but not `.git` itself.
fn walk(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkBuilder::new(directory)
        .hidden(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build();
    walk.filter_map(|entry| {
        let entry = entry.ok()?;
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        is_file.then(|| entry.into_path())
    })
}

fn read(path: &Path, is_named: bool) -> Option<Input> {
    let name = path.display().to_string();
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length > FILE_BYTES_MAX {
        let why = format!("larger than {FILE_BYTES_MAX} bytes");
        return Some(Input::Unreadable { name, why });
    }
    match std::fs::read(path) {
        Ok(bytes) if !is_named && bytes.iter().take(SNIFF_BYTES).any(|byte| *byte == 0) => None,
        Ok(bytes) => Some(Input::Text { name, bytes }),
        Err(error) => Some(Input::Unreadable {
            name,
            why: error.to_string(),
        }),
    }
}

/// Shown to people only, and only when it takes a while.
fn progress(files: usize) -> ProgressBar {
    if files < 100 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(files as u64).with_style(style)
}
