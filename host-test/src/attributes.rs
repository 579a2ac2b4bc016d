//! The attributes that `proxy_get_property` reads on a stream (Envoy documentation, "Attributes"), serialized as Envoy
//! does it.

use crate::exchange::Property;
use crate::headers::HeaderMap;
use crate::pairs;
use crate::stream::{Direction, StreamState};

impl Property {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Int(number) => number.to_le_bytes().to_vec(),
            Self::Uint(number) => number.to_le_bytes().to_vec(),
            Self::Double(number) => number.to_le_bytes().to_vec(),
            Self::Bool(flag) => vec![u8::from(*flag)],
            Self::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| (key.as_bytes(), value.encode()))
                    .collect();
                pairs::encode(entries.iter().map(|(key, value)| (*key, value.as_slice())))
            }
        }
    }

    fn text(text: impl Into<String>) -> Self {
        Self::Bytes(text.into().into_bytes())
    }
}

/// The value at a path, or nothing.
pub(crate) fn of_stream(
    state: &mut StreamState,
    filter: usize,
    path: &[String],
) -> Option<Vec<u8>> {
    if let Some(property) = state.info.properties.get(path) {
        return Some(property.encode());
    }
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(property) = known(state, filter, &path) {
        return Some(property.encode());
    }
    match path.as_slice() {
        ["filter_state", name] => state.filter_state.get(*name).cloned(),
        parts => state
            .filter_state
            .get(&format!("wasm.{}", parts.join("\0")))
            .cloned(),
    }
}

fn known(state: &mut StreamState, filter: usize, path: &[&str]) -> Option<Property> {
    let info = &state.info;
    match path {
        ["request", rest @ ..] => request(state, rest),
        ["response", rest @ ..] => response(state, filter, rest),
        ["source", "address"] => Some(Property::text(&info.source_address)),
        ["source", "port"] => port(&info.source_address),
        ["destination", "address"] => Some(Property::text(&info.destination_address)),
        ["destination", "port"] => port(&info.destination_address),
        ["connection", "id"] | ["connection_id"] => Some(Property::Uint(info.connection_id)),
        ["connection", "mtls"] => Some(Property::Bool(false)),
        ["xds", "cluster_name"] | ["cluster_name"] => Some(Property::text(&info.cluster_name)),
        ["xds", "route_name"] | ["route_name"] => Some(Property::text(&info.route_name)),
        ["xds", "listener_direction"] | ["listener_direction"] => {
            Some(Property::Int(info.listener_direction))
        }
        _ => None,
    }
}

fn port(address: &str) -> Option<Property> {
    address.rsplit_once(':')?.1.parse().ok().map(Property::Int)
}

fn request(state: &mut StreamState, path: &[&str]) -> Option<Property> {
    let size = state.request.received_bytes;
    let (time, protocol) = (state.info.time_ns, state.info.protocol.clone());
    let headers = state.request.headers.as_ref()?;
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| Property::Bytes(value.to_vec()))
    };
    let path_part = |f: fn(&str, Option<&str>) -> String| {
        let path = headers.text(":path")?;
        let (before, query) = path
            .split_once('?')
            .map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
        Some(Property::text(f(before, query)))
    };
    match path {
        ["path"] => header(":path"),
        ["url_path"] => path_part(|path, _| path.to_owned()),
        ["query"] => path_part(|_, query| query.unwrap_or_default().to_owned()),
        ["host"] => header(":authority"),
        ["scheme"] => header(":scheme"),
        ["method"] => header(":method"),
        ["referer"] => header("referer"),
        ["useragent"] => header("user-agent"),
        ["id"] => header("x-request-id"),
        ["headers"] => Some(map(headers)),
        ["headers", name] => joined(headers, name),
        ["protocol"] => Some(Property::text(protocol)),
        ["time"] => i64::try_from(time).ok().map(Property::Int),
        ["size"] => i64::try_from(size).ok().map(Property::Int),
        ["total_size"] => i64::try_from(size)
            .ok()?
            .checked_add(i64::try_from(headers.byte_size()).ok()?)
            .map(Property::Int),
        _ => None,
    }
}

fn response(state: &mut StreamState, filter: usize, path: &[&str]) -> Option<Property> {
    let details = state.details.clone();
    let size = state.response.received_bytes;
    let code = state.client.status();
    let trailers_at_hand = state
        .filters
        .get_mut(filter)
        .is_some_and(|f| f.logging || f.view(Direction::Response).trailers);
    let headers = state.response.headers.as_ref();
    match path {
        ["code"] => code
            .or_else(|| headers?.text(":status")?.parse().ok())
            .map(|code: u16| Property::Int(code.into())),
        ["code_details"] => details.map(Property::text),
        ["headers"] => headers.map(map),
        ["headers", name] => joined(headers?, name),
        ["trailers"] if trailers_at_hand => state.response.trailers.as_ref().map(map),
        ["trailers", name] if trailers_at_hand => joined(state.response.trailers.as_ref()?, name),
        ["size"] => i64::try_from(size).ok().map(Property::Int),
        ["grpc_status"] => {
            let trailers = state
                .response
                .trailers
                .as_ref()
                .and_then(|trailers| trailers.text("grpc-status"));
            trailers
                .or_else(|| headers?.text("grpc-status"))?
                .parse()
                .ok()
                .map(Property::Int)
        }
        _ => None,
    }
}

/// All values under a name, joined as Envoy joins them.
fn joined(headers: &HeaderMap, name: &str) -> Option<Property> {
    let values = headers.get_all(name);
    (!values.is_empty()).then(|| Property::Bytes(values.join(&b","[..])))
}

fn map(headers: &HeaderMap) -> Property {
    let entries = headers.iter().map(|(name, value)| {
        (
            String::from_utf8_lossy(name).into_owned(),
            Property::Bytes(value.to_vec()),
        )
    });
    Property::Map(entries.collect())
}
