//! Words in texts, in any case. What the core library compares in any case takes five times as long.

/// Whether a text is a word (in lower case), in any case.
#[inline]
pub(super) fn is_word(text: &[u8], word: &[u8]) -> bool {
    let is_same = |(byte, lower): (&u8, &u8)| {
        let difference = byte ^ lower;
        difference == 0 || difference == 0x20 && lower.is_ascii_lowercase()
    };
    text.len() == word.len() && text.iter().zip(word).all(is_same)
}

/// Whether a text begins with a word (in lower case), in any case.
#[inline]
pub(super) fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|part| is_word(part, word))
}

/// Whether a text has a word (in lower case) in it, in any case.
#[inline(never)]
pub(super) fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| is_word(part, word))
}

/// Words in lower case, two bytes long or longer, that are looked for together.
#[derive(Debug)]
pub(super) struct Words {
    /// By the lower bits of a first byte, those of second ones. In a letter they are the same in both cases.
    begins: [u32; 32],
    words: &'static [&'static [u8]],
}

impl Words {
    pub(super) const fn of(words: &'static [&'static [u8]]) -> Self {
        let (mut begins, mut rest) = ([0_u32; 32], words);
        while let [word, others @ ..] = rest {
            if let [first, second, ..] = word {
                let (mut row, mut rows): (u8, &mut [u32]) = (0, &mut begins);
                while let [seconds, behind @ ..] = rows {
                    if row == *first % 32 {
                        *seconds |= 1 << (*second % 32);
                    }
                    (row, rows) = (row + 1, behind);
                }
            }
            rest = others;
        }
        Self { begins, words }
    }

    /// Whether a text has one of them in it, in any case.
    #[inline(never)]
    pub(super) fn stand_in(&self, text: &[u8]) -> bool {
        let mut rest = text;
        while let [first, second, ..] = rest {
            let seconds = self.begins.get(usize::from(first % 32));
            if seconds.is_some_and(|seconds| seconds >> (second % 32) & 1 == 1)
                && self.words.iter().any(|word| begins_with(rest, word))
            {
                return true;
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: [&[u8]; 5] = [b"key_name", b"xxxx", b"****", b"to", b"passed"];
    static TOGETHER: Words = Words::of(&WORDS);

    proptest! {
        #[test]
        fn words_are_found_in_any_case(text in "([kK]ey_|NAME|[x*X]{1,4}|t|[oO]|pass|\\x7f|ed|[a-zA-Z@\\[`{ ]){0,12}") {
            let text = text.as_bytes();
            let has = |word: &&[u8]| text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
            for word in WORDS {
                prop_assert_eq!(contains(text, word), has(&word));
                prop_assert_eq!(begins_with(text, word), text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word));
            }
            prop_assert_eq!(TOGETHER.stand_in(text), WORDS.iter().any(has));
        }
    }
}
