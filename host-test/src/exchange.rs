//! One HTTP exchange through the filters of a worker, driven step by step, and what came of it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::headers::HeaderMap;
use crate::message::{Message, Piece};
use crate::stream::{Direction, LocalReply, Stream, StreamState};
use crate::world::World;

/// What a stream's properties show beside its headers and bodies.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// `source.address` with its port.
    pub source_address: String,
    /// `destination.address` with its port.
    pub destination_address: String,
    /// `request.protocol`.
    pub protocol: String,
    /// `xds.cluster_name`.
    pub cluster_name: String,
    /// `xds.route_name`.
    pub route_name: String,
    /// `xds.listener_direction`: 0 unspecified, 1 inbound, 2 outbound.
    pub listener_direction: i64,
    /// `connection.id`.
    pub connection_id: u64,
    /// Properties that take precedence over, or stand beside, those that the host knows; by path.
    pub properties: BTreeMap<Vec<String>, Property>,
    /// The monotonic clock when the stream began.
    pub(crate) began_ns: u64,
    /// The wall clock when the stream began.
    pub(crate) time_ns: u64,
}

/// The value of a property, serialized for the guest as Envoy does it.
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    /// A string or bytes: as they are.
    Bytes(Vec<u8>),
    /// A signed integer, a duration or a time (in nanoseconds): 8 bytes little endian.
    Int(i64),
    /// An unsigned integer: 8 bytes little endian.
    Uint(u64),
    /// A floating-point number: 8 bytes little endian.
    Double(f64),
    /// A boolean: one byte.
    Bool(bool),
    /// A map: serialized pairs.
    Map(Vec<(String, Property)>),
    /// A group of attributes, which cannot be read as a whole.
    Group,
}

impl From<&str> for Property {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

/// One callback of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The name of its plugin.
    pub plugin: String,
    /// Its name without `proxy_`.
    pub name: String,
    /// What it returned; none for a trap.
    pub answer: Option<u32>,
    /// How many instructions it took, if the world counts them.
    pub instructions: Option<u64>,
}

/// What left in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// For the upstream.
    pub to_upstream: Vec<Piece>,
    /// For the client.
    pub to_client: Vec<Piece>,
}

/// What came of an exchange.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What reached the upstream.
    pub upstream: Message,
    /// What reached the client.
    pub client: Message,
    /// Filter state by Envoy's name: what a guest sets as `["name"]` stands here as `wasm.name`.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// The reply that Envoy or a filter made itself, if one did.
    pub local_reply: Option<LocalReply>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: Option<String>,
    /// Every callback in order.
    pub callbacks: Vec<Callback>,
    /// How often guests cleared the route cache.
    pub route_cache_cleared: u32,
}

impl Outcome {
    /// Filter state as text, by the name a guest gave it (without `wasm.`).
    pub fn state(&self, name: &str) -> Option<String> {
        let value = self.filter_state.get(&format!("wasm.{name}"))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The instructions of all callbacks; none unless the world counts them.
    pub fn instructions(&self) -> Option<u64> {
        self.callbacks
            .iter()
            .map(|callback| callback.instructions)
            .sum()
    }

    /// The names of the callbacks of one plugin, in order.
    pub fn callbacks_of(&self, plugin: &str) -> Vec<&str> {
        self.callbacks
            .iter()
            .filter(|c| c.plugin == plugin)
            .map(|c| c.name.as_str())
            .collect()
    }
}

/// A request for [`crate::Proxy::run`].
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body in the pieces in which it arrives.
    pub chunks: Vec<Vec<u8>>,
    /// Its trailers.
    pub trailers: Option<HeaderMap>,
}

impl Request {
    /// A request with these headers and no body.
    pub fn new(headers: impl Into<HeaderMap>) -> Self {
        Self {
            headers: headers.into(),
            ..Self::default()
        }
    }

    /// A `POST` with a body.
    pub fn post(path: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new([
            (":method", "POST"),
            (":path", path),
            (":authority", "localhost"),
            (":scheme", "http"),
        ])
        .body(body)
    }

    /// A `GET`.
    pub fn get(path: &str) -> Self {
        Self::new([
            (":method", "GET"),
            (":path", path),
            (":authority", "localhost"),
            (":scheme", "http"),
        ])
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Sets the body, in one piece.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.chunks = vec![body.as_ref().to_vec()];
        self
    }

    /// Sets the body, in pieces.
    #[must_use]
    pub fn chunks<B: AsRef<[u8]>>(mut self, chunks: impl IntoIterator<Item = B>) -> Self {
        self.chunks = chunks
            .into_iter()
            .map(|chunk| chunk.as_ref().to_vec())
            .collect();
        self
    }

