//! Cases in the real Envoy. Policies share an Envoy as long as they have one environment; cases share a policy's listener when their
//! policy is that of most, so that nothing a case makes a policy count meets another case.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use portcullis_conformance::engine::Setup;
use portcullis_conformance::envoy::{RealEnvoy, Site, needs_more};
use portcullis_conformance::load::{Located, Suite};
use portcullis_conformance::run;

mod common;

/// Envoys that run at the same time: as many as the smallest machine of CI has cores.
const ENVOYS: usize = 2;

/// Most policies that share an Envoy: each has VMs of its own, of some 25 MB for each module.
const POLICIES_MAX: usize = 8;

/// The ways of running the gateway: scenario, engine's name in `skip`, and whether headers are held.
const WAYS: [(&str, &str, bool); 4] = [
    ("local", "envoy", true),
    ("local", "envoy", false),
    ("chain", "envoy_chain", true),
    ("chain", "envoy_chain", false),
];

#[test]
fn all_cases() {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let site = Site::find().unwrap_or_else(|error| panic!("{error:#}"));
    let jobs = jobs(&suite);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..ENVOYS {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begin = Instant::now();
                    let problems = job.run(&suite, &site);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    say(&format!(
                        "[{done}/{}] {job}: {} problems, {:.1} s",
                        jobs.len(),
                        problems.len(),
                        begin.elapsed().as_secs_f64()
                    ));
                    failures.lock().unwrap().extend(problems);
                }
            });
        }
    });
    say(&summary(&suite, &jobs));
    let failures = failures.into_inner().unwrap();
    common::assert_none(&failures);
}

/// Progress goes by the harness, which would keep it to the end.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// How many cases ran, and why the others cannot.
fn summary(suite: &Suite, jobs: &[Job<'_>]) -> String {
    let runs: usize = jobs.iter().map(Job::runs).sum();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ran = 0;
    for Located { case, .. } in &suite.cases {
        match case
            .skip
            .get("envoy")
            .map(String::as_str)
            .or(needs_more(case))
        {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None => ran += 1,
        }
    }
    let reasons = reasons
        .iter()
        .map(|(reason, count)| format!("\n    {count} not: {reason}"));
    format!(
        "{ran} of {} cases in the real Envoy, {runs} runs in {} Envoys{}",
        suite.cases.len(),
        jobs.len(),
        reasons.collect::<String>()
    )
}

/// What one Envoy is started for.
struct Job<'a> {
    scenario: &'static str,
    hold: bool,
    what: What<'a>,
}

enum What<'a> {
    /// A policy that must be refused.
    Refusal(&'a Located, Setup),
    /// Policies, each with its cases.
    Policies(Vec<(Setup, Vec<&'a Located>)>),
}

fn jobs(suite: &Suite) -> Vec<Job<'_>> {
    let mut jobs = Vec::new();
    for (scenario, engine, hold) in WAYS {
        let job = |what| Job {
            scenario,
            hold,
            what,
        };
        let mut shared: BTreeMap<&str, (Setup, Vec<&Located>)> = BTreeMap::new();
        let mut own: BTreeMap<String, Vec<(Setup, Vec<&Located>)>> = BTreeMap::new();
        for located in &suite.cases {
            let case = &located.case;
            let other = case.hold.is_some_and(|only| only != hold);
            if case.skip.contains_key(engine) || other || needs_more(case).is_some() {
                continue;
            }
            let setup = suite.setup(case, hold).unwrap();
            if case.rejected.is_some() {
                // Whether headers are held has no part in whether a policy is good.
                if hold || case.hold.is_some() {
                    jobs.push(job(What::Refusal(located, setup)));
                }
            } else if case.change.is_null() && case.env.is_empty() {
                let entry = shared.entry(&case.policy);
                entry.or_insert((setup, Vec::new())).1.push(located);
            } else {
                let env = format!("{:?}", setup.env);
                own.entry(env).or_default().push((setup, vec![located]));
            }
        }
        jobs.extend(
            shared
                .into_values()
                .map(|one| job(What::Policies(vec![one]))),
        );
        for mut policies in own.into_values() {
            while !policies.is_empty() {
                let rest = policies.split_off(policies.len().min(POLICIES_MAX));
                jobs.push(job(What::Policies(std::mem::replace(&mut policies, rest))));
            }
        }
    }
    // The longest first, so that the two end together.
    jobs.sort_by_key(|job| std::cmp::Reverse(job.runs()));
    jobs
}

impl std::fmt::Display for Job<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let held = if self.hold { "held" } else { "not held" };
        write!(f, "{}, headers {held}: ", self.scenario)?;
        match &self.what {
            What::Refusal(located, _) => write!(f, "{}", located.title()),
            What::Policies(policies) => {
                write!(f, "{} cases, {} policies", self.runs(), policies.len())
            }
        }
    }
}

impl Job<'_> {
    fn runs(&self) -> usize {
        match &self.what {
            What::Refusal(..) => 1,
            What::Policies(policies) => policies.iter().map(|(_, cases)| cases.len()).sum(),
        }
    }

    fn titled(&self, located: &Located, problem: &str) -> String {
        format!(
            "{} ({}, hold_headers: {})\n    {problem}",
            located.title(),
            self.scenario,
            self.hold
        )
    }

    fn run(&self, suite: &Suite, site: &Site) -> Vec<String> {
        match &self.what {
            What::Refusal(located, setup) => {
                let refused = site.accepts(self.scenario, setup);
                common::of_refusal(suite, located, refused)
                    .iter()
                    .map(|problem| self.titled(located, problem))
                    .collect()
            }
            What::Policies(policies) => self.run_policies(suite, site, policies),
        }
    }

    fn run_policies(
        &self,
        suite: &Suite,
        site: &Site,
        policies: &[(Setup, Vec<&Located>)],
    ) -> Vec<String> {
        let first = policies[0].1[0];
        let setups: Vec<&Setup> = policies.iter().map(|(setup, _)| setup).collect();
        let mut envoy: RealEnvoy = match site.start(self.scenario, &setups) {
            Ok(envoy) => envoy,
            Err(error) => {
                let problem = format!("Envoy does not start: {error:#}");
                return vec![self.titled(first, &problem)];
            }
        };
        let mut failures = Vec::new();
        let mut planted = Vec::new();
        for (index, (setup, cases)) in policies.iter().enumerate() {
            for located in cases {
                planted.extend(suite.planted(&located.case));
                let wrong = match run::run(suite, located, setup, &mut envoy.policy(index)) {
                    Ok(outcome) => outcome.problems,
                    Err(error) => vec![format!("{error:#}")],
                };
                failures.extend(wrong.iter().map(|problem| self.titled(located, problem)));
            }
        }
        match envoy.finish(&planted) {
            Ok(problems) => {
                failures.extend(problems.iter().map(|problem| self.titled(first, problem)));
            }
            Err(error) => failures.push(self.titled(first, &format!("{error:#}"))),
        }
        failures
    }
}
