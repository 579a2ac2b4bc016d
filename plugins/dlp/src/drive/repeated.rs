//! What repeats itself is judged once: a text that is made to hurt is the same few bytes again and again, each of which triggers what the one
//! before did. Where all that detectors would look at is the same, they say the same.

use super::blocks::same;
use super::keywords::{KEYWORD_BYTES_MAX, LOOK_AT_MAX};
use crate::detectors::LOOK_BEHIND;
use crate::window::Window;
use std::ops::Range;

/// The longest period.
const PERIOD_MAX: usize = 128;

/// From so far before a trigger on the text must repeat itself: one that is found behind it may begin before it.
const BEHIND_BYTES: usize = LOOK_BEHIND + LOOK_AT_MAX;

/// Somebody saw something at a trigger, or waits.
pub(super) const SOMETHING: usize = usize::MAX;

/// Follows the triggers of a text, in the order in which they are found.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// A trigger that may come again.
    mark: usize,
    /// From here…
    from: usize,
    /// …up to here each byte is the one so many before it.
    to: usize,
    period: usize,
    /// At triggers that stand here, or behind it, nobody saw anything.
    since: usize,
    /// How much it took to see that, from a trigger's beginning on, at most.
    reach: usize,
}

impl Repeated {
    /// Nobody saw anything at a trigger, as so many bytes behind it show, or there was [`SOMETHING`]. Returns up to where nobody would at any that is
    /// found after it.
    #[inline]
    pub(super) fn seen(&mut self, at: &Range<usize>, seen: usize, window: Window<'_>) -> usize {
        // Most texts are shorter than what must repeat itself.
        if window.end() < window.base() + BEHIND_BYTES {
            return 0;
        }
        self.follow(at, seen, window)
    }

    #[inline(never)]
    fn follow(&mut self, at: &Range<usize>, seen: usize, window: Window<'_>) -> usize {
        if seen == SOMETHING {
            self.begin(at.start);
        } else {
            self.reach = self.reach.max(at.len() + seen);
        }
        if at.start >= self.to {
            self.look(at.start, window);
            return 0;
        }
        if at.start < self.since + self.period || at.start < self.from + BEHIND_BYTES {
            return 0;
        }
        // A whole period has gone by, so each trigger that follows is one of these again, if it stands in here as a whole. The last of them are asked
        // about, so that all is answered by when it would be.
        let reach = KEYWORD_BYTES_MAX.max(self.period + self.reach);
        self.to.saturating_sub(reach)
    }

    /// What is seen counts from here on.
    fn begin(&mut self, at: usize) {
        (self.since, self.reach) = (at + LOOK_AT_MAX, 0);
    }

    /// Looks whether the text repeats itself around a trigger.
    fn look(&mut self, at: usize, window: Window<'_>) {
        let period = at.wrapping_sub(self.mark);
        if !(1..=PERIOD_MAX).contains(&period) {
            self.mark = at;
            return;
        }
        if self.mark < window.base() {
            return;
        }
        let goes_on = same(window.from(self.mark), window.from(at));
        if goes_on < KEYWORD_BYTES_MAX {
            return;
        }
        let before = |at: usize| window.range(at.saturating_sub(BEHIND_BYTES)..at);
        let pairs = before(self.mark).iter().rev().zip(before(at).iter().rev());
        let back = pairs.take_while(|(one, other)| one == other).count();
        (self.from, self.to, self.period) = (at - back, at + goes_on, period);
        self.begin(at);
    }
}

#[cfg(test)]
mod tests {
    use crate::detectors::named;
    use crate::drive::{Driver, Lane, Sighting};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static ALL: LazyLock<Driver> = LazyLock::new(|| {
        let detectors = named("all").into_iter().zip(0..);
        Driver::new(detectors.map(|(detector, rule)| (rule, detector)), None).unwrap()
    });

    /// What is found in a text that comes in pieces of so many bytes, unless it costs too much to ask again and again.
    fn found(text: &str, bytes: usize) -> Option<Vec<Sighting>> {
        let (mut lane, mut seen) = (Lane::default(), Vec::new());
        let mut pieces = text.as_bytes().chunks(bytes).peekable();
        while let Some(piece) = pieces.next() {
            let piece = std::str::from_utf8(piece).unwrap();
            let last = pieces.peek().is_none();
            lane.push(&ALL, piece, last, false).ok()?;
            seen.extend(lane.found());
        }
        Some(seen)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// What is passed over is nothing: whoever has too little at hand to pass anything over finds the same, and knows it as soon.
        #[test]
        fn what_is_passed_over_is_nothing(
            parts in prop::collection::vec(
                prop_oneof![
                    3 => (
                        "(eyJ|a@|a@b|xoxb-|sk-ant-|AKIA|password=|key |token:|pass-|secret=a1|ghp_|SK|@|a|[.] |-){1,3}",
                        1_usize..220,
                    ).prop_map(|(unit, times)| unit.repeat(times)),
                    1 => "[a-z ]{0,40}",
                    2 => prop::sample::select(vec![
                        "jane.roe@acme.com", " AKIALALEMEL33243OLIB ", "password=at5G6zi!m ", " xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx ",
                        "token: q8Zt2LkVb5Nc8wBI ", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.rDs0GPRZwwrPwV81-_ ", ".de ", "**\n",
                    ]).prop_map(str::to_owned),
                ],
                1..6,
            ),
            bytes in 200_usize..900,
        ) {
            let text = parts.concat();
            if let Some(whole) = found(&text, usize::MAX) {
                for found in [found(&text, bytes), found(&text, 7)].into_iter().flatten() {
                    prop_assert_eq!(&found, &whole);
                }
            }
        }
    }
}
