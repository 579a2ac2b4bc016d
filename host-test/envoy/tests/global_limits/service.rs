//! The rate-limit service of `host-test/ratelimit`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis_envoy_test::Supervised;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::common::{checkout, eventually};

/// How long the service may take to listen. It takes milliseconds, unless the machine is busy.
const START_MAX: Duration = Duration::from_secs(20);

/// A limit that no test meets by accident.
const OUT_OF_REACH: u32 = 1_000_000;

/// The service, until this is dropped.
pub struct Service {
    process: Supervised,
    address: SocketAddr,
    redis: SocketAddr,
    folder: PathBuf,
}

impl Service {
    /// On a port of its choice, with the scenario's limits set out of reach.
    pub fn start(redis: SocketAddr, folder: &Path) -> Self {
        write_config(folder, &[]);
        let (process, address) = spawn("127.0.0.1:0", redis, folder);
        Self {
            process,
            address,
            redis,
            folder: folder.to_owned(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stop(&mut self) {
        self.process.stop().unwrap();
    }

    /// Starts it again where it was, with these limits a minute and all others out of reach.
    pub fn restart(&mut self, limits: &[(&str, u32)]) {
        self.stop();
        write_config(&self.folder, limits);
        (self.process, _) = spawn(&self.address.to_string(), self.redis, &self.folder);
    }

    /// Has it do nothing until [`Service::resume`].
    pub fn suspend(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.process.pid()).unwrap(), signal).unwrap();
    }
}

fn spawn(listen: &str, redis: SocketAddr, folder: &Path) -> (Supervised, SocketAddr) {
    let binary = checkout()
        .target()
        .join("ratelimit/debug/portcullis-ratelimit-service");
    assert!(
        binary.is_file(),
        "no rate-limit service: run `cargo xtask test global-limits`"
    );
    let mut command = Command::new(binary);
    command
        .arg(listen)
        .arg(format!("redis://{redis}"))
        .arg(folder.join("config.yaml"));
    let log = folder.join("service.log");
    let process = Supervised::start(&command, File::create(&log).unwrap()).unwrap();
    let mut address = None;
    eventually("the rate-limit service listens", START_MAX, || {
        let text = fs::read_to_string(&log).unwrap();
        address = text
            .trim()
            .rsplit_once("ready on http://")
            .and_then(|(_, address)| address.parse().ok());
        address.is_some()
    });
    (process, address.unwrap())
}

/// The scenario's own file with other numbers. Limits are named by their keys, those of one value as `key=value`.
fn write_config(folder: &Path, limits: &[(&str, u32)]) {
    let mut unknown: BTreeMap<&str, u32> = limits.iter().copied().collect();
    let mut config = shipped_config();
    for descriptor in config["descriptors"].as_array_mut().unwrap() {
        let mut name = descriptor["key"].as_str().unwrap().to_owned();
        if let Some(value) = descriptor["value"].as_str() {
            name = format!("{name}={value}");
        }
        let limit = unknown.remove(name.as_str()).unwrap_or(OUT_OF_REACH);
        descriptor["rate_limit"]["requests_per_unit"] = json!(limit);
    }
    assert!(unknown.is_empty(), "no such limits: {unknown:?}");
    fs::write(folder.join("config.yaml"), config.to_string()).unwrap();
}

/// `envoy/global-limits/ratelimit/config.yaml`.
pub fn shipped_config() -> Value {
    read_yaml("ratelimit/config.yaml")
}

/// A file of the scenario.
pub fn read_yaml(name: &str) -> Value {
    let file = checkout().root().join("envoy/global-limits").join(name);
    serde_yaml_ng::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}
