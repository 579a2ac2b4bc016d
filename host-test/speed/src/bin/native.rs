//! What one profiles, natively: texts through the scanner alone, or through all of `chain`.
//!
//! `cargo build --release -p portcullis-speed --no-default-features --bin native`, then `perf record`, or `valgrind --tool=callgrind` for exact
//! counts, of `target/release/native DIR --rounds 1`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use portcullis_chain::{Completeness, Exchange, Gateway, Settings, Step, Turn};
use portcullis_policy::config::Document;
use portcullis_policy::{
    Effects, Event, Facts, MemoryStore, Policy, RequestMeaning, Text, TextId, Timestamp, Verdict,
};
use portcullis_speed::{PIECE_BYTES, clock, request};
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
    /// Instead of all detectors and ten patterns, these rules, as JSON
    #[arg(long, value_parser = json_value)]
    rules: Option<Value>,
    /// How the text comes
    #[arg(long, value_enum, default_value_t = Form::Strings)]
    form: Form,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// Its strings, past everything but the scanner
    Strings,
    /// The lines as they are, as one string, past everything but the scanner
    Raw,
    /// Its strings in the body of a request
    Document,
    /// As one string in the body of a request
    Prompt,
    /// As an answer, in deltas of a word
    Stream,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let rules = match (&arguments.detector, &arguments.rules) {
        (Some(name), _) => json!([{ "detector": name, "action": "flag" }]),
        (None, Some(rules)) => rules.clone(),
        (None, None) => portcullis_speed::rules(),
    };
    let policy = json!({ "dlp": { "rules": rules } }).to_string();
    let document = match Document::parse(policy.as_bytes()) {
        Ok(document) => document,
        Err(mistake) => bail!("{mistake}"),
    };
    let (policy, set_up) = clock::time(|| portcullis_dlp::configure(&document, &|_: &str| None));
    println!("set-up {set_up:.1?}");
    let settings = Settings::read(&document);
    let Some(policy) = policy.filter(|_| document.take_mistakes().is_empty()) else {
        bail!("no policy");
    };
    let boxed: Box<dyn Policy> = Box::new(policy.clone());
    let gateway = Gateway::new(vec![boxed], settings, Completeness::Whole);
    for text in portcullis_speed::Text::all(&arguments.folder)? {
        if !text.name.contains(&arguments.only) {
            continue;
        }
        let mut strings = Vec::new();
        let mut body = String::new();
        match arguments.form {
            Form::Strings => text
                .lines()
                .iter()
                .for_each(|line| collect(line, &mut strings)),
            Form::Raw => strings.push(text.text.clone()),
            Form::Document => body = text.document().to_string(),
            Form::Prompt => body = text.string().to_string(),
            Form::Stream => body = text.stream(),
        }
        let (mut best, mut findings) = (Duration::MAX, BTreeMap::new());
        for _ in 0..arguments.rounds.max(1) {
            let (found, took) = clock::time(|| match arguments.form {
                Form::Strings | Form::Raw => scan(&policy, &strings),
                Form::Document | Form::Prompt => ask(&gateway, &body),
                Form::Stream => answer(&gateway, &body),
            });
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

fn json_value(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text)
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
    Ok(found(&facts))
}

/// Sends the body of a request through the gateway.
fn ask(gateway: &Rc<Gateway>, body: &str) -> Result<BTreeMap<String, u32>> {
    let exchange = exchange(gateway, body)?;
    Ok(found(exchange.facts()))
}

/// Sends a stream through the gateway as the answer to a request, one event after the other.
fn answer(gateway: &Rc<Gateway>, body: &str) -> Result<BTreeMap<String, u32>> {
    let mut exchange = exchange(gateway, &request("hello").to_string())?;
    let mut store = MemoryStore::default();
    let mut turn = turn(&mut store);
    let headers = [
        (":status", "200".as_bytes()),
        ("content-type", b"text/event-stream"),
    ];
    exchange.response_head(
        &mut turn,
        &headers,
        &|| portcullis_chain::Origin::Provider,
        false,
    );
    for event in body.split_inclusive("\n\n") {
        if let Step::Reply(reply) = exchange.response_data(&mut turn, event.as_bytes(), false) {
            bail!("{reply:?}");
        }
    }
    exchange.response_data(&mut turn, &[], true);
    exchange.end(&mut turn, &|| 200);
    Ok(found(exchange.facts()))
}

/// A request with this body that went through.
fn exchange(gateway: &Rc<Gateway>, body: &str) -> Result<Exchange> {
    let mut store = MemoryStore::default();
    let mut turn = turn(&mut store);
    let mut exchange = gateway.open();
    let headers = [
        (":method", "POST".as_bytes()),
        (":path", b"/v1/chat/completions"),
        ("content-type", b"application/json"),
    ];
    exchange.request_head(&mut turn, &headers, &|| None, false);
    let mut pieces = body.as_bytes().chunks(PIECE_BYTES).peekable();
    while let Some(piece) = pieces.next() {
        let complete = pieces.peek().is_none();
        if let Step::Reply(reply) = exchange.request_data(&mut turn, piece, complete) {
            bail!("{reply:?}");
        }
    }
    Ok(exchange)
}

fn turn(store: &mut MemoryStore) -> Turn<'_> {
    Turn {
        now: Timestamp::default(),
        store,
        filter_state: &|_| None,
    }
}

/// How much each rule found.
fn found(facts: &Facts) -> BTreeMap<String, u32> {
    let found = facts.findings.iter();
    found
        .map(|finding| (finding.rule.to_string(), finding.count))
        .collect()
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
