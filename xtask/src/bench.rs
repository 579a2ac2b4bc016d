//! `cargo xtask bench`: what the gateway costs, as ratios to bare Envoy in the same run.
//!
//! Client, gateway (one worker) and upstream share the machine, so only the ratios mean anything. The variants run side by
//! side and take turns, round by round, so that what else the machine does hits them alike; the median of the rounds counts.
//! Beside the rate stands the processor time that Envoy takes for a request, which hardly depends on what else runs.

#![allow(clippy::indexing_slicing, reason = "JSON of our own making")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use portcullis_envoy_test::{Checkout, EnvoyBinary, Running, Scenario};
use portcullis_provider::load::{self, LoadSpec, Stop};
use serde_json::{Value, json};

use crate::{build, burst};

/// The demo's key, as the policy of the scenarios knows it.
const KEY: &str = "sk-demo-portcullis";

/// Body of the small request and prompt of the large one, in bytes.
const SMALL_BYTES: usize = 150;
const PROMPT_BYTES: usize = 62_000;

/// How often each Envoy is started to see how long that takes.
const STARTS: usize = 5;

/// What is to be reached, from the issue that asked for the benchmark.
const SMALL_RATIO_MIN: f64 = 0.70;
const PROMPT_RATIO_MIN: f64 = 0.45;
const MEMORY_MIB_MAX: f64 = 40.0;
const MODULE_KIB_MAX: f64 = 1024.0;
const READY_SECONDS_MAX: f64 = 1.0;
const LATE_PERCENT_MAX: f64 = 1.0;

/// The gateway, with every detector instead of the scenario's rules.
const ALL_DETECTORS: &str = "gateway, all detectors";

/// How long to measure.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds for each measurement
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Also measure gateway.wasm without each of its policies, to see where the time goes
    #[arg(long)]
    parts: bool,
    /// Only the burst of one user against a limit
    #[arg(long)]
    burst: bool,
}

/// The gateway with fewer sections in its policy: what is missing, and which sections that takes.
const PARTS: [(&str, &[&str]); 5] = [
    ("without dlp", &["dlp"]),
    ("without limits", &["limits"]),
    ("without audit", &["audit"]),
    ("auth only", &["dlp", "limits", "audit"]),
    (
        "without any policy",
        &["auth", "teams", "dlp", "limits", "audit"],
    ),
];

