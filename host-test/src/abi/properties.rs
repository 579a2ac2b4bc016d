//! Properties: Envoy's attributes, and filter state under `wasm.`.

use super::call::{Answer, Call};
use crate::attributes;
use crate::status::Status;
use crate::transcript::show;

/// The prefix that Envoy puts before what guests write (`CelStateKeyPrefix`).
const PREFIX: &str = "wasm.";

pub(super) fn get(
    call: &mut Call<'_>,
    path: u32,
    path_size: u32,
    value_at: u32,
    size_at: u32,
) -> Answer {
    let path = call.bytes(path, path_size)?;
    let path = parts(&path);
    call.say(|| path.join("."));
    let value = match call.stream() {
        Some((stream, link)) => {
            stream.with(|state| attributes::of_stream(state, link.filter, &path))
        }
        None => Err(Status::NotFound),
    };
    let value = value.or_else(|status| of_plugin(call, &path).ok_or(status))?;
    call.give(&value, value_at, size_at)
}

fn of_plugin(call: &Call<'_>, path: &[String]) -> Option<Vec<u8>> {
    let plugin = call.state().plugin()?;
    let [name] = path else { return None };
    match name.as_str() {
        "plugin_name" => Some(plugin.name.clone().into_bytes()),
        "plugin_root_id" => Some(plugin.root_id.clone().into_bytes()),
        "plugin_vm_id" => Some(plugin.vm_id.clone().into_bytes()),
        _ => None,
    }
}

/// Writes filter state. Only streams have it.
pub(super) fn set(call: &mut Call<'_>, path: u32, path_size: u32, value: u32, size: u32) -> Answer {
    let path = call.bytes(path, path_size)?;
    let value = call.bytes(value, size)?;
    let name = parts(&path).join(".");
    call.say(|| format!("{name} = {}", show(&value)));
    let (stream, _) = call.stream().ok_or(Status::NotFound)?;
    // Envoy keeps the path as it is, separators included.
    let key = format!("{PREFIX}{}", String::from_utf8_lossy(&path));
    stream.with(|state| state.filter_state.insert(key, value));
    Ok(())
}

/// The parts of a path: separated by NUL, a last NUL closes the last part.
fn parts(path: &[u8]) -> Vec<String> {
    let path = path.strip_suffix(&[0]).unwrap_or(path);
    path.split(|byte| *byte == 0)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect()
}
