//! Header maps: what can be read and written when.

use super::call::{Answer, Call, Fault};
use crate::headers::{HeaderMap, MapKind};
use crate::pairs;
use crate::status::Status;
use crate::stream::{Direction, Filter, StreamState};
use crate::transcript::show;

const MAP_MAX: u32 = 7;

/// A map of the stream: which message, and whether its trailers.
fn of_stream(map: u32) -> Option<(Direction, bool)> {
    match map {
        0 => Some((Direction::Request, false)),
        1 => Some((Direction::Request, true)),
        2 => Some((Direction::Response, false)),
        3 => Some((Direction::Response, true)),
        _ => None,
    }
}

fn kind(map: u32) -> Option<MapKind> {
    of_stream(map).map(|(direction, trailers)| direction.map_kind(trailers))
}

fn key_of(call: &Call<'_>, map: u32, key: u32, size: u32) -> Result<Vec<u8>, Fault> {
    let key = call.bytes(key, size)?;
    Ok(kind(map).map_or_else(|| key.to_ascii_lowercase(), |kind| kind.canonical(&key)))
}

fn check(map: u32) -> Result<(), Fault> {
    if map > MAP_MAX {
        Err(Status::BadArgument.into())
    } else {
        Ok(())
    }
}

/// Whether the callbacks of this filter may touch a map now.
fn at_hand(filter: &mut Filter, direction: Direction, trailers: bool) -> bool {
    let view = filter.view(direction);
    if trailers {
        view.trailers
    } else {
        view.headers
    }
}

fn map_of(state: &mut StreamState, direction: Direction, trailers: bool) -> &mut Option<HeaderMap> {
    let half = state.half(direction);
    if trailers {
        &mut half.trailers
    } else {
        &mut half.headers
    }
}

/// Runs something on a map that is to be read: in `on_log` what went through at last (request trailers never), elsewhere
/// what the running callback is about. `None` when the map is not at hand; the flag says whether this is `on_log`.
fn reading<T>(
    call: &Call<'_>,
    map: u32,
    f: impl FnOnce(&HeaderMap) -> T,
) -> Result<(Option<T>, bool), Fault> {
    check(map)?;
    let Some((direction, trailers)) = of_stream(map) else {
        let root = call.root()?;
        let found = match map {
            4 => root.grpc.initial_metadata.as_ref(),
            5 => root.grpc.trailing_metadata.as_ref(),
            6 => root.http_call.as_ref().map(|received| &received.headers),
            _ => root
                .http_call
                .as_ref()
                .and_then(|received| received.trailers.as_ref()),
        };
        return Ok((found.map(f), false));
    };
    let Some((stream, link)) = call.stream() else {
        return Ok((None, false));
    };
    Ok(stream.with(|state| {
        let Some(filter) = state.filters.get_mut(link.filter) else {
            return (None, false);
        };
        let logging = filter.logging;
        let shown = if logging {
            !(direction == Direction::Request && trailers)
        } else {
            at_hand(filter, direction, trailers)
        };
        let found = if shown {
            map_of(state, direction, trailers).as_ref().map(f)
        } else {
            None
        };
        (found, logging)
    }))
}

/// Runs something on a map that is to be changed. In the last body callback, trailers that are not there come into
/// being by that.
fn changing<T>(call: &Call<'_>, map: u32, f: impl FnOnce(&mut HeaderMap) -> T) -> Result<T, Fault> {
    check(map)?;
    let bad = Fault::Status(Status::BadArgument);
    let (Some((direction, trailers)), Some((stream, link))) = (of_stream(map), call.stream())
    else {
        return Err(bad);
    };
    stream
        .with(|state| {
            let filter = state.filters.get_mut(link.filter)?;
            let new = trailers && filter.end_of_stream && filter.view(direction).body.is_some();
            if new {
                filter.view(direction).trailers = true;
            }
            if !at_hand(filter, direction, trailers) {
                return None;
            }
            let map = map_of(state, direction, trailers);
            if new {
                map.get_or_insert_default();
            }
            map.as_mut().map(f)
        })
        .ok_or(bad)
}

