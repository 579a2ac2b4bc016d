//! One HTTP stream of the native engine: what Envoy does with a message between the filter's callbacks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use portcullis_chain::{Exchange, Origin, Step, Turn, names};
use portcullis_policy::{HeaderEdit, Store, Timestamp};
use portcullis_wire::LocalReply;

use crate::bytes::Field;
use crate::engine::{Message, Seen};
use crate::metric_name;
use crate::resolve::{Call, Reply, Response};
use crate::verified::Verified;

/// What the host keeps of a message on its way.
#[derive(Default)]
struct Half {
    headers: Vec<Field>,
    trailers: Vec<Field>,
    held: Vec<u8>,
    headers_held: bool,
}

/// One HTTP stream, with the host's side of it.
pub struct Stream {
    exchange: Exchange,
    store: Rc<RefCell<dyn Store>>,
    clock: Rc<Cell<u64>>,
    request: Half,
    response: Half,
    seen: Seen,
    answered: bool,
    /// `response.code`, which Envoy knows as soon as the provider's head has come, whether or not the client gets it.
    code: u16,
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Response,
}

impl Stream {
    /// One that the host calls `request_id`.
    pub(super) fn new(
        exchange: Exchange,
        store: Rc<RefCell<dyn Store>>,
        clock: Rc<Cell<u64>>,
        request_id: String,
    ) -> Self {
        Self {
            exchange,
            store,
            clock,
            request: Half::default(),
            response: Half::default(),
            seen: Seen {
                request_id,
                ..Seen::default()
            },
            answered: false,
            code: 0,
            over: false,
        }
    }

    /// The client sends its request, as far as it goes.
    pub fn request(&mut self, call: &Call) {
        let mut events = call.leaves_after.unwrap_or(usize::MAX);
        let mut next = || {
            let goes_on = events > 0;
            events = events.saturating_sub(1);
            goes_on
        };
        let bodiless = call.pieces.is_empty() && call.trailers.is_none();
        if !next() {
            return self.end(0);
        }
        self.request_head(call, bodiless);
        let last = call.pieces.len().saturating_sub(1);
        for (index, piece) in call.pieces.iter().enumerate() {
            if !next() {
                return self.end(0);
            }
            self.request_data(piece, index == last && call.trailers.is_none());
        }
        if let Some(trailers) = &call.trailers {
            if !next() {
                return self.end(0);
            }
            self.request_trailers(trailers);
        }
        if !next() {
            self.end(0);
        }
    }

    /// The provider does its part, if the request has reached it; then the stream is over.
    pub fn answer(&mut self, reply: &Reply) -> Seen {
        if !self.over && self.seen.provider.complete {
            self.respond(reply);
        }
        if !self.over {
            // Nobody says anything any more: the client leaves.
            self.end(0);
        }
        self.seen.clone()
    }

    fn respond(&mut self, reply: &Reply) {
        let Some(response) = &reply.response else {
            return;
        };
        for event in 0..=response.pieces.len() + 1 {
            if self.over {
                return;
            }
            if reply.client_leaves_after == Some(event) {
                return self.end(self.code);
            }
            if reply.cut_after == Some(event) {
                return self.provider_cuts(event == 0);
            }
            self.response_event(response, event);
        }
    }

    /// The event of this number: the head, a piece, the trailers.
    fn response_event(&mut self, response: &Response, event: usize) {
        let count = response.pieces.len();
        match event.checked_sub(1) {
            None => self.response_head(response, count == 0 && response.trailers.is_none()),
            Some(index) => match (response.pieces.get(index), &response.trailers) {
                (Some(piece), trailers) => {
                    self.response_data(piece, index + 1 == count && trailers.is_none());
                }
                (None, Some(trailers)) => self.response_trailers(trailers),
                (None, None) => {}
            },
        }
    }

    fn provider_cuts(&mut self, before_head: bool) {
        if before_head {
            let reply = LocalReply {
                status: 503,
                headers: vec![("content-type", "text/plain".to_owned())],
                body: b"upstream connect error or disconnect/reset before headers. reset reason: connection termination".to_vec(),
            };
            self.local_reply(reply);
        } else {
            self.end(self.code);
        }
    }

