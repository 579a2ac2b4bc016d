//! Metrics.

use super::call::{Answer, Call, Fault};
use crate::metrics::MetricKind;
use crate::status::Status;

/// The lowest bits of an id say what kind of metric it is.
const KIND_MASK: u32 = 3;

/// The kinds that have one number as their value.
const NUMBERS: [MetricKind; 2] = [MetricKind::Counter, MetricKind::Gauge];

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

/// Finds a counter or a gauge. Ids of other kinds are refused before it matters whether they exist.
fn find_number(call: &Call<'_>, id: u32) -> Result<(MetricKind, String), Fault> {
    if !NUMBERS.iter().any(|kind| *kind as u32 == id & KIND_MASK) {
        return Err(Status::BadArgument.into());
    }
    find(call, id)
}

/// Counters only go up.
pub(super) fn increment(call: &mut Call<'_>, id: u32, offset: i64) -> Answer {
    let (kind, name) = find_number(call, id)?;
    call.say(|| format!("{name} by {offset}"));
    if kind == MetricKind::Counter && offset <= 0 {
        return Err(Status::BadArgument.into());
    }
    call.world()
        .with(|state| state.metrics.increment(kind, &name, offset));
    Ok(())
}

pub(super) fn record(call: &mut Call<'_>, id: u32, value: u64) -> Answer {
    let (kind, name) = find(call, id)?;
    call.say(|| format!("{name} = {value}"));
    call.world()
        .with(|state| state.metrics.record(kind, &name, value));
    Ok(())
}

pub(super) fn read(call: &mut Call<'_>, id: u32, value_at: u32) -> Answer {
    let (kind, name) = find_number(call, id)?;
    let value = call.world().with(|state| state.metrics.value(kind, &name));
    call.write_u64(value_at, value)
}
