//! One call of a host function: the guest's memory, always checked, and what the call does to the transcript.

use std::time::Duration;

use wasmtime::Caller;

use crate::callouts::{Arrival, Arrived};
use crate::context::{Context, StreamLink};
use crate::host_state::HostState;
use crate::schedule::Due;
use crate::status::Status;
use crate::stream::Action;
use crate::transcript::Kind;
use crate::world::World;

/// Why a call does not succeed.
pub(super) enum Fault {
    /// The guest gets this status.
    Status(Status),
    /// The guest gets this WASI error number.
    Errno(u32),
    /// The guest trapped in its own allocator, or called what it must not call now.
    Trap(wasmtime::Error),
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// What handlers answer.
pub(super) type Answer = Result<(), Fault>;

/// A call in progress.
pub(super) struct Call<'a> {
    caller: Caller<'a, HostState>,
    said: Option<String>,
}

impl<'a> Call<'a> {
    /// Runs a handler and answers the guest.
    pub(super) fn run(
        caller: Caller<'a, HostState>,
        name: &'static str,
        while_starting: bool,
        kind: Kind,
        handler: impl FnOnce(&mut Self) -> Answer,
    ) -> wasmtime::Result<u32> {
        if caller.data().starting && !while_starting {
            // What the C++ host answers to calls that it does not allow yet.
            return Err(wasmtime::Error::msg(format!(
                "restricted_callback: {name} before the module has started"
            )));
        }
        let mut call = Self { caller, said: None };
        let refused = call
            .world()
            .with(|state| state.faults.refused.contains(name));
        let answer = if refused {
            Err(Status::InternalFailure.into())
        } else {
            handler(&mut call)
        };
        let (code, text) = match answer {
            Ok(()) => (0, String::new()),
            Err(Fault::Status(status)) => (status.code(), format!(" -> {status}")),
            Err(Fault::Errno(errno)) => (errno, format!(" -> errno {errno}")),
            Err(Fault::Trap(error)) => return Err(error),
        };
        let said = call.said.take().unwrap_or_default();
        call.world().with(|state| {
            state.count_call(name);
            let name = name.trim_start_matches("proxy_");
            let space = if said.is_empty() { "" } else { " " };
            state.note(kind, || format!("{name}{space}{said}{text}"));
        });
        Ok(code)
    }

    /// What the transcript says beside the function's name.
    pub(super) fn say(&mut self, text: impl FnOnce() -> String) {
        self.said = Some(text());
    }

    pub(super) fn state(&self) -> &HostState {
        self.caller.data()
    }

    pub(super) fn state_mut(&mut self) -> &mut HostState {
        self.caller.data_mut()
    }

    pub(super) fn world(&self) -> World {
        self.state().world.clone()
    }

    /// The context that the call acts on.
    pub(super) fn context(&self) -> Result<&Context, Fault> {
        let state = self.state();
        state
            .contexts
            .get(&state.acting())
            .ok_or(Fault::Status(Status::InternalFailure))
    }

    /// The root context of the context that the call acts on.
    pub(super) fn root(&self) -> Result<&Context, Fault> {
        let state = self.state();
        state
            .contexts
            .get(&state.acting_root())
            .ok_or(Fault::Status(Status::InternalFailure))
    }

    /// The stream that the call acts on, if it acts on one.
    pub(super) fn stream(&self) -> Option<(std::rc::Rc<crate::stream::Stream>, StreamLink)> {
        let link = self.context().ok()?.stream.clone()?;
        Some((link.stream.upgrade()?, link))
    }

    pub(super) fn defer(&mut self, action: Action) {
        self.state_mut().actions.push_back(action);
    }

    /// Reads the guest's memory.
    pub(super) fn bytes(&self, address: u32, size: u32) -> Result<Vec<u8>, Fault> {
        self.slice(address, size)
            .map(<[u8]>::to_vec)
            .ok_or(Fault::Status(Status::InvalidMemoryAccess))
    }

    pub(super) fn slice(&self, address: u32, size: u32) -> Option<&[u8]> {
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.state().memory?.data(&self.caller).get(start..end)
    }

    /// Lets what answers a call arrive, each part so much later.
    pub(super) fn let_arrive(
        &self,
        token: u32,
        parts: impl IntoIterator<Item = (Duration, Arrived)>,
    ) {
        let (uid, root) = (self.state().uid, self.state().acting_root());
        self.world().with(|state| {
            let vm = state.vms.get(&uid).cloned().unwrap_or_default();
            for (after, what) in parts {
                let arrival = Arrival {
                    vm: vm.clone(),
                    root,
                    token,
                    what,
                };
                state.schedule.add(after, Due::Arrival(arrival));
            }
        });
    }

    /// Writes into the guest's memory.
    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> Answer {
        self.try_write(address, bytes)
            .ok_or(Fault::Status(Status::InvalidMemoryAccess))
    }

    pub(super) fn try_write(&mut self, address: u32, bytes: &[u8]) -> Option<()> {
        let memory = self.state().memory?;
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(bytes.len())?;
        memory
            .data_mut(&mut self.caller)
            .get_mut(start..end)?
            .copy_from_slice(bytes);
        Some(())
    }

    pub(super) fn write_u32(&mut self, address: u32, value: u32) -> Answer {
        self.write(address, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, address: u32, value: u64) -> Answer {
        self.write(address, &value.to_le_bytes())
    }

    /// Hands bytes to the guest: memory from its allocator, address and size written where it wants them. Nothing is
    /// allocated for no bytes; the address is 0 then.
    pub(super) fn give(&mut self, bytes: &[u8], address_at: u32, size_at: u32) -> Answer {
        let size = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let mut address = 0;
        if size > 0 {
            address = self.allocate(size)?;
            self.write(address, bytes)?;
        }
        self.write_u32(address_at, address)?;
        self.write_u32(size_at, size)
    }

    fn allocate(&mut self, size: u32) -> Result<u32, Fault> {
        let malloc = self.state().malloc.clone().ok_or(Status::InternalFailure)?;
        let address = malloc.call(&mut self.caller, size).map_err(Fault::Trap)?;
        if address == 0 {
            Err(Status::InvalidMemoryAccess.into())
        } else {
            Ok(address)
        }
    }
}
