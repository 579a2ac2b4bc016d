//! How a string begins, for those who need no more of it.

/// Bytes of a string that an observer is shown: protects from copies of what nobody reads whole. Longer than any model's name and any
/// media type.
pub(crate) const HEAD_BYTES_MAX: usize = 1024;

/// The beginning of a string, also when it comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Head {
    text: String,
    /// The string is longer than that.
    cut: bool,
}

impl Head {
    /// Takes a piece; with the last one, says how the string begins and whether that is all of it.
    pub(super) fn of<'a>(
        &'a mut self,
        piece: &'a str,
        first: bool,
        last: bool,
    ) -> Option<(&'a str, bool)> {
        if first {
            self.text.clear();
            self.cut = false;
        }
        let room = HEAD_BYTES_MAX.saturating_sub(self.text.len());
        let fits = piece
            .get(..piece.floor_char_boundary(room))
            .unwrap_or_default();
        self.cut |= fits.len() < piece.len();
        if first && last {
            return Some((fits, !self.cut));
        }
        self.text.push_str(fits);
        last.then_some((self.text.as_str(), !self.cut))
    }
}
