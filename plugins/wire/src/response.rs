//! Response bodies.

use crate::TextSink;
use crate::document::{Document, Failure};
use crate::formats::Compiled;
use crate::media::cut;
use crate::plain::PlainText;
use crate::spelling::{self, Dialect};
use crate::stream::EventStream;
use crate::usage::UsageCount;
use portcullis_policy::{Endpoint, Reason, Refusal, ResponseMeaning, Role};

/// What a response's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json` and `…+json`.
    Json,
    /// `text/event-stream`.
    EventStream,
    /// Other `text/…`.
    Plain,
}

impl BodyKind {
    /// The kind of a `content-type`; `None` for one whose text cannot be inspected.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        // As most write it.
        match content_type {
            "application/json" => return Some(Self::Json),
            "text/event-stream" => return Some(Self::EventStream),
            _ => {}
        }
        // A list of types: each reader takes another one.
        if cut(content_type, b',').1.is_some() {
            return None;
        }
        let (essence, mut rest) = cut(content_type, b';');
        while let Some(parameters) = rest {
            let (parameter, behind) = cut(parameters, b';');
            rest = behind;
            let (name, value) = cut(parameter, b'=');
            // What is written in another charset would be read as something else than what it says.
            if is(name, "charset") && !is_utf8(value.unwrap_or_default()) {
                return None;
            }
        }
        let essence = essence.trim_ascii();
        let (family, name) = cut(essence, b'/');
        let name = name?;
        if is(essence, "text/event-stream") {
            Some(Self::EventStream)
        } else if is(family, "application") && (is(name, "json") || is(suffix(name), "+json")) {
            Some(Self::Json)
        } else {
            is(family, "text").then_some(Self::Plain)
        }
    }
}

/// Whether it is a word, in any case.
#[inline(never)]
fn is(written: &str, word: &str) -> bool {
    written.trim_ascii().eq_ignore_ascii_case(word)
}

fn suffix(name: &str) -> &str {
    let at = name.len().checked_sub("+json".len());
    at.and_then(|at| name.get(at..)).unwrap_or_default()
}

/// Whether a charset's name, in quotation marks or not, is one that is read.
fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim_ascii();
    let charset = charset.strip_prefix('"').unwrap_or(charset);
    let charset = charset.strip_suffix('"').unwrap_or(charset);
    is(charset, "utf-8") || is(charset, "utf8") || is(charset, "us-ascii")
}

/// What may go on to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// Exactly the chunk just pushed; from `finish` of a body that does not stream: exactly the whole body.
    AsIs,
    /// These bytes, in place of the chunk. May be empty.
    Bytes(Vec<u8>),
}

impl Released {
    const NOTHING: Self = Self::Bytes(Vec::new());
}

/// Reads a response's body, chunk by chunk. How it is cut means nothing but for when bytes are released.
///
/// Memory: a body that does not stream is kept, at most `body_bytes_max`; of a stream what is undecided is kept, and at most one event
/// beyond it, each bounded by a constant of its own.
#[derive(Debug)]
pub struct ResponseReader {
    endpoint: Endpoint,
    format: &'static Compiled,
    status: u16,
    body_bytes_max: usize,
    want_text: bool,
    body: Body,
    failed: Option<Refusal>,
    stopped: bool,
    complete: bool,
}

#[derive(Debug)]
enum Body {
    Json(Box<Json>),
    Stream(Box<EventStream>),
    Plain(PlainText),
    /// A stream that was stopped, or a body that is passed on although it cannot be read: read for usage as far as possible.
    Skimmed(Box<EventStream>),
    Unread(UsageCount),
}

#[derive(Debug)]
struct Json {
    document: Document,
    usage: UsageCount,
}

