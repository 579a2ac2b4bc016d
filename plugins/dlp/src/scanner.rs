//! Scans all texts of a message, several of which may be open at once.

use crate::candidates::Scratch;
use crate::drive::Driver;
use crate::joint::{Joint, Seam, TooManyParts};
use crate::known::{Known, Whole};
use crate::report::{Report, Stop};
use crate::rules::Rules;
use crate::scope::RuleSet;
use crate::text::{Manner, TextScan};
use portcullis_policy::{Batch, Part, Place, Role, Text, TextId};

/// Most texts that may be open at once: the choices and channels of a streamed response. Protects memory; each can hold back some kilobytes.
pub(crate) const OPEN_TEXTS_MAX: usize = 256;

/// Longest key that says something of its value. Protects time: what stands before a value is looked at once more with it.
const KEY_BYTES_MAX: usize = 64;

/// Why a message cannot pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A text said so.
    Stop(Stop),
    /// More than [`OPEN_TEXTS_MAX`].
    TooManyTexts,
    /// More values to mask than a request may have.
    TooManyValues,
    /// More parts than can be read together.
    TooManyParts,
}

/// The key of a text, if it says something of it.
pub(crate) fn telling<'a>(text: &Text<'a>) -> &'a str {
    let tells = text.key.len() <= KEY_BYTES_MAX && text.place != Place::Opaque;
    if tells { text.key } else { "" }
}

/// The texts of a message.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// Begun and not ended.
    open: Vec<(TextId, Box<TextScan>)>,
    /// For the next text: most come in one piece, and need no room of their own; most messages need none at all.
    spare: Option<Box<TextScan>>,
    scratch: Option<Box<Scratch>>,
    report: Report,
    joint: Option<Box<Joint>>,
    known: Known,
}

/// Room for those who follow candidates, made when there is none.
#[inline(never)]
fn scratch(room: &mut Option<Box<Scratch>>) -> &mut Scratch {
    room.get_or_insert_default()
}

impl From<TooManyParts> for Refused {
    fn from(_: TooManyParts) -> Self {
        Self::TooManyParts
    }
}

impl Scanner {
    /// With what is to read the next text, if that is there.
    pub(crate) fn new(spare: Option<Box<TextScan>>) -> Box<Self> {
        Box::new(Self {
            spare,
            ..Self::default()
        })
    }

    /// What read the last text.
    pub(crate) fn into_spare(self) -> Option<Box<TextScan>> {
        self.spare
    }

    /// Takes the next piece of a text that `reaching` rules look at. What it brought to light is in [`Self::report`], also when the message is refused.
    /// True: it came whole, and nothing is in it, however often it comes at its place, nor in another number of as many digits.
    pub(crate) fn text(
        &mut self,
        rules: &Rules,
        reaching: RuleSet,
        text: &Text<'_>,
        streamed: bool,
    ) -> Result<bool, Refused> {
        let key = telling(text);
        // Pieces mostly come in the order of their texts, so the last one is the likely one.
        let open = if self.open.is_empty() {
            None
        } else {
            self.open.iter().rposition(|(id, _)| *id == text.id)
        };
        let manner = Manner {
            streamed,
            opaque: text.place == Place::Opaque,
        };
        if open.is_some() || !text.last {
            self.piece(rules, reaching, text, open, (manner, key))?;
            return Ok(false);
        }
        let is_number = text.place == Place::Number;
        let whole = Whole::of(text, reaching);
        if text.piece.len() < rules.shortest()
            || is_number && rules.is_no_number(key, text.piece.len())
            || self.known.is_clear(whole)
        {
            return Ok(true);
        }
        let mut plain = None;
        if rules.driver().is_some() {
            let page = self.spare.get_or_insert_default().page();
            plain = page.put_alone(key, text.piece);
        }
        // What looks for both tells whether it sees either.
        let both = plain.is_some() && rules.driver().is_some_and(Driver::looks_for_factors);
        let clear = !both && rules.patterns_clear(text.piece, plain == Some(true));
        if !clear || rules.driver().is_some() {
            let scan = self.spare.get_or_insert_default();
            if let Some(driver) = rules
                .driver()
                .filter(|_| plain.is_some() && (clear || both))
                && scan.unclear(driver, manner.opaque) == 0
            {
                self.known.clear(whole);
                return Ok(!is_number);
            }
            scan.reset(rules, reaching);
            scan.follows(rules, key);
            if clear {
                scan.without_patterns();
            }
            let scratch = scratch(&mut self.scratch);
            let report = &mut self.report;
            scan.push(rules, text.piece, true, manner, scratch, report)
                .map_err(Refused::Stop)?;
            if !scan.saw_nothing() {
                return Ok(false);
            }
        }
        self.known.clear(whole);
        Ok(!is_number)
    }

