//! Edits of one text, put in order.

use portcullis_policy::sort::sort_by_key;
use std::ops::Range;

/// A part of a text and what stands there instead, both unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// In their place.
    pub replacement: String,
}

/// Sorts changes and joins those that overlap: all that any of them covers goes, and the replacement of the one that begins first
/// stands for it (of those that begin together, of the one that was wished first). Changes that only touch stay apart.
pub(crate) fn merge(changes: &mut Vec<Change>) {
    for change in changes.iter_mut() {
        change.range.end = change.range.end.max(change.range.start);
    }
    sort_by_key(changes, |change| change.range.start);
    changes.dedup_by(|later, earlier| {
        let overlap = later.range.start < earlier.range.end || later.range == earlier.range;
        if overlap {
            earlier.range.end = earlier.range.end.max(later.range.end);
        }
        overlap
    });
}

/// Changes of a text that goes on: they come more or less in order, and go when what they concern has left.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    changes: Vec<Change>,
    /// So many at the front are gone; they are taken out now and then, so that not everything moves for each.
    gone: usize,
}

impl Pending {
    /// Adds changes, and joins those that overlap.
    pub(crate) fn extend(&mut self, changes: impl IntoIterator<Item = Change>) {
        let mut in_order = true;
        for mut change in changes {
            change.range.end = change.range.end.max(change.range.start);
            in_order &= self.changes.last().is_none_or(|last| {
                last.range.end <= change.range.start && last.range != change.range
            });
            self.changes.push(change);
        }
        if !in_order {
            self.changes.drain(..self.gone);
            self.gone = 0;
            merge(&mut self.changes);
        }
    }

    /// Those left, in order.
    pub(crate) fn all(&self) -> &[Change] {
        self.changes.get(self.gone..).unwrap_or_default()
    }

    /// Those that overlap or touch a range.
    pub(crate) fn touching(&self, range: &Range<usize>) -> Vec<Change> {
        let from = self
            .all()
            .partition_point(|change| change.range.end < range.start);
        let touching = self
            .all()
            .iter()
            .skip(from)
            .take_while(|change| change.range.start <= range.end);
        touching.cloned().collect()
    }

    /// Takes out those that end at `position` or before.
    pub(crate) fn take(&mut self, position: usize) -> Vec<Change> {
        let count = self
            .all()
            .partition_point(|change| change.range.end <= position);
        let taken = self.all().get(..count).unwrap_or_default().to_vec();
        self.forget(position);
        taken
    }

    /// Forgets those that end at `position` or before.
    pub(crate) fn forget(&mut self, position: usize) {
        self.gone += self
            .all()
            .partition_point(|change| change.range.end <= position);
        if self.gone > self.changes.len() / 2 {
            self.changes.drain(..self.gone);
            self.gone = 0;
        }
    }
}

/// Appends `text` with changes carried out in it. Changes that begin or end within a character take all of it.
pub(crate) fn carry_out(text: &str, mut changes: Vec<Change>, out: &mut Vec<u8>) {
    merge(&mut changes);
    let mut copied = 0;
    for Change { range, replacement } in changes {
        let start = text.floor_char_boundary(range.start).max(copied);
        out.extend_from_slice(text.get(copied..start).unwrap_or_default().as_bytes());
        out.extend_from_slice(replacement.as_bytes());
        copied = text.ceil_char_boundary(range.end).max(start);
    }
    out.extend_from_slice(text.get(copied..).unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(changes: &[(Range<usize>, &str)]) -> Vec<(Range<usize>, String)> {
        let mut changes: Vec<_> = changes
            .iter()
            .map(|(range, replacement)| Change {
                range: range.clone(),
                replacement: (*replacement).to_owned(),
            })
            .collect();
        merge(&mut changes);
        changes
            .into_iter()
            .map(|change| (change.range, change.replacement))
            .collect()
    }

    #[test]
    fn what_overlaps_becomes_one() {
        assert_eq!(
            merged(&[(5..9, "b"), (0..6, "a"), (8..12, "c")]),
            [(0..12, "a".to_owned())]
        );
        assert_eq!(
            merged(&[(0..3, "a"), (0..3, "a")]),
            [(0..3, "a".to_owned())]
        );
        assert_eq!(
            merged(&[(0..3, "a"), (3..6, "b")]),
            [(0..3, "a".to_owned()), (3..6, "b".to_owned())]
        );
        assert_eq!(
            merged(&[(4..4, "i"), (2..6, "a")]),
            [(2..6, "a".to_owned())]
        );
        assert_eq!(
            merged(&[(4..4, "i"), (4..6, "a")]),
            [(4..4, "i".to_owned()), (4..6, "a".to_owned())]
        );
    }
}
