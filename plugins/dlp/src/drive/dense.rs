//! The dense view: the neighborhood of a trigger without what a writer, or a program, puts between the parts of a token.
//!
//! `4012-8888**-8888-1881**`, a key that is broken at the end of a line, `` `AKIA…` `…` `` or `"AKIA…" + "…"`: gaps ([`super::gap`]) are dropped, but
//! for one blank between two words. It is made only where such a thing stands within what could be the token ([`super::broken`]), and once for all
//! triggers that stand near each other: many can, and each would read the same gaps again.

use super::broken::{Broken, BrokenToken, Tokens};
use super::gap::{self, GAP_KNOWN_BY, Gap};
use crate::detectors::{Lengths, Trigger};
use crate::window::Window;
use std::ops::Range;

/// Triggers within so many bytes share a view, which begins as many bytes before them. So where it begins depends on nothing else.
const SHARED_BYTES: usize = 128;
const _: () = assert!(2 * SHARED_BYTES <= crate::detectors::LOOK_BEHIND);

/// By when it is known that a byte stands in the view, but for what begins no gap as only what follows tells.
const KNOWN_BY: usize = 2;

/// The views of a text.
#[derive(Debug)]
pub(super) struct Views {
    numbers: Dense,
    others: Dense,
    /// The rest of a gap, from a trigger on that stands in it.
    in_gap: Dense,
    /// Where the text begins that they are of.
    begins: usize,
}

/// What is shown of a trigger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excerpt<'a> {
    pub(super) window: Window<'a>,
    /// Of the text so much counts…
    pub(super) until: usize,
    /// …which the detector is told to be all…
    pub(super) end: bool,
    /// …as it is, if the text ends with the window.
    pub(super) last: bool,
    /// Where the text begins.
    pub(super) begins: usize,
}

/// A view, or the reason why there is none.
pub(super) enum Look<'a> {
    /// Nothing breaks the token.
    No,
    /// It depends on what follows.
    Unknown,
    View(View<'a>),
}

/// What is seen of a view.
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    /// The trigger in them.
    pub(super) at: Range<usize>,
    /// Nothing else follows.
    pub(super) end: bool,
    parts: &'a [Part],
}

/// A part of the text without its gaps.
#[derive(Debug)]
struct Dense {
    tokens: Tokens,
    start: usize,
    /// Up to here it is made.
    end: usize,
    /// How much of the text it takes to know the last part.
    known: usize,
    bytes: Vec<u8>,
    parts: Vec<Part>,
}

/// What stands between two gaps.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where it begins in the view…
    index: usize,
    /// …and in the text…
    place: usize,
    /// …of which it takes so much to know.
    known: usize,
}

/// Where a byte of the text stands in a view.
#[derive(Debug, Clone, Copy)]
enum Place {
    At(usize),
    /// In a gap that ends here, as is known when what follows it is: by so much of the text.
    Gap {
        known: usize,
        end: usize,
    },
    /// It is not made yet.
    Unknown,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            numbers: Dense::new(Tokens::Numbers),
            others: Dense::new(Tokens::Others),
            in_gap: Dense::new(Tokens::Others),
            begins: 0,
        }
    }
}

impl Views {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.numbers.begin(0);
        self.others.begin(0);
        self.in_gap.begin(0);
    }

    /// The text around a trigger, if the token is broken.
    pub(super) fn look(
        &mut self,
        at: &Range<usize>,
        token: BrokenToken,
        trigger: Trigger,
        shown: Excerpt<'_>,
    ) -> Look<'_> {
        let tokens = Tokens::of(trigger);
        if tokens == Tokens::Numbers && gap::goes_on(shown.window, at.start) {
            return Look::No;
        }
        match token.look(tokens, shown, at.end) {
            Broken::Yes(_) => {}
            Broken::No(_) => return Look::No,
            Broken::Unknown => return Look::Unknown,
        }
        if self.begins != shown.begins {
            self.clear();
            self.begins = shown.begins;
        }
        let view = match tokens {
            Tokens::Numbers => &mut self.numbers,
            Tokens::Others => &mut self.others,
        };
        let begins = shown.begins;
        let start = (at.start - begins) / SHARED_BYTES * SHARED_BYTES;
        view.show(begins + start.saturating_sub(SHARED_BYTES), shown);
        match view.place(at.start) {
            // Within a gap nothing else counts: it is short, and what stands in it is looked at alone.
            Place::Gap { known, end } if known <= shown.until || shown.last => {
                let shown = Excerpt {
                    window: Window::new(shown.window.range(at.start..end), at.start),
                    until: end,
                    end: true,
                    last: true,
                    ..shown
                };
                self.in_gap.tokens = tokens;
                self.in_gap.begin(at.start);
                self.in_gap.show(at.start, shown);
                self.in_gap
                    .of(self.in_gap.place(at.start), at, trigger, shown)
            }
            place @ (Place::At(_) | Place::Gap { .. } | Place::Unknown) => {
                view.of(place, at, trigger, shown)
            }
        }
    }

    /// How many digits stand in the view where a run of them begins, as far as lengths are told apart, none where one goes on or is not broken.
    /// `None` when that depends on what follows.
    pub(super) fn digits(
        &mut self,
        at: &Range<usize>,
        token: BrokenToken,
        shown: Excerpt<'_>,
    ) -> Option<usize> {
        const DIGITS: Trigger = Trigger::Digits(Lengths::ALL, crate::detectors::Before::Any);
        match self.look(at, token, DIGITS, shown) {
            Look::No => Some(0),
            Look::Unknown => None,
            Look::View(view) => Some(view.at.len()),
        }
    }
}

