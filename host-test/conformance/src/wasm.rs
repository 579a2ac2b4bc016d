//! The second engine: the built modules in the wasmtime host, as one module that holds all policies or as a chain of four.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use portcullis_chain::names;
use portcullis_envoy_test::Checkout;
use portcullis_host_test::{
    Callout, CalloutRequest, EPOCH_NS, Exchange, Flow, HeaderMap, LogLevel, Message as Wire,
    MetricKind, Module, Piece as WirePiece, Plugin, Proxy, World,
};

use crate::bytes::Field;
use crate::case::Shared;
use crate::clusters::{Clusters, Made, Reaction, Scripts, Silence};
use crate::engine::{Engine, Message, STATE, Seen, Setup};
use crate::resolve::{Call, Reply, Response};

/// What bodies may be buffered: above every policy's `max_body_bytes`, as in the shipped scenarios.
const BUFFER_BYTES: usize = 33 << 20;

/// The host functions of what workers share.
const SHARED_DATA: [&str; 2] = ["proxy_get_shared_data", "proxy_set_shared_data"];

/// The modules, read once.
#[derive(Clone)]
pub struct Modules {
    by_name: BTreeMap<&'static str, Module>,
}

/// Which modules stand in the filter chain, in the order in which requests pass them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// `gateway.wasm`.
    Gateway,
    /// `auth.wasm`, `rate-limit.wasm`, `dlp.wasm`, `audit.wasm`.
    Four,
    /// One of those four alone.
    Single(&'static str),
}

impl Chain {
    fn modules(self) -> Vec<&'static str> {
        match self {
            Self::Gateway => vec!["gateway"],
            Self::Four => vec!["auth", "rate-limit", "dlp", "audit"],
            Self::Single(name) => vec![name],
        }
    }
}

impl Modules {
    /// Those that `cargo xtask build` has left in the target directory.
    ///
    /// # Errors
    /// When one is missing.
    pub fn built() -> Result<Self> {
        let folder = Checkout::find()?.plugins();
        let read = |name: &'static str| {
            let file = folder.join(format!("{name}.wasm"));
            let module = Module::from_file(file).context("run `cargo xtask build` first")?;
            Ok((name, module))
        };
        let names = ["gateway", "auth", "rate-limit", "dlp", "audit"];
        Ok(Self {
            by_name: names.into_iter().map(read).collect::<Result<_>>()?,
        })
    }

    /// Name and module of each, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Module)> {
        self.by_name.iter().map(|(name, module)| (*name, module))
    }

    fn plugin(&self, name: &str, setup: &Setup) -> Result<Plugin> {
        let module = self
            .by_name
            .get(name)
            .with_context(|| format!("no module {name}"))?;
        let plugin = Plugin::new(module)
            .name(name)
            .root_id(name)
            // One for all, as in the shipped scenarios: what one module counts, another reads.
            .vm_id("portcullis")
            .configuration(setup.policy.to_string())
            .allow_on_headers_stop_iteration(setup.hold);
        let env = setup.env.iter();
        Ok(env.fold(plugin, |plugin, (name, value)| plugin.env(name, value)))
    }
}

/// A proxy in a world of its own.
pub struct Wasm {
    world: World,
    proxy: Proxy,
    open: BTreeMap<String, Stream>,
    requests: u64,
    clusters: Rc<RefCell<Clusters>>,
}

impl Wasm {
    /// One worker with these modules.
    ///
    /// # Errors
    /// What the modules logged when they refused the policy.
    pub fn new(modules: &Modules, chain: Chain, setup: &Setup) -> Result<Self> {
        Self::in_world(World::new(), modules, chain, setup, 1)
    }

