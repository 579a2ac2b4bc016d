//! How much text a document has.

/// Bytes of string values, unescaped.
#[derive(Debug, Default)]
pub(super) struct Amount {
    /// Of all.
    pub(super) text: u64,
    /// Of those below [`crate::formats::Meaning::Completion`].
    pub(super) completion: u64,
    /// How deep the completion began, while within it.
    within: Option<usize>,
}

impl Amount {
    /// Takes so many bytes more, which may be a completion by themselves.
    #[inline]
    pub(super) fn add(&mut self, bytes: usize, is_completion: bool) {
        self.text += bytes as u64;
        if is_completion || self.within.is_some() {
            self.completion += bytes as u64;
        }
    }

    /// A completion begins, as the array or object that makes the depth what it is.
    #[inline]
    pub(super) fn enter(&mut self, depth: usize) {
        self.within.get_or_insert(depth);
    }

    /// An array or object ended that made the depth what it was.
    #[inline]
    pub(super) fn leave(&mut self, depth: usize) {
        self.within.take_if(|within| *within == depth);
    }
}
