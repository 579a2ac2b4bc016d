//! Parts of one message, read as one: what is split over the end of a part and the beginning of the next is found too.
//!
//! Each part is a text and is scanned as one. Around each seam the last bytes of the parts before and the first of the next are scanned once
//! more, together; only what lies across the seam counts there. What was found in a part already is left at that: a match that could only
//! grow over the seam must not take away what another part begins with.

use crate::report::Across;
use portcullis_policy::{Edit, Part, Text, TextId};
use std::ops::Range;

/// Bytes before a seam that are looked at again: longer than what nearly every secret needs to be known by.
const BEFORE_BYTES: usize = 512;

/// Bytes behind a seam that are looked at again.
const BEHIND_BYTES: usize = 1024;

/// Most seams of a message. Protects a worker's time: parts of one letter cost all that is around them.
const SEAMS_MAX: usize = 16 * 1024;

/// There are more seams than [`SEAMS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyParts;

/// Bytes of one text within a row of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Where they begin in the row.
    at: usize,
    /// Whose they are.
    text: TextId,
    /// Where they begin in their text.
    position: usize,
}

/// Neighboring parts, or the last bytes of them, as one text.
#[derive(Debug, Clone, Default)]
struct Row {
    text: String,
    runs: Vec<Run>,
}

impl Row {
    fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
    }

    /// Adds a piece that stands at a position of a text.
    fn push(&mut self, text: TextId, position: usize, piece: &str) {
        let at = self.text.len();
        let goes_on = |run: &Run| run.text == text && run.position + (at - run.at) == position;
        if !piece.is_empty() && !self.runs.last().is_some_and(goes_on) {
            self.runs.push(Run { at, text, position });
        }
        self.text.push_str(piece);
    }

    /// Keeps the last bytes.
    fn keep_last(&mut self, bytes: usize) {
        let gone = self
            .text
            .ceil_char_boundary(self.text.len().saturating_sub(bytes));
        self.text.drain(..gone);
        let first = self
            .runs
            .partition_point(|run| run.at <= gone)
            .saturating_sub(1);
        self.runs.drain(..first);
        for run in &mut self.runs {
            run.position += gone.saturating_sub(run.at);
            run.at = run.at.saturating_sub(gone);
        }
        if self.text.is_empty() {
            self.runs.clear();
        }
    }

    /// A range as parts of its texts.
    fn places(&self, range: &Range<usize>) -> impl Iterator<Item = (TextId, Range<usize>)> {
        let ends = self.runs.iter().skip(1).map(|run| run.at);
        let runs = self.runs.iter().zip(ends.chain([self.text.len()]));
        runs.filter_map(|(run, end)| {
            let (start, end) = (range.start.max(run.at), range.end.min(end));
            (start < end).then(|| {
                let place = run.position + (start - run.at)..run.position + (end - run.at);
                (run.text, place)
            })
        })
    }
}

/// A seam with what stands around it.
#[derive(Debug, Default)]
pub(crate) struct Seam {
    row: Row,
    /// Where it is in the row.
    at: usize,
}

impl Seam {
    /// What stands around it.
    pub(crate) fn text(&self) -> &str {
        &self.row.text
    }

    /// What a match must lie across.
    pub(crate) const fn across(&self) -> Across {
        Across(self.at)
    }

    /// A range of what stands around it, as far as it lies in the last text.
    pub(crate) fn last(&self, range: &Range<usize>) -> Range<usize> {
        let place = self.row.places(range).last();
        place.map_or(0..0, |(_, range)| range)
    }

    /// What is to be masked of a match: what came to it since it was masked across the seam before, if it was.
    pub(crate) fn masks(&self, range: &Range<usize>, joint: &mut Joint) -> Range<usize> {
        let mut places = self.row.places(range);
        let Some((text, first)) = places.next().filter(|_| !self.is_gone(range, joint)) else {
            return range.clone();
        };
        let begin = (text, first.start);
        let end = places
            .last()
            .map_or((text, first.end), |(text, last)| (text, last.end));
        let known = joint.masked.replace([begin, end]);
        let from = known
            .filter(|[known, _]| *known == begin)
            .and_then(|[_, (text, end)]| {
                let run = self.row.runs.iter().rfind(|run| run.text == text)?;
                (run.at + end).checked_sub(run.position)
            });
        from.unwrap_or(range.start).max(range.start)..range.end
    }

