//! A small blocking HTTP/1.1 client that sends exactly what it is told, malformed things included, and shows exactly what
//! came back. One connection for each request; loopback only, so there is no TLS.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

/// How long the other side may be silent before a test fails instead of hanging.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Names and values as they stand on the wire.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// A request to be sent. The framing (`content-length` or chunks) is added unless such a header is given.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Headers,
    body: Body,
    from: Option<IpAddr>,
}

#[derive(Debug, Clone)]
enum Body {
    None,
    Sized(Vec<u8>),
    Chunked {
        chunks: Vec<Vec<u8>>,
        trailers: Headers,
    },
}

/// A response read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// In order, duplicates included.
    pub headers: Headers,
    /// Without its framing.
    pub body: Vec<u8>,
    /// After a chunked body.
    pub trailers: Headers,
    /// Whether the body ended as its framing says, and not because the connection did.
    pub complete: bool,
}

/// A response whose head has come; dropping it closes the connection, wherever the body is.
#[derive(Debug)]
pub struct Exchange {
    reader: BufReader<TcpStream>,
    response: Response,
    left: Left,
}

/// What is still to come of a body.
#[derive(Debug)]
enum Left {
    Sized(u64),
    Chunks,
    UntilClose,
    Nothing,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Body::None,
            from: None,
        }
    }

    /// `GET`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `POST`, to be given a body.
    #[must_use]
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// One more header, as it is.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// A body with its length in front.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Sized(body.into());
        self
    }

    /// A JSON body, with its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// A chunked body, each chunk written to the socket by itself.
    #[must_use]
    pub fn chunks<'a>(mut self, chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.body = Body::Chunked {
            chunks: chunks.into_iter().map(<[u8]>::to_vec).collect(),
            trailers: Vec::new(),
        };
        self
    }

    /// A trailer after the chunks, which must have been given.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        if let Body::Chunked { trailers, .. } = &mut self.body {
            trailers.push((name.into(), value.into()));
        }
        self
    }

    /// The address to call from, such as 127.0.0.2.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// Sends it and reads the whole response.
    ///
    /// # Errors
    /// When there is no response.
    pub fn send(&self, to: SocketAddr) -> Result<Response> {
        self.open(to)?.finish()
    }

    /// Sends it and reads the head of the response.
    ///
    /// # Errors
    /// When there is no response.
    pub fn open(&self, to: SocketAddr) -> Result<Exchange> {
        let stream = connect(to, self.from)?;
        // A server may answer, and close, before it has read everything: then writing fails and reading succeeds.
        let written = self.write(&stream, to);
        Exchange::read_head(stream, self.method == "HEAD")
            .map_err(|error| written.err().map_or(error, |write| write.into()))
    }

    /// Sends it and leaves after a while, without having read anything.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn send_and_leave(&self, to: SocketAddr, after: Duration) -> Result<()> {
        let stream = connect(to, self.from)?;
        self.write(&stream, to)?;
        thread::sleep(after);
        Ok(())
    }

    fn write(&self, mut stream: &TcpStream, to: SocketAddr) -> std::io::Result<()> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let has = |wanted: &str| {
            self.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        if !has("host") {
            write!(head, "host: {to}\r\n")?;
        }
        for (name, value) in &self.headers {
            head.extend_from_slice(&line(name, value));
        }
        if !has("content-length") && !has("transfer-encoding") {
            match &self.body {
                Body::None => {}
                Body::Sized(body) => write!(head, "content-length: {}\r\n", body.len())?,
                Body::Chunked { .. } => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            }
        }
        head.extend_from_slice(b"\r\n");
        match &self.body {
            Body::None => stream.write_all(&head),
            Body::Sized(body) => {
                head.extend_from_slice(body);
                stream.write_all(&head)
            }
            Body::Chunked { chunks, trailers } => {
                stream.write_all(&head)?;
                for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                    let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
                    framed.extend_from_slice(chunk);
                    framed.extend_from_slice(b"\r\n");
                    stream.write_all(&framed)?;
                }
                let mut end = b"0\r\n".to_vec();
                for (name, value) in trailers {
                    end.extend_from_slice(&line(name, value));
                }
                end.extend_from_slice(b"\r\n");
                stream.write_all(&end)
            }
        }
    }
}

/// Sends these bytes, whatever they are, and reads the response.
///
/// # Errors
/// When there is no response.
pub fn send_raw(to: SocketAddr, bytes: &[u8]) -> Result<Response> {
    let mut stream = connect(to, None)?;
    let written = stream.write_all(bytes);
    Exchange::read_head(stream, false)
        .map_err(|error| written.err().map_or(error, Into::into))?
        .finish()
}

