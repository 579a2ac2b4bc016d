//! One VM: an instance of a module with the host's side of its state, and the way to call it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use anyhow::{Context as _, Result, bail};
use wasmtime::{Func, InstancePre, Store, Val};

use crate::host_state::HostState;
use crate::plugin::Plugin;
use crate::status::LogLevel;
use crate::transcript::Kind;
use crate::world::World;

/// What a callback answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The module does not export the callback, which is as if it did nothing.
    Missing,
    /// The VM has failed, now or earlier.
    Failed,
    /// What the callback returned; 0 for one that returns nothing.
    Value(u32),
}

/// A module linked against the host functions, not yet instantiated: Envoy's base VM.
pub(crate) struct Base {
    pub(crate) plugin: Rc<Plugin>,
    pub(crate) instance: InstancePre<HostState>,
    pub(crate) environment: Vec<(String, String)>,
}

/// A running VM.
pub(crate) struct Vm {
    pub(crate) uid: u32,
    /// "canary", "worker 0", …
    pub(crate) place: String,
    pub(crate) world: World,
    store: RefCell<Store<HostState>>,
    exports: HashMap<String, Func>,
    failed: Cell<bool>,
    counting: bool,
    /// The size of the memory before anything ran.
    memory_bytes_min: usize,
}

impl Vm {
    /// Instantiates a module and starts it: `_initialize` then `main`, else `_start`.
    ///
    /// # Errors
    /// When the module has no `malloc`, or a trap ends its start.
    pub(crate) fn start(world: &World, base: &Base, place: String) -> Result<Rc<Self>> {
        let uid = world.with(|state| state.next_vm());
        let counting = world.counting();
        let state = HostState::new(world, uid, base);
        let mut store = Store::new(base.instance.module().engine(), state);
        if counting {
            store.set_fuel(u64::MAX)?;
        }
        let instance = base.instance.instantiate(&mut store)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .context("the module exports no memory")?;
        let malloc = ["malloc", "proxy_on_memory_allocate"]
            .into_iter()
            .find_map(|name| instance.get_typed_func::<u32, u32>(&mut store, name).ok());
        let Some(malloc) = malloc else {
            bail!("the module exports neither malloc nor proxy_on_memory_allocate")
        };
        let memory_bytes_min = memory.data_size(&store);
        store.data_mut().memory = Some(memory);
        store.data_mut().malloc = Some(malloc);
        let exports = base
            .instance
            .module()
            .exports()
            .filter_map(|export| {
                Some((
                    export.name().to_owned(),
                    instance.get_func(&mut store, export.name())?,
                ))
            })
            .collect();
        let vm = Rc::new(Self {
            uid,
            place,
            world: world.clone(),
            store: RefCell::new(store),
            exports,
            failed: Cell::new(false),
            counting,
            memory_bytes_min,
        });
        world.with(|state| state.vms.insert(uid, Rc::downgrade(&vm)));
        vm.run_start()?;
        Ok(vm)
    }

    fn run_start(&self) -> Result<()> {
        self.with_state(|state| state.starting = true);
        let functions: &[&str] = if self.exports.contains_key("_initialize") {
            &["_initialize", "main"]
        } else {
            &["_start"]
        };
        for name in functions {
            // `main` of a reactor takes argc and argv, `_initialize` and `_start` take nothing.
            let arguments: &[u32] = if *name == "main" { &[0, 0] } else { &[] };
            if self.call(0, name, arguments) == Answer::Failed {
                bail!("{name} failed; the log of the world says why");
            }
        }
        self.with_state(|state| state.starting = false);
        Ok(())
    }

    /// Whether a trap has ended this VM.
    pub(crate) fn failed(&self) -> bool {
        self.failed.get()
    }

    pub(crate) fn with_state<T>(&self, f: impl FnOnce(&mut HostState) -> T) -> T {
        f(self.store.borrow_mut().data_mut())
    }

    /// The size of the guest's memory. It never shrinks.
    pub(crate) fn memory_bytes(&self) -> usize {
        let store = self.store.borrow();
        store
            .data()
            .memory
            .map_or(0, |memory| memory.data_size(&*store))
    }

    /// By how much it has grown since the module was instantiated.
    pub(crate) fn grown_bytes(&self) -> usize {
        self.memory_bytes().saturating_sub(self.memory_bytes_min)
    }

    /// Calls an export in a context. A trap fails the VM; what the guest asked for during the call waits for
    /// [`Self::settle`].
    pub(crate) fn call(&self, context: u32, name: &str, arguments: &[u32]) -> Answer {
        if self.failed() {
            Answer::Failed
        } else {
            self.call_anyway(context, name, arguments)
        }
    }

