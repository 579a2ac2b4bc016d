//! A child process that never outlives its parent.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end after SIGTERM. Envoy closes its logs meanwhile.
const GRACE: Duration = Duration::from_secs(5);

/// Runs its arguments and ends them when its standard input ends, that is when whoever started it is gone in any way, a kill -9
/// included. First line of its output: the process id.
const SUPERVISOR: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- >&2 & child=$!
echo "$child"
exec >&-
{ cat <&3 >/dev/null; kill -TERM "$child"; } 2>/dev/null & watcher=$!
exec 3<&-
wait "$child"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"#;

/// A running process, which ends when this is dropped.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
    pid: Pid,
}

impl Supervised {
    /// Starts `command`, both its outputs going to `log`.
    ///
    /// # Errors
    /// When there is no shell to start it with, or it cannot be started.
    pub fn start(command: &Command, log: File) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", SUPERVISOR, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        let mut supervisor = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("/bin/sh")?;
        let output = supervisor
            .stdout
            .take()
            .context("the supervisor has no output")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("the supervisor's first line")?;
        let pid = line
            .trim()
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .with_context(|| format!("no process id but {line:?}"))?;
        Ok(Self { supervisor, pid })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The exit status, when it has ended.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.supervisor.try_wait()?)
    }

    /// Asks it to end, waits, and kills it when it does not.
    ///
    /// # Errors
    /// When the operating system cannot say how it ended.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.supervisor.try_wait()? {
            return Ok(status);
        }
        kill_process(self.pid, Signal::TERM).ok();
        let deadline = Instant::now() + GRACE;
        loop {
            if let Some(status) = self.supervisor.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                kill_process(self.pid, Signal::KILL).ok();
                return Ok(self.supervisor.wait()?);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.stop().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Supervised {
        let mut command = Command::new("sleep");
        command.arg("1000");
        Supervised::start(&command, tempfile::tempfile().unwrap()).unwrap()
    }

    fn exists(pid: i32) -> bool {
        std::path::Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn ends_when_dropped() {
        let process = sleeper();
        let pid = process.pid();
        assert!(exists(pid));
        drop(process);
        assert!(!exists(pid));
    }

    #[test]
    fn ends_when_its_starter_is_gone() {
        let mut process = sleeper();
        // All that is left of a starter that was killed: its end of the pipe is closed.
        drop(process.supervisor.stdin.take());
        let deadline = Instant::now() + GRACE;
        while process.ended().unwrap().is_none() {
            assert!(Instant::now() < deadline, "still there");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!exists(process.pid()));
    }

    #[test]
    fn says_that_it_has_ended() {
        let mut process =
            Supervised::start(&Command::new("false"), tempfile::tempfile().unwrap()).unwrap();
        let deadline = Instant::now() + GRACE;
        let status = loop {
            if let Some(status) = process.ended().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "still there");
        };
        assert_eq!(status.code(), Some(1));
    }
}
