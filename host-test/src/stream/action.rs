//! What guests ask for and what waits until their code is no longer on the stack (Envoy's "after VM call actions").

use std::rc::Rc;

use super::{Direction, LocalReply, Source, Stream};
use crate::context::StreamLink;
use crate::vm::Vm;

/// A filter of a stream.
pub(crate) type FilterRef = StreamLink;

/// Something to do after a call.
pub(crate) enum Action {
    /// `proxy_continue_stream`.
    Continue(FilterRef, Direction),
    /// `proxy_close_stream`.
    Close(FilterRef),
    /// `proxy_send_local_response`.
    Reply(FilterRef, LocalReply),
    /// A guest wrote into a buffer, which may exceed its limit now.
    CheckLimit(FilterRef, Direction),
    /// `proxy_done` on a root context that had asked to wait.
    Done(u32),
}

impl Action {
    pub(crate) fn run(self, vm: &Rc<Vm>) {
        let on_stream = |filter: FilterRef, f: &dyn Fn(&Rc<Stream>, usize)| {
            if let Some(stream) = filter.stream.upgrade() {
                f(&stream, filter.filter);
            }
        };
        match self {
            Self::Continue(filter, direction) => {
                on_stream(filter, &|stream, place| {
                    stream.resume_by_guest(direction, place)
                });
            }
            Self::Close(filter) => on_stream(filter, &|stream, place| {
                if stream.may_be_answered(place, "closed") {
                    stream.end(Some(Direction::Response));
                }
            }),
            Self::Reply(filter, reply) => on_stream(filter, &|stream, place| {
                if stream.may_be_answered(place, "answered") {
                    stream.reply_locally(reply.clone());
                }
            }),
            Self::CheckLimit(filter, direction) => {
                on_stream(filter, &|stream, _| {
                    stream.buffer(direction, Source::Buffered)
                });
            }
            Self::Done(root) => crate::root::delete(vm, root),
        }
    }
}

impl Stream {
    /// Resuming what is not held does nothing, except where Envoy cannot take it: before there are headers it crashes, and
    /// while they are on their way they leave twice.
    fn resume_by_guest(self: &Rc<Self>, direction: Direction, filter: usize) {
        let (headers, over) =
            self.with(|state| (state.half(direction).headers.is_some(), state.ended));
        if over {
            return;
        }
        if !headers {
            self.misuse(
                filter,
                &format!("resumed a {direction:?} that has no headers yet"),
            );
            return;
        }
        if self.headers_on_their_way(direction, filter) {
            self.misuse(
                filter,
                &format!("resumed a {direction:?} in the callback of its headers"),
            );
            return;
        }
        self.resume(direction, filter);
    }

    /// Whether a guest may still end the stream. In its last callbacks it may not: Envoy dies of that.
    fn may_be_answered(&self, filter: usize, what: &str) -> bool {
        let over = self.with(|state| state.ended);
        if over {
            self.misuse(filter, &format!("{what} a stream that is over"));
        }
        !over
    }

    fn misuse(&self, filter: usize, text: &str) {
        let name = self.with(|state| state.filters.get(filter).map(|f| f.plugin.name.clone()));
        self.world.misuse(format!(
            "{} {text} (#{})",
            name.unwrap_or_default(),
            self.id
        ));
    }
}