    /// A change of what stands around it as changes of the texts: the replacement stands in the first. `None` where something of it goes already.
    pub(crate) fn edits(
        &self,
        range: &Range<usize>,
        mut replacement: String,
        joint: &Joint,
    ) -> Option<Vec<Edit>> {
        if self.is_gone(range, joint) {
            return None;
        }
        let edits = self.row.places(range).map(|(text, range)| Edit {
            text,
            range,
            replacement: std::mem::take(&mut replacement),
        });
        Some(edits.collect())
    }

    /// Whether something of it goes with what was found in a part.
    fn is_gone(&self, range: &Range<usize>, joint: &Joint) -> bool {
        let mut places = self.row.places(range);
        places.any(|(text, range)| joint.is_gone(text, &range))
    }
}

/// The parts of the message at hand.
#[derive(Debug, Default)]
pub(crate) struct Joint {
    /// The last bytes of what came.
    last: Row,
    /// The seam behind which text still comes.
    seam: Option<Seam>,
    /// The part at hand, and how much of it came.
    part: Option<(TextId, usize)>,
    /// What goes of the parts that can still lie at a seam.
    gone: Vec<(TextId, Range<usize>)>,
    /// Where what was masked last across a seam begins and ends.
    masked: Option<[(TextId, usize); 2]>,
    seams: usize,
}

impl Joint {
    /// Takes the next piece of a part; the seam before it, once enough stands behind it.
    pub(crate) fn push(&mut self, text: Text<'_>) -> Result<Option<Seam>, TooManyParts> {
        let position = match self.part {
            Some((id, position)) if id == text.id => position,
            _ => {
                self.begin(text)?;
                0
            }
        };
        self.part = Some((text.id, position + text.piece.len()));
        let mut complete = text.last;
        if let Some(seam) = &mut self.seam {
            let room = (seam.at + BEHIND_BYTES).saturating_sub(seam.row.text.len());
            let fits = text.piece.floor_char_boundary(room);
            let piece = text.piece.get(..fits).unwrap_or_default();
            seam.row.push(text.id, position, piece);
            complete |= fits < text.piece.len();
        }
        let from = text.piece.len().saturating_sub(BEFORE_BYTES);
        let from = text.piece.ceil_char_boundary(from);
        let end = text.piece.get(from..).unwrap_or_default();
        if from > 0 {
            self.last.clear();
        }
        self.last.push(text.id, position + from, end);
        self.last.keep_last(BEFORE_BYTES);
        Ok(self.seam.take_if(|_| complete))
    }

    /// A part begins.
    fn begin(&mut self, text: Text<'_>) -> Result<(), TooManyParts> {
        self.seam = None;
        if text.part != Part::Next {
            self.last.clear();
            self.gone.retain(|(of, _)| *of == text.id);
            return Ok(());
        }
        let runs = &self.last.runs;
        self.gone
            .retain(|(of, _)| *of == text.id || runs.iter().any(|run| run.text == *of));
        if self.last.text.is_empty() {
            return Ok(());
        }
        self.seams += 1;
        if self.seams > SEAMS_MAX {
            return Err(TooManyParts);
        }
        self.seam = Some(Seam {
            at: self.last.text.len(),
            row: self.last.clone(),
        });
        Ok(())
    }

    /// Something of a part goes.
    pub(crate) fn goes(&mut self, text: TextId, range: Range<usize>) {
        self.gone.push((text, range));
    }

    fn is_gone(&self, text: TextId, range: &Range<usize>) -> bool {
        self.gone
            .iter()
            .any(|(of, gone)| *of == text && gone.start < range.end && range.start < gone.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part<'a>(id: u64, piece: &'a str, last: bool, first: bool) -> Text<'a> {
        Text {
            part: if first { Part::First } else { Part::Next },
            ..Text::prose(TextId(id), piece, last)
        }
    }

