//! What client and upstream do in an exchange that runs in one call.

use std::time::Duration;

use crate::headers::HeaderMap;

/// A request for [`crate::Proxy::run`].
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body in the pieces in which it arrives.
    pub chunks: Vec<Vec<u8>>,
    /// Its trailers.
    pub trailers: Option<HeaderMap>,
}

impl Request {
    /// A request with these headers and no body.
    pub fn new(headers: impl Into<HeaderMap>) -> Self {
        Self {
            headers: headers.into(),
            ..Self::default()
        }
    }

    /// A `POST` with a body.
    pub fn post(path: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new([
            (":method", "POST"),
            (":path", path),
            (":authority", "localhost"),
            (":scheme", "http"),
        ])
        .body(body)
    }

    /// A `GET`.
    pub fn get(path: &str) -> Self {
        Self::new([
            (":method", "GET"),
            (":path", path),
            (":authority", "localhost"),
            (":scheme", "http"),
        ])
    }
}

/// What a request and a response are made of alike.
macro_rules! message {
    ($message:ident) => {
        impl $message {
            /// Adds a header.
            #[must_use]
            pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
                self.headers.add(name, value);
                self
            }

            /// Sets the body, in one piece.
            #[must_use]
            pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
                self.chunks = vec![body.as_ref().to_vec()];
                self
            }

            /// Sets the body, in pieces.
            #[must_use]
            pub fn chunks<B: AsRef<[u8]>>(mut self, chunks: impl IntoIterator<Item = B>) -> Self {
                self.chunks = chunks
                    .into_iter()
                    .map(|chunk| chunk.as_ref().to_vec())
                    .collect();
                self
            }

            /// Sets the trailers.
            #[must_use]
            pub fn trailers(mut self, trailers: impl Into<HeaderMap>) -> Self {
                self.trailers = Some(trailers.into());
                self
            }
        }
    };
}

message!(Request);
message!(Response);

/// What the upstream does once the request has reached it, for [`crate::Proxy::run`].
#[derive(Clone, Debug)]
pub enum Upstream {
    /// Answers.
    Respond(Response),
    /// Cuts the stream, after these pieces of a response if there is one.
    Reset(Option<Response>),
    /// Never answers: the client gives up.
    Silence,
}

/// A response of the upstream.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body in the pieces in which it arrives; `(size 0, end)` follows if [`Self::empty_end`] says so.
    pub chunks: Vec<Vec<u8>>,
    /// Its trailers.
    pub trailers: Option<HeaderMap>,
    /// Whether the end of the body arrives by itself, as an empty piece, as it does in Envoy for chunked responses.
    pub empty_end: bool,
    /// Time between pieces.
    pub pause: Duration,
}

impl Response {
    /// A response with this status and no body.
    pub fn new(status: u16) -> Self {
        Self {
            headers: HeaderMap::from([(":status", status.to_string())]),
            ..Self::default()
        }
    }

    /// Lets the end arrive by itself, as an empty piece.
    #[must_use]
    pub fn empty_end(mut self) -> Self {
        self.empty_end = true;
        self
    }

    /// Lets time pass before each piece.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl From<Response> for Upstream {
    fn from(response: Response) -> Self {
        Self::Respond(response)
    }
}
