//! The clocks.

use super::call::{Answer, Call, Fault};
use super::wasi::{EFAULT, ENOTSUP};

pub(super) fn current_time(call: &mut Call<'_>, time_at: u32) -> Answer {
    let now = call.world().time();
    call.write_u64(time_at, now)
}

/// `clock_time_get`: 0 is the wall clock, 1 the monotonic one; there is no other.
pub(super) fn clock_time_get(
    call: &mut Call<'_>,
    clock: u32,
    _precision: u64,
    time_at: u32,
) -> Answer {
    let now = call.world().with(|state| match clock {
        0 => Some(state.schedule.wall_ns),
        1 => Some(state.schedule.monotonic_ns),
        _ => None,
    });
    let now = now.ok_or(Fault::Errno(ENOTSUP))?;
    call.try_write(time_at, &now.to_le_bytes())
        .ok_or(Fault::Errno(EFAULT))
}
