//! What there is to scan: standard input, files, directories.

use anyhow::{Context as _, Result, bail};
use ignore::WalkBuilder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest input that is read. Larger ones are named as unreadable, so that nobody takes them for clean.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How many bytes of a file say whether it is text, as git judges it.
const SNIFF_BYTES: usize = 8000;

/// Where an input comes from.
#[derive(Debug)]
pub(super) struct Source {
    place: Place,
    /// How many bytes it says it has.
    pub bytes: u64,
}

#[derive(Debug)]
enum Place {
    Stdin,
    /// The caller named this file.
    Named(PathBuf),
    /// It stands in a directory that the caller named.
    Below(PathBuf),
    /// A part of a directory that cannot be looked at.
    Closed {
        name: String,
        why: String,
    },
}

/// One thing to scan.
#[derive(Debug)]
pub(super) enum Input {
    /// Its text.
    Text(Vec<u8>),
    /// A binary file of a directory: pictures, archives, programs.
    Binary,
    /// It cannot be read.
    Unreadable(String),
}

/// All sources in order: what was named, of directories what git would see.
///
/// # Errors
/// When a named path does not exist.
pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let stdin = PathBuf::from("-");
    let mut sources = Vec::new();
    let paths = match paths {
        [] => std::slice::from_ref(&stdin),
        paths => paths,
    };
    for path in paths {
        if *path == stdin {
            if sources
                .iter()
                .any(|source: &Source| matches!(source.place, Place::Stdin))
            {
                bail!("standard input can be read once only");
            }
            sources.push(Source {
                place: Place::Stdin,
                bytes: 0,
            });
            continue;
        }
        let metadata =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            sources.extend(walk(path));
        } else {
            sources.push(Source {
                place: Place::Named(path.clone()),
                bytes: metadata.len(),
            });
        }
    }
    Ok(sources)
}

/// The files of a directory in a stable order, as git sees them; what begins with a dot too, but not `.git` itself.
fn walk(directory: &Path) -> impl Iterator<Item = Source> + use<> {
    let walk = WalkBuilder::new(directory)
        .hidden(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build();
    let directory = directory.to_owned();
    walk.filter_map(move |entry| match entry {
        Ok(entry) => {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
            let place = Place::Below(entry.into_path());
            is_file.then_some(Source { place, bytes })
        }
        // A directory that is closed to us may hold anything.
        Err(error) => Some(Source {
            place: Place::Closed {
                name: path_of(&error).unwrap_or(&directory).display().to_string(),
                why: error
                    .io_error()
                    .map_or_else(|| error.to_string(), |error| error.kind().to_string()),
            },
            bytes: 0,
        }),
    })
}

/// The path that an error of the walk is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Partial(_)
        | ignore::Error::Loop { .. }
        | ignore::Error::Io(_)
        | ignore::Error::Glob { .. }
        | ignore::Error::UnrecognizedFileType(_)
        | ignore::Error::InvalidDefinition => None,
    }
}

impl Source {
    /// Its name for people.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Stdin => "-".to_owned(),
            Place::Named(path) | Place::Below(path) => path.display().to_string(),
            Place::Closed { name, .. } => name.clone(),
        }
    }

    /// Reads it. A file that was named itself is read whatever it is.
    pub fn read(&self) -> Input {
        let read = match &self.place {
            Place::Stdin => bounded(io::stdin().lock()),
            Place::Named(path) | Place::Below(path) => File::open(path).and_then(bounded),
            Place::Closed { why, .. } => return Input::Unreadable(why.clone()),
        };
        match read {
            Err(error) => Input::Unreadable(error.to_string()),
            Ok(bytes) if bytes.len() as u64 > INPUT_BYTES_MAX => {
                Input::Unreadable(format!("larger than {INPUT_BYTES_MAX} bytes"))
            }
            Ok(bytes) => {
                let bytes = decoded(bytes);
                let is_binary = bytes.iter().take(SNIFF_BYTES).any(|byte| *byte == 0);
                if is_binary && matches!(self.place, Place::Below(_)) {
                    Input::Binary
                } else {
                    Input::Text(bytes)
                }
            }
        }
    }
}

/// All bytes, or enough to see that they are too many: a device never ends.
fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Text as UTF-8, without the mark that says in which order its bytes stand: Windows' tools write UTF-16.
fn decoded(bytes: Vec<u8>) -> Vec<u8> {
    let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest
            .chunks_exact(2)
            .filter_map(|pair| Some(unit(pair.try_into().ok()?)))
            .collect();
        String::from_utf16_lossy(&units).into_bytes()
    };
    match bytes.as_slice() {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
        [0xFF, 0xFE, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => bytes,
    }
}
