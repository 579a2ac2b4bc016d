//! Calls that guests make to other services, and the scripted clusters that answer them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::headers::HeaderMap;
use crate::transcript::{Kind, show};
use crate::vm::WeakVm;
use crate::world::World;

/// A call that a guest made with `proxy_http_call`.
#[derive(Clone, Debug)]
pub struct CalloutRequest {
    /// The cluster it went to.
    pub cluster: String,
    /// The headers, `:method`, `:path` and `:authority` among them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: HeaderMap,
    /// After which the guest gets a 504.
    pub timeout: Option<Duration>,
}

/// How a cluster answers a call.
#[derive(Clone, Debug)]
pub enum Callout {
    /// A response.
    Respond(CalloutResponse),
    /// The connection cannot be made or breaks before the response: the guest sees Envoy's own 503.
    ConnectFailure {
        /// When that is known.
        after: Duration,
    },
    /// The connection breaks in the middle of the response: the guest's callback runs with nothing to read.
    Reset {
        /// When that happens.
        after: Duration,
    },
    /// The cluster has no healthy host: the call itself fails with `InternalFailure`.
    NoHealthyUpstream,
    /// No answer ever comes; with a timeout the guest sees Envoy's own 504.
    Never,
}

/// A response of a scripted cluster.
#[derive(Clone, Debug, Default)]
pub struct CalloutResponse {
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
    after: Duration,
}

impl Callout {
    /// A response with this status, at once and without a body.
    pub fn respond(status: u16) -> CalloutResponse {
        CalloutResponse {
            headers: HeaderMap::from([(":status", status.to_string())]),
            ..CalloutResponse::default()
        }
    }
}

impl Callout {
    pub(crate) fn later(self, delay: Duration) -> Self {
        match self {
            Self::Respond(response) => {
                let after = response.after + delay;
                Self::Respond(response.after(after))
            }
            Self::ConnectFailure { after } => Self::ConnectFailure {
                after: after + delay,
            },
            Self::Reset { after } => Self::Reset {
                after: after + delay,
            },
            Self::NoHealthyUpstream | Self::Never => self,
        }
    }
}

impl CalloutResponse {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Adds a trailer.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.add(name, value);
        self
    }

    /// How long after the call it arrives.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }
}

impl From<CalloutResponse> for Callout {
    fn from(response: CalloutResponse) -> Self {
        Self::Respond(response)
    }
}

/// The script of one cluster.
pub(crate) type Cluster = Rc<RefCell<dyn FnMut(&CalloutRequest) -> Callout>>;

/// What a guest can read in `on_http_call_response`.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpReceived {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl HttpReceived {
    /// A reply that Envoy's router makes itself.
    fn local(status: u16, body: &str) -> Self {
        let length = body.len().to_string();
        let headers = HeaderMap::from([
            (":status", status.to_string().as_str()),
            ("content-length", &length),
            ("content-type", "text/plain"),
        ]);
        Self {
            headers,
            body: body.as_bytes().to_vec(),
            trailers: None,
        }
    }
}

/// What a guest can read in the gRPC callbacks.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrpcReceived {
    pub(crate) initial_metadata: Option<HeaderMap>,
    pub(crate) message: Option<Vec<u8>>,
    pub(crate) trailing_metadata: Option<HeaderMap>,
}

/// What happens at a later time to the VM that waits for it.
pub(crate) struct Arrival {
    pub(crate) vm: WeakVm,
    pub(crate) root: u32,
    pub(crate) token: u32,
    pub(crate) what: Arrived,
}

/// The kinds of things that arrive.
pub(crate) enum Arrived {
    /// A response; none if the connection broke.
    Http(Option<HttpReceived>),
    /// One step of a gRPC call or stream.
    Grpc(GrpcStep),
}

/// One thing that a gRPC service sends.
#[derive(Clone, Debug)]
pub enum GrpcStep {
    /// Initial metadata (streams only).
    InitialMetadata(HeaderMap),
    /// A message.
    Message(Vec<u8>),
    /// Trailing metadata (streams only).
    TrailingMetadata(HeaderMap),
    /// The end, with a gRPC status and a message. A call that succeeded ends with its message and has no close.
    Close(u32, String),
}

/// What a guest did to a gRPC service.
#[derive(Clone, Debug)]
pub struct GrpcRequest {
    /// The cluster.
    pub cluster: String,
    /// The service's full name.
    pub service: String,
    /// The method.
    pub method: String,
    /// The initial metadata.
    pub metadata: HeaderMap,
    /// The message; empty for a stream that was just opened.
    pub message: Vec<u8>,
    /// Whether this is a stream (each message on it is told anew) and not a single call.
    pub stream: bool,
}

