//! What scanning brings to light, and what the rules' options make of it.

use crate::redactions::Redaction;
use crate::rules::{Rule, Rules};
use portcullis_policy::Action;
use std::ops::Range;

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

/// A match that is certain, and known to its end.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    /// Whose.
    pub(crate) rule: u16,
    /// The detector that found it, if one did.
    pub(crate) detector: Option<&'static str>,
    /// Which bytes of the text.
    pub(crate) range: Range<usize>,
    /// It is a part of a match before, and whether that stays as it is.
    pub(crate) part_of: Option<bool>,
    /// What was found, as the rule saw it.
    pub(crate) value: &'a [u8],
}

/// A match that counts, for [`crate::Survey`].
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) rule: u16,
    pub(crate) detector: Option<&'static str>,
    pub(crate) range: Range<usize>,
    /// The rule does more than flag it: it is not one of the first ones below a threshold.
    pub(crate) acts: bool,
}

/// What a match must lie across to count: a seam between two parts, each of which was scanned by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Across(pub(crate) usize);

/// What becomes of the matches of one rule in one message.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Those that count.
    seen: u32,
    /// Those that were only flagged, because there were too few.
    flagged: u32,
    /// The last one stays as it is.
    stays: bool,
}

/// What came to light in a message.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// In the order of the rules; few rules find anything in a message.
    tallies: Vec<(u16, Tally)>,
    /// Number of ranges to go.
    redacted: usize,
    /// What goes of the text at hand, in order, never overlapping, whole characters.
    pub(crate) redactions: Vec<Redaction>,
    /// What those of them hold that are masked, in order; empty where it is too long to mask.
    pub(crate) values: Vec<String>,
    /// Every match that counts, where somebody wants them.
    sightings: Option<Vec<Sighting>>,
    /// From where on the text at hand must be held back.
    pub(crate) hold_from: Option<usize>,
    /// Only what lies across counts.
    pub(crate) across: Option<Across>,
}

impl Report {
    /// Whether there is anything to be done about the text at hand.
    pub(crate) const fn has_news(&self) -> bool {
        !self.redactions.is_empty() || self.hold_from.is_some()
    }

    /// Decides about a match: whether it stays as it is, and the range that is to go, if any.
    ///
    /// # Errors
    /// [`Stop::Blocked`], [`Stop::TooMany`].
    pub(crate) fn found(
        &mut self,
        rules: &Rules,
        found: Found<'_>,
    ) -> Result<(bool, Option<Redaction>), Stop> {
        let Some(rule) = rules.rule(found.rule) else {
            return Ok((true, None));
        };
        if let Some(Across(seam)) = self.across
            && (found.range.start >= seam || found.range.end <= seam)
        {
            return Ok((self.last_stays(found.rule), None));
        }
        let replaces = matches!(rule.action, Action::Mask | Action::Redact);
        let stays = match found.part_of {
            Some(stays) => stays,
            None => {
                let stays = !self.acts(found.rule, rule, found.value);
                self.sight(&found, rule, !stays);
                self.change(found.rule, |tally| tally.stays = stays || !replaces);
                if !stays && rule.action == Action::Block {
                    return Err(Stop::Blocked(found.rule));
                }
                stays
            }
        };
        if stays || !replaces {
            return Ok((stays, None));
        }
        self.redacted += 1;
        if self.redacted > REDACTIONS_MAX {
            return Err(Stop::TooMany(found.rule));
        }
        let redaction = Redaction {
            range: found.range,
            rule: found.part_of.is_none().then_some(found.rule),
            masks: rule.action == Action::Mask,
        };
        Ok((stays, Some(redaction)))
    }

    /// Whether the rule's last match stays as it is.
    pub(crate) fn last_stays(&self, rule: u16) -> bool {
        self.tally(rule).stays
    }

    /// Counts a match, unless it is one that may pass. Whether the rule acts on it.
    fn acts(&mut self, index: u16, rule: &Rule, value: &[u8]) -> bool {
        if rule.allow.permits(value) {
            return false;
        }
        let acts = self.tally(index).seen + 1 >= rule.threshold;
        // What blocks is counted when it stops the scan.
        if rule.action == Action::Block && acts {
            return true;
        }
        self.change(index, |tally| {
            tally.seen = tally.seen.saturating_add(1);
            tally.flagged += u32::from(!acts);
        });
        acts
    }

    /// Keeps all matches from now on.
    pub(crate) fn survey(&mut self) {
        self.sightings = Some(Vec::new());
    }

    /// The matches kept so far; leaves none.
    pub(crate) fn take_sightings(&mut self) -> Vec<Sighting> {
        self.sightings
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    fn sight(&mut self, found: &Found<'_>, rule: &Rule, acts: bool) {
        if let Some(sightings) = &mut self.sightings
            && !rule.allow.permits(found.value)
        {
            sightings.push(Sighting {
                rule: found.rule,
                detector: found.detector,
                range: found.range.clone(),
                acts,
            });
        }
    }

    /// Whether rules may block as soon as a match is certain, wherever it ends.
    pub(crate) const fn acts_early(&self) -> bool {
        self.across.is_none()
    }

    /// Counts a match of a rule that acted.
    pub(crate) fn count(&mut self, rule: u16) {
        self.change(rule, |tally| tally.seen = tally.seen.saturating_add(1));
        // A text that costs too much is a finding of its own.
        if let Some(sightings) = &mut self.sightings {
            sightings.push(Sighting {
                rule,
                detector: None,
                range: 0..0,
                acts: true,
            });
        }
    }

    fn tally(&self, rule: u16) -> Tally {
        let known = self.tallies.iter().find(|(of, _)| *of == rule);
        known.map_or(Tally::default(), |(_, tally)| *tally)
    }

    fn change(&mut self, rule: u16, change: impl FnOnce(&mut Tally)) {
        let at = self.tallies.partition_point(|(of, _)| *of < rule);
        if self.tallies.get(at).is_none_or(|(of, _)| *of != rule) {
            self.tallies.insert(at, (rule, Tally::default()));
        }
        if let Some((_, tally)) = self.tallies.get_mut(at) {
            change(tally);
        }
    }

    /// Numbers of matches, in the order of the rules: those on which the rule acted, and those that it only flagged; leaves none.
    pub(crate) fn take_counts(&mut self) -> impl Iterator<Item = (u16, u32, u32)> + use<> {
        let tallies = std::mem::take(&mut self.tallies);
        tallies
            .into_iter()
            .filter(|(_, tally)| tally.seen > 0)
            .map(|(rule, tally)| (rule, tally.seen - tally.flagged, tally.flagged))
    }
}
