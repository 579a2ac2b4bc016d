//! `portcullis-provider`: the stub provider as a process of its own.

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use portcullis_provider::Provider;
use tokio::signal::unix::{SignalKind, signal};

/// A stub LLM provider for demos, tests and benchmarks. Options for single requests: see the README.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Whether requests are kept for GET /_stub/received.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    record: Switch,
    /// The number of threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The only key that is let in; any is without it.
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// The only key that one provider lets in; may be repeated.
    #[arg(long, value_name = "PROVIDER=KEY")]
    api_key_of: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut builder = Provider::builder()
        .record(arguments.record == Switch::On)
        .workers(arguments.workers);
    if let Some(key) = arguments.api_key {
        builder = builder.api_key(key);
    }
    for key in &arguments.api_key_of {
        let (provider, key) = key
            .split_once('=')
            .context("--api-key-of: expected PROVIDER=KEY")?;
        builder = builder.api_key_of(provider, key)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Listened for before anyone is told that the stub is ready, so that none is missed.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let provider = builder.start(arguments.listen)?;
        println!("portcullis-provider: ready on http://{}", provider.addr());
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