    #[test]
    fn what_stands_around_a_seam() {
        let mut joint = Joint::default();
        assert!(
            joint
                .push(part(1, "first ", false, true))
                .unwrap()
                .is_none()
        );
        assert!(joint.push(part(1, "sk-", true, true)).unwrap().is_none());
        let seam = joint.push(part(2, "ant-", true, false)).unwrap().unwrap();
        assert_eq!((seam.text(), seam.at), ("first sk-ant-", 9));
        let seam = joint.push(part(3, "api03", true, false)).unwrap().unwrap();
        assert_eq!((seam.text(), seam.at), ("first sk-ant-api03", 13));
        let edits = seam.edits(&(6..18), "gone".to_owned(), &joint).unwrap();
        let edits: Vec<_> = edits
            .iter()
            .map(|edit| (edit.text.0, edit.range.clone(), edit.replacement.as_str()))
            .collect();
        assert_eq!(edits, [(1, 6..9, "gone"), (2, 0..4, ""), (3, 0..5, "")]);
        joint.goes(TextId(2), 2..4);
        assert!(seam.edits(&(6..18), String::new(), &joint).is_none());
        // Another message.
        assert!(joint.push(part(4, "x", true, true)).unwrap().is_none());
        assert_eq!(joint.last.text, "x");
        assert!(joint.gone.is_empty());
    }

    #[test]
    fn what_is_masked_already_is_not_masked_again() {
        let mut joint = Joint::default();
        joint.push(part(1, "ab", true, true)).unwrap();
        let seam = joint.push(part(2, "cd", true, false)).unwrap().unwrap();
        assert_eq!(seam.masks(&(1..4), &mut joint), 1..4);
        let seam = joint.push(part(3, "ef", true, false)).unwrap().unwrap();
        assert_eq!(seam.masks(&(1..5), &mut joint), 4..5);
        let seam = joint.push(part(4, "gh", true, false)).unwrap().unwrap();
        assert_eq!(seam.masks(&(1..7), &mut joint), 5..7);
        assert!(seam.masks(&(1..7), &mut joint).is_empty());
        // Another one.
        assert_eq!(seam.masks(&(0..7), &mut joint), 0..7);
        // What was found in a part goes with that, and nothing is known of the rest.
        joint.goes(TextId(4), 1..2);
        assert_eq!(seam.masks(&(0..8), &mut joint), 0..8);
        assert!(seam.edits(&(0..8), String::new(), &joint).is_none());
        assert_eq!(seam.masks(&(0..7), &mut joint), 7..7);
    }

    #[test]
    fn seams_are_bounded() {
        let mut joint = Joint::default();
        joint.push(part(0, "x", true, true)).unwrap();
        for id in 1..=SEAMS_MAX as u64 {
            let seam = joint.push(part(id, "y", true, false)).unwrap().unwrap();
            assert!(seam.text().len() <= BEFORE_BYTES + 1);
        }
        assert!(joint.push(part(u64::MAX, "z", true, false)).is_err());
    }

    proptest! {
        /// Whatever the parts and pieces are, a seam has the bytes around it, and each leads back to where it came from.
        #[test]
        fn bytes_lead_back(parts in prop::collection::vec(prop::collection::vec("[a-zé]{0,9}|x{600}|é{700}", 1..4), 1..6)) {
            let texts: Vec<String> = parts.iter().map(|pieces| pieces.concat()).collect();
            let mut joint = Joint::default();
            for (id, pieces) in (0..).zip(&parts) {
                for (index, piece) in pieces.iter().enumerate() {
                    let text = part(id, piece, index + 1 == pieces.len(), id == 0);
                    let Some(seam) = joint.push(text).unwrap() else { continue };
                    let before: String = texts[..id as usize].concat();
                    let (head, tail) = seam.text().split_at(seam.at);
                    prop_assert!(before.ends_with(head));
                    prop_assert!(head.len() + 3 > before.len().min(BEFORE_BYTES));
                    prop_assert!(texts[id as usize].starts_with(tail));
                    prop_assert!(tail.len() + 3 > texts[id as usize].len().min(BEHIND_BYTES));
                    let places: Vec<_> = seam.row.places(&(0..seam.text().len())).collect();
                    let bytes: String = places.iter().map(|(text, range)| texts[text.0 as usize].get(range.clone()).unwrap()).collect();
                    prop_assert_eq!(bytes.as_str(), seam.text());
                }
            }
        }
    }
}
