//! One connection of the load generator.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::histogram::Histogram;
use super::response::{End, Reader};

/// Failures in a row after which a connection gives up, so that a dead server ends the run.
const FAILURES_MAX: u32 = 20;

/// The pause before a new attempt.
const FAILURE_PAUSE: Duration = Duration::from_millis(20);

/// What is read at once.
const READ_BYTES: usize = 64 * 1024;

/// What all connections of a run share.
pub(super) struct Plan {
    pub(super) addr: SocketAddr,
    pub(super) request: Vec<u8>,
    pub(super) answer_has_body: bool,
    /// When measuring begins.
    pub(super) start: Instant,
    /// Whether the run is one of so many requests: then each needs its answer. A run of so much time just ends.
    pub(super) counts_requests: bool,
    /// When it ends at the latest.
    pub(super) end: Instant,
    /// Measured requests that are still to be sent.
    pub(super) left: Cell<u64>,
}

impl Plan {
    /// Whether one more request is to be sent at `now`.
    fn takes(&self, now: Instant) -> bool {
        if now < self.start {
            return true;
        }
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0 && now < self.end
    }
}

/// What one connection measured, or all of them.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) latencies: Histogram,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
    pub(super) last_answer: Option<Instant>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.latencies.add(&other.latencies);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.last_answer = self.last_answer.max(other.last_answer);
    }

    fn failed(&mut self, error: &io::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }
}

/// A connection that is open.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(addr: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Loads until the plan is done.
    pub(super) async fn load(mut self, plan: Rc<Plan>) -> Tally {
        let mut tally = Tally::default();
        // One timer for the whole run; a timer for each request would cost more than the request.
        let in_time =
            tokio::time::timeout_at(plan.end.into(), self.exchanges(&plan, &mut tally)).await;
        if in_time.is_err() && plan.counts_requests {
            tally.failed(&io::Error::new(
                io::ErrorKind::TimedOut,
                "no answer before the end of the run",
            ));
        }
        tally
    }

    async fn exchanges(&mut self, plan: &Plan, tally: &mut Tally) {
        let mut failures = 0;
        let mut sent = Instant::now();
        while plan.takes(sent) {
            match self.exchange(plan).await {
                Ok((status, keep_alive)) => {
                    failures = 0;
                    let now = Instant::now();
                    if sent >= plan.start {
                        tally.latencies.record(now.saturating_duration_since(sent));
                        *tally.statuses.entry(status).or_default() += 1;
                        tally.last_answer = Some(now);
                    }
                    sent = now;
                    if keep_alive {
                        continue;
                    }
                }
                Err(error) => {
                    tally.failed(&error);
                    failures += 1;
                }
            }
            while failures < FAILURES_MAX {
                match Connection::open(plan.addr).await {
                    Ok(connection) => {
                        *self = connection;
                        break;
                    }
                    Err(error) => {
                        tally.failed(&error);
                        failures += 1;
                        tokio::time::sleep(FAILURE_PAUSE).await;
                    }
                }
            }
            if failures >= FAILURES_MAX {
                return;
            }
            sent = Instant::now();
        }
    }

    /// One request and its answer: the status, and whether the connection stays.
    async fn exchange(&mut self, plan: &Plan) -> io::Result<(u16, bool)> {
        self.stream.write_all(&plan.request).await?;
        let mut reader = Reader::new(plan.answer_has_body);
        loop {
            let n = self.stream.read(&mut self.buffer).await?;
            let end = match self.buffer.get(..n) {
                Some(data) if n > 0 => reader.feed(data)?,
                Some(_) | None => Some(reader.closed()?),
            };
            if let Some(End { status, keep_alive }) = end {
                return Ok((status, keep_alive));
            }
        }
    }
}