impl ResponseReader {
    /// With `want_text` all text goes to the sink. Without, nothing is held or refused: only usage is read, as far as there is any.
    #[must_use]
    pub fn new(
        endpoint: Endpoint,
        status: u16,
        kind: BodyKind,
        body_bytes_max: usize,
        want_text: bool,
    ) -> Self {
        let format = Compiled::of(endpoint);
        let body = match (kind, want_text) {
            (BodyKind::Json, _) => Body::Json(Box::new(Json {
                document: Document::new(false, Role::Assistant),
                usage: UsageCount::default(),
            })),
            (BodyKind::EventStream, true) => Body::Stream(Box::new(EventStream::new(format))),
            (BodyKind::EventStream, false) => Body::Skimmed(Box::new(EventStream::new(format))),
            (BodyKind::Plain, true) => Body::Plain(PlainText::default()),
            (BodyKind::Plain, false) => Body::Unread(UsageCount::default()),
        };
        Self {
            endpoint,
            format,
            status,
            body_bytes_max,
            want_text,
            body,
            failed: None,
            stopped: false,
            complete: false,
        }
    }

    /// The usage of this stream was asked for by the gateway, not by the client: the event that tells it and nothing else is read and
    /// does not go on. Call before the first byte; without effect on what does not stream.
    pub fn hide_usage(&mut self) {
        if let Body::Stream(stream) | Body::Skimmed(stream) = &mut self.body {
            stream.hide_usage();
        }
    }

