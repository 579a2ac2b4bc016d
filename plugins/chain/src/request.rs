//! The request's way: headers, body, end.

use crate::exchange::is_ours;
use crate::fanout::Fanout;
use crate::{Exchange, Gateway, Step, Turn, guards};
use portcullis_policy::{Endpoint, Event, HeaderEdit, Refusal, RequestHead, RequestMeaning, Side};
use portcullis_wire::{
    Dialect, RequestReader, endpoint, may_hold_text, path_without_query, read_fields,
};
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

/// How far the request is.
pub(crate) enum RequestState {
    /// Nothing came yet.
    Idle,
    /// The body goes through unread: an upgrade that the policy lets pass, or nobody wants to see it.
    Unread,
    /// No body may come.
    Bodiless,
    /// The body is read.
    Reading(Box<RequestReader>),
    /// It left.
    Sent,
    /// It was refused.
    Refused,
}

impl Exchange {
    /// Request line and headers; `source` asks the proxy where the request comes from, `complete` when no body follows. Header edits are ready after
    /// it, whatever the step.
    pub fn request_head(
        &mut self,
        turn: &mut Turn<'_>,
        headers: &[(&str, &[u8])],
        source: &dyn Fn() -> Option<IpAddr>,
        complete: bool,
    ) -> Step {
        let attested = self.take_attested();
        if self.gateway.interest.identity && self.stands_with_others() {
            self.published
                .import_identity(&mut self.fanout.facts, turn.filter_state);
        }
        let source = self.wants_source().then(source).flatten();
        let mut head = self.describe(turn, headers, source);
        head.attributes = &attested;
        let (edits, verdict) = self.fanout.tell(turn, &Event::RequestHead(&head));
        self.header_edits = edits;
        let settings = &self.gateway.settings;
        let guarded = verdict.and_then(|()| {
            guards::request_head(&head, settings.pass_upgrades, settings.body_bytes_max)
        });
        let ready = guarded
            .and_then(|()| self.prepare_body(&head, complete))
            .and_then(|()| {
                let edits = &mut self.header_edits;
                read_texts(&self.gateway, &mut self.fanout, turn, head.headers, edits)
            });
        if let Err(refusal) = ready {
            return self.refuse_request(turn, refusal);
        }
        self.edit_request_headers(&head);
        if matches!(self.request, RequestState::Unread) {
            return match self.send(turn, &RequestMeaning::default()) {
                Ok(()) => Step::Pass,
                Err(refusal) => self.refuse_request(turn, refusal),
            };
        }
        if complete {
            return self.finish_request(turn, &[]);
        }
        if self.gateway.settings.hold_headers {
            Step::Hold
        } else {
            Step::Pass
        }
    }

    /// A piece of the request's body; `complete` with the last.
    pub fn request_data(&mut self, turn: &mut Turn<'_>, chunk: &[u8], complete: bool) -> Step {
        let taken = match &mut self.request {
            RequestState::Idle | RequestState::Refused => return Step::Hold,
            RequestState::Unread | RequestState::Sent => return Step::Pass,
            RequestState::Bodiless if chunk.is_empty() => Ok(()),
            RequestState::Bodiless => Err(guards::body_not_expected()),
            RequestState::Reading(reader) => {
                reader.push(chunk, &mut self.fanout.sink(turn, Side::Request))
            }
        };
        match taken {
            Err(refusal) => {
                self.note_asked();
                self.refuse_request(turn, refusal)
            }
            Ok(()) if complete => self.finish_request(turn, &[]),
            Ok(()) => Step::Hold,
        }
    }

    /// The request ended with trailers: no piece of its body was the last. Edits of them are ready after it, whatever the step.
    pub fn request_trailers(&mut self, turn: &mut Turn<'_>, trailers: &[(&str, &[u8])]) -> Step {
        let step = match self.request {
            RequestState::Idle | RequestState::Refused => Step::Hold,
            RequestState::Unread | RequestState::Sent => Step::Pass,
            RequestState::Bodiless | RequestState::Reading(_) => {
                self.finish_request(turn, trailers)
            }
        };
        // What means something to HTTP, proxies or the API has no meaning behind a body (RFC 9110, section 6.5.1), credentials among it.
        let misplaced = trailers.iter().filter(|(name, _)| !may_hold_text(name));
        let remove = |(name, _): &(&str, _)| HeaderEdit::Remove(Cow::Owned((*name).to_owned()));
        self.trailer_edits.extend(misplaced.map(remove));
        step
    }

