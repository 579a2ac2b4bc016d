//! Where texts go as they are read.

use portcullis_policy::{Batch, Edit, Refusal, Text};

/// What takes texts as they are read.
pub trait TextSink {
    /// Takes the model that the request asks for, before its first text. Only told by a reader that looks for it first.
    fn model(&mut self, model: &str) {
        let _ = model;
    }

    /// Takes the next piece of a text. Puts wishes for this text (and no other) into `edits`, and answers from which position on
    /// (bytes of the unescaped text from its beginning) the text is undecided; `None`: all of it so far is decided.
    ///
    /// # Errors
    /// The refusal that ends the exchange.
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal>;

    /// Which of several texts are to be told to [`Self::text`], a bit each, the first one's being the lowest: the others are nothing to anybody.
    fn sift(&mut self, batch: Batch<'_>) -> u64 {
        let _ = batch;
        u64::MAX
    }

    /// How many digits the integer part of a number has to have to be a text ([`portcullis_policy::Place::Number`]); `None`: none is one.
    fn numbers_from(&self) -> Option<usize> {
        None
    }

    /// Whether the text that was just told as a whole is nothing to anybody, and need not be told again when it comes once more at the same place
    /// of the message; of a number: whatever its digits are, as long as there are as many.
    fn dismisses(&self) -> bool {
        false
    }
}
