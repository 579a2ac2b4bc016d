//! What happened in a world, in order, as text that a person can read.

use std::fmt::Write as _;

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since the world began.
    pub at_ms: u64,
    /// What kind of thing happened.
    pub kind: Kind,
    /// What happened.
    pub text: String,
}

/// The kinds of things a transcript holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something came from the client or from the upstream.
    In,
    /// A callback of a guest, and what it answered.
    Callback,
    /// A host call that changes something.
    Change,
    /// A host call that only reads.
    Read,
    /// A line of a guest's log.
    Log,
    /// Something left for the upstream or for the client.
    Out,
    /// What the host did by itself: VMs started, traps, timers.
    Host,
}

/// A recording. Ask [`crate::World::transcript`] for it.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    entries: Vec<Entry>,
}

impl Transcript {
    pub(crate) fn push(&mut self, at_ms: u64, kind: Kind, text: String) {
        self.entries.push(Entry { at_ms, kind, text });
    }

    pub(crate) fn amend(&mut self, line: usize, text: &str) {
        if let Some(entry) = self.entries.get_mut(line) {
            entry.text.push_str(text);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn since(&self, start: usize) -> Self {
        Self {
            entries: self.entries.iter().skip(start).cloned().collect(),
        }
    }

    /// The recorded lines.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The text without host calls that only read. The time stands where it changed.
    pub fn render(&self) -> String {
        self.render_kinds(|kind| kind != Kind::Read)
    }

    /// The text with all host calls (those that only read are recorded after [`crate::World::record_reads`]).
    pub fn render_all(&self) -> String {
        self.render_kinds(|_| true)
    }

    /// The text with the kinds that `keep` wants.
    pub fn render_kinds(&self, keep: impl Fn(Kind) -> bool) -> String {
        let mut text = String::new();
        let mut at_ms = 0;
        for entry in self.entries.iter().filter(|entry| keep(entry.kind)) {
            if entry.at_ms != at_ms {
                at_ms = entry.at_ms;
                let _ = writeln!(text, "-- {at_ms} ms");
            }
            let lead = match entry.kind {
                Kind::In => "> ",
                Kind::Callback => "  ",
                Kind::Change | Kind::Read => "    ",
                Kind::Log => "    | ",
                Kind::Out => "< ",
                Kind::Host => "* ",
            };
            for line in entry.text.lines() {
                let _ = writeln!(text, "{lead}{line}");
            }
        }
        text
    }
}

/// Bytes as text: as they are if they are printable, escaped if not, shortened if long.
pub(crate) fn show(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 200;
    let (head, tail) = bytes.split_at(bytes.len().min(SHOWN_BYTES_MAX));
    let mut text: String = String::from_utf8_lossy(head)
        .chars()
        .flat_map(escape)
        .collect();
    if !tail.is_empty() {
        let _ = write!(text, "… ({} bytes)", bytes.len());
    }
    text
}

fn escape(c: char) -> Vec<char> {
    if c == '\n' || c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}
