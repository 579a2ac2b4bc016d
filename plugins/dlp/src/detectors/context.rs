//! What detectors ask of the text around a trigger.

use super::class::LANES;
use super::{Class, Context, Outcome, words};
use crate::drive::{Letters, bits};
use std::ops::Range;

/// How far before a match [`Context::mentions`] looks for a word that says what the number is.
const MENTION_BYTES: usize = 64;

/// Runs of up to so many bytes are not worth remembering.
const SHORT_RUN_BYTES: usize = 64;

impl<'a> Context<'a> {
    /// The byte at a position, `None` outside of what is at hand.
    pub(super) fn byte(&self, position: usize) -> Option<u8> {
        self.text.get(position).copied()
    }

    /// The byte before a position.
    pub(super) fn before(&self, position: usize) -> Option<u8> {
        self.byte(position.checked_sub(1)?)
    }

    /// The bytes of a range; empty when they are not all at hand.
    #[inline(never)]
    pub(super) fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// The trigger's bytes.
    pub(super) fn trigger(&self) -> &'a [u8] {
        self.text.get(self.at.clone()).unwrap_or_default()
    }

    /// Where the run of such bytes ends that begins at `from`, after at most `max` of them.
    pub(super) fn run(&self, from: usize, max: usize, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        from + rest
            .iter()
            .take(max)
            .take_while(|byte| class(**byte))
            .count()
    }

    /// Where the run of such bytes begins that ends before `to`, after at most `max` of them.
    pub(super) fn run_back(&self, to: usize, max: usize, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(..to).unwrap_or_default();
        to - rest
            .iter()
            .rev()
            .take(max)
            .take_while(|byte| class(**byte))
            .count()
    }

    /// Where the run of characters of an alphabet ends that begins at `from`, after at most `max` of them.
    #[inline(never)]
    pub(super) fn run_of(&self, from: usize, max: usize, class: &Class) -> usize {
        let limit = from + max;
        // A few more, for many are looked at as fast as one.
        let walk = |at: usize, limit: usize| {
            let to = (limit + LANES).min(self.text.len());
            at + class.span(self.text.get(at..to).unwrap_or_default())
        };
        // Nearly every run is short.
        let short = max <= SHORT_RUN_BYTES;
        let near = walk(from, if short { limit } else { from });
        match self.memo {
            Some((memo, base)) if !short && near >= from + LANES => {
                let more = |at: usize| base + walk(at - base, limit);
                let end = memo.end(*class, base + from, more) - base;
                end.min(limit).min(self.text.len().max(from))
            }
            None if !short => walk(from, limit).min(limit),
            Some(_) | None => near.min(limit),
        }
    }

    /// The same, if it is known.
    ///
    /// # Errors
    /// [`Outcome::Undecided`].
    pub(super) fn end_of(&self, from: usize, max: usize, class: &Class) -> Result<usize, Outcome> {
        // Mostly there is no run.
        let is_none = self.byte(from).is_some_and(|byte| !class.has(byte));
        let end = if is_none {
            from
        } else {
            self.run_of(from, max, class)
        };
        // As `is_open`, which is called everywhere else.
        self.needs(end + 1);
        if !self.end && end >= self.text.len() {
            Err(Outcome::Undecided)
        } else {
            Ok(end)
        }
    }

    /// Where the run of characters of an alphabet begins that ends before `to`, after at most `max` of them.
    #[inline(never)]
    pub(super) fn run_back_of(&self, to: usize, max: usize, class: &Class) -> usize {
        self.run_back(to, max, |byte| class.has(byte))
    }

    /// Where the run of digits ends that begins at `from`, after at most `max` of them.
    #[inline(never)]
    pub(super) fn digits(&self, from: usize, max: usize) -> usize {
        self.run(from, max, |byte| byte.is_ascii_digit())
    }

    /// With less of the text than up to here, the detector could not go on.
    #[inline]
    fn needs(&self, until: usize) {
        if let Some((memo, base)) = self.memo {
            memo.needs(base + until);
        }
    }

    /// Whether the detector, to come as far as it is, needed more of the text than up to here.
    pub(super) fn has_needed(&self, more: usize) -> bool {
        self.memo
            .is_some_and(|(memo, base)| memo.needed() > base + more)
    }

    /// What the detector says it knew with no more of the text than up to here.
    pub(super) fn needed_only(&self, until: usize) {
        if let Some((memo, base)) = self.memo {
            memo.begin(base + until);
        }
    }

    /// So many bytes are judged by more than the class they are of: what is paid for, as what is walked over is.
    pub(super) fn judges(&self, bytes: usize) {
        if let Some((memo, _)) = self.memo {
            memo.pay(bytes);
        }
    }

    /// Whether what stands at a position is not known yet.
    pub(super) fn is_open(&self, position: usize) -> bool {
        self.needs(position + 1);
        !self.end && position >= self.text.len()
    }

    /// Whether these bytes stand at a position; `None` when that is not known yet.
    pub(super) fn has(&self, position: usize, literal: &[u8]) -> Option<bool> {
        let rest = self.text.get(position..).unwrap_or_default();
        // Mostly it is something else, and a comparison is a call.
        if let ([byte, ..], [first, ..]) = (rest, literal)
            && byte != first
        {
            self.needs(position + 1);
            return Some(false);
        }
        let same = rest
            .iter()
            .zip(literal)
            .take_while(|(one, other)| one == other);
        self.needs(position + literal.len().min(same.count() + 1));
        if rest.starts_with(literal) {
            Some(true)
        } else if !self.end && literal.starts_with(rest) {
            None
        } else {
            Some(false)
        }
    }

    /// Whether no word goes on across this position from the left: a match may begin here.
    pub(super) fn begins_word(&self, position: usize) -> bool {
        self.dense
            || !self
                .before(position)
                .is_some_and(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether no word goes on across this position to the right: a match may end here.
    pub(super) fn ends_word(&self, position: usize) -> bool {
        self.dense
            || !self
                .byte(position)
                .is_some_and(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether one of these words (lower case) stands shortly before a position, in any case.
    #[inline(never)]
    pub(super) fn mentions(&self, position: usize, words: &[&str]) -> bool {
        let from = position.saturating_sub(MENTION_BYTES);
        let window = self.bytes(from..position);
        let letters = Letters::of(window);
        let here = match window.len() {
            MENTION_BYTES => u64::MAX,
            length => !(u64::MAX << length),
        };
        let goes_on = self
            .before(from)
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        // Words begin where no letter stands before. By the first byte, the second ones that were seen.
        let edges = here & !(letters.ascii << 1 | u64::from(goes_on));
        let begins = edges & letters.any();
        let mut seconds = [0_u32; 32];
        let place = |byte: u8| usize::from(byte.to_ascii_lowercase() % 32);
        for at in bits(begins) {
            let byte = |at: usize| window.get(at).copied().unwrap_or_default();
            if let Some(seconds) = seconds.get_mut(place(byte(at))) {
                *seconds |= 1 << place(byte(at + 1));
            }
        }
        words.iter().any(|word| {
            let begins = match word.as_bytes() {
                [first, second, ..] if first.is_ascii_alphabetic() || !first.is_ascii() => {
                    let seconds = seconds.get(place(*first)).copied().unwrap_or_default();
                    if seconds >> place(*second) & 1 == 0 {
                        return false;
                    }
                    begins
                }
                // A sign, or too little to tell.
                _ => edges,
            };
            bits(begins).any(|at| begins_with(window.get(at..).unwrap_or_default(), word))
        })
    }

    /// Whether a word could stand where [`Self::mentions`] looks.
    pub(super) fn has_words(&self, position: usize) -> bool {
        let window = self.bytes(position.saturating_sub(MENTION_BYTES)..position);
        let letters = Letters::of(window);
        letters.any() != 0
    }

    /// A match of a range, unless more text could change that.
    pub(super) fn settle(&self, range: Range<usize>) -> Outcome {
        if self.is_open(range.end) {
            Outcome::Undecided
        } else if self.ends_word(range.end) {
            Outcome::Match(range)
        } else {
            Outcome::None
        }
    }

    /// Nothing, unless the text that decides is still to come.
    pub(super) fn lacking(&self, position: usize) -> Outcome {
        if self.is_open(position) {
            Outcome::Undecided
        } else {
            Outcome::None
        }
    }
}

/// Whether bytes begin with a word (lower case), in any case; behind one of up to three letters no letter may follow (`sin` is not `since`).
fn begins_with(bytes: &[u8], word: &str) -> bool {
    words::begins_with(bytes, word.as_bytes())
        && (word.len() > 3 || !bytes.get(word.len()).is_some_and(u8::is_ascii_alphabetic))
}
