//! Cases in the real Envoy: one start for each policy, so that cases with the same policy share an Envoy, unless they count.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_conformance::envoy::{RealEnvoy, Site, needs_more};
use portcullis_conformance::load::{Located, Suite};
use portcullis_conformance::run;

mod common;

/// Envoys that run at the same time: as many as the smallest machine of CI has cores.
const ENVOYS: usize = 2;

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
    let groups = groups(&suite);
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..ENVOYS {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let problems = run_group(&suite, &site, group);
                    failures.lock().unwrap().extend(problems);
                }
            });
        }
    });
    let cases: usize = groups.iter().map(|group| group.cases.len()).sum();
    println!("{cases} runs in {} Envoys", groups.len());
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} problems:\n\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Cases that share an Envoy.
struct Group<'a> {
    scenario: &'static str,
    hold: bool,
    cases: Vec<&'a Located>,
}

fn groups(suite: &Suite) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for (scenario, engine, hold) in WAYS {
        for (index, located) in suite.cases.iter().enumerate() {
            let case = &located.case;
            let other = case.hold.is_some_and(|only| only != hold);
            if case.skip.contains_key(engine) || other || needs_more(case).is_some() {
                continue;
            }
            let setup = suite.setup(case, hold).unwrap();
            // What counts must not be counted twice: such a case has an Envoy of its own.
            let counts = case.change.get("limits").is_some() || case.rejected.is_some();
            let own = if counts {
                index.to_string()
            } else {
                String::new()
            };
            let key = format!("{scenario} {hold} {own} {} {:?}", setup.policy, setup.env);
            let group = groups.entry(key).or_insert_with(|| Group {
                scenario,
                hold,
                cases: Vec::new(),
            });
            group.cases.push(located);
        }
    }
    groups.into_values().collect()
}

fn run_group(suite: &Suite, site: &Site, group: &Group<'_>) -> Vec<String> {
    let titled = |located: &Located, problem: &str| {
        format!(
            "{} ({}, hold_headers: {})\n    {problem}",
            located.title(),
            group.scenario,
            group.hold
        )
    };
    let first = group.cases[0];
    let setup = suite.setup(&first.case, group.hold).unwrap();
    if first.case.rejected.is_some() {
        let refused = site.accepts(group.scenario, &setup);
        let problems = common::of_refusal(suite, first, refused);
        return problems
            .iter()
            .map(|problem| titled(first, problem))
            .collect();
    }
    let mut envoy: RealEnvoy = match site.start(group.scenario, &setup) {
        Ok(envoy) => envoy,
        Err(error) => return vec![titled(first, &format!("Envoy does not start: {error:#}"))],
    };
    let mut failures = Vec::new();
    for located in &group.cases {
        match run::run(suite, located, &setup, &mut &mut envoy) {
            Ok(outcome) => failures.extend(
                outcome
                    .problems
                    .iter()
                    .map(|problem| titled(located, problem)),
            ),
            Err(error) => failures.push(titled(located, &format!("{error:#}"))),
        }
    }
    match envoy.finish(&suite.planted(&first.case)) {
        Ok(problems) => failures.extend(problems.iter().map(|problem| titled(first, problem))),
        Err(error) => failures.push(titled(first, &format!("{error:#}"))),
    }
    failures
}
