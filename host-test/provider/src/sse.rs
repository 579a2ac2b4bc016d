//! Server-sent events as bytes (WHATWG HTML, section 9.2).

use bytes::Bytes;

use crate::script::LineEnd;

/// One event of a stream. `data` holds no line break.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: Option<&'static str>,
    pub(crate) data: String,
    /// Whether the event carries a piece of the answer.
    pub(crate) is_delta: bool,
}

impl Event {
    /// The event as bytes, a comment before it if so wanted.
    pub(crate) fn to_bytes(&self, line_end: LineEnd, comment: bool) -> Bytes {
        let end = line_end.as_str();
        let mut out = String::with_capacity(self.data.len() + 64);
        if comment {
            out.push_str(": keep-alive");
            out.push_str(end);
            out.push_str(end);
        }
        if let Some(name) = self.name {
            out.push_str("event: ");
            out.push_str(name);
            out.push_str(end);
        }
        out.push_str("data: ");
        out.push_str(&self.data);
        out.push_str(end);
        out.push_str(end);
        Bytes::from(out)
    }
}
