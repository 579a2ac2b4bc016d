//! Where tokens are broken: whether a gap stands within what could be the token behind a trigger.

use super::blocks::{BLOCK, masks, within};
use super::dense::Excerpt;
use super::gap::{self, GAP_BYTES_MAX, GAP_KNOWN_BY, Gap};
use crate::detectors::{Class, Trigger};
use crate::window::Window;

/// How far behind a trigger a number may be broken.
pub(super) const NUMBER_BYTES_MAX: usize = 48;

/// How far behind a trigger any other token may be broken first, at most.
const TOKEN_BYTES_MAX: usize = 256;

/// How much farther is looked, at once.
const AHEAD_BYTES: usize = 64;

/// By when it is known whether a number is broken.
pub(super) const NUMBER_KNOWN_BY: usize = 128;
const _: () = assert!(NUMBER_BYTES_MAX + 2 * GAP_BYTES_MAX <= NUMBER_KNOWN_BY);

/// What numbers are made of, and what other tokens are.
const NUMBER: Class = Class::of("0-9A-Z.\\-");
const TOKEN: Class = Class::of("0-9A-Za-z_.+/=@:\\-");
/// The same without what can begin a gap.
const PLAIN: Class = Class::of("0-9A-Za-z_.+/@:\\-");

/// Whether a token goes on behind a trigger, and is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// So many bytes behind the trigger tell.
    Yes(usize),
    /// It is not, as so many bytes behind the trigger tell.
    No(usize),
    /// That depends on what follows.
    Unknown,
}

impl Broken {
    /// Of a token that is looked at `within` so many bytes, if it is broken or may be.
    ///
    /// # Errors
    /// By when it is known that it is not.
    pub(super) const fn within(self, bytes: usize) -> Result<BrokenToken, usize> {
        let known = match self {
            Self::Yes(known) => Some(known),
            Self::Unknown => None,
            Self::No(known) => return Err(known),
        };
        Ok(BrokenToken { bytes, known })
    }
}

/// A token that is broken, or may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct BrokenToken {
    /// So many bytes behind its trigger.
    bytes: usize,
    /// As so many bytes tell, if that is known.
    known: Option<usize>,
}

impl BrokenToken {
    /// Within so many bytes behind a trigger, perhaps.
    #[cfg(test)]
    pub(super) const fn perhaps(bytes: usize) -> Self {
        Self { bytes, known: None }
    }

    /// Whether it is broken as far as is shown of the text behind a trigger that ends at `position`.
    pub(super) fn look(&self, tokens: Tokens, shown: Excerpt<'_>, position: usize) -> Broken {
        match self.known {
            Some(known) if shown.end || position + known <= shown.until => Broken::Yes(known),
            Some(_) => Broken::Unknown,
            None => {
                let first = position.saturating_sub(1);
                let text = Window::new(shown.window.range(first..shown.until), first);
                tokens.look(text, position, self.bytes, shown.end)
            }
        }
    }
}

/// What tokens are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tokens {
    Numbers,
    Others,
}

/// What comes next of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    On(usize),
    Broken,
    Ends,
    Unknown,
}

/// The same, and how much of the text it takes to know.
enum Step {
    /// So many bytes of it.
    On(usize),
    /// It is broken here, as is known at this position.
    Broken(usize),
    /// It ends here, as is known at this position.
    Ends(usize),
    /// That depends on what follows.
    Unknown,
}

impl Tokens {
    /// Those behind triggers of this kind.
    pub(super) const fn of(trigger: Trigger) -> Self {
        match trigger {
            Trigger::Digits(..) => Self::Numbers,
            Trigger::Keywords(_)
            | Trigger::Marks(_)
            | Trigger::KeywordsAnyCase(_)
            | Trigger::At => Self::Others,
        }
    }

