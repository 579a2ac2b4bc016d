//! The host's side of a VM: what host functions see and change.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use wasmtime::{Memory, TypedFunc};

use crate::callouts::GrpcRequest;
use crate::context::Context;
use crate::metrics::MetricKind;
use crate::plugin::Plugin;
use crate::status::LogLevel;
use crate::stream::Action;
use crate::vm::{Base, Vm};
use crate::world::World;

/// The host's side of a VM: what host functions see.
pub(crate) struct HostState {
    pub(crate) world: World,
    pub(crate) uid: u32,
    pub(crate) vm_id: String,
    pub(crate) vm_configuration: Vec<u8>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) memory: Option<Memory>,
    pub(crate) malloc: Option<TypedFunc<u32, u32>>,
    pub(crate) contexts: BTreeMap<u32, Context>,
    next_context: u32,
    /// The context whose callback runs, and the one that host calls act on if the guest chose another.
    pub(crate) current: u32,
    pub(crate) effective: u32,
    /// Only few host functions may be called while `_initialize`, `main` or `_start` run.
    pub(crate) starting: bool,
    /// A local reply was asked for in this callback: whatever the callback answers, iteration stops.
    pub(crate) stop_iteration: bool,
    /// What guests asked for and what must wait until no guest code is on the stack.
    pub(crate) actions: VecDeque<Action>,
    pub(crate) metrics: BTreeMap<u32, (MetricKind, String)>,
    /// Root contexts whose `on_done` answered false: they stay until `proxy_done`.
    pub(crate) pending_done: Vec<u32>,
    /// Keeps the VM as long as one of them waits.
    pub(crate) kept: Option<Rc<Vm>>,
    /// gRPC streams whose sending side is open.
    pub(crate) grpc_streams: BTreeMap<u32, GrpcRequest>,
    /// The last number given to a callout of each kind.
    tokens: [u32; 3],
}

/// The kinds of callouts; the lowest bits of a callout's number say which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CalloutKind {
    Http = 0,
    GrpcCall = 1,
    GrpcStream = 2,
}

impl CalloutKind {
    /// The kind of the callout with this number.
    pub(crate) fn of(token: u32) -> Option<Self> {
        let kinds = [Self::Http, Self::GrpcCall, Self::GrpcStream];
        kinds
            .into_iter()
            .find(|kind| *kind as u32 == token % ID_INCREMENT)
    }
}

/// Ids of metrics and callouts of one kind lie so far apart.
const ID_INCREMENT: u32 = 4;

impl HostState {
    pub(crate) fn new(world: &World, uid: u32, base: &Base) -> Self {
        Self {
            world: world.clone(),
            uid,
            vm_id: base.plugin.vm_id.clone(),
            vm_configuration: base.plugin.vm_configuration.clone(),
            environment: base.environment.clone(),
            memory: None,
            malloc: None,
            contexts: BTreeMap::from([(0, Context::of_vm())]),
            next_context: 1,
            current: 0,
            effective: 0,
            starting: false,
            stop_iteration: false,
            actions: VecDeque::new(),
            metrics: BTreeMap::new(),
            pending_done: Vec::new(),
            kept: None,
            grpc_streams: BTreeMap::new(),
            tokens: [0; 3],
        }
    }

    /// The context that host calls act on.
    pub(crate) fn acting(&self) -> u32 {
        if self.effective != 0 && self.contexts.contains_key(&self.effective) {
            self.effective
        } else {
            self.current
        }
    }

    /// The root context of the acting context.
    pub(crate) fn acting_root(&self) -> u32 {
        let id = self.acting();
        self.contexts.get(&id).map_or(id, |context| context.root)
    }

    pub(crate) fn add_context(
        &mut self,
        root: Option<u32>,
        context: impl FnOnce(u32, u32) -> Context,
    ) -> u32 {
        let id = self.next_context;
        self.next_context += 1;
        self.contexts.insert(id, context(id, root.unwrap_or(id)));
        id
    }

    /// A number for a callout that no other callout of this VM has.
    pub(crate) fn next_token(&mut self, kind: CalloutKind) -> u32 {
        let [http, call, stream] = &mut self.tokens;
        let last = match kind {
            CalloutKind::Http => http,
            CalloutKind::GrpcCall => call,
            CalloutKind::GrpcStream => stream,
        };
        *last += ID_INCREMENT;
        *last + kind as u32
    }

    pub(crate) fn next_metric(&mut self, kind: MetricKind, name: &str) -> u32 {
        let same_kind = self.metrics.values().filter(|(k, _)| *k == kind).count();
        let id = (u32::try_from(same_kind).unwrap_or(u32::MAX / ID_INCREMENT - 1) + 1)
            * ID_INCREMENT
            + kind as u32;
        self.metrics.insert(id, (kind, name.to_owned()));
        id
    }

    /// The plugin that the acting context belongs to.
    pub(crate) fn plugin(&self) -> Option<Rc<Plugin>> {
        self.contexts
            .get(&self.acting())
            .and_then(|context| context.plugin.clone())
    }

    pub(crate) fn log(&self, level: LogLevel, message: &[u8]) {
        let plugin = self
            .plugin()
            .map(|plugin| plugin.log_prefix())
            .unwrap_or_default();
        self.world
            .log(level, &plugin, &String::from_utf8_lossy(message));
    }
}
