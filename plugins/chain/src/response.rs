//! The response's way: status, body, end.

use crate::exchange::{budget, is_ours, request_id_headers};
use crate::request::RequestState;
use crate::{Exchange, Origin, Step, Turn, guards, shared};
use portcullis_policy::{Event, HeaderEdit, Reason, Refusal, ResponseHead, ResponseMeaning, Side};
use portcullis_wire::{BodyKind, Released, ResponseReader, upstream_header_name};
use std::borrow::Cow;

/// How far the response is.
pub(crate) enum ResponseState {
    /// Nothing came yet.
    Idle,
    /// The body goes through unread.
    Unread {
        /// HTTP status.
        status: u16,
    },
    /// The body is read.
    Reading(Box<ResponseReader>),
    /// The client has its answer from us already; the rest is swallowed, its usage still counted.
    Stopped(Box<ResponseReader>),
    /// Refused while headers wait: answered when the rest has been read for its usage, because the provider's work was done.
    Refusing(Box<ResponseReader>, Refusal),
    /// It ended.
    Done,
}

/// The status of an answer that is none of a proxy's own making, or might as well be the provider's.
pub(crate) const SUCCESS: u16 = 200;

/// What follows is another protocol.
pub(crate) const SWITCHING_PROTOCOLS: u16 = 101;

impl Exchange {
    /// Status and headers of a response; `complete` when no body follows. `origin` says who made it, for those of which that matters.
    pub fn response_head(
        &mut self,
        turn: &mut Turn<'_>,
        headers: &[(&str, &[u8])],
        origin: &dyn Fn() -> Origin,
        complete: bool,
    ) -> Step {
        let status = first(headers, ":status")
            .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
            .unwrap_or(0);
        // No refusal of a request is a success.
        if self.stands_with_others() && status != SUCCESS {
            self.published
                .import_refusal(&mut self.fanout.facts, turn.filter_state);
        }
        let told = told_refusal(headers);
        // Asking the host costs more than most policies do, and a plain success is an answer to pay for, whoever gave it.
        let local = (status != SUCCESS || told.is_some()) && origin() == Origin::Proxy;
        if local && self.fanout.facts.refusal.is_none() {
            self.fanout.facts.refusal = told;
        }
        // A refusal on its way to the client: ours, or that of another filter, which our policies have not heard of.
        if let Some(refusal) = self.fanout.facts.refusal.clone() {
            if !matches!(self.request, RequestState::Refused) {
                self.fanout.tell_all(turn, &Event::Refused(&refusal));
                self.request = RequestState::Refused;
            }
            self.response = ResponseState::Done;
            return Step::Pass;
        }
        let mut types = values(headers, "content-type");
        // Whoever reads the other one of two types reads what was not scanned.
        let kind = match (types.next(), types.next()) {
            (Some(kind), None) => guards::body_kind(kind),
            (_, _) => None,
        };
        let head = ResponseHead {
            status,
            stream: kind == Some(BodyKind::EventStream),
            local,
        };
        let (edits, verdict) = self.fanout.tell(turn, &Event::ResponseHead(&head));
        self.header_edits = edits;
        let prepared = verdict.and_then(|()| self.prepare_reader(headers, status, kind, complete));
        if let Err(refusal) = prepared {
            let reply = self.refusal_reply(turn, refusal);
            self.end_response(turn, ResponseMeaning::unread(status, false));
            return Step::Reply(reply);
        }
        self.edit_response_headers(turn, headers);
        if complete {
            self.end_response(turn, ResponseMeaning::unread(status, true));
            return Step::Pass;
        }
        if let ResponseState::Reading(reader) = &self.response
            && !reader.streams()
            && self.gateway.settings.hold_headers
        {
            return Step::Hold;
        }
        Step::Pass
    }