    /// Calls an export even if the VM has failed: a trap leaves the instance as it is, and Envoy does not always look.
    pub(crate) fn call_anyway(&self, context: u32, name: &str, arguments: &[u32]) -> Answer {
        let Some(function) = self.exports.get(name) else {
            return Answer::Missing;
        };
        let line = self.announce(context, name, arguments);
        let mut store = self.store.borrow_mut();
        let outer = (store.data().current, store.data().effective);
        store.data_mut().current = context;
        store.data_mut().effective = 0;
        let fuel = u64::MAX;
        if self.counting {
            let _ = store.set_fuel(fuel);
        }
        let (parameters, mut results) = self.shape(&store, function, arguments);
        let outcome = function.call(&mut *store, &parameters, &mut results);
        let instructions = self
            .counting
            .then(|| fuel - store.get_fuel().unwrap_or(fuel));
        let state = store.data_mut();
        (state.current, state.effective) = outer;
        let answer = match outcome {
            Ok(()) => Answer::Value(
                results
                    .first()
                    .and_then(Val::i32)
                    .map_or(0, i32::cast_unsigned),
            ),
            Err(trap) => {
                self.failed.set(true);
                let plugin = state.contexts.get(&context).and_then(|c| c.plugin.clone());
                let prefix = plugin.map(|plugin| plugin.log_prefix()).unwrap_or_default();
                let reason = trap.root_cause().to_string();
                self.world.log(
                    LogLevel::Critical,
                    &prefix,
                    &format!("Function: {name} failed: {reason}"),
                );
                Answer::Failed
            }
        };
        drop(store);
        self.conclude(context, name, answer, instructions, line);
        answer
    }

    /// Arguments and results as the export's type wants them: guests of old ABIs take fewer arguments.
    fn shape(
        &self,
        store: &Store<HostState>,
        function: &Func,
        arguments: &[u32],
    ) -> (Vec<Val>, Vec<Val>) {
        let ty = function.ty(store);
        let mut values = arguments
            .iter()
            .map(|argument| Val::I32(argument.cast_signed()));
        let parameters = ty
            .params()
            .map(|_| values.next().unwrap_or(Val::I32(0)))
            .collect();
        (parameters, ty.results().map(|_| Val::I32(0)).collect())
    }

    fn announce(&self, context: u32, name: &str, arguments: &[u32]) -> Option<usize> {
        let name = name.strip_prefix("proxy_")?;
        let label = self.with_state(|state| {
            state
                .contexts
                .get(&context)
                .map(|c| c.label(context))
                .unwrap_or_default()
        });
        let arguments: Vec<_> = arguments.iter().skip(1).map(ToString::to_string).collect();
        Some(self.world.record(
            Kind::Callback,
            format!("{label} [{}] {name}({})", self.place, arguments.join(", ")),
        ))
    }

    fn conclude(
        &self,
        context: u32,
        name: &str,
        answer: Answer,
        instructions: Option<u64>,
        line: Option<usize>,
    ) {
        let Some(line) = line else { return };
        let text = match answer {
            Answer::Value(value) => match name {
                "proxy_on_context_create"
                | "proxy_on_log"
                | "proxy_on_delete"
                | "proxy_on_tick"
                | "proxy_on_queue_ready"
                | "proxy_on_http_call_response" => String::new(),
                "proxy_on_vm_start" | "proxy_on_configure" | "proxy_on_done" => {
                    format!(" -> {}", value != 0)
                }
                _ if value == 0 => " -> Continue".to_owned(),
                _ if value == 1 => " -> Pause".to_owned(),
                _ => format!(" -> {value}"),
            },
            Answer::Failed => " -> trap".to_owned(),
            Answer::Missing => return,
        };
        self.world.amend(line, &text);
        let stream =
            self.with_state(|state| state.contexts.get(&context).and_then(|c| c.stream.clone()));
        if let Some(stream) = stream.and_then(|link| link.stream.upgrade()) {
            let plugin = self
                .with_state(|state| state.contexts.get(&context).and_then(|c| c.plugin.clone()));
            stream.note_callback(plugin.as_deref(), name, answer, instructions);
        }
        if let Some(instructions) = instructions {
            self.world.count(name, instructions);
        }
    }

    /// Does what guests asked for during the last call and what could not be done while their code was on the stack.
    pub(crate) fn settle(self: &Rc<Self>) {
        self.with_state(|state| state.stop_iteration = false);
        while let Some(action) = self.with_state(|state| state.actions.pop_front()) {
            action.run(self);
        }
    }

    /// Calls a callback that answers nothing the host waits for.
    pub(crate) fn notify(self: &Rc<Self>, context: u32, name: &str, arguments: &[u32]) -> Answer {
        let answer = self.call(context, name, arguments);
        self.settle();
        answer
    }
}

/// A VM that may be gone.
pub(crate) type WeakVm = Weak<Vm>;
