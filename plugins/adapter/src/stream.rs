//! One HTTP stream: callbacks in, steps out.

use crate::abi::{self, Buffer, Half, Level, Map};
use crate::headers::Field;
use crate::host::{self, SharedData};
use crate::{headers, metrics, verified};
use portcullis_chain::{Exchange, Origin, Step, Turn};
use portcullis_policy::{HeaderEdit, Reason, Refusal, Timestamp};
use portcullis_wire::{Dialect, LocalReply, refusal};
use std::time::Duration;

/// What becomes of a message for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Action {
    /// It goes on.
    Continue = 0,
    /// It waits, or what waits was answered already.
    Pause = 1,
}

/// Which way a message goes, with the host's names for its parts.
#[derive(Clone, Copy)]
enum Way {
    Request,
    Response,
}

impl Way {
    const fn buffer(self) -> Buffer {
        match self {
            Self::Request => Buffer::RequestBody,
            Self::Response => Buffer::ResponseBody,
        }
    }

    const fn map(self) -> Map {
        match self {
            Self::Request => Map::RequestHeaders,
            Self::Response => Map::ResponseHeaders,
        }
    }

    const fn trailers(self) -> Map {
        match self {
            Self::Request => Map::RequestTrailers,
            Self::Response => Map::ResponseTrailers,
        }
    }
}

/// A stream of the host and the exchange on it.
pub(crate) struct Stream {
    /// `None` when the VM was never configured: everything is refused then.
    exchange: Option<Exchange>,
    /// How much of the buffered body has been read: the host shows it from its beginning while it is held.
    request_seen: usize,
    response_seen: usize,
    /// How many steps there were.
    steps: u32,
    /// How long they took, where this exchange is timed.
    worked: Option<Duration>,
}

/// So many steps are timed one by one: all of an exchange that is no long stream.
const STEPS_TIMED_EACH: u32 = 64;

/// Of the steps after those, so many are as long as the one that is timed: in a stream they are alike, and the clock is a call.
const STEPS_ALIKE: u32 = 16;

/// What a client reads of a message that the host did not show.
const UNREAD: &str = "The gateway could not read this message.";

/// For how many steps the time of this one stands, the first being 0; `None` where it need not be known.
const fn stands_for(step: u32) -> Option<u32> {
    if step < STEPS_TIMED_EACH {
        Some(1)
    } else if step.is_multiple_of(STEPS_ALIKE) {
        Some(STEPS_ALIKE)
    } else {
        None
    }
}

impl Stream {
    pub(crate) fn new(exchange: Option<Exchange>) -> Self {
        Self {
            exchange,
            request_seen: 0,
            response_seen: 0,
            steps: 0,
            worked: metrics::times_next().then_some(Duration::ZERO),
        }
    }