    /// Headers of the request.
    pub fn request_head(&mut self, call: &Call, complete: bool) {
        self.request.headers = call.headers.clone();
        let id = self.seen.request_id.clone().into_bytes();
        self.request.headers.push(("x-request-id".into(), id));
        let fields = self.request.headers.clone();
        let fields = borrowed(&fields);
        let source = Some(call.source);
        self.exchange
            .attest(Verified::wanted(&call.verified, self.exchange.attributes()));
        let step =
            self.run(|exchange, turn| exchange.request_head(turn, &fields, &|| source, complete));
        self.edit(Way::Request);
        self.pass_head(Way::Request, step, complete);
    }

    /// A piece of its body.
    pub fn request_data(&mut self, piece: &[u8], complete: bool) {
        if self.over || self.answered {
            return;
        }
        let step = self.run(|exchange, turn| exchange.request_data(turn, piece, complete));
        self.edit(Way::Request);
        self.pass_data(Way::Request, step, piece, complete);
    }

    fn request_trailers(&mut self, trailers: &[Field]) {
        if self.over || self.answered {
            return;
        }
        self.request.trailers = trailers.to_vec();
        let fields = borrowed(trailers);
        let step = self.run(|exchange, turn| exchange.request_trailers(turn, &fields));
        self.edit(Way::Request);
        self.pass_data(Way::Request, step, &[], false);
        if !self.over && !self.answered {
            self.seen.provider.trailers = self.request.trailers.clone();
            self.seen.provider.complete = true;
        }
    }

    fn response_head(&mut self, response: &Response, complete: bool) {
        self.code = response.status;
        self.answer_head(
            response.status,
            response.headers.clone(),
            Origin::Provider,
            complete,
        );
    }

    /// The head of an answer, whoever made it.
    fn answer_head(&mut self, status: u16, headers: Vec<Field>, origin: Origin, complete: bool) {
        let status = (":status".to_owned(), status.to_string().into_bytes());
        self.response.headers = [vec![status], headers].concat();
        let fields = self.response.headers.clone();
        let fields = borrowed(&fields);
        let step =
            self.run(|exchange, turn| exchange.response_head(turn, &fields, &|| origin, complete));
        self.edit(Way::Response);
        self.pass_head(Way::Response, step, complete);
    }

    fn response_data(&mut self, piece: &[u8], complete: bool) {
        if self.over {
            return;
        }
        let step = self.run(|exchange, turn| exchange.response_data(turn, piece, complete));
        self.edit(Way::Response);
        self.pass_data(Way::Response, step, piece, complete);
    }

    fn response_trailers(&mut self, trailers: &[Field]) {
        if self.over {
            return;
        }
        self.response.trailers = trailers.to_vec();
        let fields = borrowed(trailers);
        let step = self.run(|exchange, turn| exchange.response_trailers(turn, &fields));
        self.edit(Way::Response);
        self.pass_data(Way::Response, step, &[], false);
        if !self.over {
            self.seen.client.trailers = self.response.trailers.clone();
            self.seen.client.complete = true;
            self.end(self.seen.client.status());
        }
    }

    /// Carries out a step that concerns headers.
    fn pass_head(&mut self, way: Way, step: Step, complete: bool) {
        match step {
            Step::Pass | Step::Release(None) => self.headers_leave(way, complete),
            Step::Hold => self.half(way).headers_held = true,
            Step::Release(Some(_)) | Step::Replace(_) => {
                self.complain("a body before there is one");
            }
            Step::Reply(reply) => self.reply(way, reply),
        }
    }

    /// Carries out a step that concerns a body.
    fn pass_data(&mut self, way: Way, step: Step, piece: &[u8], complete: bool) {
        match step {
            Step::Hold => self.half(way).held.extend_from_slice(piece),
            Step::Pass => {
                let mut bytes = std::mem::take(&mut self.half(way).held);
                bytes.extend_from_slice(piece);
                self.data_leaves(way, &bytes, complete);
            }
            Step::Replace(bytes) => self.data_leaves(way, &bytes, complete),
            Step::Release(body) => {
                let mut held = std::mem::take(&mut self.half(way).held);
                held.extend_from_slice(piece);
                self.data_leaves(way, &body.unwrap_or(held), complete);
            }
            Step::Reply(reply) => self.reply(way, reply),
        }
    }

    /// Answers in place of whoever else would.
    fn reply(&mut self, way: Way, reply: LocalReply) {
        match way {
            Way::Request => self.local_reply(reply),
            Way::Response => self.reply_past_filters(reply),
        }
    }

