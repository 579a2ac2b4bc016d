//! What one profiles: the strings of each text through the scanner alone, natively.
//!
//! `cargo build --release -p portcullis-speed --no-default-features --bin native`, then `perf record`, or `valgrind --tool=callgrind` for exact
//! counts, of `target/release/native DIR --rounds 1`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use portcullis_policy::config::Document;
use portcullis_policy::{
    Effects, Event, Facts, MemoryStore, Policy, RequestMeaning, Text, TextId, Timestamp, Verdict,
};
use portcullis_speed::clock;
use serde_json::{Value, json};

#[derive(Parser)]
struct Arguments {
    /// A folder with *.txt.gz
    folder: PathBuf,
    /// Only texts whose name has this in it
    #[arg(long, default_value = "")]
    only: String,
    /// How often each is scanned; the fastest counts
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Instead of all detectors and ten patterns, detectors of this name or group
    #[arg(long)]
    detector: Option<String>,
    /// The lines as they are, as one string
    #[arg(long)]
    raw: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let rules = match &arguments.detector {
        Some(name) => json!([{ "detector": name, "action": "flag" }]),
        None => portcullis_speed::rules(),
    };
    let policy = json!({ "dlp": { "rules": rules } }).to_string();
    let document = match Document::parse(policy.as_bytes()) {
        Ok(document) => document,
        Err(mistake) => bail!("{mistake}"),
    };
    let (policy, set_up) = clock::time(|| portcullis_dlp::configure(&document, &|_: &str| None));
    println!("set-up {set_up:.1?}");
    let Some(policy) = policy.filter(|_| document.take_mistakes().is_empty()) else {
        bail!("no policy");
    };
    for text in portcullis_speed::Text::all(&arguments.folder)? {
        if !text.name.contains(&arguments.only) {
            continue;
        }
        let mut strings = Vec::new();
        if arguments.raw {
            strings.push(text.text.clone());
        } else {
            text.lines()
                .iter()
                .for_each(|line| collect(line, &mut strings));
        }
        let mut best = Duration::MAX;
        let mut findings = BTreeMap::new();
        for _ in 0..arguments.rounds.max(1) {
            let (found, took) = clock::time(|| scan(&policy, &strings));
            best = best.min(took);
            findings = found?;
        }
        let bytes = text.text.len() as f64;
        println!(
            "{:<10}{:>8.1} ns/byte{:>8.0} MB/s  {findings:?}",
            text.name,
            best.as_secs_f64() * 1e9 / bytes,
            bytes / best.as_secs_f64() / 1e6
        );
    }
    Ok(())
}

/// Scans strings as those of one request; how much each rule found.
fn scan(policy: &impl Policy, strings: &[String]) -> Result<BTreeMap<String, u32>> {
    let mut exchange = policy.open();
    let (mut facts, mut store) = (Facts::default(), MemoryStore::default());
    let mut effects = Effects::new(&mut store);
    for (string, id) in strings.iter().zip(0..) {
        let event = Event::RequestText(Text::prose(TextId(id), string, true));
        let verdict = exchange.handle(Timestamp::default(), &event, &mut facts, &mut effects);
        if verdict != Verdict::Continue {
            bail!("{verdict:?}");
        }
    }
    let event = Event::RequestEnd(&RequestMeaning::default());
    exchange.handle(Timestamp::default(), &event, &mut facts, &mut effects);
    let found = facts.findings.iter();
    Ok(found
        .map(|finding| (finding.rule.to_string(), finding.count))
        .collect())
}

/// Every string of a value, keys too.
fn collect(value: &Value, strings: &mut Vec<String>) {
    match value {
        Value::String(string) => strings.push(string.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, strings)),
        Value::Object(fields) => {
            for (key, value) in fields {
                strings.push(key.clone());
                collect(value, strings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
