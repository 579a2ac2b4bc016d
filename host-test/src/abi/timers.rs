//! The timer: one for each root context of a VM.

use std::time::Duration;

use super::call::{Answer, Call};

/// Sets the period of `on_tick`; 0 stops it.
pub(super) fn set_tick_period(call: &mut Call<'_>, period_ms: u32) -> Answer {
    call.say(|| format!("{period_ms} ms"));
    let (vm, root) = (call.state().uid, call.state().acting_root());
    call.world().with(|state| {
        state
            .schedule
            .set_timer(vm, root, Duration::from_millis(period_ms.into()))
    });
    Ok(())
}
