//! Ids and salts from the seed that a VM gets when it starts.

use crate::seal::SALT_BYTES;
use portcullis_policy::sha256;

/// A stream of unpredictable bytes: SHA-256 of the seed and a counter. Who knows some of it learns nothing of the rest.
pub(crate) struct Random {
    seed: [u8; 32],
    counter: u64,
    spare: Option<[u8; SALT_BYTES]>,
}

impl Random {
    pub const fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            counter: 0,
            spare: None,
        }
    }

    /// The next 16 bytes; one digest gives two of them.
    pub fn next(&mut self) -> [u8; SALT_BYTES] {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let bytes = sha256(&[&self.seed, &self.counter.to_le_bytes()]);
        self.counter += 1;
        let (mut one, mut other) = ([0; SALT_BYTES], [0; SALT_BYTES]);
        one.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        other
            .iter_mut()
            .zip(bytes.into_iter().skip(SALT_BYTES))
            .for_each(|(to, from)| *to = from);
        self.spare = Some(other);
        one
    }
}
