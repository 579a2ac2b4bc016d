//! How a target's bytes are read: a few for choices at the front, the rest is the subject.

/// Takes numbers from the front of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of it.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next byte; 0 when there is none.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// A few sizes in which something is to be cut, over and over: between one and 255 bytes each.
    pub fn sizes(&mut self) -> Vec<usize> {
        let count = self.byte() % 8 + 1;
        (0..count)
            .map(|_| usize::from(self.byte()).max(1))
            .collect()
    }

    /// What is left.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// What is left, in two: before and behind the first byte 0xff, which no UTF-8 holds.
    #[must_use]
    pub fn two(self) -> (&'a [u8], &'a [u8]) {
        match self.0.iter().position(|byte| *byte == 0xff) {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (self.0, &[]),
        }
    }
}

/// Cuts bytes into pieces of these sizes, over and over.
#[must_use]
pub fn pieces<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Cuts a text into pieces of about these sizes, between characters.
#[must_use]
pub fn text_pieces<'a>(text: &'a str, sizes: &[usize]) -> Vec<&'a str> {
    let mut rest = text;
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.ceil_char_boundary((*size).min(rest.len())));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
