//! How well the detectors find, over a folder of labelled texts.
//!
//! Each `*.jsonl` or `*.jsonl.gz` holds one JSON object a line: `text`, `label` (`positive` or `negative`), `rule` (the family), `source`, and
//! sometimes `spans` (`type`, `start`, `end`, in characters) and `evasion` (how the text is disguised). Texts go through the gateway's own
//! scanner, those that are bodies through its reader of formats.

mod clean;
mod tables;
mod tally;
mod wrong;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use clean::Clean;
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_cli::Preflight;
use serde::{Deserialize, Deserializer, Serialize};
use tally::Tally;
use wrong::Wrong;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder
    folder: PathBuf,
    /// Detectors or groups to look with
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "all"
    )]
    detectors: Vec<String>,
    /// Write all numbers to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the texts that were judged otherwise than labelled to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    wrong: Option<PathBuf>,
    /// A text in which nothing was planted: how much is found in it
    #[arg(long, value_name = "FILE")]
    clean: Vec<PathBuf>,
    /// Show every family, not only those below 95 %
    #[arg(long)]
    families: bool,
}

/// A labelled text.
#[derive(Debug, Deserialize)]
struct Sample {
    text: String,
    label: Label,
    rule: String,
    #[serde(default, deserialize_with = "spans")]
    spans: Option<Vec<Span>>,
    evasion: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Label {
    Positive,
    Negative,
}

/// What stands in a text, and where, in characters. Without a type it is of the text's family.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Span {
    Typed {
        #[serde(rename = "type")]
        kind: String,
        start: usize,
        end: usize,
    },
    Of(usize, usize),
}

/// A list of spans, or the two ends of one.
fn spans<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Span>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spans {
        One(usize, usize),
        List(Vec<Span>),
    }
    Ok(match Option::<Spans>::deserialize(deserializer)? {
        Some(Spans::One(start, end)) => Some(vec![Span::Of(start, end)]),
        Some(Spans::List(spans)) => Some(spans),
        None => None,
    })
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let files = files(&arguments.folder)?;
    let mut preflight = Preflight::of_detectors(&arguments.detectors)?;
    let mut tally = Tally::default();
    let samples: Vec<(String, Vec<Sample>)> =
        files.iter().map(|file| read(file)).collect::<Result<_>>()?;
    let count = samples
        .iter()
        .map(|(_, samples)| samples.len() as u64)
        .sum();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} texts, {eta} left")?;
    let progress = ProgressBar::new(count).with_style(style);
    let mut wrong = arguments.wrong.as_deref().map(Wrong::create).transpose()?;
    for (source, samples) in &samples {
        for sample in samples {
            let findings = preflight.scan(sample.text.as_bytes());
            tally.add(source, sample, &findings);
            if let Some(wrong) = &mut wrong {
                wrong.add(source, sample, &findings)?;
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    if let Some(wrong) = wrong {
        wrong.finish()?;
    }
    print!("{}", tables::render(&tally, arguments.families));
    for path in &arguments.clean {
        let clean = Clean::of(&mut preflight, path)?;
        let name = source(path);
        print!("{}", clean.render(&name));
        tally.clean.insert(name, clean);
    }
    if let Some(path) = &arguments.json {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        serde_json::to_writer_pretty(file, &tally)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The corpus files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = folder
        .read_dir()
        .with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| {
        let name = file.to_string_lossy();
        name.ends_with(".jsonl") || name.ends_with(".jsonl.gz")
    });
    files.sort();
    if files.is_empty() {
        bail!("{}: no *.jsonl and no *.jsonl.gz in it", folder.display());
    }
    Ok(files)
}

/// All bytes of a file, unpacked where it is packed.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    let place = || path.display().to_string();
    let mut file = File::open(path).with_context(place)?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).read_to_end(&mut bytes)
    } else {
        file.read_to_end(&mut bytes)
    }
    .with_context(place)?;
    Ok(bytes)
}

/// A file's name without its endings.
fn source(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// A file's name without its endings, and its samples.
fn read(path: &Path) -> Result<(String, Vec<Sample>)> {
    let mut samples = Vec::new();
    for (index, line) in bytes(path)?.split(|byte| *byte == b'\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            samples.push(
                serde_json::from_slice(line)
                    .with_context(|| format!("{}, line {}", path.display(), index + 1))?,
            );
        }
    }
    Ok((source(path), samples))
}