    /// Sets the trailers.
    #[must_use]
    pub fn trailers(mut self, trailers: impl Into<HeaderMap>) -> Self {
        self.trailers = Some(trailers.into());
        self
    }
}

/// What the upstream does once the request has reached it, for [`crate::Proxy::run`].
#[derive(Clone, Debug)]
pub enum Upstream {
    /// Answers.
    Respond(Response),
    /// Cuts the stream, after these pieces of a response if there is one.
    Reset(Option<Response>),
    /// Never answers: the client gives up.
    Silence,
}

/// A response of the upstream.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body in the pieces in which it arrives; `(size 0, end)` follows if [`Self::empty_end`] says so.
    pub chunks: Vec<Vec<u8>>,
    /// Its trailers.
    pub trailers: Option<HeaderMap>,
    /// Whether the end of the body arrives by itself, as an empty piece, as it does in Envoy for chunked responses.
    pub empty_end: bool,
    /// Time between pieces.
    pub pause: Duration,
}

impl Response {
    /// A response with this status and no body.
    pub fn new(status: u16) -> Self {
        Self {
            headers: HeaderMap::from([(":status", status.to_string())]),
            ..Self::default()
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Sets the body, in one piece.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.chunks = vec![body.as_ref().to_vec()];
        self
    }

    /// Sets the body, in pieces.
    #[must_use]
    pub fn chunks<B: AsRef<[u8]>>(mut self, chunks: impl IntoIterator<Item = B>) -> Self {
        self.chunks = chunks
            .into_iter()
            .map(|chunk| chunk.as_ref().to_vec())
            .collect();
        self
    }

    /// Sets the trailers.
    #[must_use]
    pub fn trailers(mut self, trailers: impl Into<HeaderMap>) -> Self {
        self.trailers = Some(trailers.into());
        self
    }

    /// Lets the end arrive by itself, as an empty piece.
    #[must_use]
    pub fn empty_end(mut self) -> Self {
        self.empty_end = true;
        self
    }

    /// Lets time pass before each piece.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl From<Response> for Upstream {
    fn from(response: Response) -> Self {
        Self::Respond(response)
    }
}

/// One HTTP stream. Each step does at once all that it causes; [`World::advance`] lets time do the rest.
pub struct Exchange {
    stream: Rc<Stream>,
}

/// How long [`crate::Proxy::run`] waits, in virtual time, for callouts of guests before it takes them for hung.
const IDLE_WAIT_MAX: Duration = Duration::from_secs(120);

impl Exchange {
    pub(crate) fn new(stream: Rc<Stream>) -> Self {
        Self { stream }
    }

    /// The number of the stream in transcripts.
    pub fn id(&self) -> u64 {
        self.stream.id
    }

    fn step(&self, f: impl FnOnce(&Rc<Stream>)) -> Flow {
        let sent =
            |state: &mut StreamState| (state.upstream.pieces().len(), state.client.pieces().len());
        let (upstream, client) = self.stream.with(sent);
        f(&self.stream);
        self.stream.with(|state| Flow {
            to_upstream: state
                .upstream
                .pieces()
                .iter()
                .skip(upstream)
                .cloned()
                .collect(),
            to_client: state.client.pieces().iter().skip(client).cloned().collect(),
        })
    }

    /// The client sends its headers.
    pub fn request_headers(&self, headers: impl Into<HeaderMap>, end_stream: bool) -> Flow {
        self.step(|stream| stream.headers_arrive(Direction::Request, headers.into(), end_stream))
    }

    /// The client sends a piece of its body.
    pub fn request_data(&self, bytes: impl AsRef<[u8]>, end_stream: bool) -> Flow {
        self.step(|stream| stream.data_arrives(Direction::Request, bytes.as_ref(), end_stream))
    }

    /// The client sends trailers, which end the request.
    pub fn request_trailers(&self, trailers: impl Into<HeaderMap>) -> Flow {
        self.step(|stream| stream.trailers_arrive(Direction::Request, trailers.into()))
    }

    /// The client sends something that is no request: Envoy answers 400 with these details (`http1.invalid_url`, say)
    /// before any filter has seen headers. Filters see nothing of it but the end of the stream.
    pub fn malformed_request(&self, details: &str) -> Flow {
        self.step(|stream| {
            stream.request_is_malformed(LocalReply::new(400, "Bad Request", details))
        })
    }

    /// The upstream sends its headers. Dropped, as all it sends, if no request has reached it.
    pub fn response_headers(&self, headers: impl Into<HeaderMap>, end_stream: bool) -> Flow {
        self.step(|stream| stream.headers_arrive(Direction::Response, headers.into(), end_stream))
    }

