//! A stretch of text that stands for another one, character by character: where it begins is seen from the bytes of a block, then it is followed
//! until it ends, and what it stands for is a text of its own.

/// How far back the beginning of a stretch is searched.
const BACK_BYTES_MAX: usize = 256;

/// Most bytes that are read at once.
const REGION_BYTES_MAX: usize = 4096;

/// Fewest characters that are worth a look: the shortest number with a checksum.
pub(super) const TEXT_BYTES_MIN: usize = 9;

/// Follows stretches through a text.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    open: Option<Stretch>,
    /// What begins before was looked at.
    done: usize,
}

/// One that goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) start: usize,
    /// Up to here all is certain.
    pub(super) end: usize,
    /// From here on it is looked at next.
    pub(super) at: usize,
}

impl Stretch {
    /// How many more bytes are read of it at once.
    pub(super) fn most(&self) -> usize {
        (self.start + REGION_BYTES_MAX).saturating_sub(self.at)
    }
}

impl Stretches {
    /// From where on the view is needed, and undecided.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.open.map(|open| open.start)
    }

    /// Whether one may begin at a position.
    pub(super) const fn may_begin(&self, position: usize) -> bool {
        self.open.is_none() && position >= self.done
    }

    /// Where one that was seen at a position may begin.
    pub(super) fn floor(&self, position: usize) -> usize {
        self.done.max(position.saturating_sub(BACK_BYTES_MAX))
    }

    /// One begins, or goes on.
    pub(super) const fn follow(&mut self, stretch: Stretch) {
        self.open = Some(stretch);
    }

    /// The one that goes on.
    pub(super) const fn take(&mut self) -> Option<Stretch> {
        self.open.take()
    }

    /// It ends here.
    pub(super) const fn end(&mut self, end: usize) {
        self.done = end;
    }
}

/// Bits of the last sixty-four bytes, of which these are `len` new ones; the last one's is the highest.
#[inline]
pub(super) const fn history(before: u64, now: u64, len: usize) -> u64 {
    match len {
        64.. => now,
        _ => before >> len | now << (64 - len),
    }
}
