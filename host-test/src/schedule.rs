//! The clocks of a world, and what is due when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::callouts::Arrival;
use crate::vm::WeakVm;
use crate::world::{EPOCH_NS, World};

/// What happens at a time.
pub(crate) enum Due {
    Tick { vm: u32, root: u32 },
    QueueReady { vm: u32, root: u32, token: u32 },
    Arrival(Arrival),
}

/// Clocks and events.
pub(crate) struct Schedule {
    /// The wall clock; it may be set and step.
    pub(crate) wall_ns: u64,
    /// The monotonic clock; it shows how long the world has been.
    pub(crate) monotonic_ns: u64,
    /// By time on the monotonic clock and then by order of arrival.
    due: BTreeMap<(u64, u64), Due>,
    last_due: u64,
    /// The periods of timers, by VM and root context.
    timers: BTreeMap<(u32, u32), Duration>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            wall_ns: EPOCH_NS,
            monotonic_ns: 0,
            due: BTreeMap::new(),
            last_due: 0,
            timers: BTreeMap::new(),
        }
    }
}

impl Schedule {
    /// The monotonic clock after some time.
    fn after(&self, time: Duration) -> u64 {
        self.monotonic_ns
            .saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn add(&mut self, after: Duration, due: Due) {
        let at = self.after(after);
        self.last_due += 1;
        self.due.insert((at, self.last_due), due);
    }

    /// Sets the period of a timer, from now on; zero stops it.
    pub(crate) fn set_timer(&mut self, vm: u32, root: u32, period: Duration) {
        self.due.retain(|_, due| !due.is_tick_of(vm, root));
        self.timers.remove(&(vm, root));
        if !period.is_zero() {
            self.timers.insert((vm, root), period);
            self.add(period, Due::Tick { vm, root });
        }
    }

    /// After a tick: the next comes a period later, unless the guest has set the timer anew.
    fn rearm(&mut self, vm: u32, root: u32) {
        let armed = self.due.values().any(|due| due.is_tick_of(vm, root));
        if let (false, Some(period)) = (armed, self.timers.get(&(vm, root)).copied()) {
            self.add(period, Due::Tick { vm, root });
        }
    }

    pub(crate) fn cancel_arrivals(&mut self, mut of: impl FnMut(&Arrival) -> bool) {
        self.due
            .retain(|_, due| !matches!(due, Due::Arrival(arrival) if of(arrival)));
    }

    fn pass_until(&mut self, at: u64) {
        let passed = at.saturating_sub(self.monotonic_ns);
        self.monotonic_ns += passed;
        self.wall_ns = self.wall_ns.saturating_add(passed);
    }

    /// Takes what is due first if it is due by then; the clocks show its time.
    fn next(&mut self, until: u64) -> Option<Due> {
        let (at, order) = *self.due.keys().next()?;
        if at > until {
            return None;
        }
        self.pass_until(at);
        self.due.remove(&(at, order))
    }

    /// Whether anything but timers is to come.
    fn waits(&self) -> bool {
        self.due
            .values()
            .any(|due| !matches!(due, Due::Tick { .. }))
    }
}

impl Due {
    fn is_tick_of(&self, vm: u32, root: u32) -> bool {
        matches!(self, Self::Tick { vm: v, root: r } if (*v, *r) == (vm, root))
    }

    fn happen(self, world: &World) {
        let running = |uid| world.with(|state| state.vms.get(&uid).and_then(WeakVm::upgrade));
        match self {
            Self::Tick { vm: uid, root } => {
                let Some(vm) = running(uid).filter(|vm| !vm.failed()) else {
                    return;
                };
                vm.notify(root, "proxy_on_tick", &[root]);
                world.with(|state| state.schedule.rearm(uid, root));
            }
            Self::QueueReady { vm, root, token } => {
                if let Some(vm) = running(vm) {
                    vm.notify(root, "proxy_on_queue_ready", &[root, token]);
                }
            }
            Self::Arrival(arrival) => arrival.deliver(world),
        }
    }
}

impl World {
    /// Lets time pass: timers, callouts and queues that become due run in order, each at its time.
    pub fn advance(&self, by: Duration) -> &Self {
        let target = self.with(|state| state.schedule.after(by));
        while self.run_next(target) {}
        self.with(|state| state.schedule.pass_until(target));
        self
    }

    /// Runs what is due now, and nothing later.
    pub fn settle(&self) -> &Self {
        self.advance(Duration::ZERO)
    }

    /// Lets time pass until no callout is on its way, but at most for so long. Timers run meanwhile.
    pub fn run_until_idle(&self, at_most: Duration) -> &Self {
        let limit = self.with(|state| state.schedule.after(at_most));
        while self.with(|state| state.schedule.waits()) && self.run_next(limit) {}
        self
    }

    fn run_next(&self, until: u64) -> bool {
        let due = self.with(|state| state.schedule.next(until));
        let some = due.is_some();
        if let Some(due) = due {
            due.happen(self);
        }
        some
    }

    /// Nothing more comes to a root context that is gone: no tick, no answer of a callout.
    pub(crate) fn cancel_all_of(&self, vm: u32, root: u32) {
        self.with(|state| {
            state.schedule.set_timer(vm, root, Duration::ZERO);
            state.schedule.cancel_arrivals(|arrival| {
                arrival.root == root && arrival.vm.upgrade().is_some_and(|of| of.uid == vm)
            });
        });
    }
}