/// Measures, prints a table and writes `target/bench.json`.
///
/// # Errors
/// When something cannot be built or started, or a request is not answered with 200.
pub fn run(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    if cfg!(debug_assertions) {
        return optimized(checkout, arguments);
    }
    let binary = EnvoyBinary::find_or_fetch(checkout)?;
    eprintln!("building the modules …");
    let modules = build::modules(checkout)?;
    if arguments.burst {
        burst::run(checkout, &binary, KEY)?;
        return Ok(ExitCode::SUCCESS);
    }
    let noop = build::wasm(
        checkout,
        &checkout.root().join("host-test/guests/noop/Cargo.toml"),
        "portcullis-noop-guest",
    )?;

    let upstream = upstream(checkout)?.start(&binary).context("the upstream")?;
    let gateway = |name: &str| -> Result<Scenario> {
        let mut scenario = Scenario::load(checkout, name)?;
        scenario.provider(upstream.address())?.edit_policy(|policy| {
            policy["limits"]["user"] = json!({ "rpm": 1_000_000_000, "tpm": 1_000_000_000, "max_parallel_requests": 1000 });
        })?;
        Ok(scenario)
    };
    let mut variants = Vec::new();
    let mut bare = gateway("local")?;
    bare.no_modules()?;
    variants.push(Variant::start("bare Envoy", &bare, &binary)?);
    let mut nothing = gateway("local")?;
    nothing.only_module(&noop)?;
    variants.push(Variant::start(
        "a module that does nothing",
        &nothing,
        &binary,
    )?);
    variants.push(Variant::start("gateway.wasm", &gateway("local")?, &binary)?);
    let mut all = gateway("local")?;
    all.edit_policy(|policy| {
        policy["dlp"]["rules"] = json!([{ "detector": "all", "action": "redact" }]);
    })?;
    variants.push(Variant::start(ALL_DETECTORS, &all, &binary)?);
    variants.push(Variant::start(
        "chain of four modules",
        &gateway("chain")?,
        &binary,
    )?);

    for (name, sections) in PARTS.iter().filter(|_| arguments.parts) {
        let mut part = gateway("local")?;
        part.edit_policy(|policy| {
            if let Some(policy) = policy.as_object_mut() {
                policy.retain(|section, _| !sections.contains(&section.as_str()));
            }
        })?;
        variants.push(Variant::start(name, &part, &binary)?);
    }

    let requests = [
        ("small chat", small_request(), 16),
        ("62 KB prompt", prompt_request(checkout)?, 4),
    ];
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {} …", arguments.rounds);
        for (name, body, connections) in &requests {
            for variant in &mut variants {
                variant.measure(
                    name,
                    body,
                    *connections,
                    Duration::from_secs_f64(arguments.seconds),
                )?;
            }
        }
    }
    let names = requests.map(|(name, ..)| name);
    let mut result = report(&names, &variants, &modules)?;
    drop(variants);
    result["streams"] = streams(checkout)?;
    judge(&result)?;
    result["burst"] = burst::run(checkout, &binary, KEY)?;
    let file = checkout.target().join("bench.json");
    fs::write(&file, serde_json::to_vec_pretty(&result)?)
        .with_context(|| file.display().to_string())?;
    println!("\n{}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// What a long streamed answer costs in instructions, and how much of it is held back; told by a program that counts them in wasmtime.
fn streams(checkout: &Checkout) -> Result<Value> {
    let mut command = build::cargo();
    command
        .args(["run", "--quiet", "--package", "portcullis-conformance"])
        .args(["--bin", "streams"])
        .current_dir(checkout.root())
        .stderr(Stdio::inherit());
    let output = command.output().context("cargo run")?;
    ensure!(output.status.success(), "streams: {}", output.status);
    let found: Value = serde_json::from_slice(&output.stdout).context("streams")?;
    println!();
    for (policy, of) in found.as_object().into_iter().flatten() {
        let number = |name: &str| of[name].as_f64().unwrap_or(f64::NAN);
        let deltas = number("deltas");
        println!(
            "{:<28}{:>9.0} instructions a delta, {:.2} % of {deltas} deltas held back",
            format!("stream, {policy}"),
            number("instructions_per_delta"),
            number("late") * 100.0 / deltas
        );
    }
    Ok(found)
}

/// The client must not be what is measured, so the same again in a build that is optimized.
fn optimized(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    eprintln!("building the benchmark …");
    let mut command = build::cargo();
    command
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "xtask",
            "--",
            "bench",
        ])
        .current_dir(checkout.root());
    command.args([
        "--seconds",
        &arguments.seconds.to_string(),
        "--rounds",
        &arguments.rounds.to_string(),
    ]);
    for (asked, flag) in [(arguments.parts, "--parts"), (arguments.burst, "--burst")] {
        if asked {
            command.arg(flag);
        }
    }
    let status = command.status().context("cargo run --release")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// An Envoy under test and what was measured of it.
struct Variant {
    name: &'static str,
    envoy: Running,
    ready: Vec<f64>,
    rates: BTreeMap<&'static str, Vec<f64>>,
    p99_ms: BTreeMap<&'static str, Vec<f64>>,
    processor_us: BTreeMap<&'static str, Vec<f64>>,
}

impl Variant {
    fn start(name: &'static str, scenario: &Scenario, binary: &EnvoyBinary) -> Result<Self> {
        let mut ready = Vec::new();
        loop {
            let envoy = scenario.start(binary).context(name)?;
            ready.push(envoy.ready_after().as_secs_f64());
            if ready.len() == STARTS {
                return Ok(Self {
                    name,
                    envoy,
                    ready,
                    rates: BTreeMap::new(),
                    p99_ms: BTreeMap::new(),
                    processor_us: BTreeMap::new(),
                });
            }
        }
    }

