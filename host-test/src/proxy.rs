//! A filter chain on a number of workers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};

use anyhow::{Context as _, Result};

use crate::abi;
use crate::exchange::Exchange;
use crate::info::StreamInfo;
use crate::outcome::Outcome;
use crate::plugin::{FailurePolicy, Plugin};
use crate::root::Root;
use crate::script::{Request, Upstream};
use crate::status::LogLevel;
use crate::stream::Stream;
use crate::transcript::Kind;
use crate::vm::{Base, Vm};
use crate::world::World;

/// Envoy's default for `per_connection_buffer_limit_bytes`.
pub const BUFFER_LIMIT_BYTES: usize = 1024 * 1024;

/// An Envoy in miniature: plugins as a filter chain, one VM of each on every worker.
pub struct Proxy {
    world: World,
    chain: RefCell<Vec<Rc<Entry>>>,
    workers: usize,
    buffer_limits: (usize, usize),
    source_address: RefCell<String>,
}

/// One filter of the chain with its handles, one for each worker.
struct Entry {
    plugin: Rc<Plugin>,
    base: Base,
    handles: Vec<RefCell<Handle>>,
    /// The main thread has a VM as well. It serves no stream, but its timers tick and it reads its queues.
    _main: Option<Rc<Root>>,
}

struct Handle {
    /// None when the worker refused a configuration that the canary had accepted: the filter is left out.
    root: Option<Rc<Root>>,
    loaded_at_ns: u64,
}

impl Proxy {
    /// Loads a chain of plugins on so many workers. Each plugin first proves itself in a canary VM, and the main thread
    /// has a VM too, so a configuration is read twice more than there are workers.
    ///
    /// # Errors
    /// When a module imports what Envoy does not offer, has no allocator, traps while starting, or refuses its
    /// configuration: Envoy rejects the listener then.
    pub fn new(
        world: &World,
        workers: usize,
        plugins: impl IntoIterator<Item = Plugin>,
    ) -> Result<Self> {
        let proxy = Self {
            world: world.clone(),
            chain: RefCell::new(Vec::new()),
            workers,
            buffer_limits: (BUFFER_LIMIT_BYTES, BUFFER_LIMIT_BYTES),
            source_address: RefCell::new("127.0.0.1:40000".to_owned()),
        };
        for plugin in plugins {
            let entry = proxy.load(plugin)?;
            proxy.chain.borrow_mut().push(Rc::new(entry));
        }
        // The workers hear of it when the main thread is through.
        for worker in 0..workers {
            for entry in proxy.chain.borrow().iter() {
                proxy.start_on(entry, worker);
            }
        }
        Ok(proxy)
    }

