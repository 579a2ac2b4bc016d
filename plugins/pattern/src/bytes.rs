//! Sets of bytes.

/// Any subset of the 256 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSet {
    low: u128,
    high: u128,
}

impl ByteSet {
    /// All bytes.
    pub const ALL: Self = Self {
        low: u128::MAX,
        high: u128::MAX,
    };

    /// The bytes from `first` to `last`, both included.
    pub fn range(first: u8, last: u8) -> Self {
        let mut set = Self::default();
        for byte in first..=last {
            set.insert(byte);
        }
        set
    }

    /// Adds one byte.
    pub const fn insert(&mut self, byte: u8) {
        if byte < 128 {
            self.low |= 1 << byte;
        } else {
            self.high |= 1 << (byte - 128);
        }
    }

    /// Whether the byte is in it.
    #[inline]
    #[must_use]
    pub const fn contains(self, byte: u8) -> bool {
        // Words of 64 bits: a shift of 128 is a call in wasm.
        let half = if byte < 128 { self.low } else { self.high };
        let word = if byte & 64 == 0 { half } else { half >> 64 } as u64;
        word >> (byte & 63) & 1 == 1
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            low: self.low | other.low,
            high: self.high | other.high,
        }
    }

    /// How many bytes are in it.
    pub const fn len(self) -> u32 {
        self.low.count_ones() + self.high.count_ones()
    }

    /// Whether no byte is in it.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Every byte in it, in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let words = [self.low, self.low >> 64, self.high, self.high >> 64];
        let words = words.into_iter().zip([0, 64, 128, 192]);
        words.flat_map(|(word, first)| {
            let mut rest = word as u64;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as u8)?;
                rest &= rest - 1;
                Some(first + bit)
            })
        })
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::default();
        for byte in bytes {
            set.insert(byte);
        }
        set
    }
}
