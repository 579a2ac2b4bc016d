//! Where an HTTP/1.1 response ends (RFC 9112, section 6.3), and nothing more about it.

use std::io;
use std::mem;

/// The largest header section: a server that never ends its headers is broken.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The largest line of a chunked body that is no data.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Follows one response.
pub(super) struct Reader {
    may_have_body: bool,
    status: u16,
    keep_alive: bool,
    /// The header section, or a line of a chunked body, as far as it has arrived.
    line: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes to go.
    Length(u64),
    /// So many bytes of a chunk to go.
    Chunk(u64),
    Line(Line),
    UntilClose,
}

/// The lines of a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Size,
    EndOfChunk,
    Trailer,
}

/// A response that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: u16,
    pub(super) keep_alive: bool,
}

impl Reader {
    /// For one response; that to a `HEAD` has no body whatever it says.
    pub(super) fn new(may_have_body: bool) -> Reader {
        Reader {
            may_have_body,
            status: 0,
            keep_alive: true,
            line: Vec::new(),
            state: State::Head,
        }
    }

    /// Follows what arrived. Fails on what is no HTTP, and on bytes after the end: nobody asked for them.
    pub(super) fn feed(&mut self, mut data: &[u8]) -> io::Result<Option<End>> {
        while !data.is_empty() {
            let (used, done) = self.step(data)?;
            data = data.get(used..).unwrap_or_default();
            if done {
                let end = End {
                    status: self.status,
                    keep_alive: self.keep_alive,
                };
                return if data.is_empty() {
                    Ok(Some(end))
                } else {
                    Err(invalid("bytes after the response"))
                };
            }
        }
        Ok(None)
    }

    /// The connection has ended. Fails if the response had not.
    pub(super) fn closed(&self) -> io::Result<End> {
        match self.state {
            State::UntilClose => Ok(End {
                status: self.status,
                keep_alive: false,
            }),
            State::Head | State::Length(_) | State::Chunk(_) | State::Line(_) => Err(
                io::Error::new(io::ErrorKind::UnexpectedEof, "the response was cut"),
            ),
        }
    }

    /// Uses some of `data`; returns how much, and whether the response is complete.
    fn step(&mut self, data: &[u8]) -> io::Result<(usize, bool)> {
        match self.state {
            State::Head => self.head(data),
            State::Length(left) => {
                let (used, left) = skip(left, data);
                self.state = State::Length(left);
                Ok((used, left == 0))
            }
            State::Chunk(left) => {
                let (used, left) = skip(left, data);
                self.state = if left == 0 {
                    State::Line(Line::EndOfChunk)
                } else {
                    State::Chunk(left)
                };
                Ok((used, false))
            }
            State::UntilClose => Ok((data.len(), false)),
            State::Line(line) => self.line(line, data),
        }
    }

    fn head(&mut self, data: &[u8]) -> io::Result<(usize, bool)> {
        let before = self.line.len();
        self.line.extend_from_slice(data);
        // The end may lie across two reads.
        let from = before.saturating_sub(3);
        let end = self
            .line
            .get(from..)
            .unwrap_or_default()
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        let Some(end) = end.map(|at| from + at + 4) else {
            return if self.line.len() > HEAD_BYTES_MAX {
                Err(invalid("endless headers"))
            } else {
                Ok((data.len(), false))
            };
        };
        let mut head = mem::take(&mut self.line);
        head.truncate(end);
        let done = self.parse_head(&head)?;
        Ok((end - before, done))
    }

    /// Reads the header section; returns whether the response ends with it.
    fn parse_head(&mut self, head: &[u8]) -> io::Result<bool> {
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let status_line = lines.next().unwrap_or_default();
        let version = status_line.get(..8).unwrap_or_default();
        self.status = number(status_line.get(9..12).unwrap_or_default(), 10)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|_| version.starts_with(b"HTTP/1."))
            .ok_or_else(|| invalid("no HTTP/1 status line"))?;
        self.keep_alive = version == b"HTTP/1.1";