    /// A piece of the response's body; `complete` with the last.
    pub fn response_data(&mut self, turn: &mut Turn<'_>, chunk: &[u8], complete: bool) -> Step {
        match std::mem::replace(&mut self.response, ResponseState::Done) {
            ResponseState::Idle | ResponseState::Done => Step::Pass,
            ResponseState::Unread { status } => {
                if complete {
                    self.end_response(turn, ResponseMeaning::unread(status, true));
                } else {
                    self.response = ResponseState::Unread { status };
                }
                Step::Pass
            }
            ResponseState::Stopped(reader) => self.swallow(turn, reader, chunk, complete),
            ResponseState::Refusing(mut reader, refusal) => {
                let mut sink = self.fanout.sink(turn, Side::Response);
                // It was refused already; a second mistake in it changes nothing.
                let _ = reader.push(chunk, &mut sink);
                if complete {
                    let _ = reader.finish(&mut sink);
                    self.answer_refused(turn, &reader, refusal)
                } else {
                    self.response = ResponseState::Refusing(reader, refusal);
                    Step::Hold
                }
            }
            ResponseState::Reading(reader) if reader.streams() => {
                self.relay(turn, reader, chunk, complete)
            }
            ResponseState::Reading(reader) => self.collect(turn, reader, chunk, complete),
        }
    }

    /// The response ended with trailers: no piece of its body was the last. Edits of them are ready after it, whatever the step.
    pub fn response_trailers(&mut self, turn: &mut Turn<'_>, trailers: &[(&str, &[u8])]) -> Step {
        let ours = trailers.iter().filter(|(name, _)| is_ours(name));
        let remove = |(name, _): &(&str, _)| HeaderEdit::Remove(Cow::Owned((*name).to_owned()));
        self.trailer_edits.extend(ours.map(remove));
        self.response_data(turn, &[], true)
    }

    /// A piece of a stream: what is decided goes on at once.
    fn relay(
        &mut self,
        turn: &mut Turn<'_>,
        mut reader: Box<ResponseReader>,
        chunk: &[u8],
        complete: bool,
    ) -> Step {
        let mut sink = self.fanout.sink(turn, Side::Response);
        let pushed = if chunk.is_empty() {
            Ok(Released::Bytes(Vec::new()))
        } else {
            reader.push(chunk, &mut sink)
        };
        let released = match pushed {
            Ok(released) if complete => match reader.finish(&mut sink) {
                Ok(rest) => Ok(join(released, rest, chunk)),
                // What the push released must still go out before the error.
                Err(refusal) => Err((bytes_of(released, chunk), refusal)),
            },
            Ok(released) => Ok(released),
            Err(refusal) => Err((Vec::new(), refusal)),
        };
        match released {
            Ok(released) => {
                if complete {
                    self.end_response(turn, reader.meaning());
                } else {
                    self.response = ResponseState::Reading(reader);
                }
                match released {
                    Released::AsIs => Step::Pass,
                    Released::Bytes(bytes) if bytes.is_empty() && chunk.is_empty() => Step::Pass,
                    Released::Bytes(bytes) => Step::Replace(bytes),
                }
            }
            Err((mut bytes, refusal)) => {
                bytes.append(&mut reader.stop(&refusal));
                self.fanout.facts.refusal = Some(refusal);
                self.swallow(turn, reader, &[], complete);
                Step::Replace(bytes)
            }
        }
    }

    /// A piece of a stream that was stopped: nothing of it goes on.
    fn swallow(
        &mut self,
        turn: &mut Turn<'_>,
        mut reader: Box<ResponseReader>,
        chunk: &[u8],
        complete: bool,
    ) -> Step {
        let mut sink = self.fanout.sink(turn, Side::Response);
        // The stream was refused already; a second mistake in it changes nothing.
        let _ = reader.push(chunk, &mut sink);
        if complete {
            let _ = reader.finish(&mut sink);
            self.end_response(turn, reader.meaning());
        } else {
            self.response = ResponseState::Stopped(reader);
        }
        Step::Replace(Vec::new())
    }