    fn measure(
        &mut self,
        request: &'static str,
        body: &[u8],
        connections: usize,
        length: Duration,
    ) -> Result<()> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut spec = LoadSpec {
            addr: self.envoy.address(),
            method: "POST".into(),
            path: "/v1/chat/completions".into(),
            headers: vec![
                header("authorization", &format!("Bearer {KEY}")),
                header("content-type", "application/json"),
            ],
            body: body.to_vec(),
            connections,
            warmup: Duration::ZERO,
            stop: Stop::After(length / 4),
        };
        // The warm-up by itself, so that processor time and requests are counted over the same time.
        load::run(&spec)?;
        spec.stop = Stop::After(length);
        let processor_before = self.envoy.processor_time()?;
        let report = load::run(&spec)?;
        let processor = self
            .envoy
            .processor_time()?
            .saturating_sub(processor_before);
        let answered = report.statuses.keys().eq([&200]) && report.errors == 0;
        ensure!(
            answered,
            "{}: {:?}, {} errors ({:?})",
            self.name,
            report.statuses,
            report.errors,
            report.first_error
        );
        let processor_us = processor.as_secs_f64() * 1e6 / report.requests as f64;
        self.processor_us
            .entry(request)
            .or_default()
            .push(processor_us);
        self.rates
            .entry(request)
            .or_default()
            .push(report.requests_per_second);
        self.p99_ms
            .entry(request)
            .or_default()
            .push(report.latency_p99.as_secs_f64() * 1000.0);
        Ok(())
    }
}