impl Dense {
    const fn new(tokens: Tokens) -> Self {
        Self {
            tokens,
            start: 0,
            end: 0,
            known: 0,
            bytes: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Begins anew at a position.
    fn begin(&mut self, start: usize) {
        (self.start, self.end, self.known) = (start, start, start);
        self.bytes.clear();
        self.parts.clear();
    }

    /// Makes it of the text that is shown, from a position on.
    fn show(&mut self, start: usize, shown: Excerpt<'_>) {
        if self.start != start {
            self.begin(start);
        }
        while self.end < shown.until {
            let rest = shown.window.from(self.end);
            let most = rest.iter().take(shown.until - self.end);
            let plain = most.take_while(|byte| !gap::BEGINS.has(**byte)).count();
            if plain > 0 {
                self.add(rest.get(..plain).unwrap_or_default());
                continue;
            }
            let found = match rest {
                // As nearly all are.
                [byte, next, ..] if gap::is_gap(*byte) && !gap::can_go_on(*next) => {
                    let breaks = *byte != b' ';
                    Some((Gap::Of { bytes: 1, breaks }, KNOWN_BY))
                }
                _ => gap_of(rest, self.tokens, shown.last),
            };
            let Some((gap, known)) = found else {
                return;
            };
            self.known = self.known.max(self.end.saturating_add(known));
            let of = |bytes: usize| rest.get(..bytes).unwrap_or(rest);
            match gap {
                // One space between two words is one.
                Gap::Of {
                    breaks: false,
                    bytes: 1,
                } if rest.get(1) != Some(&b'-') && self.bytes.last() != Some(&b'-') => {
                    self.add(b" ");
                }
                Gap::Of { bytes, .. } => self.end += bytes,
                Gap::TooLong(bytes) => self.add(of(bytes)),
                Gap::No | Gap::Unknown => self.add(of(1)),
            }
        }
    }

    /// What follows in the text is no gap.
    fn add(&mut self, bytes: &[u8]) {
        let goes_on = self.parts.last().is_some_and(|part| {
            let is_next = part.place + (self.bytes.len() - part.index) == self.end;
            is_next && self.known <= part.known.max(self.end + KNOWN_BY)
        });
        if !goes_on {
            self.parts.push(Part {
                index: self.bytes.len(),
                place: self.end,
                known: self.known,
            });
        }
        self.bytes.extend_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Where a byte of the text stands.
    fn place(&self, place: usize) -> Place {
        let behind = self.parts.partition_point(|part| part.place <= place);
        let next = self.parts.get(behind);
        let end = next.map_or(self.bytes.len(), |part| part.index);
        let before = behind.checked_sub(1).and_then(|part| self.parts.get(part));
        match before.map(|part| part.index + (place - part.place)) {
            _ if place >= self.end => Place::Unknown,
            Some(index) if index < end => Place::At(index),
            Some(_) | None => Place::Gap {
                known: next.map_or(usize::MAX, |part| part.known),
                end: next.map_or(self.end, |part| part.place),
            },
        }
    }

    /// What is known by what is shown of it, the trigger in this place.
    fn of(
        &self,
        place: Place,
        at: &Range<usize>,
        trigger: Trigger,
        shown: Excerpt<'_>,
    ) -> Look<'_> {
        let unknown = if shown.end { Look::No } else { Look::Unknown };
        let bytes = match self.parts.partition_point(|part| part.known <= shown.until) {
            _ if shown.last => self.bytes.len(),
            0 => return unknown,
            parts => {
                let end = self
                    .parts
                    .get(parts)
                    .map_or(self.bytes.len(), |part| part.index);
                let known = (shown.until + 1).saturating_sub(KNOWN_BY);
                let last = self.parts.get(parts - 1);
                last.map_or(0, |part| {
                    end.min(part.index + known.saturating_sub(part.place))
                })
            }
        };
        let bytes = self.bytes.get(..bytes).unwrap_or_default();
        let start = match place {
            Place::At(start) if start < bytes.len() => start,
            Place::At(_) | Place::Gap { .. } | Place::Unknown => return unknown,
        };
        let mut end = start + at.len();
        if let Trigger::Digits(lengths, _) = trigger {
            let before = start.checked_sub(1).and_then(|before| bytes.get(before));
            if before.is_some_and(u8::is_ascii_digit) {
                return Look::No;
            }
            let run = bytes.get(start..).unwrap_or_default();
            let len = run.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if len == run.len() && len < Lengths::LONGEST && !shown.end {
                return Look::Unknown;
            }
            if !lengths.has(len) {
                return Look::No;
            }
            end = start + len;
        }
        Look::View(View {
            bytes,
            at: start..end,
            end: shown.end,
            parts: &self.parts,
        })
    }
}

/// The gap that a text begins with, if it does, and how many bytes it takes to know; `None` when it depends on what follows.
fn gap_of(rest: &[u8], tokens: Tokens, last: bool) -> Option<(Gap, usize)> {
    let look = |bytes: usize| {
        let found = gap::gap(rest.get(..bytes)?, tokens, false);
        Some(found).filter(|found| *found != Gap::Unknown)
    };
    if let [byte, next, ..] = rest
        && !gap::can_begin(*byte, Some(*next))
    {
        return Some((Gap::No, KNOWN_BY));
    }
    match look(GAP_KNOWN_BY.min(rest.len())) {
        // Nearly always the byte behind it tells.
        Some(gap @ Gap::Of { bytes, .. })
            if rest.get(bytes).is_some_and(|byte| !gap::can_go_on(*byte))
                || look(bytes + 1).is_some() =>
        {
            Some((gap, bytes + 1))
        }
        Some(gap) if rest.len() >= GAP_KNOWN_BY => Some((gap, GAP_KNOWN_BY)),
        Some(_) | None if last => Some((gap::gap(rest, tokens, true), usize::MAX)),
        Some(_) | None => None,
    }
}

impl View<'_> {
    /// Where a byte of the view stands in the text.
    pub(super) fn place(&self, index: usize) -> usize {
        let behind = self.parts.partition_point(|part| part.index <= index);
        let part = behind.checked_sub(1).and_then(|part| self.parts.get(part));
        part.map_or(0, |part| part.place + (index - part.index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::Before;
    use proptest::prelude::*;

    const DIGITS: Trigger = Trigger::Digits(Lengths::ALL, Before::Any);

    /// What is seen, and where each byte of it stands.
    #[derive(Debug, PartialEq)]
    enum Seen {
        No,
        Unknown,
        View(Vec<u8>, Range<usize>, Vec<usize>),
    }

    fn look(
        views: &mut Views,
        at: &Range<usize>,
        trigger: Trigger,
        text: &[u8],
        until: usize,
    ) -> Seen {
        let shown = Excerpt {
            window: Window::new(text, 0),
            until,
            end: false,
            last: false,
            begins: 0,
        };
        match views.look(at, BrokenToken::perhaps(48), trigger, shown) {
            Look::No => Seen::No,
            Look::Unknown => Seen::Unknown,
            Look::View(view) => {
                let places = (0..view.bytes.len()).map(|index| view.place(index));
                Seen::View(view.bytes.to_vec(), view.at.clone(), places.collect())
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        /// What is shown of a text does not depend on what was looked at before, or on how much more is known, and it is the text's.
        #[test]
        fn what_is_shown_depends_on_nothing_else(
            text in "([0-9]{1,4}|[a-zA-Z@.-]{1,4}|[ *\n]{1,3}|<b>|</b|<|/[*]|[*]/|=\n|\"|' '|\" \\+ \"|> |[ ]{6,10}|x{60}){0,60}",
            steps in prop::collection::vec(0_usize..40, 1..9),
        ) {
            let text = text.as_bytes();
            let mut views = Views::default();
            let mut known = 0;
            for step in steps.iter().cycle().take(24) {
                known = (known + step).min(text.len());
                let from = known.saturating_sub(90);
                for start in (from..known).step_by(3) {
                    let (at, trigger) = match text[start] {
                        b'@' => (start..start + 1, Trigger::At),
                        b'0'..=b'9' if start == 0 || !text[start - 1].is_ascii_digit() => {
                            let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit());
                            (start..start + digits.count(), DIGITS)
                        }
                        _ => continue,
                    };
                    for until in [at.end, at.end + 8, at.end + 32, known] {
                        if at.end > until || until > known {
                            continue;
                        }
                        let seen = look(&mut views, &at, trigger, &text[..known], until);
                        prop_assert_eq!(&seen, &look(&mut Views::default(), &at, trigger, text, until));
                        prop_assert_eq!(&seen, &look(&mut Views::default(), &at, trigger, &text[..until], until));
                        if let Seen::View(bytes, _, places) = seen {
                            let found = places.iter().map(|place| text[*place]);
                            prop_assert_eq!(found.collect::<Vec<_>>(), bytes);
                            prop_assert!(places.is_sorted());
                        }
                    }
                }
            }
        }
    }
}
