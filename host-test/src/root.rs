//! Root contexts: one for each plugin in each VM.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::plugin::Plugin;
use crate::vm::{Answer, Vm};

/// A root context of a plugin on one worker; the plugin's handle in Envoy. When the last stream and the proxy have let
/// go of it, the root context is done.
pub(crate) struct Root {
    pub(crate) vm: Rc<Vm>,
    pub(crate) context: u32,
    pub(crate) plugin: Rc<Plugin>,
    /// It never came to be configured, or was only a canary: nothing is told to it when it goes.
    silent: Cell<bool>,
}

impl Root {
    /// Creates a root context and configures it: `on_context_create`, `on_vm_start`, `on_configure`.
    ///
    /// # Errors
    /// When the guest refuses to start or refuses its configuration, or traps.
    pub(crate) fn start(vm: &Rc<Vm>, plugin: &Rc<Plugin>) -> Result<Rc<Self>> {
        let context = vm.with_state(|state| {
            state.add_context(None, |_, root| Context {
                root,
                ..Context::of_plugin(plugin)
            })
        });
        let root = Rc::new(Self {
            vm: Rc::clone(vm),
            context,
            plugin: Rc::clone(plugin),
            silent: Cell::new(true),
        });
        root.with_configuration(|| vm.call(context, "proxy_on_context_create", &[context, 0]));
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // A trap so far does not keep Envoy from this; it finds the VM failed when the first stream comes.
        let started = vm.call_anyway(
            context,
            "proxy_on_vm_start",
            &[context, size(&plugin.vm_configuration)],
        );
        vm.settle();
        if !accepted(started) {
            bail!("plugin {:?} refused to start on {}", plugin.name, vm.place);
        }
        if vm.failed() {
            return Ok(root);
        }
        let configured = root.with_configuration(|| {
            vm.call(
                context,
                "proxy_on_configure",
                &[context, size(&plugin.configuration)],
            )
        });
        vm.settle();
        if !accepted(configured) {
            bail!(
                "plugin {:?} refused its configuration on {}",
                plugin.name,
                vm.place
            );
        }
        root.silent.set(false);
        Ok(root)
    }

    /// The plugin's configuration can be read only while this runs.
    fn with_configuration<T>(&self, f: impl FnOnce() -> T) -> T {
        let set = |bytes| {
            self.vm.with_state(|state| {
                if let Some(context) = state.contexts.get_mut(&self.context) {
                    context.configuration = bytes;
                }
            });
        };
        set(Some(self.plugin.configuration.clone()));
        let result = f();
        set(None);
        result
    }
}

fn accepted(answer: Answer) -> bool {
    match answer {
        Answer::Missing => true,
        Answer::Failed => false,
        Answer::Value(value) => value != 0,
    }
}

impl Root {
    /// Lets go of the root context without a word, as Envoy lets go of a canary.
    pub(crate) fn kill(self: Rc<Self>) {
        self.silent.set(true);
    }
}

/// The end of a root context that is done.
pub(crate) fn delete(vm: &Rc<Vm>, root: u32) {
    vm.world.cancel_all_of(vm.uid, root);
    vm.notify(root, "proxy_on_delete", &[root]);
    let kept = vm.with_state(|state| {
        state.contexts.remove(&root);
        if state.pending_done.is_empty() {
            state.kept.take()
        } else {
            None
        }
    });
    drop(kept);
}

impl Drop for Root {
    /// The plugin was configured anew or the proxy is gone: done, then delete, unless the guest asks to wait.
    fn drop(&mut self) {
        let (vm, root) = (&self.vm, self.context);
        if self.silent.get() || std::thread::panicking() {
            vm.world.cancel_all_of(vm.uid, root);
            return;
        }
        match vm.notify(root, "proxy_on_done", &[root]) {
            Answer::Value(0) => vm.with_state(|state| {
                state.pending_done.push(root);
                state.kept = Some(Rc::clone(vm));
            }),
            Answer::Failed => vm.world.cancel_all_of(vm.uid, root),
            Answer::Missing | Answer::Value(_) => delete(vm, root),
        }
    }
}
