//! Logging, and the few functions about contexts.

use super::call::{Answer, Call};
use crate::status::{LogLevel, Status};
use crate::stream::Action;

pub(super) fn log(call: &mut Call<'_>, level: u32, message: u32, size: u32) -> Answer {
    let level = LogLevel::from_code(level).ok_or(Status::BadArgument)?;
    let message = call.bytes(message, size)?;
    call.state().log(level, &message);
    Ok(())
}

pub(super) fn log_level(call: &mut Call<'_>, level_at: u32) -> Answer {
    let level = call.world().with(|state| state.log_level);
    call.write_u32(level_at, level as u32)
}

pub(super) fn set_effective_context(call: &mut Call<'_>, context: u32) -> Answer {
    call.say(|| context.to_string());
    if !call.state().contexts.contains_key(&context) {
        return Err(Status::BadArgument.into());
    }
    call.state_mut().effective = context;
    Ok(())
}

/// Ends a root context whose `on_done` answered false.
pub(super) fn done(call: &mut Call<'_>) -> Answer {
    let context = call.state().acting();
    let pending = &mut call.state_mut().pending_done;
    let place = pending
        .iter()
        .position(|id| *id == context)
        .ok_or(Status::NotFound)?;
    pending.remove(place);
    call.defer(Action::Done(context));
    Ok(())
}

/// The status of the callout whose callback runs.
pub(super) fn status(call: &mut Call<'_>, code_at: u32, message_at: u32, size_at: u32) -> Answer {
    let (code, message) = call.root()?.status.clone();
    call.write_u32(code_at, code)?;
    call.give(&message, message_at, size_at)
}
