//! Contexts of a VM as the host sees them: the VM's own (0), one for each plugin (root), one for each stream.

use std::rc::{Rc, Weak};

use crate::callouts::{GrpcReceived, HttpReceived};
use crate::plugin::Plugin;
use crate::stream::Stream;

/// What a stream context belongs to.
#[derive(Clone)]
pub(crate) struct StreamLink {
    pub(crate) stream: Weak<Stream>,
    /// The place of the filter in the chain.
    pub(crate) filter: usize,
}

/// One context.
#[derive(Default)]
pub(crate) struct Context {
    /// The root context it belongs to; its own id for a root context.
    pub(crate) root: u32,
    pub(crate) plugin: Option<Rc<Plugin>>,
    pub(crate) stream: Option<StreamLink>,
    /// The plugin's configuration while it may be read.
    pub(crate) configuration: Option<Vec<u8>>,
    /// The result of a callout while its callback runs (root contexts only).
    pub(crate) http_call: Option<HttpReceived>,
    pub(crate) grpc: GrpcReceived,
    /// What `proxy_get_status` answers.
    pub(crate) status: (u32, Vec<u8>),
}

impl Context {
    /// The context in which `_initialize` runs.
    pub(crate) fn of_vm() -> Self {
        Self::default()
    }

    pub(crate) fn of_plugin(plugin: &Rc<Plugin>) -> Self {
        Self {
            plugin: Some(Rc::clone(plugin)),
            ..Self::default()
        }
    }

    pub(crate) fn of_stream(
        root: u32,
        plugin: &Rc<Plugin>,
        stream: &Rc<Stream>,
        filter: usize,
    ) -> Self {
        Self {
            root,
            plugin: Some(Rc::clone(plugin)),
            stream: Some(StreamLink {
                stream: Rc::downgrade(stream),
                filter,
            }),
            ..Self::default()
        }
    }

    /// How transcripts call it.
    pub(crate) fn label(&self, id: u32) -> String {
        let name = self
            .plugin
            .as_ref()
            .map_or("vm", |plugin| plugin.name.as_str());
        let name = if name.is_empty() { "plugin" } else { name };
        match self.stream.as_ref().and_then(|link| link.stream.upgrade()) {
            Some(stream) => format!("{name} #{}", stream.id),
            None if self.root == id => name.to_owned(),
            None => format!("{name} context {id}"),
        }
    }
}
