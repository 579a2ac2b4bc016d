//! One HTTP stream through a chain of filters: Envoy's `FilterManager` and the wasm filter's `Context`.
//!
//! No guest code is ever on the stack while the state of a stream is borrowed, so that host functions can use it.

mod action;
mod chain;
mod filter;
mod lifecycle;
mod local_reply;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::headers::{HeaderMap, MapKind};
use crate::info::StreamInfo;
use crate::message::{Message, Piece};
use crate::outcome::Callback;
use crate::plugin::Plugin;
use crate::root::Root;
use crate::transcript::Kind;
use crate::vm::{Answer, Vm};
use crate::world::World;

pub(crate) use action::Action;
pub use local_reply::LocalReply;

/// Request (towards the upstream) or response (towards the client).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

impl Direction {
    pub(crate) fn map_kind(self, trailers: bool) -> MapKind {
        match (self, trailers) {
            (Self::Request, false) => MapKind::Request,
            (Self::Request, true) => MapKind::RequestTrailers,
            (Self::Response, false) => MapKind::Response,
            (Self::Response, true) => MapKind::ResponseTrailers,
        }
    }
}

/// Where the bytes of a data callback are: just arrived, or in the buffer of the filter manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Chunk,
    Buffered,
}

/// Whether a filter lets the iteration pass (Envoy's `IterationState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Iteration {
    #[default]
    Continue,
    StopSingle,
    StopAllBuffer,
    StopAllWatermark,
}

/// How far a filter is in one direction.
#[derive(Clone, Debug, Default)]
struct Progress {
    iteration: Iteration,
    headers_continued: bool,
    end_stream: bool,
    iterate_from_current: bool,
}

impl Progress {
    fn stopped_all(&self) -> bool {
        matches!(
            self.iteration,
            Iteration::StopAllBuffer | Iteration::StopAllWatermark
        )
    }
}

/// What a wasm filter can reach of a message in one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) headers: bool,
    pub(crate) trailers: bool,
    pub(crate) body: Option<Source>,
    /// The last body callback answered `Pause`: the body is in the filter manager's buffer.
    pub(crate) buffering: bool,
}

/// One filter on this stream.
pub(crate) struct Filter {
    pub(crate) plugin: Rc<Plugin>,
    /// None for a plugin whose VM had failed when the stream began: it only answers 503.
    vm: Option<Rc<Vm>>,
    /// Keeps the root context alive as long as the stream is.
    _root: Option<Rc<Root>>,
    /// The id of the stream context; 0 without a VM.
    context: u32,
    /// `on_context_create` ran.
    created: bool,
    destroyed: bool,

    failure_reply_sent: bool,
    pub(crate) end_of_stream: bool,
    pub(crate) logging: bool,
    request: Progress,
    response: Progress,
    pub(crate) request_view: View,
    pub(crate) response_view: View,
}

impl Filter {
    fn progress(&mut self, direction: Direction) -> &mut Progress {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    pub(crate) fn view(&mut self, direction: Direction) -> &mut View {
        match direction {
            Direction::Request => &mut self.request_view,
            Direction::Response => &mut self.response_view,
        }
    }
}

/// One message on its way through the chain.
#[derive(Default)]
pub(crate) struct Half {
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) trailers: Option<HeaderMap>,
    /// The bytes that are just passing.
    pub(crate) chunk: Vec<u8>,
    /// What a filter that stopped the iteration left behind.
    pub(crate) buffered: Option<Vec<u8>>,
    /// Whether exceeding the limit slows the sender down instead of failing the stream.
    streaming: bool,
    over_limit: bool,
    /// The sender has sent everything.
    observed_end: bool,
    /// How much of the body arrived.
    pub(crate) received_bytes: u64,
    /// No filter may be called any more in this direction: a local reply was sent from one of its callbacks.
    aborted: bool,
    /// So many callbacks of this direction are running.
    calls: u32,
    limit: usize,
}

impl Half {
    pub(crate) fn bytes(&mut self, source: Source) -> &mut Vec<u8> {
        match source {
            Source::Chunk => &mut self.chunk,
            Source::Buffered => self.buffered.get_or_insert_default(),
        }
    }
}