    /// The upstream sends a piece of its body.
    pub fn response_data(&self, bytes: impl AsRef<[u8]>, end_stream: bool) -> Flow {
        self.step(|stream| stream.data_arrives(Direction::Response, bytes.as_ref(), end_stream))
    }

    /// The upstream sends trailers, which end the response.
    pub fn response_trailers(&self, trailers: impl Into<HeaderMap>) -> Flow {
        self.step(|stream| stream.trailers_arrive(Direction::Response, trailers.into()))
    }

    /// The client goes away.
    pub fn reset_by_client(&self) -> Flow {
        self.step(Stream::client_resets)
    }

    /// The upstream goes away.
    pub fn reset_by_upstream(&self) -> Flow {
        self.step(Stream::upstream_resets)
    }

    /// What reached the upstream so far.
    pub fn upstream(&self) -> Message {
        self.stream.with(|state| state.upstream.clone())
    }

    /// What reached the client so far.
    pub fn client(&self) -> Message {
        self.stream.with(|state| state.client.clone())
    }

    /// Whether the stream is over and its last callbacks have run.
    pub fn over(&self) -> bool {
        self.stream.with(|state| state.ended)
    }

    /// Filter state so far, by Envoy's name.
    pub fn filter_state(&self) -> BTreeMap<String, Vec<u8>> {
        self.stream.with(|state| state.filter_state.clone())
    }

    /// Writes filter state as another filter of the chain would.
    pub fn set_filter_state(&self, name: &str, value: impl AsRef<[u8]>) {
        self.stream.with(|state| {
            state
                .filter_state
                .insert(name.to_owned(), value.as_ref().to_vec())
        });
    }

    /// Sets a property that guests read under this path.
    pub fn set_property(&self, path: &[&str], value: impl Into<Property>) {
        let path = path.iter().map(ToString::to_string).collect();
        self.stream
            .with(|state| state.info.properties.insert(path, value.into()));
    }

    /// Changes what the properties of connection and route show.
    pub fn info(&self, change: impl FnOnce(&mut StreamInfo)) {
        self.stream.with(|state| change(&mut state.info));
    }

    /// Ends the exchange: if it is not over the client goes away. Then says what came of it.
    pub fn finish(&self) -> Outcome {
        self.stream.finish();
        self.outcome()
    }

    /// What came of the exchange so far.
    pub fn outcome(&self) -> Outcome {
        self.stream.with(|state| Outcome {
            upstream: state.upstream.clone(),
            client: state.client.clone(),
            filter_state: state.filter_state.clone(),
            local_reply: state.local_reply.clone(),
            details: state.details.clone(),
            callbacks: state.callbacks.clone(),
            route_cache_cleared: state.route_cache_cleared,
        })
    }

    /// Sends a request to its end.
    pub fn send(&self, request: &Request) {
        let last = request.chunks.len().checked_sub(1);
        self.request_headers(
            &request.headers,
            last.is_none() && request.trailers.is_none(),
        );
        for (place, chunk) in request.chunks.iter().enumerate() {
            self.request_data(chunk, Some(place) == last && request.trailers.is_none());
        }
        if let Some(trailers) = &request.trailers {
            self.request_trailers(trailers);
        }
    }

    /// Lets the upstream do its part, if the request has reached it.
    pub fn answer(&self, upstream: &Upstream) {
        let world = self.stream.world.clone();
        if !self.upstream().started() {
            return;
        }
        match upstream {
            Upstream::Respond(response) => self.respond(&world, response, true),
            Upstream::Reset(response) => {
                if let Some(response) = response {
                    self.respond(&world, response, false);
                }
                self.reset_by_upstream();
            }
            Upstream::Silence => {}
        }
    }

    fn respond(&self, world: &World, response: &Response, ends: bool) {
        let Response {
            headers,
            chunks,
            trailers,
            empty_end,
            pause,
        } = response;
        let end_follows = trailers.is_some() || *empty_end || !ends;
        let last = chunks.len().checked_sub(1);
        world.advance(*pause);
        self.response_headers(headers, last.is_none() && !end_follows);
        for (place, chunk) in chunks.iter().enumerate() {
            world.advance(*pause);
            self.response_data(chunk, Some(place) == last && !end_follows);
        }
        if let (Some(trailers), true) = (trailers, ends) {
            self.response_trailers(trailers);
        } else if *empty_end && ends {
            self.response_data([], true);
        }
    }

    /// Lets time pass until no callout of a guest is on its way.
    pub(crate) fn wait_for_callouts(&self) {
        self.stream.world.run_until_idle(IDLE_WAIT_MAX);
    }
}
