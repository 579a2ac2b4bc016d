//! The burst of `cargo xtask bench`: one user sends 200 requests at once, through two workers, against a limit that about half of them
//! fit in. What went over the limit, and what was refused although it would have fitted?
//!
//! Every request reserves and uses exactly as many tokens as the next, and the provider answers after a while, so that all requests
//! are under way before the first has cost anything. What was spent is what the provider counted.

mod litellm;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use portcullis_envoy_test::{Checkout, EnvoyBinary, Scenario};
use portcullis_provider::load::{self, LoadSpec, Stop};
use portcullis_provider::{Provider, Script};
use serde_json::{Value, json};

/// Requests at once.
const REQUESTS: u64 = 200;

/// Threads of the gateway.
const WORKERS: u32 = 2;

/// Tokens per minute.
const LIMIT: u64 = 10_000;

/// The prompt is 72 bytes of text, its model's and its role's names included: 18 tokens, as the gateway estimates them and as the
/// provider is told to count them.
const PROMPT: &str = "Tell me, in exactly eighty tokens, how a portcullis works.";
const PROMPT_TOKENS: u64 = 18;
const COMPLETION_TOKENS: u64 = 80;
const COST: u64 = PROMPT_TOKENS + COMPLETION_TOKENS;

/// How long the provider thinks.
const ANSWER_AFTER: Duration = Duration::from_millis(500);

/// How often the burst is repeated, each time with a gateway that has seen nothing; the worst counts.
const ROUNDS: usize = 3;

/// What is to be reached: the share of the limit that is admitted.
const ADMITTED_MIN: f64 = 0.9;

/// What came of one burst.
#[derive(Debug, Clone, Copy)]
struct Burst {
    admitted: u64,
    refused: u64,
    /// Tokens spent beyond the limit and what flowed into it meanwhile.
    over: u64,
    /// Tokens spent, of the limit.
    share: f64,
    seconds: f64,
}

/// Runs the bursts and prints a table; its rows for the result.
///
/// # Errors
/// When a gateway cannot be started or a request is neither answered nor refused.
pub fn run(checkout: &Checkout, binary: &EnvoyBinary, key: &str) -> Result<Value> {
    let provider = provider()?;
    let mut worst: Option<Burst> = None;
    for round in 1..=ROUNDS {
        eprintln!("burst {round} of {ROUNDS} …");
        let burst = portcullis(checkout, binary, key, &provider)?;
        if worst.is_none_or(|worst| (burst.over, -burst.share) > (worst.over, -worst.share)) {
            worst = Some(burst);
        }
    }
    let worst = worst.context("no burst")?;
    println!(
        "\n{REQUESTS} requests at once from one user, {COST} tokens each, {LIMIT} tokens a minute ({} fit)\n\n{:<28}{:>10}{:>10}{:>20}{:>16}{:>9}",
        LIMIT / COST,
        "",
        "admitted",
        "refused",
        "tokens over limit",
        "of the limit",
        "time"
    );
    let mut rows = vec![row("gateway.wasm, 2 workers", worst)];
    match litellm::find_or_install(checkout) {
        Ok(program) => {
            for workers in [1, WORKERS] {
                let plural = if workers == 1 { "" } else { "s" };
                let name = format!("LiteLLM, {workers} worker{plural}");
                match litellm::burst(&program, workers, key, &provider) {
                    Ok(burst) => rows.push(row(&name, burst)),
                    Err(error) => println!("{name:<28}not measured: {error:#}"),
                }
            }
            println!("(LiteLLM without a Redis: each of its workers counts by itself)");
        }
        Err(missing) => println!("{:<28}not measured: {missing:#}", "LiteLLM"),
    }
    println!();
    verdict(
        "tokens over the limit",
        worst.over == 0,
        &worst.over.to_string(),
        "= 0",
    );
    let share = format!("{:.3}", worst.share);
    verdict(
        "of the limit, admitted",
        worst.share >= ADMITTED_MIN,
        &share,
        &format!(">= {ADMITTED_MIN}"),
    );
    Ok(json!(rows))
}

fn verdict(what: &str, reached: bool, value: &str, bound: &str) {
    let word = if reached { "reached" } else { "MISSED" };
    println!("{what:<32}{value:>9}  {bound:<10}  {word}");
}

fn row(name: &str, burst: Burst) -> Value {
    let Burst {
        admitted,
        refused,
        over,
        share,
        seconds,
    } = burst;
    println!(
        "{name:<28}{admitted:>10}{refused:>10}{over:>20}{:>14.1} %{seconds:>7.1} s",
        share * 100.0
    );
    json!({ "name": name, "admitted": admitted, "refused": refused, "tokens_over_limit": over, "of_the_limit": share, "seconds": seconds })
}

/// A provider that takes its time and says what it has cost.
fn provider() -> Result<Provider> {
    let provider = Provider::builder()
        .record(true)
        .workers(1)
        .start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let script = json!({
        "text": "It falls.", "delay-headers": ANSWER_AFTER.as_millis().to_string(),
        "prompt-tokens": PROMPT_TOKENS.to_string(), "completion-tokens": COMPLETION_TOKENS.to_string(),
    });
    provider.set_script(Script::from_json(&script)?);
    Ok(provider)
}

fn portcullis(
    checkout: &Checkout,
    binary: &EnvoyBinary,
    key: &str,
    provider: &Provider,
) -> Result<Burst> {
    let mut scenario = Scenario::load(checkout, "local")?;
    scenario
        .provider(provider.addr())?
        .concurrency(WORKERS)
        .edit_policy(|policy| {
            if let Some(limits) = policy.get_mut("limits") {
                *limits = json!({ "user": { "tpm": LIMIT } });
            }
        })?;
    let envoy = scenario.start(binary).context("the gateway")?;
    fire(envoy.address(), key, provider)
}

/// Fires the burst at a gateway, and asks the provider what it was asked to do.
fn fire(address: SocketAddr, key: &str, provider: &Provider) -> Result<Burst> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let body = json!({ "model": "gpt-4o-mini", "max_tokens": COMPLETION_TOKENS, "messages": [{ "role": "user", "content": PROMPT }] });
    let connections = usize::try_from(REQUESTS)?;
    provider.reset_totals();
    provider.clear();
    let report = load::run(&LoadSpec {
        addr: address,
        method: "POST".into(),
        path: "/v1/chat/completions".into(),
        headers: vec![
            header("authorization", &format!("Bearer {key}")),
            header("content-type", "application/json"),
        ],
        body: body.to_string().into_bytes(),
        connections,
        warmup: Duration::ZERO,
        stop: Stop::Requests(REQUESTS),
    })?;
    let of_status = |status: u16| report.statuses.get(&status).copied().unwrap_or(0);
    let (admitted, refused) = (of_status(200), of_status(429));
    ensure!(
        admitted + refused == REQUESTS && report.errors == 0,
        "{:?}, {} errors ({:?})",
        report.statuses,
        report.errors,
        report.first_error
    );
    let totals = provider.totals();
    let spent = totals.prompt_tokens + totals.completion_tokens;
    let seconds = report.elapsed.as_secs_f64();
    // A bucket fills while the burst lasts; that much more is within the limit.
    let within = LIMIT as f64 * (1.0 + seconds / 60.0);
    Ok(Burst {
        admitted,
        refused,
        over: (spent as f64 - within).max(0.0).ceil() as u64,
        share: spent as f64 / LIMIT as f64,
        seconds,
    })
}