    /// Which of several texts must be looked at one by one, by their bits; `reaching` tells which rules look at those of a role.
    pub(crate) fn sift(
        &mut self,
        rules: &Rules,
        driver: &Driver,
        batch: Batch<'_>,
        reaching: impl Fn(Role) -> RuleSet,
    ) -> u64 {
        if rules.has_patterns() && !driver.looks_for_factors() {
            return u64::MAX;
        }
        let scan = self.spare.get_or_insert_default();
        let page = scan.page();
        page.clear();
        let (mut unclear, mut looked_at) = (0, 0);
        let (knows, keeps) = (self.known.is_worth(), self.known.keeps(batch.texts.len()));
        let whole = |placed| Whole::of(&batch.text(placed), reaching(placed.role));
        for (placed, bit) in batch.texts.iter().zip(0..u64::BITS) {
            if placed.text.len() < rules.shortest()
                || reaching(placed.role).is_empty()
                || knows && self.known.is_clear(whole(placed))
            {
                continue;
            }
            let written = batch.written(placed);
            let written = written.filter(|_| placed.key.len() <= KEY_BYTES_MAX);
            match written.and_then(|[key, text]| page.put(key, text, bit)) {
                Some(()) => looked_at |= 1 << bit,
                None => unclear |= 1 << bit,
            }
        }
        if looked_at != 0 {
            unclear |= scan.unclear(driver, false);
        }
        for (placed, bit) in batch.texts.iter().zip(0..u64::BITS) {
            if keeps && (looked_at & !unclear) >> bit & 1 == 1 {
                self.known.clear(whole(placed));
            }
        }
        unclear
    }

    /// Takes a piece of a text that comes in several.
    #[inline(never)]
    fn piece(
        &mut self,
        rules: &Rules,
        reaching: RuleSet,
        text: &Text<'_>,
        open: Option<usize>,
        (manner, key): (Manner, &str),
    ) -> Result<(), Refused> {
        let scan = match open.and_then(|index| self.open.get_mut(index)) {
            Some((_, scan)) => scan,
            None => {
                if self.open.len() >= OPEN_TEXTS_MAX {
                    return Err(Refused::TooManyTexts);
                }
                let mut scan = self.spare.take().unwrap_or_default();
                scan.reset(rules, reaching);
                scan.follows(rules, key);
                self.open.push((text.id, scan));
                let Some((_, scan)) = self.open.last_mut() else {
                    return Ok(());
                };
                scan
            }
        };
        let scratch = scratch(&mut self.scratch);
        let report = &mut self.report;
        let result = scan.push(rules, text.piece, text.last, manner, scratch, report);
        if text.last
            && let Some(index) = open
        {
            self.spare = Some(self.open.swap_remove(index).1);
        }
        result.map_err(Refused::Stop)
    }

    /// Takes a piece of a part of a message, after [`Self::text`] did: what lies across the seam before it, once enough of it came.
    /// [`Self::report`] then speaks of the seam.
    pub(crate) fn part(
        &mut self,
        rules: &Rules,
        reaching: RuleSet,
        text: Text<'_>,
    ) -> Result<Option<Seam>, Refused> {
        if text.part == Part::Alone {
            return Ok(None);
        }
        let Some(seam) = self.joint.get_or_insert_default().push(text)? else {
            return Ok(None);
        };
        let mut scan = self.spare.take().unwrap_or_default();
        scan.reset(rules, reaching);
        self.report.across = Some(seam.across());
        let result = scan.push(
            rules,
            seam.text(),
            true,
            Manner::default(),
            scratch(&mut self.scratch),
            &mut self.report,
        );
        self.report.across = None;
        self.spare = Some(scan);
        result.map(|()| Some(seam)).map_err(Refused::Stop)
    }

    /// The parts of the message at hand.
    pub(crate) fn joint(&mut self) -> &mut Joint {
        self.joint.get_or_insert_default()
    }

    /// Ends every open text.
    pub(crate) fn end(&mut self, rules: &Rules) -> Result<(), Refused> {
        let mut result = Ok(());
        for (_, mut scan) in std::mem::take(&mut self.open) {
            if result.is_ok() {
                result = scan
                    .push(
                        rules,
                        "",
                        true,
                        Manner::default(),
                        scratch(&mut self.scratch),
                        &mut self.report,
                    )
                    .map_err(Refused::Stop);
            }
        }
        result
    }

    /// What came to light since it was last emptied.
    pub(crate) const fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}

#[cfg(test)]
mod tests;
