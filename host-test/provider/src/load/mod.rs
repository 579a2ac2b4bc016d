//! A closed-loop load generator: every connection sends its next request when the last answer is complete.
//!
//! It shares the machine with what it measures, so it does as little as possible: one thread, one prebuilt request, an
//! answer that is followed only as far as finding its end takes. It is for benchmarks on one machine and refuses any other.

mod connection;
mod histogram;
mod response;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::task::LocalSet;

use connection::{Connection, Plan, Tally};

/// The most connections at once: file descriptors are shared with what is measured.
pub const CONNECTIONS_MAX: usize = 1024;

/// The most requests of a run.
pub const REQUESTS_MAX: u64 = 100_000_000;

/// The longest run, warm-up included; a run by number of requests ends there too.
pub const RUN_MAX: Duration = Duration::from_secs(600);

/// What to send, and how much of it.
#[derive(Clone, Debug)]
pub struct LoadSpec {
    /// Whom to load; a loopback address.
    pub addr: SocketAddr,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers beside `host` and `content-length`, which are written for you.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Connections, each with one request under way.
    pub connections: usize,
    /// Load that is not measured, before the load that is.
    pub warmup: Duration,
    /// When it is enough.
    pub stop: Stop,
}

/// When a run is enough, counted from the end of its warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After so many requests.
    Requests(u64),
    /// After so much time.
    After(Duration),
}

/// What was measured after the warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadReport {
    /// Answers that arrived to their end.
    pub requests: u64,
    /// From the end of the warm-up to the last answer.
    pub elapsed: Duration,
    /// `requests` by `elapsed`.
    pub requests_per_second: f64,
    /// Half of the answers were complete within this time (to about 1 %).
    pub latency_p50: Duration,
    /// 99 of 100 answers were complete within this time (to about 1 %).
    pub latency_p99: Duration,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests that got no complete answer, the warm-up's included.
    pub errors: u64,
    /// What the first of them was.
    pub first_error: Option<String>,
}

/// Runs the load on a thread of its own and waits for it. Fails on an address that is not loopback, a specification beyond
/// the limits, or when nobody listens; what fails later is counted in the report.
pub fn run(spec: &LoadSpec) -> anyhow::Result<LoadReport> {
    ensure!(
        spec.addr.ip().is_loopback(),
        "{} is not a loopback address",
        spec.addr
    );
    ensure!(
        (1..=CONNECTIONS_MAX).contains(&spec.connections),
        "connections: expected 1 to {CONNECTIONS_MAX}"
    );
    let (requests, measured) = match spec.stop {
        Stop::Requests(requests) => (requests, RUN_MAX.saturating_sub(spec.warmup)),
        Stop::After(duration) => (REQUESTS_MAX, duration),
    };
    ensure!(
        (1..=REQUESTS_MAX).contains(&requests),
        "stop: expected 1 to {REQUESTS_MAX} requests"
    );
    ensure!(
        spec.warmup.saturating_add(measured) <= RUN_MAX,
        "a run may take {RUN_MAX:?}"
    );
    let request = request(spec)?;

    let worker = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        LocalSet::new().block_on(&runtime, drive(spec, request, requests, measured))
    };
    thread::scope(|scope| scope.spawn(worker).join())
        .map_err(|_| anyhow::anyhow!("the load generator panicked"))?
}

async fn drive(
    spec: &LoadSpec,
    request: Vec<u8>,
    requests: u64,
    measured: Duration,
) -> anyhow::Result<LoadReport> {
    let mut connections = Vec::new();
    for _ in 0..spec.connections {
        connections.push(
            Connection::open(spec.addr)
                .await
                .with_context(|| format!("nobody listens on {}", spec.addr))?,
        );
    }

    let start = Instant::now() + spec.warmup;
    let plan = Rc::new(Plan {
        addr: spec.addr,
        request,
        answer_has_body: !spec.method.eq_ignore_ascii_case("HEAD"),
        counts_requests: matches!(spec.stop, Stop::Requests(_)),
        start,
        end: start + measured,
        left: Cell::new(requests),
    });
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(connection.load(Rc::clone(&plan))))
        .collect();
    let mut total = Tally::default();
    for task in tasks {
        total.add(task.await?);
    }

    let elapsed = total
        .last_answer
        .map(|last| last.saturating_duration_since(start))
        .unwrap_or_default();
    Ok(LoadReport {
        requests: total.latencies.count(),
        elapsed,
        requests_per_second: if elapsed.is_zero() {
            0.0
        } else {
            total.latencies.count() as f64 / elapsed.as_secs_f64()
        },
        latency_p50: total.latencies.quantile(0.50),
        latency_p99: total.latencies.quantile(0.99),
        statuses: total.statuses,
        errors: total.errors,
        first_error: total.first_error,
    })
}

/// The request as it is sent. Fails on what would not be one request.
fn request(spec: &LoadSpec) -> anyhow::Result<Vec<u8>> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\n",
        spec.method, spec.path, spec.addr
    );
    for (name, value) in &spec.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", spec.body.len()));
    if head.matches('\n').count() != spec.headers.len() + 4
        || head.matches('\r').count() != spec.headers.len() + 4
    {
        bail!("method, path and headers cannot hold line breaks");
    }
    let mut request = head.into_bytes();
    request.extend_from_slice(&spec.body);
    Ok(request)
}
