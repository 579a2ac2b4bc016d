//! How fast `portcullis audit` reads a log, beside `wc -l` and `sha256sum` over the same file in the same run:
//! `cargo bench -p portcullis-cli --bench audit` (MEBIBYTES=200 unless set).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use portcullis_policy::config::Document;
use portcullis_policy::{
    AuthOutcome, Effects, Endpoint, Event, Facts, Identity, MemoryStore, Policy as _, Timestamp,
    Usage,
};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "audit-key-of-the-bench";
const ROUNDS: usize = 3;

/// Records of 200 people, with a key.
fn write(path: &Path, bytes: u64) -> u64 {
    let document =
        Document::parse(br#"{"audit":{"service":"llm-gateway","hmac_key":{"env":"KEY"}}}"#)
            .unwrap();
    let environment = |_: &str| Some(KEY.to_owned());
    let audit = portcullis_audit::configure(&document, &environment).unwrap();
    audit.background().unwrap().borrow_mut().start(&[1; 32]);
    let mut store = MemoryStore::default();
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut written, mut number) = (0, 0);
    while written < bytes {
        number += 1;
        let now = Timestamp::from_secs(1_764_585_045).after(Duration::from_millis(number * 7));
        let person = number % 200;
        let mut facts = Facts {
            received_at: now,
            request_id: format!("0f8fad5b-d9cb-469f-a165-{number:012}"),
            method: "POST".into(),
            path: "/v1/messages".into(),
            source: Some("10.1.2.3".parse().unwrap()),
            endpoint: Some(Endpoint::AnthropicMessages),
            auth: AuthOutcome::Success,
            identity: Some(
                Identity {
                    user: format!("person-{person}@example.com"),
                    team: Some("eng-team".into()),
                    key_id: format!("person-{person}-laptop"),
                }
                .into(),
            ),
            model: Some("claude-3-5-sonnet".into()),
            usage: Some(Usage {
                input: 150,
                output: 300,
            }),
            ..Facts::default()
        };
        let mut out = Effects::new(&mut store);
        audit
            .open()
            .handle(now, &Event::End { status: 200 }, &mut facts, &mut out);
        let lines = facts.record.unwrap();
        writeln!(file, "{lines}").unwrap();
        written += lines.len() as u64 + 1;
    }
    file.flush().unwrap();
    written
}

/// The fastest of a few runs.
fn time(command: &mut Command) -> f64 {
    let run = |_| {
        let begin = Instant::now();
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{command:?}");
        begin.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(run).fold(f64::INFINITY, f64::min)
}

fn main() {
    let mebibytes: u64 = std::env::var("MEBIBYTES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let bytes = write(&file, mebibytes << 20);
    #[allow(clippy::cast_precision_loss)]
    let size = bytes as f64 / 1e6;
    let tool = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(name);
        command.args(arguments).arg(&file);
        time(&mut command)
    };
    let audit = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .env("PORTCULLIS_AUDIT_KEY", KEY)
            .arg("audit")
            .args(arguments)
            .arg(&file);
        time(&mut command)
    };
    let (lines, digest) = (tool("wc", &["-l"]), tool("sha256sum", &[]));
    println!("{size:.0} MB, one core, the fastest of {ROUNDS} runs");
    println!(
        "{:<44} {:>8} {:>8} {:>10}",
        "", "MB/s", "/ wc -l", "/ sha256sum"
    );
    let rows = [
        ("wc -l", lines),
        ("sha256sum", digest),
        (
            "query --user (one of 200)",
            audit(&["query", "--json", "--user", "person-7@example.com"]),
        ),
        (
            "query --since (none of them)",
            audit(&["query", "--totals", "--since", "2099-01-01"]),
        ),
        (
            "query --totals --by user (all of them)",
            audit(&["query", "--totals", "--by", "user"]),
        ),
        ("verify", audit(&["verify"])),
        ("heads", audit(&["heads"])),
    ];
    for (name, took) in rows {
        println!(
            "{name:<44} {:>8.0} {:>8.2} {:>10.2}",
            size / took,
            lines / took,
            digest / took
        );
    }
}
