//! How a text is given to the sink, and a string within it after it.

use crate::TextSink;
use crate::edits::Change;
use crate::json::{self, NESTED_DEPTH_MAX};
use portcullis_policy::{Edit, Part, Place, Reason, Refusal, Role, Text, TextId};

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
#[inline(never)]
pub(crate) fn give(
    text: Text<'_>,
    sink: &mut dyn TextSink,
    batch: &mut Vec<Edit>,
    changes: &mut Vec<Change>,
) -> Result<Option<usize>, Refusal> {
    batch.clear();
    let undecided = sink.text(text, batch)?;
    for edit in batch.drain(..) {
        if edit.text != text.id {
            return Err(not_at_hand());
        }
        changes.push(Change {
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
    (role, place): (Role, Place),
    ids: &mut NestedIds,
    sink: &mut dyn TextSink,
    batch: &mut Vec<Edit>,
) -> Result<Vec<Change>, Refusal> {
    json::read_nested(text, NESTED_DEPTH_MAX, &mut |inner: &str| {
        give_inner(inner, "", (role, place), ids, &mut *sink, batch)
    })
}

/// Gives a string within a string.
pub(crate) fn give_inner(
    piece: &str,
    key: &str,
    (role, place): (Role, Place),
    ids: &mut NestedIds,
    sink: &mut dyn TextSink,
    batch: &mut Vec<Edit>,
) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    let text = Text {
        id: ids.fresh(),
        piece,
        last: true,
        role,
        place,
        part: Part::Alone,
        key,
    };
    give(text, sink, batch, &mut changes)?;
    Ok(changes)
}
