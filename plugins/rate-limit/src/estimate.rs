//! Tokens, where nobody has counted them.

use portcullis_policy::{RequestMeaning, ResponseMeaning};

/// Bytes of a picture in base64 for each token that it is taken for. Providers count a picture by its size in pixels, up to about 1600
/// tokens, which is a picture of 100 kB; as text it would be sixteen times as many.
const PICTURE_BYTES_PER_TOKEN: u64 = 64;

/// Tokens of a prompt.
pub(crate) fn prompt(meaning: &RequestMeaning, ratio: Ratio) -> u64 {
    let pictures = meaning.picture_bytes.div_ceil(PICTURE_BYTES_PER_TOKEN);
    ratio.tokens(meaning.text_bytes).saturating_add(pictures)
}

/// Tokens for each byte of text, in units of 2^-16. How long a token is depends on the tokenizer and on the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ratio(pub u32);

impl Ratio {
    /// One token.
    pub const ONE: u32 = 1 << 16;

    /// Where nothing was learned: four bytes to a token, as the tokenizers in use have them for English.
    pub const DEFAULT: Self = Self(Self::ONE / 4);

    /// The least that is believed: eight bytes to a token. Protects the limits from who teaches with long runs of one character, which
    /// are few tokens, and then asks with text.
    pub const MIN: Self = Self(Self::ONE / 8);

    /// The most that is believed: no tokenizer in use makes more than one token of a byte.
    pub const MAX: Self = Self(Self::ONE);

    /// The ratio of so many tokens to so many bytes, as far as it is believed.
    pub fn of(tokens: u64, bytes: u64) -> Self {
        let ratio = u128::from(tokens) * u128::from(Self::ONE) / u128::from(bytes.max(1));
        Self(u32::try_from(ratio).unwrap_or(u32::MAX)).clamp(Self::MIN, Self::MAX)
    }

    /// Tokens of so many bytes of text.
    pub fn tokens(self, bytes: u64) -> u64 {
        let tokens = (u128::from(bytes) * u128::from(self.0)).div_ceil(u128::from(Self::ONE));
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }
}

/// What a request reserved, by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reserve {
    /// Estimate of the prompt.
    pub prompt: u64,
    /// The cap that the request names, all answers together.
    pub cap: Option<u64>,
    /// What the policy reserves in place of a cap.
    pub cap_default: u64,
    /// How text is counted that the provider did not count.
    pub ratio: Ratio,
}

impl Reserve {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.prompt
            .saturating_add(self.cap.unwrap_or(self.cap_default))
    }

    /// What a request is charged that a provider got, by the table at the top of this crate.
    pub fn used(&self, response: &ResponseMeaning) -> u64 {
        let seen = self
            .ratio
            .tokens(response.text_bytes)
            .min(self.cap.unwrap_or(u64::MAX));
        match response.usage {
            Some(usage) if response.complete => usage.input.saturating_add(usage.output),
            // A count of the completion that came before its end may be from its beginning.
            Some(usage) => usage.input.saturating_add(usage.output.max(seen)),
            None if !(200..300).contains(&response.status) => 0,
            None if response.complete && response.text_bytes == 0 => self.total(),
            None => self.prompt.saturating_add(seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::Usage;

    #[test]
    fn what_is_charged() {
        let reserve = |cap| Reserve {
            prompt: 100,
            cap,
            cap_default: 1024,
            ratio: Ratio::DEFAULT,
        };
        assert_eq!(
            [
                reserve(Some(50)).total(),
                reserve(None).total(),
                reserve(Some(u64::MAX)).total()
            ],
            [150, 1124, u64::MAX]
        );
        let usage = |input, output| Some(Usage { input, output });
        for (status, usage, text_bytes, complete, cap, expected) in [
            (200, usage(80, 20), 400, true, None, 100),
            (200, usage(80, 2000), 400, true, Some(50), 2080),
            (200, usage(80, 1), 400, false, None, 180),
            (200, usage(80, 1), 400, false, Some(50), 130),
            (200, None, 401, true, None, 201),
            (200, None, 401, false, Some(50), 150),
            (200, None, 0, false, None, 100),
            (200, None, 0, true, None, 1124),
            (529, None, 400, true, None, 0),
            (302, None, 0, true, None, 0),
            (500, usage(80, 20), 400, true, None, 100),
        ] {
            let response = ResponseMeaning {
                status,
                usage,
                text_bytes,
                complete,
            };
            assert_eq!(
                reserve(cap).used(&response),
                expected,
                "{response:?} {cap:?}"
            );
        }
    }

    #[test]
    fn ratios() {
        assert_eq!(Ratio::DEFAULT.tokens(401), 101);
        assert_eq!(Ratio::MAX.tokens(u64::MAX), u64::MAX);
        assert_eq!(Ratio::of(1, 2).tokens(100), 50);
        assert_eq!(
            (Ratio::of(0, 0), Ratio::of(u64::MAX, 1)),
            (Ratio::MIN, Ratio::MAX)
        );
    }
}
