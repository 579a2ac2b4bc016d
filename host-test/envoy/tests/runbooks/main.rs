//! The runbooks of `docs/runbooks`, step by step as they stand there, against a running gateway whose policy is a file that Envoy follows.
//!
//! A block marked `sh` is run by bash, and must succeed; a block marked `text` right after it is what it must print: each line, in
//! order, with `…` standing for anything.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod live;
mod steps;

use std::path::{Path, PathBuf};

use crate::live::Live;
use crate::steps::steps;

fn follow(runbook: &str) {
    let live = Live::start();
    live.ordinary_day();
    let file = common::checkout()
        .root()
        .join("docs/runbooks")
        .join(runbook);
    let text = std::fs::read_to_string(&file).unwrap();
    let steps = steps(&text);
    assert!(steps.len() >= 8, "{} steps in {runbook}", steps.len());
    for step in &steps {
        let output = live.shell(&step.commands);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let problem = if output.status.success() {
            step.problem(&said)
        } else {
            Some(format!("it fails with {}", output.status))
        };
        if let Some(problem) = problem {
            let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
            panic!(
                "{runbook}, line {}: {problem}\n{}\nprints:\n{said}{complaints}",
                step.line, step.commands
            );
        }
    }
    live.finish();
}

#[test]
fn a_key_is_compromised() {
    follow("key-compromised.md");
}

#[test]
fn data_got_out() {
    follow("data-breach.md");
}

#[test]
fn the_service_is_out() {
    follow("service-outage.md");
}

#[test]
fn a_regular_review() {
    follow("regular-review.md");
}

/// Files below a folder whose names end so, but for those that builds leave.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn what_documents_link_to_is_there() {
    let mut documents = Vec::new();
    files(common::checkout().root(), ".md", &mut documents);
    assert!(documents.len() >= 20, "{documents:?}");
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for link in steps::links(&text) {
            assert!(
                folder.join(&link).exists(),
                "{} refers to {link}",
                document.display()
            );
        }
    }
}

/// Somebody at night looks for the words that clients tell.
#[test]
fn messages_in_the_runbook_are_those_of_the_gateway() {
    let root = common::checkout().root();
    let runbook = std::fs::read_to_string(root.join("docs/runbooks/service-outage.md")).unwrap();
    let (_, table) = runbook.split_once("| message | why |").unwrap();
    let messages: Vec<&str> = table
        .lines()
        .skip(2)
        .map_while(|row| row.strip_prefix("| ")?.split(" | ").next())
        .collect();
    assert!(messages.len() >= 8, "{messages:?}");
    let mut sources = Vec::new();
    files(&root.join("plugins"), ".rs", &mut sources);
    let sources: String = sources
        .iter()
        .map(|source| std::fs::read_to_string(source).unwrap())
        .collect();
    for message in messages {
        assert!(sources.contains(message), "nobody says {message:?}");
    }
}

/// Every command of the control map that is evidence runs, against the same gateway.
#[test]
fn the_evidence_of_the_control_map_can_be_shown() {
    let live = Live::start();
    live.ordinary_day();
    let text = std::fs::read_to_string(common::checkout().root().join("docs/controls.md")).unwrap();
    let commands = steps::evidence(&text);
    assert!(commands.len() >= 15, "{}", commands.len());
    for command in commands {
        let output = live.shell(&command);
        assert!(
            output.status.success(),
            "{command}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    live.finish();
}
