//! Hashing for tables whose keys come from the policy or the host: nobody who sends requests can choose some that collide.

use std::hash::{BuildHasherDefault, Hash, Hasher};

/// For a [`std::collections::HashMap`] with such keys. The standard library's hash withstands who chooses keys, and takes ten times as long.
pub type Spread = BuildHasherDefault<SpreadHasher>;

/// Spreads eight bytes at a time over all bits: tables look at the lowest and the highest.
#[derive(Debug, Default)]
pub struct SpreadHasher(u64);

impl SpreadHasher {
    const fn mix(&mut self, word: u64) {
        // 2^64 divided by the golden ratio, see Knuth's multiplicative hashing.
        self.0 = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 ^= self.0 >> 32;
    }
}

impl Hasher for SpreadHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words
            .iter()
            .for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let last = rest
                .iter()
                .fold(0, |last, byte| last << 8 | u64::from(*byte));
            self.mix(last);
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }
}

/// The hash of a key.
pub(crate) fn spread(key: &[u8]) -> u64 {
    let mut hasher = SpreadHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_numbers_are_spread_over_the_bits_that_tables_look_at() {
        let names = (0..1024).map(|n| spread(format!("key-{n}").as_bytes()));
        let numbers = (0..1024u32).map(|n| {
            let mut hasher = SpreadHasher::default();
            hasher.write_u32(n);
            hasher.finish()
        });
        for hashes in [names.collect::<Vec<_>>(), numbers.collect()] {
            let different = |part: &dyn Fn(u64) -> u64| {
                hashes
                    .iter()
                    .map(|hash| part(*hash))
                    .collect::<HashSet<_>>()
                    .len()
            };
            // Of so many thrown at random into as many places 63 % hit one of their own.
            assert!(different(&|hash| hash % 1024) > 550);
            assert_eq!(different(&|hash| hash >> 57), 128);
        }
    }
}
