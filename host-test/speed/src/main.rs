//! `cargo xtask dlp-speed`: the whole DLP pipeline in wasmtime, as a ratio to a pass of an Aho-Corasick DFA over the same text in the same run.
//!
//! What else the machine does slows both; rounds of both take turns and the fastest of each counts. Instructions (wasmtime fuel) are exact.

mod keywords;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use keywords::Keywords;
use portcullis_host_test::{Module, World};
use portcullis_speed::clock;
use portcullis_speed::gateway::{self, Gateway};
use portcullis_speed::{Text, rules};
use report::{Figures, Report, SetUp};

#[derive(Parser)]
struct Arguments {
    /// A folder with *.txt.gz
    folder: PathBuf,
    /// The module to measure
    #[arg(long)]
    module: PathBuf,
    /// The guest to compare it with
    #[arg(long)]
    keywords: PathBuf,
    /// Other rules than all detectors and ten patterns, as JSON: to see what a part costs
    #[arg(long, value_parser = json)]
    rules: Option<serde_json::Value>,
    /// How often each text is scanned
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Write all figures to this file as well
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail when a goal is missed
    #[arg(long)]
    strict: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let module = Module::from_file(&arguments.module)?;
    let rules = arguments.rules.unwrap_or_else(rules);
    let load = || Gateway::load(World::new().guarding_memory(), &module, &rules);
    // The first one waits for the compiler.
    load()?;
    let (gateway, cold) = clock::time(load);
    let (gateway, cold) = (gateway?, cold / gateway::VMS);
    let mut warm = cold;
    for _ in 0..arguments.rounds {
        let (again, took) = clock::time(load);
        again?;
        warm = warm.min(took / gateway::VMS);
    }
    let heap_bytes = gateway.heap_bytes();
    let world = World::new().counting_instructions();
    let counted = Gateway::load(world.clone(), &module, &rules)?;
    let set_up = world.instructions().get("proxy_on_configure").copied();

    let mut keywords = Keywords::load(&arguments.keywords)?;
    let mut texts = Vec::new();
    for text in Text::all(&arguments.folder)? {
        for (form, body) in [("document", text.document()), ("string", text.string())] {
            let body = body.to_string();
            let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
            for _ in 0..arguments.rounds.max(1) {
                ours = ours.min(gateway.request(body.as_bytes())?);
                theirs = theirs.min(keywords.pass(text.text.as_bytes())?);
            }
            texts.push(Figures {
                name: text.name.clone(),
                form,
                bytes: text.text.len(),
                ours,
                theirs,
                instructions: counted.instructions(body.as_bytes()),
            });
        }
    }
    let report = Report {
        texts,
        set_up: SetUp {
            cold,
            warm,
            instructions: set_up.unwrap_or(0) / u64::from(gateway::VMS),
            heap_bytes,
        },
        heap_bytes: gateway.heap_bytes(),
    };
    println!("{report}");
    if let Some(file) = &arguments.json {
        std::fs::write(file, report.json().to_string())?;
    }
    let fails = arguments.strict && !report.misses().is_empty();
    Ok(ExitCode::from(u8::from(fails)))
}

fn json(text: &str) -> serde_json::Result<serde_json::Value> {
    serde_json::from_str(text)
}