    /// Whether [`Exchange::request_head`] was called. When not, somebody before this module answered, or the request never became one;
    /// [`Exchange::request_unseen`] then says what is known of it, for the record.
    #[must_use]
    pub const fn saw_request(&self) -> bool {
        !matches!(self.request, RequestState::Idle)
    }

    /// What is known at the end of a request that did not come by: its headers and when they arrived. Nothing is decided any more.
    pub fn request_unseen(
        &mut self,
        turn: &Turn<'_>,
        headers: &[(&str, &[u8])],
        source: Option<IpAddr>,
        age: Duration,
    ) {
        self.describe(turn, headers, source);
        self.fanout.facts.received_at = turn.now.before(age);
    }

    /// Reads the request line and the headers into facts.
    #[inline(never)]
    fn describe<'a>(
        &mut self,
        turn: &Turn<'_>,
        headers: &'a [(&'a str, &'a [u8])],
        source: Option<IpAddr>,
    ) -> RequestHead<'a> {
        let text = |name: &str| {
            let value = headers
                .iter()
                .find(|(have, _)| *have == name)
                .map(|(_, value)| *value);
            value
                .and_then(|value| std::str::from_utf8(value).ok())
                .unwrap_or_default()
        };
        let has = |name: &str| headers.iter().any(|(have, _)| *have == name);
        let (method, path) = (text(":method"), path_without_query(text(":path")));
        let public = self
            .gateway
            .settings
            .public_paths
            .iter()
            .any(|public| public == path);
        let endpoint = if public {
            Endpoint::Public
        } else {
            endpoint(method, path)
        };
        self.dialect = Dialect::of(endpoint, path, has("anthropic-version"));
        let facts = &mut self.fanout.facts;
        facts.received_at = turn.now;
        text("x-request-id").clone_into(&mut facts.request_id);
        method.clone_into(&mut facts.method);
        path.clone_into(&mut facts.path);
        facts.source = source;
        facts.endpoint = Some(endpoint);
        RequestHead {
            endpoint,
            method,
            path,
            source,
            attributes: &[],
            headers,
            upgrade: has("upgrade") || method == "CONNECT",
        }
    }

    /// Decides how the body will be read.
    #[inline(never)]
    fn prepare_body(&mut self, head: &RequestHead<'_>, complete: bool) -> Result<(), Refusal> {
        self.request = if head.upgrade {
            RequestState::Unread
        } else if head.endpoint.takes_prompt() {
            // What another caller said is not for this one, whatever the policies want to see.
            if !self.gateway.interest.request_body && !head.endpoint.continues_calls() {
                RequestState::Unread
            } else {
                if !complete {
                    guards::request_body(head)?;
                }
                let bytes_max = self.gateway.settings.body_bytes_max;
                let mut reader = RequestReader::new(head.endpoint, bytes_max);
                if let Some(bytes) = guards::content_length(head) {
                    reader = reader.announced(bytes);
                }
                if self.gateway.interest.request_model_first {
                    reader = reader.model_first();
                }
                RequestState::Reading(Box::new(reader))
            }
        } else if head.endpoint == Endpoint::Model && !complete {
            // The path is judged before anything leaves, so that no body can be waited for.
            return Err(guards::body_not_expected());
        } else {
            RequestState::Bodiless
        };
        Ok(())
    }

    /// Takes away what the provider must not see or could answer with what we cannot read.
    fn edit_request_headers(&mut self, head: &RequestHead<'_>) {
        let gateway = &self.gateway;
        for (name, _) in head.headers.iter().filter(|(name, _)| is_ours(name)) {
            self.header_edits
                .push(HeaderEdit::Remove(Cow::Owned((*name).to_owned())));
        }
        let interest = gateway.interest;
        if (interest.response_text || interest.response_usage || self.lists_models())
            && head.values("accept-encoding").next().is_some()
        {
            self.header_edits.push(HeaderEdit::Set(
                Cow::Borrowed("accept-encoding"),
                "identity".to_owned(),
            ));
        }
        let edits = interest.request_edits || self.may_ask_usage(head.endpoint);
        let may_change = edits && matches!(self.request, RequestState::Reading(_));
        if may_change && !gateway.settings.hold_headers {
            self.header_edits
                .push(HeaderEdit::Remove(Cow::Borrowed("content-length")));
        }
    }

    /// Whether a request to this endpoint may leave with a question that the client did not ask.
    fn may_ask_usage(&self, endpoint: Endpoint) -> bool {
        self.gateway.asks_usage() && RequestReader::may_ask_usage(endpoint)
    }

    /// All of the request is here: it leaves or is refused.
    #[inline(never)]
    fn finish_request(&mut self, turn: &mut Turn<'_>, trailers: &[(&str, &[u8])]) -> Step {
        let meaning = self.request_meaning(turn).and_then(|meaning| {
            let edits = &mut self.trailer_edits;
            read_texts(&self.gateway, &mut self.fanout, turn, trailers, edits)?;
            Ok(meaning)
        });
        if meaning.is_err() {
            self.note_asked();
        }
        let state = std::mem::replace(&mut self.request, RequestState::Bodiless);
        let reader = if let RequestState::Reading(reader) = state {
            Some(reader)
        } else {
            None
        };
        if let Err(refusal) = meaning.and_then(|meaning| self.send(turn, &meaning)) {
            return self.refuse_request(turn, refusal);
        }
        let asks = self.gateway.asks_usage();
        let edited = reader.and_then(|mut reader| {
            self.usage_hidden = asks && reader.ask_usage();
            reader.edited()
        });
        if let Some(body) = &edited
            && self.gateway.settings.hold_headers
        {
            self.header_edits.push(HeaderEdit::Set(
                Cow::Borrowed("content-length"),
                body.len().to_string(),
            ));
        }
        Step::Release(edited)
    }

    /// What a request that is all here asks for.
    fn request_meaning(&mut self, turn: &mut Turn<'_>) -> Result<RequestMeaning, Refusal> {
        if let RequestState::Reading(reader) = &mut self.request {
            return reader.finish(&mut self.fanout.sink(turn, Side::Request));
        }
        if self.fanout.facts.endpoint != Some(Endpoint::Model) {
            return Ok(RequestMeaning::default());
        }
        let path = self.fanout.facts.path.clone();
        // No limit of its own: a model's name in a path is short.
        let mut reader = RequestReader::new(Endpoint::Model, usize::MAX);
        if self.gateway.interest.request_model_first {
            reader = reader.model_first();
        }
        let mut sink = self.fanout.sink(turn, Side::Request);
        let read = reader.read_path(&path, &mut sink);
        let meaning = read.and_then(|()| reader.finish(&mut sink));
        if meaning.is_err() {
            self.fanout.facts.model = None;
        }
        meaning
    }

    /// Keeps for the record what a body that is refused asked for, as far as it was read.
    fn note_asked(&mut self) {
        if let RequestState::Reading(reader) = &self.request {
            let facts = &mut self.fanout.facts;
            // One that was only looked for ahead was not scanned, so nobody knows whether it may be told.
            facts.model = reader.model().map(str::to_owned);
            facts.stream = reader.stream();
        }
    }

    /// The last word of every policy before the request leaves.
    fn send(&mut self, turn: &mut Turn<'_>, meaning: &RequestMeaning) -> Result<(), Refusal> {
        let facts = &mut self.fanout.facts;
        facts.model.clone_from(&meaning.model);
        facts.stream = meaning.stream;
        facts.unscanned.clone_from(&meaning.unscanned);
        let (_, verdict) = self.fanout.tell(turn, &Event::RequestEnd(meaning));
        if verdict.is_ok() {
            self.request = RequestState::Sent;
        }
        verdict
    }
}

/// Shows the policies the texts of a head, before it leaves, or of trailers; `edits` are those of its fields.
#[inline(never)]
fn read_texts(
    gateway: &Gateway,
    fanout: &mut Fanout,
    turn: &mut Turn<'_>,
    fields: &[(&str, &[u8])],
    edits: &mut Vec<HeaderEdit>,
) -> Result<(), Refusal> {
    if !gateway.interest.request_text {
        return Ok(());
    }
    let passed = |name: &str| {
        let removed = |edit: &HeaderEdit| matches!(edit, HeaderEdit::Remove(its) if its == name);
        gateway.settings.pass_headers.iter().any(|its| its == name) || edits.iter().any(removed)
    };
    let mut sink = fanout.sink(turn, Side::Request);
    let changed = read_fields(fields, &passed, &mut sink)?;
    let set = |(name, value)| HeaderEdit::Set(Cow::Owned(name), value);
    edits.extend(changed.into_iter().map(set));
    Ok(())
}
