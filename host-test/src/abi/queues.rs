//! Shared queues.

use std::time::Duration;

use super::call::{Answer, Call};
use crate::schedule::Due;
use crate::transcript::show;

pub(super) fn register(call: &mut Call<'_>, name: u32, name_size: u32, token_at: u32) -> Answer {
    let name = call.bytes(name, name_size)?;
    call.say(|| show(&name));
    let owner = (call.state().uid, call.state().acting_root());
    let vm_id = call.state().vm_id.clone();
    let token = call
        .world()
        .with(|state| state.queues.register(&vm_id, &name, owner));
    call.write_u32(token_at, token)
}

/// Finds a queue; an empty VM id stands for the guest's own.
pub(super) fn resolve(
    call: &mut Call<'_>,
    vm_id: u32,
    vm_id_size: u32,
    name: u32,
    name_size: u32,
    token_at: u32,
) -> Answer {
    let vm_id = call.bytes(vm_id, vm_id_size)?;
    let name = call.bytes(name, name_size)?;
    let vm_id = if vm_id.is_empty() {
        call.state().vm_id.clone()
    } else {
        String::from_utf8_lossy(&vm_id).into_owned()
    };
    call.say(|| format!("{vm_id:?} {}", show(&name)));
    let token = call
        .world()
        .with(|state| state.queues.resolve(&vm_id, &name))?;
    call.write_u32(token_at, token)
}

pub(super) fn enqueue(call: &mut Call<'_>, token: u32, item: u32, size: u32) -> Answer {
    let item = call.bytes(item, size)?;
    call.say(|| format!("{token} {}", show(&item)));
    call.world().with(|state| {
        let owner = state.queues.enqueue(token, &item)?;
        let (vm, root) = owner;
        state
            .schedule
            .add(Duration::ZERO, Due::QueueReady { vm, root, token });
        Ok::<_, crate::Status>(())
    })?;
    Ok(())
}

pub(super) fn dequeue(call: &mut Call<'_>, token: u32, item_at: u32, size_at: u32) -> Answer {
    call.say(|| token.to_string());
    let item = call.world().with(|state| state.queues.dequeue(token))?;
    call.give(&item, item_at, size_at)
}
