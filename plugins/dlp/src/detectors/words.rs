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
pub(crate) fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|part| is_word(part, word))
}

/// Whether a text has a word (in lower case) in it, in any case.
#[inline(never)]
pub(super) fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| is_word(part, word))
}

/// Most words that are looked for together.
const WORDS_MAX: usize = 40;

/// In letters these bits are the only difference.
const CASE: u32 = 0x2020_2020;

/// Words in lower case, two bytes long or longer, that are looked for together.
#[derive(Debug)]
pub(super) struct Words {
    /// By the lower bits of a first byte; in a letter they are the same in both cases.
    rows: [Row; 32],
    /// The first four bytes of each, without what is different in letters of either case; zero of one that is shorter.
    heads: [u32; WORDS_MAX],
    words: &'static [&'static [u8]],
}

/// What is known of words that begin alike.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The lower bits of their second bytes.
    seconds: u32,
    /// The first of them, and the one behind the last: others that stand between them are looked at in vain.
    from: u8,
    to: u8,
}

impl Words {
    pub(super) const fn of(words: &'static [&'static [u8]]) -> Self {
        assert!(words.len() <= WORDS_MAX);
        let none = Row {
            seconds: 0,
            from: 0,
            to: 0,
        };
        let (mut rows, mut rest, mut index) = ([none; 32], words, 0);
        while let [word, others @ ..] = rest {
            if let [first, second, ..] = word {
                let (mut at, mut behind): (u8, &mut [Row]) = (0, &mut rows);
                while let [row, further @ ..] = behind {
                    if at == *first % 32 {
                        if row.seconds == 0 {
                            row.from = index;
                        }
                        row.seconds |= 1 << (*second % 32);
                        row.to = index + 1;
                    }
                    (at, behind) = (at + 1, further);
                }
            }
            (rest, index) = (others, index + 1);
        }
        let mut heads = [0; WORDS_MAX];
        let (mut places, mut rest): (&mut [u32], _) = (&mut heads, words);
        while let ([place, behind @ ..], [word, others @ ..]) = (places, rest) {
            if let [a, b, c, d, ..] = word {
                *place = u32::from_le_bytes([*a, *b, *c, *d]) & !CASE;
            }
            (places, rest) = (behind, others);
        }
        Self { rows, heads, words }
    }

    /// Whether a text has one of them in it, in any case.
    #[inline(never)]
    pub(super) fn stand_in(&self, text: &[u8]) -> bool {
        let mut rest = text;
        while let [first, second, ..] = rest {
            if let Some(row) = self.rows.get(usize::from(first % 32))
                && row.seconds >> (second % 32) & 1 == 1
            {
                let head = rest
                    .first_chunk()
                    .map(|head| u32::from_le_bytes(*head) & !CASE);
                for word in usize::from(row.from)..usize::from(row.to) {
                    let known = self.heads.get(word).copied().unwrap_or_default();
                    if (known == 0 || head == Some(known))
                        && self.words.get(word).is_some_and(|word| {
                            // Those that begin alike mostly end in another way.
                            let last = word.last().zip(rest.get(word.len().wrapping_sub(1)));
                            last.is_some_and(|(one, other)| (one ^ other) & !0x20 == 0)
                                && begins_with(rest, word)
                        })
                    {
                        return true;
                    }
                }
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
