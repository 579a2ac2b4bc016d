//! What a request is answered with, before the script says how that leaves.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use crate::answer::{Usage, compose};
use crate::api::{Api, Failure, Operation};
use crate::script::Script;
use crate::sse::Event;

/// The media type of everything that is no stream.
const JSON: &str = "application/json";

/// Status and body of an answer, and what it tells the account of the request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    /// The body; one piece an event if it is a stream.
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) is_stream: bool,
    /// What was generated.
    pub(crate) usage: Option<Usage>,
    /// Whether what was generated ends with an error.
    pub(crate) breaks_off: bool,
}

impl Reply {
    /// A body in one piece.
    pub(crate) fn whole(body: impl Into<Bytes>) -> Reply {
        Reply {
            status: 200,
            content_type: JSON,
            retry_after: None,
            pieces: vec![body.into()],
            is_stream: false,
            usage: None,
            breaks_off: false,
        }
    }

    /// An error in the API's spelling.
    pub(crate) fn error(api: &dyn Api, failure: &Failure, seq: u64) -> Reply {
        Reply {
            status: failure.status,
            retry_after: (failure.status == 429).then_some(1),
            ..Reply::json(&api.provider().error(failure, seq))
        }
    }

    /// The answer of `api` to a request of one of its operations. Fails with what the API has to say against it.
    pub(crate) fn make(
        api: &dyn Api,
        operation: Operation<'_>,
        path: &str,
        script: &Script,
        body: &[u8],
        seq: u64,
    ) -> Result<Reply, Failure> {
        let breaks_off = script.error_after_deltas.is_some();
        let mut reply = if let Some(bytes) = &script.body {
            Reply::whole(bytes.clone())
        } else if let Some(status) = script.status.filter(|&status| status >= 400 && !breaks_off) {
            let message = script.error.clone();
            let message =
                message.unwrap_or_else(|| format!("the stub was told to answer {status}"));
            Reply::error(api, &Failure::new(status, message), seq)
        } else {
            match operation {
                Operation::Answer => Reply::generate(api, path, script, body, seq)?,
                Operation::CountTokens => {
                    let ask = api.ask(path, operation, &parse(body)?)?;
                    Reply::json(&api.count(script.prompt_tokens.unwrap_or(ask.prompt_tokens)))
                }
                Operation::Models => Reply::json(&api.provider().models()),
                Operation::Model(id) => Reply::json(&api.provider().model(id)),
            }
        };
        if let (Some(status), false) = (script.status, breaks_off) {
            reply.status = status;
        }
        reply.retry_after = script.retry_after.or(reply.retry_after);
        Ok(reply)
    }

    fn json(body: &Value) -> Reply {
        Reply::whole(body.to_string())
    }

    fn generate(
        api: &dyn Api,
        path: &str,
        script: &Script,
        body: &[u8],
        seq: u64,
    ) -> Result<Reply, Failure> {
        let ask = api.ask(path, Operation::Answer, &parse(body)?)?;
        let answer = compose(&ask, script, seq);
        let usage = Some(answer.usage);
        if !ask.stream {
            return Ok(Reply {
                usage,
                ..Reply::json(&api.answer(&answer))
            });
        }
        let mut events = api.events(&ask, &answer);
        if let Some(deltas) = script.error_after_deltas {
            let message = script
                .error
                .as_deref()
                .unwrap_or("the stub was told to fail here");
            let failure = Failure::new(script.status.unwrap_or(500), message);
            end_with(&mut events, deltas, api.error_event(&failure, seq));
        }
        if script.malformed {
            let middle = events.len() / 2;
            if let Some(event) = events.get_mut(middle) {
                event.data.pop();
            }
        }
        if let (true, Some(ping)) = (script.pings, api.ping()) {
            events = interleave(events, &ping);
        }
        Ok(Reply {
            content_type: api.stream_type(),
            pieces: api.frame(&events, script),
            is_stream: true,
            usage,
            breaks_off: script.error_after_deltas.is_some(),
            ..Reply::whole(Bytes::new())
        })
    }

    /// The headers that the reply itself needs.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = vec![(
            hyper::header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        )];
        headers.extend(
            self.retry_after
                .map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))),
        );
        headers
    }
}

fn parse(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::new(400, "the request body is not valid JSON"))
}

/// Keeps what comes before delta number `deltas`, or before the end, and ends with `last`.
fn end_with(events: &mut Vec<Event>, deltas: usize, last: Event) {
    let mut left = deltas;
    let end = events.iter().position(|event| {
        let ends = event.is_delta && left == 0;
        left = left.saturating_sub(usize::from(event.is_delta));
        ends
    });
    events.truncate(end.unwrap_or(events.len().saturating_sub(1)));
    events.push(last);
}

fn interleave(events: Vec<Event>, ping: &Event) -> Vec<Event> {
    let mut out = Vec::with_capacity(events.len() * 2);
    for event in events {
        if !out.is_empty() {
            out.push(ping.clone());
        }
        out.push(event);
    }
    out
}
