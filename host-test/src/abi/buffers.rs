//! Buffers: bodies, configurations, results of callouts.

use super::call::{Answer, Call, Fault};
use crate::status::Status;
use crate::stream::{Action, Direction, Source};
use crate::transcript::show;

/// What a buffer number stands for at this moment.
enum Buffer {
    /// Bytes that can only be read.
    Fixed(Vec<u8>),
    /// A body that can be changed.
    Body(Direction, Source),
    /// A body that is not at hand: empty, and not to be written.
    NotAtHand,
}

const BUFFER_MAX: u32 = 8;

fn find(call: &Call<'_>, buffer: u32) -> Result<Buffer, Fault> {
    if buffer > BUFFER_MAX {
        return Err(Status::BadArgument.into());
    }
    let not_found = Fault::Status(Status::NotFound);
    match buffer {
        0 => body(call, Direction::Request),
        1 => body(call, Direction::Response),
        // TCP data: there is none on HTTP streams.
        2 | 3 => Ok(Buffer::NotAtHand),
        4 => call
            .root()?
            .http_call
            .as_ref()
            .map(|received| Buffer::Fixed(received.body.clone()))
            .ok_or(not_found),
        5 => Ok(call
            .root()?
            .grpc
            .message
            .clone()
            .map_or(Buffer::NotAtHand, Buffer::Fixed)),
        6 => Ok(Buffer::Fixed(call.state().vm_configuration.clone())),
        7 => call
            .context()?
            .configuration
            .clone()
            .map(Buffer::Fixed)
            .ok_or(not_found),
        _ => Ok(Buffer::Fixed(Vec::new())),
    }
}

fn body(call: &Call<'_>, direction: Direction) -> Result<Buffer, Fault> {
    let Some((stream, link)) = call.stream() else {
        return Ok(Buffer::NotAtHand);
    };
    let source = stream.with(|state| {
        let view = state.filters.get_mut(link.filter)?.view(direction);
        if view.buffering {
            Some(Source::Buffered)
        } else {
            view.body
        }
    });
    Ok(source.map_or(Buffer::NotAtHand, |source| Buffer::Body(direction, source)))
}

fn read<T>(call: &Call<'_>, buffer: Buffer, f: impl FnOnce(&[u8]) -> T) -> T {
    match buffer {
        Buffer::Fixed(bytes) => f(&bytes),
        Buffer::NotAtHand => f(&[]),
        Buffer::Body(direction, source) => match call.stream() {
            Some((stream, _)) => stream.with(|state| f(state.half(direction).bytes(source))),
            None => f(&[]),
        },
    }
}

/// Reads a part of a buffer; what lies beyond its end is left out.
pub(super) fn get(
    call: &mut Call<'_>,
    buffer: u32,
    start: u32,
    size: u32,
    bytes_at: u32,
    size_at: u32,
) -> Answer {
    call.say(|| format!("{buffer} {start}+{size}"));
    let buffer = find(call, buffer)?;
    let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    let bytes = read(call, buffer, |bytes| {
        let end = place(start).saturating_add(place(size)).min(bytes.len());
        bytes.get(place(start)..end).unwrap_or_default().to_vec()
    });
    call.give(&bytes, bytes_at, size_at)
}

/// The plugin's configuration, at any time: ABI 0.1.0 has a function for it.
pub(super) fn configuration(call: &mut Call<'_>, bytes_at: u32, size_at: u32) -> Answer {
    let plugin = call.context()?.plugin.clone();
    let bytes = plugin.map(|plugin| plugin.configuration.clone());
    call.give(&bytes.unwrap_or_default(), bytes_at, size_at)
}

pub(super) fn status(call: &mut Call<'_>, buffer: u32, size_at: u32, flags_at: u32) -> Answer {
    let buffer = find(call, buffer)?;
    let size = read(call, buffer, <[u8]>::len);
    call.write_u32(size_at, u32::try_from(size).unwrap_or(u32::MAX))?;
    call.write_u32(flags_at, 0)
}

/// Changes a body: from 0 the first `size` bytes are replaced, from its end or beyond the bytes are appended, anything
/// else is refused.
pub(super) fn set(
    call: &mut Call<'_>,
    buffer: u32,
    start: u32,
    size: u32,
    bytes: u32,
    bytes_size: u32,
) -> Answer {
    let target = find(call, buffer)?;
    let new = call.bytes(bytes, bytes_size)?;
    call.say(|| format!("{buffer} {start}+{size} = {}", show(&new)));
    let (Buffer::Body(direction, source), Some((stream, link))) = (target, call.stream()) else {
        return Err(Status::BadArgument.into());
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    stream.with(|state| {
        let body = state.half(direction).bytes(source);
        if start == 0 {
            body.splice(..size.min(body.len()), new);
        } else if start >= body.len() {
            body.extend_from_slice(&new);
        } else {
            return Err(Status::BadArgument);
        }
        Ok(())
    })?;
    if source == Source::Buffered {
        call.defer(Action::CheckLimit(link, direction));
    }
    Ok(())
}
