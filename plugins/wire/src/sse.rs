//! Server-sent events as bytes: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

use std::ops::Range;

/// Cuts a stream into events. Each is kept with all of its bytes, the blank line that ends it included, so that events put together
/// are the stream.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    event: Vec<u8>,
    /// The line at hand has bytes.
    line_begun: bool,
    /// The last byte was CR: LF may follow and belongs to it.
    after_cr: bool,
    /// That CR ended a blank line.
    blank: bool,
}

impl Splitter {
    /// Takes bytes off `chunk` until an event is complete. `None`: the chunk is used up.
    pub(crate) fn next(&mut self, chunk: &mut &[u8]) -> Option<Vec<u8>> {
        let end = self.end(chunk);
        let taken = end.unwrap_or(chunk.len());
        let (event, rest) = chunk.split_at_checked(taken)?;
        *chunk = rest;
        if end.is_some() && self.event.is_empty() {
            // Most events come whole.
            return Some(event.to_vec());
        }
        self.event.extend_from_slice(event);
        end.map(|_| std::mem::take(&mut self.event))
    }

    /// How many bytes of the chunk belong to the event, if it ends there.
    fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = chunk.get(at..)?;
            if self.after_cr {
                let byte = rest.first()?;
                self.after_cr = false;
                at += usize::from(*byte == b'\n');
                if std::mem::take(&mut self.blank) {
                    return Some(at);
                }
                continue;
            }
            let Some(line) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.line_begun |= !rest.is_empty();
                return None;
            };
            let blank = !self.line_begun && line == 0;
            self.line_begun = false;
            self.after_cr = rest.get(line) == Some(&b'\r');
            at += line + 1;
            if self.after_cr {
                self.blank = blank;
            } else if blank {
                return Some(at);
            }
        }
    }

    /// What was begun and not ended.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.event)
    }

    /// Bytes of the event that has begun.
    pub(crate) fn begun(&self) -> usize {
        self.event.len()
    }
}

/// A line of an event that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line of data.
    Data(Range<usize>),
    /// The event's name.
    Name(Range<usize>),
    /// A comment, an id, a time to wait; of other fields the whole line.
    Other(Range<usize>),
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The lines of an event, as ranges of it. `first`: it is the stream's first one, which may begin with a byte order mark.
pub(crate) fn lines(event: &str, first: bool) -> Vec<Line> {
    // Most events have a name and one line of data.
    let mut lines = Vec::with_capacity(2);
    let mut at = if first && event.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len_utf8()
    } else {
        0
    };
    while let Some(rest) = event.get(at..).filter(|rest| !rest.is_empty()) {
        let len = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        if len > 0 {
            lines.push(line(rest.get(..len).unwrap_or_default(), at));
        }
        at += len + 1;
    }
    lines
}

fn line(text: &str, at: usize) -> Line {
    let end = at + text.len();
    let Some((field, value)) = text.split_once(':') else {
        return if text == "data" {
            Line::Data(end..end)
        } else {
            Line::Other(at..end)
        };
    };
    let value = end - value.strip_prefix(' ').unwrap_or(value).len()..end;
    match field {
        "data" => Line::Data(value),
        "event" => Line::Name(value),
        "" | "id" | "retry" => Line::Other(value),
        _ => Line::Other(at..end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(stream: &[u8], sizes: &[usize]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut splitter = Splitter::default();
        let mut events = Vec::new();
        let mut sizes = sizes.iter().cycle();
        let mut rest = stream;
        while !rest.is_empty() {
            let size = sizes
                .next()
                .copied()
                .unwrap_or(usize::MAX)
                .clamp(1, rest.len());
            let (mut chunk, after) = rest.split_at(size);
            while let Some(event) = splitter.next(&mut chunk) {
                events.push(event);
            }
            rest = after;
        }
        (events, splitter.rest())
    }

    #[test]
    fn every_line_end_ends_lines() {
        let (events, rest) = split(b"a\n\nb\r\n\r\nc\r\rd\n\r\n\re\r\n\n\n", &[]);
        let events: Vec<_> = events
            .iter()
            .map(|event| String::from_utf8_lossy(event).into_owned())
            .collect();
        assert_eq!(
            events,
            [
                "a\n\n",
                "b\r\n\r\n",
                "c\r\r",
                "d\n\r\n",
                "\r",
                "e\r\n\n",
                "\n"
            ]
        );
        assert_eq!(rest, b"");
    }

    #[test]
    fn fields_are_told_apart() {
        let event = "\u{feff}data: x\r\n:note\nevent:ping\nid: 7\nretry:9\ndata\ndata:  y\nodd: z\nodder\r\r";
        let lines = lines(event, true);
        let text = |range: &Range<usize>| event.get(range.clone()).unwrap().to_owned();
        let seen: Vec<_> = lines
            .iter()
            .map(|line| match line {
                Line::Data(range) => format!("data={}", text(range)),
                Line::Name(range) => format!("name={}", text(range)),
                Line::Other(range) => format!("other={}", text(range)),
            })
            .collect();
        assert_eq!(
            seen,
            [
                "data=x",
                "other=note",
                "name=ping",
                "other=7",
                "other=9",
                "data=",
                "data= y",
                "other=odd: z",
                "other=odder"
            ]
        );
    }

    proptest! {
        #[test]
        fn events_are_the_stream_however_it_is_cut(stream in "([ab:]|\r|\n|\r\n|\n\n){0,40}", sizes in proptest::collection::vec(1usize..7, 1..5)) {
            let whole = split(stream.as_bytes(), &[]);
            prop_assert_eq!(&split(stream.as_bytes(), &sizes), &whole);
            let mut joined = whole.0.concat();
            joined.extend(whole.1);
            prop_assert_eq!(joined, stream.as_bytes());
        }
    }
}
