//! `portcullis scan`: would this pass the gateway?

mod hook;
mod input;
mod preflight;
mod progress;
mod report;

pub use preflight::{Finding, Preflight};

use crate::Outcome;
use crate::policy_file;
use anyhow::{Context as _, bail};
use clap::Args;
use input::Input;
use portcullis_policy::config::Document;
use report::Report;
use std::path::PathBuf;

/// Look for secrets and personal data with the gateway's own scanner, before anything leaves.
///
/// Reads text, the JSON body of a call (OpenAI, Anthropic, any other), the lines of an event stream, and directories (what .gitignore names is
/// left out, and so are binary files). Exit code: 0 when nothing was found, 1 on a finding, 2 when something could not be read. With --hook, 2 is
/// also a finding's.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// What to scan; `-` or nothing for standard input.
    paths: Vec<PathBuf>,
    /// The gateway's policy (its section `dlp`) in place of all detectors.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Detectors or groups to look with: secrets, pii, pci, all, ssn, payment_card …
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "all",
        conflicts_with = "policy"
    )]
    detectors: Vec<String>,
    /// Only count what the gateway would stop or change: findings whose action is `flag` do not.
    #[arg(long)]
    no_flags: bool,
    /// Read the call of a coding assistant's hook (Claude Code: UserPromptSubmit, PreToolUse) from standard input.
    #[arg(long, conflicts_with_all = ["paths", "json"])]
    hook: bool,
    /// One JSON document instead of lines for people.
    #[arg(long)]
    json: bool,
    /// Print what was found, too. It ends up in your terminal's history and in logs.
    #[arg(long)]
    show: bool,
}

impl Scan {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        if self.hook {
            return hook::run(|| self.preflight(), self.no_flags);
        }
        let mut preflight = self.preflight()?;
        let mut report = Report::new(self.json, self.show, self.no_flags);
        let sources = input::all(&self.paths)?;
        let bytes = sources.iter().map(|source| source.bytes).sum();
        let progress = progress::bar(sources.len(), bytes);
        let mut behind = 0;
        for source in &sources {
            let name = source.name();
            progress.set_message(name.clone());
            match source.read() {
                Input::Text(bytes) => {
                    let findings = preflight.scan_with(&bytes, &mut |done| {
                        progress.set_position(behind + done as u64);
                    });
                    progress.suspend(|| report.add(&name, &bytes, findings))?;
                }
                Input::Binary => report.binary(),
                Input::Unreadable(why) => progress.suspend(|| report.unreadable(&name, &why)),
            }
            behind += source.bytes;
            progress.set_position(behind);
        }
        progress.finish_and_clear();
        report.finish()
    }

    fn preflight(&self) -> anyhow::Result<Preflight> {
        let Some(path) = &self.policy else {
            return Preflight::of_detectors(&self.detectors);
        };
        let text = policy_file::read_text(path)?;
        let name = path.display().to_string();
        let policies = policy_file::policies(&text).with_context(|| name.clone())?;
        let documents = policies.iter().map(policy_file::PolicyText::document);
        let with_dlp: Vec<Document> = documents
            .filter(|document| document.section("dlp").is_some())
            .collect();
        match with_dlp.as_slice() {
            [document] => Preflight::of(document).with_context(|| name),
            [] => bail!("{name}: no policy in it has a section dlp"),
            _ => bail!("{name}: several policies in it have a section dlp"),
        }
    }
}