    /// Runs one step of the exchange and carries it out.
    /// `fields` are those of the message at hand, where they were read just now.
    fn step(
        &mut self,
        way: Way,
        fields: Option<&[Field<'_>]>,
        run: &mut dyn FnMut(&mut Exchange, &mut Turn<'_>) -> Step,
    ) -> Action {
        let Some(exchange) = &mut self.exchange else {
            return reply(&unavailable("The gateway is not configured."));
        };
        let now = host::now();
        let mut store = SharedData;
        let mut turn = Turn {
            now,
            store: &mut store,
            filter_state: &host::filter_state,
        };
        let step = run(exchange, &mut turn);
        self.carry_out(now, way, fields, step)
    }

    /// Carries out what the exchange said at `now`.
    #[inline(never)]
    fn carry_out(
        &mut self,
        now: Timestamp,
        way: Way,
        fields: Option<&[Field<'_>]>,
        step: Step,
    ) -> Action {
        let Some(exchange) = &mut self.exchange else {
            return Action::Pause;
        };
        let trailer_edits = exchange.take_trailer_edits();
        let edited = edit_fields(way.map(), fields, &exchange.take_header_edits())
            .and_then(|()| edit_fields(way.trailers(), None, &trailer_edits));
        let step = match edited {
            Ok(()) => step,
            // A credential that could not be removed must not travel.
            Err(_) if matches!(step, Step::Reply(_)) => step,
            Err(_) => {
                abi::log(
                    Level::Error,
                    "portcullis: the host refused a header edit, so the exchange was refused",
                );
                let message = "The gateway could not prepare this message.";
                let mut store = SharedData;
                let mut turn = Turn {
                    now,
                    store: &mut store,
                    filter_state: &host::filter_state,
                };
                exchange.give_up(&mut turn, message)
            }
        };
        let action = perform(way, step).unwrap_or_else(|_| {
            abi::log(
                Level::Error,
                "portcullis: the host refused an edited body, so the stream was closed",
            );
            abi::close_stream(Half::Response);
            exchange.was_cut_off();
            Action::Pause
        });
        publish(exchange);
        if let Some(worked) = &mut self.worked
            && let Some(steps) = stands_for(self.steps)
        {
            *worked = worked.saturating_add(host::now().since(now).saturating_mul(steps));
        }
        self.steps = self.steps.saturating_add(1);
        action
    }

    /// Reads what is new of a body, as long as the exchange wants to see it.
    fn body(&mut self, way: Way, size: usize, complete: bool) -> Action {
        let wanted = self.exchange.as_ref().is_none_or(|exchange| match way {
            Way::Request => exchange.reads_request(),
            Way::Response => exchange.reads_response(),
        });
        if !wanted && !complete {
            return Action::Continue;
        }
        let seen = match way {
            Way::Request => &mut self.request_seen,
            Way::Response => &mut self.response_seen,
        };
        let start = *seen;
        let chunk = if wanted && size > start {
            abi::buffer(way.buffer(), start, size - start)
        } else {
            Ok(Vec::new())
        };
        let Ok(chunk) = chunk else {
            abi::log(
                Level::Error,
                "portcullis: the host does not show a body, so the exchange was refused",
            );
            return self.step(way, None, &mut |exchange, turn| {
                exchange.give_up(turn, UNREAD)
            });
        };
        *seen = size;
        let action = self.step(way, None, &mut |exchange, turn| match way {
            Way::Request => exchange.request_data(turn, &chunk, complete),
            Way::Response => exchange.response_data(turn, &chunk, complete),
        });
        if matches!(action, Action::Continue) {
            // What went on is no longer in the buffer.
            match way {
                Way::Request => self.request_seen = 0,
                Way::Response => self.response_seen = 0,
            }
        }
        action
    }

    fn fields(
        &mut self,
        way: Way,
        map: Map,
        run: &mut dyn FnMut(&mut Exchange, &mut Turn<'_>, &[Field<'_>]) -> Step,
    ) -> Action {
        let pairs = abi::header_pairs(map);
        let Some(fields) = pairs.as_deref().ok().and_then(headers::parse) else {
            abi::log(
                Level::Error,
                "portcullis: the host does not show headers, so the exchange was refused",
            );
            return self.step(way, None, &mut |exchange, turn| {
                exchange.give_up(turn, UNREAD)
            });
        };
        let of_head = (map == way.map()).then_some(fields.as_slice());
        self.step(way, of_head, &mut |exchange, turn| {
            run(exchange, turn, &fields)
        })
    }

    fn trailers(&mut self, way: Way) -> Action {
        self.fields(
            way,
            way.trailers(),
            &mut |exchange, turn, fields| match way {
                Way::Request => exchange.request_trailers(turn, fields),
                Way::Response => exchange.response_trailers(turn, fields),
            },
        )
    }

    /// Request headers are there.
    pub fn request_headers(&mut self, end_of_stream: bool) -> Action {
        if let Some(exchange) = &mut self.exchange
            && !exchange.attributes().is_empty()
        {
            let attributes = verified::read(exchange.attributes());
            exchange.attest(attributes);
        }
        self.fields(
            Way::Request,
            Map::RequestHeaders,
            &mut |exchange, turn, fields| {
                exchange.request_head(turn, fields, &host::source, end_of_stream)
            },
        )
    }

    /// A piece of the request's body is there, or all so far where it waits.
    pub fn request_body(&mut self, body_size: usize, end_of_stream: bool) -> Action {
        self.body(Way::Request, body_size, end_of_stream)
    }

    /// The request ended with trailers.
    pub fn request_trailers(&mut self) -> Action {
        self.trailers(Way::Request)
    }

    /// Response headers are there.
    pub fn response_headers(&mut self, end_of_stream: bool) -> Action {
        let origin = || {
            if host::from_upstream() {
                Origin::Provider
            } else {
                Origin::Proxy
            }
        };
        self.fields(
            Way::Response,
            Map::ResponseHeaders,
            &mut |exchange, turn, fields| {
                exchange.response_head(turn, fields, &origin, end_of_stream)
            },
        )
    }

    /// As with the request's.
    pub fn response_body(&mut self, body_size: usize, end_of_stream: bool) -> Action {
        self.body(Way::Response, body_size, end_of_stream)
    }

    /// The response ended with trailers.
    pub fn response_trailers(&mut self) -> Action {
        self.trailers(Way::Response)
    }

    /// It is over.
    pub fn log(&mut self) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let mut store = SharedData;
        let now = host::now();
        let mut turn = Turn {
            now,
            store: &mut store,
            filter_state: &host::filter_state,
        };
        if !exchange.saw_request() {
            let pairs = abi::header_pairs(Map::RequestHeaders);
            let fields = pairs
                .as_deref()
                .ok()
                .and_then(headers::parse)
                .unwrap_or_default();
            exchange.request_unseen(&turn, &fields, host::source(), host::request_age());
        }
        exchange.end(&mut turn, &host::response_status);
        publish(exchange);
        if let Some(worked) = &mut self.worked {
            *worked = worked.saturating_add(host::now().since(now));
        }
        metrics::record_exchange_time(self.worked);
    }
}

/// A stream of which nothing is known: what comes by unseen must not go on.
pub(crate) fn refuse_unknown() -> Action {
    reply(&unavailable("The gateway does not know this stream."))
}

/// Carries out what the exchange wants done with the message; an error where the host refuses an edited body.
fn perform(way: Way, step: Step) -> Result<Action, abi::Failure> {
    Ok(match step {
        Step::Pass | Step::Release(None) => Action::Continue,
        Step::Hold => Action::Pause,
        Step::Replace(bytes) | Step::Release(Some(bytes)) => {
            abi::replace_buffer(way.buffer(), &bytes)?;
            Action::Continue
        }
        Step::Reply(local) => reply(&local),
    })
}

fn reply(local: &LocalReply) -> Action {
    let fields = headers::serialize(&local.headers);
    if abi::send_local_response(local.status, "portcullis", &fields, &local.body).is_err() {
        abi::close_stream(Half::Response);
    }
    Action::Pause
}

/// A refusal for what cannot be anybody's fault but ours or the host's.
fn unavailable(message: &'static str) -> LocalReply {
    refusal(
        Dialect::OpenAi,
        &Refusal::new(Reason::PolicyUnavailable, message),
        "",
    )
}

#[inline(never)]
fn edit_fields(
    map: Map,
    fields: Option<&[Field<'_>]>,
    edits: &[HeaderEdit],
) -> Result<(), abi::Failure> {
    for (index, edit) in edits.iter().enumerate() {
        match edit {
            HeaderEdit::Remove(name) => abi::remove_header(map, name)?,
            // Twice as fast as looking for what it could replace.
            HeaderEdit::Set(name, value) if is_new(name, fields, edits.iter().take(index)) => {
                abi::add_header(map, name, value)?;
            }
            HeaderEdit::Set(name, value) => abi::replace_header(map, name, value)?,
        }
    }
    Ok(())
}

/// Whether a message has no field of this name: it came with none, and none was set since.
fn is_new<'a>(
    name: &str,
    fields: Option<&[Field<'_>]>,
    mut before: impl Iterator<Item = &'a HeaderEdit>,
) -> bool {
    let came = |fields: &[Field<'_>]| fields.iter().any(|(came, _)| *came == name);
    let set = |edit: &HeaderEdit| matches!(edit, HeaderEdit::Set(set, _) if set == name);
    fields.is_some_and(|fields| !came(fields)) && !before.any(set)
}

/// Writes new facts to filter state, and counts.
fn publish(exchange: &mut Exchange) {
    exchange.write_filter_state(&mut |name, value| {
        if abi::set_property(name, value.as_bytes()).is_err() {
            abi::log(
                Level::Warn,
                &format!("portcullis: the host refused to keep {name}"),
            );
        }
    });
    for (metric, by) in exchange.take_metrics() {
        metrics::count(metric, by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_that_are_timed_stand_for_all() {
        let times: u32 = (0..STEPS_TIMED_EACH + 10 * STEPS_ALIKE)
            .filter_map(stands_for)
            .sum();
        assert_eq!(times, STEPS_TIMED_EACH + 10 * STEPS_ALIKE);
    }

    #[test]
    fn a_field_is_new_that_neither_came_nor_was_set() {
        let set = |name: &'static str| HeaderEdit::Set(name.into(), String::new());
        let edits = [set("b"), HeaderEdit::Remove("c".into())];
        let fields: [Field<'_>; 1] = [("a", b"")];
        let new = |name| is_new(name, Some(&fields), edits.iter());
        assert_eq!(["a", "b", "c"].map(new), [false, false, true]);
        assert!(!is_new("c", None, edits.iter()), "nothing is known of it");
    }
}
