//! The way back from the view to the text.

use std::collections::VecDeque;

/// Where view and text part.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Position in the view.
    view: usize,
    /// Where in the text ends what stands before it in the view.
    ended: usize,
    /// Where in the text begins what stands behind it in the view.
    begins: usize,
}

/// Positions of the view to positions of the text: between two parts they go step by step.
#[derive(Debug, Default)]
pub(super) struct Map(VecDeque<Part>);

impl Map {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// A character has no place in the view: at `view`, the text goes on at `text`.
    pub(super) fn dropped(&mut self, view: usize, text: usize) {
        match self.0.back_mut() {
            Some(last) if last.view == view => last.begins = text,
            _ => {
                let ended = self.end(view);
                self.0.push_back(Part {
                    view,
                    ended,
                    begins: text,
                });
            }
        }
    }

    /// A character took one byte of the view, the one before `view`, and ended in the text at `text`.
    pub(super) fn folded(&mut self, view: usize, text: usize) {
        self.0.push_back(Part {
            view,
            ended: text,
            begins: text,
        });
    }

    /// Where in the text begins what stands at `view`.
    pub(super) fn begin(&self, view: usize) -> usize {
        let behind = self.0.partition_point(|part| part.view <= view);
        self.from(behind, view)
    }

    /// Where in the text ends what stands before `view`.
    pub(super) fn end(&self, view: usize) -> usize {
        let behind = self.0.partition_point(|part| part.view < view);
        match self.0.get(behind) {
            Some(part) if part.view == view => part.ended,
            _ => self.from(behind, view),
        }
    }

    fn from(&self, behind: usize, view: usize) -> usize {
        behind
            .checked_sub(1)
            .and_then(|index| self.0.get(index))
            .map_or(view, |part| part.begins + (view - part.view))
    }

    /// Only positions from `view` on will be asked for.
    pub(super) fn forget(&mut self, view: usize) {
        let behind = self.0.partition_point(|part| part.view < view);
        // The last one before still says how far view and text are apart.
        self.0.drain(..behind.saturating_sub(1));
        if self.0.capacity() > 8 * (self.0.len() + 64) {
            self.0.shrink_to_fit();
        }
    }
}
