//! Runs one case in one engine.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use portcullis_policy::Timestamp;

use crate::case::{Case, Request, Step, Upstream};
use crate::check::{self, Occasion};
use crate::clusters;
use crate::engine::{Engine, Seen, Setup};
use crate::load::{Located, Suite};
use crate::resolve::{self, Call, PROMPT, Reply};
use crate::trace;

/// Shorter texts are not looked for: they may stand in a record by accident.
const PLANTED_BYTES_MIN: usize = 8;

/// What came of a case.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Everything that is wrong; empty when all is as it must be.
    pub problems: Vec<String>,
    /// What came of each exchange, as [`crate::trace::describe`] shows it.
    pub traces: Vec<String>,
}

/// The first of a run's traces that is another one in a second run, or that only one of them has; `None` when both are the same.
#[must_use]
pub fn difference(one: &[String], other: &[String]) -> Option<String> {
    let at = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at))?;
    let [one, other] =
        [one, other].map(|traces| traces.get(at).map_or("nothing\n", String::as_str));
    Some(format!("{one}--- not ---\n{other}"))
}

/// Runs the steps of a case.
///
/// # Errors
/// When the case is not of the format, or the engine fails.
pub fn run(
    suite: &Suite,
    located: &Located,
    setup: &Setup,
    engine: &mut dyn Engine,
) -> Result<Outcome> {
    run_with(suite, located, setup, engine, &mut |_, _| {})
}

/// The same, with a chance to change each message before it is sent: for properties.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    suite: &Suite,
    located: &Located,
    setup: &Setup,
    engine: &mut dyn Engine,
    change: &mut dyn FnMut(&mut Call, &mut Reply),
) -> Result<Outcome> {
    let case = &located.case;
    let planted = planted(suite, case);
    let mut opened: BTreeMap<String, Call> = BTreeMap::new();
    let mut outcome = Outcome::default();
    engine.script(&case.clusters)?;
    for (index, step) in case.steps.iter().enumerate() {
        for round in 0..step.times.unwrap_or(1) {
            let place = || format!("step {} round {}", index + 1, round + 1);
            if let Some(expect) = &step.calls {
                let made = engine.calls();
                let wrong = clusters::problems(expect, &made);
                let wrong = wrong.into_iter().chain(clusters::leaks(&planted, &made));
                outcome
                    .problems
                    .extend(wrong.map(|problem| format!("{}: {problem}", place())));
                continue;
            }
            let done = one(suite, step, engine, &mut opened, change).with_context(place)?;
            let Some((call, reply, seen)) = done else {
                continue;
            };
            let expect = check::expectation(step, setup.hold)?;
            let of = Occasion {
                setup,
                call: &call,
                reply: &reply,
                planted: &planted,
            };
            let wrong = check::problems(&expect, &seen, of);
            let wrong = wrong
                .into_iter()
                .map(|problem| format!("{}: {problem}", place()));
            outcome.problems.extend(wrong);
            outcome.traces.push(trace::describe(&call, &reply, &seen));
        }
    }
    outcome
        .problems
        .extend(clusters::leaks(&planted, &engine.calls()));
    Ok(outcome)
}

fn one(
    suite: &Suite,
    step: &Step,
    engine: &mut dyn Engine,
    opened: &mut BTreeMap<String, Call>,
    change: &mut dyn FnMut(&mut Call, &mut Reply),
) -> Result<Option<(Call, Reply, Seen)>> {
    if let Some(by) = &step.advance {
        engine.advance(duration(by)?)?;
        return Ok(None);
    }
    if let Some(time) = &step.clock {
        let time = Timestamp::parse_rfc3339(time).with_context(|| format!("not a time: {time}"))?;
        engine.set_clock(time.as_nanos())?;
        return Ok(None);
    }
    if let Some(shared) = step.store {
        engine.share(shared)?;
        return Ok(None);
    }
    if let Some(scripts) = &step.clusters {
        engine.script(scripts)?;
        return Ok(None);
    }
    let upstream = step.upstream.clone().unwrap_or_default();
    if let Some(name) = step.finish.as_ref().or(step.leave.as_ref()) {
        let call = opened
            .remove(name)
            .with_context(|| format!("no exchange {name}"))?;
        let silent = Upstream {
            silent: true,
            ..Upstream::default()
        };
        let upstream = if step.leave.is_some() {
            &silent
        } else {
            &upstream
        };
        let mut reply = resolve::reply(upstream, &call)?;
        change(&mut call.clone(), &mut reply);
        let seen = engine.finish(name, &reply)?;
        return Ok(Some((call, reply, seen)));
    }
    let request = step.request.clone().unwrap_or_default();
    let mut call = resolve::call(&request, &suite.people)?;
    let mut reply = resolve::reply(&upstream, &call)?;
    change(&mut call, &mut reply);
    if let Some(name) = &step.open {
        engine.open(name, &call)?;
        opened.insert(name.clone(), call);
        return Ok(None);
    }
    let seen = engine.exchange(&call, &reply)?;
    Ok(Some((call, reply, seen)))
}

/// Prompts, answers, keys, and what the case itself names.
fn planted(suite: &Suite, case: &Case) -> Vec<String> {
    let mut planted = suite.planted(case);
    planted.push(PROMPT.to_owned());
    for step in &case.steps {
        let prompt = step
            .request
            .as_ref()
            .and_then(|Request { prompt, .. }| prompt.clone());
        let answer = step
            .upstream
            .as_ref()
            .and_then(|Upstream { answer, .. }| answer.clone());
        planted.extend(prompt.into_iter().chain(answer));
    }
    planted.retain(|text| text.len() >= PLANTED_BYTES_MIN);
    planted
}

/// `500ms`, `12s`, `5m`, `1h`, `90d`.
fn duration(text: &str) -> Result<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .with_context(|| format!("not a duration: {text}"))?;
    Ok(match text.get(digits.len()..) {
        Some("ms") => Duration::from_millis(number),
        Some("s") => Duration::from_secs(number),
        Some("m") => Duration::from_secs(number * 60),
        Some("h") => Duration::from_secs(number * 3600),
        Some("d") => Duration::from_secs(number * 86_400),
        _ => bail!("not a duration: {text}"),
    })
}
