//! Short texts of a message in which nothing was found: names of fields and ids come again with every element of a list and every event of a
//! stream, and are looked at once.

use crate::scanner::telling;
use crate::scope::RuleSet;
use portcullis_policy::{Place, Text};

/// Longest text that is remembered, its key included. Protects memory, with the next.
const BYTES_MAX: usize = 96;

/// Most texts that are remembered.
const SLOTS: usize = 64;

/// So many texts of a message come before any is remembered: in a short one nothing comes again.
const BEGIN_WITH: usize = 16;

/// So many texts in a row are looked for in vain before it is given up for a message: what is in a log hardly comes again.
const VAIN_MAX: usize = 256;

/// So many looks in vain one that is not makes up for.
const WORTH: usize = 16;

/// What a finding depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<'a> {
    /// The rules that look at it.
    pub(crate) reaching: RuleSet,
    /// The key before it; empty where that says nothing.
    pub(crate) key: &'a str,
    pub(crate) text: &'a str,
    /// It is a random string by its place.
    pub(crate) opaque: bool,
    /// It is a number: these are seldom the same, and not remembered.
    pub(crate) number: bool,
}

#[derive(Debug, Default)]
struct Slot {
    /// Of the text that was here last.
    sketch: u64,
    /// The text that is remembered.
    reaching: RuleSet,
    opaque: bool,
    key_len: usize,
    /// The key, then the text.
    bytes: String,
}

/// A text that looks the same as another takes its place, when it comes a second time.
#[derive(Debug, Default)]
pub(crate) struct Known {
    slots: Vec<Slot>,
    /// Texts that came before the first was remembered.
    before: usize,
    /// Texts that were looked for in vain, as far as those that were known do not make up for them.
    vain: usize,
}

impl<'a> Whole<'a> {
    /// Of a text that these rules look at.
    pub(crate) fn of(text: &Text<'a>, reaching: RuleSet) -> Self {
        Self {
            reaching,
            key: telling(text),
            text: text.piece,
            opaque: text.place == Place::Opaque,
            number: text.place == Place::Number,
        }
    }
}

impl Known {
    /// Whether it is worth looking for texts.
    pub(crate) const fn is_worth(&self) -> bool {
        !self.slots.is_empty() && self.vain <= VAIN_MAX
    }

    /// So many texts came; whether such as are clear are to be remembered.
    pub(crate) const fn keeps(&mut self, texts: usize) -> bool {
        if self.before < BEGIN_WITH {
            self.before += texts;
            return false;
        }
        self.vain <= VAIN_MAX
    }

    /// Whether nothing is in it.
    pub(crate) fn is_clear(&mut self, whole: Whole<'_>) -> bool {
        if !self.is_worth() {
            return false;
        }
        let Some(sketch) = sketch(whole) else {
            return false;
        };
        let known = self.slots.get(place(sketch)).is_some_and(|slot| {
            slot.sketch == sketch
                && slot.key_len == whole.key.len()
                && slot.bytes.len() == whole.key.len() + whole.text.len()
                && slot.opaque == whole.opaque
                && slot.reaching == whole.reaching
                && slot.bytes.ends_with(whole.text)
                && slot.bytes.starts_with(whole.key)
        });
        self.vain = match known {
            true => self.vain.saturating_sub(WORTH),
            false => self.vain + 1,
        };
        known
    }

    /// Nothing is in it.
    pub(crate) fn clear(&mut self, whole: Whole<'_>) {
        if !self.keeps(1) {
            return;
        }
        let Some(sketch) = sketch(whole) else { return };
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Slot::default);
        }
        let Some(slot) = self.slots.get_mut(place(sketch)) else {
            return;
        };
        if slot.sketch != sketch {
            slot.sketch = sketch;
            return;
        }
        (slot.reaching, slot.opaque) = (whole.reaching, whole.opaque);
        slot.key_len = whole.key.len();
        slot.bytes.clear();
        slot.bytes.push_str(whole.key);
        slot.bytes.push_str(whole.text);
    }
}

/// What tells most texts from each other: their length and the bytes that they begin and end with.
fn sketch(whole: Whole<'_>) -> Option<u64> {
    let bytes = whole.text.as_bytes();
    let len = whole.key.len() + bytes.len();
    let first = u32::from_le_bytes(*bytes.first_chunk()?);
    let last = u32::from_le_bytes(*bytes.last_chunk()?);
    let sketch = u64::from(first) | u64::from(last) << 32;
    (len <= BYTES_MAX && !whole.number).then_some(sketch ^ (len as u64) << 56)
}

fn place(sketch: u64) -> usize {
    (sketch.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_under_the_same_rules_is_known() {
        let whole = |key, text| Whole {
            reaching: RuleSet::ALL,
            key,
            text,
            opaque: false,
            number: false,
        };
        let mut known = Known::default();
        let remember = |known: &mut Known, of| (0..2).for_each(|_| known.clear(of));
        for _ in 0..BEGIN_WITH {
            known.clear(whole("", "role"));
        }
        assert!(!known.is_clear(whole("", "role")));
        known.clear(whole("", "role"));
        assert!(!known.is_clear(whole("", "role")), "it came once");
        known.clear(whole("", "role"));
        assert!(known.is_clear(whole("", "role")));
        assert!(!known.is_clear(whole("", "rule")));
        remember(&mut known, whole("to", "nobody"));
        assert!(known.is_clear(whole("to", "nobody")));
        for other in [
            whole("", "nobody"),
            whole("to", "somebody"),
            whole("", ""),
            whole("no", "body"),
            whole("", "tonobody"),
            whole("of", "nobody"),
            Whole {
                opaque: true,
                ..whole("", "role")
            },
            Whole {
                reaching: RuleSet::default(),
                ..whole("", "role")
            },
        ] {
            assert!(!known.is_clear(other), "{other:?}");
        }
        let number = Whole {
            number: true,
            ..whole("n", "1234567890")
        };
        remember(&mut known, number);
        assert!(!known.is_clear(number));
        let long = "x".repeat(BYTES_MAX + 1);
        remember(&mut known, whole("", &long));
        assert!(!known.is_clear(whole("", &long)));
        // The same at both ends.
        remember(&mut known, whole("", "name_of_to_it"));
        assert!(!known.is_clear(whole("", "name_at_to_it")));
        remember(&mut known, whole("", "name_at_to_it"));
        assert!(known.is_clear(whole("", "name_at_to_it")));
        assert!(!known.is_clear(whole("", "name_of_to_it")));
    }
}