    /// A piece of a body that is read as a whole: it waits for its end.
    fn collect(
        &mut self,
        turn: &mut Turn<'_>,
        mut reader: Box<ResponseReader>,
        chunk: &[u8],
        complete: bool,
    ) -> Step {
        if let Err(refusal) = self.note_listing(chunk) {
            return self.refuse_whole(turn, reader, refusal, complete);
        }
        let mut sink = self.fanout.sink(turn, Side::Response);
        let read = reader.push(chunk, &mut sink).and_then(|_| {
            if complete {
                reader.finish(&mut sink).map(Some)
            } else {
                Ok(None)
            }
        });
        let visible = read.and_then(|released| released.map(|all| self.visible(all)).transpose());
        match visible {
            Ok(None) => {
                self.response = ResponseState::Reading(reader);
                Step::Hold
            }
            Ok(Some(released)) => {
                self.end_response(turn, reader.meaning());
                match released {
                    Released::AsIs => Step::Release(None),
                    Released::Bytes(body) => self.release_response(body),
                }
            }
            Err(refusal) => self.refuse_whole(turn, reader, refusal, complete),
        }
    }

    /// A body that is read as a whole was refused before or at its end.
    #[inline(never)]
    fn refuse_whole(
        &mut self,
        turn: &mut Turn<'_>,
        mut reader: Box<ResponseReader>,
        refusal: Refusal,
        complete: bool,
    ) -> Step {
        let hold_headers = self.gateway.settings.hold_headers;
        // What cannot be read tells no usage either.
        let readable = refusal.reason != Reason::UnreadableResponse;
        // The reader's own words are not needed: the reply is spelled with the request's id.
        let _ = reader.stop(&refusal);
        if complete && readable {
            let _ = reader.finish(&mut self.fanout.sink(turn, Side::Response));
        }
        if complete || (hold_headers && !readable) {
            return self.answer_refused(turn, &reader, refusal);
        }
        if hold_headers {
            self.fanout.facts.refusal = Some(refusal.clone());
            self.response = ResponseState::Refusing(reader, refusal);
            return Step::Hold;
        }
        // The status has left: the body says what the status cannot, and nothing that still comes may follow it.
        let reply = self.refusal_reply(turn, refusal);
        self.response = ResponseState::Stopped(reader);
        Step::Replace(reply.body)
    }

    /// The client's answer in place of a whole body.
    fn answer_refused(
        &mut self,
        turn: &mut Turn<'_>,
        reader: &ResponseReader,
        refusal: Refusal,
    ) -> Step {
        self.end_response(turn, reader.meaning());
        let reply = self.refusal_reply(turn, refusal);
        if self.gateway.settings.hold_headers {
            Step::Reply(reply)
        } else {
            // As above.
            Step::Release(Some(reply.body))
        }
    }

    fn release_response(&mut self, body: Vec<u8>) -> Step {
        if self.gateway.settings.hold_headers {
            self.header_edits.push(HeaderEdit::Set(
                Cow::Borrowed("content-length"),
                body.len().to_string(),
            ));
        }
        Step::Release(Some(body))
    }

    /// Decides how the body will be read.
    fn prepare_reader(
        &mut self,
        headers: &[(&str, &[u8])],
        status: u16,
        kind: Option<BodyKind>,
        complete: bool,
    ) -> Result<(), Refusal> {
        self.response = ResponseState::Unread { status };
        let interest = self.gateway.interest;
        let Some(endpoint) = self.fanout.facts.endpoint else {
            return Ok(());
        };
        let lists = self.lists_models() && (200..300).contains(&status);
        let unwanted = !(interest.response_text || interest.response_usage || lists);
        let pass_upgrades = self.gateway.settings.pass_upgrades;
        let sends_away = first(headers, "location").is_some();
        guards::response_head(endpoint, status, sends_away, pass_upgrades)?;
        if complete || unwanted || status == SWITCHING_PROTOCOLS {
            return Ok(());
        }
        if !guards::identity_encoding(values(headers, "content-encoding")) {
            return Err(guards::unreadable_response(
                "The provider's answer came in an encoding that this gateway cannot inspect.",
            ));
        }
        if lists {
            self.begin_listing(kind)?;
        }
        let kind = match kind {
            Some(kind) => kind,
            None if !interest.response_text => return Ok(()),
            None => {
                return Err(guards::unreadable_response(
                    "The provider's answer is of a type that this gateway cannot inspect.",
                ));
            }
        };
        let bytes_max = self.gateway.settings.body_bytes_max;
        // Who neither counts nor lists reads for texts alone.
        let want_text = interest.response_text || !cfg!(any(feature = "models", feature = "usage"));
        let mut reader = ResponseReader::new(endpoint, status, kind, bytes_max, want_text);
        if cfg!(feature = "usage") && self.usage_hidden {
            reader.hide_usage();
        }
        self.response = ResponseState::Reading(Box::new(reader));
        Ok(())
    }

