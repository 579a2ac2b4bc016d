//! A Redis of the test's own.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portcullis_envoy_test::Supervised;
use serde_json::Value;

use crate::common::eventually;

/// How long Redis may take to answer. It takes milliseconds, unless the machine is busy.
const START_MAX: Duration = Duration::from_secs(20);

/// A `redis-server`, until this is dropped.
pub struct Redis {
    process: Supervised,
    address: SocketAddr,
}

impl Redis {
    /// On a free port, with its log in `folder` and nothing else on disk.
    pub fn start(folder: &Path) -> Self {
        // Bound and let go: what takes it meanwhile would show as a Redis that does not come up.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        Self::start_at(address, folder)
    }

    /// The same again, empty.
    pub fn restart(&mut self, folder: &Path) {
        self.stop();
        *self = Self::start_at(self.address, folder);
    }

    fn start_at(address: SocketAddr, folder: &Path) -> Self {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(folder);
        let log = File::create(folder.join("redis.log")).unwrap();
        let process = Supervised::start(&command, log)
            .expect("redis-server (Debian: apt-get install redis-server)");
        let redis = Self { process, address };
        eventually("Redis answers", START_MAX, || {
            redis.ask(&["ping"]) == ["PONG"]
        });
        redis
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stop(&mut self) {
        self.process.stop().unwrap();
    }

    pub fn forget_everything(&self) {
        self.ask(&["flushall"]);
    }

    /// The names of all keys.
    pub fn keys(&self) -> Vec<String> {
        self.ask(&["keys", "*"])
    }

    /// What was counted, by descriptor and value.
    pub fn counters(&self) -> BTreeMap<(String, String), u64> {
        let mut counters = BTreeMap::new();
        for key in self.keys() {
            // Limitador's: `namespace:{…},,counter:{"limit":{…},"set_variables":{"requests_of_user":"…"}}`
            let Some((_, counter)) = key.split_once(",counter:") else {
                continue;
            };
            let counter: Value = serde_json::from_str(counter).expect(&key);
            let count = self.ask(&["get", &key]).concat();
            for (name, value) in counter["set_variables"].as_object().expect(&key) {
                let value = value.as_str().expect(&key).to_owned();
                // A key that expires in between has no count any more.
                counters.insert((name.clone(), value), count.parse().unwrap_or(0));
            }
        }
        counters
    }

    /// What was counted for one value of a descriptor.
    pub fn counter(&self, descriptor: &str, value: &str) -> u64 {
        let counters = self.counters();
        let found = counters.get(&(descriptor.to_owned(), value.to_owned()));
        found.copied().unwrap_or(0)
    }

    /// The lines of the answer to a command.
    fn ask(&self, command: &[&str]) -> Vec<String> {
        let output = Command::new("redis-cli")
            .args(["-h", &self.address.ip().to_string()])
            .args(["-p", &self.address.port().to_string(), "--raw"])
            .args(command)
            .output()
            .expect("redis-cli, which comes with redis-server");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}