    /// How far behind a trigger a token may be broken where so many bytes of the plain view show that there is nothing: that a key is broken
    /// farther on changes nothing about them.
    pub(super) fn broken_within(self, plain: usize) -> usize {
        match self {
            Self::Numbers => NUMBER_BYTES_MAX,
            Self::Others => plain.min(TOKEN_BYTES_MAX),
        }
    }

    #[inline]
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Numbers => NUMBER.has(byte),
            Self::Others => TOKEN.has(byte),
        }
    }

    /// Looks at what stands `within` so many bytes behind `position`. `last` tells that nothing follows the window.
    pub(super) fn look(
        self,
        window: Window<'_>,
        position: usize,
        within: usize,
        last: bool,
    ) -> Broken {
        Run::default().look(self, window, position, within, last)
    }

    /// How many of a token's characters these bytes begin with: the steps that nearly all are. Of many it tells the first ones.
    #[inline]
    fn plain(self, bytes: &[u8]) -> usize {
        match self {
            Self::Numbers => {
                let [plain] = masks(bytes.get(..BLOCK).unwrap_or(bytes), |bytes| {
                    let letters = within(bytes, b'A', b'Z');
                    [within(bytes, b'0', b'9') | letters | within(bytes, b'-', b'.')]
                });
                plain.trailing_ones() as usize
            }
            Self::Others => PLAIN.span(bytes),
        }
    }

    #[inline]
    fn step(self, window: Window<'_>, position: usize, last: bool) -> Step {
        let rest = window.from(position);
        let before = position
            .checked_sub(1)
            .and_then(|before| window.byte(before));
        match rest {
            [byte, ..] if self.has(*byte) && *byte != b'=' => Step::On(1),
            // A blank, and nothing that a gap goes on with.
            [b' ', next, ..] if !gap::can_begin(*next, None) && *next != b'|' => {
                let is_dashed = *next == b'-' || before == Some(b'-');
                match self {
                    Self::Numbers if is_dashed && (next.is_ascii_digit() || *next == b'-') => {
                        Step::Broken(position + 2)
                    }
                    Self::Numbers if next.is_ascii_digit() => Step::On(1),
                    Self::Numbers | Self::Others => Step::Ends(position + 2),
                }
            }
            // What ends a token.
            [byte, ..] if !self.has(*byte) && !gap::can_begin(*byte, None) => {
                Step::Ends(position + 1)
            }
            _ => self.closer(rest, position, before, last),
        }
    }

    /// What comes next where one look does not tell.
    #[inline(never)]
    fn closer(self, rest: &[u8], position: usize, before: Option<u8>, last: bool) -> Step {
        let next = self.next(rest, before, last);
        let known = || {
            let part = |bytes: usize| rest.get(..bytes).unwrap_or(rest);
            let most = rest.len().min(GAP_KNOWN_BY + 1);
            let known = gap::fewest(most, |bytes| self.next(part(bytes), before, false) == next);
            position + known.unwrap_or(rest.len())
        };
        match next {
            Next::On(bytes) => Step::On(bytes),
            Next::Broken => Step::Broken(known()),
            Next::Ends => Step::Ends(known()),
            Next::Unknown => Step::Unknown,
        }
    }

    fn next(self, rest: &[u8], before: Option<u8>, last: bool) -> Next {
        let open = if last { Next::Ends } else { Next::Unknown };
        let Some(byte) = rest.first().copied() else {
            return open;
        };
        let next = rest.get(1).copied();
        // One that can begin a gap, too, or be one of the token's.
        let is_both = self.has(byte) && gap::can_begin(byte, next);
        if self.has(byte) && !is_both {
            return Next::On(1);
        }
        let (gap, breaks) = match gap::gap(rest, self, last) {
            Gap::Of { bytes, breaks } => (bytes, breaks),
            Gap::No | Gap::TooLong(_) if is_both => return Next::On(1),
            Gap::No | Gap::TooLong(_) => return Next::Ends,
            Gap::Unknown => return Next::Unknown,
        };
        let Some(next) = rest.get(gap).copied() else {
            return open;
        };
        let goes_on = match self {
            Self::Numbers => next.is_ascii_digit() || next == b'-',
            Self::Others => self.has(next),
        };
        match self {
            _ if !goes_on => Next::Ends,
            _ if breaks => Next::Broken,
            // A number goes on behind a space, a key does not.
            Self::Others => Next::Ends,
            Self::Numbers if gap > 1 || next == b'-' || before == Some(b'-') => Next::Broken,
            Self::Numbers => Next::On(gap),
        }
    }
}

