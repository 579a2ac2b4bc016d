//! Resuming, closing and answering streams. All of it happens after the callback has returned.

use super::call::{Answer, Call};
use crate::pairs;
use crate::status::Status;
use crate::stream::{Action, Direction, LocalReply};
use crate::transcript::show;

const STREAM_MAX: u32 = 3;

pub(super) fn resume(call: &mut Call<'_>, stream: u32) -> Answer {
    call.say(|| name(stream).to_owned());
    let direction = match stream {
        0 => Direction::Request,
        1 => Direction::Response,
        // TCP streams: there is none here.
        2 => return Ok(()),
        STREAM_MAX => return Err(Status::Unimplemented.into()),
        _ => return Err(Status::BadArgument.into()),
    };
    if let Some((stream, link)) = call.stream() {
        // As in Envoy the request is out of the guest's reach from now on, whichever side it resumed.
        stream.with(|state| {
            if let Some(filter) = state.filters.get_mut(link.filter) {
                filter.request_view.headers = false;
                filter.request_view.trailers = false;
                filter.request_view.body = None;
            }
        });
        call.defer(Action::Continue(link, direction));
    }
    Ok(())
}

pub(super) fn resume_request(call: &mut Call<'_>) -> Answer {
    resume(call, 0)
}

pub(super) fn resume_response(call: &mut Call<'_>) -> Answer {
    resume(call, 1)
}

pub(super) fn close(call: &mut Call<'_>, stream: u32) -> Answer {
    call.say(|| name(stream).to_owned());
    if stream > STREAM_MAX {
        return Err(Status::BadArgument.into());
    }
    if let (0 | 1, Some((stream, link))) = (stream, call.stream()) {
        stream.with(|state| {
            state
                .details
                .get_or_insert_with(|| "wasm_close_stream".to_owned())
                .clone()
        });
        call.defer(Action::Close(link));
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
pub(super) fn send_local_response(
    call: &mut Call<'_>,
    status: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    headers: u32,
    headers_size: u32,
    grpc_status: u32,
) -> Answer {
    const GRPC_STATUS_MAX: u32 = 16;
    let details = call.bytes(details, details_size)?;
    let body = call.bytes(body, body_size)?;
    let headers = call.bytes(headers, headers_size)?;
    call.say(|| format!("{status} {} {}", show(&details), show(&body)));
    let reply = LocalReply {
        status,
        body,
        // Envoy replaces white space, so that access logs stay readable.
        details: String::from_utf8_lossy(&details).replace(|c: char| c.is_ascii_whitespace(), "_"),
        headers: pairs::decode(&headers).into_iter().collect(),
        grpc_status: (grpc_status <= GRPC_STATUS_MAX).then_some(grpc_status),
    };
    if let Some((_, link)) = call.stream() {
        call.defer(Action::Reply(link, reply));
    }
    call.state_mut().stop_iteration = true;
    Ok(())
}

fn name(stream: u32) -> &'static str {
    match stream {
        0 => "request",
        1 => "response",
        2 => "downstream",
        STREAM_MAX => "upstream",
        _ => "?",
    }
}
