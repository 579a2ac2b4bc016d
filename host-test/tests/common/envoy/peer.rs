//! A socket that speaks HTTP/1.1 piece by piece, and what it has received.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use crate::fact::{Side, shorten};

/// Bytes that a socket received, and whether it was closed.
#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    closed: bool,
}

type Shared = Arc<Mutex<Received>>;

/// A socket with what it received so far.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    received: Shared,
}

impl Peer {
    pub(super) fn new(stream: TcpStream) -> Self {
        let received = Shared::default();
        let (mut reader, shared) = (stream.try_clone().unwrap(), Arc::clone(&received));
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut received = shared.lock().unwrap();
                if count == 0 {
                    received.closed = true;
                    return;
                }
                received.bytes.extend_from_slice(&buffer[..count]);
            }
        });
        Self { stream, received }
    }

    pub(super) fn send(&self, bytes: &str) {
        let _ = (&self.stream).write_all(bytes.as_bytes());
    }

    /// Whether nothing more will come.
    pub(super) fn is_closed(&self) -> bool {
        self.received.lock().unwrap().closed
    }

    pub(super) fn side(&self) -> Side {
        let received = self.received.lock().unwrap();
        parse(&received.bytes, received.closed)
    }
}

/// What a message in HTTP/1.1 says so far.
fn parse(bytes: &[u8], closed: bool) -> Side {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, mut rest)) = text.split_once("\r\n\r\n") else {
        return Side {
            state: if closed { "reset" } else { "nothing" },
            ..Side::default()
        };
    };
    let mut lines = head.lines();
    let first: Vec<_> = lines.next().unwrap().splitn(3, ' ').collect();
    let mut side = Side {
        state: if closed { "reset" } else { "open" },
        ..Side::default()
    };
    if first[0].starts_with("HTTP/") {
        side.headers
            .push((":status".to_owned(), first[1].to_owned()));
    } else {
        side.headers
            .push((":method".to_owned(), first[0].to_owned()));
        side.headers.push((":path".to_owned(), first[1].to_owned()));
    }
    for line in lines {
        let (name, value) = line
            .split_once(": ")
            .unwrap_or((line.trim_end_matches(':'), ""));
        let name = if name == "host" { ":authority" } else { name };
        side.headers.push((name.to_owned(), value.to_owned()));
    }
    let header = |name: &str| {
        side.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    };
    if header("transfer-encoding").is_some() {
        let mut body = String::new();
        while let Some((size, after)) = rest.split_once("\r\n") {
            let Ok(size) = usize::from_str_radix(size, 16) else {
                side.state = "garbled";
                break;
            };
            if size == 0 {
                let (trailers, whole) = after
                    .split_once("\r\n\r\n")
                    .map_or((after, false), |(t, _)| (t, true));
                if whole || after == "\r\n" {
                    side.state = "complete";
                }
                let split = |line: &str| {
                    line.split_once(": ")
                        .map(|(k, v)| (k.to_owned(), v.to_owned()))
                };
                side.trailers = trailers.lines().filter_map(split).collect();
                break;
            }
            let Some((chunk, after)) = after.split_at_checked(size) else {
                body.push_str(after);
                break;
            };
            body.push_str(chunk);
            rest = after.strip_prefix("\r\n").unwrap_or_default();
        }
        side.body = shorten(&body);
    } else {
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        side.body = shorten(rest);
        if rest.len() >= length {
            side.state = "complete";
        }
    }
    side
}
