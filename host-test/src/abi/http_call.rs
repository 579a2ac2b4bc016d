//! HTTP calls to other services.

use std::rc::Rc;
use std::time::Duration;

use super::call::{Answer, Call};
use crate::callouts::{Callout, CalloutRequest, answer};
use crate::headers::HeaderMap;
use crate::host_state::CalloutKind;
use crate::pairs;
use crate::status::Status;
use crate::transcript::show;

#[allow(clippy::too_many_arguments)]
pub(super) fn call(
    call: &mut Call<'_>,
    cluster: u32,
    cluster_size: u32,
    headers: u32,
    headers_size: u32,
    body: u32,
    body_size: u32,
    trailers: u32,
    trailers_size: u32,
    timeout_ms: u32,
    token_at: u32,
) -> Answer {
    let cluster = call.bytes(cluster, cluster_size)?;
    let body = call.bytes(body, body_size)?;
    let headers: HeaderMap = pairs::decode(&call.bytes(headers, headers_size)?)
        .into_iter()
        .collect();
    let trailers: HeaderMap = pairs::decode(&call.bytes(trailers, trailers_size)?)
        .into_iter()
        .collect();
    call.write_u32(token_at, 0)?;
    let cluster = String::from_utf8_lossy(&cluster).into_owned();
    call.say(|| {
        format!(
            "{cluster} {} {}",
            headers.text(":path").unwrap_or_default(),
            show(&body)
        )
    });
    if i32::try_from(timeout_ms).is_err() {
        return Err(Status::BadArgument.into());
    }
    let world = call.world();
    let script = world
        .with(|state| state.clusters.get(&cluster).map(Rc::clone))
        .ok_or(Status::BadArgument)?;
    if [":path", ":method", ":authority"]
        .iter()
        .any(|name| !headers.contains(name))
    {
        return Err(Status::BadArgument.into());
    }
    let mut headers = headers;
    if !body.is_empty() {
        headers.set("content-length", body.len().to_string());
    }
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms.into()));
    let request = CalloutRequest {
        cluster,
        headers,
        body,
        trailers,
        timeout,
    };
    let (fails, delay) = world.with(|state| {
        state.callouts.push(request.clone());
        let fails = state.faults.callout_failures > 0;
        state.faults.callout_failures = state.faults.callout_failures.saturating_sub(1);
        (fails, state.faults.callout_delay)
    });
    let scripted = if fails {
        Callout::ConnectFailure {
            after: Duration::ZERO,
        }
    } else {
        script.borrow_mut()(&request)
    };
    let arrivals = answer(scripted.later(delay), timeout).ok_or(Status::InternalFailure)?;
    let token = call.state_mut().next_token(CalloutKind::Http);
    call.let_arrive(token, arrivals);
    call.write_u32(token_at, token)
}
