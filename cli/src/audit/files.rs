//! Log files: rotated, compressed, in the order in which they were written.

use super::lines::Lines;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

/// How a file is packed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    const fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// A file's unpacked bytes, and how it was packed.
pub(crate) fn unpacked(mut packed: impl Read + 'static) -> io::Result<(Box<dyn Read>, Packing)> {
    let mut first = Vec::with_capacity(4);
    packed.by_ref().take(4).read_to_end(&mut first)?;
    let packing = Packing::of(&first);
    let whole = Cursor::new(first).chain(packed);
    let reader: Box<dyn Read> = match packing {
        Packing::Plain => Box::new(whole),
        // Files that were appended to hold several members.
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
    };
    Ok((reader, packing))
}

/// A file, or standard input (`-`), with what it is called in messages.
pub(crate) struct Log {
    pub path: PathBuf,
    pub name: String,
}

/// The files in the order in which they were written: by the time of their first record. Files without any stay where they were named.
pub(crate) fn in_order(paths: &[PathBuf]) -> anyhow::Result<Vec<Log>> {
    let mut logs = Vec::new();
    let mut last = String::new();
    for path in paths {
        let name = path.display().to_string();
        let began = if is_stdin(path) {
            None
        } else {
            began(path).with_context(|| format!("cannot read {name}"))?
        };
        last = began.unwrap_or(last);
        let log = Log {
            path: path.clone(),
            name,
        };
        logs.push((last.clone(), log));
    }
    logs.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(logs.into_iter().map(|(_, log)| log).collect())
}

/// The time of a file's first record. Requests are recorded when they end, under the time of their beginning, so this orders files, not records.
fn began(path: &Path) -> anyhow::Result<Option<String>> {
    const LINES_MAX: usize = 100;
    let mut lines = Lines::new(unpacked(File::open(path)?)?.0);
    for _ in 0..LINES_MAX {
        let Some(line) = lines.next()? else { break };
        if let Some(time) = super::line::time_of(line.bytes) {
            return Ok(Some(time.to_owned()));
        }
    }
    Ok(None)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Progress over several files, on standard error where that is a terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Over these files' packed bytes.
    pub fn over(logs: &[Log]) -> Self {
        let size = |log: &Log| std::fs::metadata(&log.path).map_or(0, |data| data.len());
        let bar = ProgressBar::new(logs.iter().map(size).sum());
        let style = ProgressStyle::with_template(
            "{wide_msg} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    /// The lines of a file.
    pub fn open(&self, log: &Log) -> anyhow::Result<Lines<Box<dyn Read>>> {
        self.bar.set_message(log.name.clone());
        let (reader, _) = if is_stdin(&log.path) {
            unpacked(io::stdin().lock())
        } else {
            let file = File::open(&log.path).with_context(|| log.name.clone())?;
            unpacked(self.bar.wrap_read(file))
        }
        .with_context(|| log.name.clone())?;
        Ok(Lines::new(reader))
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
