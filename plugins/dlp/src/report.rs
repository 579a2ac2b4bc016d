//! What scanning brings to light.

use crate::redactions::Redaction;

/// Most ranges of a message that are redacted. Protects memory: each is an edit that the message's body waits for. No honest text has so many.
pub(crate) const REDACTIONS_MAX: usize = 16 * 1024;

/// Why scanning stopped. Nothing of the piece at hand may leave then, nor what was held back before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A rule with action `block` matched.
    Blocked(u16),
    /// To follow this rule's candidates would take more steps than a text may cost.
    Unfinished(u16),
    /// More than [`REDACTIONS_MAX`], this rule's being the last.
    TooMany(u16),
}

/// What came to light in a message.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Number of matches of each rule.
    counts: Vec<u32>,
    /// Number of ranges to go.
    redacted: usize,
    /// What goes of the text at hand, in order, never overlapping, whole characters.
    pub(crate) redactions: Vec<Redaction>,
    /// From where on the text at hand must be held back.
    pub(crate) hold_from: Option<usize>,
}

impl Report {
    /// Counts a match of a rule.
    pub(crate) fn count(&mut self, rule: u16) {
        let index = usize::from(rule);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }

    /// Counts a range that goes.
    ///
    /// # Errors
    /// [`Stop::TooMany`].
    pub(crate) const fn redact(&mut self, rule: u16) -> Result<(), Stop> {
        self.redacted += 1;
        if self.redacted > REDACTIONS_MAX {
            Err(Stop::TooMany(rule))
        } else {
            Ok(())
        }
    }

    /// Numbers of matches, in the order of the rules; leaves none.
    pub(crate) fn take_counts(&mut self) -> impl Iterator<Item = (u16, u32)> + use<> {
        let counts = std::mem::take(&mut self.counts);
        (0..).zip(counts).filter(|(_, count)| *count > 0)
    }
}