/// The script of one gRPC service: what it sends after each message, and how long after.
pub(crate) type GrpcCluster = Rc<RefCell<dyn FnMut(&GrpcRequest) -> Vec<(Duration, GrpcStep)>>>;

/// Decides when and what the answer to a call is.
///
/// # Errors
/// `None` when the call fails at once.
pub(crate) fn answer(
    callout: Callout,
    timeout: Option<Duration>,
) -> Option<VecDeque<(Duration, Arrived)>> {
    let (after, arrived) = match callout {
        Callout::NoHealthyUpstream => return None,
        Callout::Respond(CalloutResponse {
            headers,
            body,
            trailers,
            after,
        }) => (
            Some(after),
            Some(HttpReceived {
                headers,
                body,
                trailers: (!trailers.is_empty()).then_some(trailers),
            }),
        ),
        Callout::ConnectFailure { after } => {
            let body = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
            (Some(after), Some(HttpReceived::local(503, body)))
        }
        Callout::Reset { after } => (Some(after), None),
        Callout::Never => (None, None),
    };
    let (at, arrived) = match (after, timeout) {
        (Some(after), None) => (after, arrived),
        (Some(after), Some(timeout)) if after < timeout => (after, arrived),
        (_, Some(timeout)) => (
            timeout,
            Some(HttpReceived::local(504, "upstream request timeout")),
        ),
        (None, None) => return Some(VecDeque::new()),
    };
    Some(VecDeque::from([(at, Arrived::Http(arrived))]))
}

impl Arrival {
    /// Runs the callbacks that the arrival causes.
    pub(crate) fn deliver(self, world: &World) {
        let Some(vm) = self.vm.upgrade() else { return };
        match self.what {
            Arrived::Http(received) => {
                let sizes = received.as_ref().map_or([0; 3], |r| {
                    [
                        r.headers.len(),
                        r.body.len(),
                        r.trailers.as_ref().map_or(0, HeaderMap::len),
                    ]
                });
                world.record(
                    Kind::In,
                    match &received {
                        Some(r) => {
                            format!(
                                "callout {} answered {} {}",
                                self.token,
                                r.headers.text(":status").unwrap_or_default(),
                                show(&r.body)
                            )
                        }
                        None => format!("callout {} was reset", self.token),
                    },
                );
                vm.with_state(|state| {
                    if let Some(context) = state.contexts.get_mut(&self.root) {
                        if received.is_none() {
                            context.status =
                                (crate::Status::BrokenConnection.code(), b"reset".to_vec());
                        }
                        context.http_call = received;
                    }
                });
                let [headers, body, trailers] =
                    sizes.map(|size| u32::try_from(size).unwrap_or(u32::MAX));
                vm.call(
                    self.root,
                    "proxy_on_http_call_response",
                    &[self.root, self.token, headers, body, trailers],
                );
                vm.with_state(|state| {
                    if let Some(context) = state.contexts.get_mut(&self.root) {
                        context.http_call = None;
                        context.status.1.clear();
                    }
                });
                vm.settle();
            }
            Arrived::Grpc(step) => deliver_grpc(&vm, self.root, self.token, step),
        }
    }
}

fn deliver_grpc(vm: &Rc<crate::vm::Vm>, root: u32, token: u32, step: GrpcStep) {
    let mut received = GrpcReceived::default();
    let mut status = None;
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let (name, size) = match step {
        GrpcStep::InitialMetadata(map) => {
            let size = length(map.len());
            received.initial_metadata = Some(map);
            ("proxy_on_grpc_receive_initial_metadata", size)
        }
        GrpcStep::Message(bytes) => {
            let size = length(bytes.len());
            received.message = Some(bytes);
            ("proxy_on_grpc_receive", size)
        }
        GrpcStep::TrailingMetadata(map) => {
            let size = length(map.len());
            received.trailing_metadata = Some(map);
            ("proxy_on_grpc_receive_trailing_metadata", size)
        }
        GrpcStep::Close(code, message) => {
            status = Some((code, message.into_bytes()));
            ("proxy_on_grpc_close", code)
        }
    };
    vm.with_state(|state| {
        if let Some(context) = state.contexts.get_mut(&root) {
            context.grpc = received;
            if let Some(status) = status {
                context.status = status;
            }
        }
    });
    vm.call(root, name, &[root, token, size]);
    vm.with_state(|state| {
        if let Some(context) = state.contexts.get_mut(&root) {
            context.grpc = GrpcReceived::default();
            context.status.1.clear();
        }
    });
    vm.settle();
}
