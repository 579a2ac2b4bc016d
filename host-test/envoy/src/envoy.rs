//! A running Envoy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{Supervised, http1};

/// How long Envoy may take to serve. It takes less than a second, also with four modules, unless the machine is busy.
const START_MAX: Duration = Duration::from_secs(60);

/// How long a line of the audit log may take to be there: Envoy is told to write every 10 ms.
const AUDIT_MAX: Duration = Duration::from_secs(10);

/// `USER_HZ`, in which `/proc` counts processor time: 100 on every Linux there is.
const TICKS_PER_SECOND: u64 = 100;

const POLL: Duration = Duration::from_millis(5);

/// An Envoy that serves, until this is dropped.
#[derive(Debug)]
pub struct Envoy {
    process: Supervised,
    address: SocketAddr,
    admin: SocketAddr,
    ready_after: Duration,
    log: PathBuf,
    audit_log: PathBuf,
}

impl Envoy {
    pub(crate) fn start(
        spawn: impl FnOnce(File) -> Result<Supervised>,
        admin_file: &Path,
        log: PathBuf,
        audit_log: PathBuf,
    ) -> Result<Self> {
        let begin = Instant::now();
        let process = spawn(File::create(&log).with_context(|| log.display().to_string())?)?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut envoy = Self {
            process,
            address: unknown,
            admin: unknown,
            ready_after: Duration::ZERO,
            log,
            audit_log,
        };
        loop {
            if let Some(status) = envoy.process.ended()? {
                bail!("Envoy ended with {status}:\n{}", envoy.complaints()?);
            }
            if envoy.is_ready(admin_file) {
                envoy.ready_after = begin.elapsed();
                return Ok(envoy);
            }
            if begin.elapsed() > START_MAX {
                bail!(
                    "Envoy is not ready after {START_MAX:?}:\n{}",
                    envoy.complaints()?
                );
            }
            thread::sleep(POLL);
        }
    }

    /// Live by its own word, and the listener takes connections.
    fn is_ready(&mut self, admin_file: &Path) -> bool {
        let Some(admin) = fs::read_to_string(admin_file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        else {
            return false;
        };
        self.admin = admin;
        if !self
            .admin_text("/ready")
            .is_ok_and(|text| text.contains("LIVE"))
        {
            return false;
        }
        let Some(address) = self.listener() else {
            return false;
        };
        self.address = address;
        TcpStream::connect(address).is_ok()
    }

    fn listener(&self) -> Option<SocketAddr> {
        let listeners: Value =
            serde_json::from_str(&self.admin_text("/listeners?format=json").ok()?).ok()?;
        let address = listeners.pointer("/listener_statuses/0/local_address/socket_address")?;
        let port = u16::try_from(address.get("port_value")?.as_u64()?).ok()?;
        Some(SocketAddr::new(
            address.get("address")?.as_str()?.parse().ok()?,
            port,
        ))
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The administration interface.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// From the start of the process to the first connection taken.
    #[must_use]
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The file that Envoy logs into.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The file that the audit records go to.
    #[must_use]
    pub fn audit_log(&self) -> &Path {
        &self.audit_log
    }

    /// All that Envoy has logged.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log_text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    /// What Envoy has logged as a warning or worse.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn complaints(&self) -> Result<String> {
        let levels = ["[warning]", "[error]", "[critical]"];
        let log = self.log_text()?;
        let lines = log
            .lines()
            .filter(|line| levels.iter().any(|level| line.contains(level)));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// The answer of the administration interface to a GET.
    ///
    /// # Errors
    /// When it does not answer with 200.
    pub fn admin_text(&self, path: &str) -> Result<String> {
        let response = http1::Request::get(path)
            .header("connection", "close")
            .send(self.admin)?;
        if response.status != 200 {
            bail!("admin {path}: {}", response.status);
        }
        Ok(response.text())
    }

    /// Counters and gauges whose names contain `part`.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn stats(&self, part: &str) -> Result<BTreeMap<String, u64>> {
        let text = self.admin_text("/stats")?;
        let stats = text.lines().filter_map(|line| line.rsplit_once(": "));
        Ok(stats
            .filter(|(name, _)| name.contains(part))
            .filter_map(|(name, n)| Some((name.to_owned(), n.parse().ok()?)))
            .collect())
    }

    /// The audit records written so far, in order, once there are at least `count` of them.
    ///
    /// # Errors
    /// When they do not come in time, or a line is no JSON.
    pub fn audit_records(&self, count: usize) -> Result<Vec<Value>> {
        let begin = Instant::now();
        loop {
            let text = fs::read_to_string(&self.audit_log).unwrap_or_default();
            // The last line may still be on its way.
            let complete = text
                .rfind('\n')
                .and_then(|end| text.get(..end))
                .unwrap_or_default();
            let lines: Vec<&str> = complete.lines().collect();
            if lines.len() >= count {
                let parse = |line: &&str| {
                    serde_json::from_str(line).with_context(|| format!("not a record: {line}"))
                };
                return lines.iter().map(parse).collect();
            }
            if begin.elapsed() > AUDIT_MAX {
                bail!("{} audit records, not {count}:\n{text}", lines.len());
            }
            thread::sleep(POLL);
        }
    }

    /// The resident memory in bytes.
    ///
    /// # Errors
    /// When `/proc` does not say.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process.pid())).context("/proc")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kib: u64 = line
            .trim()
            .trim_end_matches("kB")
            .trim()
            .parse()
            .context("VmRSS")?;
        Ok(kib * 1024)
    }

    /// The processor time that it has taken so far, in user and in kernel mode, to 10 ms.
    ///
    /// # Errors
    /// When `/proc` does not say.
    pub fn processor_time(&self) -> Result<Duration> {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.process.pid())).context("/proc")?;
        // The second field is the name in parentheses; `utime` and `stime` are the 14th and 15th (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        let ticks = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>().context("utime and stime")?;
        Ok(Duration::from_millis(ticks * (1000 / TICKS_PER_SECOND)))
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.ended()?.is_none())
    }

    /// Ends it; all it had to write is written afterwards.
    ///
    /// # Errors
    /// When the operating system cannot say how it ended.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop()?;
        Ok(())
    }
}
