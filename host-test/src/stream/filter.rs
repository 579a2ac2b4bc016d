//! What Envoy's wasm filter does around each callback (source/extensions/common/wasm/context.cc and the C++ host's
//! context.cc): what the guest can reach during and after it, and what its answer means.

use std::rc::Rc;

use super::chain::{DataStatus, HeadersStatus, TrailersStatus};
use super::{Direction, LocalReply, Source, Stream};

use crate::vm::{Answer, Vm};

/// The details of the 503 for a stream whose VM has failed.
const FAIL_STREAM: &str = "wasm_fail_stream";

impl Stream {
    /// VM and context of a filter; none if its VM had failed when the stream began.
    fn vm_of(&self, filter: usize) -> Option<(Rc<Vm>, u32)> {
        self.with(|state| {
            let filter = state.filters.get(filter)?;
            Some((filter.vm.clone()?, filter.context))
        })
    }

    fn create_context(self: &Rc<Self>, filter: usize) {
        let created = self.with(|state| {
            state
                .filters
                .get_mut(filter)
                .is_none_or(|filter| std::mem::replace(&mut filter.created, true))
        });
        let root = |vm: &Rc<Vm>, context| {
            vm.with_state(|state| state.contexts.get(&context).map_or(0, |c| c.root))
        };
        if let (false, Some((vm, context))) = (created, self.vm_of(filter)) {
            vm.notify(
                context,
                "proxy_on_context_create",
                &[context, root(&vm, context)],
            );
        }
    }

    /// Runs a callback that decides about the iteration, and says whether the guest asked for a local reply meanwhile.
    /// `None` when the VM has failed.
    fn decide(
        self: &Rc<Self>,
        filter: usize,
        name: &str,
        arguments: &[u32],
    ) -> Option<(Answer, bool)> {
        let Some((vm, context)) = self.vm_of(filter) else {
            return self.fail(filter);
        };
        let mut all = vec![context];
        all.extend_from_slice(arguments);
        let answer = vm.call(context, name, &all);
        if answer == Answer::Failed {
            let outcome = self.fail(filter);
            vm.settle();
            return outcome;
        }
        let stopped = vm.with_state(|state| state.stop_iteration);
        vm.settle();
        Some((answer, stopped))
    }

    /// The VM of a filter has failed: the stream ends with a 503. So it does under every policy; only streams that begin
    /// later go on without the filter if the policy is to fail open.
    fn fail(self: &Rc<Self>, filter: usize) -> Option<(Answer, bool)> {
        let failed_before = self.with(|state| {
            let filter = state.filters.get_mut(filter);
            filter.is_none_or(|filter| std::mem::replace(&mut filter.failure_reply_sent, true))
        });
        if !failed_before {
            self.reply_locally(LocalReply::new(503, "", FAIL_STREAM));
        }
        None
    }

    /// Whether the guest must be spared: it never saw the request, or its failure has been answered.
    fn spared(&self, direction: Direction, filter: usize) -> bool {
        self.with(|state| {
            state.filters.get(filter).is_none_or(|filter| {
                !filter.created || (direction == Direction::Response && filter.failure_reply_sent)
            })
        })
    }

    pub(super) fn filter_headers(
        self: &Rc<Self>,
        direction: Direction,
        filter: usize,
        end_stream: bool,
    ) -> HeadersStatus {
        match direction {
            Direction::Request => self.create_context(filter),
            Direction::Response if self.spared(direction, filter) => {
                return HeadersStatus::Continue;
            }
            Direction::Response => {}
        }
        let count = self.with(|state| {
            if let Some(filter) = state.filters.get_mut(filter) {
                filter.view(direction).headers = true;
                filter.end_of_stream = end_stream;
            }
            length(
                state
                    .half(direction)
                    .headers
                    .as_ref()
                    .map_or(0, crate::HeaderMap::len),
            )
        });
        let name = match direction {
            Direction::Request => "proxy_on_request_headers",
            Direction::Response => "proxy_on_response_headers",
        };
        let status = match self.decide(filter, name, &[count, u32::from(end_stream)]) {
            None | Some((Answer::Failed, _)) | Some((_, true)) => {
                HeadersStatus::StopAllAndWatermark
            }
            Some((Answer::Missing, false)) => HeadersStatus::Continue,
            Some((Answer::Value(value), false)) => self.headers_status(filter, value),
        };
        if status == HeadersStatus::Continue {
            self.unview(direction, filter, |view| view.headers = false);
        }
        status
    }

