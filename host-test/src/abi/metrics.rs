//! Metrics.

use super::call::{Answer, Call, Fault};
use crate::metrics::MetricKind;
use crate::status::Status;

pub(super) fn define(
    call: &mut Call<'_>,
    kind: u32,
    name: u32,
    name_size: u32,
    id_at: u32,
) -> Answer {
    let name = call.bytes(name, name_size)?;
    let kind = MetricKind::from_code(kind).ok_or(Status::BadArgument)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    call.say(|| format!("{kind:?} {name}"));
    call.world().with(|state| state.metrics.define(kind, &name));
    let id = call.state_mut().next_metric(kind, &name);
    call.write_u32(id_at, id)
}

fn find(call: &Call<'_>, id: u32) -> Result<(MetricKind, String), Fault> {
    call.state()
        .metrics
        .get(&id)
        .cloned()
        .ok_or(Fault::Status(Status::NotFound))
}

pub(super) fn increment(call: &mut Call<'_>, id: u32, offset: i64) -> Answer {
    let (kind, name) = find(call, id)?;
    call.say(|| format!("{name} by {offset}"));
    Ok(call
        .world()
        .with(|state| state.metrics.increment(kind, &name, offset))?)
}

pub(super) fn record(call: &mut Call<'_>, id: u32, value: u64) -> Answer {
    let (kind, name) = find(call, id)?;
    call.say(|| format!("{name} = {value}"));
    call.world()
        .with(|state| state.metrics.record(kind, &name, value));
    Ok(())
}

pub(super) fn read(call: &mut Call<'_>, id: u32, value_at: u32) -> Answer {
    let (kind, name) = find(call, id)?;
    let value = call.world().with(|state| state.metrics.read(kind, &name))?;
    call.write_u64(value_at, value)
}