        let (mut length, mut chunked) = (None, false);
        for line in lines {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                continue;
            };
            let (name, value) = line.split_at_checked(colon).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            if name.eq_ignore_ascii_case(b"content-length") {
                length =
                    Some(number(value, 10).ok_or_else(|| invalid("content-length is no number"))?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                chunked = value.to_ascii_lowercase().ends_with(b"chunked");
            } else if name.eq_ignore_ascii_case(b"connection")
                && value.eq_ignore_ascii_case(b"close")
            {
                self.keep_alive = false;
            }
        }

        if (100..200).contains(&self.status) {
            self.state = State::Head;
            return Ok(false);
        }
        if !self.may_have_body || matches!(self.status, 204 | 304) {
            return Ok(true);
        }
        self.state = match (chunked, length) {
            (true, _) => State::Line(Line::Size),
            (false, Some(length)) => State::Length(length),
            (false, None) => State::UntilClose,
        };
        Ok(self.state == State::Length(0))
    }

    /// Reads on in a line of a chunked body; returns how much was used and whether the body ends with it.
    fn line(&mut self, kind: Line, data: &[u8]) -> io::Result<(usize, bool)> {
        let Some(end) = data.iter().position(|&byte| byte == b'\n') else {
            self.line.extend_from_slice(data);
            return if self.line.len() > LINE_BYTES_MAX {
                Err(invalid("endless line"))
            } else {
                Ok((data.len(), false))
            };
        };
        self.line
            .extend_from_slice(data.get(..end).unwrap_or_default());
        let mut line = mem::take(&mut self.line);
        let content = line.trim_ascii();
        self.state = match kind {
            Line::Size => {
                let digits = content
                    .split(|&byte| byte == b';')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii();
                match number(digits, 16).ok_or_else(|| invalid("no chunk size"))? {
                    0 => State::Line(Line::Trailer),
                    size => State::Chunk(size),
                }
            }
            Line::EndOfChunk if content.is_empty() => State::Line(Line::Size),
            Line::EndOfChunk => return Err(invalid("a chunk is longer than it says")),
            Line::Trailer => State::Line(Line::Trailer),
        };
        let done = kind == Line::Trailer && content.is_empty();
        // The allocation serves all lines.
        line.clear();
        self.line = line;
        Ok((end + 1, done))
    }
}

fn skip(left: u64, data: &[u8]) -> (usize, u64) {
    let used = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
    (used, left.saturating_sub(used as u64))
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    u64::from_str_radix(digits, radix)
        .ok()
        .filter(|_| !digits.starts_with('+'))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Complete responses, and whether a body may follow.
    const COMPLETE: &[(&[u8], bool, End)] = &[
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, End { status: 200, keep_alive: true }),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, End { status: 200, keep_alive: true }),
        (b"HTTP/1.1 204 No Content\r\n\r\n", true, End { status: 204, keep_alive: true }),
        (b"HTTP/1.1 529 \r\nconnection: close\r\ncontent-length: 0\r\n\r\n", true, End { status: 529, keep_alive: false }),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\ntrailer: 1\r\n\r\n",
            true,
            End { status: 200, keep_alive: true },
        ),
    ];

    #[test]
    fn an_end_without_length_is_the_end_of_the_connection() {
        let mut reader = Reader::new(true);
        assert_eq!(reader.feed(b"HTTP/1.0 200 OK\r\n\r\nabc").unwrap(), None);
        assert_eq!(
            reader.closed().unwrap(),
            End {
                status: 200,
                keep_alive: false
            }
        );
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        for bytes in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        ] {
            assert!(
                Reader::new(true).feed(bytes).is_err(),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_end(which in 0..COMPLETE.len(), size in 1_usize..40) {
            let (bytes, may_have_body, expected) = COMPLETE[which];
            let mut reader = Reader::new(may_have_body);
            let mut ends = Vec::new();
            for part in bytes.chunks(size) {
                prop_assert!(ends.is_empty());
                ends.extend(reader.feed(part).unwrap());
            }
            prop_assert_eq!(ends, [expected]);
        }

        #[test]
        fn a_cut_response_is_an_error(which in 0..COMPLETE.len(), keep in 0_usize..60) {
            let (bytes, may_have_body, _) = COMPLETE[which];
            let mut reader = Reader::new(may_have_body);
            if let Ok(None) = reader.feed(&bytes[..keep.min(bytes.len() - 1)]) {
                prop_assert!(reader.closed().is_err());
            }
        }
    }
}
