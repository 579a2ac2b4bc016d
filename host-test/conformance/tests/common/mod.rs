//! What the engines' tests share: running every case and saying all that is wrong at once.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use anyhow::Result;
use portcullis_conformance::engine::{Engine, Setup};
use portcullis_conformance::load::{Located, Suite};
use portcullis_conformance::run;

/// How an engine is made for a case; an error is the policy's refusal.
pub type Make<'a> = &'a dyn Fn(&Setup) -> Result<Box<dyn Engine>>;

/// Runs every case that this engine does not skip, in both ways of treating headers.
pub fn every_case(engine: &str, make: impl Fn(&Setup) -> Result<Box<dyn Engine>>) {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let mut failures = Vec::new();
    let mut count = 0;
    for located in &suite.cases {
        if located.case.skip.contains_key(engine) {
            continue;
        }
        for hold in [true, false] {
            if located.case.hold.is_some_and(|only| only != hold) {
                continue;
            }
            count += 1;
            for problem in of_case(&suite, located, hold, &make) {
                failures.push(format!(
                    "{} (hold_headers: {hold})\n    {problem}",
                    located.title()
                ));
            }
        }
    }
    println!("{count} runs of {} cases", suite.cases.len());
    assert_none(&failures);
}

/// Fails with all problems at once.
pub fn assert_none(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{} problems:\n\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// What is wrong with a case.
pub fn of_case(suite: &Suite, located: &Located, hold: bool, make: Make<'_>) -> Vec<String> {
    let setup = suite.setup(&located.case, hold).unwrap();
    let made = make(&setup);
    if located.case.rejected.is_some() {
        return of_refusal(suite, located, made.map(|_| ()));
    }
    match made {
        Err(error) => vec![format!("the policy was refused: {error:#}")],
        Ok(mut engine) => match run::run(suite, located, &setup, engine.as_mut()) {
            Ok(outcome) => outcome.problems,
            Err(error) => vec![format!("{error:#}")],
        },
    }
}

/// What is wrong with the refusal of a policy.
pub fn of_refusal(suite: &Suite, located: &Located, refused: Result<()>) -> Vec<String> {
    let Err(error) = refused else {
        return vec!["the policy was accepted".to_owned()];
    };
    let text = format!("{error:#}");
    let planted = suite.planted(&located.case);
    let told = planted
        .iter()
        .filter(|secret| text.contains(secret.as_str()));
    let told = told.map(|secret| format!("the refusal of the policy tells {secret:?}: {text}"));
    let expected = located.case.rejected.iter().flatten();
    let lacks = expected.filter(|part| !text.contains(part.as_str()));
    lacks
        .map(|part| format!("the refusal of the policy lacks {part:?}: {text}"))
        .chain(told)
        .collect()
}