/// Whether a number that is followed by these bytes ends unbroken, as most do within the next few. `last` tells that nothing follows them.
#[inline]
pub(super) fn is_whole_number(rest: &[u8], last: bool) -> bool {
    const LOOK_BYTES: usize = 4;
    if let [byte, next, ..] = rest
        && !Tokens::Numbers.has(*byte)
    {
        return !gap::can_begin(*byte, Some(*next));
    }
    let mut behind = rest.iter().take(LOOK_BYTES);
    match behind.find(|byte| !Tokens::Numbers.has(**byte)) {
        Some(byte) => !gap::can_begin(*byte, None),
        None => last && rest.len() < LOOK_BYTES,
    }
}

/// What is known of the token at hand: triggers that stand in one token find the same, so that each byte is looked at once.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// It goes on unbroken from here…
    from: usize,
    /// …up to here.
    to: usize,
    /// What stands there, if that is known.
    end: Option<Broken>,
}

impl Run {
    /// As [`Tokens::look`], at a position that lies in the run or behind it.
    pub(super) fn look(
        &mut self,
        tokens: Tokens,
        window: Window<'_>,
        position: usize,
        within: usize,
        last: bool,
    ) -> Broken {
        if position < self.from || position > self.to {
            *self = Self {
                from: position,
                to: position,
                end: None,
            };
        }
        let limit = position + within;
        // Of what can be a gap's as well it takes one more to know.
        let is_plain = |byte| tokens.has(byte) && byte != b'=';
        let known = within + usize::from(!window.byte(limit - 1).is_some_and(is_plain));
        if self.to >= limit {
            return Broken::No(known);
        }
        while self.end.is_none() && self.to < limit {
            // A few more, for the next trigger.
            self.to += tokens.plain(window.range(self.to..limit + AHEAD_BYTES));
            if self.to >= limit {
                break;
            }
            match tokens.step(window, self.to, last) {
                Step::On(bytes) => self.to += bytes,
                Step::Broken(known) => self.end = Some(Broken::Yes(known)),
                Step::Ends(known) => self.end = Some(Broken::No(known)),
                Step::Unknown => return Broken::Unknown,
            }
        }
        match self.end {
            Some(Broken::Yes(known)) if self.to < limit => Broken::Yes(known - position),
            Some(Broken::No(known)) if self.to < limit => Broken::No(known - position),
            Some(_) | None => Broken::No(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is remembered is what one would see.
        #[test]
        fn a_run_finds_what_a_look_finds(
            text in "([0-9]{1,4}|[A-Za-z-]{1,3}|[ *\n]{1,2}|[ ]{7,10}|1{60}|a{300}| 1){0,14}",
            cut in 0usize..80,
        ) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            for tokens in [Tokens::Numbers, Tokens::Others] {
                let mut run = Run::default();
                for end in [cut, bytes.len()] {
                    let window = Window::new(&bytes[..end], 0);
                    let last = end == bytes.len();
                    for position in 1..=end {
                        // Triggers end with what is no gap.
                        if gap::is_gap(bytes[position - 1]) {
                            continue;
                        }
                        let within = tokens.broken_within(32 << (position % 4));
                        let expected = tokens.look(window, position, within, last);
                        prop_assert_eq!(run.look(tokens, window, position, within, last), expected, "{:?} {} {:?}", text, position, tokens);
                    }
                }
            }
        }
    }
}
