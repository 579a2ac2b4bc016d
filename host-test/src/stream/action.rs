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
                on_stream(filter, &|stream, place| stream.resume(direction, place))
            }
            Self::Close(filter) => {
                on_stream(filter, &|stream, _| stream.end(Some(Direction::Response)))
            }
            Self::Reply(filter, reply) => {
                on_stream(filter, &|stream, _| stream.reply_locally(reply.clone()))
            }
            Self::CheckLimit(filter, direction) => {
                on_stream(filter, &|stream, _| {
                    stream.buffer(direction, Source::Buffered)
                });
            }
            Self::Done(root) => {
                vm.notify(root, "proxy_on_delete", &[root]);
                vm.with_state(|state| state.contexts.remove(&root));
            }
        }
    }
}
