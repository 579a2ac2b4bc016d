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

/// Documents refer to files and commands that are there.
#[test]
fn what_documents_refer_to_is_there() {
    for document in [
        "docs/controls.md",
        "docs/alerts.md",
        "docs/runbooks/README.md",
        "docs/runbooks/key-compromised.md",
        "docs/runbooks/data-breach.md",
        "docs/runbooks/service-outage.md",
        "envoy/observability/README.md",
    ] {
        let file = common::checkout().root().join(document);
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{document}: {error}"));
        let folder = file.parent().unwrap();
        for link in steps::links(&text) {
            assert!(folder.join(&link).exists(), "{document} refers to {link}");
        }
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