    /// So many workers, in a world that is already furnished.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn in_world(
        world: World,
        modules: &Modules,
        chain: Chain,
        setup: &Setup,
        workers: usize,
    ) -> Result<Self> {
        let plugins: Vec<Plugin> = chain
            .modules()
            .into_iter()
            .map(|name| modules.plugin(name, setup))
            .collect::<Result<_>>()?;
        let proxy = Proxy::new(&world, workers, plugins).with_context(|| world.log_text())?;
        Ok(Self {
            proxy: proxy.buffer_limits(BUFFER_BYTES, BUFFER_BYTES),
            world,
            open: BTreeMap::new(),
            requests: 0,
            clusters: Rc::default(),
        })
    }

    /// Configures every module of the chain anew, as an update of the listener does: new requests get new VMs or root contexts, what runs keeps
    /// its own, and those that are no longer used go when they are done.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn reload(&self, modules: &Modules, chain: Chain, setup: &Setup) -> Result<()> {
        for (place, name) in chain.modules().into_iter().enumerate() {
            self.proxy.update(place, modules.plugin(name, setup)?)?;
        }
        Ok(())
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// A stream on a worker, on which nothing has happened yet.
    pub fn stream(&mut self, worker: usize, call: &Call) -> Stream {
        self.requests += 1;
        let source = match call.source {
            std::net::IpAddr::V4(address) => format!("{address}:40000"),
            std::net::IpAddr::V6(address) => format!("[{address}]:40000"),
        };
        self.proxy.set_source(source);
        let exchange = self.proxy.exchange(worker);
        for verified in &call.verified {
            verified.show(&exchange);
        }
        Stream {
            exchange,
            request_id: format!("id-{}", self.requests),
            counters: counters(&self.world),
            logged: self.world.logs().len(),
        }
    }

    /// Closes a stream and says how many instructions its callbacks took; 0 unless the world counts them.
    #[must_use]
    pub fn instructions(&self, stream: &Stream) -> u64 {
        stream.exchange.finish().instructions().unwrap_or(0)
    }

    /// Closes a stream and says what came of it.
    #[must_use]
    pub fn seen(&self, stream: &Stream) -> Seen {
        let outcome = stream.exchange.finish();
        let state: BTreeMap<String, String> = STATE
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), outcome.state(name)?)))
            .collect();
        let records = state.get(names::AUDIT);
        let grown = counters(&self.world)
            .into_iter()
            .filter_map(|(name, value)| {
                let by = value - stream.counters.get(&name).copied().unwrap_or(0);
                (by > 0).then_some((name, by))
            });
        let log = self.world.logs();
        let complaints = log
            .iter()
            .skip(stream.logged)
            .filter(|line| line.level >= LogLevel::Warn);
        Seen {
            provider: message(&outcome.upstream),
            client: message(&outcome.client),
            records: records
                .iter()
                .flat_map(|text| text.lines())
                .map(str::to_owned)
                .collect(),
            metrics: grown.collect(),
            log: complaints
                .map(|line| format!("{}\n", line.message))
                .collect(),
            request_id: stream.request_id.clone(),
            state,
        }
    }
}

impl Engine for Wasm {
    fn advance(&mut self, by: Duration) -> Result<()> {
        self.world.advance(by);
        Ok(())
    }

    fn set_clock(&mut self, unix_ns: u64) -> Result<()> {
        self.world.set_time(unix_ns);
        Ok(())
    }

    fn share(&mut self, shared: Shared) -> Result<()> {
        self.world.faults(|faults| match shared {
            Shared::Fails => faults.refused.extend(SHARED_DATA),
            Shared::Answers => faults.refused.clear(),
        });
        Ok(())
    }

    fn script(&mut self, scripts: &Scripts) -> Result<()> {
        self.clusters.borrow_mut().script(scripts);
        for name in scripts.keys() {
            let clusters = Rc::clone(&self.clusters);
            self.world
                .cluster(name, move |request| react(&clusters, request));
        }
        Ok(())
    }

    fn calls(&mut self) -> Vec<Made> {
        self.clusters.borrow_mut().drain()
    }

    fn exchange(&mut self, call: &Call, reply: &Reply) -> Result<Seen> {
        let stream = self.stream(0, call);
        stream.request(call);
        stream.answer(reply);
        Ok(self.seen(&stream))
    }

    fn open(&mut self, name: &str, call: &Call) -> Result<()> {
        let stream = self.stream(0, call);
        stream.request(call);
        self.open.insert(name.to_owned(), stream);
        Ok(())
    }

    fn finish(&mut self, name: &str, reply: &Reply) -> Result<Seen> {
        let stream = self
            .open
            .remove(name)
            .with_context(|| format!("no exchange {name}"))?;
        stream.answer(reply);
        Ok(self.seen(&stream))
    }
}

/// One stream and the state of the world when it began.
pub struct Stream {
    exchange: Exchange,
    request_id: String,
    counters: BTreeMap<String, u64>,
    logged: usize,
}