    fn data_leaves(&mut self, way: Way, bytes: &[u8], complete: bool) {
        if self.half(way).headers_held {
            self.headers_leave(way, false);
        }
        let message = self.message(way);
        message.body.extend_from_slice(bytes);
        message.complete |= complete;
        if complete && way == Way::Response {
            self.end(self.seen.client.status());
        }
    }

    fn headers_leave(&mut self, way: Way, complete: bool) {
        self.half(way).headers_held = false;
        let headers = self.half(way).headers.clone();
        let message = self.message(way);
        message.began = true;
        message.headers = headers;
        message.complete = complete;
        if complete && way == Way::Response {
            self.end(self.seen.client.status());
        }
    }

    /// A reply that takes the place of the provider's answer passes the filter again.
    fn local_reply(&mut self, reply: LocalReply) {
        self.answered = true;
        let mut headers: Vec<Field> = reply
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()))
            .collect();
        let head_only =
            crate::bytes::text(&self.request.headers, ":method").as_deref() == Some("HEAD");
        let body = if head_only { Vec::new() } else { reply.body };
        headers.push(("content-length".into(), body.len().to_string().into_bytes()));
        let complete = body.is_empty();
        self.answer_head(reply.status, headers, Origin::Proxy, complete);
        if !complete {
            self.response_data(&body, true);
        }
    }

    /// A reply from a response callback goes directly to the client.
    fn reply_past_filters(&mut self, reply: LocalReply) {
        let status = (":status".to_owned(), reply.status.to_string().into_bytes());
        let headers = reply
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_bytes()));
        self.seen.client = Message {
            began: true,
            complete: true,
            headers: [status].into_iter().chain(headers).collect(),
            body: reply.body,
            trailers: Vec::new(),
        };
        self.end(reply.status);
    }

    /// The stream is over; `status` is what the client got.
    pub fn end(&mut self, status: u16) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let (clock, store) = (self.clock.get(), Rc::clone(&self.store));
        let mut store = store.borrow_mut();
        let mut turn = Turn {
            now: Timestamp::from_nanos(clock),
            store: &mut *store,
            filter_state: &|_| None,
        };
        self.exchange.end(&mut turn, &|| status);
        drop(store);
        self.publish();
        let record = self.seen.state.get(names::AUDIT).cloned();
        self.seen.records = record
            .iter()
            .flat_map(|text| text.lines())
            .map(str::to_owned)
            .collect();
    }

    /// What is known so far.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    fn run(&mut self, step: impl FnOnce(&mut Exchange, &mut Turn<'_>) -> Step) -> Step {
        let store = Rc::clone(&self.store);
        let mut store = store.borrow_mut();
        let mut turn = Turn {
            now: Timestamp::from_nanos(self.clock.get()),
            store: &mut *store,
            filter_state: &|_| None,
        };
        let step = step(&mut self.exchange, &mut turn);
        drop(store);
        step
    }

    /// Carries out edits of fields, then writes facts down, in the adapter's order.
    fn edit(&mut self, way: Way) {
        let (of_head, of_trailers) = (
            self.exchange.take_header_edits(),
            self.exchange.take_trailer_edits(),
        );
        let half = self.half(way);
        edit(&mut half.headers, of_head);
        edit(&mut half.trailers, of_trailers);
        self.publish();
    }

    fn publish(&mut self) {
        let state = &mut self.seen.state;
        self.exchange.write_filter_state(&mut |name, value| {
            state.insert(name.to_owned(), value.to_owned());
        });
        for (metric, by) in self.exchange.take_metrics() {
            *self.seen.metrics.entry(metric_name(&metric)).or_default() += by;
        }
    }

    /// A step that the adapter would not know how to carry out: shows in the log, which is asserted to be empty.
    fn complain(&mut self, what: &str) {
        self.seen.log.push_str(what);
        self.seen.log.push('\n');
    }

    const fn half(&mut self, way: Way) -> &mut Half {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    const fn message(&mut self, way: Way) -> &mut Message {
        match way {
            Way::Request => &mut self.seen.provider,
            Way::Response => &mut self.seen.client,
        }
    }
}

fn edit(fields: &mut Vec<Field>, edits: Vec<HeaderEdit>) {
    for edit in edits {
        match edit {
            HeaderEdit::Remove(name) => fields.retain(|(have, _)| *have != name),
            HeaderEdit::Set(name, value) => {
                fields.retain(|(have, _)| *have != name);
                fields.push((name.into_owned(), value.into_bytes()));
            }
        }
    }
}

fn borrowed(fields: &[Field]) -> Vec<(&str, &[u8])> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect()
}
