//! The key whose value comes next.

use crate::json::Raw;
use std::ops::Range;

/// A key of a document that is kept.
#[derive(Debug, Default)]
pub(super) struct Key {
    /// Where it stands…
    place: Range<usize>,
    /// …and what it means, if that is not what is written there.
    meaning: String,
}

impl Key {
    /// None.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.place = 0..0;
        self.meaning.clear();
    }

    #[inline]
    pub(super) fn set(&mut self, raw: Raw<'_>, key: &str) {
        self.place = raw.at..raw.at + raw.text.len();
        if raw.escaped {
            self.meaning.push_str(key);
        }
    }

    /// Where it stands, if what is written there is what it means.
    #[inline]
    pub(super) fn place(&self) -> Option<Range<usize>> {
        self.meaning.is_empty().then(|| self.place.clone())
    }

    #[inline]
    pub(super) fn of<'a>(&'a self, body: &'a str) -> &'a str {
        if self.meaning.is_empty() {
            body.get(self.place.clone()).unwrap_or_default()
        } else {
            &self.meaning
        }
    }
}