    /// Our own headers, and the provider's own under names that cannot be mistaken for ours.
    #[inline(never)]
    fn edit_response_headers(&mut self, turn: &Turn<'_>, headers: &[(&str, &[u8])]) {
        let others = self.stands_with_others();
        let told = || (turn.filter_state)(shared::names::UPSTREAM_HEADERS).is_some();
        let mut rename = None;
        for (name, value) in headers {
            if let Some(renamed) = upstream_header_name(name) {
                // The exchange's own id needs no name of the provider's, and is what a module nearer to it has put there.
                let own = others && *value == self.fanout.facts.request_id.as_bytes();
                if own || !*rename.get_or_insert_with(|| !others || !told()) {
                    continue;
                }
                self.header_edits
                    .push(HeaderEdit::Remove(Cow::Owned((*name).to_owned())));
                if let Ok(value) = std::str::from_utf8(value) {
                    self.header_edits
                        .push(HeaderEdit::Set(Cow::Owned(renamed), value.to_owned()));
                }
            } else if is_ours(name) {
                self.header_edits
                    .push(HeaderEdit::Remove(Cow::Owned((*name).to_owned())));
            }
        }
        let facts = &self.fanout.facts;
        let budget = budget(self.dialect, &facts.budget, turn.now);
        self.published.renamed = others && (rename == Some(true) || !budget.is_empty());
        for (name, value) in budget {
            self.header_edits
                .push(HeaderEdit::Set(Cow::Borrowed(name), value));
        }
        for name in request_id_headers(self.dialect) {
            if !facts.request_id.is_empty() {
                let id = facts.request_id.clone();
                self.header_edits
                    .push(HeaderEdit::Set(Cow::Borrowed(name), id));
            }
        }
        // A stream may be edited while its length has long left; whole bodies keep theirs where headers wait for them.
        let may_change = match &self.response {
            ResponseState::Reading(reader) => {
                let edits = (self.gateway.interest.response_text || self.listing.is_some())
                    && (reader.streams() || !self.gateway.settings.hold_headers);
                edits || (self.usage_hidden && reader.streams())
            }
            ResponseState::Idle
            | ResponseState::Unread { .. }
            | ResponseState::Stopped(_)
            | ResponseState::Refusing(..)
            | ResponseState::Done => false,
        };
        if may_change {
            self.header_edits
                .push(HeaderEdit::Remove(Cow::Borrowed("content-length")));
        }
    }
}

/// The refusal of a native filter of the proxy, which says so in our header where a scenario has it refuse
/// (`envoy/global-limits`). A provider cannot: its answer is none of the proxy's own.
fn told_refusal(headers: &[(&str, &[u8])]) -> Option<Refusal> {
    let code = std::str::from_utf8(first(headers, "x-portcullis-reason")?).ok()?;
    Reason::from_code(code).map(|reason| Refusal::new(reason, ""))
}

fn first<'a>(headers: &[(&str, &'a [u8])], name: &str) -> Option<&'a [u8]> {
    values(headers, name).next()
}

fn values<'a>(headers: &[(&str, &'a [u8])], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = headers.iter().filter(move |(have, _)| *have == name);
    named.map(|(_, value)| *value)
}

/// The bytes of a release, where `AsIs` stands for the chunk.
fn bytes_of(released: Released, chunk: &[u8]) -> Vec<u8> {
    match released {
        Released::AsIs => chunk.to_vec(),
        Released::Bytes(bytes) => bytes,
    }
}

/// Two releases of one callback.
fn join(released: Released, rest: Released, chunk: &[u8]) -> Released {
    match (released, rest) {
        (released, Released::AsIs) => released,
        (released, Released::Bytes(rest)) if rest.is_empty() => released,
        (released, Released::Bytes(mut rest)) => {
            let mut bytes = bytes_of(released, chunk);
            bytes.append(&mut rest);
            Released::Bytes(bytes)
        }
    }
}
