//! One plugin as Envoy's `PluginConfig` describes it.

use std::time::Duration;

use crate::module::Module;

/// What happens to requests when the VM of a plugin has failed (`failure_policy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// 503 until the plugin is configured anew. Envoy's default.
    #[default]
    Closed,
    /// 503 until a new VM may be started: not before the back-off has passed since the last start.
    Reload,
    /// The filter is left out.
    Open,
}

/// A module and everything that Envoy's configuration says about it.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) module: Module,
    pub(crate) name: String,
    pub(crate) root_id: String,
    pub(crate) vm_id: String,
    pub(crate) configuration: Vec<u8>,
    pub(crate) vm_configuration: Vec<u8>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) host_environment: Vec<String>,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) reload_backoff: Duration,
    pub(crate) allow_on_headers_stop_iteration: bool,
}

impl Plugin {
    /// A plugin of this module with Envoy's defaults: no ids, no configuration, fail closed.
    pub fn new(module: &Module) -> Self {
        Self {
            module: module.clone(),
            name: String::new(),
            root_id: String::new(),
            vm_id: String::new(),
            configuration: Vec::new(),
            vm_configuration: Vec::new(),
            environment: Vec::new(),
            host_environment: Vec::new(),
            failure_policy: FailurePolicy::Closed,
            reload_backoff: Duration::from_secs(1),
            allow_on_headers_stop_iteration: false,
        }
    }

    /// `name`: stands in logs and in the transcript.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// `root_id`.
    #[must_use]
    pub fn root_id(mut self, id: impl Into<String>) -> Self {
        self.root_id = id.into();
        self
    }

    /// `vm_config.vm_id`: plugins with one id share their shared data and queues, and, if module and VM configuration
    /// are the same too, their VMs.
    #[must_use]
    pub fn vm_id(mut self, id: impl Into<String>) -> Self {
        self.vm_id = id.into();
        self
    }

    /// `configuration`: the bytes that `on_configure` reads.
    #[must_use]
    pub fn configuration(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.configuration = bytes.as_ref().to_vec();
        self
    }

    /// `vm_config.configuration`: the bytes that `on_vm_start` reads.
    #[must_use]
    pub fn vm_configuration(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.vm_configuration = bytes.as_ref().to_vec();
        self
    }

    /// One entry of `vm_config.environment_variables.key_values`.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// One entry of `vm_config.environment_variables.host_env_keys`: handed through from [`crate::World::set_env`] if it
    /// is set there, left out if not.
    #[must_use]
    pub fn host_env(mut self, name: impl Into<String>) -> Self {
        self.host_environment.push(name.into());
        self
    }

    /// `failure_policy`.
    #[must_use]
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.failure_policy = policy;
        self
    }

    /// `reload_config.backoff.base_interval`; Envoy adds jitter, this host does not. 1 s by default.
    #[must_use]
    pub fn reload_backoff(mut self, interval: Duration) -> Self {
        self.reload_backoff = interval;
        self
    }

    /// `allow_on_headers_stop_iteration` (Envoy 1.35 and later): whether `Pause` in a header callback holds only the
    /// headers. Without it `Pause` holds everything and body callbacks do not run until the stream is resumed.
    #[must_use]
    pub fn allow_on_headers_stop_iteration(mut self, allow: bool) -> Self {
        self.allow_on_headers_stop_iteration = allow;
        self
    }

    /// What stands in logs: name, root id and VM id, as far as there are any.
    pub(crate) fn log_prefix(&self) -> String {
        [&self.name, &self.root_id, &self.vm_id]
            .into_iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Plugins with the same key share one VM a worker.
    pub(crate) fn vm_key(&self) -> (String, Vec<u8>, Module) {
        (
            self.vm_id.clone(),
            self.vm_configuration.clone(),
            self.module.clone(),
        )
    }
}
