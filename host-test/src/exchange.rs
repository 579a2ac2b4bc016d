//! One HTTP exchange through the filters of a worker, driven step by step.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::headers::HeaderMap;
use crate::info::{Property, StreamInfo};
use crate::message::Message;
use crate::outcome::{Flow, Outcome};
use crate::script::{Request, Response, Upstream};
use crate::stream::{Direction, LocalReply, Stream, StreamState};
use crate::world::World;

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