    /// Whether `push` releases bytes as it goes. If not, `finish` releases all at once.
    #[must_use]
    pub const fn streams(&self) -> bool {
        matches!(self.body, Body::Stream(_) | Body::Skimmed(_))
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `unreadable_response`, and what the sink refuses; the same again until [`ResponseReader::stop`].
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn TextSink) -> Result<Released, Refusal> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let result = self.take(chunk, sink);
        self.failed = result.as_ref().err().cloned();
        result
    }

    fn take(&mut self, chunk: &[u8], sink: &mut dyn TextSink) -> Result<Released, Refusal> {
        match &mut self.body {
            Body::Stream(stream) => {
                stream.push(chunk, sink)?;
                let out = stream.take();
                Ok(if out == chunk {
                    Released::AsIs
                } else {
                    Released::Bytes(out)
                })
            }
            Body::Skimmed(stream) if stream.hides_usage() && !self.stopped => {
                stream.relay(chunk);
                let out = stream.take();
                Ok(if out == chunk {
                    Released::AsIs
                } else {
                    Released::Bytes(out)
                })
            }
            Body::Skimmed(stream) => {
                stream.skim(chunk);
                Ok(if self.stopped {
                    Released::NOTHING
                } else {
                    Released::AsIs
                })
            }
            Body::Json(json) => {
                let fits = chunk
                    .get(..self.body_bytes_max.saturating_sub(json.document.len()))
                    .unwrap_or(chunk);
                json.document.extend(fits);
                let wanted: Option<&mut dyn TextSink> =
                    if self.want_text { Some(sink) } else { None };
                let read =
                    json.document
                        .read(&self.format.response, false, wanted, &mut json.usage);
                let read = read.map_err(refusal).and_then(|()| {
                    if fits.len() < chunk.len() {
                        Err(unreadable())
                    } else {
                        Ok(())
                    }
                });
                if read.is_err() && !self.want_text {
                    self.body = Body::Unread(json.usage);
                    return Ok(Released::NOTHING);
                }
                read.map(|()| Released::NOTHING)
            }
            Body::Plain(plain) => {
                let fits = chunk
                    .get(..self.body_bytes_max.saturating_sub(plain.len()))
                    .unwrap_or(chunk);
                plain.push(fits, sink)?;
                if fits.len() < chunk.len() {
                    Err(unreadable())
                } else {
                    Ok(Released::NOTHING)
                }
            }
            Body::Unread(_) => Ok(Released::NOTHING),
        }
    }

    /// The body is complete.
    ///
    /// # Errors
    /// `unreadable_response`, and what the sink refuses.
    pub fn finish(&mut self, sink: &mut dyn TextSink) -> Result<Released, Refusal> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.complete = true;
        let result = self.end(sink);
        self.failed = result.as_ref().err().cloned();
        result
    }

    fn end(&mut self, sink: &mut dyn TextSink) -> Result<Released, Refusal> {
        match &mut self.body {
            Body::Stream(stream) => {
                stream.finish(sink)?;
                Ok(Released::Bytes(stream.take()))
            }
            Body::Skimmed(stream) if stream.hides_usage() && !self.stopped => {
                stream.relay_rest();
                Ok(Released::Bytes(stream.take()))
            }
            Body::Skimmed(stream) => {
                stream.skim_rest();
                Ok(Released::NOTHING)
            }
            Body::Json(json) => {
                if json.document.len() == 0 {
                    return Ok(Released::AsIs);
                }
                let wanted: Option<&mut dyn TextSink> =
                    if self.want_text { Some(sink) } else { None };
                let read = json
                    .document
                    .read(&self.format.response, true, wanted, &mut json.usage);
                if self.want_text {
                    read.map_err(refusal)?;
                }
                if self.stopped {
                    return Ok(Released::NOTHING);
                }
                let document = &mut json.document;
                Ok(if document.unchanged() {
                    Released::AsIs
                } else {
                    Released::Bytes(document.render())
                })
            }
            Body::Plain(plain) => {
                plain.finish(sink)?;
                Ok(plain.render().map_or(Released::AsIs, Released::Bytes))
            }
            Body::Unread(_) if self.stopped => Ok(Released::NOTHING),
            Body::Unread(_) => Ok(Released::AsIs),
        }
    }

    /// Ends a response half way. Of a stream: what was decided and not yet released, then the API's own error event; it may stand
    /// behind all that was released, because events leave whole. Of other bodies: the API's own error as the whole body. Later
    /// pushes release nothing, but still read usage.
    pub fn stop(&mut self, refusal: &Refusal) -> Vec<u8> {
        self.failed = None;
        self.stopped = true;
        let dialect = Dialect::of(self.endpoint, "", false);
        let body = std::mem::replace(&mut self.body, Body::Unread(UsageCount::default()));
        let (body, bytes) = match body {
            Body::Stream(mut stream) | Body::Skimmed(mut stream) => {
                let mut bytes = stream.take();
                stream.drop_held();
                let number = stream.next_number();
                bytes.extend(spelling::stream_error(dialect, refusal, number));
                (Body::Skimmed(stream), bytes)
            }
            Body::Json(json) => {
                self.want_text = false;
                (Body::Json(json), spelling::error_body(dialect, refusal))
            }
            Body::Plain(_) => (
                Body::Unread(UsageCount::default()),
                spelling::error_body(dialect, refusal),
            ),
            Body::Unread(usage) => (Body::Unread(usage), spelling::error_body(dialect, refusal)),
        };
        self.body = body;
        bytes
    }

    /// What is known so far, also after a cut. Usage of an Anthropic stream that was cut is the prompt's and what the provider had
    /// counted of the completion so far, which is less than was sent: then `complete` is false and `text_bytes` the better guide.
    #[must_use]
    pub fn meaning(&self) -> ResponseMeaning {
        let (usage, text_bytes) = match &self.body {
            Body::Json(json) => (json.usage, json.document.completion_bytes()),
            Body::Stream(stream) | Body::Skimmed(stream) => {
                (*stream.usage(), stream.completion_bytes())
            }
            Body::Plain(plain) => (UsageCount::default(), plain.given() as u64),
            Body::Unread(usage) => (*usage, 0),
        };
        ResponseMeaning {
            status: self.status,
            usage: usage.sum().filter(|_| (200..300).contains(&self.status)),
            text_bytes,
            complete: self.complete,
        }
    }
}

fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Malformed(_) => unreadable(),
    }
}

/// The one refusal for all that a provider may do wrong: the client can do nothing about any of it.
pub(crate) fn unreadable() -> Refusal {
    Refusal::new(
        Reason::UnreadableResponse,
        "The provider's answer could not be read.",
    )
}
