//! gRPC calls and streams to other services.

use std::rc::Rc;
use std::time::Duration;

use super::call::{Answer, Call, Fault};
use crate::callouts::{Arrived, GrpcRequest, GrpcStep};
use crate::headers::HeaderMap;
use crate::host_state::CalloutKind;
use crate::pairs;
use crate::status::Status;
use crate::transcript::show;

/// The gRPC status of a call that ran into its timeout.
const DEADLINE_EXCEEDED: u32 = 4;

/// The cluster that a guest means: a serialized `envoy.config.core.v3.GrpcService`, or just a cluster's name.
fn cluster_name(call: &Call<'_>, service: &[u8]) -> Result<String, Fault> {
    let name = envoy_grpc_cluster(service).unwrap_or(service);
    let name = String::from_utf8_lossy(name).into_owned();
    let known = call
        .world()
        .with(|state| state.grpc_clusters.contains_key(&name));
    if known {
        Ok(name)
    } else {
        Err(Status::ParseFailure.into())
    }
}

/// `envoy_grpc` (field 1) and in it `cluster_name` (field 1), both length-delimited and, as their order in the message
/// demands, first.
fn envoy_grpc_cluster(service: &[u8]) -> Option<&[u8]> {
    const FIELD_1_BYTES: u8 = 0x0a;
    let field = |bytes| {
        let (tag, rest): (&u8, &[u8]) = <[u8]>::split_first(bytes)?;
        let (length, rest) = rest.split_first()?;
        (*tag == FIELD_1_BYTES && *length < 0x80).then(|| rest.get(..usize::from(*length)))?
    };
    field(field(service)?)
}

#[allow(clippy::too_many_arguments)]
pub(super) fn call(
    call: &mut Call<'_>,
    service: u32,
    service_size: u32,
    name: u32,
    name_size: u32,
    method: u32,
    method_size: u32,
    metadata: u32,
    metadata_size: u32,
    message: u32,
    message_size: u32,
    timeout_ms: u32,
    token_at: u32,
) -> Answer {
    let places = [
        (service, service_size),
        (name, name_size),
        (method, method_size),
        (metadata, metadata_size),
    ];
    let message = call.bytes(message, message_size)?;
    let request = GrpcRequest {
        message,
        stream: false,
        ..open(call, places)?
    };
    let steps = ask(call, &request)?;
    let token = call.state_mut().next_token(CalloutKind::GrpcCall);
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms.into()));
    let in_time =
        |(after, _): &(Duration, GrpcStep)| timeout.is_none_or(|timeout| *after < timeout);
    let mut steps: Vec<_> = steps.into_iter().filter(in_time).take(1).collect();
    if let (true, Some(timeout)) = (steps.is_empty(), timeout) {
        steps.push((
            timeout,
            GrpcStep::Close(DEADLINE_EXCEEDED, "upstream request timeout".to_owned()),
        ));
    }
    schedule(call, token, steps);
    call.write_u32(token_at, token)
}

#[allow(clippy::too_many_arguments)]
pub(super) fn stream(
    call: &mut Call<'_>,
    service: u32,
    service_size: u32,
    name: u32,
    name_size: u32,
    method: u32,
    method_size: u32,
    metadata: u32,
    metadata_size: u32,
    token_at: u32,
) -> Answer {
    let places = [
        (service, service_size),
        (name, name_size),
        (method, method_size),
        (metadata, metadata_size),
    ];
    let request = open(call, places)?;
    let steps = ask(call, &request)?;
    let token = call.state_mut().next_token(CalloutKind::GrpcStream);
    call.state_mut().grpc_streams.insert(token, request);
    schedule(call, token, steps);
    call.write_u32(token_at, token)
}

pub(super) fn send(call: &mut Call<'_>, token: u32, message: u32, size: u32, _end: u32) -> Answer {
    let message = call.bytes(message, size)?;
    call.say(|| format!("{token} {}", show(&message)));
    if CalloutKind::of(token) != Some(CalloutKind::GrpcStream) {
        return Err(Status::BadArgument.into());
    }
    let stream = call
        .state()
        .grpc_streams
        .get(&token)
        .cloned()
        .ok_or(Status::NotFound)?;
    let request = GrpcRequest { message, ..stream };
    let steps = ask(call, &request)?;
    schedule(call, token, steps);
    Ok(())
}

/// Gives a call or stream up: nothing more arrives of it.
pub(super) fn cancel(call: &mut Call<'_>, token: u32) -> Answer {
    call.say(|| token.to_string());
    forget(call, token)
}

/// Closes the guest's side. What the service still sends on a stream arrives.
pub(super) fn close(call: &mut Call<'_>, token: u32) -> Answer {
    call.say(|| token.to_string());
    if call.state_mut().grpc_streams.remove(&token).is_some() {
        Ok(())
    } else {
        forget(call, token)
    }
}

fn forget(call: &mut Call<'_>, token: u32) -> Answer {
    if CalloutKind::of(token).is_none_or(|kind| kind == CalloutKind::Http) {
        return Err(Status::BadArgument.into());
    }
    let was_stream = call.state_mut().grpc_streams.remove(&token).is_some();
    let uid = call.state().uid;
    let waited = call.world().with(|state| {
        let mut waited = false;
        state.schedule.cancel_arrivals(|arrival| {
            let same_vm = arrival.vm.upgrade().is_some_and(|vm| vm.uid == uid);
            let same =
                same_vm && arrival.token == token && matches!(arrival.what, Arrived::Grpc(_));
            waited |= same;
            same
        });
        waited
    });
    if was_stream || waited {
        Ok(())
    } else {
        Err(Status::NotFound.into())
    }
}

fn open(
    call: &mut Call<'_>,
    [service, name, method, metadata]: [(u32, u32); 4],
) -> Result<GrpcRequest, Fault> {
    let text = |call: &Call<'_>, (at, size)| call.bytes(at, size);
    let service = text(call, service)?;
    let name = text(call, name)?;
    let method = text(call, method)?;
    let metadata: HeaderMap = pairs::decode(&text(call, metadata)?).into_iter().collect();
    let (name, method) = (
        String::from_utf8_lossy(&name).into_owned(),
        String::from_utf8_lossy(&method).into_owned(),
    );
    call.say(|| format!("{} {name}/{method}", show(&service)));
    let cluster = cluster_name(call, &service)?;
    Ok(GrpcRequest {
        cluster,
        service: name,
        method,
        metadata,
        message: Vec::new(),
        stream: true,
    })
}

fn ask(call: &Call<'_>, request: &GrpcRequest) -> Result<Vec<(Duration, GrpcStep)>, Fault> {
    let script = call
        .world()
        .with(|state| state.grpc_clusters.get(&request.cluster).map(Rc::clone));
    let script = script.ok_or(Status::InternalFailure)?;
    let steps = script.borrow_mut()(request);
    Ok(steps)
}

fn schedule(call: &Call<'_>, token: u32, steps: Vec<(Duration, GrpcStep)>) {
    let steps = steps.into_iter();
    call.let_arrive(
        token,
        steps.map(|(after, step)| (after, Arrived::Grpc(step))),
    );
}
