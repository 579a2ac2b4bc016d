//! The world of a test: clock, randomness, shared data, other services, and the record of what happened. Nothing in it
//! is shared with another test.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::callouts::{Callout, CalloutRequest, Cluster, GrpcCluster, GrpcRequest, GrpcStep};
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::module::EngineKind;
use crate::queues::Queues;
use crate::random::Random;
use crate::schedule::Schedule;
use crate::shared::SharedData;
use crate::status::LogLevel;
use crate::transcript::{Kind, Transcript};
use crate::vm::WeakVm;

/// When a world begins unless [`World::set_time`] says otherwise: 2026-01-01T00:00:00Z, in nanoseconds since 1970.
pub const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

/// One line of a guest's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// Name, root id and VM id of the plugin that wrote it.
    pub plugin: String,
    /// Its text.
    pub message: String,
}

/// A world. Clones are handles to the same world.
#[derive(Clone)]
pub struct World {
    inner: Rc<RefCell<State>>,
    kind: EngineKind,
}

pub(crate) struct State {
    pub(crate) random: Random,
    pub(crate) shared: SharedData,
    pub(crate) queues: Queues,
    pub(crate) metrics: Metrics,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) grpc_clusters: BTreeMap<String, GrpcCluster>,
    pub(crate) callouts: Vec<CalloutRequest>,
    pub(crate) faults: Faults,
    pub(crate) log_level: LogLevel,
    logs: Vec<LogLine>,
    misuses: Vec<String>,
    transcript: Transcript,
    recording: bool,
    pub(crate) reads: bool,
    instructions: BTreeMap<String, u64>,
    host_calls: BTreeMap<&'static str, u64>,
    pub(crate) vms: BTreeMap<u32, WeakVm>,
    pub(crate) worker_vms: Vec<crate::proxy::WorkerVm>,
    last_vm: u32,
    last_stream: u64,
    pub(crate) last_connection: u64,
    pub(crate) schedule: Schedule,
}

impl State {
    pub(crate) fn next_vm(&mut self) -> u32 {
        self.vms.retain(|_, vm| vm.strong_count() > 0);
        self.last_vm += 1;
        self.last_vm
    }