/// A second Envoy, which answers everything with the same completion once it has read the request.
fn upstream(checkout: &Checkout) -> Result<Scenario> {
    let completion = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "gpt-4o-mini",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello! How can I help you today?" },
            "logprobs": null, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29 },
    });
    let mut scenario = Scenario::load(checkout, "local")?;
    scenario.no_modules()?.edit(|bootstrap| {
        let manager = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        manager["access_log"] = json!([]);
        manager["route_config"]["virtual_hosts"][0]["routes"] = json!([{
            "match": { "prefix": "/" },
            "direct_response": { "status": 200, "body": { "inline_string": completion.to_string() } },
            "response_headers_to_add": [{
                "header": { "key": "content-type", "value": "application/json" },
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }],
        }]);
        // Else it would answer before it has the body, and close.
        let buffer = json!({ "name": "envoy.filters.http.buffer", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer", "max_request_bytes": 1 << 20 } });
        if let Some(filters) = manager["http_filters"].as_array_mut() {
            filters.insert(0, buffer);
        }
    });
    Ok(scenario)
}

fn chat(prompt: &str) -> Vec<u8> {
    json!({ "model": "gpt-4o-mini", "max_tokens": 100, "messages": [{ "role": "user", "content": prompt }] }).to_string().into_bytes()
}

fn small_request() -> Vec<u8> {
    let prompt = "Say hello to whoever reads this, in as many words as it takes."
        .chars()
        .cycle();
    chat(
        &prompt
            .take(SMALL_BYTES.saturating_sub(chat("").len()))
            .collect::<String>(),
    )
}

/// English prose that lies at hand: the licence, again and again.
fn prompt_request(checkout: &Checkout) -> Result<Vec<u8>> {
    let prose = fs::read_to_string(checkout.root().join("LICENSE")).context("LICENSE")?;
    Ok(chat(
        &prose.chars().cycle().take(PROMPT_BYTES).collect::<String>(),
    ))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(
    requests: &[&'static str],
    variants: &[Variant],
    modules: &[(&str, u64)],
) -> Result<Value> {
    let Some(bare) = variants.first() else {
        bail!("nothing was measured")
    };
    let rate = |variant: &Variant, request: &str| {
        median(variant.rates.get(request).map_or(&[], Vec::as_slice))
    };
    let mib = |variant: &Variant| {
        Ok::<_, anyhow::Error>(variant.envoy.resident_bytes()? as f64 / (1024.0 * 1024.0))
    };
    let bare_mib = mib(bare)?;

    print!("\n{:<28}", "");
    for request in requests {
        print!("{request:>31}");
    }
    println!("{:>14}{:>10}", "memory", "ready");
    let mut rows = Vec::new();
    for variant in variants {
        print!("{:<28}", variant.name);
        let mut row = json!({ "name": variant.name });
        for request in requests {
            let (rate, ratio) = (
                rate(variant, request),
                rate(variant, request) / rate(bare, request),
            );
            let processor_us = median(variant.processor_us.get(request).map_or(&[], Vec::as_slice));
            print!("{rate:>9.0} req/s {ratio:>5.2} {processor_us:>6.0} µs");
            let p99_ms = median(variant.p99_ms.get(request).map_or(&[], Vec::as_slice));
            row[*request] = json!({ "requests_per_second": rate, "ratio": ratio, "latency_p99_ms": p99_ms, "processor_us": processor_us });
        }
        let (memory, ready) = (mib(variant)?, median(&variant.ready));
        println!("{:>10.1} MiB{:>7.0} ms", memory, ready * 1000.0);
        row["resident_mib"] = json!(memory);
        row["resident_mib_above_bare"] = json!(memory - bare_mib);
        row["ready_seconds"] = json!(ready);
        rows.push(row);
    }
    println!();
    for (name, bytes) in modules {
        println!(
            "{:<28}{:>7.0} KiB",
            format!("{name}.wasm"),
            *bytes as f64 / 1024.0
        );
    }
    let sizes: BTreeMap<&str, u64> = modules.iter().copied().collect();
    Ok(json!({ "variants": rows, "module_bytes": sizes }))
}

/// What the gateway was to reach, and whether it does.
fn judge(result: &Value) -> Result<()> {
    let of = |variant: &str, pointer: &str| {
        let mut rows = result["variants"].as_array().into_iter().flatten();
        let row = rows.find(|row| row["name"] == variant);
        let number = row.and_then(|row| row.pointer(pointer)?.as_f64());
        number.with_context(|| format!("{variant}{pointer} was not measured"))
    };
    let gateway = |pointer: &str| of("gateway.wasm", pointer);
    let late_percent = |policy: &str| {
        let of = &result["streams"][policy];
        let number = |name: &str| of[name].as_f64().unwrap_or(f64::NAN);
        number("late") * 100.0 / number("deltas")
    };
    let kib = result["module_bytes"]["gateway"]
        .as_f64()
        .unwrap_or(f64::NAN)
        / 1024.0;
    println!();
    for (what, value, is_least, bound) in [
        (
            "small chat, of bare Envoy",
            gateway("/small chat/ratio")?,
            true,
            SMALL_RATIO_MIN,
        ),
        (
            "62 KB prompt, of bare Envoy",
            gateway("/62 KB prompt/ratio")?,
            true,
            PROMPT_RATIO_MIN,
        ),
        (
            "62 KB, all detectors, of bare",
            of(ALL_DETECTORS, "/62 KB prompt/ratio")?,
            true,
            PROMPT_RATIO_MIN,
        ),
        (
            "deltas held back, %",
            late_percent("guide"),
            false,
            LATE_PERCENT_MAX,
        ),
        (
            "the same, all detectors, %",
            late_percent("all detectors"),
            false,
            LATE_PERCENT_MAX,
        ),
        (
            "memory above bare Envoy, MiB",
            gateway("/resident_mib_above_bare")?,
            false,
            MEMORY_MIB_MAX,
        ),
        ("gateway.wasm, KiB", kib, false, MODULE_KIB_MAX),
        (
            "ready to serve, s",
            gateway("/ready_seconds")?,
            false,
            READY_SECONDS_MAX,
        ),
    ] {
        let (sign, reached) = if is_least {
            (">=", value >= bound)
        } else {
            ("<=", value <= bound)
        };
        println!(
            "{what:<32}{value:>9.2}  {sign} {bound:<7}  {}",
            if reached { "reached" } else { "MISSED" }
        );
    }
    Ok(())
}