/// The state of a stream.
pub(crate) struct StreamState {
    pub(crate) filters: Vec<Filter>,
    pub(crate) request: Half,
    pub(crate) response: Half,
    pub(crate) info: StreamInfo,
    pub(crate) filter_state: BTreeMap<String, Vec<u8>>,
    pub(crate) details: Option<String>,
    pub(crate) local_reply: Option<LocalReply>,
    prepared_reply: Option<LocalReply>,
    pub(crate) upstream: Message,
    pub(crate) client: Message,
    /// The response on the way to the client is Envoy's or a filter's own.
    response_is_local: bool,
    /// Nothing may happen any more but the last callbacks.
    pub(crate) ended: bool,
    /// The monotonic clock when it ended.
    pub(crate) ended_ns: Option<u64>,
    /// One of the sides went away.
    went_away: bool,
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) route_cache_cleared: u32,
}

impl StreamState {
    /// `%RESPONSE_CODE%`: known as soon as there are response headers.
    pub(crate) fn response_code(&self) -> Option<u32> {
        self.response
            .headers
            .as_ref()?
            .text(":status")?
            .parse()
            .ok()
    }

    /// Whether `%RESPONSE_FLAGS%` are empty as far as this host knows them.
    pub(crate) fn flags_are_clear(&self) -> bool {
        !self.went_away
    }

    pub(crate) fn half(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }
}

/// A stream. Always behind an `Rc`: contexts of VMs point to it.
pub(crate) struct Stream {
    pub(crate) id: u64,
    pub(crate) world: World,
    state: RefCell<StreamState>,
}

impl Stream {
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut StreamState) -> T) -> T {
        f(&mut self.state.borrow_mut())
    }

    pub(crate) fn new(
        world: &World,
        roots: &[(Rc<Plugin>, Option<Rc<Root>>)],
        info: StreamInfo,
        limits: (usize, usize),
    ) -> Rc<Self> {
        let id = world.with(crate::world::State::next_stream);
        let half = |limit| Half {
            limit,
            ..Half::default()
        };
        let state = StreamState {
            filters: Vec::new(),
            request: half(limits.0),
            response: half(limits.1),
            info,
            filter_state: BTreeMap::new(),
            details: None,
            local_reply: None,
            prepared_reply: None,
            upstream: Message::default(),
            client: Message::default(),
            response_is_local: false,
            ended: false,
            ended_ns: None,
            went_away: false,
            callbacks: Vec::new(),
            route_cache_cleared: 0,
        };
        let stream = Rc::new(Self {
            id,
            world: world.clone(),
            state: RefCell::new(state),
        });
        for (place, (plugin, root)) in roots.iter().enumerate() {
            let filter = stream.new_filter(place, plugin, root.clone());
            stream.with(|state| state.filters.push(filter));
        }
        stream
    }

    fn new_filter(
        self: &Rc<Self>,
        place: usize,
        plugin: &Rc<Plugin>,
        root: Option<Rc<Root>>,
    ) -> Filter {
        let context = root.as_ref().map_or(0, |root| {
            root.vm.with_state(|state| {
                state.add_context(Some(root.context), |_, of| {
                    crate::context::Context::of_stream(of, plugin, self, place)
                })
            })
        });
        Filter {
            plugin: Rc::clone(plugin),
            vm: root.as_ref().map(|root| Rc::clone(&root.vm)),
            _root: root,
            context,
            created: false,
            destroyed: false,

            failure_reply_sent: false,
            end_of_stream: false,
            logging: false,
            request: Progress::default(),
            response: Progress::default(),
            request_view: View::default(),
            response_view: View::default(),
        }
    }

    /// Something leaves for the upstream or for the client.
    fn leave(&self, direction: Direction, piece: Piece) {
        let to = match direction {
            Direction::Request => "upstream",
            Direction::Response => "client",
        };
        self.world
            .record(Kind::Out, format!("{to} #{} {piece}", self.id));
        self.with(|state| match direction {
            Direction::Request => state.upstream.push(piece),
            Direction::Response => state.client.push(piece),
        });
    }

    /// Something that the host does by itself.
    fn remark(&self, text: &str) {
        self.world
            .record(Kind::Host, format!("#{} {text}", self.id));
    }

    pub(crate) fn note_callback(
        &self,
        plugin: Option<&Plugin>,
        name: &str,
        answer: Answer,
        instructions: Option<u64>,
    ) {
        let callback = Callback {
            plugin: plugin.map(|plugin| plugin.name.clone()).unwrap_or_default(),
            name: name.trim_start_matches("proxy_").to_owned(),
            answer: match answer {
                Answer::Value(value) => Some(value),
                Answer::Missing | Answer::Failed => None,
            },
            instructions,
        };
        self.with(|state| state.callbacks.push(callback));
    }
}
