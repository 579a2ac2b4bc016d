//! The whole pipeline: `dlp.wasm` in the wasmtime host, which is handed bodies as Envoy hands them over.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use portcullis_host_test::{Exchange, Module, Plugin, Proxy, World};
use serde_json::{Value, json};

use crate::{PIECE_BYTES, clock};

/// What a body may have: above the policy's own limit.
const BUFFER_BYTES: usize = 33 << 20;

/// How many VMs are configured until a worker is ready.
pub const VMS: u32 = 3;

/// A worker with the module.
pub struct Gateway {
    world: World,
    proxy: Proxy,
}

impl Gateway {
    /// Loads the module, configured in a canary, on the main thread and on a worker.
    ///
    /// # Errors
    /// What the module logged when it refused the policy.
    pub fn load(world: World, module: &Module, rules: &Value) -> Result<Self> {
        world.quiet();
        let policy = json!({ "version": 1, "dlp": { "rules": rules } });
        let plugin = Plugin::new(module)
            .name("dlp")
            .root_id("dlp")
            .configuration(policy.to_string());
        let proxy = Proxy::new(&world, 1, [plugin]).with_context(|| world.log_text())?;
        Ok(Self {
            proxy: proxy.buffer_limits(BUFFER_BYTES, BUFFER_BYTES),
            world,
        })
    }

    /// The most heap that it ever had.
    pub fn heap_bytes(&self) -> usize {
        self.proxy.heap_bytes(0, 0).unwrap_or(0)
    }

    /// Sends a request's body through, and says how long its callbacks took.
    ///
    /// # Errors
    /// When it is refused.
    pub fn request(&self, body: &[u8]) -> Result<Duration> {
        let exchange = self.begin(body);
        let ((), took) = clock::time(|| send(&exchange, body));
        if let Some(status) = exchange.finish().client.status() {
            bail!("{status}: {}", self.world.log_text());
        }
        Ok(took)
    }

    /// The instructions of the same, if the world counts them.
    pub fn instructions(&self, body: &[u8]) -> u64 {
        let exchange = self.begin(body);
        send(&exchange, body);
        exchange.finish().instructions().unwrap_or(0)
    }

    fn begin(&self, body: &[u8]) -> Exchange {
        let exchange = self.proxy.exchange(0);
        let length = body.len().to_string();
        let headers = [
            (":method", "POST"),
            (":path", "/v1/chat/completions"),
            (":authority", "gateway"),
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
        ];
        exchange.request_headers(headers, false);
        exchange
    }
}

fn send(exchange: &Exchange, body: &[u8]) {
    let mut pieces = body.chunks(PIECE_BYTES).peekable();
    while let Some(piece) = pieces.next() {
        exchange.request_data(piece, pieces.peek().is_none());
    }
}
