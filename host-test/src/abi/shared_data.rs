//! Shared data.

use super::call::{Answer, Call};
use crate::status::Status;
use crate::transcript::show;

pub(super) fn get(
    call: &mut Call<'_>,
    key: u32,
    key_size: u32,
    value_at: u32,
    size_at: u32,
    cas_at: u32,
) -> Answer {
    let key = call.bytes(key, key_size)?;
    call.say(|| show(&key));
    let vm_id = call.state().vm_id.clone();
    let found = call.world().with(|state| {
        state
            .shared
            .get(&vm_id, &key)
            .map(|(value, cas)| (value.to_vec(), cas))
    });
    let (value, cas) = found.ok_or(Status::NotFound)?;
    call.give(&value, value_at, size_at)?;
    call.write_u32(cas_at, cas)
}

pub(super) fn set(
    call: &mut Call<'_>,
    key: u32,
    key_size: u32,
    value: u32,
    size: u32,
    cas: u32,
) -> Answer {
    let key = call.bytes(key, key_size)?;
    let value = call.bytes(value, size)?;
    call.say(|| format!("{} = {} (cas {cas})", show(&key), show(&value)));
    let vm_id = call.state().vm_id.clone();
    call.world().with(|state| {
        if cas != 0 {
            if let Some(interfere) = &mut state.faults.before_cas {
                interfere(&mut state.shared, &vm_id, &key);
            }
            if state.faults.cas_mismatches > 0 {
                state.faults.cas_mismatches -= 1;
                return Err(Status::CasMismatch);
            }
            if state.faults.cas_mismatch_permille > 0
                && state.random.chance(state.faults.cas_mismatch_permille)
            {
                return Err(Status::CasMismatch);
            }
        }
        state.shared.set(&vm_id, &key, &value, cas)
    })?;
    Ok(())
}