    /// A chain of one plugin on one worker.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn single(world: &World, plugin: Plugin) -> Result<Self> {
        Self::new(world, 1, [plugin])
    }

    /// Sets the limits of request and response bodies that filters hold back; Envoy's default is 1 MiB each.
    #[must_use]
    pub fn buffer_limits(mut self, request_bytes: usize, response_bytes: usize) -> Self {
        self.buffer_limits = (request_bytes, response_bytes);
        self
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Sets `source.address` of the streams that begin from now on.
    pub fn set_source(&self, address: impl Into<String>) -> &Self {
        *self.source_address.borrow_mut() = address.into();
        self
    }

    fn load(&self, plugin: Plugin) -> Result<Entry> {
        let plugin = Rc::new(plugin);
        let base = self
            .base(&plugin)
            .with_context(|| format!("plugin {:?}", plugin.name))?;
        // Envoy starts the base VM as well, though no callback ever runs in it.
        Vm::start(&self.world, &base, "base".to_owned()).context("starting the module")?;
        let canary = Vm::start(&self.world, &base, "canary".to_owned())?;
        Root::start(&canary, &plugin)?.kill();
        let main = self.try_root_on(&plugin, &base, Place::Main);
        let handle = || {
            RefCell::new(Handle {
                root: None,
                loaded_at_ns: self.now(),
            })
        };
        let handles = (0..self.workers).map(|_| handle()).collect();
        Ok(Entry {
            plugin,
            base,
            handles,
            _main: main,
        })
    }

    fn start_on(&self, entry: &Entry, worker: usize) {
        if let Some(handle) = entry.handles.get(worker) {
            let root = self.try_root_on(&entry.plugin, &entry.base, Place::Worker(worker));
            handle.borrow_mut().root = root;
        }
    }

    /// A thread that refuses what the canary accepted goes without the plugin.
    fn try_root_on(&self, plugin: &Rc<Plugin>, base: &Base, place: Place) -> Option<Rc<Root>> {
        match self.root_on(plugin, base, place) {
            Ok(root) => Some(root),
            Err(error) => {
                let message = format!("left out on {place}: {error:#}");
                self.world
                    .log(LogLevel::Critical, &plugin.log_prefix(), &message);
                None
            }
        }
    }

    fn now(&self) -> u64 {
        self.world.with(|state| state.schedule.monotonic_ns)
    }

    fn note(&self, text: &str) {
        self.world.record(Kind::Host, text.to_owned());
    }

    fn base(&self, plugin: &Rc<Plugin>) -> Result<Base> {
        let module = plugin.module.compile(self.world.engine_kind())?;
        let instance = abi::link(&module)?;
        let mut environment: BTreeMap<_, _> = plugin.environment.iter().cloned().collect();
        self.world.with(|state| {
            for name in plugin
                .host_environment
                .iter()
                .filter(|_| !state.faults.missing_environment)
            {
                if let Some(value) = state.environment.get(name) {
                    environment.insert(name.clone(), value.clone());
                }
            }
        });
        Ok(Base {
            plugin: Rc::clone(plugin),
            instance,
            environment: environment.into_iter().collect(),
        })
    }

    /// The plugin's root context on a thread, in the VM that plugins with the same VM share there.
    fn root_on(&self, plugin: &Rc<Plugin>, base: &Base, place: Place) -> Result<Rc<Root>> {
        let shared = self.world.with(|state| {
            state.worker_vms.retain(|(_, _, vm)| vm.strong_count() > 0);
            state
                .worker_vms
                .iter()
                .filter(|(of, key, _)| *of == place && *key == plugin.vm_key())
                .find_map(|(_, _, vm)| vm.upgrade().filter(|vm| !vm.failed()))
        });
        let vm = match shared {
            Some(vm) => vm,
            None => {
                let vm = Vm::start(&self.world, base, place.to_string())?;
                let entry = (place, plugin.vm_key(), Rc::downgrade(&vm));
                self.world.with(|state| state.worker_vms.push(entry));
                vm
            }
        };
        Root::start(&vm, plugin)
    }

    /// Configures the plugin at this place of the chain anew, as an update of the listener does: streams that run go on
    /// with the old configuration, new ones get the new one. If the new one is refused, the old stays.
    ///
    /// # Errors
    /// As [`Self::new`], or when there is no such place.
    pub fn update(&self, place: usize, plugin: Plugin) -> Result<()> {
        let entry = Rc::new(self.load(plugin)?);
        (0..self.workers).for_each(|worker| self.start_on(&entry, worker));
        let mut chain = self.chain.borrow_mut();
        *chain
            .get_mut(place)
            .context("no plugin at this place of the chain")? = entry;
        Ok(())
    }

    /// Begins an HTTP stream on a worker.
    pub fn exchange(&self, worker: usize) -> Exchange {
        let mut roots = Vec::new();
        for entry in self.chain.borrow().iter() {
            let Some(handle) = entry.handles.get(worker) else {
                continue;
            };
            self.reload(entry, handle, worker);
            let handle = handle.borrow();
            let Some(root) = &handle.root else { continue };
            match (root.vm.failed(), entry.plugin.failure_policy) {
                (true, FailurePolicy::Open) => {}
                (true, FailurePolicy::Closed | FailurePolicy::Reload) => {
                    roots.push((Rc::clone(&entry.plugin), None))
                }
                (false, _) => roots.push((Rc::clone(&entry.plugin), Some(Rc::clone(root)))),
            }
        }
        let info = self.stream_info();
        Exchange::new(Stream::new(&self.world, &roots, info, self.buffer_limits))
    }

    fn stream_info(&self) -> StreamInfo {
        self.world.with(|state| {
            state.last_connection += 1;
            StreamInfo {
                source_address: self.source_address.borrow().clone(),
                destination_address: "127.0.0.1:10000".to_owned(),
                protocol: "HTTP/1.1".to_owned(),
                cluster_name: "upstream".to_owned(),
                route_name: String::new(),
                listener_direction: 0,
                connection_id: state.last_connection,
                properties: BTreeMap::new(),
                began_ns: state.schedule.monotonic_ns,
                time_ns: state.schedule.wall_ns,
            }
        })
    }

    /// Starts a new VM in place of one that has failed, if the policy says so and the back-off has passed.
    fn reload(&self, entry: &Entry, handle: &RefCell<Handle>, worker: usize) {
        let due = {
            let handle = handle.borrow();
            let failed = handle.root.as_ref().is_some_and(|root| root.vm.failed());
            let since = self.now().saturating_sub(handle.loaded_at_ns);
            failed
                && entry.plugin.failure_policy == FailurePolicy::Reload
                && u128::from(since) >= entry.plugin.reload_backoff.as_nanos()
        };
        if !due {
            return;
        }
        self.note(&format!(
            "reload of {:?} on worker {worker}",
            entry.plugin.name
        ));
        handle.borrow_mut().loaded_at_ns = self.now();
        match self.root_on(&entry.plugin, &entry.base, Place::Worker(worker)) {
            Ok(root) => handle.borrow_mut().root = Some(root),
            Err(error) => self.note(&format!("reload failed: {error:#}")),
        }
    }

    /// Runs an exchange on worker 0 to its end: the request, then, if it reached the upstream, what that does. Callouts
    /// of guests are waited for.
    pub fn run(&self, request: &Request, upstream: impl Into<Upstream>) -> Outcome {
        self.run_on(0, request, upstream)
    }

    /// [`Self::run`] on another worker.
    pub fn run_on(
        &self,
        worker: usize,
        request: &Request,
        upstream: impl Into<Upstream>,
    ) -> Outcome {
        let exchange = self.exchange(worker);
        exchange.send(request);
        exchange.wait_for_callouts();
        exchange.answer(&upstream.into());
        exchange.wait_for_callouts();
        exchange.finish()
    }

    /// The size of a plugin's VM on a worker, in bytes; none if it has none. Memory of a VM never shrinks.
    pub fn memory_bytes(&self, place: usize, worker: usize) -> Option<usize> {
        let chain = self.chain.borrow();
        let handle = chain.get(place)?.handles.get(worker)?.borrow();
        Some(handle.root.as_ref()?.vm.memory_bytes())
    }

    /// By how much that VM has grown, in bytes: its heap, stack and constants being there from the beginning.
    pub fn heap_bytes(&self, place: usize, worker: usize) -> Option<usize> {
        let chain = self.chain.borrow();
        let handle = chain.get(place)?.handles.get(worker)?.borrow();
        Some(handle.root.as_ref()?.vm.grown_bytes())
    }
}

/// A thread of Envoy that has VMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Main,
    Worker(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Main => f.write_str("main"),
            Self::Worker(worker) => write!(f, "worker {worker}"),
        }
    }
}

/// A VM that plugins with the same key share on a thread.
pub(crate) type WorkerVm = (Place, (String, Vec<u8>, crate::module::Module), Weak<Vm>);
