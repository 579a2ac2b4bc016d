//! What `portcullis render` writes, in the real Envoy.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod failover;
mod firewall;
mod istio;
mod network;
mod policies;
mod scenarios;
mod serving;
mod tls;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use common::{binary, checkout};
use portcullis_envoy_test::{Running, Scenario};
use portcullis_provider::Provider;

/// The policy of this test: what the guide and `envoy/local` have, and some more.
fn policy() -> PathBuf {
    checkout()
        .root()
        .join("host-test/envoy/tests/render/policy.yaml")
}

/// An Envoy configuration around this policy.
fn scenario(options: &[&str]) -> Scenario {
    Scenario::parse(checkout(), &rendered(options)).unwrap()
}

fn rendered(options: &[&str]) -> String {
    let plugins = checkout().plugins();
    let policy = policy();
    let mut words = vec!["envoy", policy.to_str().unwrap()];
    words.extend(["--modules", plugins.to_str().unwrap()]);
    words.extend(["--audit-log", "audit.log"]);
    words.extend(options);
    portcullis_cli::rendered(words).unwrap()
}

/// A running gateway and the stub behind it, in the place of every provider.
struct Gateway {
    envoy: Running,
    provider: Provider,
}

impl Gateway {
    fn start(options: &[&str]) -> Self {
        let provider = stub();
        let at = |name: &str| format!("{name}=http://{}", provider.addr());
        let (anthropic, openai) = (at("anthropic"), at("openai"));
        let mut all = vec!["--provider", &anthropic, "--provider", &openai];
        all.extend(options);
        Self {
            envoy: scenario(&all).start(binary()).unwrap(),
            provider,
        }
    }
}

fn stub() -> Provider {
    Provider::start(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

/// A port where nobody listens.
fn dead_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A file in a folder of its own.
fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}
