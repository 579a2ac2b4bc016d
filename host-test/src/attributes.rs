//! The attributes that `proxy_get_property` reads on a stream (Envoy documentation, "Attributes"), serialized as Envoy
//! does it. What comes from headers can be read only while the filter can read those headers.

use crate::headers::HeaderMap;
use crate::info::Property;
use crate::pairs;
use crate::status::Status;
use crate::stream::{Direction, StreamState};

/// The gRPC status of a response that names none, by its HTTP status (Envoy's `httpToGrpcStatus`).
pub(crate) fn grpc_status_of_http(status: u32) -> u32 {
    const UNKNOWN: u32 = 2;
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => UNKNOWN,
    }
}

impl Property {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Status> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Int(number) => number.to_le_bytes().to_vec(),
            Self::Uint(number) => number.to_le_bytes().to_vec(),
            Self::Double(number) => number.to_le_bytes().to_vec(),
            Self::Bool(flag) => vec![u8::from(*flag)],
            Self::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Ok((key.as_bytes(), value.encode()?)))
                    .collect::<Result<Vec<_>, Status>>()?;
                pairs::encode(entries.iter().map(|(key, value)| (*key, value.as_slice())))
            }
            Self::Group => return Err(Status::SerializationFailure),
        })
    }

    fn text(text: impl Into<String>) -> Self {
        Self::Bytes(text.into().into_bytes())
    }

    fn size(size: usize) -> Self {
        Self::Int(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

/// The value at a path.
///
/// # Errors
/// `NotFound`, or `SerializationFailure` for a group of attributes as a whole.
pub(crate) fn of_stream(
    state: &mut StreamState,
    filter: usize,
    path: &[String],
) -> Result<Vec<u8>, Status> {
    if let Some(property) = state.info.properties.get(path) {
        return property.encode();
    }
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let found = match path.as_slice() {
        ["request"]
        | ["response"]
        | ["connection"]
        | ["source"]
        | ["destination"]
        | ["upstream"] => Some(Property::Group),
        ["request", rest @ ..] => request(state, filter, rest),
        ["response", rest @ ..] => response(state, filter, rest),
        ["filter_state", name] => state.filter_state.get(*name).cloned().map(Property::Bytes),
        [name] => {
            let own = state.filter_state.get(&format!("wasm.{name}"));
            own.cloned()
                .map(Property::Bytes)
                .or_else(|| connection(state, &path))
        }
        _ => connection(state, &path),
    };
    found.ok_or(Status::NotFound)?.encode()
}

fn connection(state: &StreamState, path: &[&str]) -> Option<Property> {
    let info = &state.info;
    match path {
        ["source", "address"] => Some(Property::text(&info.source_address)),
        ["source", "port"] => port(&info.source_address),
        ["destination", "address"] => Some(Property::text(&info.destination_address)),
        ["destination", "port"] => port(&info.destination_address),
        ["connection", "id"] | ["connection_id"] => Some(Property::Uint(info.connection_id)),
        ["connection", "mtls"] => Some(Property::Bool(false)),
        ["connection", "requested_server_name"] => Some(Property::text("")),
        ["xds", "cluster_name"] => Some(Property::text(&info.cluster_name)),
        ["xds", "route_name"] => Some(Property::text(&info.route_name)),
        ["xds", "listener_direction"] => Some(Property::Int(info.listener_direction)),
        ["xds", "node", "id" | "cluster"] => Some(Property::text("")),
        _ => None,
    }
}

fn port(address: &str) -> Option<Property> {
    address.rsplit_once(':')?.1.parse().ok().map(Property::Int)
}

/// The headers of a message as far as the filter can read them now.
fn headers(state: &mut StreamState, filter: usize, direction: Direction) -> Option<&HeaderMap> {
    let filter = state.filters.get_mut(filter)?;
    let shown = filter.logging || filter.view(direction).headers;
    let headers = state.half(direction).headers.as_ref();
    if shown { headers } else { None }
}

fn request(state: &mut StreamState, filter: usize, path: &[&str]) -> Option<Property> {
    let size = usize::try_from(state.request.received_bytes).unwrap_or(usize::MAX);
    match path {
        ["protocol"] => return Some(Property::text(&state.info.protocol)),
        ["time"] => return i64::try_from(state.info.time_ns).ok().map(Property::Int),
        ["size"] => return Some(Property::size(size)),
        ["duration"] => {
            let took = state.ended_ns?.saturating_sub(state.info.began_ns);
            return i64::try_from(took).ok().map(Property::Int);
        }
        _ => {}
    }
    let headers = headers(state, filter, Direction::Request);
    if path == ["total_size"] {
        return Some(Property::size(
            size + headers.map_or(0, HeaderMap::byte_size),
        ));
    }
    let headers = headers?;
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| Property::Bytes(value.to_vec()))
    };
    let target = headers.text(":path").unwrap_or_default();
    let (url_path, query) = target.split_once('?').unwrap_or((&target, ""));
    match path {
        ["path"] => header(":path"),
        ["url_path"] => Some(Property::text(url_path)),
        ["query"] => Some(Property::text(query)),
        ["host"] => header(":authority"),
        ["scheme"] => header(":scheme"),
        ["method"] => header(":method"),
        ["referer"] => header("referer"),
        ["useragent"] => header("user-agent"),
        ["id"] => header("x-request-id"),
        ["headers"] => Some(map(headers)),
        ["headers", name] => joined(headers, name),
        _ => None,
    }
}

fn response(state: &mut StreamState, filter: usize, path: &[&str]) -> Option<Property> {
    let size = state.client.body().len();
    let code = state.response_code();
    let trailers_shown = state
        .filters
        .get_mut(filter)
        .is_some_and(|f| f.logging || f.view(Direction::Response).trailers);
    let trailers = state.response.trailers.clone().filter(|_| trailers_shown);
    match path {
        ["code"] => code.map(|code| Property::Int(code.into())),
        ["code_details"] => state.details.clone().map(Property::text),
        ["flags"] if state.flags_are_clear() => Some(Property::Int(0)),
        ["size"] => Some(Property::size(size)),
        ["trailers"] => trailers.as_ref().map(map),
        ["trailers", name] => joined(trailers.as_ref()?, name),
        _ => {
            let headers = headers(state, filter, Direction::Response);
            match path {
                ["headers"] => headers.map(map),
                ["headers", name] => joined(headers?, name),
                ["total_size"] => {
                    let of = |map: Option<&HeaderMap>| map.map_or(0, HeaderMap::byte_size);
                    Some(Property::size(size + of(headers) + of(trailers.as_ref())))
                }
                ["grpc_status"] => {
                    let named = [trailers.as_ref(), headers];
                    let named = named
                        .iter()
                        .flatten()
                        .find_map(|map| map.text("grpc-status"));
                    let status = match named {
                        Some(status) => status.parse().ok()?,
                        None => grpc_status_of_http(code?),
                    };
                    Some(Property::Int(status.into()))
                }
                _ => None,
            }
        }
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