    /// The meaning of the numbers is that of `FilterHeadersStatus` in proxy-wasm-cpp-sdk.
    fn headers_status(&self, filter: usize, value: u32) -> HeadersStatus {
        let allowed = self.with(|state| {
            state
                .filters
                .get(filter)
                .is_some_and(|f| f.plugin.allow_on_headers_stop_iteration)
        });
        match value {
            0 | 2 => HeadersStatus::Continue,
            1 if allowed => HeadersStatus::StopIteration,
            3 => HeadersStatus::StopAllAndBuffer,
            _ => HeadersStatus::StopAllAndWatermark,
        }
    }

    pub(super) fn filter_data(
        self: &Rc<Self>,
        direction: Direction,
        filter: usize,
        source: Source,
        end_stream: bool,
    ) -> DataStatus {
        if self.spared(direction, filter) {
            return DataStatus::Continue;
        }
        let buffering = self.with(|state| {
            state
                .filters
                .get_mut(filter)
                .is_some_and(|f| f.view(direction).buffering)
        });
        if buffering {
            self.with(|state| state.half(direction).streaming = false);
            self.buffer(direction, source);
            if self.with(|state| state.ended) {
                return DataStatus::StopAndBuffer;
            }
        }
        let size = self.with(|state| {
            if let Some(filter) = state.filters.get_mut(filter) {
                filter.view(direction).body = Some(source);
                filter.end_of_stream = end_stream;
            }
            length(
                state
                    .half(direction)
                    .bytes(if buffering { Source::Buffered } else { source })
                    .len(),
            )
        });
        let name = match direction {
            Direction::Request => "proxy_on_request_body",
            Direction::Response => "proxy_on_response_body",
        };
        let status = match self.decide(filter, name, &[size, u32::from(end_stream)]) {
            None | Some((Answer::Failed, _)) | Some((_, true)) => DataStatus::StopNoBuffer,
            Some((Answer::Missing, false)) => DataStatus::Continue,
            Some((Answer::Value(value), false)) => match value {
                0 => DataStatus::Continue,
                1 => DataStatus::StopAndBuffer,
                2 => DataStatus::StopAndWatermark,
                _ => DataStatus::StopNoBuffer,
            },
        };
        if buffering && source == Source::Chunk && status == DataStatus::Continue {
            self.unbuffer_if_passing(direction, filter);
        }
        self.unview(direction, filter, |view| {
            view.buffering = status == DataStatus::StopAndBuffer;
            if status == DataStatus::Continue {
                view.body = None;
            }
        });
        status
    }

    pub(super) fn filter_trailers(
        self: &Rc<Self>,
        direction: Direction,
        filter: usize,
    ) -> TrailersStatus {
        if self.spared(direction, filter) {
            return TrailersStatus::Continue;
        }
        let count = self.with(|state| {
            if let Some(filter) = state.filters.get_mut(filter) {
                filter.view(direction).trailers = true;
            }
            length(
                state
                    .half(direction)
                    .trailers
                    .as_ref()
                    .map_or(0, crate::HeaderMap::len),
            )
        });
        let name = match direction {
            Direction::Request => "proxy_on_request_trailers",
            Direction::Response => "proxy_on_response_trailers",
        };
        let status = match self.decide(filter, name, &[count]) {
            Some((Answer::Missing | Answer::Value(0), false)) => TrailersStatus::Continue,
            None | Some(_) => TrailersStatus::Stop,
        };
        if status == TrailersStatus::Continue {
            self.unview(direction, filter, |view| view.trailers = false);
        }
        status
    }

    fn unview(&self, direction: Direction, filter: usize, f: impl FnOnce(&mut super::View)) {
        self.with(|state| {
            state
                .filters
                .get_mut(filter)
                .map(|filter| f(filter.view(direction)))
        });
    }

    /// The last callbacks of all filters: the log for each, then done and delete for each, in the chain's order.
    pub(super) fn run_last_callbacks(self: &Rc<Self>) {
        let count = self.with(|state| state.filters.len());
        for filter in 0..count {
            self.create_context(filter);
            self.with(|state| state.filters.get_mut(filter).map(|f| f.logging = true));
            if let Some((vm, context)) = self.vm_of(filter) {
                vm.notify(context, "proxy_on_log", &[context]);
            }
            self.with(|state| state.filters.get_mut(filter).map(|f| f.logging = false));
        }
        for filter in 0..count {
            let destroyed = self.with(|state| {
                state
                    .filters
                    .get_mut(filter)
                    .is_none_or(|f| !f.created || std::mem::replace(&mut f.destroyed, true))
            });
            if let (false, Some((vm, context))) = (destroyed, self.vm_of(filter)) {
                vm.notify(context, "proxy_on_done", &[context]);
                vm.notify(context, "proxy_on_delete", &[context]);
                vm.with_state(|state| state.contexts.remove(&context));
            }
        }
    }
}

fn length(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