/// The size in bytes; only of maps that may be changed now.
pub(super) fn size(call: &mut Call<'_>, map: u32, size_at: u32) -> Answer {
    let size = changing(call, map, |headers| headers.byte_size())?;
    call.write_u32(size_at, u32::try_from(size).unwrap_or(u32::MAX))
}

/// All entries; none, without an error, when the map is not at hand.
pub(super) fn pairs(call: &mut Call<'_>, map: u32, pairs_at: u32, size_at: u32) -> Answer {
    call.say(|| name(map));
    let encode = |headers: &HeaderMap| {
        let entries: Vec<_> = headers.iter().collect();
        if entries.is_empty() {
            Vec::new()
        } else {
            pairs::encode(entries.into_iter())
        }
    };
    let (bytes, _) = reading(call, map, encode)?;
    call.give(&bytes.unwrap_or_default(), pairs_at, size_at)
}

pub(super) fn set_pairs(call: &mut Call<'_>, map: u32, pairs_: u32, size: u32) -> Answer {
    check(map)?;
    let new: HeaderMap = pairs::decode(&call.bytes(pairs_, size)?)
        .into_iter()
        .collect();
    let new = kind(map).map_or_else(HeaderMap::new, |kind| new.joined(kind));
    call.say(|| format!("{} = {} entries", name(map), new.len()));
    changing(call, map, |headers| *headers = new)
}

/// The first value under a name.
pub(super) fn value(
    call: &mut Call<'_>,
    map: u32,
    key: u32,
    key_size: u32,
    value_at: u32,
    size_at: u32,
) -> Answer {
    check(map)?;
    let key = key_of(call, map, key, key_size)?;
    call.say(|| format!("{} {}", name(map), show(&key)));
    let value = match reading(call, map, |headers| headers.get(&key).map(<[u8]>::to_vec))? {
        (Some(found), _) => found.ok_or(Status::NotFound)?,
        (None, true) => return Err(Status::NotFound.into()),
        (None, false) => return Err(Status::BadArgument.into()),
    };
    call.give(&value, value_at, size_at)
}

pub(super) fn add(
    call: &mut Call<'_>,
    map: u32,
    key: u32,
    key_size: u32,
    value: u32,
    size: u32,
) -> Answer {
    let (key, value) = entry(call, map, (key, key_size), (value, size))?;
    changing(call, map, |headers| match kind(map) {
        Some(kind) => headers.add_known(kind, key, value),
        None => headers.add(key, value),
    })
}

pub(super) fn replace(
    call: &mut Call<'_>,
    map: u32,
    key: u32,
    key_size: u32,
    value: u32,
    size: u32,
) -> Answer {
    let (key, value) = entry(call, map, (key, key_size), (value, size))?;
    changing(call, map, |headers| headers.set(key, value))
}

pub(super) fn remove(call: &mut Call<'_>, map: u32, key: u32, key_size: u32) -> Answer {
    check(map)?;
    let key = key_of(call, map, key, key_size)?;
    call.say(|| format!("{} {}", name(map), show(&key)));
    changing(call, map, |headers| headers.remove(key))
}

fn entry(
    call: &mut Call<'_>,
    map: u32,
    key: (u32, u32),
    value: (u32, u32),
) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    check(map)?;
    let key = key_of(call, map, key.0, key.1)?;
    let value = call.bytes(value.0, value.1)?;
    call.say(|| format!("{} {}: {}", name(map), show(&key), show(&value)));
    Ok((key, value))
}

fn name(map: u32) -> String {
    match map {
        0 => "request headers".to_owned(),
        1 => "request trailers".to_owned(),
        2 => "response headers".to_owned(),
        3 => "response trailers".to_owned(),
        4 => "grpc initial metadata".to_owned(),
        5 => "grpc trailing metadata".to_owned(),
        6 => "callout headers".to_owned(),
        7 => "callout trailers".to_owned(),
        _ => format!("map {map}"),
    }
}
