//! Strings of a document on their way to the sink, and the sink's wishes on their way back.

use crate::TextSink;
use crate::edits::{Change, merge};
use crate::json::{self, NESTED_DEPTH_MAX, Raw};
use portcullis_policy::{Edit, Reason, Refusal, Text, TextId};

/// Ids of texts that are strings within strings; all other ids are below.
const NESTED: u64 = 1 << 63;

/// Ids for strings within strings. They are never heard of again: what the sink wishes for one, it wishes at once.
#[derive(Debug, Default)]
pub(crate) struct NestedIds(u64);

impl NestedIds {
    /// The next one.
    pub(crate) fn fresh(&mut self) -> TextId {
        self.0 += 1;
        TextId(NESTED | self.0)
    }
}

/// Gives one piece to the sink. What it wishes changed in this text goes to `changes`.
pub(crate) fn give(
    text: Text<'_>,
    sink: &mut dyn TextSink,
    batch: &mut Vec<Edit>,
    changes: &mut impl FnMut(Change),
) -> Result<Option<usize>, Refusal> {
    batch.clear();
    let undecided = sink.text(text, batch)?;
    for edit in batch.drain(..) {
        if edit.text != text.id {
            return Err(not_at_hand());
        }
        changes(Change {
            range: edit.range,
            replacement: edit.replacement,
        });
    }
    Ok(undecided)
}

/// A wish that cannot be granted must not be forgotten: something would leave that was meant to be taken out.
pub(crate) fn not_at_hand() -> Refusal {
    Refusal::new(
        Reason::PolicyUnavailable,
        "The gateway could not carry out an edit.",
    )
}

/// Reads a whole text again when it is a document itself: its strings go to the sink as texts of their own. Returns what is to be
/// changed in `text`.
pub(crate) fn give_nested(
    text: &str,
    ids: &mut NestedIds,
    sink: &mut dyn TextSink,
    batch: &mut Vec<Edit>,
) -> Result<Vec<Change>, Refusal> {
    json::read_nested(text, NESTED_DEPTH_MAX, &mut |inner: &str| {
        let mut changes = Vec::new();
        let text = Text {
            id: ids.fresh(),
            piece: inner,
            last: true,
        };
        give(text, sink, batch, &mut |change| changes.push(change))?;
        Ok(changes)
    })
}

/// Texts of a document that is kept until its end. A string's id is where its inside begins.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    changes: Vec<(usize, Change)>,
    nested: NestedIds,
    /// A string that came in pieces, once more in one.
    whole: String,
    batch: Vec<Edit>,
    /// The string that has begun: where, and whether there were escapes in what is gone.
    open: Option<(usize, bool)>,
    /// Where the string at hand begins.
    at: usize,
}

impl Texts {
    /// Takes a piece of a string of `body`: as it is written, and what it means.
    pub(crate) fn piece(
        &mut self,
        body: &str,
        raw: Raw<'_>,
        piece: &str,
        last: bool,
        sink: Option<&mut dyn TextSink>,
    ) -> Result<(), Refusal> {
        let before = self.open.take();
        let (start, escaped_before) = before.unwrap_or((raw.at, false));
        self.at = start;
        let escaped = escaped_before || raw.escaped;
        if !last {
            self.open = Some((start, escaped));
        }
        let Some(sink) = sink else { return Ok(()) };
        if before.is_none() && piece.is_empty() && last {
            return Ok(());
        }
        let text = Text {
            id: TextId(start as u64),
            piece,
            last,
        };
        let changes = &mut self.changes;
        give(text, sink, &mut self.batch, &mut |change| {
            changes.push((start, change))
        })?;
        if !last || !escaped {
            return Ok(());
        }
        let mut whole = piece;
        if before.is_some() {
            self.whole.clear();
            let end = raw.at + raw.text.len();
            let raw = body.get(start..end).unwrap_or_default();
            if json::starts_document(raw) {
                json::unescape_into(raw, &mut self.whole);
            }
            whole = &self.whole;
        }
        if json::hides_text(whole) {
            let nested = give_nested(whole, &mut self.nested, sink, &mut self.batch)?;
            self.changes
                .extend(nested.into_iter().map(|change| (start, change)));
        }
        Ok(())
    }

    /// Whether anything is to be changed in the string at hand.
    pub(crate) fn at_hand_changes(&self) -> bool {
        self.changes
            .last()
            .is_some_and(|(start, _)| *start == self.at)
    }

    /// Whether anything is to be changed.
    pub(crate) fn unchanged(&self) -> bool {
        self.changes.is_empty()
    }

    /// The body with all changes carried out; untouched bytes are copied as they are.
    pub(crate) fn render(&mut self, body: &str) -> Vec<u8> {
        self.changes.sort_by_key(|(start, _)| *start);
        let mut out = Vec::with_capacity(body.len());
        let mut copied = 0;
        for group in self.changes.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((start, _)) = group.first() else {
                continue;
            };
            let raw = body
                .get(*start..)
                .map(json::string_inside)
                .unwrap_or_default();
            let changes = group.iter().map(|(_, change)| change.clone()).collect();
            out.extend_from_slice(body.get(copied..*start).unwrap_or_default().as_bytes());
            change_string(raw, changes, &mut out);
            copied = start + raw.len();
        }
        out.extend_from_slice(body.get(copied..).unwrap_or_default().as_bytes());
        out
    }
}

/// Appends the inside of a string with changes of its text carried out. When it is a document it stays one.
pub(crate) fn change_string(raw: &str, mut changes: Vec<Change>, out: &mut Vec<u8>) {
    merge(&mut changes);
    if json::starts_document(raw) {
        let mut text = String::with_capacity(raw.len());
        json::unescape_into(raw, &mut text);
        changes = json::fit(&text, changes, NESTED_DEPTH_MAX);
    }
    change_piece(raw, changes, out);
}

/// Appends the inside of a string, or a piece of it, with changes of its text carried out just so.
pub(crate) fn change_piece(raw: &str, mut changes: Vec<Change>, out: &mut Vec<u8>) {
    merge(&mut changes);
    let mut places = Vec::with_capacity(changes.len());
    json::locate(raw, changes.iter().map(|change| &change.range), |bytes| {
        places.push(bytes)
    });
    let mut copied = 0;
    let mut escaped = String::new();
    for (place, change) in places.into_iter().zip(changes) {
        // A character that two changes share was widened into both.
        out.extend_from_slice(raw.get(copied..place.start).unwrap_or_default().as_bytes());
        escaped.clear();
        json::escape_into(&change.replacement, &mut escaped);
        out.extend_from_slice(escaped.as_bytes());
        copied = place.end.max(copied);
    }
    out.extend_from_slice(raw.get(copied..).unwrap_or_default().as_bytes());
}