    pub(crate) fn next_stream(&mut self) -> u64 {
        self.last_stream += 1;
        self.last_stream
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with the seed 0.
    pub fn new() -> Self {
        Self::seeded(0)
    }

    /// A world whose randomness comes from this seed: the same seed gives the same run.
    pub fn seeded(seed: u64) -> Self {
        let state = State {
            random: Random::new(seed),
            shared: SharedData::default(),
            queues: Queues::default(),
            metrics: Metrics::default(),
            environment: BTreeMap::new(),
            clusters: BTreeMap::new(),
            grpc_clusters: BTreeMap::new(),
            callouts: Vec::new(),
            faults: Faults::default(),
            log_level: LogLevel::Info,
            logs: Vec::new(),
            misuses: Vec::new(),
            transcript: Transcript::default(),
            recording: true,
            reads: false,
            instructions: BTreeMap::new(),
            host_calls: BTreeMap::new(),
            vms: BTreeMap::new(),
            worker_vms: Vec::new(),
            last_vm: 0,
            last_stream: 0,
            last_connection: 0,
            schedule: Schedule::default(),
        };
        Self {
            inner: Rc::new(RefCell::new(state)),
            kind: EngineKind::Fast,
        }
    }

    /// Counts the instructions of every callback from now on (wasmtime fuel: exact and the same on every machine, at
    /// about half the speed). Must come before plugins are loaded.
    #[must_use]
    pub fn counting_instructions(mut self) -> Self {
        self.kind = EngineKind::Counting;
        self
    }

    /// Runs modules as V8 does, without a check of bounds at each access, for 4 GiB of address space a VM: to measure time. Must come before
    /// plugins are loaded.
    #[must_use]
    pub fn guarding_memory(mut self) -> Self {
        self.kind = EngineKind::Guarded;
        self
    }

    /// Records no transcript: for long simulations.
    pub fn quiet(&self) -> &Self {
        self.with(|state| state.recording = false);
        self
    }

    /// Records host calls that only read as well.
    pub fn record_reads(&self) -> &Self {
        self.with(|state| state.reads = true);
        self
    }

    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.inner.borrow_mut())
    }

    pub(crate) fn engine_kind(&self) -> EngineKind {
        self.kind
    }

    pub(crate) fn counting(&self) -> bool {
        self.kind == EngineKind::Counting
    }

    /// Sets the wall clock, in nanoseconds since 1970.
    pub fn set_time(&self, unix_ns: u64) -> &Self {
        self.with(|state| state.schedule.wall_ns = unix_ns);
        self
    }

    /// The wall clock, in nanoseconds since 1970.
    pub fn time(&self) -> u64 {
        self.with(|state| state.schedule.wall_ns)
    }

    /// The time since the world began, as the monotonic clock shows it.
    pub fn elapsed(&self) -> Duration {
        self.with(|state| Duration::from_nanos(state.schedule.monotonic_ns))
    }

    /// Moves the wall clock by so many nanoseconds (also backwards), as NTP may; nothing becomes due by that.
    pub fn step_clock(&self, by_ns: i64) -> &Self {
        self.with(|state| {
            state.schedule.wall_ns = state.schedule.wall_ns.saturating_add_signed(by_ns)
        });
        self
    }

    /// Sets an environment variable of the proxy's own process, for [`crate::Plugin::host_env`].
    pub fn set_env(&self, name: &str, value: &str) -> &Self {
        self.with(|state| state.environment.insert(name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a cluster that answers calls of `proxy_http_call`. Calls to clusters that were not added fail with
    /// `BadArgument`, as in Envoy.
    pub fn cluster<A: Into<Callout>>(
        &self,
        name: &str,
        mut answer: impl FnMut(&CalloutRequest) -> A + 'static,
    ) -> &Self {
        let script: Cluster = Rc::new(RefCell::new(move |request: &CalloutRequest| {
            answer(request).into()
        }));
        self.with(|state| state.clusters.insert(name.to_owned(), script));
        self
    }

    /// Adds a cluster that answers `proxy_grpc_call` and `proxy_grpc_stream`.
    pub fn grpc_cluster(
        &self,
        name: &str,
        answer: impl FnMut(&GrpcRequest) -> Vec<(Duration, GrpcStep)> + 'static,
    ) -> &Self {
        let script: GrpcCluster = Rc::new(RefCell::new(answer));
        self.with(|state| state.grpc_clusters.insert(name.to_owned(), script));
        self
    }

    /// Every call that guests made so far.
    pub fn callouts(&self) -> Vec<CalloutRequest> {
        self.with(|state| state.callouts.clone())
    }

    /// Orders faults.
    pub fn faults(&self, order: impl FnOnce(&mut Faults)) -> &Self {
        self.with(|state| order(&mut state.faults));
        self
    }

    /// Reads or changes shared data.
    pub fn shared_data<T>(&self, f: impl FnOnce(&mut SharedData) -> T) -> T {
        self.with(|state| f(&mut state.shared))
    }

    /// What a shared queue holds.
    pub fn queue(&self, vm_id: &str, name: &str) -> Vec<Vec<u8>> {
        self.with(|state| state.queues.items(vm_id, name.as_bytes()))
    }

    /// The metrics.
    pub fn metrics(&self) -> Ref<'_, Metrics> {
        Ref::map(self.inner.borrow(), |state| &state.metrics)
    }

    /// The level that `proxy_get_log_level` answers; lines below it are dropped, as in Envoy. Info by default.
    pub fn set_log_level(&self, level: LogLevel) -> &Self {
        self.with(|state| state.log_level = level);
        self
    }

    /// Everything logged so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.with(|state| state.logs.clone())
    }

    /// What guests did that kills Envoy 1.40 or corrupts a stream in it, and that this host therefore did not do: a test
    /// that did not mean to show just that asserts that there is nothing.
    pub fn misuses(&self) -> Vec<String> {
        self.with(|state| state.misuses.clone())
    }

    pub(crate) fn misuse(&self, text: String) {
        self.record(Kind::Host, format!("MISUSE: {text}"));
        self.with(|state| state.misuses.push(text));
    }

    /// The logged texts, one a line, each with its level.
    pub fn log_text(&self) -> String {
        self.logs()
            .iter()
            .map(|line| format!("{} {}\n", line.level, line.message))
            .collect()
    }

    /// Everything that happened so far.
    pub fn transcript(&self) -> Transcript {
        self.with(|state| state.transcript.clone())
    }

    /// Runs something and answers with what happened meanwhile.
    pub fn transcript_of(&self, f: impl FnOnce()) -> Transcript {
        let start = self.with(|state| state.transcript.len());
        f();
        self.with(|state| state.transcript.since(start))
    }

    /// How many instructions each callback took so far, over all streams and VMs; empty unless the world counts.
    pub fn instructions(&self) -> BTreeMap<String, u64> {
        self.with(|state| state.instructions.clone())
    }

    /// How often each host function was called so far, over all streams and VMs.
    pub fn host_calls(&self) -> BTreeMap<&'static str, u64> {
        self.with(|state| state.host_calls.clone())
    }

    pub(crate) fn count(&self, callback: &str, instructions: u64) {
        self.with(|state| {
            *state.instructions.entry(callback.to_owned()).or_default() += instructions
        });
    }

    pub(crate) fn log(&self, level: LogLevel, plugin: &str, message: &str) {
        self.with(|state| {
            if level < state.log_level {
                return;
            }
            state.logs.push(LogLine {
                level,
                plugin: plugin.to_owned(),
                message: message.to_owned(),
            });
            state.note(Kind::Log, || format!("{level}: {message}"));
        });
    }

    /// Adds a line to the transcript and answers its number.
    pub(crate) fn record(&self, kind: Kind, text: String) -> usize {
        self.with(|state| {
            state.note(kind, || text);
            state.transcript.len().saturating_sub(1)
        })
    }

    /// Completes a line of the transcript.
    pub(crate) fn amend(&self, line: usize, text: &str) {
        self.with(|state| {
            if state.recording {
                state.transcript.amend(line, text);
            }
        });
    }
}

impl State {
    pub(crate) fn count_call(&mut self, function: &'static str) {
        *self.host_calls.entry(function).or_default() += 1;
    }

    pub(crate) fn note(&mut self, kind: Kind, text: impl FnOnce() -> String) {
        if self.recording && (kind != Kind::Read || self.reads) {
            self.transcript
                .push(self.schedule.monotonic_ns / 1_000_000, kind, text());
        }
    }
}
