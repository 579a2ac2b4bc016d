//! `portcullis check`: is this policy right, and what of the security guide does it leave open?

mod checklist;
mod cut_keys;
pub(crate) mod report;
mod surroundings;

use crate::Outcome;
use crate::policy_file::{self, PolicyText};
use crate::yaml;
use anyhow::Context as _;
use clap::Args;
use portcullis_policy::Timestamp;
use portcullis_policy::config::{Environment, MISTAKES_MAX};
use report::{Place, Report};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Find every mistake of a policy at once, and what the security guide would have otherwise.
///
/// FILE is a policy document (YAML or JSON), an Envoy configuration with policies in its wasm filters, or an Istio WasmPlugin; of these also
/// what stands around the policies is judged (docs/check.md).
/// Exit code: 0 when the modules would accept every policy in it (and, with --strict, the checklist has no warning), 1 when not, 2 when
/// the file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// What to check; `-` for standard input.
    file: PathBuf,
    /// A warning of the checklist is a failure, too.
    #[arg(long)]
    strict: bool,
    /// Environment variables that the policy names must be set here, as in the proxy.
    #[arg(long)]
    env: bool,
    /// One JSON document instead of lines for people.
    #[arg(long)]
    json: bool,
    /// Judge keys as of this time (RFC 3339), for example the day of the next deployment.
    #[arg(long, value_name = "TIME", value_parser = timestamp)]
    at: Option<Timestamp>,
}

impl Check {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let text = policy_file::read_text(&self.file)?;
        let name = self.file.display().to_string();
        let policies = policy_file::policies(&text).with_context(|| name.clone())?;
        let now = self.at.unwrap_or_else(now);
        let mut report = Report::new(name, policies.len());
        for policy in &policies {
            self.check(policy, now, &mut report);
        }
        let documents = yaml::parse(&text)?;
        surroundings::judge(&documents, &mut report);
        if documents.iter().any(policy_file::is_configuration) {
            report.not_visible = report::NOT_VISIBLE_AROUND;
        }
        report.sort();
        report.print(self.json)?;
        let wrong = !report.mistakes.is_empty() || (self.strict && !report.warnings.is_empty());
        Ok(if wrong {
            Outcome::Found
        } else {
            Outcome::Clean
        })
    }

    fn check(&self, policy: &PolicyText, now: Timestamp, report: &mut Report) {
        let document = policy.document();
        let environment: &dyn Environment = if self.env {
            &|name: &str| std::env::var(name).ok()
        } else {
            &policy_file::stand_in
        };
        let mistakes = policy_file::mistakes(&document, environment);
        report.more |= mistakes.len() >= MISTAKES_MAX;
        for mistake in mistakes {
            report
                .mistakes
                .push(Place::of(policy, &mistake.path, "mistake", mistake.message));
        }
        let warnings = checklist::warnings(&document, now);
        for warning in warnings.into_iter().chain(cut_keys::warnings(&document)) {
            report.warnings.push(Place::of(
                policy,
                &warning.path,
                warning.check,
                warning.message,
            ));
        }
    }
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn timestamp(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("expected a time such as 2026-01-01T00:00:00Z")
}
