//! Words that announce numbers: without one nearly all numbers are nothing, whether they stand in a text or alone behind a key, as a member of an
//! object does.

use super::blocks::{BLOCK, Letters, bits};
use super::numbers::Numbers;
use crate::detectors::{Detector, begins_with};
use crate::window::Window;
use portcullis_policy::sort::sort_by;

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
    /// In the order of the lower bits of their first bytes, which in a letter are the same in both cases.
    words: Vec<&'static [u8]>,
    /// By these bits.
    rows: [Row; 32],
}

/// Words that begin alike.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    /// The lower bits of their second bytes, and of their third ones.
    seconds: u32,
    thirds: u32,
    words: [usize; 2],
}

impl Announcing {
    /// Of all these detectors.
    #[inline(never)]
    pub(super) fn of(detectors: impl Iterator<Item = &'static Detector>) -> Self {
        let words = detectors.flat_map(|detector| detector.announcing());
        let mut words: Vec<&[u8]> = words.map(|word| word.as_bytes()).collect();
        let order = |word: &[u8]| word.first().map_or(0, |first| usize::from(first % 32));
        sort_by(&mut words, |one, other| {
            (order(one), *one).cmp(&(order(other), *other))
        });
        words.dedup();
        let mut rows = [Row::default(); 32];
        for (word, index) in words.iter().zip(0..) {
            if let (Some(row), [_, second, rest @ ..]) = (rows.get_mut(order(word)), *word) {
                if row.seconds == 0 {
                    row.words = [index, index];
                }
                row.seconds |= 1 << (second % 32);
                row.thirds |= rest.first().map_or(u32::MAX, |third| 1 << (third % 32));
                let [from, _] = row.words;
                row.words = [from, index + 1];
            }
        }
        Self { words, rows }
    }

    /// Whether these bytes begin with one.
    fn begins(&self, bytes: &[u8]) -> bool {
        let [first, second, rest @ ..] = bytes else {
            return false;
        };
        let row = self
            .rows
            .get(usize::from(first % 32))
            .copied()
            .unwrap_or_default();
        let third = rest.first().copied().unwrap_or_default();
        if (row.seconds >> (second % 32)) & (row.thirds >> (third % 32)) & 1 == 0 {
            return false;
        }
        let [from, to] = row.words;
        let mut words = self.words.get(from..to).unwrap_or_default().iter();
        words.any(|word| {
            let is_near = word.get(1).is_some_and(|known| (known ^ second) % 32 == 0);
            is_near && begins_with(bytes, word)
        })
    }

    /// Whether one may stand in a key where no letter stands before it.
    fn stand_in(&self, key: &[u8]) -> bool {
        let (mut rest, mut is_within) = (key, false);
        while let [first, behind @ ..] = rest {
            if !is_within && self.begins(rest) {
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
                if self.begins(rest) {
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
