//! The servers of others, each in a folder of its own and on a port of its own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis_envoy_test::Supervised;
use portcullis_envoy_test::http1::{Request, Response};
use serde_json::Value;

use crate::common::{checkout, eventually};

/// How long a server may take to answer. It takes a second, unless the machine is busy.
const START_MAX: Duration = Duration::from_secs(60);

/// Whether these programs are there. When not, says how to get them; under `CI=true` that is a failure.
pub fn have(programs: &[(&str, &str)]) -> bool {
    let in_path = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    let missing: Vec<String> = programs
        .iter()
        .filter(|(program, _)| !in_path(program))
        .map(|(program, package)| {
            format!("{program} is missing (Debian: apt-get install {package})")
        })
        .collect();
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(missing.is_empty() || !in_ci, "{}", missing.join("; "));
    for line in &missing {
        println!("skipped: {line}");
    }
    missing.is_empty()
}

/// A file of `envoy/observability`.
pub fn shipped(name: &str) -> PathBuf {
    checkout().root().join("envoy/observability").join(name)
}

/// The text of one.
pub fn shipped_text(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

/// Runs a program to its end; all that it said when it fails.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}

/// Bound and let go: what takes it meanwhile would show as a server that does not come up.
pub fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A server, until this is dropped.
pub struct Server {
    _process: Option<Supervised>,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    fn start(name: &str, folder: &Path, address: SocketAddr, command: &Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let process = Supervised::start(command, File::create(&log).unwrap()).unwrap();
        let server = Self {
            _process: Some(process),
            address,
            log,
        };
        eventually(&format!("{name} answers"), START_MAX, || {
            Request::get("/-/ready")
                .send(address)
                .is_ok_and(|response| response.status == 200)
        });
        server
    }

    /// Prometheus with this configuration.
    pub fn prometheus(folder: &Path, config: &str) -> Self {
        let address = free_address();
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder);
        Self::start("prometheus", folder, address, &command)
    }

    /// Alertmanager with this configuration.
    pub fn alertmanager(folder: &Path, config: &str) -> Self {
        let address = free_address();
        let file = folder.join("alertmanager.yml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("prometheus-alertmanager");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.path={}",
                folder.join("alertmanager").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            // A cluster of one.
            .arg("--cluster.listen-address=")
            .current_dir(folder);
        Self::start("alertmanager", folder, address, &command)
    }

    /// What stands for a server that is not there.
    pub fn gone(address: SocketAddr) -> Self {
        Self {
            _process: None,
            address,
            log: PathBuf::new(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn get(&self, path: &str) -> Response {
        Request::get(path)
            .header("connection", "close")
            .send(self.address)
            .unwrap()
    }

    /// The answer to a query of Prometheus.
    ///
    /// # Errors
    /// What Prometheus says against it.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let encoded: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let answer = self.get(&format!("/api/v1/query?query={encoded}")).json();
        if answer["status"] == "success" {
            Ok(answer["data"]["result"].as_array().unwrap().clone())
        } else {
            Err(answer["error"].to_string())
        }
    }

    /// The alerts that Alertmanager has, those that are over left out.
    pub fn alerts(&self) -> Vec<Value> {
        self.get("/api/v2/alerts")
            .json()
            .as_array()
            .unwrap()
            .clone()
    }
}
