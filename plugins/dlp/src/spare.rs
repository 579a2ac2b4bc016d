//! What reads texts, kept from one message to the next.

use crate::text::TextScan;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// The state that reads a text has room in many lists, one of them with an entry for each detector: to make it costs as much as to read a short
/// message. So one is kept for the next message, whosever it is; it forgets what went before when a text begins.
#[derive(Clone, Default)]
pub(crate) struct Spare(Rc<Cell<Option<Box<TextScan>>>>);

impl Spare {
    /// The one that is kept, if it is there.
    pub(crate) fn take(&self) -> Option<Box<TextScan>> {
        self.0.take()
    }

    /// Keeps one, unless what it read has made it large.
    pub(crate) fn keep(&self, scan: Box<TextScan>) {
        if scan.is_small() {
            self.0.set(Some(scan));
        }
    }
}

impl fmt::Debug for Spare {
    /// Nothing of the texts that it read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spare")
    }
}
