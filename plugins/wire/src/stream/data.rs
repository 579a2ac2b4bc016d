//! The data of an event.

use crate::sse::Line;
use std::ops::Range;

/// The data of an event, its lines joined by LF as the specification has it. A JSON string cannot hold a line end, so it never lies
/// across two lines.
#[derive(Debug)]
pub(super) struct Data {
    /// Each line: where it begins in the data, and in the event.
    lines: Vec<(usize, Range<usize>)>,
    joined: String,
}

impl Data {
    pub(super) fn of(event: &str, lines: &[Line]) -> Self {
        let mut data = Self {
            lines: Vec::new(),
            joined: String::new(),
        };
        let mut at = 0;
        for line in lines {
            let Line::Data(range) = line else { continue };
            data.lines.push((at, range.clone()));
            at += range.len() + 1;
        }
        if data.lines.len() > 1 {
            for (at, range) in &data.lines {
                if *at > 0 {
                    data.joined.push('\n');
                }
                data.joined
                    .push_str(event.get(range.clone()).unwrap_or_default());
            }
        }
        data
    }

    pub(super) fn text<'a>(&'a self, event: &'a str) -> &'a str {
        match self.lines.as_slice() {
            [(_, range)] => event.get(range.clone()).unwrap_or_default(),
            _ => &self.joined,
        }
    }

    /// Where in the event a byte of the data stands.
    pub(super) fn place(&self, at: usize) -> usize {
        let line = self
            .lines
            .partition_point(|(start, _)| *start <= at)
            .saturating_sub(1);
        self.lines
            .get(line)
            .map_or(at, |(start, range)| range.start + (at - start))
    }
}
