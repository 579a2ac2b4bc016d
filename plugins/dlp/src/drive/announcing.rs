//! Words that announce numbers: without one nearly all numbers are nothing, whether they stand in a text or alone behind a key, as a member of an
//! object does.

use super::blocks::{BLOCK, Letters, bits};
use super::numbers::Numbers;
use crate::detectors::{Detector, begins_with};
use crate::window::Window;

/// Digits of the shortest number that a detector of secrets takes for one by its name.
const SECRET_DIGITS_MIN: usize = 15;

/// How far before a run of digits a word may begin that announces it: see [`crate::detectors::Context::mentions`], whose number may begin a few
/// signs earlier.
const REACH: usize = 80;

/// Up to where words were looked for that announce numbers, and where the last one begins.
#[derive(Debug, Default)]
pub(super) struct Announced {
    to: usize,
    last: Option<usize>,
}

impl Announced {
    /// Whether such a word may stand shortly before a position. Each byte is looked at once, if positions do not decrease.
    #[inline(never)]
    pub(super) fn stands_before(
        &mut self,
        position: usize,
        words: &Announcing,
        window: Window<'_>,
    ) -> bool {
        let from = self
            .to
            .max(position.saturating_sub(REACH))
            .max(window.base());
        if from < position {
            let last = words.last(window.range(from..position));
            self.last = last.map(|last| from + last).or(self.last);
            self.to = position;
        }
        self.last.is_some_and(|last| last + REACH >= position)
    }
}

/// Words that announce numbers.
#[derive(Debug)]
pub(super) struct Announcing {
    words: Vec<&'static str>,
    /// By the lower bits of their first bytes, those of their second ones.
    seconds: [u32; 32],
}

impl Announcing {
    /// Of all these detectors.
    pub(super) fn of(detectors: impl Iterator<Item = &'static Detector>) -> Self {
        let mut all = Self {
            words: Vec::new(),
            seconds: [0; 32],
        };
        for detector in detectors {
            for word in detector.announcing() {
                if let [first, second, ..] = word.as_bytes()
                    && let Some(seconds) = all.seconds.get_mut(usize::from(first % 32))
                {
                    *seconds |= 1 << (second % 32);
                }
            }
            all.words.extend_from_slice(detector.announcing());
        }
        all
    }

    /// Whether one may stand in a key where no letter stands before it.
    fn stand_in(&self, key: &[u8]) -> bool {
        let (mut rest, mut is_within) = (key, false);
        while let [first, behind @ ..] = rest {
            if let [second, ..] = behind
                && !is_within
                && let Some(seconds) = self.seconds.get(usize::from(first % 32))
                && seconds >> (second % 32) & 1 == 1
                && self
                    .words
                    .iter()
                    .any(|word| begins_with(rest, word.as_bytes()))
            {
                return true;
            }
            is_within = first.is_ascii_alphabetic();
            rest = behind;
        }
        false
    }

    /// The last place where one may begin.
    fn last(&self, text: &[u8]) -> Option<usize> {
        let mut last = None;
        for (block, at) in text.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
            let letters = Letters::of(block);
            // Words begin where no letter stands before.
            for bit in bits(letters.any() & !(letters.ascii << 1)) {
                let rest = text.get(at + bit..).unwrap_or_default();
                let seconds = rest
                    .first()
                    .and_then(|first| self.seconds.get(usize::from(first % 32)));
                let second = rest.get(1).map_or(0, |second| second % 32);
                if seconds.is_some_and(|seconds| seconds >> second & 1 == 1)
                    && self
                        .words
                        .iter()
                        .any(|word| begins_with(rest, word.as_bytes()))
                {
                    last = Some(at + bit);
                }
            }
        }
        last
    }

    /// Whether so many digits, whatever they are, are nothing to any detector that stand alone behind a key, or behind none. Where a closer look
    /// is needed it says no.
    #[inline(never)]
    pub(super) fn is_nothing(&self, numbers: &Numbers, key: &str, digits: usize) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        digits < SECRET_DIGITS_MIN
            && numbers.is_nothing_alone(digits)
            && key.bytes().all(is_plain)
            && !self.stand_in(key.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use crate::detectors::all;
    use crate::drive::{Driver, Lane};
    use crate::rules::DETECTED_DIGITS_MIN;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static DRIVER: LazyLock<Driver> = LazyLock::new(|| {
        let detectors = all().zip(0..);
        Driver::new(detectors.map(|(detector, rule)| (rule, detector)), None).unwrap()
    });

    fn key() -> impl Strategy<Value = String> {
        let words: Vec<&str> = all()
            .flat_map(|of| of.announcing().iter().copied().chain([of.name]))
            .collect();
        let part = prop_oneof![
            3 => prop::sample::select(words),
            2 => prop::sample::select(vec!["id", "epoch_ms", "bytes", "password", "api_key", "token", "secret", "x"]),
        ];
        let part = (part, any::<bool>()).prop_map(|(part, capital)| match capital {
            true => part.to_uppercase(),
            false => part.to_owned(),
        });
        (part, "|_|-| |[A-Z]|s", "|_no|[a-z]{0,5}")
            .prop_map(|(word, sign, more)| more.clone() + &sign + &word + &sign + &more)
    }

    fn finds(key: &str, digits: &str) -> bool {
        let mut lane = Lane::default();
        let text = match key {
            "" => digits.to_owned(),
            _ => format!("\"{key}\": {digits}"),
        };
        lane.push(&DRIVER, &text, true, false).unwrap();
        lane.found().next().is_some()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_nothing_at_one_look_is_nothing(key in prop_oneof![3 => key(), 1 => Just(String::new())], all in prop::collection::vec("[1-9][0-9]{0,23}", 8)) {
            for digits in &all {
                if DRIVER.is_no_number(&key, digits.len()) {
                    prop_assert!(!finds(&key, digits), "{key} {digits}");
                }
                if digits.len() < usize::from(DETECTED_DIGITS_MIN) {
                    prop_assert!(!finds(&key, digits), "{key} {digits}");
                }
            }
        }
    }

    #[test]
    fn what_is_announced_is_something() {
        for (key, digits) in [
            ("ssn", "219099999"),
            ("user_phone", "2025550143"),
            ("Bsn", "111222333"),
            ("n", "4111111111111111"),
            ("", "4111111111111111"),
        ] {
            assert!(
                finds(key, digits) && !DRIVER.is_no_number(key, digits.len()),
                "{key}"
            );
        }
        for (key, digits) in [
            ("epoch_ms", "1774291195791"),
            ("bytes", "219099999"),
            ("homephone", "2025550143"),
            ("", "1774291195"),
        ] {
            assert!(DRIVER.is_no_number(key, digits.len()), "{key}");
        }
    }

    /// Who is called at runs that must be announced tells by what: words that begin with a letter and have no digits.
    #[test]
    fn all_tell_their_words() {
        for detector in all() {
            for word in detector.announcing() {
                let is_begun =
                    word.starts_with(|first: char| !first.is_ascii() || first.is_ascii_lowercase());
                assert!(
                    is_begun && word.len() > 1 && !word.contains(|one: char| one.is_ascii_digit()),
                    "{word}"
                );
            }
            let is_announced = detector.runs().iter().any(|run| run.announced);
            let tells = !detector.announcing().is_empty();
            assert!(tells || !is_announced, "{}", detector.name);
        }
    }
}
