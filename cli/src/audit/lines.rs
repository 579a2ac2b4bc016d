//! Lines of a reader, without a copy where a line lies within one block, and never more than so many bytes of one.

use std::io::{self, Read};

/// Longest line that is read as a whole. The gateway's are below 16 KiB; a longer one is something else.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// Read at once.
const BLOCK_BYTES: usize = 256 << 10;

/// Reads lines.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// What of the buffer has been read and not been handed out.
    start: usize,
    end: usize,
    over: bool,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawLine<'a> {
    /// Its bytes; the first of them where it is too long.
    pub bytes: &'a [u8],
    /// Whether a line feed stood at its end. The last line of a file that was cut has none.
    pub ended: bool,
    /// It has more than [`LINE_BYTES_MAX`] bytes.
    pub too_long: bool,
}

impl<R: Read> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BLOCK_BYTES],
            start: 0,
            end: 0,
            over: false,
        }
    }

    /// The next line; `None` after the last.
    pub fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let mut searched = 0;
        loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', held.get(searched..).unwrap_or_default()) {
                let length = searched + found;
                let from = self.start;
                self.start += length + 1;
                return Ok(Some(self.line(from, length, true, false)));
            }
            searched = held.len();
            if searched > LINE_BYTES_MAX {
                return self.skip_the_rest();
            }
            if self.over {
                let (from, length) = (self.start, searched);
                self.start = self.end;
                return Ok((length > 0).then(|| self.line(from, length, false, false)));
            }
            self.fill()?;
        }
    }

    fn line(&self, from: usize, length: usize, ended: bool, too_long: bool) -> RawLine<'_> {
        RawLine {
            bytes: self.buffer.get(from..from + length).unwrap_or_default(),
            ended,
            too_long,
        }
    }

    /// Reads on; makes room for that.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = loop {
            match self.reader.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += count;
        self.over = count == 0;
        Ok(())
    }

    /// Lets the rest of a line go that is too long, but for its beginning.
    fn skip_the_rest(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let beginning = self
            .buffer
            .get(self.start..self.start + LINE_BYTES_MAX)
            .unwrap_or_default()
            .to_vec();
        let mut ended = false;
        self.start = self.end;
        while !self.over && !ended {
            self.fill()?;
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', held) {
                self.start += found + 1;
                ended = true;
            } else {
                self.start = self.end;
            }
        }
        // What follows moves behind the beginning that is shown.
        let rest = self
            .buffer
            .get(self.start..self.end)
            .unwrap_or_default()
            .to_vec();
        let mut buffer = beginning;
        self.start = buffer.len();
        buffer.extend_from_slice(&rest);
        self.end = buffer.len();
        buffer.resize(buffer.len().max(BLOCK_BYTES), 0);
        self.buffer = buffer;
        Ok(Some(self.line(0, LINE_BYTES_MAX, ended, true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(Vec<u8>, bool, bool)> {
        let mut lines = Lines::new(bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.bytes.to_vec(), line.ended, line.too_long));
        }
        found
    }

    #[test]
    fn lines_and_their_ends() {
        assert_eq!(lines(b""), []);
        assert_eq!(
            lines(b"a\n\nb"),
            [
                (b"a".to_vec(), true, false),
                (vec![], true, false),
                (b"b".to_vec(), false, false)
            ]
        );
    }

    #[test]
    fn lines_over_blocks_and_beyond_the_bound() {
        let long = vec![b'x'; BLOCK_BYTES * 3];
        let longer = vec![b'y'; LINE_BYTES_MAX * 3];
        let bytes = [&long[..], b"\nz\n", &longer, b"\nend\n"].concat();
        let found = lines(&bytes);
        assert_eq!(found.len(), 4);
        assert_eq!(found[0], (long, true, false));
        assert_eq!(found[1], (b"z".to_vec(), true, false));
        assert_eq!(
            (found[2].0.len(), found[2].1, found[2].2),
            (LINE_BYTES_MAX, true, true)
        );
        assert_eq!(found[3], (b"end".to_vec(), true, false));
    }
}
