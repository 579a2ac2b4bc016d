//! The first engine: `chain` itself, driven as the adapter and Envoy drive it, with a store in memory and a virtual clock. No VM and
//! no proxy, so that what costs minutes elsewhere (every split, every reset) costs milliseconds here.

mod store;
mod stream;

pub use stream::Stream;

use store::FailingStore;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use portcullis_chain::Gateway;
use portcullis_policy::Store;

use crate::background::Background;
use crate::case::Shared;
use crate::clusters::{Clusters, Made, Scripts};
use crate::engine::{Engine, Seen, Setup};
use crate::gateway::Configured;
use crate::resolve::{Call, Reply};

/// When a world begins, as in the wasmtime host: 2026-01-01T00:00:00Z.
pub const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

/// A store, a clock and a configured gateway.
pub struct Native {
    configured: Rc<Configured>,
    gateway: Rc<Gateway>,
    store: Rc<RefCell<dyn Store>>,
    /// Whether the store gives no answer, where that can be ordered.
    store_fails: Rc<Cell<bool>>,
    clock: Rc<Cell<u64>>,
    open: BTreeMap<String, Stream>,
    requests: u64,
    background: Background,
    clusters: Rc<RefCell<Clusters>>,
}

impl Native {
    /// A world of its own.
    ///
    /// # Errors
    /// The mistakes of the policy.
    pub fn new(setup: &Setup) -> Result<Self> {
        let clock = Rc::new(Cell::new(EPOCH_NS));
        let (configured, gateway) = Configured::new(setup)?;
        let configured = Rc::new(configured);
        let (store, fails) = FailingStore::new();
        let native = Self::of(configured, gateway, store, clock, Rc::default());
        Ok(Self {
            store_fails: fails,
            ..native
        })
    }

    fn of(
        configured: Rc<Configured>,
        gateway: Rc<Gateway>,
        store: Rc<RefCell<dyn Store>>,
        clock: Rc<Cell<u64>>,
        clusters: Rc<RefCell<Clusters>>,
    ) -> Self {
        // No two workers of a world get the same.
        let seed = clock.get() ^ Rc::strong_count(&clock) as u64;
        Self {
            background: Background::new(&gateway, Rc::clone(&clusters), clock.get(), seed),
            configured,
            gateway,
            store,
            store_fails: Rc::default(),
            clock,
            open: BTreeMap::new(),
            requests: 0,
            clusters,
        }
    }

    /// The same policy in a new world.
    ///
    /// # Errors
    /// As of [`Configured::gateway`].
    pub fn anew(&self) -> Result<Self> {
        let (store, fails) = FailingStore::new();
        let native = self.worker(store, Rc::new(Cell::new(EPOCH_NS)))?;
        Ok(Self {
            store_fails: fails,
            ..native
        })
    }

    /// The same policy on another worker, which shares store and clock with others.
    ///
    /// # Errors
    /// As of [`Configured::gateway`].
    pub fn worker(&self, store: Rc<RefCell<dyn Store>>, clock: Rc<Cell<u64>>) -> Result<Self> {
        Ok(Self::of(
            Rc::clone(&self.configured),
            self.configured.gateway()?,
            store,
            clock,
            Rc::clone(&self.clusters),
        ))
    }

    /// A worker of its own in the same world, configured anew: it shares store, clock and clusters, and nothing else.
    ///
    /// # Errors
    /// The mistakes of the policy.
    pub fn beside(&self, setup: &Setup) -> Result<Self> {
        let (store, clock) = (Rc::clone(&self.store), Rc::clone(&self.clock));
        let (configured, gateway) = Configured::new(setup)?;
        Ok(Self::of(
            Rc::new(configured),
            gateway,
            store,
            clock,
            Rc::clone(&self.clusters),
        ))
    }

    /// The VM is to go: no request follows. It stays until its policies are done; time must pass for that.
    pub fn stop(&mut self) {
        let store = Rc::clone(&self.store);
        self.background
            .stop(self.clock.get(), &mut *store.borrow_mut());
    }

    /// Whether it is gone.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.background.stopped()
    }

    /// A stream on which nothing has happened yet.
    pub fn stream(&mut self) -> Stream {
        self.requests += 1;
        Stream::new(
            self.gateway.open(),
            Rc::clone(&self.store),
            Rc::clone(&self.clock),
            format!("id-{}", self.requests),
        )
    }
}

impl Engine for Native {
    fn advance(&mut self, by: Duration) -> Result<()> {
        let by = u64::try_from(by.as_nanos())?;
        let until = self.clock.get().saturating_add(by);
        let store = Rc::clone(&self.store);
        let clock = Rc::clone(&self.clock);
        self.background
            .advance(until, &mut |at| clock.set(at), &mut *store.borrow_mut());
        self.clock.set(until);
        Ok(())
    }

    fn share(&mut self, shared: Shared) -> Result<()> {
        self.store_fails.set(shared == Shared::Fails);
        Ok(())
    }

    fn set_clock(&mut self, unix_ns: u64) -> Result<()> {
        self.clock.set(unix_ns);
        Ok(())
    }

    fn script(&mut self, clusters: &Scripts) -> Result<()> {
        self.clusters.borrow_mut().script(clusters);
        Ok(())
    }

    fn calls(&mut self) -> Vec<Made> {
        self.clusters.borrow_mut().drain()
    }

    fn exchange(&mut self, call: &Call, reply: &Reply) -> Result<Seen> {
        let mut stream = self.stream();
        stream.request(call);
        Ok(stream.answer(reply))
    }

    fn open(&mut self, name: &str, call: &Call) -> Result<()> {
        let mut stream = self.stream();
        stream.request(call);
        self.open.insert(name.to_owned(), stream);
        Ok(())
    }

    fn finish(&mut self, name: &str, reply: &Reply) -> Result<Seen> {
        let mut stream = self
            .open
            .remove(name)
            .with_context(|| format!("no exchange {name}"))?;
        Ok(stream.answer(reply))
    }
}
