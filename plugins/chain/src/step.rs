//! What the proxy has to do next with the message at hand.

use portcullis_wire::LocalReply;

/// The answer to a piece of a message (its headers, some body, its end).
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Let it go on as it is.
    Pass,
    /// Keep it until a later step says otherwise. Headers only where the host can hold them.
    Hold,
    /// Let this stand in place of the piece of body at hand, and go on. May be empty.
    Replace(Vec<u8>),
    /// The body is complete: let everything held go, with these bytes as the whole body, or as it came.
    Release(Option<Vec<u8>>),
    /// Answer the client with this instead.
    Reply(LocalReply),
}
