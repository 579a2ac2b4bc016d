//! Tokens, where nobody has counted them.

use portcullis_policy::ResponseMeaning;

/// Bytes of text that make about one token in the tokenizers in use, for English; other languages have fewer bytes to a token, so that
/// an estimate is low for them until the provider's own count corrects it.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens of so many bytes of text.
pub(crate) const fn tokens(text_bytes: u64) -> u64 {
    text_bytes.div_ceil(BYTES_PER_TOKEN)
}

/// What a request reserved, by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reserve {
    /// Estimate of the prompt.
    pub prompt: u64,
    /// The cap that the request names.
    pub cap: Option<u64>,
    /// What the policy reserves in place of a cap.
    pub cap_default: u64,
}

impl Reserve {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.prompt
            .saturating_add(self.cap.unwrap_or(self.cap_default))
    }

    /// What a request that was answered is charged:
    ///
    /// - the provider's own count, where it came. When the answer was cut off, its count of the completion may be from its beginning;
    ///   then the text that was seen counts if it is more.
    /// - nothing for an error without a count;
    /// - else the estimate of the prompt and of the text that was seen, at most as much of it as the request allowed.
    pub fn used(&self, response: &ResponseMeaning) -> u64 {
        let seen = tokens(response.text_bytes).min(self.cap.unwrap_or(u64::MAX));
        match response.usage {
            Some(usage) if response.complete => usage.input.saturating_add(usage.output),
            Some(usage) => usage.input.saturating_add(usage.output.max(seen)),
            None if response.status >= 400 => 0,
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
            (529, None, 400, true, None, 0),
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
}
