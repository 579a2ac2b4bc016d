//! A small HTTP client, and what the tests read from answers.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_provider::{Provider, Received};
use serde_json::{Value, json};

/// Any free port of this machine.
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How long a test waits for what happens elsewhere.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn provider() -> Provider {
    Provider::start(ANY).unwrap()
}

/// An answer; `cut` if its body did not come to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub frames: Vec<Bytes>,
    pub trailers: Option<HeaderMap>,
    pub cut: bool,
}

impl Answer {
    pub fn body(&self) -> Vec<u8> {
        self.frames.concat()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The JSON of all events of a stream, whatever ends its lines; `[DONE]` becomes a string.
    pub fn events(&self) -> Vec<Value> {
        let text = self.text().replace("\r\n", "\n").replace('\r', "\n");
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
            .collect()
    }
}

/// The versions the stub speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
}

/// Sends one request over a connection of its own; `None` if there is no answer at all.
pub fn try_send<B>(provider: &Provider, version: Version, request: Request<B>) -> Option<Answer>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let io = TokioIo::new(
            tokio::net::TcpStream::connect(provider.addr())
                .await
                .unwrap(),
        );
        let response = match version {
            Version::Http1 => {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await
            }
            Version::Http2 => {
                let executor = TokioExecutor::new();
                let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
                    .await
                    .unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await
            }
        };
        let (head, mut body) = response.ok()?.into_parts();
        let (mut frames, mut trailers, mut cut) = (Vec::new(), None, false);
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => frames.push(data),
                Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
                Err(_) => cut = true,
            }
        }
        Some(Answer {
            status: head.status,
            headers: head.headers,
            frames,
            trailers,
            cut,
        })
    })
}

/// A request of any method, with headers and a body.
pub fn request(
    provider: &Provider,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", provider.addr()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

pub fn send(
    provider: &Provider,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    try_send(
        provider,
        Version::Http1,
        request(provider, method, path, headers, body),
    )
    .unwrap()
}

pub fn get(provider: &Provider, path: &str) -> Answer {
    send(provider, "GET", path, &[], "")
}

/// The two APIs, as far as the tests have to tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    OpenAi,
    Anthropic,
}

impl Api {
    pub const ALL: [Api; 2] = [Api::OpenAi, Api::Anthropic];

    pub fn path(self) -> &'static str {
        match self {
            Api::OpenAi => "/v1/chat/completions",
            Api::Anthropic => "/v1/messages",
        }
    }

    /// A request for an answer to `text`, with more fields.
    pub fn body(self, text: &str, more: &Value) -> String {
        let mut body =
            json!({"model": "some-model", "messages": [{"role": "user", "content": text}]});
        if self == Api::Anthropic {
            body["max_tokens"] = json!(100_000);
        }
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body.to_string()
    }

    pub fn ask(self, provider: &Provider, headers: &[(&str, &str)], more: &Value) -> Answer {
        send(
            provider,
            "POST",
            self.path(),
            headers,
            self.body("hello, stub", more),
        )
    }

    /// Asks for a stream that tells its usage.
    pub fn stream(self, provider: &Provider, headers: &[(&str, &str)]) -> Answer {
        let more = match self {
            Api::OpenAi => json!({"stream": true, "stream_options": {"include_usage": true}}),
            Api::Anthropic => json!({"stream": true}),
        };
        self.ask(provider, headers, &more)
    }

    /// The text of a whole answer.
    pub fn text(self, answer: &Answer) -> String {
        let text = match self {
            Api::OpenAi => answer.json()["choices"][0]["message"]["content"].clone(),
            Api::Anthropic => answer.json()["content"][0]["text"].clone(),
        };
        text.as_str().unwrap().to_owned()
    }

    /// The text of a streamed answer.
    pub fn streamed_text(self, answer: &Answer) -> String {
        let at = match self {
            Api::OpenAi => "/choices/0/delta/content",
            Api::Anthropic => "/delta/text",
        };
        answer
            .events()
            .iter()
            .filter_map(|event| event.pointer(at)?.as_str())
            .collect()
    }

    /// Prompt and completion tokens that a usage object tells.
    pub fn usage(self, usage: &Value) -> (u64, u64) {
        let number = |key: &str| usage[key].as_u64().unwrap();
        match self {
            Api::OpenAi => (number("prompt_tokens"), number("completion_tokens")),
            Api::Anthropic => (
                number("input_tokens")
                    + number("cache_creation_input_tokens")
                    + number("cache_read_input_tokens"),
                number("output_tokens"),
            ),
        }
    }

    /// The last usage object of a stream.
    pub fn streamed_usage(self, answer: &Answer) -> Option<(u64, u64)> {
        let events = answer.events();
        let usage = events
            .iter()
            .rev()
            .find_map(|event| event.get("usage").filter(|usage| usage.is_object()))?;
        Some(self.usage(usage))
    }
}

/// Writes bytes as they are and returns the connection.
pub fn raw(provider: &Provider, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(provider.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Reads until `end` has arrived; fails if it does not.
pub fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// The only request that was received, as soon as `is_settled` says so.
pub fn settled(provider: &Provider, is_settled: impl Fn(&Received) -> bool) -> Received {
    let start = Instant::now();
    loop {
        let received = provider.received();
        if let Some(received) = received.first().filter(|received| is_settled(received)) {
            assert_eq!(provider.received().len(), 1);
            return received.clone();
        }
        assert!(start.elapsed() < PATIENCE, "still {received:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
