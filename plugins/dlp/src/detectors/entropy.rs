//! How random bytes look.

use super::words::Words;
use crate::drive::repeats;

/// Logarithms to base two of what bytes are mostly counted with.
const LOG2: [f32; 17] = [
    0.0,
    0.0,
    1.0,
    1.584_962_5,
    2.0,
    2.321_928,
    2.584_962_5,
    2.807_355,
    3.0,
    3.169_925,
    std::f32::consts::LOG2_10,
    3.459_431_6,
    3.584_962_5,
    3.700_439_7,
    3.807_355,
    3.906_890_6,
    4.0,
];

/// Shannon's entropy of the bytes, in bits a byte, in hundredths: 0 for `aaaa`, 400 for sixteen different ones.
pub(super) fn centibits(bytes: &[u8]) -> u32 {
    let log2 = |count: u16| {
        let known = LOG2.get(usize::from(count)).copied();
        known.unwrap_or_else(|| f32::from(count).log2())
    };
    let mut counts = [0_u16; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let mut sum = 0.0;
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            sum += f32::from(*count) * log2(*count);
            *count = 0;
        }
    }
    let total = bytes.len().max(1) as f32;
    ((total.log2() - sum / total) * 100.0 + 0.5) as u32
}

/// Whether letters could be words: those have vowels, and no more consonants in a row.
pub(super) fn is_spoken(letters: &[u8], consonants_max: usize) -> bool {
    letters
        .split(|byte| b"aeiouyAEIOUY".contains(byte))
        .all(|run| run.len() <= consonants_max)
}

/// The longest period that [`is_random`] looks for.
const PERIOD_MAX: u32 = 8;

/// Whether bytes have at least so much entropy. What is the same few bytes again and again is told first, since a text made to hurt is that.
pub(super) fn is_random(bytes: &[u8], centibits_min: u32) -> bool {
    let bits = period(bytes).and_then(|period| LOG2.get(period));
    let is_dull = bits.is_some_and(|bits| bits * 100.0 + 1.0 < centibits_min as f32);
    !is_dull && centibits(bytes) >= centibits_min
}

/// After how many bytes they are the same again, to their end.
fn period(bytes: &[u8]) -> Option<usize> {
    let [low, high] = *bytes.as_chunks::<8>().0.first_chunk()?;
    let (low, high) = (u64::from_le_bytes(low), u64::from_le_bytes(high));
    let moved = |period: u32| low >> (8 * period - 1) >> 1 | high << (64 - 8 * period);
    let period = (1..=PERIOD_MAX).find(|period| moved(*period) == low)?;
    let period = period as usize;
    repeats(bytes, period).then_some(period)
}

/// Words that stand where a key would stand in documentation.
static PLACEHOLDERS: Words = Words::of(&[
    b"example",
    b"placeholder",
    b"your",
    b"xxxx",
    b"****",
    b"....",
    b"####",
    b"redacted",
    b"changeme",
    b"insert",
    b"replace",
    b"dummy",
    b"sample",
]);

/// How much of a key's end tells that it is one of documentation.
const END_BYTES: usize = 12;

/// Whether a key ends as those of documentation do: `…EXAMPLE`, `…xxxxxxxx`.
pub(super) fn ends_as_placeholder(key: &[u8]) -> bool {
    let from = key.len().saturating_sub(END_BYTES);
    is_placeholder(key.get(from..).unwrap_or_default())
}

/// Whether a value only stands for one: `YOUR_API_KEY_HERE`, `xxxxxxxx`.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    PLACEHOLDERS.stand_in(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entropy() {
        assert_eq!(centibits(b""), 0);
        assert_eq!(centibits(b"aaaaaaaa"), 0);
        assert_eq!(centibits(b"abababab"), 100);
        assert_eq!(centibits(b"0123456789abcdef"), 400);
        assert_eq!(centibits("ab".repeat(500).as_bytes()), 100);
    }

    proptest! {
        /// The short cut tells nothing else.
        #[test]
        fn random_is_what_has_entropy(unit in "[a-z]{1,9}", times in 1usize..20, more in "[a-z]{0,3}", min in 0u32..450) {
            let text = unit.repeat(times) + &more;
            prop_assert_eq!(is_random(text.as_bytes(), min), centibits(text.as_bytes()) >= min);
        }
    }

    #[test]
    fn placeholders() {
        assert!(is_placeholder(b"YOUR_API_KEY_HERE") && is_placeholder(b"sk-XXXXXXXX"));
        assert!(!is_placeholder(b"v9sswdzc2it8axf4jxwqt7h"));
    }
}
