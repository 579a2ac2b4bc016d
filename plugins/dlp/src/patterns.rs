//! Patterns over one text: as it is written, and as it reads.
//!
//! An operator's pattern means the characters it names, so it is held against the text as it is. What is disguised reads otherwise, so from the first
//! character on that the [`View`] folds, a second [`Matcher`] goes along over the view, begun as a copy of the first, until both are at one again. A
//! text of ASCII never has two, nor has one whose letters are what they look like.

use crate::candidates::Scratch;
use crate::matcher::{Event, Halted, Matcher, Places, Undecided, What, Work};
use crate::rules::Rules;
use crate::scope::RuleSet;
use crate::view::{self, View};
use crate::window::Window;
use portcullis_policy::sort::sort_by_key;

/// At multiples of so many bytes it is asked whether both are at one again: at places of the text, so that cutting it means nothing.
const TOGETHER_BYTES: usize = if cfg!(test) { 8 } else { 256 };

/// Room that is kept of the view.
const KEPT_CAPACITY_MAX: usize = 16 * 1024;

/// The patterns' state of one text between two pieces.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    written: Matcher,
    folded: Folded,
    /// Both have looked at the text, or at a part of it.
    saw_folds: bool,
}

/// Goes over the view.
#[derive(Debug, Default)]
struct Folded {
    /// It does so.
    goes: bool,
    view: View,
    matcher: Matcher,
    /// What may be needed again of the view, and where it stands.
    kept: Vec<u8>,
    kept_base: usize,
    /// Behind the last character that folds stands a byte over which no match's lead reaches.
    apart: bool,
}

impl Patterns {
    /// Ready for the beginning of a text that `reaching` rules look at, whatever went before.
    pub(crate) fn reset(&mut self, rules: &Rules, reaching: RuleSet) {
        self.written.reset(rules, reaching);
        self.folded.goes = false;
        self.saw_folds = false;
    }

    /// Leaves nothing but what is known of a text.
    #[cfg(test)]
    pub(crate) fn forget_room(&mut self) {
        if !self.folded.goes {
            self.folded = Folded::default();
        }
    }

    /// Steps that were taken before this text, and more than it may cost.
    pub(crate) const fn owe(&mut self, steps: usize) {
        self.written.owe(steps);
    }

    /// How many steps were more than the text may cost.
    pub(crate) fn owes(&self) -> usize {
        let folded = if self.saw_folds {
            self.folded.matcher.owes()
        } else {
            0
        };
        self.written.owes().max(folded)
    }

    /// Whether a match may have been seen in two ways.
    pub(crate) const fn saw_folds(&self) -> bool {
        self.saw_folds
    }

