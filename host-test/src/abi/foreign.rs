//! Foreign functions: those of Envoy that have an effect which a test can see.

use super::call::{Answer, Call};
use crate::status::Status;
use crate::transcript::show;

pub(super) fn call(
    call: &mut Call<'_>,
    name: u32,
    name_size: u32,
    argument: u32,
    argument_size: u32,
    result_at: u32,
    size_at: u32,
) -> Answer {
    let name = call.bytes(name, name_size)?;
    let argument = call.bytes(argument, argument_size)?;
    call.say(|| format!("{} {}", show(&name), show(&argument)));
    match name.as_slice() {
        b"clear_route_cache" => clear_route_cache(call)?,
        b"set_envoy_filter_state" => set_envoy_filter_state(call, &argument)?,
        // Envoy has these as well; a test that needs one has to be extended here.
        b"compress" | b"declare_property" | b"expr_create" | b"expr_delete" | b"expr_evaluate"
        | b"sign" | b"uncompress" | b"verify_signature" => {
            let name = String::from_utf8_lossy(&name).into_owned();
            call.world().misuse(format!(
                "the foreign function {name} is not offered by this host"
            ));
            return Err(Status::Unimplemented.into());
        }
        _ => return Err(Status::NotFound.into()),
    }
    if result_at != 0 {
        call.write_u32(result_at, 0)?;
    }
    if size_at != 0 {
        call.write_u32(size_at, 0)?;
    }
    Ok(())
}

/// The objects that Envoy 1.40 lets a guest make, as far as they are known here.
const FILTER_STATE_OBJECTS: [&str; 17] = [
    "envoy.filters.listener.original_dst.local_ip",
    "envoy.filters.listener.original_dst.remote_ip",
    "envoy.hashable_string",
    "envoy.load_balancing_policies.override_host",
    "envoy.network.application_protocols",
    "envoy.network.ip",
    "envoy.network.transport_socket.original_dst_address",
    "envoy.network.upstream_server_name",
    "envoy.network.upstream_subject_alt_names",
    HITS_ADDEND,
    "envoy.string",
    "envoy.tcp_proxy.cluster",
    "envoy.tcp_proxy.disable_tunneling",
    "envoy.tcp_proxy.per_connection_idle_timeout_ms",
    "envoy.upstream.dynamic_host",
    "envoy.upstream.dynamic_port",
    "envoy.tcp_proxy.receive_before_connect",
];

/// The one object whose value is checked here: it must be a number.
const HITS_ADDEND: &str = "envoy.ratelimit.hits_addend";

/// `SetEnvoyFilterStateArguments`: 1 the path, 2 the value, 3 the span, which makes no difference here.
fn set_envoy_filter_state(call: &mut Call<'_>, argument: &[u8]) -> Answer {
    let fields = text_fields(argument).ok_or(Status::BadArgument)?;
    let field = |number| {
        fields
            .iter()
            .rev()
            .find(|(n, _)| *n == number)
            .map(|(_, text)| *text)
            .unwrap_or_default()
    };
    let path = String::from_utf8_lossy(field(1)).into_owned();
    let value = field(2).to_vec();
    if !FILTER_STATE_OBJECTS.contains(&path.as_str()) {
        return Err(Status::NotFound.into());
    }
    let number = std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    if path == HITS_ADDEND && number.is_none() {
        return Err(Status::BadArgument.into());
    }
    let (stream, _) = call.stream().ok_or(Status::NotFound)?;
    stream.with(|state| state.filter_state.insert(path, value));
    Ok(())
}

/// The length-delimited fields of a protobuf message; numbers are skipped.
fn text_fields(mut bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        match tag & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            2 => {
                let size = usize::try_from(varint(&mut bytes)?).ok()?;
                let (text, rest) = bytes.split_at_checked(size)?;
                bytes = rest;
                fields.push((tag >> 3, text));
            }
            _ => return None,
        }
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

pub(super) fn clear_route_cache(call: &mut Call<'_>) -> Answer {
    if let Some((stream, _)) = call.stream() {
        stream.with(|state| state.route_cache_cleared += 1);
    }
    Ok(())
}