impl Stream {
    /// The client sends its request, as far as it goes.
    pub fn request(&self, call: &Call) {
        let exchange = &self.exchange;
        let mut events = call.leaves_after.unwrap_or(usize::MAX);
        let mut next = || {
            let goes_on = events > 0;
            events = events.saturating_sub(1);
            if !goes_on {
                exchange.reset_by_client();
            }
            goes_on
        };
        let bodiless = call.pieces.is_empty() && call.trailers.is_none();
        if !next() {
            return;
        }
        let mut headers = map(&call.headers);
        headers.add("x-request-id", &self.request_id);
        exchange.request_headers(headers, bodiless);
        let last = call.pieces.len().saturating_sub(1);
        for (index, piece) in call.pieces.iter().enumerate() {
            if !next() {
                return;
            }
            exchange.request_data(piece, index == last && call.trailers.is_none());
        }
        if let Some(trailers) = &call.trailers {
            if !next() {
                return;
            }
            exchange.request_trailers(map(trailers));
        }
        next();
    }

    /// The provider does its part, if the whole request has reached it. How many pieces of its body did not leave in the callback in which they
    /// came, as far as nothing is changed in them.
    pub fn answer(&self, reply: &Reply) -> usize {
        let exchange = &self.exchange;
        let (mut late, mut came, mut left) = (0, 0, 0);
        let Some(response) = &reply.response else {
            return late;
        };
        if !exchange.upstream().complete() {
            return late;
        }
        for event in 0..=response.pieces.len() + 1 {
            if exchange.over() {
                return late;
            }
            if reply.client_leaves_after == Some(event) {
                exchange.reset_by_client();
                return late;
            }
            if reply.cut_after == Some(event) {
                exchange.reset_by_upstream();
                return late;
            }
            let flow = self.response_event(response, event);
            if let Some(piece) = event.checked_sub(1).and_then(|at| response.pieces.get(at)) {
                came += piece.len();
                left += flow.map_or(0, |flow| bytes_to_client(&flow));
                late += usize::from(left < came);
            }
        }
        late
    }

    fn response_event(&self, response: &Response, event: usize) -> Option<Flow> {
        let exchange = &self.exchange;
        let count = response.pieces.len();
        match event.checked_sub(1) {
            None => {
                let mut headers = map(&response.headers);
                headers.add(":status", response.status.to_string());
                exchange.response_headers(headers, count == 0 && response.trailers.is_none());
                None
            }
            Some(index) => match (response.pieces.get(index), &response.trailers) {
                (Some(piece), trailers) => {
                    let last = index + 1 == count && trailers.is_none();
                    Some(exchange.response_data(piece, last))
                }
                (None, Some(trailers)) => {
                    exchange.response_trailers(map(trailers));
                    None
                }
                (None, None) => None,
            },
        }
    }
}

/// What the script of its cluster says to a call.
fn react(clusters: &RefCell<Clusters>, request: &CalloutRequest) -> Callout {
    let reaction = clusters.borrow_mut().take(
        &request.cluster,
        fields(&request.headers),
        &request.body,
        request.timeout.unwrap_or_default(),
    );
    match reaction {
        Some(Reaction::Status(status)) => Callout::respond(status).into(),
        Some(Reaction::Other(Silence::Unreachable)) => Callout::ConnectFailure {
            after: Duration::ZERO,
        },
        Some(Reaction::Other(Silence::Silent)) => Callout::Never,
        Some(Reaction::Other(Silence::Unhealthy)) | None => Callout::NoHealthyUpstream,
    }
}

fn bytes_to_client(flow: &Flow) -> usize {
    let bytes = |piece: &WirePiece| match piece {
        WirePiece::Data(bytes, _) => bytes.len(),
        WirePiece::Headers(..) | WirePiece::Trailers(_) | WirePiece::Reset => 0,
    };
    flow.to_client.iter().map(bytes).sum()
}

fn counters(world: &World) -> BTreeMap<String, u64> {
    let metrics = world.metrics();
    let counters = metrics
        .iter()
        .filter(|(kind, _, _)| *kind == MetricKind::Counter);
    counters
        .map(|(_, name, value)| (name.to_owned(), value))
        .collect()
}

fn map(fields: &[Field]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name, value)).collect()
}

fn fields(map: &HeaderMap) -> Vec<Field> {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    map.iter()
        .map(|(name, value)| (text(name), value.to_vec()))
        .collect()
}

fn message(wire: &Wire) -> Message {
    Message {
        began: wire.started(),
        complete: wire.complete(),
        headers: wire.headers().map(fields).unwrap_or_default(),
        body: wire.body(),
        trailers: wire.trailers().map(fields).unwrap_or_default(),
    }
}

// Both engines begin at the same time.
const _: () = assert!(EPOCH_NS == crate::native::EPOCH_NS);
