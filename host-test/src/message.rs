//! What left for the upstream or for the client.

use std::fmt;

use crate::headers::HeaderMap;
use crate::transcript::show;

/// One thing that left.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Headers, and whether nothing follows them.
    Headers(HeaderMap, bool),
    /// Bytes, and whether nothing follows them.
    Data(Vec<u8>, bool),
    /// Trailers, which end a message.
    Trailers(HeaderMap),
    /// The stream was cut.
    Reset,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: &bool| if *end { " (end)" } else { "" };
        match self {
            Self::Headers(map, last) => {
                writeln!(f, "headers{}", end(last))?;
                for line in map.to_string().lines() {
                    writeln!(f, "  {line}")?;
                }
                Ok(())
            }
            Self::Data(bytes, last) => writeln!(f, "data{} {}", end(last), show(bytes)),
            Self::Trailers(map) => {
                writeln!(f, "trailers")?;
                for line in map.to_string().lines() {
                    writeln!(f, "  {line}")?;
                }
                Ok(())
            }
            Self::Reset => writeln!(f, "reset"),
        }
    }
}

/// Bodies as text, so that a failed assertion can be read.
impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Headers(map, end) => f.debug_tuple("Headers").field(map).field(end).finish(),
            Self::Data(bytes, end) => f
                .debug_tuple("Data")
                .field(&show(bytes))
                .field(end)
                .finish(),
            Self::Trailers(map) => f.debug_tuple("Trailers").field(map).finish(),
            Self::Reset => f.write_str("Reset"),
        }
    }
}

/// All that left in one direction, in order and in the pieces in which it left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pieces: Vec<Piece>,
}

impl Message {
    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(crate) fn push(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    /// Whether anything left at all.
    pub fn started(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// The headers, if they left.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Headers(map, _) => Some(map),
            Piece::Data(..) | Piece::Trailers(_) | Piece::Reset => None,
        })
    }

    /// The first value of a header as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers()?.text(name)
    }

    /// The number in `:status`.
    pub fn status(&self) -> Option<u16> {
        self.header(":status")?.parse().ok()
    }

    /// All bytes of the body that left.
    pub fn body(&self) -> Vec<u8> {
        self.chunks().concat()
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body()).into_owned()
    }

    /// The body in the pieces in which it left, empty ones included.
    pub fn chunks(&self) -> Vec<&[u8]> {
        self.pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Data(bytes, _) => Some(bytes.as_slice()),
                Piece::Headers(..) | Piece::Trailers(_) | Piece::Reset => None,
            })
            .collect()
    }

    /// The trailers, if they left.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Trailers(map) => Some(map),
            Piece::Headers(..) | Piece::Data(..) | Piece::Reset => None,
        })
    }

    /// Whether the message left to its end.
    pub fn complete(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Headers(_, end) | Piece::Data(_, end) => *end,
            Piece::Trailers(_) => true,
            Piece::Reset => false,
        })
    }

    /// Whether it was cut.
    pub fn reset(&self) -> bool {
        self.pieces.contains(&Piece::Reset)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| piece.fmt(f))
    }
}