    /// Takes the next piece, with which the window ends; what has become certain, in order. `early` tells that rules may block before it is known
    /// where their match ends, `places` where factors can be complete.
    pub(crate) fn push(
        &mut self,
        rules: &Rules,
        window: Window<'_>,
        piece: &str,
        last: bool,
        (early, places): (bool, Option<Places<'_>>),
        scratch: &mut Scratch,
    ) -> Vec<Event> {
        let (mut written, mut folded) = (Vec::new(), Vec::new());
        // Where one of them halts, its last event says why, and the text ends there.
        let result = self.read(
            &mut Work {
                rules,
                window,
                scratch,
                early,
                places,
                events: &mut written,
            },
            &mut folded,
            piece,
            last,
        );
        if result.is_ok() && last {
            let at_end = (written.len(), folded.len());
            let mut work = Work {
                rules,
                window,
                scratch,
                early,
                places: None,
                events: &mut written,
            };
            let _ = self.written.finish(&mut work);
            if self.folded.goes {
                let _ = self.folded.read("", true, &mut work, &mut folded);
            }
            let behind = written.iter_mut().skip(at_end.0);
            for event in behind.chain(folded.iter_mut().skip(at_end.1)) {
                event.at = usize::MAX;
            }
        }
        if !folded.is_empty() {
            written.append(&mut folded);
            sort_by_key(&mut written, |event| event.at);
        }
        written
    }

    fn read(
        &mut self,
        work: &mut Work<'_>,
        folded: &mut Vec<Event>,
        piece: &str,
        last: bool,
    ) -> Result<(), Halted> {
        let mut rest = piece;
        while !rest.is_empty() {
            let at = work.window.end() - rest.len();
            if !self.folded.goes {
                let Some(plain) = view::first_folded(rest) else {
                    return self.written.scan(work.window.end(), last, work);
                };
                self.written.scan(at + plain, false, work)?;
                self.folded.begin(&mut self.written, work);
                self.saw_folds = true;
                rest = rest.get(plain..).unwrap_or_default();
                continue;
            }
            let wanted = (at / TOGETHER_BYTES + 1) * TOGETHER_BYTES - at;
            let len = rest.ceil_char_boundary(wanted.min(rest.len()));
            let (portion, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
            rest = behind;
            let written = self.written.scan(at + len, false, work);
            let folds = self.folded.read(portion, false, work, folded);
            written.and(folds)?;
            if len >= wanted
                && self.folded.apart
                && self.written.agrees(&self.folded.matcher, work.rules)
            {
                self.folded.goes = false;
            }
        }
        Ok(())
    }

    /// From where on the text is undecided.
    pub(crate) fn undecided(
        &mut self,
        rules: &Rules,
        window: Window<'_>,
        streamed: bool,
    ) -> Undecided {
        let mut undecided = self.written.undecided(rules, window, streamed);
        if self.folded.goes {
            let folded = self.folded.undecided(rules, streamed);
            undecided.needed = undecided.needed.min(folded.needed);
            undecided.held = undecided.held.min(folded.held);
            undecided.decided = undecided.decided.min(folded.decided);
        }
        undecided
    }

    /// How many steps candidates took.
    #[cfg(test)]
    pub(crate) const fn steps(&self) -> usize {
        self.written.steps()
    }
}

impl Folded {
    /// Goes along from here on, where view and text part.
    fn begin(&mut self, written: &mut Matcher, work: &Work<'_>) {
        let (position, base) = (written.position(), work.window.base());
        // Of a short text it may as well be all.
        let needed = match position - base {
            0..=TOGETHER_BYTES => base,
            _ => written.undecided(work.rules, work.window, false).needed,
        };
        self.matcher.clone_from(written);
        self.view = View::at(position);
        // One character more than is needed: assertions look at what stands before.
        self.kept_base = work.window.character(needed.saturating_sub(1));
        let kept = work.window.range(self.kept_base..position);
        self.kept_base = position - kept.len();
        self.kept.clear();
        self.kept.extend_from_slice(kept);
        self.goes = true;
        self.apart = false;
    }

    /// Reads on; with `last`, the text is over.
    fn read(
        &mut self,
        portion: &str,
        last: bool,
        work: &mut Work<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Halted> {
        if !self.view.push(portion, &mut self.kept) {
            self.kept.extend_from_slice(portion.as_bytes());
        }
        let behind = view::behind_folded(portion);
        self.apart &= behind.is_none();
        let lead = work.rules.lead();
        let mut bytes = behind.unwrap_or(portion).bytes();
        self.apart = self.apart || bytes.any(|byte| !lead.contains(byte));
        let known = events.len();
        let work = &mut Work {
            rules: work.rules,
            window: Window::new(&self.kept, self.kept_base),
            scratch: work.scratch,
            early: work.early,
            places: None,
            events,
        };
        let result = if last {
            self.matcher.finish(work)
        } else {
            self.matcher.scan(work.window.end(), false, work)
        };
        for event in events.iter_mut().skip(known) {
            event.at = self.view.text_position(event.at);
            if let What::Match { range, .. } = &mut event.what {
                *range = self.view.text_range(range);
            }
        }
        result
    }

    fn undecided(&mut self, rules: &Rules, streamed: bool) -> Undecided {
        let window = Window::new(&self.kept, self.kept_base);
        let undecided = self.matcher.undecided(rules, window, streamed);
        let needed = window.character(undecided.needed.saturating_sub(1));
        let unneeded = needed.saturating_sub(self.kept_base);
        if unneeded * 2 >= self.kept.len() {
            self.kept.drain(..unneeded);
            self.kept.shrink_to(KEPT_CAPACITY_MAX);
            self.kept_base += unneeded;
            self.view.forget(self.kept_base);
        }
        let end = self.view.len();
        let place = |position: usize| match position {
            // Nothing is, nor are characters behind it that nobody sees.
            position if position == end => usize::MAX,
            _ => self.view.text_range(&(position..position)).start,
        };
        Undecided {
            needed: place(undecided.needed),
            held: place(undecided.held),
            decided: place(undecided.decided),
        }
    }
}