impl Response {
    /// The first header of this name, bytes that are no UTF-8 replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        find(&self.headers, name)
    }

    /// The body as text, bytes that are no UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Exchange {
    fn read_head(stream: TcpStream, head_only: bool) -> Result<Self> {
        let mut reader = BufReader::new(stream);
        let (status, headers) = loop {
            let first = read_line(&mut reader)?;
            let status = first
                .split(|byte| *byte == b' ')
                .nth(1)
                .and_then(|code| std::str::from_utf8(code).ok()?.parse::<u16>().ok());
            let Some(status) = status else {
                bail!("no response but {:?}", String::from_utf8_lossy(&first))
            };
            let headers = read_headers(&mut reader)?;
            if status >= 200 || status == 101 {
                break (status, headers);
            }
        };
        let length = find(&headers, "content-length").and_then(|value| value.parse().ok());
        let is_chunked = find(&headers, "transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        let left = match length {
            _ if head_only || status == 204 || status == 304 => Left::Nothing,
            _ if is_chunked => Left::Chunks,
            Some(0) => Left::Nothing,
            Some(length) => Left::Sized(length),
            None => Left::UntilClose,
        };
        let complete = matches!(left, Left::Nothing);
        let response = Response {
            status,
            headers,
            body: Vec::new(),
            trailers: Vec::new(),
            complete,
        };
        Ok(Self {
            reader,
            response,
            left,
        })
    }

    /// The head, and as much of the body as has been read.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Reads one more piece of the body: a chunk, or what the socket gives. `None` at its end, however it came.
    ///
    /// # Errors
    /// When the framing is broken or the other side is silent for too long.
    pub fn read_some(&mut self) -> Result<Option<Vec<u8>>> {
        let piece = match self.left {
            Left::Nothing => None,
            Left::Chunks => self.read_chunk()?,
            Left::Sized(length) => self.read_part(usize::try_from(length).unwrap_or(usize::MAX))?,
            Left::UntilClose => self.read_part(usize::MAX)?,
        };
        match &piece {
            Some(piece) => self.response.body.extend_from_slice(piece),
            None => self.left = Left::Nothing,
        }
        Ok(piece)
    }

    /// Reads until the body, as far as it has come, holds `text`.
    ///
    /// # Errors
    /// When the body ends before.
    pub fn read_until(&mut self, text: &str) -> Result<()> {
        while !self.response.text().contains(text) {
            if self.read_some()?.is_none() {
                bail!("the body ends without {text:?}: {}", self.response.text());
            }
        }
        Ok(())
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// As [`Exchange::read_some`].
    pub fn finish(mut self) -> Result<Response> {
        while self.read_some()?.is_some() {}
        Ok(self.response)
    }

    fn read_part(&mut self, limit: usize) -> Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; limit.min(64 * 1024)];
        let read = match self.reader.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if is_reset(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        buffer.truncate(read);
        match &mut self.left {
            Left::Sized(length) => {
                *length -= u64::try_from(read)?;
                if *length == 0 {
                    self.left = Left::Nothing;
                    self.response.complete = true;
                }
            }
            Left::UntilClose if read == 0 => self.response.complete = true,
            Left::UntilClose | Left::Chunks | Left::Nothing => {}
        }
        Ok((read > 0).then_some(buffer))
    }

    fn read_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = match read_line(&mut self.reader) {
            Ok(line) => line,
            Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(is_reset) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let size = std::str::from_utf8(&line)
            .ok()
            .and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let size = size
            .with_context(|| format!("a chunk begins with {:?}", String::from_utf8_lossy(&line)))?;
        if size == 0 {
            self.response.trailers = read_headers(&mut self.reader)?;
            self.response.complete = true;
            return Ok(None);
        }
        let mut chunk = vec![0; size + 2];
        match self.reader.read_exact(&mut chunk) {
            Ok(()) => {}
            Err(error) if is_reset(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        chunk.truncate(size);
        Ok(Some(chunk))
    }
}

fn connect(to: SocketAddr, from: Option<IpAddr>) -> Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    if let Some(from) = from {
        socket
            .bind(&SocketAddr::new(from, 0).into())
            .with_context(|| format!("bind {from}"))?;
    }
    socket
        .connect_timeout(&to.into(), SILENCE_MAX)
        .with_context(|| format!("connect to {to}"))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    Ok(stream)
}

fn is_reset(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
    )
}

fn line(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b": ", value, b"\r\n"].concat()
}

fn find(headers: &Headers, wanted: &str) -> Option<String> {
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn read_line(reader: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

fn read_headers(reader: &mut impl BufRead) -> Result<Headers> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .context("a header without a colon")?;
        let (name, value) = line.split_at(colon);
        headers.push((
            name.to_owned(),
            value.get(1..).unwrap_or_default().trim_ascii().to_owned(),
        ));
    }
}
